/** Quantiles in plans that say all they may: equal to the reference as a whole, from batches, from what is stored, and beside parts. */
import {
  type Aggregates,
  compile,
  compileConstants,
  decodeConstants,
  defineQuantileAggregation,
  levelsAround,
  type Plan,
  Schema,
  Stored,
  withConstants
} from "@assay/aggregation"
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
  mergedAggregatesOf,
  planOf,
  reference,
  type TestMetric
} from "../src/index.ts"
import { type Lively, lively } from "./lively.ts"
import { references } from "./scenes.ts"

const common = {
  version: "1.0.0",
  options: Schema.Struct({ level: Schema.Finite }),
  reads: "value",
  level: ({ level }: { readonly level: number }) => level
} as const

const ofValues = defineQuantileAggregation({
  ...common,
  name: "of-values",
  of: ({ events }) => events.each(events.value)
})

const ofTotals = defineQuantileAggregation({
  ...common,
  name: "of-totals",
  of: ({ events }) => events.sum(events.value)
})

const levels = [0.5, 0.1, 0.75, 0.99, 0.333333]

/** A quantile over the events and the window of a metric, in the place of what it is. */
const quantileInstead = ({ more, reference: { event, key, window } }: TestMetric, m: number): TestMetric => {
  const level = levels[m % levels.length]!
  return {
    aggregation: m % 2 === 0 ? ofValues : ofTotals,
    options: { level },
    more: more?.window === undefined ? {} : { window: more.window },
    reference: {
      key,
      event,
      value: (row: EventRow) => row.value,
      ...(window === undefined ? {} : { window }),
      quantile: { level, around: levelsAround(level) },
      unit: (events) =>
        m % 2 === 0 ? events.map(({ value }) => value) : [events.reduce((sum, { value }) => sum + value, 0)]
    }
  }
}

const quantiles = lively.map((one): Lively => ({ ...one, metrics: one.metrics.map(quantileInstead) as never }))

const exposuresApart = {
  exposures: {
    table: "exposures",
    columns: { environment: "environment_key", feature: "feature_name", variant: "value", timestamp: "timestamp" },
    identities: { identifier: "identifier" }
  }
}

const columns = {
  environment: "environment_key",
  event: "event",
  feature: "feature_name",
  timestamp: "timestamp",
  value: "value",
  ingested: "collected_at"
}

describe("metrics that are quantiles", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  const run = <A, E>(effect: Effect.Effect<A, E, Warehouse>) => runtime.runPromise(effect)
  beforeAll(() => run(Effect.forEach(["events", "exposures", "batch0", "batch1"], (table) => createEventTable(table))))
  afterAll(() => runtime.dispose())

  const load = (table: string, rows: ReadonlyArray<EventRow>) =>
    clearEvents(table).pipe(Effect.andThen(insertEvents(table, rows)))

  const expectHeld = ({ experiment, metrics, rows }: Lively, aggregates: Aggregates, planned: Plan) =>
    expect(differences(aggregates, reference(experiment, references(metrics), rows), planned)).toEqual([])

  it("equal the reference, where identities are too young and arms have no values, too", async () => {
    const seen = { immature: 0, values: 0, without: 0 }
    for (const one of fc.sample(quantiles, { seed: 5, numRuns: 2 })) {
      const none = { ...one, rows: one.rows.filter(({ event }) => event === one.experiment.exposureEvent) }
      for (const scene of [one, none]) {
        const { experiment, metrics, rows } = scene
        const planned = planOf(experiment, metrics, "events")
        const aggregates = await run(load("events", rows).pipe(Effect.andThen(aggregatesOf(planned))))
        expectHeld(scene, aggregates, planned)
        planned.arms.forEach((arm) =>
          planned.metrics.forEach((_, m) => {
            seen.immature += aggregates.immature[m]![arm]!
            seen[aggregates.quantiles[m]![arm]!.length === 0 ? "without" : "values"] += 1
          })
        )
      }
    }
    expect(Object.entries(seen).filter(([, count]) => count === 0)).toEqual([])
  })

  it("equal it from batches, and beside slices and a series", async () => {
    await fc.assert(
      fc.asyncProperty(quantiles, async (one) => {
        const { experiment, metrics, rows } = one
        const isExposure = (row: EventRow) => row.event === experiment.exposureEvent
        await run(Effect.gen(function*() {
          yield* load("events", rows)
          yield* load("exposures", rows.filter(isExposure))
          for (const i of [0, 1]) {
            yield* load(`batch${i}`, rows.filter((row) => !isExposure(row) && row.timestamp % 2 === i))
          }
        }))
        const [first, second] = [0, 1].map((i) => planOf(experiment, metrics, `batch${i}`, exposuresApart))
        expectHeld(one, await run(mergedAggregatesOf([first!, second!])), first!)
        const parts = planOf(experiment, metrics, "events", {}, { series: true, slices: ["country"] })
        expectHeld(one, await run(aggregatesOf(parts)), parts)
      }),
      { numRuns: 2 }
    )
  })

  it("equal it from what is stored", async () => {
    const state: Stored.StateName = { name: "quantiles" }
    await fc.assert(
      fc.asyncProperty(quantiles, async (one) => {
        const { experiment, metrics, rows } = one
        const planned = planOf(experiment, metrics, "events", { columns })
        const ingested = experiment.to + 1000
        const whole = { ingested, exposures: planned.to, events: planned.reads.to }
        const aggregates = await run(Effect.gen(function*() {
          const { command, query } = yield* Warehouse
          yield* load("events", rows.map((row) => ({ ...row, ingested: ingested - 1 })))
          const batch = { batch: 1, before: undefined, until: whole }
          yield* Effect.forEach([
            ...Stored.drop(state),
            ...Stored.create(planned, state),
            Stored.addExposures(planned, state, batch),
            Stored.addEvents(planned, state, batch),
            ...Stored.addUnits(planned, state, 1, [])
          ], (statement) => command(statement))
          const found = yield* query(Stored.answerConstants(planned, state, [1])!)
          const complete = withConstants(planned, yield* Effect.fromResult(decodeConstants(planned, found.rows)))
          return yield* aggregatesOf(complete, Stored.answer(complete, state, [1]))
        }))
        expectHeld(one, aggregates, planned)
      }),
      { numRuns: 2 }
    )
  })

  it("ask for their statement first", () => {
    const [{ experiment, metrics }] = fc.sample(quantiles, { seed: 5, numRuns: 1 }) as [Lively]
    const planned = planOf(experiment, metrics, "events")
    expect(() => compile(planned)).toThrow("weren't found yet")
    expect(compileConstants(planned)?.text).toContain("quantilesExactArrayIf")
  })
})
