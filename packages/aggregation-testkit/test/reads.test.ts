/** One read of the metric events and one or two of the exposures, of the window's partitions only, for any number of metrics. */
import { compile, type Plan } from "@assay/aggregation"
import { defaultEventMapping } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { aggregatesOf, createEventTable, planOf, type ReferenceExperiment, type TestMetric } from "../src/index.ts"
import { six } from "./aggregations.ts"
import { testMetric } from "./worlds.ts"

const day = 86_400_000
const start = Date.UTC(2026, 0, 1)
const days = 10
const perDay = 300
const exposuresPerDay = 40

/** Days 3, 4 and 5 of ten. */
const experiment: ReferenceExperiment = {
  environment: "production",
  feature: "checkout",
  exposureEvent: "$flag_exposure",
  from: start + 3 * day,
  to: start + 6 * day,
  variants: ["control", "blue"],
  multipleVariants: "quarantine",
  deduplication: "row"
}

const subjects = Object.values(six)

const many = (n: number): ReadonlyArray<TestMetric> =>
  Array.from({ length: n }, (_, i) =>
    testMetric(subjects[i % subjects.length]!, {
      key: `metric ${i}`,
      event: `event ${i % 20}`,
      where: [{ property: "metadata.step", op: ">=", value: i }]
    }))

const apart = {
  exposures: {
    table: "exposures",
    columns: { environment: "environment_key", feature: "feature_name", variant: "value", timestamp: "timestamp" },
    identities: { identifier: "identifier" }
  }
}

describe("a statement reads", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  const run = (text: string) =>
    Effect.flatMap(Warehouse, (warehouse) => warehouse.command({ text, parameters: {}, settings: {} }))
  const fill = (table: string, event: string, value: string, rows: number) =>
    run(`INSERT INTO ${table} (environment_key, event, feature_name, identifier, timestamp, value, metadata)
      SELECT 'production', ${event}, 'checkout', toString(number % 97),
        toDateTime64('2026-01-01', 3, 'UTC') + toIntervalMillisecond(intDiv(number * ${day}, ${rows})), ${value}, '{"step": 5}'
      FROM numbers(${rows * days})`)

  beforeAll(() =>
    runtime.runPromise(
      Effect.gen(function*() {
        yield* createEventTable("events", "MergeTree")
        yield* createEventTable("exposures", "MergeTree")
        yield* createEventTable("all", "MergeTree")
        yield* fill("events", "concat('event ', toString(number % 20))", "toString(number % 7)", perDay)
        yield* fill("exposures", "'$flag_exposure'", "if(number % 2 = 0, 'control', 'blue')", exposuresPerDay)
        yield* run("INSERT INTO all SELECT * FROM events UNION ALL SELECT * FROM exposures")
        yield* run("OPTIMIZE TABLE events FINAL")
        yield* run("OPTIMIZE TABLE exposures FINAL")
        yield* run("OPTIMIZE TABLE all FINAL")
      })
    )
  )
  afterAll(() => runtime.dispose())

  const explain = (planned: Plan, settings: Readonly<Record<string, number>> = {}) =>
    runtime.runPromise(
      Effect.gen(function*() {
        const warehouse = yield* Warehouse
        const statement = compile(planned)
        const { rows } = yield* warehouse.query({
          ...statement,
          text: `EXPLAIN PLAN indexes = 1 ${statement.text}`,
          settings: { ...settings, ...statement.settings }
        })
        return rows.map((row) => String(row["explain"]))
      })
    )

  const reads = (lines: ReadonlyArray<string>) =>
    lines.flatMap((line) => /ReadFromMergeTree \(default\.(\w+)\)/.exec(line)?.[1] ?? []).toSorted()

  /** The parts that the window's bounds leave of each read, of all that its table has: `3/10`. */
  const parts = (lines: ReadonlyArray<string>) =>
    lines.join("\n").split("ReadFromMergeTree").slice(1).map((read) => {
      const [min] = /Min-?Max[^]*?Parts: (\d+\/\d+)/.exec(read)?.slice(1) ?? []
      return min
    })

  const ofWindow = (n: number) => Array.from({ length: n }, () => `3/${days}`)

  it.each([1, 10, 100])("the events once for %d metrics, and only the partitions of the window", async (n) => {
    const lines = await explain(planOf(experiment, many(n), "events", apart))
    expect(reads(lines)).toEqual(["events", "exposures", "exposures"])
    expect(parts(lines)).toEqual(ofWindow(3))
    const inOne = await explain(planOf(experiment, many(n), "all"))
    expect(reads(inOne)).toEqual(["all", "all", "all"])
    expect(parts(inOne)).toEqual(ofWindow(3))
  })

  it("each table once where the exposures' slices are parsed, and the exposures twice for a series", async () => {
    const timed = await explain(planOf(experiment, many(10), "events", apart, { series: true }))
    expect(reads(timed)).toEqual(["events", "exposures", "exposures"])
    const lines = await explain(planOf(experiment, many(10), "events", apart, { slices: ["metadata.plan"] }))
    expect(reads(lines)).toEqual(["events", "exposures"])
    expect(parts(lines)).toEqual(ofWindow(2))
  })

  it("so on the old analyzer too", async () => {
    const lines = await explain(planOf(experiment, many(10), "events", apart), { allow_experimental_analyzer: 0 })
    expect(reads(lines)).toEqual(["events", "exposures", "exposures"])
    expect(parts(lines)).toEqual(ofWindow(3))
  })

  it("so where timestamps are in seconds and partitions are months", async () => {
    await runtime.runPromise(
      run(`CREATE TABLE monthly ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY at AS
        SELECT events.*, toDateTime(timestamp + toIntervalMonth(month), 'UTC') AS at
        FROM events CROSS JOIN (SELECT number AS month FROM numbers(5)) AS months`)
    )
    const lines = await explain(planOf(experiment, many(10), "monthly", {
      ...apart,
      columns: { ...defaultEventMapping.columns, timestamp: "at" }
    }))
    expect(reads(lines)).toEqual(["exposures", "exposures", "monthly"])
    expect(parts(lines)).toEqual(expect.arrayContaining(["1/5", `3/${days}`]))
  })

  it.each([1, 100])("as many rows as the window's partitions hold, for %d metrics", async (n) => {
    const rowsRead = await runtime.runPromise(
      Effect.gen(function*() {
        const warehouse = yield* Warehouse
        const { statistics } = yield* warehouse.query(compile(planOf(experiment, many(n), "events", apart)))
        return statistics.rowsRead
      })
    )
    // ClickHouse counts, besides, the row that the statement adds to the exposures.
    const stored = 3 * (perDay + 2 * exposuresPerDay)
    expect(rowsRead).toBeGreaterThanOrEqual(stored)
    expect(rowsRead).toBeLessThanOrEqual(stored + 2)
  })

  it("and gives the same from one table and from two", async () => {
    const one = await runtime.runPromise(aggregatesOf(planOf(experiment, many(24), "all")))
    const two = await runtime.runPromise(aggregatesOf(planOf(experiment, many(24), "events", apart)))
    expect(two).toEqual(one)
    expect(one.identities["control"]! + one.identities["blue"]! + one.quarantined).toBe(97)
  })
})
