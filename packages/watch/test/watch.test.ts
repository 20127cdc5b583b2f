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
import { watch, type Watched, type WatchOptions } from "../src/index.ts"

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

/** What a test does to the queries of recomputes, before they run: nothing, wait, or fail. */
type Before = (experiment: string) => Effect.Effect<void, WarehouseError>

const before = (warehouse: WarehouseShape, hook: Before): WarehouseShape => ({
  ...warehouse,
  query: (statement, options = {}) =>
    options.comment?.["assay"] === "recompute"
      ? Effect.andThen(hook(options.comment["experiment"] ?? ""), warehouse.query(statement, options))
      : warehouse.query(statement, options)
})

const free: Before = () => Effect.void

interface World {
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
            Effect.provideService(Clock.Clock, clock),
            Effect.provide(Logger.layer([logger]))
          )
      })
    return yield* body({
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
                Option.map((claim) => ({
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
})
