/** What a server keeps at hand. */
import { states } from "@assay/example-summaries"
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
