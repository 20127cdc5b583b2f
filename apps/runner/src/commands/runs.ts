/** `assay runs`: what is to run, what runs, and what has run. */
import { type Run, Runs, type RunState } from "@assay/store"
import { Effect, Option } from "effect"
import { UsageError } from "../Failed.ts"
import { print, printJson, say } from "../output.ts"
import { loadProject } from "../project.ts"
import { runsLayer } from "../store.ts"

/** What `assay runs` was asked for. */
export interface RunsInput {
  readonly experiment: Option.Option<string>
  readonly config: Option.Option<string>
  readonly state: Option.Option<RunState>
  readonly limit: number
  readonly cancel: Option.Option<string>
  readonly json: boolean
}

const about = (run: Run): string => {
  const { error, next_at, progress, result, runner, state } = run
  if (state === "succeeded") return result === "unchanged" ? "nothing changed" : "new result"
  if (state === "queued") return error === undefined ? `due ${next_at}` : `again at ${next_at}, after ${error.code}`
  if (state === "running") {
    return `by ${runner}${progress === undefined ? "" : `, ${progress.rows_read.toLocaleString("en-US")} rows read`}`
  }
  return error === undefined ? "" : `${error.code}: ${error.message}`
}

/** A line per run, in columns. */
const table = (runs: ReadonlyArray<Run>): string => {
  const rows = runs.map((run) => [
    run.finished_at ?? run.started_at ?? run.queued_at,
    run.state,
    run.experiment,
    `${run.reason}${run.attempt > 1 ? `, attempt ${run.attempt}` : ""}`,
    about(run),
    run.id
  ])
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows.map((row) => row.map((text, i) => text.padEnd(widths[i] ?? 0)).join("  ").trimEnd()).join("\n")
}

/** Lists runs, newest first, or cancels one. */
export const runRuns = Effect.fn("command.runs")(function*(input: RunsInput) {
  const project = yield* loadProject(Option.getOrUndefined(input.config))
  yield* Effect.gen(function*() {
    const runs = yield* Runs
    if (Option.isSome(input.cancel)) {
      const id = input.cancel.value
      if (!(yield* runs.cancel(id))) {
        return yield* new UsageError({
          message: `There is no open run ${JSON.stringify(id)}`,
          hint: "`assay runs --state queued` and `--state running` show those that can be cancelled"
        })
      }
      return yield* say(`Cancelled ${id}`)
    }
    const found = yield* runs.list({
      ...(Option.isSome(input.experiment) ? { experiment: input.experiment.value } : {}),
      ...(Option.isSome(input.state) ? { states: [input.state.value] } : {}),
      limit: input.limit
    })
    if (input.json) return yield* printJson({ schema: "assay.runs/1", runs: found })
    if (found.length > 0) return yield* print(table(found))
    const asked = [
      ...(Option.isSome(input.experiment) ? [`of ${JSON.stringify(input.experiment.value)}`] : []),
      ...(Option.isSome(input.state) ? [`that are ${input.state.value}`] : [])
    ]
    yield* say(asked.length === 0 ? "No runs yet: `assay watch` makes them" : `There are no runs ${asked.join(" ")}`)
  }).pipe(Effect.provide(runsLayer(project)))
})
