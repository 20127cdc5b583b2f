/** A process of its own that puts snapshots: `writer.ts <root> <id>=<as_of>…`. Prints, per line, an id or its error. */
import { Store } from "@assay/store"
import { Effect } from "effect"
import { snapshot } from "./example.ts"

const [root = "", ...pairs] = process.argv.slice(2)

const lines = await Effect.runPromise(
  Effect.gen(function*() {
    const store = yield* Store
    return yield* Effect.forEach(pairs, (pair) => {
      const [id = "", as_of = ""] = pair.split("=")
      return Effect.match(store.put(snapshot(id, as_of)), {
        onSuccess: () => `put ${id}`,
        onFailure: (error) => `refused ${error.message} ${error.hint}`
      })
    })
  }).pipe(Effect.provide(Store.layerFiles(root)))
)
process.stdout.write(lines.join("\n"))
