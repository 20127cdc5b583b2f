/** `assay init`: a project to start from. */
import { jsonSchemas } from "@assay/definitions"
import { defaultEventMapping } from "@assay/model"
import { Effect, Option, Result } from "effect"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { standardAggregations } from "../config.ts"
import { UsageError } from "../Failed.ts"
import { print } from "../output.ts"
import { shown } from "../project.ts"
import { starterFiles } from "../starter.ts"
import { quoteArgument } from "./recompute.ts"
import { schemaFiles } from "./schema.ts"

/** Writes the starter project into a folder; refuses, before writing anything, when one of its files is there already. */
export const runInit = Effect.fn("command.init")(function*(input: { readonly folder: Option.Option<string> }) {
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
  const written = Result.try(() => {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), text, { flag: "wx" })
    }
  })
  if (Result.isFailure(written)) {
    return yield* new UsageError({
      message: `The project can't be written: ${
        written.failure instanceof Error ? written.failure.message : String(written.failure)
      }`,
      hint: "Choose a folder that you may write to: assay init <folder>"
    })
  }
  const cd = folder === process.cwd() ? "" : `  cd ${quoteArgument(shown(folder))}\n`
  yield* print(
    `Wrote ${Object.keys(files).map((file) => `\n  ${shown(join(folder, file))}`).join("")}\n\n` +
      `It runs as it is, on made-up events:\n${cd}  assay recompute --all\n\n` +
      `Then put your own ClickHouse into assay.config.ts, and check it with \`assay doctor\`.`
  )
})
