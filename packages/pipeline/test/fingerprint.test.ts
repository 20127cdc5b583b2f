import { plan } from "@assay/aggregation"
import { insertEvents } from "@assay/aggregation-testkit"
import { defaultEventMapping } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { fingerprint } from "../src/index.ts"
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
})
