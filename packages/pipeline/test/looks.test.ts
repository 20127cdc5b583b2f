/** Looks one after another: each recompute reads what the ones before it saw and decided from the store. */
import { Instant, type ResultsSummary } from "@assay/model"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { recompute } from "../src/index.ts"
import { arm as armOf, contextOf, day, end, event, experimentOf, load, start } from "./world.ts"

/** As it stood on that day of January. */
const look = (days: number, more: Parameters<typeof experimentOf>[0] = {}) =>
  recompute(
    { experiment: experimentOf(more), definitionHash: JSON.stringify(more) },
    contextOf({ asOf: start + days * day })
  )
    .pipe(Effect.map(({ summary }): ResultsSummary => summary))

/** An arm whose buyers buy on the second day. */
const arm = (variant: string, n: number, buyers: number) =>
  armOf(variant, n, buyers).map((row) => (row.event === "purchase" ? { ...row, timestamp: start + day } : row))

/** A third more in the treatment on the second day; from the tenth on many buy in the control, too. */
const rows = [
  ...arm("control", 1000, 100),
  ...arm("treatment", 1000, 150),
  ...Array.from({ length: 60 }, (_, i) => event(`control ${200 + i}`, "purchase", "10", { timestamp: start + 9 * day }))
]

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("a recompute", (it) => {
  it.effect("takes a planned look once, and reads it from the store until the next", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const plan = { plan: { design: "group-sequential", horizon: "14d", looks: 2, spending: "pocock" } } as const
      const early = yield* look(3, plan)
      assert.deepInclude(early.decision!.plan, { look: 0 })
      const first = yield* look(7, plan)
      assert.strictEqual(first.decision!.decision, "ship")
      assert.deepInclude(first.decision!.plan, { look: 1, decided_at: first.as_of })
      const second = yield* look(11, plan)
      // The numbers are those of the day, in which nothing is left of it; the decision is that of the look.
      assert.isAbove(second.metrics[0]!.inference["treatment"]!.p_value, 0.3)
      assert.deepInclude(second.decision!, { decision: "ship", variant: "treatment" })
      assert.deepInclude(second.decision!.plan, { look: 1, decided_at: first.as_of })
      assert.include(second.decision!.reasons.map(({ code }) => code), "planned_look")
      // The snapshot in the store is what it goes by, not the run before it.
      const store = yield* Store
      const listed = yield* store.list("checkout")
      assert.deepStrictEqual(listed.map(({ as_of }) => as_of), [second.as_of, first.as_of, early.as_of])
      const kept = Option.getOrThrow(yield* store.get("checkout", listed[1]!.id))
      assert.deepStrictEqual(kept.summary.decision, first.decision)
      const last = yield* look(15, plan)
      assert.deepInclude(last.decision!.plan, { look: 2, decided_at: last.as_of })
      assert.strictEqual(last.decision!.decision, "do not ship")
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("keeps the smallest sequential p-value of the sample ratio, of looks at this split", () =>
    Effect.gen(function*() {
      yield* load([...arm("control", 1500, 60), ...arm("treatment", 1000, 50)])
      const off = yield* look(3)
      const p = off.srm.sequential!.p_value
      assert.isBelow(p, 0.01)
      yield* load([...arm("control", 600, 60), ...arm("treatment", 600, 60)])
      assert.strictEqual((yield* look(5)).srm.sequential!.p_value, p)
      const variants = [{ key: "control", share: 2 }, { key: "treatment", share: 2.1 }] as const
      assert.strictEqual((yield* look(6, { variants })).srm.sequential!.p_value, 1)
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("knows that results were seen before the end was set", () =>
    Effect.gen(function*() {
      yield* load([...arm("control", 1000, 100), ...arm("treatment", 1000, 130)])
      const open = yield* look(5, { ended_at: undefined } as unknown as Parameters<typeof experimentOf>[0])
      assert.isNull(open.decision!.plan.ends_at)
      const ended = yield* look(15, { ended_at: Instant.fromMillis(end) })
      assert.deepInclude(ended.decision!, { decision: "do not ship" })
      assert.include(ended.decision!.reasons.map(({ code }) => code), "end_chosen_late")
    }).pipe(Effect.provide(Store.layerMemory)))
})
