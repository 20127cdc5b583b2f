/** `assay init`: a project to start from. */
import { jsonSchemas } from "@assay/definitions"
import { defaultEventMapping } from "@assay/model"
import { createResultTables, resultTableDdl, resultTables } from "@assay/pipeline"
import { Effect, Option } from "effect"
import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import { standardAggregations } from "../config.ts"
import { resultsWarehouse, warehouseLayer } from "../engine.ts"
import { UsageError } from "../Failed.ts"
import { print, say } from "../output.ts"
import { loadProject, shown } from "../project.ts"
import { starterFiles } from "../starter.ts"
import { writeFiles } from "../writeFiles.ts"
import { commandLine, quoteArgument } from "./recompute.ts"
import { schemaFiles } from "./schema.ts"

/** Writes the starter project into a folder; refuses, before writing anything, when one of its files is there already. */
export const runInit = Effect.fn("command.init")(function*(
  input: { readonly folder: Option.Option<string>; readonly yes: boolean }
) {
  if (input.yes) {
    return yield* new UsageError({
      message: "--yes was given without --warehouse",
      hint: "Write `assay init --warehouse --yes` to make the tables that results are written to"
    })
  }
  const folder = resolve(Option.getOrElse(input.folder, () => "."))
  const files = {
    ...starterFiles,
    ...schemaFiles(
      jsonSchemas(standardAggregations, defaultEventMapping),
      "schemas"
    )
  }
  const present = Object.keys(files).filter((file) => existsSync(join(folder, file)))
  if (present.length > 0) {
    return yield* new UsageError({
      message: `${shown(join(folder, present[0]!))} is there already${
        present.length > 1 ? `, and ${present.length - 1} more` : ""
      }; nothing was written`,
      hint: "Choose an empty folder: assay init <folder>"
    })
  }
  yield* writeFiles(folder, files, "assay init <folder>")
  const call = commandLine(Option.none())
  const cd = folder === process.cwd() ? "" : `  cd ${quoteArgument(shown(folder))}\n`
  yield* print(
    `Wrote${Object.keys(files).map((file) => `\n  ${shown(join(folder, file))}`).join("")}\n\n` +
      `It runs as it is, on made-up events:\n${cd}  ${call("recompute --all")}\n\n` +
      `Then put your own ClickHouse into assay.config.ts, and check it with \`${call("doctor")}\`.`
  )
})

/** What `assay init --warehouse` was asked for. */
export interface InitWarehouseInput {
  readonly folder: Option.Option<string>
  readonly config: Option.Option<string>
  readonly yes: boolean
}

/**
 * Shows the DDL of the tables that results are written to, and with `yes` makes them where they aren't there. Refuses where
 * the configuration doesn't say that results are written.
 */
export const runInitWarehouse = Effect.fn("command.init.warehouse")(function*(input: InitWarehouseInput) {
  const project = yield* loadProject(Option.getOrUndefined(Option.orElse(input.config, () => input.folder)))
  const { results, warehouse } = project.config
  if (results === undefined) {
    return yield* new UsageError({
      message: `${shown(project.file)} doesn't say that results are written to ClickHouse`,
      hint:
        "Set `results: true` for the warehouse itself, or `results: { url: …, username: …, … }` for another connection"
    })
  }
  yield* print(resultTables.map((table) => `${resultTableDdl(table, undefined)};\n`).join("\n"))
  const place = results === true ? warehouse : results
  const where = place.url === undefined ? "the embedded ClickHouse" : `${place.database ?? "default"} at ${place.url}`
  if (!input.yes) {
    return yield* say(`Nothing was made. Add --yes to make these tables in ${where}, or run the DDL yourself.`)
  }
  yield* resultsWarehouse(project).pipe(
    Effect.flatMap((made) => (made === undefined ? Effect.void : createResultTables(made))),
    Effect.scoped,
    Effect.provide(warehouseLayer(project))
  )
  yield* say(`Made, or there already, in ${where}.`)
})
