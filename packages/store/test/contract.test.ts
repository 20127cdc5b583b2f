/** What every store does, in files and in memory. */
import { StoreError } from "@assay/model"
import { Store } from "@assay/store"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { snapshot } from "./example.ts"
import { checkNewest } from "./newest.ts"

const day = (n: number): string => `2026-01-${String(n).padStart(2, "0")}T00:00:00.000Z`

const inTemporaryDirectory = Layer.unwrap(
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "assay-store-"))),
      (root) => Effect.promise(() => rm(root, { recursive: true, force: true }))
    ),
    Store.layerFiles
  )
)

const stores = [["files", inTemporaryDirectory], ["memory", Store.layerMemory]] as const

type Check = (title: string, body: (store: Store["Service"]) => Effect.Effect<void, unknown>) => void

const checkWith = (layer: Layer.Layer<Store>): Check => (title, body) => {
  it.effect(title, () => Effect.flatMap(Store, body).pipe(Effect.provide(Layer.fresh(layer))))
}

for (const [name, layer] of stores) {
  describe(`a store in ${name}`, () => {
    const check = checkWith(layer)

    check("has nothing for an experiment that it never saw", (store) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* store.latest("checkout"), Option.none())
        assert.deepStrictEqual(yield* store.list("checkout"), [])
        assert.deepStrictEqual(yield* store.get("checkout", "r1"), Option.none())
      }))

    check("gives back what was put", (store) =>
      Effect.gen(function*() {
        const one = snapshot("r1", day(1))
        const { path, latest } = yield* store.put(one)
        assert.isTrue(latest)
        assert.deepStrictEqual(yield* store.latest("checkout"), Option.some(one))
        assert.deepStrictEqual(yield* store.get("checkout", "r1"), Option.some(one))
        assert.deepStrictEqual(yield* store.list("checkout"), [{ id: "r1", as_of: day(1), path }])
      }))

    check("moves the latest forward only, whatever order snapshots are written in", (store) =>
      Effect.gen(function*() {
        assert.isTrue((yield* store.put(snapshot("b", day(2)))).latest)
        assert.isFalse((yield* store.put(snapshot("a", day(1)))).latest)
        assert.isTrue((yield* store.put(snapshot("c", day(3)))).latest)
        assert.strictEqual(Option.getOrThrow(yield* store.latest("checkout")).id, "c")
        assert.deepStrictEqual((yield* store.list("checkout")).map(({ id }) => id), ["c", "b", "a"])
      }))

    check("tells the newest of several experiments as their lists do", (store) =>
      Effect.gen(function*() {
        yield* checkNewest(store)
      }))

    check("compares instants, not their texts", (store) =>
      Effect.gen(function*() {
        yield* store.put(snapshot("later", "2026-01-01T23:30:00-02:00"))
        yield* store.put(snapshot("earlier", "2026-01-02T00:00:00Z"))
        assert.deepStrictEqual((yield* store.list("checkout")).map(({ id, as_of }) => [id, as_of]), [
          ["later", "2026-01-02T01:30:00.000Z"],
          ["earlier", "2026-01-02T00:00:00.000Z"]
        ])
      }))

    check("never overwrites an id, not even with another as_of", (store) =>
      Effect.gen(function*() {
        const first = snapshot("r1", day(1))
        yield* store.put(first)
        for (const as_of of [day(1), day(2)]) {
          const error = yield* Effect.flip(store.put(snapshot("r1", as_of)))
          assert.include(error.message, "r1 exists already")
        }
        assert.deepStrictEqual(yield* store.latest("checkout"), Option.some(first))
      }))

    check("keeps experiments apart whose keys differ in case alone", (store) =>
      Effect.gen(function*() {
        yield* store.put(snapshot("r1", day(1), "Checkout"))
        yield* store.put(snapshot("r1", day(2), "checkout"))
        assert.strictEqual(Option.getOrThrow(yield* store.latest("Checkout")).as_of, day(1))
        assert.strictEqual(Option.getOrThrow(yield* store.latest("checkout")).as_of, day(2))
      }))

    for (
      const [title, wrong] of [
        ["an id that isn't safe in a file's name", snapshot("../r1", day(1))],
        ["an as_of that isn't an instant", snapshot("r1", "yesterday")],
        ["a summary of another experiment", Object.assign(snapshot("r1", day(1)), { experiment: "other" })],
        [
          "a parameter that JSON can't hold",
          Object.assign(snapshot("r1", day(1)), { statement: { text: "", parameters: { n: 1n }, settings: {} } })
        ]
      ] as const
    ) {
      check(`refuses ${title}`, (store) =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(store.put(wrong))
          assert.instanceOf(error, StoreError)
          assert.include(error.message, "not well-formed")
          assert.deepStrictEqual(yield* store.list(wrong.experiment), [])
        }))
    }
  })
}
