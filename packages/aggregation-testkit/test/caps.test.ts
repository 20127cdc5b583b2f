/** Caps: equal to the reference as a whole, by slice, over time and from batches, and the same whatever happens beside. */
import { compileSliceValues, decodeSliceValues, type Plan, withSliceValues } from "@assay/aggregation"
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
  momentDifferences,
  planOf,
  reference
} from "../src/index.ts"
import { type Lively, lively, uncapped } from "./lively.ts"
import { references } from "./scenes.ts"

const exposuresApart = {
  exposures: {
    table: "exposures",
    columns: { environment: "environment_key", feature: "feature_name", variant: "value", timestamp: "timestamp" },
    identities: { identifier: "identifier" }
  }
}

describe("metrics with caps", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  const run = <A, E>(effect: Effect.Effect<A, E, Warehouse>) => runtime.runPromise(effect)
  beforeAll(() => run(Effect.forEach(["events", "exposures", "batch0", "batch1"], (table) => createEventTable(table))))
  afterAll(() => runtime.dispose())

  const load = (table: string, rows: ReadonlyArray<EventRow>) =>
    clearEvents(table).pipe(Effect.andThen(insertEvents(table, rows)))

  const whole = async ({ experiment, metrics, rows }: Lively) => {
    await run(load("events", rows))
    return run(aggregatesOf(planOf(experiment, metrics, "events")))
  }

  it("equal the reference, with quantiles that are found and those that are negative", async () => {
    const seen = { capped: 0, quantiles: 0, negative: 0, before: 0, immature: 0 }
    for (const one of fc.sample(lively, { seed: 11, numRuns: 5 })) {
      const { experiment, metrics, rows } = one
      const planned = planOf(experiment, metrics, "events")
      const aggregates = await whole(one)
      expect(differences(aggregates, reference(experiment, references(metrics), rows), planned)).toEqual([])
      planned.metrics.forEach(({ cap, covariate }, m) => {
        const { capped, value } = aggregates.caps[m]!
        if (cap?.quantile !== undefined) seen[value > 0 ? "quantiles" : "negative"] += 1
        for (const arm of planned.arms) {
          seen.capped += capped[arm]!
          seen.immature += aggregates.immature[m]![arm]!
          if (covariate !== undefined && "lookback" in covariate.of) seen.before += aggregates.moments[m]![arm]!.n
        }
      })
    }
    expect(Object.entries(seen).filter(([, count]) => count === 0)).toEqual([])
  })

  it("equal it from batches, by slice and over time, under the cap of the whole", async () => {
    await fc.assert(
      fc.asyncProperty(lively, async (one) => {
        const { experiment, metrics, rows } = one
        const { caps } = await whole(one)
        const expected = reference(experiment, references(metrics), rows)
        const isExposure = (row: EventRow) => row.event === experiment.exposureEvent
        await run(Effect.gen(function*() {
          yield* load("exposures", rows.filter(isExposure))
          for (const i of [0, 1]) {
            yield* load(`batch${i}`, rows.filter((row) => !isExposure(row) && row.timestamp % 2 === i))
          }
        }))
        const [first, second] = [0, 1].map((i) => planOf(experiment, metrics, `batch${i}`, exposuresApart))
        expect(differences(await run(mergedAggregatesOf([first!, second!])), expected, first!)).toEqual([])

        const parts = planOf(experiment, metrics, "events", {}, { series: true, slices: ["country"] })
        const sliced: Plan = await run(Effect.gen(function*() {
          const { rows } = yield* Warehouse.use((warehouse) => warehouse.query(compileSliceValues(parts, 2)!))
          return withSliceValues(parts, yield* Effect.fromResult(decodeSliceValues(parts, rows)))
        }))
        const aggregates = await run(aggregatesOf(sliced))
        expect(differences(aggregates, expected, sliced)).toEqual([])
        const under = references(metrics).map((metric, m) => ({ ...metric, cap: caps[m]!.value }))
        const held = (
          moments: (typeof aggregates.points)[number]["moments"],
          part: Partial<Lively["experiment"]>
        ) => {
          const { units } = reference({ ...experiment, ...part }, under, rows)
          return sliced.metrics.flatMap(({ key }, m) =>
            sliced.arms.flatMap((arm) =>
              moments[m] === undefined ? [] : momentDifferences(`${key} in ${arm}`, moments[m][arm]!, units[key]![arm]!)
            )
          )
        }
        for (const { moments, value } of aggregates.slices[0]!) {
          expect(held(moments, { only: (firsts) => (firsts[0]!.country ?? null) === value })).toEqual([])
        }
        const some = aggregates.points.slice(0, -1).filter((_, p) => p % Math.ceil(aggregates.points.length / 3) === 0)
        for (const { moments, until } of some) expect(held(moments, { until })).toEqual([])
      }),
      { numRuns: 2 }
    )
  })

  it("are the same beside others, and change nothing where they are out of reach", async () => {
    await fc.assert(
      fc.asyncProperty(lively, async (one) => {
        const { experiment, metrics, rows } = one
        const fused = await whole(one)
        const metric = metrics[0]!
        const planned = planOf(experiment, [metric], "events")
        const alone = await run(aggregatesOf(planned))
        const expected = reference(experiment, [metric.reference], rows)
        expect(differences(alone, expected, planned)).toEqual([])
        expect(alone.caps[0]!.value).toBe(fused.caps[0]!.value)
        const far = await run(
          aggregatesOf(planOf(experiment, [{ ...metric, more: { ...metric.more, cap: 1e99 } }], "events"))
        )
        const without = await run(aggregatesOf(planOf(experiment, [uncapped(metric)], "events")))
        expect(far.moments).toEqual(without.moments)
        expect(far.caps[0]!.uncapped).toEqual(without.moments[0])
        const units = Object.values(expected.caps[metric.reference.key]!.uncapped)
        for (const [arm, moments] of Object.values(fused.caps[0]!.uncapped).entries()) {
          expect(momentDifferences(`uncapped in arm ${arm}`, moments, units[arm]!)).toEqual([])
        }
      }),
      { numRuns: 2 }
    )
  })
})
