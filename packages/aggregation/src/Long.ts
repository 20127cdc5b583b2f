/**
 * The long form of a plan: where many metrics differ by their event alone, units are kept per identity and event instead of a column per
 * metric, so that an event costs as much as there are different ways to aggregate it, however many events are looked at.
 */
import { mapLeaves } from "./Constants.ts"
import {
  accumulatorOf,
  intern,
  leaves,
  type Measure,
  measures,
  type Plan,
  type PlannedAccumulator,
  type PlannedColumn,
  type Stream
} from "./Plan.ts"

/** Where something of a plan stands in its long form: under which event, by its number from 1, and at which place. */
export interface LongPlace {
  readonly event: number
  readonly at: number
}

/** The long form of a plan, and where the plan's measures and streams stand in it. */
export interface Long {
  readonly plan: Plan
  readonly measures: ReadonlyArray<LongPlace>
  readonly streams: ReadonlyArray<LongPlace>
}

/** The long form of a plan; undefined where a measure is about several events, or about none. */
export const longOf = (plan: Plan): Long | undefined => {
  const events: Array<string> = []
  const streams: Array<Stream> = []
  const accumulators: Array<PlannedAccumulator> = []
  const kinds: Array<Measure> = []
  const streamPlaces = plan.streams.map((stream): LongPlace => ({
    event: intern(events, stream.event) + 1,
    at: intern(streams, { ...stream, event: "" })
  }))
  const shared = (index: number): number => {
    const { accumulator, streams: own } = plan.accumulators[index]!
    return intern(accumulators, { streams: own.map((stream) => streamPlaces[stream]!.at), accumulator })
  }
  const column = (one: PlannedColumn): PlannedColumn =>
    mapLeaves(one, (leaf) => {
      const index = accumulatorOf(leaf)
      return index === undefined ? leaf : { ...leaf, index: shared(index) }
    })
  const places: Array<LongPlace> = []
  for (const { age, columns, ripeUntil } of measures(plan)) {
    const about = new Set(
      columns.flatMap(leaves).flatMap((leaf) => {
        const index = accumulatorOf(leaf)
        return index === undefined ? [] : plan.accumulators[index]!.streams.map((stream) => streamPlaces[stream]!.event)
      })
    )
    if (about.size !== 1) return undefined
    const [event] = about
    places.push({ event: event!, at: intern(kinds, { columns: columns.map(column), ripeUntil, age }) })
  }
  const [metric] = plan.metrics
  return {
    plan: {
      ...plan,
      together: events,
      streams,
      accumulators,
      metrics: kinds.map((measure) => ({ ...metric!, ...measure, cap: undefined, quantile: undefined, reported: [] }))
    },
    measures: places,
    streams: streamPlaces
  }
}
