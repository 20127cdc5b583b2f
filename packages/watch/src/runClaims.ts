/** Runs that a runner has taken at once, from there to the end of each. */
import { type Plan, plan } from "@assay/aggregation"
import { type AssayError, Instant, PlanError, type ResultsSummary } from "@assay/model"
import {
  type Job,
  type Look,
  look,
  type RecomputeContext,
  type Recomputed,
  recomputeEach,
  type RunEvent
} from "@assay/pipeline"
import { type Claim, interrupted, type Run, type RunProgress, Runs, type Snapshot, Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { Cause, Clock, Deferred, Effect, Exit, Fiber, Metric, Option, Random, Ref, Result } from "effect"
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
  | { readonly kind: "new"; readonly latest: boolean; readonly summary: ResultsSummary }
  | { readonly kind: "unchanged" | "lost" }
  | { readonly kind: "failed" | "retried"; readonly error: AssayError; readonly at?: number }

/** How often a runner shows that it lives. */
export const BEAT_MILLIS = 1000

/** Runs that were taken together are shown to live less often, so that these are no more than twenty signs a second. */
const beatEvery = (runs: number): number => Math.max(BEAT_MILLIS, 50 * runs)

/**
 * Whether time alone changes nothing: no planned look comes, and no identity comes of age for a metric, by a delay or a conversion window
 * of the metric's own or of its aggregation. What lies before the exposure (a covariate) is over at once.
 */
export const isTimeless = ({ experiment, streams }: Pick<Plan, "experiment" | "streams">): boolean =>
  experiment.plan === undefined &&
  streams.every(({ window }) => (window.to === null ? window.from <= 0 : window.to <= 0))

/** Whether a result still says all that a new one would, where time alone changes nothing and no data came. */
const stillHolds = (snapshot: Snapshot, job: Job, version: string, asOf: number): boolean => {
  const { provenance, state } = snapshot.summary
  const { ended_at } = job.experiment
  const now = ended_at !== undefined && asOf >= Instant.toMillis(ended_at) ? "ended" : "running"
  return provenance.definition_hash === job.definitionHash && provenance.assay_version === version &&
    state === now
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

/** Whatever is logged under way is about this run. */
const logOf = ({ run: { experiment, id } }: Claim) => ({ experiment, run: id })

/** A run that this runner has, until its end is written down. */
interface Held {
  readonly claim: Claim
  readonly progress: Ref.Ref<RunProgress | undefined>
  /** Done when the run isn't this runner's any more. */
  readonly gone: Deferred.Deferred<void>
  /** Whether its end is being written: then that says whether the run was still this runner's. */
  readonly ending: Ref.Ref<boolean>
  readonly open: Ref.Ref<boolean>
}

/** So long before another runner may get the run, this one stops by itself: the time that taking and stopping may take. */
const MARGIN_MILLIS = 2 * BEAT_MILLIS

/**
 * Shows that the runner lives, until the run is taken from it or ends. While the store is away, it goes on, but no longer than the run is surely its
 * own: so no two runners are at one run, even where neither can be told of the other.
 */
const heartbeat = Effect.fnUntraced(function*({ claim, progress }: Held, every: number) {
  const surely = Effect.map(Clock.currentTimeMillis, (now) => now + claim.leaseMillis - MARGIN_MILLIS)
  let until = yield* surely
  while (true) {
    yield* Effect.sleep(every)
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
}, (beating, { claim }) => Effect.annotateLogs(beating, logOf(claim)))

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

/** Gets what became of each run; an error where that couldn't be written down, so that the run is run again. */
export type Report = (claim: Claim, ended: Result.Result<Outcome, AssayError>) => Effect.Effect<void>

const lost: Outcome = { kind: "lost" }

const spanOf = ({ run: { attempt, experiment, id, reason } }: Claim) => ({ experiment, run: id, attempt, reason })

/** What became of a run, once it is written down. */
const settle = Effect.fnUntraced(function*({ claim }: Held, exit: Exit.Exit<Outcome, AssayError>) {
  const { attempt, experiment, queued_at } = claim.run
  const now = yield* Clock.currentTimeMillis
  yield* Metric.update(Metrics.duration, now - claim.at)
  if (attempt === 1) yield* Metric.update(Metrics.waiting, Math.max(0, claim.at - Instant.toMillis(queued_at)))
  if (Exit.isSuccess(exit)) {
    yield* Metric.update(Metric.withAttributes(Metrics.runs, { outcome: exit.value.kind }), 1)
    return exit.value
  }
  const error = errorOf(experiment, exit.cause)
  const at = retryAt(error, attempt, now, yield* Random.next)
  const held = yield* claim.fail(runError(error), at)
  const outcome: Outcome = !held ? lost : at === undefined ? { kind: "failed", error } : { kind: "retried", error, at }
  yield* outcome.kind === "retried"
    ? Metric.update(Metric.withAttributes(Metrics.retries, { code: error.code }), 1)
    : Metric.update(Metric.withAttributes(Metrics.runs, { outcome: outcome.kind }), 1)
  return outcome
})

/** Runs one of them to its end: with what `run` says, or as lost as soon as it isn't this runner's any more. Answers the error it failed with. */
const end = Effect.fnUntraced(function*<R>(held: Held, report: Report, run: Effect.Effect<Outcome, AssayError, R>) {
  const isGone = Effect.as(Deferred.await(held.gone), lost)
  const exit = yield* Effect.exit(Effect.raceFirst(run, isGone))
  const ended = yield* Effect.result(settle(held, exit))
  yield* Ref.set(held.open, false)
  yield* report(held.claim, ended)
  yield* Deferred.succeed(held.gone, undefined)
  const outcome = Result.getOrElse(ended, () => lost)
  return outcome.kind === "failed" || outcome.kind === "retried" ? outcome.error : undefined
}, (run, { claim }) => Effect.annotateLogs(run, logOf(claim)))

/** The run as it is recomputed, with its result in the store. */
const recomputed = Effect.fnUntraced(function*<R>(
  { claim, ending }: Held,
  print: string,
  run: Effect.Effect<Recomputed, AssayError, R | Store>
) {
  const store = claim.store(print)
  const { latest, summary, unpublished } = yield* Effect.provideService(run, Store, {
    ...store,
    put: (snapshot) => Effect.andThen(Ref.set(ending, true), store.put(snapshot))
  })
  const { provenance } = summary
  yield* Metric.update(Metrics.rowsRead, provenance.rows_read)
  yield* Metric.update(Metrics.bytesRead, provenance.bytes_read)
  if (unpublished !== undefined) {
    yield* Log.error("the result isn't written to ClickHouse; it is in the store", {
      code: unpublished.code,
      error: unpublished.message,
      hint: unpublished.hint
    })
  }
  const outcome: Outcome = { kind: "new", latest, summary }
  return outcome
})

/** A run whose experiment can be computed. */
interface Ready {
  readonly held: Held
  readonly job: Job
  readonly planned: Plan
}

/** The result that still says all that a new one would, by its id: none of what it was made of has changed. */
const unchangedSince = Effect.fnUntraced(
  function*({ held: { claim }, job }: Ready, version: string, before: Run | undefined, { print, same }: Look) {
    if (claim.run.reason === "request" || !same || before?.snapshot === undefined) return undefined
    const latest = yield* claim.store(print).latest(claim.run.experiment)
    return Option.isSome(latest) && latest.value.id === before.snapshot &&
        stillHolds(latest.value, job, version, claim.at)
      ? before.snapshot
      : undefined
  }
)

/** Looks at the data of runs, ends those where nothing has changed, and recomputes the others. */
const compute = Effect.fnUntraced(function*(held: ReadonlyArray<Held>, work: Work, report: Report) {
  const warehouse = yield* Warehouse
  const asOf = held[0]!.claim.at
  const ready: Array<Ready> = []
  for (const one of held) {
    const { attempt, experiment } = one.claim.run
    const job = work.jobs.get(experiment)
    if (attempt > LOST_ATTEMPTS) yield* end(one, report, Effect.fail(lostTooOften(experiment, attempt)))
    else if (job === undefined) yield* end(one, report, Effect.fail(gone(experiment)))
    else {
      const exit = yield* Effect.exit(
        Effect.suspend(() => Effect.fromResult(plan({ ...work.context, asOf, experiment: job.experiment })))
      )
      if (Exit.isSuccess(exit)) ready.push({ held: one, job, planned: exit.value })
      else yield* end(one, report, Effect.failCause(exit.cause))
    }
  }
  const context: RecomputeContext = { ...work.context, asOf, warehouseVersion: yield* warehouse.version() }
  // Where time alone changes results, nothing that is seen of the data could spare them.
  const looked = ready.filter(({ planned }) => isTimeless(planned))
  const runs = yield* Runs
  const befores = yield* Effect.forEach(
    looked,
    ({ job }) => runs.list({ experiment: job.experiment.key, states: ["succeeded"], limit: 1 })
  )
  const found = yield* look(
    looked.map(({ planned }, i) => ({ plan: planned, before: befores[i]![0]?.fingerprint })),
    asOf
  )
  const seen = new Map(looked.map((one, i) => [one, { before: befores[i]![0], now: found[i]! }]))
  const changed: Array<Ready & { readonly print: string }> = []
  for (const one of ready) {
    const { before, now } = seen.get(one) ?? { before: undefined, now: { print: "", same: false } }
    const { print } = now
    const { claim } = one.held
    const kept = yield* Effect.result(unchangedSince(one, context.version, before, now))
    if (Result.isFailure(kept)) yield* end(one.held, report, Effect.fail(kept.failure))
    else if (kept.success === undefined) changed.push({ ...one, print })
    else {
      yield* end(
        one.held,
        report,
        Ref.set(one.held.ending, true).pipe(
          Effect.andThen(claim.unchanged(kept.success, print)),
          Effect.map((ours): Outcome => (ours ? { kind: "unchanged" } : lost))
        )
      )
    }
  }
  const progress = new Map(changed.map(({ held: one, job }) => [job.experiment.key, one.progress]))
  let away: AssayError | undefined
  yield* recomputeEach(
    changed.map(({ job }) => job),
    context,
    1,
    (at, run) =>
      Effect.gen(function*() {
        const { held: one, print } = changed[at]!
        // What couldn't be reached for one of them isn't waited for again by each of the others.
        const own = away === undefined ? recomputed(one, print, run) : Effect.fail(away)
        const ended = end(one, report, own)
        const error = yield* held.length === 1
          ? ended
          : ended.pipe(Effect.withSpan("watch.run", { attributes: spanOf(one.claim) }))
        if (error?._tag === "WarehouseUnavailable") away = error
      }),
    (event) => {
      const own = progress.get(event.experiment)
      return own === undefined ? Effect.void : Ref.update(own, (now) => progressOf(event) ?? now)
    }
  )
})

/**
 * Runs what was taken at once, each to its end: with a result, with an error, or given back. What they have in common fails for all of them;
 * everything else is each one's own. One that is cancelled or lost meanwhile is dropped, and the others go on.
 */
export const runClaims = (claims: ReadonlyArray<Claim>, work: Work, report: Report) =>
  Effect.gen(function*() {
    const held = yield* Effect.forEach(claims, (claim) =>
      Effect.gen(function*() {
        const one: Held = {
          claim,
          progress: yield* Ref.make<RunProgress | undefined>(undefined),
          gone: yield* Deferred.make<void>(),
          ending: yield* Ref.make(false),
          open: yield* Ref.make(true)
        }
        return one
      }))
    const stillOpen = Effect.filter(held, ({ open }) => Ref.get(open))
    const beating = yield* Effect.forEach(held, (one) =>
      heartbeat(one, beatEvery(held.length)).pipe(
        Effect.andThen(Ref.get(one.ending)),
        Effect.flatMap((ending) => (ending ? Effect.void : Deferred.succeed(one.gone, undefined))),
        Effect.forkChild
      ))
    // What is for all of them stops where none of them is this runner's any more.
    const allGone = Effect.forEach(held, (one) => Deferred.await(one.gone), { discard: true })
    const exit = yield* Effect.raceFirst(Effect.exit(compute(held, work, report)), Effect.exit(allGone)).pipe(
      Effect.onInterrupt(() =>
        Effect.flatMap(stillOpen, (left) =>
          Effect.forEach(left, ({ claim }) =>
            Effect.ignore(claim.fail(interrupted, claim.at)), {
            concurrency: 8,
            discard: true
          }))
      )
    )
    // What failed for all, or was lost before it came to its own end.
    for (const one of yield* stillOpen) {
      const isGone = yield* Deferred.isDone(one.gone)
      yield* end(
        one,
        report,
        isGone ? Effect.never : Exit.isSuccess(exit) ? Effect.die("it wasn't run") : Effect.failCause(exit.cause)
      )
    }
    yield* Fiber.interruptAll(beating)
  }).pipe(
    claims.length === 1 ? Effect.annotateLogs(logOf(claims[0]!)) : (all) =>
      all,
    claims.length === 1
      ? Effect.withSpan("watch.run", { attributes: spanOf(claims[0]!) })
      : Effect.withSpan("watch.together", { attributes: { runs: claims.length } })
  )
