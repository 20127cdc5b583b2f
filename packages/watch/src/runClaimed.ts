/** One run that a runner has taken, from there to its end. */
import { type Plan, plan } from "@assay/aggregation"
import { type AssayError, Instant, PlanError } from "@assay/model"
import { fingerprint, type Job, recompute, type RecomputeContext, type RunEvent } from "@assay/pipeline"
import { type Claim, type RunProgress, Runs, type Snapshot, Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { Cause, Clock, Effect, Exit, Metric, Option, Random, Ref } from "effect"
import * as Log from "./Log.ts"
import * as Metrics from "./metrics.ts"
import { LOST_ATTEMPTS, retryAt, runError } from "./retry.ts"

/** What is computed, and how: the definitions as they are now. */
export interface Work {
  readonly jobs: ReadonlyMap<string, Job>
  readonly context: Omit<RecomputeContext, "asOf" | "warehouseVersion">
}

/** What became of a run: a new result, nothing changed, failed for good, tried again, or no longer this runner's. */
export type Outcome =
  | { readonly kind: "new"; readonly latest: boolean }
  | { readonly kind: "unchanged" | "lost" }
  | { readonly kind: "failed" | "retried"; readonly error: AssayError; readonly at?: number }

/** How often a runner shows that it lives. */
export const BEAT_MILLIS = 1000

/**
 * Whether time alone changes nothing: no planned look comes, and no identity comes of age for a metric, by a delay or a conversion window
 * of the metric's own or of its aggregation. What lies before the exposure (a covariate) is over at once.
 */
export const isTimeless = ({ experiment, streams }: Pick<Plan, "experiment" | "streams">): boolean =>
  experiment.plan === undefined &&
  streams.every(({ window }) => (window.to === null ? window.from <= 0 : window.to <= 0))

/** Whether a result still says all that a new one would. */
const stillHolds = (snapshot: Snapshot, job: Job, version: string, planned: Plan, asOf: number): boolean => {
  const { provenance, state } = snapshot.summary
  const { ended_at } = job.experiment
  const now = ended_at !== undefined && asOf >= Instant.toMillis(ended_at) ? "ended" : "running"
  return provenance.definition_hash === job.definitionHash && provenance.assay_version === version &&
    state === now && isTimeless(planned)
}

const progressOf = (event: RunEvent): RunProgress | undefined => {
  if (event.kind === "decoded") return { stage: "publish", rows_read: 0, elapsed_ms: 0 }
  if (event.kind !== "progress") return undefined
  const { elapsedMs, rowsRead, totalRows } = event.progress
  return {
    stage: "query",
    rows_read: rowsRead,
    ...(totalRows === undefined ? {} : { total_rows: totalRows }),
    elapsed_ms: elapsedMs
  }
}

/** So long before another runner may get the run, this one stops by itself: the time that taking and stopping may take. */
const MARGIN_MILLIS = 2 * BEAT_MILLIS

/**
 * Shows that the runner lives, until the run is taken from it. While the store is away, it goes on, but no longer than the run is surely its
 * own: so no two runners are at one run, even where neither can be told of the other.
 */
const heartbeat = Effect.fnUntraced(function*(claim: Claim, progress: Ref.Ref<RunProgress | undefined>) {
  const surely = Effect.map(Clock.currentTimeMillis, (now) => now + claim.leaseMillis - MARGIN_MILLIS)
  let until = yield* surely
  while (true) {
    yield* Effect.sleep(BEAT_MILLIS)
    const next = yield* surely
    const left = until - (yield* Clock.currentTimeMillis)
    const held = left <= 0 ? false : yield* claim.beat(yield* Ref.getAndSet(progress, undefined)).pipe(
      Effect.timeoutOption(left),
      Effect.map(Option.getOrUndefined),
      Effect.catch((error) =>
        Effect.as(Log.warning("no sign of life could be given", { error: error.message }), undefined)
      )
    )
    if (held === false) return
    if (held === true) until = next
  }
})

const compute = Effect.fn("watch.compute")(
  function*(claim: Claim, job: Job, work: Work, warehouseVersion: string, progress: Ref.Ref<RunProgress | undefined>) {
    const runs = yield* Runs
    const { experiment } = job
    const asOf = claim.at
    const planned = yield* Effect.fromResult(plan({ ...work.context, experiment, asOf }))
    const print = yield* fingerprint(planned)
    const store = claim.store(print)
    const [before] = yield* runs.list({ experiment: experiment.key, states: ["succeeded"], limit: 1 })
    if (claim.run.reason !== "request" && before?.fingerprint === print && before.snapshot !== undefined) {
      const held = yield* store.latest(experiment.key)
      if (
        Option.isSome(held) && held.value.id === before.snapshot &&
        stillHolds(held.value, job, work.context.version, planned, asOf)
      ) {
        const kept = yield* claim.unchanged(held.value.id, print)
        return kept ? { kind: "unchanged" } as const : { kind: "lost" } as const
      }
    }
    const result = yield* recompute(
      job,
      { ...work.context, asOf, warehouseVersion },
      (event) => Ref.update(progress, (now) => progressOf(event) ?? now)
    ).pipe(Effect.provideService(Store, store))
    const { provenance } = result.summary
    yield* Metric.update(Metrics.rowsRead, provenance.rows_read)
    yield* Metric.update(Metrics.bytesRead, provenance.bytes_read)
    if (result.unpublished !== undefined) {
      yield* Log.error("the result isn't written to ClickHouse; it is in the store", {
        code: result.unpublished.code,
        error: result.unpublished.message,
        hint: result.unpublished.hint
      })
    }
    return { kind: "new", latest: result.latest } as const
  }
)

/** The error of a failure; a mistake in the program or a plugin is one of the experiment that it happened to. */
const errorOf = (experiment: string, cause: Cause.Cause<AssayError>): AssayError =>
  cause.reasons.find(Cause.isFailReason)?.error ?? new PlanError({
    experiment,
    message: `Experiment ${experiment} failed by a mistake in the program: ${Cause.pretty(cause).split("\n")[0]}`,
    hint: "Please report it, with the versions of Assay and of your aggregations"
  })

const gone = (experiment: string) =>
  new PlanError({
    experiment,
    message: `There is no experiment ${JSON.stringify(experiment)} any more.`,
    hint: "It was taken out of the definitions after this run was queued"
  })

const lostTooOften = (experiment: string, attempt: number) =>
  new PlanError({
    experiment,
    message: `Experiment ${experiment} was begun ${attempt - 1} times, and each time its runner ended.`,
    hint: "Look at the memory and logs of the runners: they may be killed for this experiment's result"
  })

/** Runs what a claim is for to its end: with a result, with an error, or given back. Fails only where the store is away for long. */
export const runClaimed = Effect.fn("watch.run")(function*(claim: Claim, work: Work) {
  const { attempt, experiment, id, queued_at, reason } = claim.run
  yield* Effect.annotateCurrentSpan({ experiment, run: id, attempt, reason })
  const job = work.jobs.get(experiment)
  const warehouse = yield* Warehouse
  const progress = yield* Ref.make<RunProgress | undefined>(undefined)
  const begun = attempt > LOST_ATTEMPTS
    ? Effect.fail(lostTooOften(experiment, attempt))
    : job === undefined
    ? Effect.fail(gone(experiment))
    : Effect.flatMap(warehouse.version(), (version) => compute(claim, job, work, version, progress))
  // Whichever is first: the result, or the news that another runner has the run.
  const exit = yield* Effect.exit(
    Effect.raceFirst(begun, Effect.as(heartbeat(claim, progress), { kind: "lost" } as const))
  ).pipe(
    Effect.onInterrupt(() =>
      Effect.ignore(claim.fail({
        code: "interrupted",
        message: "The runner was stopped.",
        hint: "The run goes to the next runner"
      }, claim.at))
    )
  )
  const now = yield* Clock.currentTimeMillis
  yield* Metric.update(Metrics.duration, now - claim.at)
  if (attempt === 1) yield* Metric.update(Metrics.waiting, Math.max(0, claim.at - Instant.toMillis(queued_at)))
  if (Exit.isSuccess(exit)) {
    const outcome: Outcome = exit.value
    yield* Metric.update(Metric.withAttributes(Metrics.runs, { outcome: outcome.kind }), 1)
    return outcome
  }
  const error = errorOf(experiment, exit.cause)
  const at = retryAt(error, attempt, now, yield* Random.next)
  const held = yield* claim.fail(runError(error), at)
  const outcome: Outcome = !held
    ? { kind: "lost" }
    : at === undefined
    ? { kind: "failed", error }
    : { kind: "retried", error, at }
  yield* outcome.kind === "retried"
    ? Metric.update(Metric.withAttributes(Metrics.retries, { code: error.code }), 1)
    : Metric.update(Metric.withAttributes(Metrics.runs, { outcome: outcome.kind }), 1)
  return outcome
}, (run, claim) =>
  // Whatever is logged under way is about this run.
  Effect.annotateLogs(run, { experiment: claim.run.experiment, run: claim.run.id }))
