/** What a server keeps at hand. */
import { states } from "@assay/example-summaries"
import { Store } from "@assay/store"
import { Effect, Layer } from "effect"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { loadProject } from "../src/project.ts"
import { Catalog, makeAhead } from "../src/serve/catalog.ts"
import { runsLayer } from "../src/store.ts"
import { experimentFile, filesIn, project } from "./assay.ts"
import { snapshot, summaryOf } from "./served.ts"

it("the newest pages are made ahead: they are there when the store is away, and one that can't be read stops none", async () => {
  const root = project({
    "assay.config.ts": "export default {}\n",
    "experiments/empty.yaml": experimentFile("empty"),
    "experiments/damaged.yaml": experimentFile("damaged"),
    "experiments/ranking.yaml": experimentFile("ranking")
  })
  const loaded = await Effect.runPromise(loadProject(root))
  const layer = Catalog.layer(root).pipe(Layer.provideMerge(runsLayer(loaded)))
  const shown = Effect.gen(function*() {
    for (const key of ["checkout", "damaged", "ranking"]) yield* snapshot(summaryOf(key, states["shipping"]!), "one")
    const damaged = Object.keys(filesIn(root)).find((file) => file.includes("snapshots/damaged"))!
    writeFileSync(join(root, damaged), "{")
    yield* makeAhead()
    const store = Object.keys(filesIn(root)).filter((file) => file.includes("/snapshots/"))
    for (const file of store) rmSync(join(root, file))
    const catalog = yield* Catalog
    return yield* Effect.forEach(["checkout", "damaged", "ranking"], (key) => catalog.snapshot(key, "one"))
  })
  const found = await Effect.runPromise(shown.pipe(Effect.provide(layer)))
  expect(found.map(({ _tag }) => _tag)).toEqual(["Some", "None", "Some"])
})

it("the cards of all experiments ask the store once which results are their newest, and for results never twice", async () => {
  const root = project({
    "assay.config.ts": "export default {}\n",
    "experiments/empty.yaml": experimentFile("empty"),
    "experiments/ranking.yaml": experimentFile("ranking")
  })
  const asked: Array<string> = []
  const counted = Layer.effect(
    Store,
    Effect.map(Store, (store) => {
      const counting =
        <A extends ReadonlyArray<unknown>, B>(name: string, run: (...rest: A) => B) => (...rest: A): B => {
          asked.push(name)
          return run(...rest)
        }
      return Store.of({
        ...store,
        newest: counting("newest", store.newest),
        list: counting("list", store.list),
        get: counting("get", store.get)
      })
    })
  )
  const loaded = await Effect.runPromise(loadProject(root))
  const layer = Catalog.layer(root).pipe(Layer.provideMerge(counted), Layer.provideMerge(runsLayer(loaded)))
  const shown = Effect.gen(function*() {
    for (const key of ["checkout", "ranking"]) yield* snapshot(summaryOf(key, states["shipping"]!), "one")
    const catalog = yield* Catalog
    const all = yield* catalog.visible({ name: "any", sees: () => true, may: () => true, secret: "" })
    yield* catalog.cards(all)
    return yield* catalog.cards(all)
  })
  const cards = await Effect.runPromise(shown.pipe(Effect.provide(layer)))
  expect(Object.fromEntries(cards.map(({ experiment, results, snapshot: id }) => [experiment, [results.kind, id]])))
    .toEqual({ checkout: ["some", "one"], empty: ["none", undefined], ranking: ["some", "one"] })
  expect(asked).toEqual(["newest", "get", "get", "newest"])
})
