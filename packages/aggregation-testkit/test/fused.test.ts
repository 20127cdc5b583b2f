/** Many metrics in one statement: equal to the reference, to each metric alone, and to batches merged. */
import { compileMerged } from "@assay/aggregation"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime } from "effect"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  aggregatesOf,
  clearEvents,
  createEventTable,
  differences,
  type EventRow,
  insertEvents,
  planOf,
  reference,
  type TestMetric
} from "../src/index.ts"
import { six } from "./aggregations.ts"
import { scene, testMetric } from "./worlds.ts"

const tables = ["events", "batch0", "batch1", "batch2", "exposures"] as const

/** Exposures in a table apart, in the columns that events have. */
const exposuresApart = {
  table: "exposures",
  columns: { environment: "environment_key", feature: "feature_name", variant: "value", timestamp: "timestamp" },
  identities: { identifier: "identifier" }
} as const

const references = (metrics: ReadonlyArray<TestMetric>) => metrics.map((metric) => metric.reference)

describe("metrics fused in one statement", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  beforeAll(() => runtime.runPromise(Effect.forEach(tables, (table) => createEventTable(table))))
  afterAll(() => runtime.dispose())

  const load = (table: (typeof tables)[number], rows: ReadonlyArray<EventRow>) =>
    clearEvents(table).pipe(Effect.andThen(insertEvents(table, rows)))

  it("equal the reference, whatever they filter and read", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ metrics, rows, world: { experiment } }) => {
        const planned = planOf(experiment, metrics, "events")
        const aggregates = await runtime.runPromise(load("events", rows).pipe(Effect.andThen(aggregatesOf(planned))))
        expect(differences(aggregates, reference(experiment, references(metrics), rows), planned)).toEqual([])
      }),
      { numRuns: 20 }
    )
  })

  it("equal each metric alone, also where copies of an event differ in what only others read", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ metrics, rows, world: { experiment } }) => {
        await runtime.runPromise(load("events", rows))
        const fused = await runtime.runPromise(aggregatesOf(planOf(experiment, metrics, "events")))
        for (const [i, metric] of metrics.entries()) {
          const planned = planOf(experiment, [metric], "events")
          const alone = await runtime.runPromise(aggregatesOf(planned))
          expect(differences(alone, reference(experiment, [metric.reference], rows), planned)).toEqual([])
          expect(alone.identities).toEqual(fused.identities)
          expect(alone.unusableValues).toEqual([fused.unusableValues[i]])
        }
      }),
      { numRuns: 3 }
    )
  })

  it("equal one pass when they are merged from two or three batches of events", async () => {
    const batches = scene.chain((one) =>
      fc.record({
        one: fc.constant(one),
        parts: fc.constantFrom(2, 3),
        salt: fc.nat()
      })
    )
    await fc.assert(
      fc.asyncProperty(batches, async ({ one: { metrics, rows, world: { experiment } }, parts, salt }) => {
        const exposures = rows.filter((row) => row.event === experiment.exposureEvent)
        const events = rows.filter((row) => row.event !== experiment.exposureEvent)
        // Batches share no event: all its copies arrive in one of them.
        const names = [...new Set(events.map((row) => `${row.identity} ${row.id === "" ? row.timestamp : row.id}`))]
        const batchOf = (row: EventRow) => {
          const place = names.indexOf(`${row.identity} ${row.id === "" ? row.timestamp : row.id}`)
          return Math.abs(Math.trunc(Math.sin(place + salt) * 1e6)) % parts
        }
        const mapping = { exposures: exposuresApart }
        const plans = Array.from({ length: parts }, (_, i) => planOf(experiment, metrics, `batch${i}`, mapping))
        await runtime.runPromise(
          Effect.gen(function*() {
            yield* load("exposures", exposures)
            yield* load("events", events)
            for (let i = 0; i < parts; i++) {
              yield* load(`batch${i}` as "batch0", events.filter((row) => batchOf(row) === i))
            }
          })
        )
        const once = planOf(experiment, metrics, "events", mapping)
        const whole = await runtime.runPromise(aggregatesOf(once))
        const merged = await runtime.runPromise(
          aggregatesOf(once, compileMerged([plans[0]!, ...plans.slice(1)]))
        )
        expect(differences(merged, reference(experiment, references(metrics), rows), once)).toEqual([])
        expect(merged.identities).toEqual(whole.identities)
        expect(merged.earlyEvents).toEqual(whole.earlyEvents)
        expect(merged.unusableValues).toEqual(whole.unusableValues)
      }),
      { numRuns: 10 }
    )
  })

  it("refuse to be merged where exposures lie among the events", () => {
    const experiment = {
      environment: "e",
      feature: "f",
      exposureEvent: "$flag_exposure",
      from: 0,
      to: 1000,
      variants: ["a", "b"],
      multipleVariants: "quarantine",
      deduplication: "row"
    } as const
    const metric = testMetric(six.sum, { key: "m", event: "e" })
    const plans = ["batch0", "batch1"].map((table) => planOf(experiment, [metric], table))
    expect(() => compileMerged([plans[0]!, plans[1]!])).toThrow(/exposures have a table of their own/)
    expect(compileMerged([plans[0]!]).text).toContain("Merge(")
  })

  it("tell rows apart by the columns that a mapping adds to its policy", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ metrics, rows, world: { experiment } }) => {
        const widened = {
          ...experiment,
          deduplication: "row" as const,
          alsoSame: (row: EventRow) => [row.metadata, row.country ?? null]
        }
        const planned = planOf(widened, metrics, "events", {
          deduplication: { policy: "row", columns: ["metadata", "country"] }
        })
        const aggregates = await runtime.runPromise(load("events", rows).pipe(Effect.andThen(aggregatesOf(planned))))
        expect(differences(aggregates, reference(widened, references(metrics), rows), planned)).toEqual([])
      }),
      { numRuns: 10 }
    )
  })
})
