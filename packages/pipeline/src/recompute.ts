/** The orchestrator: plan, run, decode, summarize, publish; one experiment or hundreds. */
import {
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
  type Statement,
  type WarehouseError
} from "@assay/model"
import type { Engine } from "@assay/stats"
import { Store } from "@assay/store"
import { type QueryProgress, Warehouse } from "@assay/warehouse"
import { Cause, Clock, Effect, Exit, Option, Result } from "effect"
import { createHash, randomUUID } from "node:crypto"
import { refresh, type StateContext } from "./incremental/refresh.ts"
import { climb, together } from "./ladder.ts"
import { breakdownsOf, seriesOf } from "./parts.ts"
import type { Publish } from "./publish.ts"
import { noneUndeclared } from "./quality.ts"
import { withQuantiles } from "./quantiles.ts"
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
    yield* warehouse.admit(statement)
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

/**
 * Recomputes one experiment: one statement (before it one that finds quantiles and caps at quantiles, where it has any; or what is new for its state), then a
 * snapshot in the store, then rows where results are published. Fails with
 * the typed error of the stage that failed, and then writes nothing; a failure to publish is told in the result. When it is
 * interrupted, the query is killed on the server.
 */
export const recompute = Effect.fn("recompute")(
  function*(job: Job, context: RecomputeContext, watch: Watcher = silent) {
    const started = yield* Clock.currentTimeMillis
    const experiment = job.experiment.key
    const runId = randomUUID()
    yield* Effect.annotateCurrentSpan({ experiment, run: runId })
    yield* watch({ kind: "started", experiment })
    const defined = yield* planJob(job, context)
    const whole = context.sample === undefined ? defined : sampled(defined, context.sample)
    const before = yield* earlierSummary(experiment, context.asOf)
    const slices = compileSliceValues(whole, context.mostSlices ?? defaultMostSlices)
    const complete = slices === undefined ? whole : yield* findSliceValues(job, runId, whole, slices)
    const { memory, mode, planned, rows, statement, statistics } = yield* answer(
      job,
      context,
      runId,
      complete,
      before?.provenance.memory,
      watch
    )
    const aggregates = withQuantiles(planned, yield* decodeRows(planned, rows, memory))
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
        ...(mode === undefined ? {} : { refresh: mode }),
        ...(memory === undefined ? {} : { memory })
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
  }
)

/** A mistake in the program or a plugin, as an error of the one experiment that it happened to. */
const defect = (experiment: string, cause: Cause.Cause<AssayError>): AssayError =>
  new PlanError({
    experiment,
    message: `Experiment ${experiment} failed by a mistake in the program: ${Cause.pretty(cause).split("\n")[0]}`,
    hint: "Please report it, with the versions of Assay and of your aggregations"
  })

/**
 * Recomputes experiments side by side, at most `concurrency` at a time. One that fails doesn't stop the others; an
 * interruption stops all of them and their queries.
 */
export const recomputeAll = Effect.fn("recomputeAll")(
  function*(jobs: ReadonlyArray<Job>, context: RecomputeContext, concurrency: number, watch: Watcher = silent) {
    const [results, failed] = yield* Effect.partition(jobs, (job) =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(recompute(job, context, watch))
        if (Exit.isSuccess(exit)) return exit.value
        if (Cause.hasInterrupts(exit.cause)) return yield* Effect.interrupt
        const failed = exit.cause.reasons.find(Cause.isFailReason)
        const onlyFailures = exit.cause.reasons.every(Cause.isFailReason)
        const error = onlyFailures && failed !== undefined ? failed.error : defect(job.experiment.key, exit.cause)
        yield* watch({ kind: "failed", experiment: job.experiment.key, error })
        return yield* Effect.fail<Failure>({ experiment: job.experiment.key, error })
      }), { concurrency })
    return { results, failed }
  }
)
