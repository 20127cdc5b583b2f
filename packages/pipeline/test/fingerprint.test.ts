import { type Plan, plan } from "@assay/aggregation"
import { insertEvents } from "@assay/aggregation-testkit"
import { defaultEventMapping, Instant } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as fc from "fast-check"
import { fingerprint, fingerprints } from "../src/index.ts"
import { arm, contextOf, day, end, event, experimentOf, exposure, load, metric, start, table } from "./world.ts"

const experiment = experimentOf()

const now = Effect.suspend(() => Effect.fromResult(plan({ ...contextOf(), experiment }))).pipe(
  Effect.flatMap(fingerprint)
)

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("a fingerprint", (it) => {
  it.effect("is the same as long as nothing arrives that concerns the experiment", () =>
    Effect.gen(function*() {
      yield* load([...arm("control", 5, 2), ...arm("treatment", 5, 1)])
      const before = yield* now
      yield* insertEvents(table, [
        exposure("x", "control", { feature: "other" }),
        exposure("x", "control", { environment: "staging" }),
        exposure("x", "control", { timestamp: end }),
        event("x", "page_view"),
        event("x", "purchase", "1", { timestamp: start - 1 })
      ])
      assert.strictEqual(yield* now, before)
    }))

  it.effect("is another one after any event or exposure in the window, also a late one", () =>
    Effect.gen(function*() {
      yield* load([...arm("control", 5, 2), ...arm("treatment", 5, 1)])
      const seen = [yield* now]
      for (
        const row of [
          exposure("new", "control"),
          event("new", "purchase", "1"),
          event("old", "purchase", "1", { timestamp: start + day / 2 })
        ]
      ) {
        yield* insertEvents(table, [row])
        seen.push(yield* now)
      }
      assert.strictEqual(new Set(seen).size, seen.length)
    }))

  it.effect("reads as far as the metrics do: before the start with a covariate, after the end with a conversion window", () =>
    Effect.gen(function*() {
      yield* load([...arm("control", 5, 2), ...arm("treatment", 5, 1)])
      const wide = metric("purchased", "occurrence", { covariate: { lookback: "7d" }, window: "3d" })
      const print = Effect.suspend(() =>
        Effect.fromResult(
          plan({ ...contextOf({ metrics: new Map([[wide.key, wide]]), asOf: end + 2 * day }), experiment })
        )
      ).pipe(Effect.flatMap(fingerprint))
      const seen = [yield* print]
      for (const timestamp of [start - 6 * day, end + day]) {
        yield* insertEvents(table, [event("control 1", "purchase", "1", { timestamp })])
        seen.push(yield* print)
      }
      assert.strictEqual(new Set(seen).size, seen.length)
      for (const timestamp of [start - 8 * day, end + 2 * day]) {
        yield* insertEvents(table, [event("control 1", "purchase", "1", { timestamp })])
        assert.strictEqual(yield* print, seen.at(-1))
      }
    }))

  it.effect("reads exposures where they have a table of their own", () =>
    Effect.gen(function*() {
      const { columns } = defaultEventMapping
      yield* load(arm("control", 3))
      yield* load([], "shown")
      const { mapping } = contextOf()
      const apart = {
        ...mapping,
        exposures: {
          table: "shown",
          columns: { feature: columns.feature, variant: columns.value, timestamp: columns.timestamp },
          identities: mapping.identities
        }
      }
      const planned = yield* Effect.fromResult(plan({ ...contextOf({ mapping: apart }), experiment }))
      assert.include(yield* fingerprint(planned), "exposures 0 ")
      yield* insertEvents("shown", [exposure("a", "control")])
      assert.include(yield* fingerprint(planned), "exposures 1 ")
    }))

  it.effect("of several experiments is each one's own, from one read", () =>
    Effect.gen(function*() {
      const at = fc.integer({ min: -3, max: 20 }).map((n) => start + n * day / 2)
      const environment = fc.constantFrom("production", "staging")
      const feature = fc.constantFrom("checkout", "banner", "none")
      const row = fc.oneof(
        fc.record({ timestamp: at, environment, feature }).map((more) => exposure("a", "control", more)),
        fc.record({ timestamp: at, environment, name: fc.constantFrom("purchase", "refund", "else") }).map(
          ({ name, ...more }) => event("a", name, "1", more)
        )
      )
      const wide = metric("wide", "occurrence", { covariate: { lookback: "1d" }, window: "2d" })
      const context = contextOf({ metrics: new Map([...contextOf().metrics, [wide.key, wide]]), asOf: start + 9 * day })
      const planned = fc.record({
        environment,
        feature,
        from: fc.integer({ min: 0, max: 6 }),
        length: fc.integer({ min: 1, max: 6 }),
        key: fc.constantFrom("purchased", "refunded", "wide")
      }).map(({ environment, feature, from, key, length }): Plan =>
        Result.getOrThrow(plan({
          ...context,
          experiment: experimentOf({
            environment,
            feature,
            started_at: Instant.fromMillis(start + from * day / 2),
            ended_at: Instant.fromMillis(start + (from + length) * day / 2),
            metrics: [{ metric: key, role: "goal" }]
          })
        }))
      )
      const warehouse = yield* Warehouse
      let asked = 0
      const counting: typeof warehouse = {
        ...warehouse,
        query: (statement, options) =>
          Effect.suspend(() => {
            asked += 1
            return warehouse.query(statement, options)
          })
      }
      for (
        const [rows, plans] of fc.sample(
          fc.tuple(fc.array(row, { maxLength: 60 }), fc.array(planned, { minLength: 1, maxLength: 8 })),
          { numRuns: 15, seed: 7 }
        )
      ) {
        yield* load(rows)
        asked = 0
        const together = yield* fingerprints(plans).pipe(Effect.provideService(Warehouse, counting))
        assert.strictEqual(asked, new Set(plans.map(({ experiment }) => experiment.environment)).size)
        assert.deepStrictEqual(together, yield* Effect.forEach(plans, (one) => fingerprint(one)))
      }
      assert.deepStrictEqual(yield* fingerprints([]), [])
    }))
})
