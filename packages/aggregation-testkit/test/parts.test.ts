/** Slices and series of the same statement: equal to the reference over a part of the identities, or up to a moment. */
import {
  compile,
  compileSliceValues,
  decodeAggregates,
  decodeSliceValues,
  type Plan,
  strategyOf,
  withSliceValues
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
  momentDifferences,
  planOf,
  propertyText,
  reference
} from "../src/index.ts"
import { lively, uncapped } from "./lively.ts"
import { many, references, type Scene, scene, sceneWith } from "./scenes.ts"

const dimensions = ["country", "metadata.plan", "metadata.cart.odd key'"]

/** The codes of an exposure's traits, the last breakdown first: the smallest of several exposures at once decides. */
const codesOf = (planned: Plan, row: EventRow): ReadonlyArray<number> =>
  planned.breakdowns.map(({ dimension, values }) => {
    const text = propertyText(row, dimension) ?? ""
    return text === "" ? 0 : values.includes(text) ? values.indexOf(text) + 1 : values.length + 1
  })

const inOrder = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
  const at = a.findLastIndex((code, i) => code !== b[i])
  return at < 0 ? 0 : a[at]! - b[at]!
}

const seriesOf = ({ experiment, metrics }: Scene): Plan =>
  planOf(experiment, metrics, "events", {}, { series: true, slices: dimensions })

/** Scenes in which most identities have values at most times. */
const busy = lively.map(({ metrics, ...one }): Scene => ({
  ...one,
  rows: [...one.rows],
  metrics: metrics.map(uncapped)
}))

describe("the parts of a statement", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  const run = <A, E>(effect: Effect.Effect<A, E, Warehouse>) => runtime.runPromise(effect)
  beforeAll(() => run(createEventTable("events")))
  afterAll(() => runtime.dispose())

  const load = (rows: ReadonlyArray<EventRow>) =>
    run(clearEvents("events").pipe(Effect.andThen(insertEvents("events", rows))))

  const valued = Effect.fn(function*(planned: Plan, most: number) {
    const warehouse = yield* Warehouse
    const { rows } = yield* warehouse.query(compileSliceValues(planned, most)!)
    return withSliceValues(planned, yield* Effect.fromResult(decodeSliceValues(planned, rows)))
  })

  it("are slices that equal the reference over their identities, and add up to the whole", async () => {
    const seen = { named: 0, missing: 0, other: 0 }
    await fc.assert(
      fc.asyncProperty(scene, fc.integer({ min: 1, max: 3 }), async ({ experiment, metrics, rows }, most) => {
        await load(rows)
        const planned = await run(valued(planOf(experiment, metrics, "events", {}, { slices: dimensions }), most))
        const aggregates = await run(aggregatesOf(planned))
        expect(differences(aggregates, reference(experiment, references(metrics), rows), planned)).toEqual([])
        planned.breakdowns.forEach(({ distinct, values }, b) => {
          expect(values.length).toBe(Math.min(most, distinct))
          const slices = aggregates.slices[b]!
          for (const arm of planned.arms) {
            expect(slices.reduce((n, slice) => n + slice.identities[arm]!, 0)).toBe(aggregates.identities[arm])
          }
          for (const { identities, moments, other, value } of slices) {
            seen[value !== null ? "named" : other ? "other" : "missing"] += 1
            const code = value !== null ? values.indexOf(value) + 1 : other ? values.length + 1 : 0
            const only = (firsts: ReadonlyArray<EventRow>) =>
              firsts.map((row) => codesOf(planned, row)).toSorted(inOrder)[0]![b] === code
            const expected = reference({ ...experiment, only }, references(metrics), rows)
            expect(identities).toEqual(expected.identities)
            expect(
              planned.arms.flatMap((arm) =>
                moments.flatMap((ofMetric, m) =>
                  momentDifferences(`${value}`, ofMetric[arm]!, expected.units[planned.metrics[m]!.key]![arm]!)
                )
              )
            ).toEqual([])
          }
        })
      }),
      { numRuns: 4, seed: 7 }
    )
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0)
  })

  /** Holds the points of a plan's answer to the reference up to their time; gives how many means other than 0 were compared. */
  const held = async ({ experiment, metrics, rows }: Scene, planned: Plan) => {
    await load(rows)
    const aggregates = await run(aggregatesOf(planned))
    expect(differences(aggregates, reference(experiment, references(metrics), rows), planned)).toEqual([])
    const { points } = aggregates
    expect(points.at(-1)).toEqual({
      until: experiment.to,
      identities: aggregates.identities,
      quarantined: aggregates.quarantined,
      moments: aggregates.moments
    })
    let compared = 0
    const some = points.slice(0, -1).filter((_, p) => p % Math.ceil(points.length / 3) === 0)
    for (const { identities, moments, quarantined, until } of some) {
      const expected = reference({ ...experiment, until }, references(metrics), rows)
      expect({ identities, quarantined }).toEqual({
        identities: expected.identities,
        quarantined: expected.quarantined
      })
      expect(planned.arms.flatMap((arm) =>
        moments.flatMap((ofMetric, m) => {
          if (ofMetric === undefined) return []
          if (ofMetric[arm]!.sums[0] !== 0) compared += 1
          return momentDifferences(`${until}`, ofMetric[arm]!, expected.units[planned.metrics[m]!.key]![arm]!)
        })
      )).toEqual([])
    }
    return compared
  }

  it("are points that equal the reference up to their time, the last one the whole", async () => {
    await fc.assert(fc.asyncProperty(scene, async (one) => void (await held(one, seriesOf(one)))), { numRuns: 3 })
  })

  it.each([["wide", sceneWith(60), 1], ["wide", busy, 20], ["long", many, 4]])(
    "are such points over %s units, whatever their metrics",
    async (form, scenes, least) => {
      let compared = 0
      for (const one of fc.sample(scenes, { seed: 7, numRuns: 4 })) {
        const planned = seriesOf(one)
        const { increments, long } = strategyOf(planned)
        expect(long === undefined ? "wide" : "long").toBe(form)
        expect(increments!.steps.length).toBeGreaterThan(0)
        compared += await held(one, planned)
      }
      expect(compared).toBeGreaterThanOrEqual(least)
    }
  )

  it("are points whose sums reach the whole by themselves", async () => {
    const seen = { reached: 0 }
    await fc.assert(
      fc.asyncProperty(scene, async ({ experiment, metrics, rows }) => {
        await load(rows)
        const planned = planOf(experiment, metrics, "events", {}, { series: true })
        const answer = await run(Warehouse.use((warehouse) => warehouse.query(compile(planned))))
        // In a window that is a period longer, to which nothing was added, the end of this one isn't the last point.
        const longer = { ...planned, to: planned.to + (planned.series!.period === "day" ? 86_400_000 : 3_600_000) }
        const { identities, moments, points } = await run(Effect.fromResult(decodeAggregates(longer, answer.rows)))
        const end = points.at(-2)!
        expect(end.identities).toEqual(identities)
        const { units } = reference(experiment, references(metrics), rows)
        for (const arm of planned.arms) {
          end.moments.forEach((ofMetric, m) => {
            if (ofMetric === undefined) return
            seen.reached += moments[m]![arm]!.n
            expect(momentDifferences(arm, ofMetric[arm]!, units[planned.metrics[m]!.key]![arm]!)).toEqual([])
          })
        }
      }),
      { numRuns: 4, seed: 3 }
    )
    expect(seen.reached).toBeGreaterThan(0)
  })
})
