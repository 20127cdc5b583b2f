/**
 * Completed rows: where the statement counts all identities apart from those that have an event (`talliedMoments`), the difference is of
 * identities whose moments are known.
 */
import { Moments, recordOf } from "@assay/model"
import { count, type Row, Unexpected } from "./cells.ts"
import { eventlessMoments, idleMeasures, withoutEventful } from "./eventless.ts"
import { keyOf, seriesRows } from "./gains.ts"
import { seriesParts } from "./Parts.ts"
import { measures, type Plan } from "./Plan.ts"
import { metricMomentsReader } from "./rowMoments.ts"
import { countColumn, ripeTimes } from "./statement/moments.ts"
import { strategyOf } from "./Strategy.ts"

/** Whether a row counts all identities, with events or without. */
const isTally = (row: Row): boolean => Object.hasOwn(row, "tally") && count(row, "tally") === 1

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

/** Where what a plan asks for stands in the rows of an answer that tallies identities apart; see {@link completedBy}. */
export interface Places {
  /** Whether a row is about one event, of the number `event`. */
  readonly long: boolean
  /** Of each measure and each stream the event (0 where rows aren't about one) and its number; of a measure also the column that counts it. */
  readonly measures: ReadonlyArray<{ readonly event: number; readonly at: number; readonly counted: string }>
  readonly streams: ReadonlyArray<{ readonly event: number; readonly at: number }>
  /** The columns that count identities: all of them, then those of each of the plan's ripe times. */
  readonly counts: ReadonlyArray<string>
  /** Offsets are so many milliseconds larger than the plan's own. */
  readonly later: number
}

/** Where a plan's own statement puts it. */
const placesOf = (plan: Plan): Places => {
  const { long } = strategyOf(plan)
  const all = measures(plan)
  const ripe = ripeTimes(all)
  return {
    long: long !== undefined,
    measures: all.map((measure, m) => ({
      ...(long?.measures[m] ?? { event: 0, at: m }),
      counted: countColumn(measure, ripe)
    })),
    streams: plan.streams.map((_, s) => long?.streams[s] ?? { event: 0, at: s }),
    counts: ["n", ...ripe.map((_, i) => `n${i}`)],
    later: 0
  }
}

/**
 * The rows of an answer (or of `several` that make the whole) that tallies identities apart as those of one that doesn't: for each place, arm
 * and part a row of all identities. Rows without tallies are given back as they are. An exposure that arrives between the two reads of a
 * statement is taken as having come before both.
 */
export const completed = (plan: Plan, rows: ReadonlyArray<Row>, several: boolean): Completed =>
  rows.some(isTally) ? completedBy(plan, rows, placesOf(plan), several) : asTheyAre(plan, rows)

/** The same for rows that are known to tally, wherever things stand in them. */
export const completedBy = (plan: Plan, rows: ReadonlyArray<Row>, places: Places, several = false): Completed => {
  const strategy = strategyOf(plan)
  const idle = new Map(idleMeasures(plan).map(({ m, measure }) => [m, measure]))
  const readable = measures(plan).map((measure, m) => {
    const { at, counted, event } = places.measures[m]!
    const unmoved = idle.get(m)
    return {
      measure,
      counted,
      event,
      read: metricMomentsReader(plan, measure, m, counted, at),
      readIdle: unmoved && metricMomentsReader(plan, unmoved, m, counted, at, "idle_")
    }
  })
  const repeated = plan.deduplication.policy === "none" ? [] : ["repeated_events"]
  const unusable = plan.streams.flatMap(({ reads }, s) => {
    const { at, event } = places.streams[s]!
    return reads === "nothing" ? [] : [{ event, of: `unusable${at}`, as: `unusable${s}` }]
  })
  const eventOf = (row: Row) => (places.long ? count(row, "event") : 0)
  const momentsOfRows = new Map<Row, ReadonlyArray<Moments.Moments>>()
  const isOfSeries = (row: Row) => count(row, "part") >= seriesParts
  const [ofSeries, closed] = [rows.filter(isOfSeries), rows.filter((row) => !isOfSeries(row))]
  for (const ofKey of Map.groupBy(closed, keyOf).values()) {
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
    const counts = recordOf(places.counts, (column) =>
      eventful.reduce(
        (most, { n }, m) => (readable[m]!.counted === column ? Math.max(most, n) : most),
        sum(tallies, column)
      ))
    const moments = readable.map(({ counted, event, measure, readIdle }, m) => {
      const present = eventful[m]!
      const all = (some: ReadonlyArray<Row>) => Moments.mergeAll(measure.columns.length, some.map(readIdle!))
      return Moments.merge(
        present,
        readIdle === undefined
          ? eventlessMoments(measure, arm, counts[counted]! - present.n)
          : withoutEventful(all(tallies), all(byEvent.get(event) ?? []))
      )
    })
    const latest = Math.max(0, ...own.map((row) => count(row, "latest_event")))
    momentsOfRows.set({
      place: first["place"],
      arm: first["arm"],
      part: first["part"],
      ...Object.fromEntries(places.counts.map((column, i) => [i === 0 ? "n" : `n${i - 1}`, counts[column]!])),
      ...recordOf(["early_events", ...repeated], (column) => sum(own, column)),
      latest_event: latest === 0 ? 0 : latest - places.later,
      ...recordOf(["nameless_exposures", "undeclared"], (column) => sum(tallies, column)),
      ...Object.fromEntries(unusable.map(({ as, event, of }) => [as, sum(byEvent.get(event) ?? [], of)]))
    }, moments)
  }
  const idleIn = readable.map(({ readIdle }) => readIdle)
  for (const [row, moments] of seriesRows(plan, strategy, ofSeries, closed.filter((row) => !isTally(row)), idleIn)) {
    momentsOfRows.set(row, moments)
  }
  return { rows: [...momentsOfRows.keys()], momentsOf: (row, m) => momentsOfRows.get(row)![m]! }
}
