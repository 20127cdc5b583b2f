/** The scheduler on the embedded engine, with a clock that a test sets. */
import { occurrence } from "@assay/aggregation-occurrence"
import { createEventTable, type EventRow, insertEvents, testMapping } from "@assay/aggregation-testkit"
import {
  defaultEventMapping,
  type Experiment,
  Instant,
  type Metric,
  QueryRejected,
  type Refresh,
  type WarehouseError,
  WarehouseUnavailable
} from "@assay/model"
import { engines } from "@assay/stats"
import { type Run, Runs, Store } from "@assay/store"
import { Warehouse, type WarehouseShape } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Logger, Option, Ref } from "effect"
import { BEAT_MILLIS, watch, type Watched, type WatchOptions } from "../src/index.ts"

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Experiments run in [start, end). */
const start = Date.UTC(2026, 0, 1)
const end = start + 14 * day

const purchased: Metric = { key: "purchased", aggregation: "occurrence", event: "purchase", direction: "up" }

const experimentOf = (key: string, more: Partial<Experiment> = {}): Experiment => ({
  key,
  environment: "production",
  feature: "checkout",
  started_at: Instant.fromMillis(start),
  control: "control",
  variants: [{ key: "control", share: 1 }, { key: "treatment", share: 1 }],
  metrics: [{ metric: "purchased", role: "goal" }],
  ...more
})

const watchedOf = (experiments: ReadonlyArray<Experiment>, refresh: Refresh = { every: "1h" }): Watched => ({
  jobs: new Map(experiments.map((experiment) => [experiment.key, { experiment, definitionHash: "d" }])),
  context: {
    metrics: new Map([[purchased.key, purchased]]),
    mapping: testMapping(defaultEventMapping, "events"),
    aggregations: new Map([[occurrence.name, occurrence]]),
    engine: engines.bayesian,
    confidence: 0.95,
    version: "0.0.0"
  },
  refresh
})

const row = (identity: string, timestamp: number, more: Partial<EventRow>): EventRow => ({
  environment: "production",
  event: "$flag_exposure",
  feature: "checkout",
  identity,
  timestamp,
  value: "",
  metadata: "{}",
  id: "",
  ...more
})

const exposed = (n: number, timestamp = start): ReadonlyArray<EventRow> =>
  Array.from(
    { length: n },
    (_, i) => row(`${timestamp} ${i}`, timestamp, { value: i % 2 === 0 ? "control" : "treatment" })
  )

const bought = (identity: string, timestamp: number) => row(identity, timestamp, { event: "purchase", feature: "" })

const load = Effect.fn("test.load")(function*(rows: ReadonlyArray<EventRow>) {
  yield* createEventTable("events")
  yield* insertEvents("events", rows)
})

/** The same, reading experiments together. */
const sharing = (watched: Watched, more: Partial<Watched["context"]> = {}): Watched => ({
  ...watched,
  context: { ...watched.context, sharedReads: true, ...more }
})

/** A clock that stands where the test puts it, and goes on from there. */
const settable = Effect.gen(function*() {
  const real = yield* Clock.Clock
  let skew = 0
  const now = () => Date.now() + skew
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: now,
    currentTimeMillis: Effect.sync(now),
    currentTimeNanosUnsafe: () => BigInt(now()) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(now()) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: real.monotonicTimeNanos,
    sleep: (duration) => real.sleep(duration)
  }
  return {
    clock,
    set: (instant: number) =>
      Effect.sync(() => {
        skew = instant - Date.now()
      })
  }
})

/** What a test does to the queries of recomputes, before they run: nothing, wait, or fail. Gets the experiment, or several with commas. */
type Before = (experiment: string) => Effect.Effect<void, WarehouseError>

const before = (warehouse: WarehouseShape, hook: Before): WarehouseShape => ({
  ...warehouse,
  query: (statement, options = {}) =>
    options.comment?.["assay"] === "recompute"
      ? Effect.andThen(
        hook(options.comment["experiment"] ?? options.comment["experiments"] ?? ""),
        warehouse.query(statement, options)
      )
      : warehouse.query(statement, options)
})

const free: Before = () => Effect.void

interface World {
  readonly clock: Clock.Clock
  /** Sets the clock. */
  readonly at: (instant: number) => Effect.Effect<void>
  /** Runs what is due, to its end; answers how many attempts failed. */
  readonly once: (watched: Watched, hook?: Before) => Effect.Effect<number, unknown, Warehouse>
  /** Watches in the background. */
  readonly watching: (
    watched: Watched,
    hook?: Before,
    more?: Partial<WatchOptions<never, never>>,
    runs?: Runs["Service"]
  ) => Effect.Effect<Fiber.Fiber<number, unknown>, never, Warehouse>
  /** All runs, newest first. */
  readonly runs: Effect.Effect<ReadonlyArray<Run>, unknown>
  readonly store: Store["Service"]
  readonly held: Runs["Service"]
  /** Messages of the log so far. */
  readonly said: Ref.Ref<ReadonlyArray<string>>
}

/** A store and a clock of its own for a test, which `body` gets. */
const inWorld = <A, E>(body: (world: World) => Effect.Effect<A, E, Warehouse>) =>
  Effect.gen(function*() {
    const { clock, set } = yield* settable
    const held = yield* Runs
    const store = yield* Store
    const said = yield* Ref.make<ReadonlyArray<string>>([])
    const logger = Logger.make<unknown, void>(({ message }) => {
      const text = String(Array.isArray(message) ? message[0] : message)
      Effect.runSync(Ref.update(said, (all) => [...all, text]))
    })
    const start = (watched: Watched, hook: Before, more: Partial<WatchOptions<never, never>>, runs = held) =>
      Effect.gen(function*() {
        const warehouse = yield* Warehouse
        return yield* watch({ load: Effect.succeed(watched), runner: "r", concurrency: 2, tickMillis: 20, ...more })
          .pipe(
            Effect.provideService(Warehouse, before(warehouse, hook)),
            Effect.provideService(Runs, runs),
            Effect.provideService(Store, store),
            Effect.provideService(Clock.Clock, clock),
            Effect.provide(Logger.layer([logger]))
          )
      })
    return yield* body({
      clock,
      at: set,
      once: (watched, hook = free) => start(watched, hook, { once: true }),
      watching: (watched, hook = free, more = {}, runs = held) => Effect.forkChild(start(watched, hook, more, runs)),
      runs: Effect.provideService(held.list(), Clock.Clock, clock),
      store,
      held,
      said
    })
  }).pipe(Effect.provide(Runs.layerMemory, { local: true }))

/** Waits, however long, until something holds. */
const until = <E, R>(holds: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.gen(function*() {
    while (!(yield* holds)) yield* Effect.sleep(10)
  })

const rejected = new QueryRejected({
  message: "There is no such table.",
  hint: "Name the table",
  clickhouseCode: 60,
  clickhouseName: "UNKNOWN_TABLE"
})

const away = new WarehouseUnavailable({ message: "It didn't answer.", hint: "Look at it" })

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("watching", (it) => {
  const check = <A, E>(title: string, body: (world: World) => Effect.Effect<A, E, Warehouse>) =>
    it.effect(title, () => inWorld(body))

  check(
    "computes each experiment by its own schedule, and nothing where no data came",
    ({ at, once, runs, store }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        const watched = watchedOf([experimentOf("often"), experimentOf("daily", { refresh: { every: "1d" } })])
        yield* at(start + day)
        assert.strictEqual(yield* once(watched), 0)
        yield* at(start + day + 2 * hour)
        yield* insertEvents("events", exposed(10, start + day + hour))
        yield* once(watched)
        yield* at(start + day + 4 * hour)
        yield* once(watched)
        assert.deepStrictEqual(
          (yield* runs).map(({ experiment, reason, result }) => [experiment, reason, result]).slice(0, 2),
          [["often", "schedule", "unchanged"], ["often", "schedule", "new"]]
        )
        assert.deepStrictEqual(
          new Set((yield* runs).slice(2).map(({ experiment, reason }) => `${experiment} ${reason}`)),
          new Set(["often first", "daily first"])
        )
        const [unchanged, newer] = yield* runs
        assert.strictEqual(unchanged?.snapshot, newer?.snapshot)
        assert.strictEqual((yield* store.list("often")).length, 2)
      })
  )

  check(
    "computes an ended experiment once more, with what came late, and then never again",
    ({ at, once, runs, store }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        const watched = watchedOf([
          experimentOf("ended", { ended_at: Instant.fromMillis(end), refresh: { every: "1d", grace: "1d" } })
        ], "never")
        const buyers = Effect.map(
          store.latest("ended"),
          (latest) => Option.getOrThrow(latest).summary.metrics[0]?.variants["control"]?.sum
        )
        yield* at(end + 12 * hour)
        yield* once(watched)
        assert.strictEqual(yield* buyers, 0)
        // It happened in the window, and was told after it: no window is frozen before the grace is over.
        yield* insertEvents("events", [bought(`${start} 0`, end - minute)])
        yield* at(end + day + minute)
        yield* once(watched)
        assert.strictEqual(yield* buyers, 1)
        yield* insertEvents("events", [bought(`${start} 2`, end - minute)])
        yield* at(end + 60 * day)
        yield* once(watched)
        assert.deepStrictEqual((yield* runs).map(({ reason, result }) => [reason, result]), [
          ["final", "new"],
          ["first", "new"]
        ])
      })
  )

  check("tries again what may pass, and nothing else", ({ at, once, runs }) =>
    Effect.gen(function*() {
      yield* load(exposed(20))
      const watched = watchedOf([experimentOf("unlucky"), experimentOf("wrong")])
      yield* at(start + day)
      const failures = yield* once(watched, (experiment) => Effect.fail(experiment === "wrong" ? rejected : away))
      assert.strictEqual(failures, 2)
      const states = Effect.map(
        runs,
        (all) =>
          new Map(all.map(({ attempt, error, experiment, state }) => [experiment, [state, attempt, error?.code]]))
      )
      assert.deepStrictEqual(
        yield* states,
        new Map([["unlucky", ["queued", 1, "warehouse_unavailable"]], ["wrong", ["failed", 1, "query_rejected"]]])
      )
      yield* at(start + day + 20_000)
      yield* once(watched)
      assert.deepStrictEqual(
        yield* states,
        new Map([["unlucky", ["succeeded", 2, undefined]], ["wrong", ["failed", 1, "query_rejected"]]])
      )
    }))

  check(
    "reports an experiment as dead once, and that it is back",
    ({ at, runs, said, watching }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        const isWell = yield* Ref.make(false)
        yield* at(start + day)
        const fiber = yield* watching(
          watchedOf([experimentOf("dead")]),
          () => Effect.flatMap(Ref.get(isWell), (well) => (well ? Effect.void : Effect.fail(rejected)))
        )
        const ended = (n: number) =>
          until(Effect.map(runs, (all) => all.length === n && all[0]?.finished_at !== undefined))
        for (const n of [1, 2, 3, 4]) {
          yield* ended(n)
          yield* at(start + day + n * hour)
        }
        yield* ended(5)
        const times = (text: string) =>
          Effect.map(Ref.get(said), (all) => all.filter((message) => message.startsWith(text)).length)
        assert.strictEqual(yield* times("the experiment is dead"), 1)
        yield* Ref.set(isWell, true)
        yield* at(start + 3 * day)
        yield* until(Effect.map(times("the experiment is back"), (n) => n === 1))
        yield* Fiber.interrupt(fiber)
      })
  )

  check("asks the warehouse for no more at a time than it is told", ({ at, once }) =>
    Effect.gen(function*() {
      yield* load(exposed(20))
      const [now, most] = [yield* Ref.make(0), yield* Ref.make(0)]
      const full = yield* Deferred.make<void>()
      yield* at(start + day)
      yield* once(
        watchedOf(["a", "b", "c", "d", "e"].map((key) => experimentOf(key))),
        () =>
          Effect.gen(function*() {
            const n = yield* Ref.updateAndGet(now, (before) => before + 1)
            yield* Ref.update(most, (before) => Math.max(before, n))
            if (n === 2) yield* Deferred.succeed(full, undefined)
            // The first waits for the second, so that two are seen together.
            yield* Deferred.await(full)
            yield* Effect.sleep(20)
            yield* Ref.update(now, (before) => before - 1)
          })
      )
      assert.strictEqual(yield* Ref.get(most), 2)
    }))

  check(
    "lets runs end when it is stopped, and gives back those that don't",
    ({ at, runs, watching }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        const [asked, let_go] = [yield* Ref.make(0), yield* Deferred.make<void>()]
        yield* at(start + day)
        const fiber = yield* watching(
          watchedOf([experimentOf("quick"), experimentOf("slow")]),
          (experiment) =>
            Effect.andThen(
              Ref.update(asked, (n) => n + 1),
              experiment === "slow" ? Effect.never : Deferred.await(let_go)
            ),
          { stopMillis: 1000 }
        )
        yield* until(Effect.map(Ref.get(asked), (n) => n === 2))
        const stopping = yield* Effect.forkChild(Fiber.interrupt(fiber))
        yield* Deferred.succeed(let_go, undefined)
        yield* Fiber.join(stopping)
        assert.deepStrictEqual(
          new Map((yield* runs).map(({ error, experiment, state }) => [experiment, [state, error?.code]])),
          new Map([["quick", ["succeeded", undefined]], ["slow", ["queued", "interrupted"]]])
        )
      })
  )

  check(
    "stops a run by itself where it can't show that it lives, before another runner may have it",
    (world) =>
      Effect.gen(function*() {
        const { at, held, runs, said, store, watching } = world
        yield* load(exposed(20))
        const stopped = yield* Deferred.make<void>()
        yield* at(start + day)
        const fiber = yield* watching(
          watchedOf([experimentOf("cut off")]),
          () => Effect.never.pipe(Effect.onInterrupt(() => Deferred.succeed(stopped, undefined))),
          { stopMillis: 0 },
          {
            ...held,
            // A store that is away: nothing that is asked of it has an answer.
            claim: (input) =>
              Effect.map(
                held.claim(input),
                (claims) =>
                  claims.map((claim) => ({
                    ...claim,
                    leaseMillis: 4000,
                    beat: () => Effect.never
                  }))
              )
          }
        )
        yield* Deferred.await(stopped)
        yield* until(Effect.map(Ref.get(said), (all) => all.some((message) => message.startsWith("dropped"))))
        // It is the store that gives the run to the next one.
        assert.deepStrictEqual((yield* runs).map(({ state }) => state), ["running"])
        assert.deepStrictEqual(yield* store.list("cut off"), [])
        yield* Fiber.interrupt(fiber)
      })
  )

  /** Notes what is asked, and lets it go on. */
  const noting = (asked: Array<string>, more: Before = free): Before => (experiments) =>
    Effect.suspend(() => {
      asked.push(experiments)
      return more(experiments)
    })

  const keys = ["a", "b", "c", "d", "e"]
  const five = keys.map((key) => experimentOf(key))

  /** States and attempts by experiment. */
  const states = (runs: World["runs"]) =>
    Effect.map(
      runs,
      (all) =>
        new Map(
          all.map(({ attempt, error, experiment, state }) => [experiment, [state, attempt, error?.code]] as const)
            .toSorted(([one], [other]) => (one < other ? -1 : 1))
        )
    )

  const allAre = (...state: readonly [string, number, string | undefined]) => new Map(keys.map((key) => [key, state]))

  const numbers = (store: Store["Service"]) =>
    Effect.forEach(keys, (key) =>
      Effect.map(store.latest(key), (latest) => {
        const { metrics, srm, variants } = Option.getOrThrow(latest).summary
        return [variants, metrics, srm]
      }))

  check(
    "reads those together that are due at once: one statement, one look at the data, and each has its own run and what it would say alone",
    ({ at, held, once, runs, store }) =>
      Effect.gen(function*() {
        yield* load([...exposed(20), bought(`${start} 0`, start + hour), bought(`${start} 3`, start + hour)])
        yield* at(start + day)
        const asked: Array<string> = []
        const warehouse = yield* Warehouse
        let looks = 0
        const looking: WarehouseShape = {
          ...warehouse,
          query: (statement, options) =>
            Effect.suspend(() => {
              if (options?.comment?.["assay"] === "fingerprint") looks += 1
              return warehouse.query(statement, options)
            })
        }
        const pass = (watched: Watched) => once(watched, noting(asked)).pipe(Effect.provideService(Warehouse, looking))
        assert.strictEqual(yield* pass(sharing(watchedOf(five))), 0)
        assert.deepStrictEqual([asked, looks], [["a, b, c, d, e"], 1])
        assert.deepStrictEqual(yield* states(runs), allAre("succeeded", 1, undefined))
        const all = yield* runs
        assert.strictEqual(all.length, 5)
        assert.strictEqual(new Set(all.map(({ started_at, together }) => `${started_at} ${together}`)).size, 1)
        const together = yield* numbers(store)

        yield* at(start + day + 2 * hour)
        yield* pass(sharing(watchedOf(five)))
        assert.deepStrictEqual([asked.length, looks], [1, 2])
        assert.deepStrictEqual(
          (yield* held.list({ limit: 5 })).map(({ result }) => String(result)),
          keys.map(() => "unchanged")
        )

        // One whose data alone has changed.
        yield* insertEvents("events", [row("new", start + day + hour, { feature: "banner", value: "control" })])
        yield* at(start + day + 4 * hour)
        const others = five.map((one) => (one.key === "e" ? { ...one, feature: "banner" } : one))
        yield* pass(sharing(watchedOf(others)))
        assert.deepStrictEqual(asked.slice(1), ["e"])
        assert.deepStrictEqual(
          (yield* held.list({ limit: 5 })).map(({ experiment, result }) => `${experiment} ${result}`).toSorted(),
          ["a unchanged", "b unchanged", "c unchanged", "d unchanged", "e new"]
        )

        const apart = yield* inWorld((world) =>
          Effect.gen(function*() {
            yield* world.at(start + day)
            asked.length = 0
            yield* world.once(watchedOf(five), noting(asked))
            return yield* numbers(world.store)
          })
        )
        assert.deepStrictEqual(asked.toSorted(), keys)
        assert.deepStrictEqual(together, apart)
      })
  )

  check(
    "looks at what was stored since, where the table says when, and sees what came late",
    ({ at, once, runs }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        const { mapping } = watchedOf([]).context
        const watched = sharing(watchedOf(five.slice(0, 2)), {
          mapping: { ...mapping, columns: { ...mapping.columns, ingested: "collected_at" } }
        })
        yield* at(start + day)
        yield* once(watched)
        yield* at(start + day + 2 * hour)
        yield* once(watched)
        yield* insertEvents("events", [
          bought(`${start} 0`, start + hour),
          { ...bought(`${start} 0`, start + hour), ingested: start + day + 3 * hour }
        ])
        yield* at(start + day + 4 * hour)
        yield* once(watched)
        yield* at(start + day + 6 * hour)
        yield* once(watched)
        assert.deepStrictEqual(
          (yield* runs).filter(({ experiment }) => experiment === "a").map(({ result }) => result),
          ["unchanged", "new", "unchanged", "new"]
        )
      })
  )

  check(
    "reads those alone that can't share, and takes along who would be due soon",
    ({ at, once, runs }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        const asked: Array<string> = []
        const pass = (experiments: ReadonlyArray<Experiment>) => once(sharing(watchedOf(experiments)), noting(asked))
        const series = experimentOf("series", { series: true })
        yield* at(start + day)
        yield* pass([...five.slice(0, 2), series])
        assert.deepStrictEqual(asked.toSorted(), ["a, b", "series"])
        // Five minutes before its hour is over, but not six.
        yield* at(start + day + hour - 5 * minute - 10_000)
        asked.length = 0
        yield* insertEvents("events", exposed(4, start + day + hour / 2))
        yield* pass([...five.slice(0, 3), series])
        assert.deepStrictEqual(asked, ["c"])
        yield* at(start + day + hour - 4 * minute)
        asked.length = 0
        yield* pass([...five.slice(0, 4), series])
        assert.deepStrictEqual(asked, ["d, a, b"])
        assert.deepStrictEqual(
          (yield* runs).filter(({ experiment }) => experiment === "a").map(({ reason }) => reason),
          ["schedule", "first"]
        )
      })
  )

  check(
    "keeps the failure of one from the others that it is read with",
    ({ at, once, runs }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        yield* at(start + day)
        const asked: Array<string> = []
        const impossible = experimentOf("impossible", { metrics: [{ metric: "none", role: "goal" }] })
        const failures = yield* once(
          sharing(watchedOf([...five, impossible])),
          noting(
            asked,
            (experiments) => experiments.includes(",") || experiments === "c" ? Effect.fail(rejected) : Effect.void
          )
        )
        assert.strictEqual(failures, 2)
        assert.deepStrictEqual(asked[0], "a, b, c, d, e")
        assert.deepStrictEqual(asked.slice(1).toSorted(), keys)
        assert.deepStrictEqual(
          yield* states(runs),
          new Map([
            ...allAre("succeeded", 1, undefined),
            ["c", ["failed", 1, "query_rejected"]] as const,
            ["impossible", ["failed", 1, "plan"]] as const
          ])
        )
      })
  )

  check(
    "asks a warehouse that is away once for all, and then tries each alone",
    ({ at, once, runs }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        yield* at(start + day)
        const asked: Array<string> = []
        const watched = sharing(watchedOf(five))
        assert.strictEqual(yield* once(watched, noting(asked, () => Effect.fail(away))), 5)
        assert.deepStrictEqual(asked, ["a, b, c, d, e", "a"])
        assert.deepStrictEqual(yield* states(runs), allAre("queued", 1, "warehouse_unavailable"))
        yield* at(start + day + minute)
        asked.length = 0
        yield* once(watched, noting(asked))
        assert.deepStrictEqual(asked.toSorted(), keys)
        assert.deepStrictEqual(yield* states(runs), allAre("succeeded", 2, undefined))
      })
  )

  check(
    "drops those that are cancelled while they are read together, and stops the statement when none is left",
    ({ at, held, runs, store, watching }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        yield* at(start + day)
        const [asked, go, stopped] = [
          yield* Deferred.make<void>(),
          yield* Deferred.make<void>(),
          yield* Deferred.make<void>()
        ]
        const running = Effect.map(held.list({ states: ["running"] }), (all) => all.map(({ id }) => id))
        const first = yield* watching(
          sharing(watchedOf(five)),
          () => Effect.andThen(Deferred.succeed(asked, undefined), Deferred.await(go))
        )
        yield* Deferred.await(asked)
        const [one, two] = yield* held.list({ states: ["running"] })
        // Cancelled by a clock that is ahead, so that they aren't due again.
        for (const run of [one!, two!]) assert.isTrue(yield* held.cancel(run.id))
        // Longer than signs of life are apart.
        yield* Effect.sleep(2500)
        yield* Deferred.succeed(go, undefined)
        yield* until(Effect.map(running, (ids) => ids.length === 0))
        const cancelled = [one!.experiment, two!.experiment]
        assert.deepStrictEqual(
          yield* states(runs),
          new Map(keys.map((key) => [key, [cancelled.includes(key) ? "cancelled" : "succeeded", 1, undefined]]))
        )
        for (const key of keys) assert.strictEqual((yield* store.list(key)).length, cancelled.includes(key) ? 0 : 1)
        yield* Fiber.interrupt(first)

        yield* at(start + 2 * day)
        yield* insertEvents("events", exposed(4, start + day + hour))
        const second = yield* watching(
          sharing(watchedOf(five)),
          () => Effect.never.pipe(Effect.onInterrupt(() => Deferred.succeed(stopped, undefined)))
        )
        yield* until(Effect.map(running, (ids) => ids.length === 3))
        yield* Effect.sleep(500)
        for (const id of yield* running) yield* held.cancel(id)
        yield* Deferred.await(stopped)
        yield* Fiber.interrupt(second)
      })
  )

  check(
    "gives back all that it has when it is stopped, and has them together again",
    ({ at, once, runs, watching }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        yield* at(start + day)
        const asked = yield* Deferred.make<void>()
        const fiber = yield* watching(
          sharing(watchedOf(five)),
          () => Effect.andThen(Deferred.succeed(asked, undefined), Effect.never),
          { stopMillis: 0 }
        )
        yield* Deferred.await(asked)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* states(runs), allAre("queued", 1, "interrupted"))
        const again: Array<string> = []
        yield* once(sharing(watchedOf(five)), noting(again))
        assert.deepStrictEqual(again, ["a, b, c, d, e"])
        assert.deepStrictEqual(yield* states(runs), allAre("succeeded", 2, undefined))
      })
  )

  check(
    "runs those alone that were with a runner that was killed",
    ({ at, held, once, runs }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        for (const experiment of keys) {
          yield* held.enqueue({ experiment, reason: "first", definitionHash: "d" })
        }
        assert.strictEqual((yield* held.claim({ runner: "killed", atMost: 1, groups: [keys] })).length, 5)
        yield* at(start + day)
        const asked: Array<string> = []
        yield* once(sharing(watchedOf(five)), noting(asked))
        assert.deepStrictEqual(asked.toSorted(), keys)
        assert.deepStrictEqual(yield* states(runs), allAre("succeeded", 2, undefined))
      })
  )

  check(
    "runs what somebody asked for beside those that are read together, however few may run at a time",
    ({ at, clock, held, runs, watching }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        yield* at(start + day)
        const [asked, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const fiber = yield* watching(
          sharing(watchedOf([...five, experimentOf("manual", { refresh: "never" })])),
          (experiments) =>
            experiments.includes(",")
              ? Effect.andThen(Deferred.succeed(asked, undefined), Deferred.await(go))
              : Effect.void,
          { concurrency: 1 }
        )
        yield* Deferred.await(asked)
        yield* held.enqueue({ experiment: "manual", reason: "request", definitionHash: "d" }).pipe(
          Effect.provideService(Clock.Clock, clock)
        )
        yield* until(Effect.map(states(runs), (all) => all.get("manual")?.[0] === "succeeded"))
        assert.strictEqual((yield* states(runs)).get("a")?.[0], "running")
        yield* Deferred.succeed(go, undefined)
        yield* until(Effect.map(states(runs), (all) => [...all.values()].every(([state]) => state === "succeeded")))
        yield* Fiber.interrupt(fiber)
      })
  )

  check(
    "lets a result be published that is in the store, however long that takes",
    ({ at, once, runs, said }) =>
      Effect.gen(function*() {
        yield* load(exposed(20))
        yield* at(start + day)
        const published: Array<string> = []
        yield* once(
          sharing(watchedOf(five.slice(0, 2)), {
            publish: ({ experiment }) =>
              Effect.sync(() => void published.push(experiment)).pipe(Effect.delay(2 * BEAT_MILLIS + 500))
          })
        )
        assert.deepStrictEqual(published, ["a", "b"])
        assert.isFalse((yield* Ref.get(said)).some((message) => message.startsWith("dropped")))
        assert.deepStrictEqual((yield* runs).map(({ result }) => result), ["new", "new"])
      })
  )
})
