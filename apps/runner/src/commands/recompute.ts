/** `assay recompute`: new results for some or all experiments. */
import { definitionHash } from "@assay/definitions"
import { Instant, nameList, suggest } from "@assay/model"
import { type Failure, isTooLarge, type ReadTogether, recomputeAll, type Recomputed } from "@assay/pipeline"
import { scorecard } from "@assay/report"
import { engineWith } from "@assay/stats"
import { Warehouse } from "@assay/warehouse"
import { Clock, Effect, Layer, Option, Result, Schema } from "effect"
import { bytesText } from "../cost.ts"
import { warehouseLayer, writing } from "../engine.ts"
import { errorJson, errorText, Failed, UsageError } from "../Failed.ts"
import { print, printJson, say, scorecardOptions } from "../output.ts"
import { overview } from "../overview.ts"
import { hasStarted } from "../planning.ts"
import { plainProgress, terminalProgress } from "../progress.ts"
import { loadDefinitions, type LoadedProject, shown, warningLines } from "../project.ts"
import { storeLayer, storeName } from "../store.ts"
import { version } from "../version.ts"

/** What `assay recompute` was asked for. */
export interface RecomputeInput {
  readonly experiments: ReadonlyArray<string>
  readonly all: boolean
  readonly config: Option.Option<string>
  readonly concurrency: Option.Option<number>
  /** Whether experiments are read together; as the configuration says where it is absent. */
  readonly sharedReads: Option.Option<boolean>
  readonly asOf: Option.Option<string>
  /** Whether states are made anew. */
  readonly full: boolean
  /** The part of the identities that a preview reads. */
  readonly sample: Option.Option<number>
  readonly json: boolean
}

const isInstant = Schema.is(Instant.Instant)

/** The experiments asked for, in the order of the definitions. */
export const chooseExperiments = (
  project: LoadedProject,
  names: ReadonlyArray<string>,
  all: boolean
): Result.Result<ReadonlyArray<string>, UsageError> => {
  const known = [...project.definitions.experiments.keys()]
  if (all && names.length > 0) {
    return Result.fail(
      new UsageError({ message: "Both --all and names of experiments were given", hint: "Leave one of them out" })
    )
  }
  if (!all && names.length === 0) {
    return Result.fail(
      new UsageError({
        message: "No experiment was named",
        hint: `Name one or more, or give --all. Defined are: ${known.length === 0 ? "none" : nameList(known)}`
      })
    )
  }
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    return Result.fail(
      new UsageError({
        message: `There is no experiment ${JSON.stringify(unknown)}`,
        hint: suggest(unknown, known) ?? `Defined are: ${known.length === 0 ? "none" : nameList(known)}`
      })
    )
  }
  if (all && known.length === 0) {
    return Result.fail(
      new UsageError({
        message: `No experiment is defined in ${shown(project.config.experiments)}`,
        hint: "Write a definition there, one YAML file for each experiment"
      })
    )
  }
  return Result.succeed(all ? known : known.filter((name) => names.includes(name)))
}

const asOfMillis = (given: Option.Option<string>) =>
  Option.isNone(given)
    ? Clock.currentTimeMillis
    : isInstant(given.value)
    ? Effect.succeed(Instant.toMillis(given.value))
    : Effect.fail(
      new UsageError({
        message: `--as-of is ${JSON.stringify(given.value)}, which isn't a time`,
        hint: "Write a date, or a date and time with its zone, such as 2026-01-01T09:30:00Z"
      })
    )

/** The outcome for machines; what was skipped or not written is there only where there is any. */
const outcomeJson = (
  results: ReadonlyArray<Recomputed>,
  failed: ReadonlyArray<Failure>,
  skipped: ReadonlyArray<string>
) => {
  const unpublished = results.flatMap(({ summary, unpublished: error }) =>
    error === undefined ? [] : [{ experiment: summary.experiment, ...errorJson(error) }]
  )
  return {
    schema: "assay.recompute/1",
    results: results.map(({ summary }) => summary),
    failed: failed.map(({ error, experiment }) => ({ experiment, ...errorJson(error) })),
    ...(skipped.length === 0 ? {} : { skipped }),
    ...(unpublished.length === 0 ? {} : { unpublished })
  }
}

/** The command as it was called: through npx or by itself, with the configuration that was named. */
export const commandLine = (config: Option.Option<string>) => (words: string): string =>
  `${process.env["npm_config_user_agent"] === undefined ? "" : "npx "}assay ${words}${
    Option.isNone(config) ? "" : ` --config ${quoteArgument(config.value)}`
  }`

const printOutcome = Effect.fn("printOutcome")(function*(
  project: LoadedProject,
  command: (words: string) => string,
  results: ReadonlyArray<Recomputed>,
  total: number
) {
  const [only] = results
  if (only !== undefined && total === 1) {
    yield* print(scorecard(only.summary, scorecardOptions()))
    if (only.path === undefined) return yield* say("\nA preview: nothing was kept. Without --sample, a result is.")
    yield* say(
      `\nKept as ${shown(only.path)}` +
        (only.latest ? "" : ", but a newer result than this one is there already") +
        `.\nNext: \`${command(`results ${quoteArgument(only.summary.experiment)}`)}\` shows it again,\n` +
        `\`${command(`explain ${quoteArgument(only.summary.experiment)}`)}\` how it was computed.`
    )
  } else if (results.length > 0) {
    yield* print(overview(results.map(({ summary }) => summary)))
    if (only?.path === undefined) {
      return yield* say("\nPreviews over a part of the identities: nothing was kept. Without --sample, results are.")
    }
    yield* say(`\nKept in ${storeName(project)}.\nNext: \`${command("results <experiment>")}\` shows a scorecard.`)
  }
})

/** Why experiments failed, on stderr. */
const sayFailures = Effect.fn("sayFailures")(function*(failed: ReadonlyArray<Failure>, total: number) {
  for (const { error, experiment } of failed) yield* say(`\n${experiment}: ${errorText(error)}`)
  if (failed.length > 0) yield* say(`\n${failed.length} of ${total} failed. Their last good results are untouched.`)
})

/** Why results were computed from all data although states are kept, on stderr. */
const sayFull = Effect.fn("sayFull")(function*(results: ReadonlyArray<Recomputed>) {
  for (const { summary: { experiment, provenance: { refresh } } } of results) {
    if (refresh?.mode === "full") yield* say(`\n${experiment}: all data was read: ${refresh.reason}`)
  }
})

/** Which experiments were read together, and what that took, on stderr. */
const sayReads = Effect.fn("sayReads")(function*(reads: ReadonlyArray<ReadTogether>, total: number) {
  const done = reads.flatMap(({ experiments, outcome }) =>
    Result.isSuccess(outcome) ? [{ experiments: experiments.length, ...outcome.success }] : []
  )
  const sum = (of: (one: typeof done[number]) => number) => done.reduce((all, one) => all + of(one), 0)
  for (const { experiments, outcome } of reads) {
    if (Result.isSuccess(outcome)) continue
    yield* say(
      `\nA read of ${experiments.length} experiments together failed, so that ${
        isTooLarge(outcome.failure) && experiments.length > 2 ? "its halves were read" : "each was read alone"
      }: ${errorText(outcome.failure)}`
    )
  }
  if (done.length === 0) return
  const together = sum(({ experiments }) => experiments)
  yield* say(
    `\n${together === total ? "All" : together.toLocaleString("en-US")}${
      together === total ? ` ${total.toLocaleString("en-US")}` : ` of ${total.toLocaleString("en-US")}`
    } experiments were read together, by ${
      done.length === 1 ? "1 statement" : `${done.length} statements`
    } instead of ${together.toLocaleString("en-US")}: ${
      sum(({ rowsRead }) => rowsRead).toLocaleString("en-US")
    } rows, ${bytesText(sum(({ bytesRead }) => bytesRead))}.`
  )
})

/** Which results are in the store alone, and why, on stderr; answers how many. */
const sayUnpublished = Effect.fn("sayUnpublished")(
  function*(results: ReadonlyArray<Recomputed>) {
    let count = 0
    for (const { summary, unpublished } of results) {
      if (unpublished === undefined) continue
      count += 1
      yield* say(
        `\n${summary.experiment}: kept in the store, but not written to ClickHouse: ${unpublished.message}\n  ${unpublished.hint}`
      )
    }
    if (count > 0) yield* say("\n`assay doctor` checks the connection for results, its tables, and the right to write.")
    return count
  }
)

/** A name as an argument of a shell. */
export const quoteArgument = (text: string): string =>
  /^[\w.:@/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** Recomputes and prints; fails with exit code 1 when an experiment failed. */
export const runRecompute = Effect.fn("command.recompute")(function*(input: RecomputeInput) {
  const project = yield* loadDefinitions(Option.getOrUndefined(input.config))
  for (const line of warningLines(project)) yield* say(line)
  const names = yield* Effect.fromResult(chooseExperiments(project, input.experiments, input.all))
  const asOf = yield* asOfMillis(input.asOf)
  const { config, definitions } = project
  const skipped = input.all ? names.filter((name) => !hasStarted(project, name, asOf)) : []
  for (const name of skipped) {
    yield* say(`${name}: skipped, it starts at ${definitions.experiments.get(name)!.started_at}`)
  }
  const jobs = names.filter((name) => !skipped.includes(name)).map((name) => {
    const experiment = definitions.experiments.get(name)!
    return { experiment, definitionHash: definitionHash({ experiment, ...config, metrics: definitions.metrics }) }
  })
  const write = (text: string) => void process.stderr.write(text)
  const watch = process.stderr.isTTY
    ? terminalProgress(write, jobs.length, process.stderr.columns)
    : plainProgress(write)
  const run = Effect.gen(function*() {
    const warehouse = yield* Warehouse
    const { states, ...outlets } = yield* writing(project)
    return yield* recomputeAll(
      jobs,
      {
        metrics: definitions.metrics,
        mapping: config.mapping,
        aggregations: config.aggregations,
        engine: engineWith(config.defaults.engine),
        confidence: config.defaults.confidence,
        policy: config.decision,
        multiplicity: config.multiplicity,
        slices: config.defaults.slices,
        series: config.defaults.series,
        sharedReads: Option.getOrElse(input.sharedReads, () => config.defaults.shared_reads),
        asOf,
        version,
        warehouseVersion: yield* warehouse.version(),
        ...outlets,
        ...(Option.isNone(input.sample) ? {} : { sample: input.sample.value }),
        ...(states === undefined ? {} : { states: { ...states, rebuild: input.full } })
      },
      Option.getOrElse(input.concurrency, () => config.defaults.concurrency),
      watch
    )
  })
  const { failed, reads, results } = yield* run.pipe(
    Effect.scoped,
    Effect.provide(Layer.merge(warehouseLayer(project), storeLayer(project)))
  )
  if (input.json) yield* printJson(outcomeJson(results, failed, skipped))
  else yield* printOutcome(project, commandLine(input.config), results, jobs.length)
  yield* sayReads(reads, jobs.length)
  yield* sayFull(results)
  yield* sayFailures(failed, jobs.length)
  const unpublished = yield* sayUnpublished(results)
  if (failed.length + unpublished > 0) return yield* new Failed({ exitCode: 1 })
})
