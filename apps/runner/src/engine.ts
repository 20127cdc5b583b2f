/** The warehouse of a project, filled by its `setup` statements, and the one that results are written to. */
import { DecodeError, QueryLimitExceeded, QueryRejected, type WarehouseError, WarehouseUnavailable } from "@assay/model"
import { publishTo, type RecomputeContext } from "@assay/pipeline"
import { Warehouse, type WarehouseShape } from "@assay/warehouse"
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

/** What is said of a warehouse, for the connection for results: its keys stand under another name in the configuration. */
export const aboutResults = (text: string): string =>
  text.replaceAll(/\bwarehouse\.(?=[a-z])/g, "results.").replaceAll("the warehouse's", "the results connection's")

/** An error of the connection for results, which is told as one of the warehouse. */
const ofResults = (error: WarehouseError): WarehouseError => {
  const said = { message: aboutResults(error.message), hint: aboutResults(error.hint) }
  switch (error._tag) {
    case "WarehouseUnavailable":
      return new WarehouseUnavailable({ ...error, ...said })
    case "QueryRejected":
      return new QueryRejected({ ...error, ...said })
    case "QueryLimitExceeded":
      return new QueryLimitExceeded({ ...error, ...said })
    case "DecodeError":
      return new DecodeError(said)
  }
}

/** A warehouse whose errors speak of the connection for results. */
const speakingOfResults = (warehouse: WarehouseShape): WarehouseShape => ({
  query: (...rest) => Effect.mapError(warehouse.query(...rest), ofResults),
  command: (...rest) => Effect.mapError(warehouse.command(...rest), ofResults),
  insert: (...rest) => Effect.mapError(warehouse.insert(...rest), ofResults),
  estimate: (...rest) => Effect.mapError(warehouse.estimate(...rest), ofResults),
  admit: (...rest) => Effect.mapError(warehouse.admit(...rest), ofResults),
  version: () => Effect.mapError(warehouse.version(), ofResults),
  ping: () => Effect.mapError(warehouse.ping(), ofResults)
})

/** The warehouse that results are written to: the project's own, or one of its own connection; none where none is configured. */
export const resultsWarehouse = Effect.fn("resultsWarehouse")(function*(project: Project) {
  const { results } = project.config
  if (results === undefined) return undefined
  if (results === true) return yield* Warehouse
  const built = yield* Effect.mapError(Layer.build(Warehouse.layer(results)), ofResults)
  return speakingOfResults(Context.get(built, Warehouse))
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
