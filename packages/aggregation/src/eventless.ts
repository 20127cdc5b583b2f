/**
 * Identities without events: their accumulators are all 0, so that their moments are known from how many there are, or, of a measure that has
 * traits, from those of {@link idleMeasures} over all identities and over those with events.
 */
import { Moments } from "@assay/model"
import { mapLeaves } from "./Constants.ts"
import { accumulatorOf, leaves, type Measure, measures, type Plan, type PlannedColumn } from "./Plan.ts"

/** The value of a unit column for an identity without events, in an arm by its rank. */
const valueOf = (column: PlannedColumn, arm: number): number => {
  switch (column.kind) {
    case "planned":
    case "size":
    case "atMost":
      return 0
    case "constant":
      return column.value
    case "ofArm":
      return column.values[arm]!
    case "trait":
    case "hasTrait":
    case "found":
    case "list":
      throw new RangeError(`An identity without events doesn't say what its column of kind ${column.kind} is`)
    default: {
      const [left, right] = [valueOf(column.left, arm), valueOf(column.right, arm)]
      switch (column.kind) {
        case "add":
          return left + right
        case "subtract":
          return left - right
        case "multiply":
          return left * right
        case "divide":
          return right === 0 ? 0 : left / right
        case "least":
          return Math.min(left, right)
        case "greatest":
          return Math.max(left, right)
        case "atLeast":
          return left >= right ? 1 : 0
      }
    }
  }
}

/** The moments of `n` identities of an arm (by its rank) that have no events. */
export const eventlessMoments = ({ columns }: Measure, arm: number, n: number): Moments.Moments => {
  const values = columns.map((column) => valueOf(column, arm))
  return {
    n,
    sums: values.map((a) => n * a),
    products: values.map((a) => values.map((b) => n * a * b)),
    comoments: values.map(() => values.map(() => 0))
  }
}

/** A measure, and its place among those of its plan. */
export interface MeasureAt {
  readonly m: number
  readonly measure: Measure
}

/** Those measures of a plan that have traits, as they would be if nobody had events. */
export const idleMeasures = (plan: Pick<Plan, "metrics">): ReadonlyArray<MeasureAt> =>
  measures(plan).flatMap((measure, m) =>
    measure.columns.flatMap(leaves).some(({ kind }) => kind === "trait" || kind === "hasTrait")
      ? [{
        m,
        measure: {
          ...measure,
          columns: measure.columns.map((column) =>
            mapLeaves(column, (leaf) => accumulatorOf(leaf) === undefined ? leaf : { kind: "constant", value: 0 })
          )
        }
      }]
      : []
  )

/** The moments of identities without events, from those of all as if nobody had any, and of those with events likewise. */
export const withoutEventful = (all: Moments.Moments, eventful: Moments.Moments): Moments.Moments => {
  const rest = Moments.without(all, eventful)
  return { ...rest, comoments: rest.comoments.map((line, i) => line.map((c, j) => (i === j ? Math.max(0, c) : c))) }
}
