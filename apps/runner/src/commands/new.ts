/** `assay new aggregation`: the package of an aggregation in a folder of its own. */
import { exportedName, isName, nameRule, standaloneAggregation } from "@assay/aggregation-template"
import { Effect, Option } from "effect"
import { existsSync, readdirSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { standardAggregations } from "../config.ts"
import { UsageError } from "../Failed.ts"
import { print } from "../output.ts"
import { shown } from "../project.ts"
import { version } from "../version.ts"
import { writeFiles } from "../writeFiles.ts"
import { quoteArgument } from "./recompute.ts"

const elsewhere = "--folder <folder>"

/** Why nothing may be written to a folder: it is none, or has something in it beside a repository. */
const occupied = (folder: string): string | undefined => {
  if (!existsSync(folder)) return undefined
  if (!statSync(folder).isDirectory()) return "is a file"
  return readdirSync(folder).some((file) => file !== ".git") ? "isn't empty" : undefined
}

/** Writes the package into an empty folder, named like the aggregation unless told. */
export const runNewAggregation = Effect.fn("command.new.aggregation")(function*(
  input: { readonly name: string; readonly folder: Option.Option<string> }
) {
  const { name } = input
  if (!isName(name)) {
    return yield* new UsageError({
      message: `An aggregation can't be called ${JSON.stringify(name)}`,
      hint: `A name is ${nameRule}`
    })
  }
  if (standardAggregations.some((aggregation) => aggregation.name === name)) {
    return yield* new UsageError({
      message: `There is a standard aggregation called "${name}"`,
      hint: "Choose another name: a configuration can't hold two of one name"
    })
  }
  const folder = resolve(Option.getOrElse(input.folder, () => name))
  const why = occupied(folder)
  if (why !== undefined) {
    return yield* new UsageError({
      message: `${shown(folder)} ${why}; nothing was written`,
      hint: `Choose another folder with ${elsewhere}`
    })
  }
  const files = standaloneAggregation(name, version)
  yield* writeFiles(folder, files, elsewhere)
  const cd = folder === process.cwd() ? "" : `  cd ${quoteArgument(shown(folder))}\n`
  yield* print(
    `Wrote${Object.keys(files).map((file) => `\n  ${shown(join(folder, file))}`).join("")}\n\n` +
      `It is green as it is:\n${cd}  npm install\n  npm test\n  npm run example\n\n` +
      `Then make ${exportedName(name)} in src/index.ts, and the reference in its test, your own.`
  )
})
