/**
 * Identities without events: where the statement counts all identities apart from those that have an event (`talliedMoments`), the
 * difference is of identities whose accumulators are all 0, so that their moments are known.
 */
import { Moments, recordOf } from "@assay/model"
import { count, type Row, Unexpected } from "./cells.ts"
import { measures, type Plan, type PlannedColumn } from "./Plan.ts"
import { metricMomentsReader } from "./rowMoments.ts"
import { countColumn, ripeTimes } from "./statement/moments.ts"
import { strategyOf } from "./Strategy.ts"

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

const isTally = (row: Row): boolean => Object.hasOwn(row, "tally") && count(row, "tally") === 1

/** The moments of `n` identities with the same values. */
const constantMoments = (values: ReadonlyArray<number>, n: number): Moments.Moments => ({
  n,
  sums: values.map((a) => n * a),
  products: values.map((a) => values.map((b) => n * a * b)),
  comoments: values.map(() => values.map(() => 0))
})

const sum = (rows: ReadonlyArray<Row>, column: string): number =>
  rows.reduce((total, row) => total + count(row, column), 0)

/** Rows of an answer, and the moments of the `m`-th measure of the plan in one of them. */
export interface Completed {
  readonly rows: ReadonlyArray<Row>
  readonly momentsOf: (row: Row, m: number) => Moments.Moments
}

/** Rows that are complete as they are. */
const asTheyAre = (plan: Plan, rows: ReadonlyArray<Row>): Completed => {
  const all = measures(plan)
  const ripe = ripeTimes(all)
  const readers = all.map((measure, m) => metricMomentsReader(plan, measure, m, countColumn(measure, ripe)))
  return { rows, momentsOf: (row, m) => readers[m]!(row) }
}

/**
 * The rows of an answer (or of `several` that make the whole) that tallies identities apart as those of one that doesn't: for each place, arm
 * and part a row of all identities. Rows without tallies are given back as they are. An exposure that arrives between the two reads of a
 * statement is taken as having come before both.
 */
export const completed = (plan: Plan, rows: ReadonlyArray<Row>, several: boolean): Completed => {
  if (!rows.some(isTally)) return asTheyAre(plan, rows)
  const { long } = strategyOf(plan)
  const all = measures(plan)
  const ripe = ripeTimes(all)
  const readable = all.map((measure, m) => {
    const { at = m, event = 0 } = long?.measures[m] ?? {}
    const counted = countColumn(measure, ripe)
    return { measure, counted, event, read: metricMomentsReader(plan, measure, m, counted, at) }
  })
  const repeated = plan.deduplication.policy === "none" ? [] : ["repeated_events"]
  const unusable = plan.streams.flatMap(({ reads }, s) => {
    const { at = s, event = 0 } = long?.streams[s] ?? {}
    return reads === "nothing" ? [] : [{ event, of: `unusable${at}`, as: `unusable${s}` }]
  })
  const keyOf = (row: Row) => `${count(row, "place")},${count(row, "arm")},${count(row, "part")}`
  const eventOf = (row: Row) => (long === undefined ? 0 : count(row, "event"))
  const momentsOfRows = new Map<Row, ReadonlyArray<Moments.Moments>>()
  for (const ofKey of Map.groupBy(rows, keyOf).values()) {
    const [tallies, own] = [ofKey.filter(isTally), ofKey.filter((row) => !isTally(row))]
    const byEvent = Map.groupBy(own, eventOf)
    const first = ofKey[0]!
    if (!several && [tallies, ...byEvent.values()].some(({ length }) => length > 1)) {
      throw new Unexpected(`there is no such arm, or it is there twice: ${JSON.stringify(first["arm"])}`)
    }
    const arm = count(first, "arm")
    const eventful = readable.map(({ event, measure, read }) =>
      Moments.mergeAll(measure.columns.length, (byEvent.get(event) ?? []).map(read))
    )
    const counts = recordOf(["n", ...ripe.map((_, i) => `n${i}`)], (column) =>
      eventful.reduce(
        (most, { n }, m) => (readable[m]!.counted === column ? Math.max(most, n) : most),
        sum(tallies, column)
      ))
    const moments = readable.map(({ counted, measure }, m) => {
      const without = measure.columns.map((column) => valueOf(column, arm))
      const present = eventful[m]!
      return Moments.merge(present, constantMoments(without, counts[counted]! - present.n))
    })
    momentsOfRows.set({
      place: first["place"],
      arm: first["arm"],
      part: first["part"],
      ...counts,
      ...recordOf(["early_events", ...repeated], (column) => sum(own, column)),
      latest_event: Math.max(0, ...own.map((row) => count(row, "latest_event"))),
      ...recordOf(["nameless_exposures", "undeclared"], (column) => sum(tallies, column)),
      ...Object.fromEntries(unusable.map(({ as, event, of }) => [as, sum(byEvent.get(event) ?? [], of)]))
    }, moments)
  }
  return { rows: [...momentsOfRows.keys()], momentsOf: (row, m) => momentsOfRows.get(row)![m]! }
}
