/** Replays of snapshots: the same bytes for the same data, else what moved and by how many late rows. */
import { plan } from "@assay/aggregation"
import { insertEvents } from "@assay/aggregation-testkit"
import type { EventMapping } from "@assay/model"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { assert, describe, expect, it, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { movedNumbers, recompute, replay } from "../src/index.ts"
import {
  arm,
  contextOf,
  day,
  end,
  event,
  experimentOf,
  exposure,
  jobOf,
  load,
  mapping,
  measuring,
  table
} from "./world.ts"

const experiment = measuring(["purchased", "revenue", "price"])

const stored: EventMapping = { ...mapping, columns: { ...mapping.columns, ingested: "collected_at" } }

/** The snapshot of a recompute at the end, and the plan that it was made by. */
const made = Effect.fn(function*(by: EventMapping) {
  yield* TestClock.setTime(end + day)
  yield* load([...arm("control", 60, 20, (i) => 1 + i / 7), ...arm("treatment", 61, 30)])
  const context = contextOf({ mapping: by })
  yield* recompute(jobOf(experiment), context)
  const snapshot = Option.getOrThrow(yield* Store.use((_) => _.latest("checkout")))
  return { snapshot, planned: yield* Effect.fromResult(plan({ ...context, experiment: experimentOf(experiment) })) }
}, Effect.provide([Store.layerMemory, TestClock.layer()]))

describe("numbers that differ", () => {
  it("have moved, unless they are fractions and agree to 12 digits", () => {
    const numbers = (n: number, x: number, y: number) => new Map([["n", n], ["x", x], ["y", y]])
    const before = numbers(1e15, 0.1, 1)
    expect(movedNumbers(before, numbers(1e15 + 1, 0.1 * (1 + 1e-14), 1))).toEqual({
      moved: [{ name: "n", was: 1e15, is: 1e15 + 1 }],
      rounded: 1
    })
    expect(movedNumbers(before, numbers(1e15, 0.1 * (1 + 1e-11), 1.5)).moved.map(({ name }) => name)).toEqual([
      "x",
      "y"
    ])
  })
})

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("a replay", (it) => {
  it.effect("agrees to the last byte as long as the data is the same", () =>
    Effect.gen(function*() {
      const { planned, snapshot } = yield* made(stored)
      const { compared, late, moved } = yield* replay(snapshot, planned)
      assert.deepStrictEqual({ late, moved }, { late: { exposures: 0, events: 0 }, moved: [] })
      // Two arms, the quarantined, and n, sum, sum of squares, mean and variance; three more of a ratio.
      assert.strictEqual(compared, 3 + 2 * (5 + 5 + 8))
    }))

  it.effect("tells which numbers moved, and how many rows were stored since", () =>
    Effect.gen(function*() {
      const { planned, snapshot } = yield* made(stored)
      const ingested = end + 2 * day
      yield* insertEvents(table, [
        event("control 59", "purchase", "3", { ingested }),
        event("control 0", "unrelated", "3", { ingested }),
        exposure("late", "treatment", { ingested })
      ])
      const { late, moved } = yield* replay(snapshot, planned)
      assert.deepStrictEqual(late, { exposures: 1, events: 1 })
      const named = new Map(moved.map(({ is, name, was }) => [name, is - was]))
      assert.strictEqual(named.get("metrics.purchased.control.sum"), 1)
      assert.strictEqual(named.get("variants.treatment.n"), 1)
      assert.isFalse(named.has("variants.control.n"))
      assert.isFalse(named.has("metrics.purchased.treatment.sum"))
    }))

  it.effect("doesn't know of late rows where no column says when a row was stored", () =>
    Effect.gen(function*() {
      const { planned, snapshot } = yield* made(mapping)
      assert.isUndefined((yield* replay(snapshot, planned)).late)
    }))
})
