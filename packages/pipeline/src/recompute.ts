/** The orchestrator: plan, run, decode, summarize, publish; one experiment or hundreds. */
import {
  type Aggregates,
  type Aggregation,
  compile,
  compileConstants,
  compileSliceValues,
  compileUndeclared,
  decodeAggregates,
  decodeConstants,
  decodeSliceValues,
  decodeUndeclared,
  type Plan,
  plan,
  sampled,
  Shared,
  withConstants,
  withSliceValues
} from "@assay/aggregation"
import {
  type AssayError,
  type DecisionPolicy,
  type EventMapping,
  type Experiment,
  Instant,
  type MemoryMode,
  type Metric,
  type Multiplicity,
  PlanError,
  type RefreshMode,
  type ResultsSummary,
  type SharedRead,
  type Statement,
  type WarehouseError
} from "@assay/model"
import type { Engine } from "@assay/stats"
import { Store } from "@assay/store"
import { type QueryProgress, type QueryStatistics, Warehouse } from "@assay/warehouse"
import { Cause, Clock, Effect, Exit, Option, Result } from "effect"
import { createHash, randomUUID } from "node:crypto"
import { refresh, type StateContext } from "./incremental/refresh.ts"
import { climb, isTooLarge, together } from "./ladder.ts"
import { breakdownsOf, seriesOf } from "./parts.ts"
import type { Publish } from "./publish.ts"
import { noneUndeclared } from "./quality.ts"
import { withQuantiles } from "./quantiles.ts"
import { planReads, type ReadInput, sizeOf } from "./sharedReads.ts"
import { summarize } from "./summarize.ts"

/** What all experiments of a run share. `asOf` is stamped once; milliseconds since 1970-01-01 UTC. */
export interface RecomputeContext {
  readonly metrics: ReadonlyMap<string, Metric>
  readonly mapping: EventMapping
  readonly aggregations: ReadonlyMap<string, Aggregation>
  readonly engine: Engine
  readonly confidence: number
  /** What a decision takes, and how many tests are corrected for; the defaults where they are absent. */
  readonly policy?: DecisionPolicy
  readonly multiplicity?: Multiplicity
  /** What experiments are broken down by that don't say it themselves, and how many values of each get a slice (10). */
  readonly slices?: ReadonlyArray<string>
  readonly mostSlices?: number
  /** Whether the results over time are computed, too. */
  readonly series?: boolean
  readonly asOf: number
  readonly version: string
  readonly warehouseVersion: string
  /** Where results are written besides the store. */
  readonly publish?: Publish
  /** How states are kept, where answers come from them. */
  readonly states?: StateContext
  /** Whether experiments of a run that read the same are read together; see {@link recomputeAll}. */
  readonly sharedReads?: boolean
  /** The part of the identities that is read, below 1, where only a preview is asked for: nothing of it is kept or published. */
  readonly sample?: number
}

/** One experiment to recompute, with the hash of everything that determines its numbers. */
export interface Job {
  readonly experiment: Experiment
  readonly definitionHash: string
}

/**
 * What became of a job. `latest` says whether it is now the newest result of its experiment; `unpublished` why the result,
 * which is in the store, couldn't be written elsewhere, too.
 */
export interface Recomputed {
  readonly summary: ResultsSummary
  /** Where it is kept; undefined for a preview, which isn't. */
  readonly path: string | undefined
  readonly latest: boolean
  readonly unpublished?: WarehouseError
}

/** A job that failed: what went wrong. Its last good snapshot is still in the store. */
export interface Failure {
  readonly experiment: string
  readonly error: AssayError
}

/** How a run goes, for whoever watches. */
export type RunEvent =
  | { readonly kind: "started" | "decoded"; readonly experiment: string }
  | { readonly kind: "progress"; readonly experiment: string; readonly progress: QueryProgress }
  | { readonly kind: "succeeded"; readonly experiment: string; readonly result: Recomputed }
  | { readonly kind: "failed"; readonly experiment: string; readonly error: AssayError }

/** Gets every {@link RunEvent} of a run. */
export type Watcher = (event: RunEvent) => Effect.Effect<void>

const silent: Watcher = () => Effect.void

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

/** The hash of a statement: its text, parameters and settings. */
export const statementHash = (statement: Statement): string =>
  sha256(JSON.stringify([statement.text, statement.parameters, statement.settings]))

/** A statement that reads metric events: the plan's own, or the one before it that finds its `constants`. */
const runQuery = Effect.fn("recompute.query")(
  function*(
    job: Job,
    runId: string,
    statement: Statement,
    watch: Watcher,
    of: "recompute" | "constants" = "recompute"
  ) {
    const warehouse = yield* Warehouse
    return yield* warehouse.query(statement, {
      queryId: of === "recompute" ? `assay-${runId}` : `assay-${runId}-${of}`,
      comment: { assay: of, experiment: job.experiment.key, run: runId },
      onProgress: (progress) => watch({ kind: "progress", experiment: job.experiment.key, progress })
    })
  }
)

const planJob = Effect.fn("recompute.plan")(function*(job: Job, context: RecomputeContext) {
  return yield* Effect.fromResult(plan({ ...context, experiment: job.experiment }))
})

/** Values of a breakdown that get a slice of their own unless the context says otherwise. */
export const defaultMostSlices = 10

/** The plan with the values of its breakdowns, of which a small statement over the exposures finds the largest. */
const findSliceValues = Effect.fn("recompute.slices")(
  function*(job: Job, runId: string, planned: Plan, statement: Statement) {
    const warehouse = yield* Warehouse
    const { rows } = yield* warehouse.query(statement, {
      queryId: `assay-${runId}-slices`,
      comment: { assay: "slices", experiment: job.experiment.key, run: runId }
    })
    return withSliceValues(planned, yield* Effect.fromResult(decodeSliceValues(planned, rows)))
  }
)

/** The plan with its constants, of which a first statement finds the values, and what that cost. */
const findConstants = Effect.fn("recompute.constants")(
  function*(job: Job, runId: string, planned: Plan, statement: Statement, watch: Watcher) {
    yield* Warehouse.use((warehouse) => warehouse.admit(statement))
    const { rows, statistics } = yield* runQuery(job, runId, statement, watch, "constants")
    return {
      found: withConstants(planned, yield* Effect.fromResult(decodeConstants(planned, rows))),
      spent: statistics
    }
  }
)

const decodeRows = Effect.fn("recompute.decode")(
  function*(planned: Plan, rows: Parameters<typeof decodeAggregates>[1], memory: MemoryMode | undefined) {
    return yield* Effect.fromResult(
      memory?.chunks === undefined ? decodeAggregates(planned, rows) : decodeAggregates(planned, rows, true)
    )
  }
)

/**
 * The answer to a plan: from its state where states are kept and that can be, else by its statement over all of its data, on the rung of the
 * ladder that its memory takes (from `before` on).
 */
const answer = Effect.fn("recompute.answer")(
  function*(
    job: Job,
    context: RecomputeContext,
    runId: string,
    planned: Plan,
    before: MemoryMode | undefined,
    watch: Watcher
  ) {
    const now = yield* Clock.currentTimeMillis
    const states = context.sample === undefined ? context.states : undefined
    const experiment = job.experiment.key
    const kept = states === undefined ? undefined : yield* refresh(states, planned, now, {
      queryId: `assay-${runId}`,
      comment: { assay: "recompute", experiment, run: runId },
      onProgress: (progress) => watch({ kind: "progress", experiment, progress })
    }).pipe(Effect.catch((error) => Effect.succeed({ reason: error.message })))
    if (kept !== undefined && "answer" in kept) {
      const mode: RefreshMode = {
        mode: kept.rebuilt ? "rebuilt" : "incremental",
        ingested_until: Instant.fromMillis(kept.ingested),
        rows_added: kept.added
      }
      return { planned: kept.plan, statement: compile(kept.plan), ...kept.answer, mode, memory: undefined }
    }
    const mode: RefreshMode | undefined = kept === undefined ? undefined : { mode: "full", reason: kept.reason }
    const first = compileConstants(planned)
    const { found, spent } = first === undefined
      ? { found: planned, spent: undefined }
      : yield* findConstants(job, runId, planned, first, watch)
    // Asked once: parts of the identities read the same rows as the whole.
    yield* Warehouse.use((warehouse) => warehouse.admit(compile(found)))
    const { memory, rows, statistics } = yield* climb(
      found,
      (statement) => runQuery(job, runId, statement, watch),
      before
    )
    return { planned: found, statement: compile(found), rows, statistics: together(spent, statistics), mode, memory }
  }
)

/** The names of undeclared variants: a second, small statement that runs only where the first one counted any. */
const nameUndeclared = Effect.fn("recompute.undeclared")(function*(job: Job, runId: string, planned: Plan) {
  const warehouse = yield* Warehouse
  const { rows } = yield* warehouse.query(compileUndeclared(planned), {
    queryId: `assay-${runId}-undeclared`,
    comment: { assay: "undeclared", experiment: job.experiment.key, run: runId }
  })
  return yield* Effect.fromResult(decodeUndeclared(planned, rows))
})

/**
 * The newest summary in the store of what was known at `asOf`: earlier looks count (sequential checks, planned looks). A snapshot that can't be
 * read is none; whoever asks for it is told.
 */
const earlierSummary = Effect.fn("recompute.before")(function*(experiment: string, asOf: number) {
  const store = yield* Store
  const found = (yield* store.list(experiment)).find(({ as_of }) => Instant.toMillis(as_of) <= asOf)
  const snapshot = found === undefined ? Option.none() : yield* store.get(experiment, found.id)
  return Option.getOrUndefined(snapshot)?.summary
}, Effect.orElseSucceed(() => undefined))

/** What the stages before have found out about an experiment. */
interface Found {
  readonly runId: string
  /** When its run began, milliseconds since 1970-01-01 UTC. */
  readonly started: number
  readonly planned: Plan
  readonly aggregates: Aggregates
  readonly statement: Statement
  readonly statistics: QueryStatistics
  readonly before: ResultsSummary | undefined
  readonly how: Pick<ResultsSummary["provenance"], "refresh" | "memory" | "shared_read">
}

/** From aggregates to a result: names of undeclared variants, inference, and where results are kept. */
const conclude = Effect.fnUntraced(function*(
  job: Job,
  context: RecomputeContext,
  { aggregates, before, how, planned, runId, started, statement, statistics }: Found,
  watch: Watcher
) {
  const experiment = job.experiment.key
  const undeclared = aggregates.undeclaredExposed > 0 ? yield* nameUndeclared(job, runId, planned) : noneUndeclared
  yield* watch({ kind: "decoded", experiment })
  const computed = yield* Clock.currentTimeMillis
  const parts = {
    plan: planned,
    aggregates,
    engine: context.engine,
    confidence: context.confidence,
    ...(context.policy === undefined ? {} : { policy: context.policy })
  }
  const series = seriesOf(parts)
  const summarized = summarize({
    ...parts,
    ...(series === undefined ? {} : { series }),
    ...(planned.breakdowns.length === 0 ? {} : { breakdowns: breakdownsOf(parts) }),
    undeclared,
    ...(context.multiplicity === undefined ? {} : { multiplicity: context.multiplicity }),
    ...(before === undefined ? {} : { before }),
    asOf: context.asOf,
    provenance: {
      run_id: runId,
      assay_version: context.version,
      warehouse_version: context.warehouseVersion,
      aggregations: Object.fromEntries(planned.metrics.map((metric) => [metric.aggregation, metric.version])),
      definition_hash: job.definitionHash,
      statement_hash: statementHash(statement),
      query_id: statistics.queryId,
      watermark: aggregates.latestEvent === undefined ? null : Instant.fromMillis(aggregates.latestEvent),
      rows_read: statistics.rowsRead,
      bytes_read: statistics.bytesRead,
      ...(statistics.peakMemoryBytes === undefined ? {} : { peak_memory_bytes: statistics.peakMemoryBytes }),
      query_ms: Math.round(statistics.durationMs),
      duration_ms: computed - started,
      computed_at: Instant.fromMillis(computed),
      ...how
    }
  })
  if (context.sample !== undefined) {
    // A decision is made of results.
    const { decision: _, ...rest } = summarized
    const summary: ResultsSummary = { ...rest, preview: { sample: context.sample } }
    const result: Recomputed = { summary, path: undefined, latest: false }
    yield* watch({ kind: "succeeded", experiment, result })
    return result
  }
  const summary = summarized
  const store = yield* Store
  const { path, latest } = yield* store.put({ id: runId, experiment, as_of: summary.as_of, summary, statement }).pipe(
    Effect.withSpan("recompute.publish")
  )
  const published = context.publish === undefined
    ? undefined
    : yield* Effect.result(context.publish(summary))
  const result: Recomputed = {
    summary,
    path,
    latest,
    ...(published !== undefined && Result.isFailure(published) ? { unpublished: published.failure } : {})
  }
  yield* watch({ kind: "succeeded", experiment, result })
  return result
})

const planWhole = (job: Job, context: RecomputeContext) =>
  Effect.map(
    planJob(job, context),
    (planned) => context.sample === undefined ? planned : sampled(planned, context.sample)
  )

/** What a run knows before it asks the warehouse: the plan of its job, and the newest result before it, which is read when it is asked for. */
interface Prepared {
  readonly planned: Plan
  readonly before: Effect.Effect<ResultsSummary | undefined, never, Store>
}

const prepare = (job: Job, context: RecomputeContext): Effect.Effect<Prepared, AssayError> =>
  Effect.map(
    planWhole(job, context),
    (planned) => ({ planned, before: earlierSummary(job.experiment.key, context.asOf) })
  )

/** The run of one job; what was prepared for it isn't made again. */
const recomputeOne = Effect.fn("recompute")(
  function*(job: Job, context: RecomputeContext, watch: Watcher, prepared?: Prepared) {
    const started = yield* Clock.currentTimeMillis
    const experiment = job.experiment.key
    const runId = randomUUID()
    yield* Effect.annotateCurrentSpan({ experiment, run: runId })
    yield* watch({ kind: "started", experiment })
    const { before: earlier, planned: whole } = prepared ?? (yield* prepare(job, context))
    const before = yield* earlier
    const slices = compileSliceValues(whole, context.mostSlices ?? defaultMostSlices)
    const complete = slices === undefined ? whole : yield* findSliceValues(job, runId, whole, slices)
    const { memory, mode, planned, rows, statement, statistics } = yield* answer(
      job,
      context,
      runId,
      complete,
      context.sample === undefined ? before?.provenance.memory : undefined,
      watch
    )
    const aggregates = withQuantiles(planned, yield* decodeRows(planned, rows, memory))
    return yield* conclude(job, context, {
      runId,
      started,
      planned,
      aggregates,
      statement,
      statistics,
      before,
      how: { ...(mode === undefined ? {} : { refresh: mode }), ...(memory === undefined ? {} : { memory }) }
    }, watch)
  }
)

/**
 * Recomputes one experiment: one statement (before it one that finds quantiles and caps at quantiles, where it has any; or what is new for its state), then a
 * snapshot in the store, then rows where results are published. Fails with
 * the typed error of the stage that failed, and then writes nothing; a failure to publish is told in the result. When it is
 * interrupted, the query is killed on the server.
 */
export const recompute = (job: Job, context: RecomputeContext, watch: Watcher = silent) =>
  recomputeOne(job, context, watch)

/** A job of a shared read, and what it says of it. */
interface Answered extends Prepared {
  readonly job: Job
  readonly started: number
  readonly aggregates: Aggregates
  readonly statistics: QueryStatistics
  readonly shared: SharedRead
}

/** The same from an answer that is there already. */
const concludeShared = Effect.fn("recompute")(
  function*(
    { aggregates, before, job, planned, shared, started, statistics }: Answered,
    context: RecomputeContext,
    watch: Watcher
  ) {
    const experiment = job.experiment.key
    const runId = randomUUID()
    yield* Effect.annotateCurrentSpan({ experiment, run: runId })
    return yield* conclude(job, context, {
      runId,
      started,
      planned,
      aggregates,
      statement: compile(planned),
      statistics,
      before: yield* before,
      how: { shared_read: shared }
    }, watch)
  }
)

/** A mistake in the program or a plugin, as an error of the one experiment that it happened to. */
const defect = (experiment: string, cause: Cause.Cause<AssayError>): AssayError =>
  new PlanError({
    experiment,
    message: `Experiment ${experiment} failed by a mistake in the program: ${Cause.pretty(cause).split("\n")[0]}`,
    hint: "Please report it, with the versions of Assay and of your aggregations"
  })

/** How an effect for an experiment ends: also a mistake is an error of it. Only an interruption goes on. */
const settled = <A, R>(experiment: string, effect: Effect.Effect<A, AssayError, R>) =>
  Effect.gen(function*() {
    const exit = yield* Effect.exit(effect)
    if (Exit.isSuccess(exit)) return Result.succeed(exit.value)
    if (Cause.hasInterrupts(exit.cause)) return yield* Effect.interrupt
    const failed = exit.cause.reasons.find(Cause.isFailReason)
    const onlyFailures = exit.cause.reasons.every(Cause.isFailReason)
    return Result.fail(onlyFailures && failed !== undefined ? failed.error : defect(experiment, exit.cause))
  })

/** A job with its place among the jobs of its run, and what was prepared for it, if it was. */
interface PlacedJob {
  readonly at: number
  readonly job: Job
  readonly prepared?: Prepared
}

/** A job that is read together with others. */
interface PreparedJob extends Required<PlacedJob> {}

/**
 * A read that several experiments shared: what it took, or why it gave nothing. Then each was read alone, or first each half of them together
 * where they took more memory than there is.
 */
export interface ReadTogether {
  readonly experiments: ReadonlyArray<string>
  readonly outcome: Result.Result<QueryStatistics, AssayError>
}

/** The `i`th of `n` parts of a whole number, as equal as whole numbers can be: all of them make the whole. */
const portion = (total: number, n: number, i: number): number =>
  Math.floor((total * (i + 1)) / n) - Math.floor((total * i) / n)

/** Reads several experiments by one statement. One whose rows can't be used is missing in the answer. */
const readTogether = Effect.fn("recompute.together")(
  function*(members: ReadonlyArray<PreparedJob>, watch: Watcher) {
    const started = yield* Clock.currentTimeMillis
    const warehouse = yield* Warehouse
    const shared = Shared.share(members.map(({ prepared }) => prepared.planned))
    const statement = Shared.compileShared(shared)
    const experiments = members.map(({ job }) => job.experiment.key)
    const run = randomUUID()
    yield* Effect.annotateCurrentSpan({ experiments: members.length, run })
    const all = (event: (experiment: string) => RunEvent) =>
      Effect.forEach(experiments, (experiment) => watch(event(experiment)), { discard: true })
    yield* all((experiment) => ({ kind: "started", experiment }))
    yield* warehouse.admit(statement)
    const { rows, statistics } = yield* warehouse.query(statement, {
      queryId: `assay-${run}`,
      comment: { assay: "recompute", experiments: experiments.join(", "), run },
      onProgress: (progress) => all((experiment) => ({ kind: "progress", experiment, progress }))
    })
    const sorted = Shared.byExperiment(rows)
    const whole: SharedRead = {
      experiments: members.length,
      rows_read: statistics.rowsRead,
      bytes_read: statistics.bytesRead,
      query_ms: Math.round(statistics.durationMs)
    }
    const answered = members.flatMap(({ at, job, prepared }, i): ReadonlyArray<Answered & Pick<PlacedJob, "at">> => {
      const aggregates = Shared.answerOf(shared, shared.members[i]!, sorted)
      if (Result.isFailure(aggregates)) return []
      const own = (total: number) => portion(total, members.length, i)
      return [{
        at,
        job,
        started,
        ...prepared,
        aggregates: aggregates.success,
        statistics: {
          ...statistics,
          rowsRead: own(statistics.rowsRead),
          bytesRead: own(statistics.bytesRead),
          durationMs: own(whole.query_ms)
        },
        shared: whole
      }]
    })
    return { answered, statistics }
  }
)

/** The same with sizes for experiments that had none: about how many identities were exposed in them. Where that can't be told, they stay unknown. */
const askSizes = Effect.fn("recompute.sizes")(function*(inputs: ReadonlyArray<ReadInput>) {
  const warehouse = yield* Warehouse
  const unknown = inputs.filter(({ identities, plan }) =>
    identities === undefined && Shared.refusal(plan) === undefined
  )
  const found = new Map<Plan, number>()
  for (const kin of Map.groupBy(unknown, ({ plan }) => Shared.kinship(plan)).values()) {
    if (kin.length < 2) continue
    const shared = Shared.share(kin.map(({ plan }) => plan))
    const run = randomUUID()
    const answered = yield* Effect.result(
      warehouse.query(Shared.compileSizes(shared), { queryId: `assay-${run}`, comment: { assay: "sizes", run } })
    )
    const sizes = Result.isSuccess(answered) ? Shared.sizesOf(shared, answered.success.rows) : undefined
    sizes?.forEach((identities, i) => found.set(kin[i]!.plan, identities))
  }
  return inputs.map((input): ReadInput => {
    const identities = found.get(input.plan)
    return identities === undefined ? input : { ...input, identities }
  })
})

/** The jobs of a run by how they are read. Those that can't be planned are read alone, and then say why. */
const dealJobs = Effect.fn("recompute.reads")(function*(jobs: ReadonlyArray<Job>, context: RecomputeContext) {
  const placed = jobs.map((job, at): PlacedJob => ({ at, job }))
  if (context.sharedReads !== true || context.states !== undefined || jobs.length < 2) {
    return { together: [], alone: placed }
  }
  const prepared: Array<PreparedJob> = []
  const known: Array<ReadInput> = []
  for (const { at, job } of placed) {
    const exit = yield* Effect.exit(prepare(job, context))
    if (Exit.isFailure(exit)) continue
    const { planned } = exit.value
    // Those that are read alone whatever their size aren't kept in memory until then: they have the largest results.
    const before = Shared.refusal(planned) === undefined ? yield* exit.value.before : undefined
    known.push({ plan: planned, ...sizeOf(before) })
    prepared.push({
      at,
      job,
      prepared: Shared.refusal(planned) === undefined ? { planned, before: Effect.succeed(before) } : exit.value
    })
  }
  const inputs = yield* askSizes(known)
  const together = planReads(inputs).together.map((group) => group.map((i) => prepared[i]!))
  const shared = new Set(together.flat().map(({ at }) => at))
  const ready = new Map(prepared.map((one) => [one.at, one]))
  return {
    together,
    alone: placed.filter(({ at }) => !shared.has(at)).map((one): PlacedJob => ready.get(one.at) ?? one)
  }
})

/**
 * Recomputes experiments side by side, at most `concurrency` at a time, and hands the run of each to `each`, by its place, to be run there to its end
 * whatever that is: once for every job. What several runs share has been done by then. Answers what was read together.
 *
 * Where the context says so (`sharedReads`), experiments that read the same are read together, by one statement for many. They get what they
 * would have got apart. Where such a statement takes more memory than there is, each half of the experiments is read together, and so on;
 * where it fails otherwise, they are read alone.
 */
export const recomputeEach = Effect.fn("recomputeEach")(
  function*<E, R>(
    jobs: ReadonlyArray<Job>,
    context: RecomputeContext,
    concurrency: number,
    each: (at: number, run: Effect.Effect<Recomputed, AssayError, Warehouse | Store>) => Effect.Effect<void, E, R>,
    watch: Watcher = silent
  ) {
    const reads: Array<ReadTogether> = []
    const runAlone = ({ at, job, prepared }: PlacedJob) => each(at, recomputeOne(job, context, watch, prepared))
    const runTogether = (
      members: ReadonlyArray<PreparedJob>
    ): Effect.Effect<void, E, R | Warehouse> =>
      Effect.gen(function*() {
        const read = yield* settled(members[0]!.job.experiment.key, readTogether(members, watch))
        reads.push({
          experiments: members.map(({ job }) => job.experiment.key),
          outcome: Result.map(read, ({ statistics }) => statistics)
        })
        if (Result.isFailure(read) && isTooLarge(read.failure) && members.length > 2) {
          const half = Math.ceil(members.length / 2)
          yield* runTogether(members.slice(0, half))
          const rest = members.slice(half)
          return yield* rest.length === 1 ? runAlone(rest[0]!) : runTogether(rest)
        }
        const answered = Result.isSuccess(read) ? read.success.answered : []
        for (const one of answered) yield* each(one.at, concludeShared(one, context, watch))
        const left = members.filter(({ at }) => !answered.some((one) => one.at === at))
        yield* Effect.forEach(left, runAlone, { discard: true })
      })
    const { alone, together } = yield* dealJobs(jobs, context)
    yield* Effect.forEach(
      [...together.map(runTogether), ...alone.map(runAlone)],
      (unit) => unit,
      { concurrency, discard: true }
    )
    return reads
  }
)

/**
 * Recomputes experiments as {@link recomputeEach} does, at most `concurrency` at a time. One that fails doesn't stop the others; an interruption
 * stops all of them and their queries. `reads` says which were read together.
 */
export const recomputeAll = Effect.fn("recomputeAll")(
  function*(jobs: ReadonlyArray<Job>, context: RecomputeContext, concurrency: number, watch: Watcher = silent) {
    const outcomes: Array<Result.Result<Recomputed, Failure>> = []
    const reads = yield* recomputeEach(jobs, context, concurrency, (at, run) =>
      Effect.gen(function*() {
        const { key } = jobs[at]!.experiment
        const ended = yield* settled(key, run)
        if (Result.isFailure(ended)) yield* watch({ kind: "failed", experiment: key, error: ended.failure })
        outcomes[at] = Result.mapError(ended, (error): Failure => ({ experiment: key, error }))
      }), watch)
    return {
      results: outcomes.flatMap((one) => (Result.isSuccess(one) ? [one.success] : [])),
      failed: outcomes.flatMap((one) => (Result.isFailure(one) ? [one.failure] : [])),
      reads
    }
  }
)
