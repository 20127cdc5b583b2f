/** The warehouse of a project, filled by its `setup` statements, and the one that results are written to. */
import { publishTo, type RecomputeContext } from "@assay/pipeline"
import { Warehouse } from "@assay/warehouse"
import { Context, Effect, Layer } from "effect"
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

/** The warehouse that results are written to: the project's own, or one of its own connection; none where none is configured. */
export const resultsWarehouse = Effect.fn("resultsWarehouse")(function*(project: Project) {
  const { results } = project.config
  if (results === undefined) return undefined
  if (results === true) return yield* Warehouse
  return Context.get(yield* Layer.build(Warehouse.layer(results)), Warehouse)
})

/** What a project's recomputes do with the connection for results. */
export type Writing = Pick<RecomputeContext, "publish" | "states">

/** How results are written besides the store, and how states are kept, where that is configured. */
export const writing = Effect.fn("writing")(function*(project: Project) {
  const warehouse = yield* resultsWarehouse(project)
  const { incremental } = project.config
  const found: Writing = warehouse === undefined
    ? {}
    : { publish: publishTo(warehouse), ...(incremental === undefined ? {} : { states: { ...incremental, warehouse } }) }
  return found
})

/** What is said about the connection for results, whose keys stand under another name in the configuration. */
export const aboutResults = (project: Project, text: string): string =>
  project.config.results === true ? text : text.replaceAll(/\bwarehouse\.(?=[a-z])/g, "results.")
