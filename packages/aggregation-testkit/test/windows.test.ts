/** Several sources, conversion windows, delays and covariates, fused and merged: equal to the reference. */
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
  type ReferenceExperiment,
  type TestMetric
} from "../src/index.ts"
import { six } from "./aggregations.ts"
import { rich } from "./many.ts"
import { references, type Scene, scene } from "./scenes.ts"
import { testMetric } from "./worlds.ts"

const tables = ["events", "batch0", "batch1", "exposures"] as const

describe("metrics with sources, windows and covariates", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  beforeAll(() => runtime.runPromise(Effect.forEach(tables, (table) => createEventTable(table))))
  afterAll(() => runtime.dispose())

  const load = (table: (typeof tables)[number], rows: ReadonlyArray<EventRow>) =>
    clearEvents(table).pipe(Effect.andThen(insertEvents(table, rows)))

  /** Holds a scene's aggregates to the reference, and gives the plan with them. */
  const held = async ({ experiment, metrics, rows }: Scene) => {
    const planned = planOf(experiment, metrics, "events")
    const aggregates = await runtime.runPromise(load("events", rows).pipe(Effect.andThen(aggregatesOf(planned))))
    expect(differences(aggregates, reference(experiment, references(metrics), rows), planned)).toEqual([])
    return { planned, aggregates }
  }

  it("equal the reference, all in one statement", async () => {
    await fc.assert(fc.asyncProperty(scene, async (one) => void (await held(one))), { numRuns: 6 })
  })

  it("equal it where identities are too young, have earlier events, and have traits", async () => {
    const seen = { immature: 0, ripe: 0, before: 0, traits: 0 }
    for (const one of fc.sample(scene, { seed: 7, numRuns: 10 })) {
      const { planned, aggregates } = await held(one)
      planned.metrics.forEach(({ covariate }, m) => {
        for (const arm of planned.arms) {
          const { n, sums } = aggregates.moments[m]![arm]!
          seen.immature += aggregates.immature[m]![arm]!
          seen.ripe += n
          if (covariate === undefined) continue
          if ("trait" in covariate.of) seen.traits += sums.at(-1)!
          else if (sums.at(-1) !== 0) seen.before += 1
        }
      })
    }
    expect(Object.entries(seen).filter(([, count]) => count === 0)).toEqual([])
  })

  const [from, to] = [1_700_000_000_000, 1_700_086_400_000]
  const back = rich.find(({ aggregation: { name } }) => name === "back-1")!
  const experiment: ReferenceExperiment = {
    environment: "prod",
    feature: "f",
    exposureEvent: "$flag_exposure",
    from,
    to,
    variants: ["control", "treatment"],
    multipleVariants: "quarantine",
    deduplication: "row",
    asOf: to + 86_400_000
  }
  const cameBack: TestMetric = {
    aggregation: back.aggregation,
    reference: { key: "back", event: "came", ...back.reference, window: { from: 0, to: null } }
  }
  const common = { environment: "prod", identity: "u", feature: "f", value: "control", metadata: "{}", id: "" }

  it("have the events of their own windows also after the experiment's end", async () => {
    const { aggregates } = await held({
      experiment,
      metrics: [cameBack],
      rows: [
        { ...common, event: "$flag_exposure", timestamp: to - 1 },
        { ...common, event: "came", timestamp: to },
        // Beyond the window of the aggregation.
        { ...common, identity: "v", event: "$flag_exposure", timestamp: to - 1 },
        { ...common, identity: "v", event: "came", timestamp: to + 999 }
      ]
    })
    expect(aggregates.moments[0]!["control"]).toMatchObject({ n: 2, sums: [1] })
  })

  it("have each row of a repeated event among those before the exposure, unless some metric tells repeated rows apart", async () => {
    const rows = [
      { ...common, event: "$flag_exposure", timestamp: to - 2 },
      ...[1, 2].map(() => ({ ...common, event: "came", timestamp: from }))
    ]
    const often = testMetric(six.count, { key: "often", event: "came" })
    const early = async (metrics: ReadonlyArray<TestMetric>) =>
      (await held({ experiment, metrics: [...metrics], rows })).aggregates.earlyEvents
    expect([await early([cameBack]), await early([cameBack, often])]).toEqual([2, 1])
  })

  it("have only the steps between those of a funnel in strict order, whatever else the statement reads", async () => {
    const { aggregation, reference: steps } = rich.find(({ aggregation: { name } }) => name === "funnel-strict-order")!
    const sources = [{ event: "first" }, { event: "second" }, { event: "third" }] as const
    const strict: TestMetric = {
      aggregation,
      more: { sources: { steps: sources } },
      reference: { key: "done", ...steps, event: "first", sources: { steps: sources }, window: { from: 0, to: null } }
    }
    const rows = ["first", "came", "second", "early", "third"].map((event, i) => ({
      ...common,
      event,
      timestamp: event === "early" ? from : from + i + 2
    }))
    for (const more of [[], [cameBack], [cameBack, testMetric(six.count, { key: "often", event: "early" })]]) {
      const { aggregates } = await held({
        experiment,
        metrics: [strict, ...more],
        rows: [{ ...common, event: "$flag_exposure", timestamp: from + 1 }, ...rows]
      })
      expect(aggregates.moments[0]!["control"]).toMatchObject({ n: 1, sums: [1] })
    }
  })

  it("equal each metric alone", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ experiment, metrics, rows }) => {
        // Copies of an event at different times may lie on both sides of what one metric reads and another doesn't.
        const exact = { ...experiment, deduplication: "row" as const }
        await runtime.runPromise(load("events", rows))
        const whole = planOf(exact, metrics, "events")
        const fused = await runtime.runPromise(aggregatesOf(whole))
        for (const [i, metric] of metrics.entries()) {
          const planned = planOf(exact, [metric], "events")
          const alone = await runtime.runPromise(aggregatesOf(planned))
          expect(differences(alone, reference(exact, [metric.reference], rows), planned)).toEqual([])
          expect(alone.immature).toEqual([fused.immature[i]])
          expect(alone.unusableValues).toEqual([fused.unusableValues[i]])
          // Where repeated rows can't change the one metric, its statement counts each of them, and that of all an event once.
          const repeated = planned.deduplication.policy === whole.deduplication.policy ? 0 : fused.repeatedEvents!
          expect(alone.earlyEvents).toBeLessThanOrEqual(fused.earlyEvents + repeated)
        }
      }),
      { numRuns: 1 }
    )
  })

  it("equal one pass when they are merged from batches of events", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ experiment, metrics, rows }) => {
        const exact = { ...experiment, deduplication: "row" as const }
        const mapping = {
          exposures: {
            table: "exposures",
            columns: {
              environment: "environment_key",
              feature: "feature_name",
              variant: "value",
              timestamp: "timestamp"
            },
            identities: { identifier: "identifier" }
          }
        }
        const isExposure = (row: EventRow) => row.event === exact.exposureEvent
        const events = rows.filter((row) => !isExposure(row))
        const half = (row: EventRow) => (row.timestamp + row.value.length) % 2
        const plans = [0, 1].map((i) => planOf(exact, metrics, `batch${i}`, mapping))
        await runtime.runPromise(
          Effect.gen(function*() {
            yield* load("exposures", rows.filter(isExposure))
            yield* load("batch0", events.filter((row) => half(row) === 0))
            yield* load("batch1", events.filter((row) => half(row) === 1))
          })
        )
        const merged = await runtime.runPromise(aggregatesOf(plans[0]!, compileMerged([plans[0]!, plans[1]!])))
        expect(differences(merged, reference(exact, references(metrics), rows), plans[0]!)).toEqual([])
      }),
      { numRuns: 4 }
    )
  })
})
