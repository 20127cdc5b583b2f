/** From rows to aggregates: every column by its name, every number checked. */
import { DecodeError, Moments } from "@assay/model"
import { Result } from "effect"
import { type Measure, measures, type Plan } from "./Plan.ts"
import { rankedArms } from "./statement/exposures.ts"
import { countColumn, momentColumns, placements, ripeTimes } from "./statement/moments.ts"
import { isSharded } from "./statement/table.ts"

/** What the statement of a plan says, per arm and over all. Counts are of identities or of rows, as named. */
export interface Aggregates {
  /** Identities per arm, every declared variant included. */
  readonly identities: Readonly<Record<string, number>>
  /** Moments per metric, in the order of the plan, and arm; `n` counts the identities old enough for the metric. */
  readonly moments: ReadonlyArray<Readonly<Record<string, Moments.Moments>>>
  /** Per metric what it reports beside its value, in the order of the plan: moments by arm. */
  readonly reported: ReadonlyArray<ReadonlyArray<Readonly<Record<string, Moments.Moments>>>>
  /** Per metric and arm: identities whose window isn't over yet, so that they are left out of the metric. */
  readonly immature: ReadonlyArray<Readonly<Record<string, number>>>
  /** Identities seen in more than one variant and therefore in no arm. */
  readonly quarantined: number
  /** Identities that were seen in undeclared variants only. */
  readonly undeclaredIdentities: number
  /** Identities that were seen in undeclared variants (the empty one included), in declared ones as well or not. */
  readonly undeclaredExposed: number
  /** Exposures and metric events (rows) whose identity is empty. */
  readonly namelessExposures: number
  readonly namelessEvents: number
  /** Metric events of identities in an arm that came before their first exposure. */
  readonly earlyEvents: number
  /** Rows that repeated another one and fell out; undefined where repeated rows weren't looked for. */
  readonly repeatedEvents: number | undefined
  /** Per metric: events that would count but carry no usable number. */
  readonly unusableValues: ReadonlyArray<number>
  /** The newest metric event of an exposed identity, in milliseconds since 1970-01-01 UTC. */
  readonly latestEvent: number | undefined
}

type Row = Readonly<Record<string, unknown>>

class Unexpected extends Error {}

const cell = (row: Row, column: string): unknown => {
  if (!Object.hasOwn(row, column)) throw new Unexpected(`the column ${column} is missing`)
  return row[column]
}

const count = (row: Row, column: string): number => {
  const value = cell(row, column)
  const number = typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value)) ? Number(value) : NaN
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new Unexpected(`${column} is ${JSON.stringify(value)}, which isn't a count that can be held exactly`)
  }
  return number
}

const real = (row: Row, column: string): number => {
  const value = cell(row, column)
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new Unexpected(`${column} is ${JSON.stringify(value)}, which isn't a finite number`)
  }
  return value === 0 ? 0 : value
}

const unusable = (plan: Plan, error: Unexpected): DecodeError =>
  new DecodeError({
    message: `The answer for experiment ${plan.experiment.key} can't be used: ${error.message}`,
    hint: "If a metric multiplies or divides values, its numbers may be too large; " +
      "else report it with the statement that `assay explain` shows"
  })

const momentsOf = (measure: Measure, m: number, counted: string, row: Row): Moments.Moments => {
  const k = measure.columns.length
  const symmetric = (name: "product" | "comoment") =>
    Array.from(
      { length: k },
      (_, i) => Array.from({ length: k }, (_, j) => real(row, momentColumns(m, Math.min(i, j), Math.max(i, j))[name]))
    )
  return {
    n: count(row, counted),
    sums: Array.from({ length: k }, (_, i) => real(row, momentColumns(m, i, i).sum)),
    products: symmetric("product"),
    comoments: symmetric("comoment").map((line, i) => line.map((value, j) => (i === j ? Math.max(0, value) : value)))
  }
}

/** The metric that a measure belongs to, by its place among {@link measures}. */
const ownerOf = (plan: Plan, m: number): string =>
  [
    ...plan.metrics.map(({ key }) => key),
    ...plan.metrics.flatMap(({ key, reported }) => reported.map(() => key))
  ][m]!

/** The moments of every measure of a plan, by arm. */
const allMoments = (
  plan: Plan,
  ofArm: (arm: string) => ReadonlyArray<Row>
): ReadonlyArray<Readonly<Record<string, Moments.Moments>>> => {
  const all = measures(plan)
  const ripe = ripeTimes(all)
  return all.map((measure, m) => {
    const read = (row: Row) => {
      try {
        return momentsOf(measure, m, countColumn(measure, ripe), row)
      } catch (error) {
        throw error instanceof Unexpected ? new Unexpected(`metric ${ownerOf(plan, m)}: ${error.message}`) : error
      }
    }
    return Object.fromEntries(
      plan.arms.map((arm) => [arm, ofArm(arm).map(read).reduce(Moments.merge, Moments.empty(measure.columns.length))])
    )
  })
}

const sum = (rows: ReadonlyArray<Row>, column: string): number =>
  rows.reduce((total, row) => total + count(row, column), 0)

/**
 * The aggregates in the rows of a plan's statement. An arm without a row has no identity. Fails with a DecodeError where a
 * column is missing, a count isn't exact, or a number isn't finite.
 */
export const decodeAggregates = (plan: Plan, rows: ReadonlyArray<Row>): Result.Result<Aggregates, DecodeError> => {
  try {
    const at = (placement: (typeof placements)[number]) =>
      rows.filter((row) => placements[count(row, "place")] === placement)
    const ranks = rankedArms(plan)
    const inArms = at("arm")
    const byArm = new Map<string, ReadonlyArray<Row>>()
    for (const row of inArms) {
      const arm = ranks[count(row, "arm")]
      if (arm === undefined || (byArm.has(arm) && !isSharded(plan))) {
        throw new Unexpected(`there is no such arm, or it is there twice: ${JSON.stringify(row["arm"])}`)
      }
      byArm.set(arm, [...(byArm.get(arm) ?? []), row])
    }
    const ofArm = (arm: string) => byArm.get(arm) ?? []
    const named = rows.filter((row) => placements[count(row, "place")] !== "nameless")
    const latest = Math.max(0, ...named.map((row) => count(row, "latest_event")))
    const identities: Readonly<Record<string, number>> = Object.fromEntries(
      plan.arms.map((arm) => [arm, sum(ofArm(arm), "n")])
    )
    const moments = allMoments(plan, ofArm)
    return Result.succeed({
      identities,
      moments: moments.slice(0, plan.metrics.length),
      reported: plan.metrics.map((_, m) => {
        const before = plan.metrics.slice(0, m).reduce((total, { reported }) => total + reported.length, 0)
        const at = plan.metrics.length + before
        return moments.slice(at, at + plan.metrics[m]!.reported.length)
      }),
      immature: plan.metrics.map((_, m) =>
        Object.fromEntries(plan.arms.map((arm) => [arm, identities[arm]! - moments[m]![arm]!.n]))
      ),
      quarantined: sum(at("quarantined"), "n"),
      undeclaredIdentities: sum(at("undeclared"), "n"),
      undeclaredExposed: sum(named, "undeclared"),
      namelessExposures: sum(at("nameless"), "nameless_exposures"),
      namelessEvents: sum(at("nameless"), "early_events"),
      earlyEvents: sum(inArms, "early_events"),
      repeatedEvents: plan.deduplication.policy === "none" ? undefined : sum(named, "repeated_events"),
      unusableValues: plan.metrics.map(({ streams }) =>
        streams.reduce(
          (total, stream) => total + (plan.streams[stream]!.reads === "nothing" ? 0 : sum(inArms, `unusable${stream}`)),
          0
        )
      ),
      latestEvent: latest === 0 ? undefined : plan.reads.from + latest - 1
    })
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error
    return Result.fail(unusable(plan, error))
  }
}

/** Undeclared variants by name, with the identities seen in each, most first; `variants` counts unlisted ones, too. */
export interface UndeclaredVariants {
  readonly variants: number
  readonly listed: ReadonlyArray<{ readonly variant: string; readonly identities: number }>
}

/** What the rows of a plan's `compileUndeclared` statement say. Fails as {@link decodeAggregates} does. */
export const decodeUndeclared = (
  plan: Plan,
  rows: ReadonlyArray<Row>
): Result.Result<UndeclaredVariants, DecodeError> => {
  try {
    return Result.succeed({
      variants: rows.length === 0 ? 0 : count(rows[0]!, "variants"),
      listed: rows.map((row) => ({ variant: String(cell(row, "variant")), identities: count(row, "identities") }))
    })
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error
    return Result.fail(unusable(plan, error))
  }
}
