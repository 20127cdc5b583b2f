import { defineAggregation, NoOptions } from "@assay/aggregation"
import { occurrence } from "@assay/aggregation-occurrence"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Option, Tracer } from "effect"
import { recompute, recomputeAll, type RunEvent } from "../src/index.ts"
import { aggregations, arm, contextOf, jobOf, load, mapping, metric, metrics, plain, running, table } from "./world.ts"

const sound = [...arm("control", 60, 20), ...arm("treatment", 60, 30)]

/** An aggregation that can't name its unit columns. */
const throwing = defineAggregation({
  name: "throwing",
  version: "0.1.0",
  options: NoOptions,
  reads: "nothing",
  columns: () => {
    throw new Error("no idea")
  },
  estimand: { kind: "mean", column: "none" }
})

/** An aggregation that breaks its contract where nobody expects it: after the query, in a kind of floor that isn't one. */
const breaking = {
  ...occurrence,
  name: "breaking",
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- What a plugin written in JavaScript can do.
  floors: [{ kind: "patience", need: 1 }] as unknown as typeof occurrence.floors
}

/** An aggregation that fails where it tells its findings. */
const telling = defineAggregation({
  name: "telling",
  version: "0.1.0",
  options: NoOptions,
  reads: "nothing",
  columns: ({ events }) => ({ occurred: events.any() }),
  estimand: { kind: "proportion", column: "occurred" },
  findings: () => {
    throw new Error("nothing to tell")
  }
})

const context = contextOf({
  aggregations: new Map([...aggregations, ["throwing", throwing], ["breaking", breaking], ["telling", telling]]),
  metrics: new Map([
    ...metrics,
    ["impossible", metric("impossible", "throwing")],
    ["broken", metric("broken", "breaking")],
    ["told", metric("told", "telling")]
  ])
})

const using = (key: string, name: string) => jobOf({ key, metrics: [{ metric: name, role: "goal" }] })

/** A table that never ends: whoever reads it is at it until it is stopped. */
const endless = plain(`CREATE OR REPLACE VIEW endless AS
  SELECT 'production' AS environment_key, '$flag_exposure' AS event, 'checkout' AS feature_name,
    toString(sipHash64(number) % 10) AS identifier, toDateTime64('2026-01-02 00:00:00', 3, 'UTC') AS timestamp,
    'control' AS value, '' AS traits, '' AS metadata, '' AS event_id
  FROM numbers(100000000000)`)

const endlessContext = contextOf({ mapping: { ...mapping, table: "endless", properties: {} } })

/** The embedded engine behind a counter of the queries that are at it at the same time. */
const counted = (most: { queries: number }) =>
  Layer.effect(
    Warehouse,
    Effect.map(Warehouse, (warehouse) => {
      let now = 0
      const enter = Effect.sync(() => {
        now += 1
        most.queries = Math.max(most.queries, now)
      })
      const leave = Effect.sync(() => {
        now -= 1
      })
      return {
        ...warehouse,
        query: (...query: Parameters<typeof warehouse.query>) =>
          Effect.acquireUseRelease(enter, () => warehouse.query(...query), () => leave)
      }
    })
  )

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("recomputeAll", (it) => {
  it.effect("goes on when one fails, and says why each failed; even a mistake in a plugin is its experiment's alone", () =>
    Effect.gen(function*() {
      yield* load(sound)
      const events: Array<RunEvent> = []
      const { failed, results } = yield* recomputeAll(
        [
          using("a", "purchased"),
          using("b", "impossible"),
          using("c", "purchased"),
          using("d", "broken"),
          using("e", "x"),
          using("f", "told")
        ],
        context,
        2,
        (event) => Effect.sync(() => events.push(event))
      )
      assert.deepStrictEqual(results.map(({ summary }) => summary.experiment), ["a", "c"])
      assert.deepStrictEqual(failed.map(({ error, experiment }) => [experiment, error._tag]), [
        ["b", "PlanError"],
        ["d", "PlanError"],
        ["e", "PlanError"],
        ["f", "PlanError"]
      ])
      const [impossible, broken, unknown, telling] = failed.map(({ error }) => error.message)
      assert.match(impossible!, /impossible.*throwing 0\.1\.0, which failed: Error: no idea/)
      assert.match(broken!, /Experiment d failed by a mistake in the program: /)
      assert.match(telling!, /Experiment f .*aggregation telling \S+ fails .* metric told: Error: nothing to tell/)
      assert.match(unknown!, /Experiment e: .*"x"/)
      assert.deepStrictEqual(
        events.filter(({ kind }) => kind === "failed").map(({ experiment }) => experiment).toSorted(),
        ["b", "d", "e", "f"]
      )
      const store = yield* Store
      const kept = yield* Effect.forEach(["a", "b", "c", "d", "e", "f"], (key) => store.list(key))
      assert.deepStrictEqual(kept.map((snapshots) => snapshots.length), [1, 0, 1, 0, 0, 0])
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("fails all where the table is missing, with ClickHouse's reason, and keeps the last good snapshots", () =>
    Effect.gen(function*() {
      yield* load(sound)
      const jobs = [using("a", "purchased"), using("b", "purchased")]
      const good = yield* recomputeAll(jobs, contextOf(), 2)
      const store = yield* Store
      const before = yield* Effect.forEach(["a", "b"], (key) => store.list(key))
      yield* (yield* Warehouse).command(plain(`DROP TABLE ${table}`))
      const { failed, results } = yield* recomputeAll(jobs, contextOf(), 2)
      assert.deepStrictEqual(results, [])
      for (const { error } of failed) {
        assert.deepInclude(error, { _tag: "QueryRejected", clickhouseName: "UNKNOWN_TABLE" })
      }
      assert.deepStrictEqual(yield* Effect.forEach(["a", "b"], (key) => store.list(key)), before)
      const latest = yield* store.latest("a")
      assert.deepStrictEqual(Option.map(latest, ({ summary }) => summary), Option.some(good.results[0]!.summary))
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("runs as many experiments at a time as it may, never more", () =>
    Effect.gen(function*() {
      yield* load(sound)
      const jobs = Array.from({ length: 6 }, (_, i) => using(`experiment ${i}`, "purchased"))
      for (const concurrency of [1, 2, 3]) {
        const most = { queries: 0 }
        const { results } = yield* recomputeAll(jobs, contextOf(), concurrency).pipe(Effect.provide(counted(most)))
        assert.strictEqual(results.length, 6)
        assert.strictEqual(most.queries, concurrency)
      }
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("stamps one as_of on all results of a run, and reads one window", () =>
    Effect.gen(function*() {
      yield* load(sound)
      const { results } = yield* recomputeAll([using("a", "purchased"), using("b", "revenue")], contextOf(), 1)
      const [a, b] = results.map(({ summary }) => summary)
      assert.strictEqual(a!.as_of, b!.as_of)
      assert.deepStrictEqual(a!.window, b!.window)
      assert.notStrictEqual(a!.provenance.run_id, b!.provenance.run_id)
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("gives results in the order of the jobs", () =>
    Effect.gen(function*() {
      yield* load(sound)
      const keys = ["d", "a", "c", "b"]
      const { results } = yield* recomputeAll(keys.map((key) => using(key, "purchased")), contextOf(), 4)
      assert.deepStrictEqual(results.map(({ summary }) => summary.experiment), keys)
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("stops the running query when it is interrupted, keeps nothing, and the engine goes on", () =>
    Effect.gen(function*() {
      const warehouse = yield* Warehouse
      yield* warehouse.command(endless)
      const reading = yield* Deferred.make<void>()
      const run = yield* Effect.forkChild(
        recomputeAll(
          [using("a", "purchased"), using("b", "purchased")],
          endlessContext,
          2,
          (event) => event.kind === "progress" ? Deferred.succeed(reading, undefined).pipe(Effect.asVoid) : Effect.void
        )
      )
      yield* Deferred.await(reading)
      yield* Fiber.interrupt(run)
      assert.strictEqual(yield* running, 0)
      const { rows } = yield* warehouse.query(plain("SELECT 1 AS one"))
      assert.deepStrictEqual(rows, [{ one: 1 }])
      const store = yield* Store
      assert.deepStrictEqual(yield* Effect.forEach(["a", "b"], (key) => store.list(key)), [[], []])
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("tells the watcher how each experiment goes, in order", () =>
    Effect.gen(function*() {
      yield* load(sound)
      const kinds: Array<string> = []
      yield* recomputeAll(
        [using("a", "purchased")],
        contextOf(),
        1,
        (event) => Effect.sync(() => kinds.push(event.kind))
      )
      assert.deepStrictEqual([...new Set(kinds)], ["started", "progress", "decoded", "succeeded"])
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("has a span for each stage, below that of its experiment", () =>
    Effect.gen(function*() {
      yield* load(sound)
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const { results } = yield* recomputeAll([using("a", "purchased"), using("b", "impossible")], context, 1).pipe(
        Effect.provideService(Tracer.Tracer, tracer)
      )
      const whole = spans.find(({ attributes, name }) => name === "recompute" && attributes.get("experiment") === "a")
      assert.strictEqual(whole?.attributes.get("run"), results[0]!.summary.provenance.run_id)
      const below = spans.filter(({ parent }) => Option.isSome(parent) && parent.value.spanId === whole?.spanId)
      assert.deepStrictEqual(below.map(({ name }) => name), [
        "recompute.plan",
        "recompute.before",
        "recompute.answer",
        "recompute.decode",
        "recompute.publish"
      ])
      const failed = spans.filter(({ status }) => status._tag === "Ended" && Exit.isFailure(status.exit))
      assert.deepStrictEqual(failed.map(({ name }) => name), ["recompute", "recompute.plan"])
      assert.isTrue(spans.every(({ status }) => status._tag === "Ended"))
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("fails with the store's error where the result can't be kept", () =>
    Effect.gen(function*() {
      yield* load(sound)
      const error = yield* Effect.flip(recompute(jobOf(), contextOf()))
      assert.strictEqual(error._tag, "StoreError")
    }).pipe(Effect.provide(Store.layerFiles("/dev/null/results"))))
})
