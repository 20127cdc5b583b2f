import { defineAggregation, NoOptions, type Plan, plan, Unit } from "@assay/aggregation"
import { type Experiment, Instant, QueryLimitExceeded, type ResultsSummary } from "@assay/model"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Option, Result } from "effect"
import * as fc from "fast-check"
import {
  type Job,
  largeFrom,
  mostTogether,
  planReads,
  type ReadInput,
  recompute,
  recomputeAll,
  replay,
  type RunEvent
} from "../src/index.ts"
import {
  aggregations,
  arm,
  contextOf,
  day,
  end,
  event,
  experimentOf,
  exposure,
  jobOf,
  load,
  measuring,
  metric,
  metrics,
  plain,
  start
} from "./world.ts"

const rows = [
  ...arm("control", 60, 20, (i) => i / 7),
  ...arm("treatment", 60, 30, (i) => i / 3),
  ...Array.from({ length: 40 }, (_, i) => exposure(`control ${i}`, i % 3 === 0 ? "on" : "off", { feature: "banner" })),
  ...Array.from({ length: 30 }, (_, i) => event(`treatment ${i}`, "refund")),
  event("control 1", "purchase", "no number"),
  event("", "purchase", "1"),
  exposure("control 2", "treatment"),
  exposure("control 3", "undeclared")
]

/** The square of what an identity spends, which is too large a number for some. */
const squared = defineAggregation({
  name: "squared",
  version: "1.0.0",
  options: NoOptions,
  reads: "value",
  columns: ({ events }) => ({ square: Unit.multiply(events.sum(events.value), events.sum(events.value)) }),
  estimand: { kind: "mean", column: "square" }
})

/** An aggregation that breaks its contract where nobody expects it: after the query, in a kind of floor that isn't one. */
const breaking = {
  ...aggregations.get("occurrence")!,
  name: "breaking",
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- What a plugin written in JavaScript can do.
  floors: [{ kind: "patience", need: 1 }] as unknown as typeof squared.floors
}

const context = contextOf({
  sharedReads: true,
  metrics: new Map([
    ...metrics,
    ["spent", metric("spent", "squared")],
    ["soon", metric("soon", "count", { window: "1d" })],
    ["broken", metric("broken", "breaking")]
  ]),
  aggregations: new Map([...aggregations, ["squared", squared], ["breaking", breaking]])
})

const jobs: ReadonlyArray<Job> = [
  jobOf({ key: "a", ...measuring(["purchased", "revenue", "basket"]) }),
  jobOf({ key: "b", ...measuring(["purchases", "soon"]), ended_at: Instant.fromMillis(end - 2 * day) }),
  jobOf({
    key: "c",
    feature: "banner",
    control: "off",
    variants: [{ key: "off", share: 2 }, { key: "on", share: 1 }],
    ...measuring(["price", "refunded"])
  }),
  jobOf({ key: "d", ...measuring(["refunded", "soon"]), started_at: Instant.fromMillis(start - day) })
]

/** More identities than an experiment has that is read together with others. */
const crowd = largeFrom + 50_000

/** The embedded engine, with what it is asked by the experiments that it is for; `fails` says which of it doesn't come to an end. */
const watched = (
  asked: Array<string>,
  fails: (experiments: string) => boolean = () => false,
  limit: "memory" | "rows" = "memory"
) =>
  Layer.effect(
    Warehouse,
    Effect.map(Warehouse, (warehouse) => ({
      ...warehouse,
      query: (...[statement, options]: Parameters<typeof warehouse.query>) =>
        Effect.suspend(() => {
          const { assay, experiment, experiments } = options?.comment ?? {}
          if (assay !== "recompute") return warehouse.query(statement, options)
          const of = experiments ?? experiment ?? ""
          asked.push(of)
          return fails(of)
            ? Effect.fail(
              new QueryLimitExceeded({ limit, value: 1000, message: "It is too large", hint: "" })
            )
            : warehouse.query(statement, options)
        })
    }))
  )

/** What a summary says, but for how it came about, with sums to twelve digits. */
const said = ({ provenance, ...rest }: ResultsSummary): unknown =>
  JSON.parse(
    JSON.stringify({ ...rest, watermark: provenance.watermark, statement: provenance.statement_hash }),
    (_, value: unknown) => typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(9)) : value
  )

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("experiments that are read together", (it) => {
  it.effect("say what they say apart, from one statement, and divide what it cost", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const [asked, apart]: [Array<string>, Array<string>] = [[], []]
      const shared = yield* recomputeAll(jobs, context, 2).pipe(
        Effect.provide(Layer.merge(watched(asked), Store.layerMemory))
      )
      const own = yield* recomputeAll(jobs, { ...context, sharedReads: false }, 2).pipe(
        Effect.provide(Layer.merge(watched(apart), Store.layerMemory))
      )
      assert.deepStrictEqual(asked, ["a, b, c, d"])
      assert.deepStrictEqual(apart.toSorted(), ["a", "b", "c", "d"])
      assert.deepStrictEqual([own.reads, shared.failed], [[], []])
      assert.deepStrictEqual(
        shared.results.map(({ summary }) => said(summary)),
        own.results.map(({ summary }) => said(summary))
      )
      const all = shared.results.map(({ summary: { provenance } }) => provenance)
      const [first] = all
      const whole = first!.shared_read!
      assert.deepInclude(whole, { experiments: 4 })
      for (const { query_id, shared_read } of all) {
        assert.deepStrictEqual([shared_read, query_id], [whole, first!.query_id])
      }
      const total = (of: (one: typeof first & object) => number) => all.reduce((sum, one) => sum + of(one), 0)
      assert.strictEqual(total(({ rows_read }) => rows_read), whole.rows_read)
      assert.strictEqual(total(({ bytes_read }) => bytes_read), whole.bytes_read)
      assert.isAbove(whole.rows_read, 0)
      assert.deepStrictEqual(
        shared.reads.map(({ experiments, outcome }) => [experiments, Result.getOrThrow(outcome).rowsRead]),
        [[["a", "b", "c", "d"], whole.rows_read]]
      )
      const earlier = yield* recompute(jobs[0]!, context).pipe(Effect.provide(Store.layerMemory))
      assert.isUndefined(earlier.summary.provenance.shared_read)
    }))

  it.effect("are small ones; one with many identities is read alone, also where no result tells that it has", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const warehouse = yield* Warehouse
      yield* warehouse.command(plain(`CREATE OR REPLACE VIEW crowded AS
        SELECT environment_key, event, feature_name, identifier, timestamp, value, traits, metadata, event_id, country,
          amount, member FROM events
        UNION ALL SELECT 'production', '$flag_exposure', 'crowd', toString(number), toDateTime64('2026-01-02', 3, 'UTC'),
          if(number % 2 = 0, 'control', 'treatment'), '', '', '', NULL, NULL, NULL FROM numbers(${crowd})`))
      const { reads, results } = yield* recomputeAll(
        [...jobs, jobOf({ key: "crowd", feature: "crowd", ...measuring(["purchases", "revenue"]) })],
        { ...context, mapping: { ...context.mapping, table: "crowded" } },
        1
      )
      assert.deepStrictEqual(reads.map(({ experiments }) => experiments), [["a", "b", "c", "d"]])
      assert.strictEqual(results.at(-1)!.summary.variants.reduce((total, { n }) => total + n, 0), crowd)
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("are replayed by their own statements", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const { results } = yield* recomputeAll(jobs, context, 1)
      const store = yield* Store
      for (const [i, { summary }] of results.entries()) {
        const kept = Option.getOrThrow(yield* store.latest(summary.experiment))
        const planned = plan({ ...context, experiment: jobs[i]!.experiment })
        const { compared, moved } = yield* replay(kept, Result.getOrThrow(planned))
        assert.deepStrictEqual(moved, [])
        assert.isAbove(compared, 8)
      }
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("are read by halves where all of them take more memory than there is", () =>
    Effect.gen(function*() {
      const warehouse = yield* Warehouse
      const features = Array.from({ length: 8 }, (_, i) => `feature ${i}`)
      yield* load([])
      yield* warehouse.command(
        plain(`INSERT INTO events (environment_key, event, feature_name, identifier, timestamp, value)
        SELECT 'production', '$flag_exposure', concat('feature ', toString(number % 8)), toString(number),
          toDateTime64('2026-01-02', 3, 'UTC'), if(intDiv(number, 8) % 2 = 0, 'control', 'treatment') FROM numbers(400000)
        UNION ALL SELECT 'production', 'purchase', '', toString(number), toDateTime64('2026-01-03', 3, 'UTC'), '1'
        FROM numbers(400000)`)
      )
      const many = features.map((feature) => jobOf({ key: feature, feature, ...measuring(["purchased", "revenue"]) }))
      const read = (experiments: ReadonlyArray<Job>) =>
        recomputeAll(experiments, context, 1).pipe(Effect.provide(Store.layerMemory, { local: true }))
      const free = yield* read(many)
      // What ClickHouse itself refuses to statements for several, at the first limit that is too small for all of them.
      const tight = (limit: number): typeof warehouse => ({
        ...warehouse,
        query: (statement, options) =>
          warehouse.query(
            options?.comment?.["experiments"] === undefined
              ? statement
              : { ...statement, settings: { ...statement.settings, max_memory_usage: limit } },
            options
          )
      })
      let limit = 300_000_000
      let outcome = free
      while (Result.isSuccess(outcome.reads[0]!.outcome)) {
        limit = Math.floor(limit * 0.8)
        outcome = yield* read(many).pipe(Effect.provideService(Warehouse, tight(limit)))
      }
      const { failed, reads, results } = outcome
      assert.deepStrictEqual(failed, [])
      const [first] = reads
      assert.deepStrictEqual(first!.experiments, features)
      const error = Result.getFailure(first!.outcome)
      assert.deepInclude(Option.getOrThrow(error), { _tag: "QueryLimitExceeded", limit: "memory" })
      const done = reads.filter(({ outcome }) => Result.isSuccess(outcome)).map(({ experiments }) => experiments)
      assert.deepStrictEqual(done.flat(), features)
      assert.isTrue(done.every(({ length }) => length >= 2 && length <= 4), JSON.stringify(done))
      assert.deepStrictEqual(
        results.map(({ summary }) => said(summary)),
        free.results.map(({ summary }) => said(summary))
      )
    }), 60_000)

  it.effect("are read by ever smaller parts, at last alone, as long as memory is what lacks", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const asked: Array<string> = []
      const { reads, results } = yield* recomputeAll(
        [...jobs, { ...jobs[0]!, experiment: { ...jobs[0]!.experiment, key: "e" } }],
        context,
        1
      ).pipe(
        Effect.provide(watched(asked, (of) => of.includes(",")))
      )
      assert.deepStrictEqual(asked, ["a, b, c, d, e", "a, b, c", "a, b", "a", "b", "c", "d, e", "d", "e"])
      assert.strictEqual(reads.length, 4)
      assert.deepStrictEqual(results.map(({ summary }) => summary.experiment), ["a", "b", "c", "d", "e"])
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("are planned once, and their earlier results read once, whether they are read together or alone", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const planned: Array<string> = []
      const counting = defineAggregation({
        name: "counting",
        version: "1.0.0",
        options: NoOptions,
        reads: "nothing",
        columns: ({ events }) => {
          planned.push("once")
          return { events: events.count() }
        },
        estimand: { kind: "mean", column: "events" }
      })
      const own = contextOf({
        ...context,
        metrics: new Map([["counted", metric("counted", "counting")]]),
        aggregations: new Map([["counting", counting]])
      })
      const of = (key: string, more: Partial<Experiment> = {}) => jobOf({ key, ...measuring(["counted"]), ...more })
      const all = [of("a"), of("b"), of("far", { environment: "staging" }), of("series", { series: true })]
      const store = yield* Store
      const got: Array<string> = []
      const reading: typeof store = {
        ...store,
        get: (experiment, id) =>
          Effect.suspend(() => {
            got.push(experiment)
            return store.get(experiment, id)
          })
      }
      yield* recomputeAll(all, own, 1)
      planned.length = 0
      yield* recompute(all[0]!, own).pipe(Effect.provide(Store.layerMemory, { local: true }))
      const ofOne = planned.length
      planned.length = 0
      const { reads } = yield* recomputeAll(all, { ...own, asOf: own.asOf + day }, 1).pipe(
        Effect.provideService(Store, reading)
      )
      assert.deepStrictEqual(reads.map(({ experiments }) => experiments), [["a", "b"]])
      assert.deepStrictEqual(got.toSorted(), ["a", "b", "far", "series"])
      assert.strictEqual(planned.length, all.length * ofOne)
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("are read alone where the statement for all fails, and each has its own outcome", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const asked: Array<string> = []
      const events: Array<RunEvent> = []
      const { failed, reads, results } = yield* recomputeAll(
        jobs,
        context,
        1,
        (one) => Effect.sync(() => events.push(one))
      ).pipe(Effect.provide(watched(asked, (of) => of.includes(",") || of === "c", "rows")))
      assert.deepStrictEqual(results.map(({ summary }) => summary.experiment), ["a", "b", "d"])
      assert.deepStrictEqual(failed.map(({ error, experiment }) => [experiment, error._tag]), [[
        "c",
        "QueryLimitExceeded"
      ]])
      assert.strictEqual(asked[0], "a, b, c, d")
      assert.deepStrictEqual([...new Set(asked.slice(1))], ["a", "b", "c", "d"])
      const [read] = reads
      assert.isTrue(Result.isFailure(read!.outcome))
      assert.isTrue(results.every(({ summary }) => summary.provenance.shared_read === undefined))
      const ends = events.filter(({ kind }) => kind === "succeeded" || kind === "failed")
      assert.deepStrictEqual(ends.map(({ experiment, kind }) => `${experiment} ${kind}`), [
        "a succeeded",
        "b succeeded",
        "c failed",
        "d succeeded"
      ])
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("fail alone where a number of theirs or a plugin is at fault", () =>
    Effect.gen(function*() {
      yield* load([...rows, event("treatment 1", "purchase", "1e90")])
      const { failed, results } = yield* recomputeAll(
        [
          ...jobs,
          jobOf({ key: "e", ...measuring(["spent"]) }),
          jobOf({ key: "f", ...measuring(["broken", "revenue"]) })
        ],
        context,
        2
      )
      assert.deepStrictEqual(results.map(({ summary }) => summary.experiment), ["a", "b", "c", "d"])
      assert.deepStrictEqual(results.map(({ summary }) => summary.provenance.shared_read?.experiments), [6, 6, 6, 6])
      assert.deepStrictEqual(failed.map(({ error, experiment }) => [experiment, error._tag]), [
        ["e", "DecodeError"],
        ["f", "PlanError"]
      ])
    }).pipe(Effect.provide(Store.layerMemory)))
})

describe("planReads", () => {
  const planOf = (more: Partial<Experiment> = {}, asOf = end + day): Plan =>
    Result.getOrThrow(plan({ ...context, asOf, experiment: experimentOf(more) }))

  const reasons = (inputs: ReadonlyArray<ReadInput>) => {
    const { alone, together } = planReads(inputs)
    return { together, alone: alone.map(({ at }) => at), because: alone.map(({ because }) => because) }
  }

  it("puts each experiment into one read, of at most so many, that reads no more than they would apart", () => {
    const input = fc.record({
      from: fc.integer({ min: 0, max: 60 }),
      days: fc.integer({ min: 1, max: 30 }),
      names: fc.uniqueArray(fc.constantFrom(...metrics.keys()), { minLength: 1, maxLength: 3 }),
      environment: fc.constantFrom("production", "staging"),
      identities: fc.option(fc.integer({ min: 0, max: largeFrom * 1.2 }), { nil: undefined })
    }).map(({ days, environment, from, identities, names }): ReadInput => ({
      plan: planOf({
        environment,
        started_at: Instant.fromMillis(start + from * day),
        ended_at: Instant.fromMillis(start + (from + days) * day),
        ...measuring([names[0]!, ...names.slice(1)])
      }, start + 100 * day),
      ...(identities === undefined ? {} : { identities })
    }))
    const cost = (plans: ReadonlyArray<Plan>) =>
      (2 + new Set(plans.flatMap(({ streams }) => streams.map((stream) => stream.event))).size) *
      (Math.max(...plans.map(({ reads }) => reads.to)) - Math.min(...plans.map(({ reads }) => reads.from)))
    fc.assert(
      fc.property(fc.array(input, { maxLength: 150 }), (inputs) => {
        const { alone, together } = planReads(inputs)
        assert.deepStrictEqual(
          [...together.flat(), ...alone.map(({ at }) => at)].toSorted((a, b) => a - b),
          inputs.map((_, i) => i)
        )
        for (const group of together) {
          const plans = group.map((i) => inputs[i]!.plan)
          assert.isAtLeast(group.length, 2)
          assert.isAtMost(group.length, mostTogether)
          assert.strictEqual(new Set(plans.map(({ experiment }) => experiment.environment)).size, 1)
          assert.isTrue(group.every((i) => (inputs[i]!.identities ?? 0) < largeFrom))
          assert.isAtMost(cost(plans), 0.8 * plans.reduce((total, one) => total + cost([one]), 0))
        }
      }),
      { numRuns: 20 }
    )
  })

  it("reads together what asks for the same, however many there are", () => {
    const { alone, together } = reasons(Array.from({ length: 2 * mostTogether + 1 }, () => ({ plan: planOf() })))
    assert.deepStrictEqual(together.map(({ length }) => length), [mostTogether, mostTogether])
    assert.deepStrictEqual(alone, [2 * mostTogether])
  })

  it("says why an experiment is read alone", () => {
    const later = { started_at: Instant.fromMillis(end + 30 * day), ended_at: Instant.fromMillis(end + 40 * day) }
    const { because, together } = reasons([
      { plan: planOf() },
      { plan: planOf() },
      { plan: planOf({ slices: ["country"] }) },
      { plan: planOf({ series: true }) },
      { plan: planOf(), identities: largeFrom },
      { plan: planOf(), memory: { by: "spill" } },
      { plan: planOf(later, end + 50 * day) }
    ])
    assert.deepStrictEqual(together, [[0, 1]])
    const expected = [/slices/, /series/, /500,000 identities/, /memory/, /no other experiment/]
    assert.strictEqual(because.length, expected.length)
    expected.forEach((pattern, i) => assert.match(because[i]!, pattern))
  })
})
