/** The warehouse of a project, filled by its `setup` statements. */
import { Warehouse } from "@assay/warehouse"
import { Effect, Layer } from "effect"
import type { Project } from "./project.ts"

/** The warehouse, ready for queries: the embedded one has run the project's `setup`. */
export const warehouseLayer = (project: Project) => {
  const warehouse = Warehouse.layer(project.config.warehouse)
  const setup = Layer.effectDiscard(
    Effect.gen(function*() {
      const { command } = yield* Warehouse
      for (const { parameters, text } of yield* Effect.fromResult(project.config.setup())) {
        yield* command({ text, parameters: parameters ?? {}, settings: {} }, { comment: { assay: "setup" } })
      }
    }).pipe(Effect.withSpan("setup"))
  )
  return setup.pipe(Layer.provideMerge(warehouse))
}
