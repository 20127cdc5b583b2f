import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { readFileSync } from "node:fs"
import { nightly } from "./example.ts"
import { arm, contextOf, jobOf, load } from "./world.ts"

const read = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8")

layer(Layer.merge(Warehouse.layerEmbedded(), Store.layerMemory), { excludeTestServices: true })("the README", (it) => {
  it.effect("shows the example that runs here, in a service of its own", () =>
    Effect.gen(function*() {
      assert.include(read("../README.md"), read("./example.ts").split("\n").slice(1).join("\n").trimEnd())
      yield* load([...arm("control", 60, 20), ...arm("treatment", 60, 30)])
      const summaries = yield* nightly([jobOf(), jobOf({ key: "mistaken", control: "nobody" })], contextOf())
      assert.deepStrictEqual(summaries.map(({ experiment }) => experiment), ["checkout"])
      const { provenance, state } = summaries[0]!
      assert.deepInclude(provenance, { assay_version: "my-service 1.0" })
      assert.match(provenance.warehouse_version, /^\d+\.\d+/)
      assert.strictEqual(state, "ended")
    }))
})
