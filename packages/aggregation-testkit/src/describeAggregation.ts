/** The conformance suite of an aggregation. */
import type { Aggregation } from "@assay/aggregation"
import type { Warehouse } from "@assay/warehouse"
import { Warehouse as WarehouseService } from "@assay/warehouse"
import { Effect, type ManagedRuntime } from "effect"
import { ManagedRuntime as Runtime } from "effect"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { rows, type World, world } from "./arbitrary.ts"
import { aggregatesOf, differences, planOf, type TestMetric } from "./conformance.ts"
import { clearEvents, createEventTable, type EventRow, insertEvents } from "./EventRow.ts"
import { maximum, ratio } from "./neighbours.ts"
import { reference, type ReferenceMetric } from "./reference.ts"

/** What an author hands in about the aggregation. */
export interface AggregationSuite {
  /** The unit columns of an identity, from its events that count, in the order of the estimand's moments. */
  readonly reference: ReferenceMetric["unit"]
  /** Options that the suite uses. */
  readonly options?: Readonly<Record<string, unknown>>
  /** How many random streams are tried per property (default 15). */
  readonly runs?: number
}

const table = "events_under_test"

const metricOf = (aggregation: Aggregation, suite: AggregationSuite, key: string, event: string): TestMetric => ({
  aggregation,
  ...(suite.options === undefined ? {} : { options: suite.options }),
  reference: {
    key,
    event,
    unit: suite.reference,
    ...(aggregation.reads === "value" ? { value: (row: EventRow) => row.value } : {})
  }
})

/**
 * Declares the suite (vitest) for one aggregation on the embedded engine: it equals its reference on random streams with
 * duplicates, flicker, equal timestamps, hostile names and odd values; rows delivered twice, the order of rows, and events
 * outside an identity's window don't matter.
 */
export const describeAggregation = (aggregation: Aggregation, suite: AggregationSuite): void => {
  const numRuns = suite.runs ?? 15
  describe(`aggregation ${aggregation.name} ${aggregation.version}`, () => {
    let runtime: ManagedRuntime.ManagedRuntime<Warehouse, unknown>
    beforeAll(async () => {
      runtime = Runtime.make(WarehouseService.layerEmbedded())
      await runtime.runPromise(createEventTable(table))
    })
    afterAll(() => runtime.dispose())

    const load = (stream: ReadonlyArray<EventRow>) =>
      clearEvents(table).pipe(Effect.andThen(insertEvents(table, stream)))

    const measure = (world: World, stream: ReadonlyArray<EventRow>) =>
      runtime.runPromise(
        load(stream).pipe(
          Effect.andThen(
            aggregatesOf(planOf(world.experiment, [metricOf(aggregation, suite, "m", world.events[0]!)], table))
          )
        )
      )

    const streams = world(2).chain((one) => fc.tuple(fc.constant(one), rows(one)))

    it("equals its reference on random event streams", async () => {
      await fc.assert(
        fc.asyncProperty(streams, async ([one, stream]) => {
          const metric = metricOf(aggregation, suite, "m", one.events[0]!)
          const planned = planOf(one.experiment, [metric], table)
          const aggregates = await runtime.runPromise(load(stream).pipe(Effect.andThen(aggregatesOf(planned))))
          expect(differences(aggregates, reference(one.experiment, [metric.reference], stream), planned)).toEqual([])
        }),
        { numRuns }
      )
    })

    it("isn't changed by the metrics that it is fused with", async () => {
      await fc.assert(
        fc.asyncProperty(streams, async ([one, stream]) => {
          const metric = metricOf(aggregation, suite, "m", one.events[0]!)
          const neighbours = [ratio, maximum].flatMap((neighbour) =>
            one.events.map((event, i) =>
              metricOf(
                neighbour.aggregation,
                { reference: neighbour.unit },
                `${neighbour.aggregation.name} ${i}`,
                event
              )
            )
          )
          const fused = planOf(one.experiment, [...neighbours, metric], table)
          const [alone, among] = await runtime.runPromise(
            load(stream).pipe(
              Effect.andThen(
                Effect.all([aggregatesOf(planOf(one.experiment, [metric], table)), aggregatesOf(fused)])
              )
            )
          )
          expect(among.moments.at(-1)).toEqual(alone.moments[0])
          const all = [...neighbours, metric].map(({ reference: own }) => own)
          expect(differences(among, reference(one.experiment, all, stream), fused)).toEqual([])
        }),
        { numRuns: Math.ceil(numRuns / 3) }
      )
    })

    it("doesn't change when rows are delivered twice", async () => {
      await fc.assert(
        fc.asyncProperty(streams, async ([one, stream]) => {
          const exact = { ...one, experiment: { ...one.experiment, deduplication: "row" as const } }
          const once = await measure(exact, stream)
          const twice = await measure(exact, [...stream, ...stream])
          expect(twice.moments).toEqual(once.moments)
          expect(twice.identities).toEqual(once.identities)
        }),
        { numRuns: Math.ceil(numRuns / 3) }
      )
    })

    it("doesn't see events outside an identity's window, of other metrics, or elsewhere", async () => {
      await fc.assert(
        fc.asyncProperty(streams, async ([one, stream]) => {
          const { experiment } = one
          const noise = stream.filter((row) => row.event === one.events[0]).flatMap((row): ReadonlyArray<EventRow> => [
            { ...row, timestamp: experiment.from - 1 },
            { ...row, timestamp: experiment.to },
            { ...row, environment: "elsewhere" },
            { ...row, event: one.events[1]! },
            { ...row, identity: "someone never exposed" }
          ])
          const alone = await measure(one, stream)
          const among = await measure(one, [...noise, ...stream])
          expect(among.moments).toEqual(alone.moments)
        }),
        { numRuns: Math.ceil(numRuns / 3) }
      )
    })
  })
}
