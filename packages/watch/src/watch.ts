/** The scheduler: plans what is due, takes runs, and runs them; for as long as it isn't interrupted. */
import type { AssayError, Refresh } from "@assay/model"
import { type Claim, isOpen, mayGoTogether, Runs, type Standing } from "@assay/store"
import { Clock, Effect, FiberSet, Metric, Option, Ref, Result } from "effect"
import { type Due, due, isDead } from "./due.ts"
import { type GroupMemory, groupsOf, makeGroupMemory, withSize } from "./groups.ts"
import * as Log from "./Log.ts"
import * as Metrics from "./metrics.ts"
import { type Outcome, runClaims, type Work } from "./runClaims.ts"

/** What is watched: the work, and when each experiment is refreshed that doesn't say so itself. */
export interface Watched extends Work {
  readonly refresh: Refresh
}

/** How it is watched. */
export interface WatchOptions<E, R> {
  /** The definitions as they are now; asked for every `tickMillis`, so it should remember what hasn't changed. */
  readonly load: Effect.Effect<Watched, E, R>
  /** The name of this runner, different from all others. */
  readonly runner: string
  /** Runs at the same time on the warehouse: of this runner, and of all together. */
  readonly concurrency: number
  /** How often it is looked what is due and what can be taken. 1000 where it is absent. */
  readonly tickMillis?: number
  /** How long runs may go on once it is interrupted, before they are given back. 25,000 where it is absent. */
  readonly stopMillis?: number
  /** Whether it ends by itself, as soon as nothing is under way, due, or to be tried again at once. False where it is absent. */
  readonly once?: boolean
  /** Whether it plans what is due; without, it only runs what others queue. True where it is absent. */
  readonly plans?: boolean
}

const DEFAULT_TICK_MILLIS = 1000
const DEFAULT_STOP_MILLIS = 25_000

/** While the warehouse can't be reached, runs aren't taken for this long: from a second, twice as long each time, to a minute. */
const FIRST_PAUSE_MILLIS = 1000
const LONGEST_PAUSE_MILLIS = 60_000

interface Pause {
  readonly until: number
  readonly millis: number
}

const noPause: Pause = { until: 0, millis: 0 }

/** What a runner remembers between two looks. */
interface Memory {
  /** Experiments that were reported as dead. */
  readonly reported: Ref.Ref<ReadonlySet<string>>
  readonly grouping: GroupMemory
}

/** Experiments whose runs wait, and may be taken along with others. */
const waiting = (watched: Watched, standings: ReadonlyMap<string, Standing>, now: number): ReadonlyArray<string> =>
  [...standings].flatMap(([key, { last }]) =>
    watched.jobs.has(key) && last.state === "queued" && mayGoTogether(last) &&
      Date.parse(last.next_at ?? last.queued_at) <= now
      ? [key]
      : []
  )

/**
 * Queues what is due, cancels what is defined no more, and counts. Answers which experiments are read together: of those that wait, are due,
 * or may come sooner for it. The last are queued where they have others to go with.
 */
const planRuns = Effect.fn("watch.plan")(function*(watched: Watched, { grouping, reported }: Memory) {
  const runs = yield* Runs
  const standings = yield* runs.standings
  const now = yield* Clock.currentTimeMillis
  const [isDue, isNear]: [Map<string, Due>, Map<string, Due>] = [new Map(), new Map()]
  for (const [key, { definitionHash, experiment }] of watched.jobs) {
    const standing = standings.get(key)
    const next = due({ experiment, now, refresh: experiment.refresh ?? watched.refresh, definitionHash, standing })
    if (next === undefined) continue
    if (next.at <= now) isDue.set(key, next)
    else if (next.from !== undefined && next.from <= now) isNear.set(key, next)
  }
  const anyway = [...waiting(watched, standings, now), ...isDue.keys()]
  const groups = anyway.length === 0
    ? []
    : (yield* groupsOf(watched, [...anyway, ...isNear.keys()], standings, grouping, now))
      .filter((group) => group.some((key) => anyway.includes(key)))
  const together = new Set(groups.flat())
  for (const [key, next] of [...isDue, ...[...isNear].filter(([near]) => together.has(near))]) {
    const { queued, run } = yield* runs.enqueue({
      experiment: key,
      reason: next.reason,
      definitionHash: watched.jobs.get(key)!.definitionHash,
      follows: standings.get(key)?.last.id ?? null
    })
    if (queued) yield* Log.debug("queued", { experiment: key, run: run.id, reason: next.reason })
  }
  for (const [key, { last }] of standings) {
    if (isOpen(last) && !watched.jobs.has(key) && (yield* runs.cancel(last.id))) {
      yield* Log.info("cancelled: the experiment is defined no more", { experiment: key, run: last.id })
    }
  }
  yield* countStandings(watched, standings, now)
  yield* reportDead(watched, standings, reported)
  return groups
})

/** Which of the runs that wait are read together, where others plan. */
const groupWaiting = Effect.fn("watch.group")(function*(watched: Watched, { grouping }: Memory) {
  const standings = yield* Runs.use((runs) => runs.standings)
  const now = yield* Clock.currentTimeMillis
  return yield* groupsOf(watched, waiting(watched, standings, now), standings, grouping, now)
})

const countStandings = Effect.fn("watch.count")(
  function*(watched: Watched, standings: ReadonlyMap<string, Standing>, now: number) {
    const all = [...standings].filter(([key]) => watched.jobs.has(key))
    yield* Metric.update(Metrics.queued, all.filter(([, { last }]) => last.state === "queued").length)
    yield* Metric.update(Metrics.running, all.filter(([, { last }]) => last.state === "running").length)
    yield* Metric.update(Metrics.dead, all.filter(([, standing]) => isDead(standing)).length)
    for (const [experiment, { succeeded }] of all) {
      if (succeeded?.finished_at === undefined) continue
      yield* Metric.update(
        Metric.withAttributes(Metrics.age, { experiment }),
        Math.max(0, (now - Date.parse(succeeded.finished_at)) / 1000)
      )
    }
  }
)

/** Says once of an experiment that it is dead, and once that it is back. */
const reportDead = Effect.fn("watch.reportDead")(
  function*(watched: Watched, standings: ReadonlyMap<string, Standing>, reported: Ref.Ref<ReadonlySet<string>>) {
    const before = yield* Ref.get(reported)
    const dead = new Map([...standings].filter(([key, standing]) => watched.jobs.has(key) && isDead(standing)))
    for (const [experiment, { last, succeeded }] of dead) {
      if (before.has(experiment)) continue
      yield* Log.error("the experiment is dead: its runs fail again and again", {
        experiment,
        failures: last.failures + 1,
        code: last.error?.code,
        error: last.error?.message,
        hint: last.error?.hint,
        last_good: succeeded?.finished_at ?? "never"
      })
    }
    for (const experiment of before) {
      const standing = standings.get(experiment)
      if (standing?.last.state === "succeeded") yield* Log.info("the experiment is back", { experiment })
    }
    yield* Ref.set(
      reported,
      new Set([...dead.keys(), ...[...before].filter((key) => isOpenOrDead(standings.get(key)))])
    )
  }
)

/** Whether an experiment that was reported still may be dead: its next run isn't done. */
const isOpenOrDead = (standing: Standing | undefined): boolean =>
  standing !== undefined && (isOpen(standing.last) || isDead(standing))

const logOutcome = (claim: Claim, outcome: Outcome, millis: number) => {
  const { attempt, experiment, id: run, reason } = claim.run
  const about = { experiment, run, attempt, reason, duration_ms: millis }
  switch (outcome.kind) {
    case "new":
      return Log.info("succeeded", { ...about, result: "new", latest: outcome.latest })
    case "unchanged":
      return Log.info("succeeded", { ...about, result: "unchanged" })
    case "lost":
      return Log.warning("dropped: the run was cancelled, or another runner has it", about)
    case "retried":
      return Log.warning("failed, to be tried again", {
        ...about,
        code: outcome.error.code,
        error: outcome.error.message,
        next_at: outcome.at === undefined ? undefined : new Date(outcome.at).toISOString()
      })
    case "failed":
      return Log.error("failed", {
        ...about,
        code: outcome.error.code,
        error: outcome.error.message,
        hint: outcome.error.hint
      })
  }
}

/**
 * Watches until it is interrupted. Then it takes no more runs, lets those under way end for `stopMillis`, and gives the rest back to the queue.
 * What goes wrong with the store or the definitions is logged, and tried again at the next tick; it fails only where it can't begin. With
 * `once` it answers how many attempts failed.
 */
export const watch = Effect.fnUntraced(function*<E extends AssayError, R>(options: WatchOptions<E, R>) {
  const { concurrency, runner } = options
  const tick = options.tickMillis ?? DEFAULT_TICK_MILLIS
  const runs = yield* Runs
  yield* runs.enter(Log.info("another runner has this store; waiting for it to end", { runner }))
  const watched = yield* Ref.make(yield* options.load)
  const memory: Memory = {
    reported: yield* Ref.make<ReadonlySet<string>>(new Set()),
    grouping: yield* makeGroupMemory
  }
  const groups = yield* Ref.make<ReadonlyArray<ReadonlyArray<string>>>([])
  /** How many of the fibers below have several runs. */
  const severals = yield* Ref.make(0)
  const pause = yield* Ref.make(noPause)
  const troubles = yield* Ref.make<ReadonlyMap<string, string>>(new Map())
  const failures = yield* Ref.make(0)
  const fibers = yield* FiberSet.make()
  yield* Log.info("watching", { runner, experiments: (yield* Ref.get(watched)).jobs.size, concurrency })

  /** Says what is wrong once, until it is something else or right again. */
  const noting = <A, Q>(what: string, effect: Effect.Effect<A, AssayError, Q>) =>
    effect.pipe(
      Effect.tap(() =>
        Effect.gen(function*() {
          if (!(yield* Ref.get(troubles)).has(what)) return
          yield* Ref.update(troubles, (now) => new Map([...now].filter(([key]) => key !== what)))
          yield* Log.info(`${what}: all right again`)
        })
      ),
      Effect.asSome,
      Effect.catch((error) =>
        Effect.gen(function*() {
          const said = (yield* Ref.get(troubles)).get(what) === error.message
          yield* Ref.update(troubles, (now) => new Map([...now, [what, error.message]]))
          if (!said) yield* Log.error(what, { code: error.code, error: error.message, hint: error.hint })
          return Option.none<A>()
        })
      )
    )

  const planning = Effect.gen(function*() {
    const loaded = yield* noting("the definitions can't be used; the last good ones are", options.load)
    yield* Metric.update(Metrics.definitionsOk, Option.isSome(loaded) ? 1 : 0)
    if (Option.isSome(loaded)) yield* Ref.set(watched, loaded.value)
    const now = yield* Ref.get(watched)
    const planned = yield* noting(
      "it can't be planned what is due",
      options.plans === false ? groupWaiting(now, memory) : planRuns(now, memory)
    )
    yield* Ref.set(groups, Option.getOrElse(planned, () => []))
  }).pipe(Effect.withTracerEnabled(false))

  const report = (claim: Claim, ended: Result.Result<Outcome, AssayError>) =>
    Effect.gen(function*() {
      if (Result.isFailure(ended)) {
        return yield* Log.error("the end of a run couldn't be written down; it is run again", {
          experiment: claim.run.experiment,
          run: claim.run.id,
          error: ended.failure.message
        })
      }
      const outcome = ended.success
      const now = yield* Clock.currentTimeMillis
      yield* logOutcome(claim, outcome, now - claim.at)
      if (outcome.kind === "new") yield* Ref.update(memory.grouping.sizes, (sizes) => withSize(sizes, outcome.summary))
      if (outcome.kind === "failed" || outcome.kind === "retried") yield* Ref.update(failures, (n) => n + 1)
      const isAway = outcome.kind === "retried" && outcome.error._tag === "WarehouseUnavailable"
      yield* Ref.update(pause, ({ millis, until }): Pause => {
        if (!isAway) return noPause
        if (until > now) return { until, millis }
        const next = Math.min(Math.max(FIRST_PAUSE_MILLIS, millis * 2), LONGEST_PAUSE_MILLIS)
        return { until: now + next, millis: next }
      })
    })

  const run = (claims: ReadonlyArray<Claim>) =>
    Effect.gen(function*() {
      const several = claims.length > 1 ? 1 : 0
      yield* Ref.update(severals, (n) => n + several)
      yield* runClaims(claims, yield* Ref.get(watched), report).pipe(
        Effect.ensuring(Ref.update(severals, (n) => n - several))
      )
    })

  const takeRuns = Effect.gen(function*() {
    // Beside runs that go together there is a place more for one that somebody waits for; the store says whether there is.
    while ((yield* FiberSet.size(fibers)) < concurrency + Math.min(1, yield* Ref.get(severals))) {
      const { until } = yield* Ref.get(pause)
      if (until > (yield* Clock.currentTimeMillis)) return
      const taken = yield* noting(
        "no run can be taken",
        runs.claim({ runner, atMost: concurrency, groups: yield* Ref.get(groups) })
      )
      if (Option.isNone(taken) || taken.value.length === 0) return
      // The claims are in hands that give them back before anything can interrupt.
      yield* FiberSet.run(fibers, run(taken.value).pipe(Effect.interruptible, Effect.withTracerEnabled(true)))
    }
  }).pipe(Effect.uninterruptible, Effect.withTracerEnabled(false))

  const loop = Effect.gen(function*() {
    let nextPlan = 0
    while (true) {
      const now = yield* Clock.currentTimeMillis
      const idle = (yield* FiberSet.size(fibers)) === 0
      const planned = now >= nextPlan || (idle && options.once === true)
      if (planned) {
        yield* planning
        nextPlan = now + tick
      }
      yield* takeRuns
      const busy = (yield* FiberSet.size(fibers)) > 0
      if (options.once === true && planned && idle && !busy) return yield* Ref.get(failures)
      // A place that becomes free is filled soon, without asking an empty queue all the time.
      yield* Effect.sleep(Math.min(tick, busy ? 50 : 250))
    }
  })

  return yield* loop.pipe(
    Effect.onInterrupt(() =>
      Effect.gen(function*() {
        const left = yield* FiberSet.size(fibers)
        yield* Log.info("stopping", { runner, running: left })
        yield* FiberSet.awaitEmpty(fibers).pipe(Effect.timeoutOption(options.stopMillis ?? DEFAULT_STOP_MILLIS))
        yield* FiberSet.clear(fibers)
        yield* Log.info("stopped", { runner })
      })
    )
  )
}, Effect.scoped)
