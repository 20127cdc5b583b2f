/** `assay results`: the latest results of an experiment, or all of them by name. */
import { suggest } from "@assay/model"
import { scorecard } from "@assay/report"
import { Store } from "@assay/store"
import { Effect, Option } from "effect"
import { costJson, costText } from "../cost.ts"
import { UsageError } from "../Failed.ts"
import { print, printJson, scorecardOptions } from "../output.ts"
import { loadDefinitions, type LoadedProject, shown } from "../project.ts"
import { lastRun, storeLayer } from "../store.ts"
import { quoteArgument } from "./recompute.ts"

/** What `assay results` was asked for. */
export interface ResultsInput {
  readonly experiment: string
  readonly config: Option.Option<string>
  readonly snapshot: Option.Option<string>
  readonly list: boolean
  readonly cost: boolean
  readonly json: boolean
}

const find = Effect.fn("results.find")(function*(experiment: string, id: Option.Option<string>) {
  const store = yield* Store
  return Option.isNone(id) ? yield* store.latest(experiment) : yield* store.get(experiment, id.value)
})

/** Why there is nothing to show: a run that failed isn't the same as none. */
const nothing = Effect.fn("results.nothing")(function*(
  project: LoadedProject,
  experiment: string,
  snapshot: Option.Option<string>
) {
  const known = [...project.definitions.experiments.keys()]
  if (!known.includes(experiment)) {
    return new UsageError({
      message: `There is no experiment ${JSON.stringify(experiment)}`,
      hint: suggest(experiment, known) ?? `Look at the files in ${shown(project.config.experiments)}`
    })
  }
  const error = Option.isNone(snapshot) ? (yield* lastRun(project, experiment))?.error : undefined
  if (error !== undefined) {
    return new UsageError({
      message: `There are no results of ${JSON.stringify(experiment)}: its last run failed. ${error.message}`,
      hint: error.hint
    })
  }
  return Option.isNone(snapshot)
    ? new UsageError({
      message: `There are no results of ${JSON.stringify(experiment)} yet`,
      hint: `Compute them with \`assay recompute ${quoteArgument(experiment)}\``
    })
    : new UsageError({
      message: `There is no snapshot ${JSON.stringify(snapshot.value)} of ${JSON.stringify(experiment)}`,
      hint: `\`assay results ${quoteArgument(experiment)} --list\` shows which there are`
    })
})

/** The snapshot that was asked for: the latest, or the one with the id. Fails where there is none, and says what there is. */
export const findSnapshot = Effect.fn("results.snapshot")(
  function*(input: Pick<ResultsInput, "config" | "experiment" | "snapshot">) {
    const project = yield* loadDefinitions(Option.getOrUndefined(input.config))
    const found = yield* find(input.experiment, input.snapshot).pipe(
      Effect.provide(storeLayer(project))
    )
    return Option.isNone(found) ? yield* yield* nothing(project, input.experiment, input.snapshot) : found.value
  }
)

/** Prints a scorecard from the store, or which snapshots there are; an empty list is an answer for machines only. */
export const runResults = Effect.fn("command.results")(function*(input: ResultsInput) {
  const { experiment } = input
  if (input.list) {
    const project = yield* loadDefinitions(Option.getOrUndefined(input.config))
    const store = yield* Store.pipe(Effect.provide(storeLayer(project)))
    const all = yield* store.list(experiment)
    if (all.length === 0 && !(input.json && project.definitions.experiments.has(experiment))) {
      return yield* yield* nothing(project, experiment, Option.none())
    }
    if (input.json) return yield* printJson({ schema: "assay.snapshots/1", experiment, snapshots: all })
    return yield* print(all.map(({ as_of, id, path }) => `${as_of}  ${id}  ${shown(path)}`).join("\n"))
  }
  const { summary } = yield* findSnapshot(input)
  if (input.cost) return yield* input.json ? printJson(costJson(summary)) : print(costText(summary))
  yield* input.json ? printJson(summary) : print(scorecard(summary, scorecardOptions()))
})
