/** Answers that take less memory: on disk, in parts of the identities; and previews over a part of them. */
import { chunked, compile, decodeAggregates, defineAggregation, NoOptions, type Plan } from "@assay/aggregation"
import { type MemoryMode, QueryRejected, type ResultsSummary, type Statement } from "@assay/model"
import { scorecard } from "@assay/report"
import { Store } from "@assay/store"
import { Warehouse, type WarehouseShape } from "@assay/warehouse"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Option, Result } from "effect"
import { recompute } from "../src/index.ts"
import { chunkings, climb, lowerAfter, rungs } from "../src/ladder.ts"
import { planOf } from "./plans.ts"
import { aggregations, contextOf, day, event, exposure, jobOf, load, measuring, metric, start } from "./world.ts"

const keys = ["purchased", "purchases", "revenue", "basket", "price", "refunded"] as const

/** Identities of two arms with whole numbers as values, so that sums are equal whatever their order; and everything that goes wrong. */
const rows = [
  ...Array.from({ length: 120 }, (_, i) => exposure(`u${i}`, i % 2 === 0 ? "control" : "treatment")),
  ...Array.from({ length: 300 }, (_, i) => event(`u${(i * 7) % 130}`, i % 5 === 0 ? "refund" : "purchase", `${i % 9}`)),
  ...Array.from({ length: 20 }, (_, i) => event(`u${(i * 7) % 130}`, "purchase", "odd")),
  event("", "purchase", "1"),
  exposure("", "control"),
  exposure("u1", "control"),
  exposure("u2", "unknown"),
  exposure("x", "unknown")
]

const whole = (planned: Plan) =>
  Effect.gen(function*() {
    const { rows } = yield* Warehouse.use((_) => _.query(compile(planned)))
    return yield* Effect.fromResult(decodeAggregates(planned, rows))
  })

/** Numbers to so many digits, counts and whole sums in full. */
const nearly = (value: unknown, digits = 12): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, one: unknown) =>
      typeof one === "number" && !Number.isInteger(one) ? Number(one.toPrecision(digits)) : one)
  )

/** A warehouse with so little memory that only statements over parts of the identities fit, and those only from so many parts on. */
const tight = (warehouse: WarehouseShape, fits: (of: number) => boolean): WarehouseShape => ({
  ...warehouse,
  query: (statement, options) => {
    const [, of] = /cityHash64\([^%]*% (\d+) >= /.exec(statement.text) ?? []
    const starved = { ...statement, settings: { ...statement.settings, max_memory_usage: 1 } }
    return warehouse.query(of !== undefined && fits(Number(of)) ? statement : starved, options)
  }
})

/** How many different values an identity's events have. */
const different = defineAggregation({
  name: "different",
  version: "1.0.0",
  options: NoOptions,
  reads: "text",
  columns: ({ events }) => ({ different: events.unique(events.text) }),
  estimand: { kind: "mean", column: "different" }
})

/** The plan of a series of these metrics: a sum with a trait as covariate, and what isn't a sum over single events. */
const timed = (...keys: readonly ["revenue" | "different", ...ReadonlyArray<"different">]) =>
  planOf({ ...measuring(keys), series: true }, undefined, {
    aggregations: new Map([...aggregations, [different.name, different]]),
    metrics: new Map(
      [
        metric("revenue", "sum", { covariate: { trait: "amount" } }),
        metric("different", "different", { window: "10d" })
      ].map((one) => [one.key, one])
    )
  })

/** Events of identities over two weeks, a few of them before the exposure, made inside ClickHouse. */
const many = (identities: number, each: number): Statement => ({
  text:
    `INSERT INTO events (environment_key, event, feature_name, identifier, timestamp, value, metadata, country, amount)
    SELECT 'production', if(nth = 0, '$flag_exposure', if(nth % 5 = 0, 'refund', 'purchase')), if(nth = 0, 'checkout', ''),
      concat('v', toString(number)), fromUnixTimestamp64Milli({start:Int64} + if(nth = 0, number % 3, nth % 15 - 1) * {day:Int64} + nth),
      if(nth = 0, if(number % 2 = 0, 'control', 'treatment'), toString((number + nth * nth) % 50)), '{}',
      if(number % 3 = 0, 'SE', 'DE'), number % 7
    FROM numbers({identities:UInt64}) ARRAY JOIN range({each:UInt64} + 1) AS nth`,
  parameters: { identities, each, start, day },
  settings: {}
})

/** The rung that a statement belongs to, by its place. */
const rungOf = ({ settings, text }: Statement): number => {
  const [, of] = /cityHash64\([^%]*% (\d+) >= /.exec(text) ?? []
  return of !== undefined
    ? 2 + chunkings.findIndex((chunks) => chunks === Number(of))
    : "max_bytes_before_external_group_by" in settings
    ? 1
    : 0
}

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("in little memory", (it) => {
  it.effect("a series is the same on every rung", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const planned = timed("different")
      const warehouse = yield* Warehouse
      yield* warehouse.command(many(300, 20))
      const direct = yield* whole(planned)
      assert.isAbove(direct.points.filter(({ moments: [first] }) => first !== undefined).length, 10)
      for (const [i, rung] of rungs().entries()) {
        const found = yield* climb(planned, (statement) =>
          warehouse.query({
            ...statement,
            settings: {
              ...statement.settings,
              compile_expressions: 0,
              ...(rungOf(statement) < i ? { max_memory_usage: 1 } : {})
            }
          }))
        assert.deepStrictEqual(found.memory, rung && { ...rung, runs: 1 })
        const decoded = yield* Effect.fromResult(decodeAggregates(planned, found.rows, rung?.by === "chunks"))
        assert.deepStrictEqual(nearly(decoded), nearly(direct))
      }
    }))

  it.effect("a series whose lists don't fit comes in parts, and is the same", () =>
    Effect.gen(function*() {
      yield* load([])
      const planned = timed("revenue", "different")
      const warehouse = yield* Warehouse
      yield* warehouse.command(many(5000, 100))
      const direct = yield* whole(planned)
      const settings = { max_threads: 2, max_memory_usage: 50_000_000 }
      const found = yield* climb(planned, (statement) =>
        warehouse.query({ ...statement, settings: { ...statement.settings, ...settings } }))
      assert.strictEqual(found.memory?.by, "chunks")
      const decoded = yield* Effect.fromResult(decodeAggregates(planned, found.rows, true))
      assert.deepStrictEqual(nearly(decoded, 9), nearly(direct, 9))
    }))

  it.effect("parts of the identities make the whole, counts to the last bit", () =>
    Effect.gen(function*() {
      yield* load(rows)
      for (const more of [{}, { series: true, slices: ["country"] }]) {
        const planned = planOf({ ...measuring(keys), ...more })
        const parts: Array<Readonly<Record<string, unknown>>> = []
        for (const one of chunked(planned, 5)) {
          const { rows } = yield* Warehouse.use((_) => _.query(compile(one)))
          parts.push(...rows)
        }
        const merged = yield* Effect.fromResult(decodeAggregates(planned, parts, true))
        assert.deepStrictEqual(nearly(merged), nearly(yield* whole(planned)))
        assert.isTrue(Result.isFailure(decodeAggregates(planned, parts)))
      }
    }))

  it.effect("a statement is tried on disk and in more and more parts, and refused at last", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const planned = planOf(measuring(keys))
      const warehouse = yield* Warehouse
      const run = (fits: (of: number) => boolean) =>
        climb(planned, (statement) => tight(warehouse, fits).query(statement))
      const direct = yield* climb(planned, (statement) => warehouse.query(statement))
      assert.isUndefined(direct.memory)
      const found = yield* run((of) => of >= 16)
      assert.deepStrictEqual(found.memory, { by: "chunks", chunks: 16, runs: 1 })
      assert.deepStrictEqual(
        nearly(yield* Effect.fromResult(decodeAggregates(planned, found.rows, true))),
        nearly(yield* whole(planned))
      )
      const refused = yield* Effect.flip(run(() => false))
      assert.deepInclude(refused, { _tag: "QueryLimitExceeded", limit: "memory" })
      assert.match(refused.message, /parts on disk, and in up to 64 parts of the identities/)
    }))

  it.effect("a disk that is too small leads on to parts, also where an earlier run ended on it; without the ladder's doing it is told", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const planned = planOf(measuring(keys))
      const warehouse = yield* Warehouse
      const full = new QueryRejected({
        clickhouseCode: 243,
        clickhouseName: "NOT_ENOUGH_SPACE",
        message: "The disk is full",
        hint: "Ask for space"
      })
      const isPart = (statement: Statement) => /cityHash64\([^%]*% \d+ >= /.test(statement.text)
      const spills = ({ settings }: Statement) => "max_bytes_before_external_group_by" in settings
      const run = (before?: MemoryMode, fails: (statement: Statement) => boolean = spills) =>
        climb(
          planned,
          (statement) => fails(statement) && !isPart(statement) ? Effect.fail(full) : warehouse.query(statement),
          before
        )
      assert.deepStrictEqual((yield* run({ by: "spill" })).memory, { by: "chunks", chunks: 4, runs: 1 })
      assert.strictEqual(yield* Effect.flip(run(undefined, () => true)), full)
    }))

  it.effect("a recompute tells how it came to fit, and the next one begins there", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const warehouse = yield* Warehouse
      let asked = 0
      const counting: WarehouseShape = {
        ...tight(warehouse, (of) => of >= 4),
        query: (statement, options) =>
          Effect.suspend(() => {
            asked += 1
            return tight(warehouse, (of) => of >= 4).query(statement, options)
          })
      }
      const run = recompute(jobOf(measuring(keys)), contextOf()).pipe(Effect.provideService(Warehouse, counting))
      const first = yield* Effect.result(run)
      // Naming undeclared variants is a statement of its own, which has no ladder here.
      assert.isTrue(Result.isFailure(first))
      yield* load(rows.filter(({ value }) => value !== "unknown"))
      asked = 0
      const { summary } = yield* run
      assert.deepStrictEqual([summary.provenance.memory, asked], [{ by: "chunks", chunks: 4, runs: 1 }, 6])
      asked = 0
      const again = yield* run
      assert.deepStrictEqual([again.summary.provenance.memory, asked], [{ by: "chunks", chunks: 4, runs: 2 }, 4])
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("a run after many on a rung begins one below, and goes down a rung at a time where it fits", () =>
    Effect.gen(function*() {
      yield* load(rows)
      const planned = planOf(measuring(keys))
      const warehouse = yield* Warehouse
      const sixteen = (runs: number): MemoryMode => ({ by: "chunks", chunks: 16, runs })
      const run = (before: MemoryMode, fits: (of: number) => boolean) => {
        const asked: Array<number> = []
        const within = tight(warehouse, fits)
        return climb(planned, (statement) => {
          asked.push(Number(/cityHash64\([^%]*% (\d+) >= /.exec(statement.text)?.[1] ?? 0))
          return within.query(statement)
        }, before).pipe(Effect.map(({ memory }) => ({ memory, asked: [...new Set(asked)] })))
      }
      const fitsSixteen = (of: number) => of >= 16
      assert.deepStrictEqual(yield* run(sixteen(lowerAfter - 1), fitsSixteen), {
        memory: sixteen(lowerAfter),
        asked: [16]
      })
      assert.deepStrictEqual(yield* run(sixteen(lowerAfter), fitsSixteen), { memory: sixteen(1), asked: [4, 16] })
      assert.deepStrictEqual(yield* run(sixteen(lowerAfter), () => true), {
        memory: { by: "chunks", chunks: 4, runs: 1 },
        asked: [4]
      })
      const spilled = yield* climb(planned, (statement) => warehouse.query(statement), {
        by: "spill",
        runs: lowerAfter
      })
      assert.isUndefined(spilled.memory)
    }))

  it.effect("what is read is estimated once, however many parts it is asked in", () =>
    Effect.gen(function*() {
      yield* load(rows.filter(({ value }) => value !== "unknown"))
      const warehouse = yield* Warehouse
      let admitted = 0
      const counting: WarehouseShape = {
        ...tight(warehouse, (of) => of >= 16),
        admit: (statement) => Effect.andThen(Effect.sync(() => (admitted += 1)), warehouse.admit(statement))
      }
      yield* recompute(jobOf(measuring(keys)), contextOf()).pipe(Effect.provideService(Warehouse, counting))
      assert.strictEqual(admitted, 1)
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("a preview has whole identities of both arms, says what it is, and isn't kept", () =>
    Effect.gen(function*() {
      yield* load(
        Array.from({ length: 4000 }, (_, i) => [
          exposure(`u${i}`, i % 2 === 0 ? "control" : "treatment"),
          event(`u${i}`, "purchase", "1"),
          event(`u${i}`, "purchase", "2")
        ]).flat()
      )
      const preview = (sample: number) => recompute(jobOf(measuring(keys)), contextOf({ sample }))
      const { latest, path, summary } = yield* preview(0.1)
      assert.deepStrictEqual({ latest, path, preview: summary.preview }, {
        latest: false,
        path: undefined,
        preview: { sample: 0.1 }
      })
      const sizes = ({ variants }: ResultsSummary) => variants.map(({ n }) => n)
      assert.notProperty(summary, "decision")
      // 200 an arm are expected: five standard errors are 67.
      for (const n of sizes(summary)) assert.closeTo(n, 200, 67)
      for (const [i, arm] of ["control", "treatment"].entries()) {
        const { purchases, revenue } = Object.fromEntries(
          summary.metrics.map((one) => [one.metric_id, one.variants[arm]!])
        )
        assert.strictEqual(purchases!.sum, 2 * sizes(summary)[i]!)
        assert.strictEqual(revenue!.sum, 3 * sizes(summary)[i]!)
      }
      assert.match(scorecard(summary, { color: false, width: 80 }), /PREVIEW over 10\.0 % of the identities/)
      assert.deepStrictEqual(sizes((yield* preview(0.1)).summary), sizes(summary))
      assert.isTrue(Option.isNone(yield* Store.use((_) => _.latest("checkout"))))
    }).pipe(Effect.provide(Store.layerMemory)))
})

describe("the ladder", () => {
  it("begins where an earlier run ended", () => {
    assert.deepStrictEqual(rungs().map((rung) => rung?.chunks ?? rung?.by), [undefined, "spill", 4, 16, 64])
    assert.deepStrictEqual(rungs({ by: "chunks", chunks: 16 }).map((rung) => rung?.chunks), [16, 64])
    assert.lengthOf(rungs({ by: "chunks", chunks: 5 }), 5)
  })
})
