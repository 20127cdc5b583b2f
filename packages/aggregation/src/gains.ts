/** Gains: what events added to the moments of a series, in the rows of an answer that has increments. */
import { Moments, recordOf } from "@assay/model"
import { cell, count, real, type Row, Unexpected } from "./cells.ts"
import { eventlessMoments } from "./eventless.ts"
import { incremented } from "./Increments.ts"
import { groupPart } from "./Parts.ts"
import { type Measure, measures, type Plan } from "./Plan.ts"
import type { MomentsReader } from "./rowMoments.ts"
import { fromKey, incrementColumn, shapeSums } from "./statement/increments.ts"
import { countColumn, ripeTimes } from "./statement/moments.ts"
import { ages } from "./statement/timeline.ts"
import type { Strategy } from "./Strategy.ts"

/** What a row speaks of. */
export const keyOf = (row: Row): string => `${count(row, "place")},${count(row, "arm")},${count(row, "part")}`

/** Sums and products as they are added up, of a metric. */
interface Gained {
  readonly sums: Array<number>
  readonly products: Array<Array<number>>
}

const nothingGained = ({ columns }: Measure): Gained => ({
  sums: columns.map(() => 0),
  products: columns.map(() => columns.map(() => 0))
})

/** What events added to the metrics of a plan with increments, by what the rows of its series would be about, and by metric. */
const gainedIn = (
  plan: Plan,
  { increments, long }: Strategy,
  own: ReadonlyArray<Row>
): ReadonlyMap<string, ReadonlyMap<number, Gained>> => {
  const gained = new Map<string, Map<number, Gained>>()
  if (increments === undefined) return gained
  const groups = ages(plan)
  const metrics = plan.metrics.map((metric, m) => ({
    m,
    metric,
    first: groupPart(groups.indexOf(metric.age)),
    ...(long === undefined ? { event: 0, at: m } : long.measures[m]!)
  }))
  const placed = incremented(increments)
  const about = (event: number, measure: number) => `${event},${measure}`
  const ofMeasure = Map.groupBy(metrics, ({ at, event }) => about(event, at))
  for (const row of own) {
    if (count(row, "place") !== 0) continue
    const arm = count(row, "arm")
    const event = long === undefined ? 0 : count(row, "event")
    for (const { name, sum: [i, j] } of shapeSums(increments)) {
      const column = incrementColumn(name)
      const values = cell(row, column)
      if (typeof values !== "object" || values === null) {
        throw new Unexpected(`${column} is ${JSON.stringify(values)}, which isn't a map`)
      }
      for (const [key, value] of Object.entries(values)) {
        const { period, place } = fromKey(count({ key }, "key"))
        const one = placed[place]
        if (one === undefined) throw new Unexpected(`${column} has the key ${key}, which no metric has`)
        const added = real({ [column]: value }, column)
        for (const { first, m, metric } of ofMeasure.get(about(event, one.measure)) ?? []) {
          const ofRow = `0,${arm},${first + period}`
          const byMetric = gained.get(ofRow) ?? new Map<number, Gained>()
          gained.set(ofRow, byMetric)
          const total = byMetric.get(m) ?? nothingGained(metric)
          byMetric.set(m, total)
          if (j === undefined) total.sums[i]! += added
          else {
            total.products[i]![j]! += added
            if (i !== j) total.products[j]![i]! += added
          }
        }
      }
    }
  }
  return gained
}

/**
 * The rows of a series, one for each place, arm and period in which something happened, and the moments of each metric in them: of the
 * identities that enter, as the `tallies` count them, as if they had no events, and what events added, as the rows of those with events say.
 * `idle` reads from tallies what they say of the moments of a metric without events, where their number doesn't tell it.
 */
export const seriesRows = (
  plan: Plan,
  strategy: Strategy,
  tallies: ReadonlyArray<Row>,
  own: ReadonlyArray<Row>,
  idle: ReadonlyArray<MomentsReader | undefined>
): ReadonlyMap<Row, ReadonlyArray<Moments.Moments>> => {
  const ripe = ripeTimes(measures(plan))
  const entering = Map.groupBy(tallies, keyOf)
  const gained = gainedIn(plan, strategy, own)
  return new Map([...new Set([...entering.keys(), ...gained.keys()])].map((about) => {
    const [place, arm, part] = about.split(",").map(Number)
    const counts = recordOf(
      ["n", ...ripe.map((_, i) => `n${i}`)],
      (column) => (entering.get(about) ?? []).reduce((n, row) => n + count(row, column), 0)
    )
    const moments = plan.metrics.map((metric, m): Moments.Moments => {
      const read = idle[m]
      const { products, sums, ...rest } = read === undefined
        ? eventlessMoments(metric, arm!, counts[countColumn(metric, ripe)]!)
        : Moments.mergeAll(metric.columns.length, (entering.get(about) ?? []).map(read))
      const more = gained.get(about)?.get(m) ?? nothingGained(metric)
      return {
        ...rest,
        sums: sums.map((value, i) => value + more.sums[i]!),
        products: products.map((line, i) => line.map((value, j) => value + more.products[i]![j]!))
      }
    })
    return [{ place, arm, part, ...counts }, moments]
  }))
}
