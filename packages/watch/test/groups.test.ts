import { defineAggregation, NoOptions } from "@assay/aggregation"
import { defaultEventMapping, type Experiment } from "@assay/model"
import { engines } from "@assay/stats"
import { Store } from "@assay/store"
import { Effect } from "effect"
import { assert, describe, it } from "vitest"
import { groupsOf, makeGroupMemory, STANDS_MILLIS } from "../src/groups.ts"
import type { Work } from "../src/index.ts"

const experimentOf = (key: string): Experiment => ({
  key,
  environment: "production",
  feature: key,
  started_at: "2026-01-01",
  ended_at: "2026-01-15",
  control: "a",
  variants: [{ key: "a", share: 1 }, { key: "b", share: 1 }],
  metrics: [{ metric: "m", role: "goal" }]
})

const keys = ["cart", "checkout", "paywall", "search"]
const asOf = Date.UTC(2026, 0, 8)

/** Work over these experiments, and how often one of them was planned. */
const counted = () => {
  let plans = 0
  const bought = defineAggregation({
    name: "bought",
    version: "1.0.0",
    options: NoOptions,
    reads: "nothing",
    columns: ({ events }) => {
      plans += 1
      return { bought: events.any() }
    },
    estimand: { kind: "proportion", column: "bought" }
  })
  const work: Work = {
    jobs: new Map(keys.map((key) => [key, { experiment: experimentOf(key), definitionHash: key }])),
    context: {
      metrics: new Map([["m", { key: "m", aggregation: "bought", event: "purchase", direction: "up" }]]),
      mapping: defaultEventMapping,
      aggregations: new Map([["bought", bought]]),
      engine: engines.bayesian,
      confidence: 0.95,
      version: "1.0.0",
      sharedReads: true
    }
  }
  return { work, since: () => ([plans, plans = 0] as const)[0] }
}

const run = <A, E>(effect: Effect.Effect<A, E, Store>) => Effect.runPromise(Effect.provide(effect, Store.layerMemory))

describe("groups", () => {
  it("stand for a minute while experiments only leave them; others, and other definitions, are planned anew", () =>
    run(Effect.gen(function*() {
      const { since, work } = counted()
      const memory = yield* makeGroupMemory
      const ask = (some: ReadonlyArray<string>, at = asOf, of = work) => groupsOf(of, some, new Map(), memory, at)
      const three = keys.slice(0, 3)
      assert.deepStrictEqual(yield* ask(three), [three])
      assert.isAbove(since(), 0)

      assert.deepStrictEqual(yield* ask(["paywall", "cart"], asOf + 1000), [["cart", "paywall"]])
      assert.deepStrictEqual(yield* ask(["cart"], asOf + 1000), [])
      assert.strictEqual(since(), 0)

      assert.deepStrictEqual(yield* ask(keys, asOf + 2000), [keys])
      assert.isAbove(since(), 0)
      yield* ask(three, asOf + 1999 + STANDS_MILLIS)
      assert.strictEqual(since(), 0)
      yield* ask(three, asOf + 2000 + STANDS_MILLIS)
      assert.isAbove(since(), 0)
      yield* ask(three, asOf + 2000 + STANDS_MILLIS, { ...work })
      assert.isAbove(since(), 0)
    })))
})
