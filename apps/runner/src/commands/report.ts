/** `assay report`: the results of one experiment as one document, to attach to a ticket or to load elsewhere. */
import { csv, markdown } from "@assay/report"
import type { Snapshot } from "@assay/store"
import { Clock, Effect, Option } from "effect"
import { writeFileSync } from "node:fs"
import { extname } from "node:path"
import { UsageError } from "../Failed.ts"
import { print, say } from "../output.ts"
import { shown } from "../project.ts"
import { findSnapshot } from "./results.ts"

/** The documents that there are. */
export type ReportFormat = "html" | "md" | "json" | "csv"

/** What `assay report` was asked for. */
export interface ReportInput {
  readonly experiment: string
  readonly config: Option.Option<string>
  readonly snapshot: Option.Option<string>
  readonly html: boolean
  readonly md: boolean
  readonly json: boolean
  readonly csv: boolean
  readonly out: Option.Option<string>
}

const formats: ReadonlyArray<ReportFormat> = ["html", "md", "json", "csv"]

const formatOf = (input: ReportInput): Effect.Effect<ReportFormat, UsageError> => {
  const asked = formats.filter((format) => input[format])
  const [first, ...others] = asked
  if (others.length > 0) {
    return Effect.fail(
      new UsageError({
        message: `More than one format was asked for: ${asked.map((format) => `--${format}`).join(", ")}`,
        hint: "Call the command once for each"
      })
    )
  }
  const ending = extname(Option.getOrElse(input.out, () => "")).slice(1).toLowerCase()
  const chosen = first ?? (ending === "" ? "html" : formats.find((format) => format === ending))
  return chosen === undefined
    ? Effect.fail(
      new UsageError({
        message: `There is no document that ends in .${ending}`,
        hint: "Let the file end in .html, .md, .json or .csv, or name the format, such as --md"
      })
    )
    : Effect.succeed(chosen)
}

const write = Effect.fn("report.write")(function*(format: ReportFormat, { statement, summary }: Snapshot) {
  if (format === "md") return markdown(summary)
  if (format === "csv") return csv(summary)
  if (format === "json") return `${JSON.stringify(summary, null, 2)}\n`
  // Loaded only here: drawing charts takes longer to load than every other command to run.
  const { experimentPage } = yield* Effect.promise(() => import("@assay/page"))
  const now = new Date(yield* Clock.currentTimeMillis).toISOString()
  return experimentPage({ summary, statement, now })
})

/** Writes the document to stdout, or to the file that was named. */
export const runReport = Effect.fn("command.report")(function*(input: ReportInput) {
  const format = yield* formatOf(input)
  const text = yield* write(format, yield* findSnapshot(input))
  if (Option.isNone(input.out)) return yield* print(text.replace(/\r?\n$/, ""))
  const out = input.out.value
  yield* Effect.try({
    try: () => writeFileSync(out, text),
    catch: (error) =>
      new UsageError({
        message: `${shown(out)} can't be written: ${error instanceof Error ? error.message : String(error)}`,
        hint: "Name another file with --out"
      })
  })
  yield* say(`Written to ${shown(out)}.`)
})
