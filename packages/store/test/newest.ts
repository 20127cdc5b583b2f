/** What every store says of the newest snapshots of several experiments. */
import type { StoreError } from "@assay/model"
import type { Shape } from "@assay/store"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { snapshot } from "./example.ts"

const day = (n: number): string => `2026-01-${String(n).padStart(2, "0")}T00:00:00.000Z`

/** Puts snapshots of three experiments, and compares with the lists of these and of one that has none. */
export const checkNewest = Effect.fn("checkNewest")(function*(store: Shape): Effect.fn.Return<void, StoreError> {
  const keys = ["checkout", "Checkout", "a, {\"b\"} 'c' \\ ü", "never run"]
  yield* store.put(snapshot("b", day(2)))
  yield* store.put(snapshot("a", day(3)))
  yield* store.put(snapshot("c", day(3)))
  yield* store.put(snapshot("d", day(9), keys[1]))
  yield* store.put(snapshot("e", day(1), keys[2]))
  yield* store.put(snapshot("f", day(8), "not asked for"))
  const lists = yield* Effect.forEach(keys, (key) => Effect.map(store.list(key), ([first]) => [key, first] as const))
  assert.deepStrictEqual(
    [...(yield* store.newest(keys))],
    lists.flatMap(([key, first]) => (first === undefined ? [] : [[key, first]]))
  )
  assert.deepStrictEqual(lists.map(([, first]) => first?.id), ["c", "d", "e", undefined])
  assert.deepStrictEqual(yield* store.newest([]), new Map())
})
