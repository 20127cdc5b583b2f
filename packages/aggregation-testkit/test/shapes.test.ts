/** Tables of other shapes give the same numbers, as long as they hold the same facts. */
import type { Plan } from "@assay/aggregation"
import { defaultEventMapping, type EventMapping } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  aggregatesOf,
  createEventTable,
  differences,
  type EventRow,
  insertEvents,
  planOf,
  reference,
  type ReferenceExperiment
} from "../src/index.ts"
import { six } from "./aggregations.ts"
import { testMetric } from "./worlds.ts"

const from = Date.UTC(2026, 0, 1)
const second = 1000

const experiment: ReferenceExperiment = {
  environment: "production",
  feature: "checkout",
  exposureEvent: "$flag_exposure",
  from,
  to: from + 3 * 86_400 * second,
  variants: ["control", "blue"],
  multipleVariants: "quarantine",
  deduplication: "row"
}

const row = (event: string, identity: number, at: number, value: string): EventRow => ({
  environment: "production",
  event,
  feature: event === "$flag_exposure" ? "checkout" : "",
  identity: String(identity),
  timestamp: from + at * second,
  value,
  metadata: "{}",
  id: ""
})

/** 24 identities, the largest 2^64 − 1; whole seconds; values with a fraction; repeats; one identity in both arms. */
const identities = Array.from(
  { length: 24 },
  (_, i) => String(i === 0 ? 2n ** 64n - 1n : 2n ** 53n - 2n + BigInt(i))
)
const rows: ReadonlyArray<EventRow> = identities.flatMap((identity, i) => {
  const own = (event: string, at: number, value: string) => ({ ...row(event, 0, at, value), identity })
  const bought = Array.from({ length: i % 4 }, (_, j) => own("purchase", 100 + 7000 * j + i, `${(i * 3 + j) / 4}`))
  return [
    own("$flag_exposure", 50 + i * 60, i % 2 === 0 ? "control" : "blue"),
    ...(i === 5 ? [own("$flag_exposure", 4000, "control")] : []),
    ...bought,
    ...bought.slice(0, i % 3),
    ...(i % 6 === 1 ? [own("visit", 90_000, "")] : []),
    own("visit", 200_000, "1")
  ]
})

const metrics = [
  testMetric(six.sum, { key: "revenue", event: "purchase" }),
  testMetric(six.ratio, { key: "basket", event: "purchase" }),
  testMetric(six.count, { key: "visits", event: "visit" }),
  testMetric(six.maximum, { key: "largest", event: "purchase", where: [{ property: "value", op: ">", value: 2 }] })
]
const expected = reference(experiment, metrics.map((metric) => metric.reference), rows)

const columns = (over: Partial<EventMapping["columns"]>) => ({ columns: { ...defaultEventMapping.columns, ...over } })

/** How each table is made out of `facts`, and what its mapping says beside the default. */
interface Shape {
  readonly select: string
  readonly mapping?: Partial<EventMapping>
}

const base = "environment_key, event, feature_name, identifier, timestamp, value, metadata"
const replaced = (column: string, by: string) => base.replace(column, `${by} AS ${column}`)

const shapes: Readonly<Record<string, Shape>> = {
  "LowCardinality identities": { select: replaced("identifier", "toLowCardinality(f.identifier)") },
  "Nullable identities": { select: replaced("identifier", "toNullable(f.identifier)") },
  "LowCardinality(Nullable) identities": {
    select: replaced("identifier", "CAST(f.identifier, 'LowCardinality(Nullable(String))')")
  },
  "UInt64 identities": { select: replaced("identifier", "toUInt64(f.identifier)") },
  "UInt128 identities": { select: replaced("identifier", "toUInt128(f.identifier) * 1000000007") },
  "FixedString identities": { select: replaced("identifier", "toFixedString(f.identifier, 24)") },
  "UUID identities": {
    select: replaced("identifier", "reinterpretAsUUID(toUInt128(f.identifier) * toUInt128(f.identifier))")
  },
  "DateTime timestamps": { select: replaced("timestamp", "toDateTime(f.timestamp, 'UTC')") },
  "DateTime timestamps of another time zone": {
    select: replaced("timestamp", "toDateTime(f.timestamp, 'America/New_York')")
  },
  "DateTime64(6) timestamps of another time zone": {
    select: replaced("timestamp", "toDateTime64(f.timestamp, 6, 'Asia/Kolkata')")
  },
  "DateTime64(9) timestamps": { select: replaced("timestamp", "toDateTime64(f.timestamp, 9, 'UTC')") },
  "Nullable timestamps": { select: replaced("timestamp", "toNullable(f.timestamp)") },
  "Nullable values": { select: replaced("value", "nullIf(f.value, '')") },
  "LowCardinality(Nullable) values": {
    select: replaced("value", "CAST(nullIf(f.value, ''), 'LowCardinality(Nullable(String))')")
  },
  "Float64 values": {
    select: `${base}, toFloat64OrNull(f.value) AS amount`,
    mapping: { properties: { value: "amount" } }
  },
  "Decimal values": {
    select: `${base}, toDecimal64OrNull(f.value, 4) AS amount`,
    mapping: { properties: { value: "amount" } }
  },
  "Enum events": {
    select: replaced("event", "CAST(f.event, 'Enum8(\\'$flag_exposure\\' = 1, \\'purchase\\' = 2, \\'visit\\' = 3)')")
  },
  "Enum environments": {
    select: replaced("environment_key", "CAST(f.environment_key, 'Enum8(\\'production\\' = 1, \\'test\\' = 2)')")
  },
  "no environment column": {
    select: base.replace("environment_key, ", ""),
    mapping: {
      columns: { event: "event", feature: "feature_name", timestamp: "timestamp", value: "value" }
    }
  },
  "names with quotes, spaces, backticks, backslashes and other scripts": {
    select: "environment_key AS `env'iron\"ment`, event AS `the \\`event\\``, feature_name AS `feature; --`, " +
      "identifier AS `ключ 日本`, timestamp AS `when\\\\?`, value AS `{p0:String}`, metadata AS `meta data`",
    mapping: {
      columns: {
        environment: "env'iron\"ment",
        event: "the `event`",
        feature: "feature; --",
        timestamp: "when\\?",
        value: "{p0:String}"
      },
      identities: { identifier: "ключ 日本" },
      json: { metadata: "meta data" }
    }
  },
  "names that the statement uses itself": {
    select: "environment_key AS k, event AS m, feature_name AS arm, identifier AS t, timestamp AS at, value AS v0, " +
      "metadata AS c0, 1 AS copies, 2 AS pack",
    mapping: {
      columns: { environment: "k", event: "m", feature: "arm", timestamp: "at", value: "v0" },
      identities: { identifier: "t" },
      json: { metadata: "c0" }
    }
  },
  "names that the statement uses itself, otherwise": {
    select: "environment_key AS at, event AS t, feature_name AS v0, identifier AS arm, timestamp AS m, value AS k, " +
      "metadata AS `on`, 1 AS place, 2 AS exposure",
    mapping: {
      columns: { environment: "at", event: "t", feature: "v0", timestamp: "m", value: "k" },
      identities: { identifier: "arm" },
      json: { metadata: "on" }
    }
  }
}

describe("a table of another shape", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  const run = (text: string) =>
    Effect.flatMap(Warehouse, (warehouse) => warehouse.command({ text, parameters: {}, settings: {} }))
  const measure = (planned: Plan) => runtime.runPromise(aggregatesOf(planned))

  beforeAll(() => runtime.runPromise(Effect.andThen(createEventTable("facts"), insertEvents("facts", rows))))
  afterAll(() => runtime.dispose())

  it("has facts worth telling", () => {
    expect(expected.quarantined).toBe(1)
    expect(expected.repeatedEvents).toBeGreaterThan(5)
  })

  it.each(Object.entries(shapes))("%s", async (_, { mapping = {}, select }) => {
    await runtime.runPromise(
      run("DROP TABLE IF EXISTS shape").pipe(
        Effect.andThen(
          run(`CREATE TABLE shape ENGINE = MergeTree ORDER BY tuple() AS SELECT ${select} FROM facts AS f`)
        )
      )
    )
    const base = { table: "shape", columns: defaultEventMapping.columns, ...mapping }
    const planned = planOf(experiment, metrics, "shape", base)
    expect(differences(await measure(planned), expected, planned)).toEqual([])
  })

  it("a table of a database with an odd name", async () => {
    await runtime.runPromise(
      run("CREATE DATABASE IF NOT EXISTS `my 'db`").pipe(
        Effect.andThen(
          run(`CREATE TABLE \`my 'db\`.\`the \\\`events\\\`\` ENGINE = Memory AS SELECT ${base} FROM facts AS f`)
        )
      )
    )
    const planned = planOf(experiment, metrics, "", { ...columns({}), database: "my 'db", table: "the `events`" })
    expect(differences(await measure(planned), expected, planned)).toEqual([])
  })

  it("a view", async () => {
    await runtime.runPromise(
      run(`CREATE OR REPLACE VIEW seen AS SELECT ${base} FROM facts AS f WHERE event NOT LIKE 'other%'`)
    )
    const planned = planOf(experiment, metrics, "seen", columns({}))
    expect(differences(await measure(planned), expected, planned)).toEqual([])
  })

  it("exposures in a table apart, in columns of their own, with identities of another type", async () => {
    await runtime.runPromise(
      run("DROP TABLE IF EXISTS exposed").pipe(
        Effect.andThen(run(
          "CREATE TABLE exposed ENGINE = Memory AS SELECT environment_key AS env, feature_name AS experiment_id, " +
            "CAST(value, 'LowCardinality(Nullable(String))') AS arm, toDateTime(timestamp) AS `at`, " +
            "toUInt64(identifier) AS user FROM facts WHERE event = '$flag_exposure'"
        ))
      )
    )
    for (const environment of [{}, { environment: "env" }]) {
      const planned = planOf(experiment, metrics, "facts", {
        exposures: {
          table: "exposed",
          columns: { ...environment, feature: "experiment_id", variant: "arm", timestamp: "at" },
          identities: { identifier: "user" }
        }
      })
      expect(differences(await measure(planned), expected, planned)).toEqual([])
    }
  })

  it("the second of two identities, by its name", async () => {
    await runtime.runPromise(
      run("DROP TABLE IF EXISTS shape").pipe(
        Effect.andThen(
          run(`CREATE TABLE shape ENGINE = Memory AS SELECT ${base}, 'same' AS company FROM facts AS f`)
        )
      )
    )
    const planned = planOf(experiment, metrics, "shape", {
      ...columns({}),
      identities: { company: "company", identifier: "identifier" }
    })
    const byCompany = await measure(planned)
    expect(byCompany.quarantined).toBe(1)
    const byUser = { ...planned, identity: "identifier" }
    expect(differences(await measure(byUser), expected, byUser)).toEqual([])
  })

  it("NULLs: identities without a name, the empty variant, values that aren't there", async () => {
    const odd: ReadonlyArray<EventRow> = [
      ...rows,
      row("$flag_exposure", 1, 60, ""),
      row("$flag_exposure", 2, 60, "control"),
      { ...row("$flag_exposure", 0, 60, "control"), identity: "" },
      { ...row("purchase", 0, 80, "3"), identity: "" },
      row("purchase", 2, 100, ""),
      row("purchase", 2, 200, ""),
      row("purchase", 2, 200, "")
    ]
    await runtime.runPromise(
      Effect.gen(function*() {
        yield* createEventTable("odd")
        yield* insertEvents("odd", odd)
        yield* run("DROP TABLE IF EXISTS shape")
        const nulls = base.replace("identifier", "nullIf(f.identifier, '') AS identifier")
          .replace("timestamp, value", "toNullable(f.timestamp) AS timestamp, nullIf(f.value, '') AS value")
        yield* run(`CREATE TABLE shape ENGINE = Memory AS SELECT ${nulls} FROM odd AS f`)
        yield* run(
          "INSERT INTO shape (environment_key, event, feature_name, identifier, timestamp) " +
            "VALUES ('production', '$flag_exposure', 'checkout', '3', NULL), ('production', 'purchase', '', '2', NULL)"
        )
      })
    )
    const planned = planOf(experiment, metrics, "shape", columns({}))
    const wanted = reference(experiment, metrics.map((metric) => metric.reference), odd)
    expect(wanted.unusable).toMatchObject({ revenue: 2 })
    expect(wanted.undeclared).toEqual({ "": 1 })
    expect(differences(await measure(planned), wanted, planned)).toEqual([])
  })
})
