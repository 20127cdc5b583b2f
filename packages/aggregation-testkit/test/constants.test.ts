/** Constants that a first statement finds: equal to quantiles of the reference's unit values, and as good as written down. */
import {
  compile,
  compileConstants,
  compileMergedConstants,
  decodeConstants,
  type Plan,
  type PlannedConstant,
  withConstants
} from "@assay/aggregation"
import type { Statement } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime } from "effect"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  aggregatesOf,
  clearEvents,
  createEventTable,
  type EventRow,
  insertEvents,
  momentDifferences,
  planOf,
  reference
} from "../src/index.ts"
import { lively, uncapped } from "./lively.ts"
import { references } from "./scenes.ts"

/** Without caps, whose quantiles are constants, too. */
const scene = lively.map(({ metrics, ...one }) => ({ ...one, metrics: metrics.map(uncapped) }))

const levels = [0.25, 0.5, 0.9, 0.999, 1 / 3]

/** A plan that asks for a quantile of each metric's first column, in different ways; which metric a constant is of. */
const asking = (planned: Plan): Plan => ({
  ...planned,
  constants: planned.metrics.map(({ columns, ripeUntil }, m): PlannedConstant => ({
    kind: "quantile",
    level: levels[m % levels.length]!,
    column: columns[0]!,
    ripeUntil,
    of: m % 2 === 0 ? "nonzero" : "all",
    over: m % 3 === 0 ? "arm" : "arms"
  }))
})

const quantile = (level: number, values: ReadonlyArray<number>) => ({
  n: values.length,
  value: values.toSorted((a, b) => a - b)[Math.floor(level * values.length)]
})

const close = (actual: number | undefined, expected: number | undefined) =>
  actual === expected || Math.abs(actual! - expected!) <= 1e-9 * Math.abs(expected!)

describe("the constants of a plan", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  const run = <A, E>(effect: Effect.Effect<A, E, Warehouse>) => runtime.runPromise(effect)
  beforeAll(() => run(Effect.forEach(["events", "exposures", "batch0", "batch1"], (table) => createEventTable(table))))
  afterAll(() => runtime.dispose())

  const load = (table: string, rows: ReadonlyArray<EventRow>) =>
    clearEvents(table).pipe(Effect.andThen(insertEvents(table, rows)))

  const found = Effect.fn(function*(planned: Plan, statement: Statement | undefined = compileConstants(planned)) {
    const warehouse = yield* Warehouse
    const { rows } = yield* warehouse.query(statement!)
    return yield* Effect.fromResult(decodeConstants(planned, rows))
  })

  it("are the quantiles of the reference, whole and from batches, in a plan with series and slices", async () => {
    const seen = { some: 0, none: 0 }
    await fc.assert(
      fc.asyncProperty(scene, async ({ experiment, metrics, rows }) => {
        const exact = { ...experiment, deduplication: "row" as const }
        const isExposure = (row: EventRow) => row.event === exact.exposureEvent
        const half = (row: EventRow) => (row.timestamp + row.value.length) % 2
        await run(Effect.gen(function*() {
          yield* load("events", rows)
          yield* load("exposures", rows.filter(isExposure))
          for (const i of [0, 1]) {
            yield* load(`batch${i}`, rows.filter((row) => !isExposure(row) && half(row) === i))
          }
        }))
        const planned = asking(planOf(exact, metrics, "events", {}, { series: true, slices: ["country"] }))
        const apart = {
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
        const [first, second] = [0, 1].map((i) => asking(planOf(exact, metrics, `batch${i}`, apart)))
        const constants = await run(found(planned))
        const merged = await run(found(first!, compileMergedConstants([first!, second!])))
        const { units } = reference(exact, references(metrics), rows)
        planned.constants.forEach(({ level, of, over }, c) => {
          const ofArm = (arm: string) =>
            units[planned.metrics[c]!.key]![arm]!.map(([u]) => u!).filter((u) => of === "all" || u !== 0)
          const expected = over === "arm"
            ? planned.arms.map((arm) => quantile(level, ofArm(arm)))
            : [quantile(level, planned.arms.flatMap(ofArm))]
          for (const all of [constants[c]!, merged[c]!]) {
            expect(all.map(({ n }) => n)).toEqual(expected.map(({ n }) => n))
            expect(all.filter(({ value }, i) => !close(value, expected[i]!.value))).toEqual([])
          }
          for (const { value } of expected) seen[value === undefined ? "none" : "some"] += 1
        })
      }),
      { numRuns: 2, seed: 3 }
    )
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0)
  })

  it("are then constants of the plan's own statement, of all arms or of each", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ experiment, metrics, rows }) => {
        await run(load("events", rows))
        const whole = asking(planOf(experiment, metrics, "events"))
        const planned: Plan = {
          ...whole,
          metrics: whole.metrics.map((metric, m) => ({
            ...metric,
            columns: [{ kind: "subtract", left: metric.columns[0]!, right: { kind: "found", index: m } }]
          }))
        }
        expect(() => compile(planned)).toThrow(/weren't found yet/)
        const constants = await run(found(planned))
        const { moments } = await run(aggregatesOf(withConstants(planned, constants)))
        const { units } = reference(experiment, references(metrics), rows)
        for (const [m, { key }] of planned.metrics.entries()) {
          planned.arms.forEach((arm, a) => {
            const { value = 0 } = constants[m]![planned.constants[m]!.over === "arm" ? a : 0]!
            const expected = units[key]![arm]!.map(([u]) => [u! - value])
            expect(momentDifferences(`${key} in ${arm}`, moments[m]![arm]!, expected)).toEqual([])
          })
        }
      }),
      { numRuns: 2, seed: 5 }
    )
  })
})
