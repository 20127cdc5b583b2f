/**
 * Constants: numbers of the data that the statement can't be written without, such as an exact quantile of unit values. A first
 * statement (`compileConstants`) finds them, {@link withConstants} puts them into the plan, and from then on the plan is like any other.
 */
import type { Measure, Plan, PlannedColumn, PlannedLeaf } from "./Plan.ts"
import { rankedArms } from "./statement/exposures.ts"

/**
 * An exact quantile of the unit values of identities in arms that are old enough: the value at the place ⌊level × n⌋, from 0, of the n
 * values in order. It is one that occurs, and the same for the same data.
 */
export interface PlannedConstant {
  readonly kind: "quantile"
  /** At least 0 and less than 1. */
  readonly level: number
  /** Further levels, from 0 to 1, whose quantiles are found, too. */
  readonly around?: ReadonlyArray<number>
  /** A unit column, or a list, all of whose values count. */
  readonly column: PlannedColumn
  readonly ripeUntil: number | undefined
  /** Which values: every identity's, or those other than 0. */
  readonly of: "all" | "nonzero"
  /** One quantile over all arms together, or one for each. */
  readonly over: "arms" | "arm"
}

/**
 * What the first statement found of a constant, once or for each arm in the order of the plan: of how many values, the quantile
 * (undefined where there is none), and those at the levels around it, where they were asked for.
 */
export type FoundConstant = ReadonlyArray<
  { readonly n: number; readonly value: number | undefined; readonly around?: ReadonlyArray<number> }
>

/** How many values there are of a constant: one, or one for each arm. */
export const valuesOf = ({ arms }: Plan, { over }: PlannedConstant): number => (over === "arms" ? 1 : arms.length)

/** A column with its leaves replaced. */
export const mapLeaves = (column: PlannedColumn, leaf: (one: PlannedLeaf) => PlannedColumn): PlannedColumn =>
  column.kind === "constant"
    ? column
    : "left" in column
    ? { ...column, left: mapLeaves(column.left, leaf), right: mapLeaves(column.right, leaf) }
    : leaf(column.kind === "atMost" ? { ...column, limit: mapLeaves(column.limit, leaf) } : column)

/** A plan with another column for each of those that moments are taken of. */
const mapColumns = (plan: Plan, map: (column: PlannedColumn) => PlannedColumn): Plan => {
  const mapped = <M extends Measure>(measure: M): M => ({ ...measure, columns: measure.columns.map(map) })
  return {
    ...plan,
    metrics: plan.metrics.map((metric) => ({
      ...mapped(metric),
      cap: metric.cap && { ...metric.cap, limit: map(metric.cap.limit), uncapped: mapped(metric.cap.uncapped) },
      reported: metric.reported.map((one) => ({ ...one, measure: mapped(one.measure) }))
    }))
  }
}

/** The plan with what its first statement found in the place of its constants; 0 where there is no value. */
export const withConstants = (plan: Plan, found: ReadonlyArray<FoundConstant>): Plan => {
  const ranks = rankedArms(plan).map((arm) => plan.arms.indexOf(arm))
  const known = (index: number): PlannedColumn => {
    const value = (arm: number) => found[index]?.[arm]?.value ?? 0
    return plan.constants[index]!.over === "arms"
      ? { kind: "constant", value: value(0) }
      : { kind: "ofArm", values: ranks.map(value) }
  }
  const complete = mapColumns(
    plan,
    (column) => mapLeaves(column, (leaf) => (leaf.kind === "found" ? known(leaf.index) : leaf))
  )
  return {
    ...complete,
    metrics: complete.metrics.map(({ quantile, ...metric }) => ({
      ...metric,
      quantile: quantile && {
        ...quantile,
        values: plan.arms.map((_, arm) => found[quantile.constant]?.[arm]?.around ?? [])
      }
    })),
    constants: []
  }
}
