/** `assay schema`: JSON Schemas of the definition files, so that an editor completes and checks them. */
import { jsonSchemas } from "@assay/definitions"
import { Effect, Option, Result } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { UsageError } from "../Failed.ts"
import { print, printJson } from "../output.ts"
import { loadProject, shown } from "../project.ts"

/** The schemas as files in a folder. */
export const schemaFiles = (schemas: ReturnType<typeof jsonSchemas>, folder: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(schemas).map((
      [kind, schema]
    ) => [join(folder, `${kind}.schema.json`), `${JSON.stringify(schema, null, 2)}\n`])
  )

/** Writes the schemas, replacing older ones; with `json`, prints them instead. */
export const runSchema = Effect.fn("command.schema")(
  function*(
    input: { readonly config: Option.Option<string>; readonly out: Option.Option<string>; readonly json: boolean }
  ) {
    const project = yield* loadProject(Option.getOrUndefined(input.config))
    const schemas = jsonSchemas(project.config.aggregations.values(), project.config.mapping)
    if (input.json) return yield* printJson(schemas)
    const folder = Option.isSome(input.out) ? resolve(input.out.value) : join(project.root, "schemas")
    const files = schemaFiles(schemas, folder)
    const written = Result.try(() => {
      mkdirSync(folder, { recursive: true })
      for (const [file, text] of Object.entries(files)) writeFileSync(file, text)
    })
    if (Result.isFailure(written)) {
      return yield* new UsageError({
        message: `The schemas can't be written: ${
          written.failure instanceof Error ? written.failure.message : String(written.failure)
        }`,
        hint: "Choose another folder with --out <folder>"
      })
    }
    yield* print(
      `${Object.keys(files).map((file) => `Wrote ${shown(file)}`).join("\n")}\n\n` +
        "Put this line on top of a definition, and an editor with a YAML language server checks it:\n" +
        "# yaml-language-server: $schema=../schemas/experiment.schema.json   (or metric.schema.json)"
    )
  }
)
