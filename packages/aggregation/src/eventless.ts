/**
 * Identities without events: where the statement counts all identities apart from those that have an event (`talliedMoments`), the
 * difference is of identities whose accumulators are all 0, so that their moments are known.
 */
import { Moments } from "@assay/model"
import { count, type Row, Unexpected } from "./cells.ts"
import { measures, type Plan, type PlannedColumn } from "./Plan.ts"
import { metricMoments, momentCells } from "./rowMoments.ts"
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

/**
 * The rows of an answer (or of `several` that make the whole) that tallies identities apart as those of one that doesn't: for each place, arm
 * and part a row of all identities. Rows without tallies are given back as they are. An exposure that arrives between the two reads of a
 * statement is taken as having come before both.
 */
export const completed = (plan: Plan, rows: ReadonlyArray<Row>, several: boolean): ReadonlyArray<Row> => {
  if (!rows.some(isTally)) return rows
  const { long } = strategyOf(plan)
  const all = measures(plan)
  const ripe = ripeTimes(all)
  const repeated = plan.deduplication.policy === "none" ? [] : ["repeated_events"]
  const unusable = plan.streams.flatMap(({ reads }, s) => (reads === "nothing" ? [] : [{ s, ...long?.streams[s] }]))
  const keyOf = (row: Row) => ["place", "arm", "part"].map((column) => count(row, column)).join()
  const eventOf = (row: Row) => (long === undefined ? 0 : count(row, "event"))
  return [...Map.groupBy(rows, keyOf).values()].map((ofKey): Row => {
    const [tallies, own] = [ofKey.filter(isTally), ofKey.filter((row) => !isTally(row))]
    const byEvent = Map.groupBy(own, eventOf)
    const first = ofKey[0]!
    if (!several && [tallies, ...byEvent.values()].some(({ length }) => length > 1)) {
      throw new Unexpected(`there is no such arm, or it is there twice: ${JSON.stringify(first["arm"])}`)
    }
    const arm = count(first, "arm")
    const found = all.map((measure, m) => {
      const { at = m, event = 0 } = long === undefined ? {} : { ...long.measures[m]! }
      const counted = countColumn(measure, ripe)
      const moments = (byEvent.get(event) ?? []).map((row) => metricMoments(plan, measure, m, counted, row, at))
      return { counted, moments: moments.reduce(Moments.merge, Moments.empty(measure.columns.length)) }
    })
    const counts = Object.fromEntries(
      ["n", ...ripe.map((_, i) => `n${i}`)].map((column) => {
        const present = found.flatMap(({ counted, moments }) => (counted === column ? [moments.n] : []))
        return [column, Math.max(sum(tallies, column), ...present)]
      })
    )
    const cells = found.map(({ counted, moments }, m) => {
      const without = all[m]!.columns.map((column) => valueOf(column, arm))
      return momentCells(Moments.merge(moments, constantMoments(without, counts[counted]! - moments.n)), m)
    })
    return {
      place: first["place"],
      arm: first["arm"],
      part: first["part"],
      ...counts,
      ...Object.fromEntries(["early_events", ...repeated].map((column) => [column, sum(own, column)])),
      latest_event: Math.max(0, ...own.map((row) => count(row, "latest_event"))),
      ...Object.fromEntries(["nameless_exposures", "undeclared"].map((column) => [column, sum(tallies, column)])),
      ...Object.fromEntries(
        unusable.map(({ at, event = 0, s }) => [`unusable${s}`, sum(byEvent.get(event) ?? [], `unusable${at ?? s}`)])
      ),
      ...Object.assign({}, ...cells)
    }
  })
}
