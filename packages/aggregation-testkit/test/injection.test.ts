/** Names and values made of SQL are plain text, or are refused before a statement is made. */
import { compile } from "@assay/aggregation"
import { defaultEventMapping, type EventMapping } from "@assay/model"
import { identifier, render, sql } from "@assay/sql"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime } from "effect"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  aggregatesOf,
  clearEvents,
  createEventTable,
  differences,
  type EventRow,
  hostileText,
  insertEvents,
  planOf,
  reference,
  type ReferenceExperiment,
  testMapping
} from "../src/index.ts"
import { six } from "./aggregations.ts"
import { testMetric } from "./worlds.ts"

const from = Date.UTC(2026, 0, 1)

const attacks = [
  "'",
  "\"",
  "`",
  "\\",
  "\\'",
  "\\`",
  "'' OR 1=1 --",
  "'; DROP TABLE canary; --",
  "`; DROP TABLE canary; --",
  "x` FROM canary) --",
  "/* */",
  "*/ 1 /*",
  "-- ",
  "#",
  "{p0:String}",
  "${sql}",
  "$1",
  "%s",
  "?",
  "a\nb\r\tc",
  "a\0b",
  "\0",
  "\u202Eevil",
  "👩‍👩‍👧 日本 naïve",
  "NULL",
  "1) UNION ALL SELECT 1",
  "; SET readonly = 0;"
]

/** An experiment, a metric and rows in which every name and value is the same text, as far as it can be. */
const everywhere = (text: string) => {
  const experiment: ReferenceExperiment = {
    environment: text,
    feature: text,
    exposureEvent: "$flag_exposure",
    from,
    to: from + 86_400_000,
    variants: [text, `${text} 2`],
    multipleVariants: "quarantine",
    deduplication: "id"
  }
  const row = (event: string, identity: string, at: number, value: string): EventRow => ({
    environment: text,
    event,
    feature: text,
    identity,
    timestamp: from + at,
    value,
    metadata: JSON.stringify({ [text]: { [text]: text, n: 4 }, other: text }),
    id: `${text} ${at}`,
    country: text
  })
  const path = text.includes(".") ? "other" : `${text}.${text}`
  const metrics = [
    testMetric(six.count, {
      key: "filtered",
      event: text,
      where: [
        { property: "country", op: "=", value: text },
        { property: "country", op: "in", value: [text, "x"] },
        { property: `metadata.${path}`, op: "=", value: text }
      ]
    }),
    testMetric(six.count, { key: "none", event: text, where: [{ property: "country", op: "!=", value: text }] }),
    testMetric(six.sum, { key: "sum", event: text })
  ]
  const rows = [
    row("$flag_exposure", text, 0, text),
    row("$flag_exposure", `${text} b`, 0, `${text} 2`),
    row(text, text, 5, "7"),
    row(text, text, 5, "7"),
    row(text, `${text} b`, 6, text),
    { ...row(text, text, 8, "8"), environment: "other" }
  ]
  return { experiment, metrics, rows }
}

const canary = { text: "SELECT count() AS n FROM canary", parameters: {}, settings: {} }

describe("text that tries to be SQL", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  const run = (text: string) =>
    Effect.flatMap(Warehouse, (warehouse) => warehouse.command({ text, parameters: {}, settings: {} }))
  beforeAll(() =>
    runtime.runPromise(
      createEventTable("events").pipe(
        Effect.andThen(run("CREATE DATABASE named")),
        Effect.andThen(run("CREATE TABLE canary ENGINE = Memory AS SELECT 1 AS alive"))
      )
    )
  )
  afterAll(() => runtime.dispose())

  const alive = async () => {
    const { rows } = await runtime.runPromise(Effect.flatMap(Warehouse, (warehouse) => warehouse.query(canary)))
    return rows
  }

  /** What differs from the reference where everything is called so, and what is left of the canary. */
  const check = async (text: string) => {
    const { experiment, metrics, rows } = everywhere(text)
    const planned = planOf(experiment, metrics, "events")
    const aggregates = await runtime.runPromise(
      Effect.gen(function*() {
        yield* clearEvents("events")
        yield* insertEvents("events", rows)
        return yield* aggregatesOf(planned)
      })
    )
    const expected = reference(experiment, metrics.map((metric) => metric.reference), rows)
    return {
      differences: differences(aggregates, expected, planned),
      filtered: expected.units["filtered"]![text],
      canary: await alive()
    }
  }
  const harmless = { differences: [], filtered: [[1]], canary: [{ n: "1" }] }

  it.each(attacks)(
    "%j is plain text as environment, feature, variant, event, identity, id, path and value",
    async (text) => {
      expect(await check(text)).toEqual(harmless)
    }
  )

  it("so is any other", async () => {
    const plain = hostileText.filter((text) => text !== "$flag_exposure" && text.isWellFormed())
    await fc.assert(
      fc.asyncProperty(plain, async (text) => {
        expect(await check(text)).toEqual(harmless)
      }),
      { numRuns: 10 }
    )
  })

  it("no value stands in the statement's text", () => {
    fc.assert(fc.property(fc.string({ minLength: 1, maxLength: 12 }), (text) => {
      const marked = `⟦${text}⟧`
      const { experiment, metrics } = everywhere(marked)
      const { parameters, text: statement } = compile(planOf(experiment, metrics, "events"))
      expect(statement).not.toContain("⟦")
      expect(JSON.stringify(parameters)).toContain("⟦")
    }))
  })

  const named = (text: string): Partial<EventMapping> & { readonly table: string } => ({
    // Not in the embedded engine's own database, which takes an unknown name with *, ? or {} for a pattern of files.
    database: "named",
    table: `table ${text}`,
    columns: {
      environment: `e${text}`,
      event: text,
      feature: `f${text}`,
      timestamp: `t${text}`,
      value: `v${text}`,
      event_id: `i${text}`
    },
    identities: { identifier: `u${text}` },
    json: { metadata: `m${text}` },
    properties: { country: `c${text}` }
  })

  it.each(attacks.filter((text) => !text.includes("\0")))("%j is a name of tables and columns", async (text) => {
    const { experiment, metrics, rows } = everywhere("plain")
    const mapping = named(text)
    const { columns, table } = mapping
    const names = [
      columns!.environment!,
      columns!.event,
      columns!.feature,
      `u${text}`,
      columns!.timestamp,
      columns!.value
    ]
    const from = ["environment_key", "event", "feature_name", "identifier", "timestamp", "value"]
    const select = render(
      sql`CREATE TABLE named.${identifier(table)} ENGINE = Memory AS SELECT *, metadata AS ${
        identifier(`m${text}`)
      }, country AS ${identifier(`c${text}`)}, event_id AS ${identifier(`i${text}`)} FROM (SELECT * FROM events)`
    ).text
    const renamed = from.reduce(
      (statement, column, i) =>
        statement.replace("SELECT *,", `SELECT *, ${column} AS ${render(identifier(names[i]!)).text},`),
      select
    )
    await runtime.runPromise(
      Effect.gen(function*() {
        yield* clearEvents("events")
        yield* insertEvents("events", rows)
        yield* run(renamed)
      })
    )
    const planned = planOf(experiment, metrics, table, mapping)
    const aggregates = await runtime.runPromise(aggregatesOf(planned))
    expect(differences(aggregates, reference(experiment, metrics.map((m) => m.reference), rows), planned)).toEqual([])
    expect(await alive()).toEqual([{ n: "1" }])
  })

  it.each(
    [
      ["table", { table: "a\0b" }],
      ["table", { table: "" }],
      ["database", { database: "\0" }],
      ["columns.value", { columns: { ...defaultEventMapping.columns, value: "v\0" } }],
      ["columns.event", { columns: { ...defaultEventMapping.columns, event: "\uD800" } }],
      ["columns.event", { columns: { ...defaultEventMapping.columns, event: "assay_m" } }],
      ["identities.identifier", { identities: { identifier: "\0" } }],
      ["properties.country", { properties: { country: "\0" } }],
      ["deduplication.columns.0", { deduplication: { policy: "row", columns: ["\0"] } }]
    ] as const
  )("a name that ClickHouse can't hold is refused: %s", (path, over) => {
    const { experiment, metrics } = everywhere("plain")
    const mapping = { ...testMapping(defaultEventMapping, "events"), ...over } as Partial<EventMapping>
    expect(() => planOf(experiment, metrics, "events", mapping)).toThrow(`The event table's mapping: ${path}: found "`)
  })

  it("half of a surrogate pair, which UTF-8 doesn't have, is refused", () => {
    const { experiment, metrics } = everywhere("plain")
    const broken = "\uD83D"
    const sentence = /text without halves of surrogate pairs/
    expect(() => planOf({ ...experiment, environment: broken }, metrics, "events")).toThrow(sentence)
    expect(() => planOf({ ...experiment, feature: broken }, metrics, "events")).toThrow(sentence)
    expect(() => planOf({ ...experiment, variants: ["a", broken] }, metrics, "events")).toThrow(sentence)
    const event = testMetric(six.count, { key: "m", event: broken })
    const value = testMetric(six.count, {
      key: "m",
      event: "e",
      where: [{ property: "country", op: "in", value: ["a", broken] }]
    })
    const path = testMetric(six.sum, { key: "m", event: "e", value: `metadata.${broken}` })
    for (const metric of [event, value, path]) {
      expect(() => planOf(experiment, [metric], "events")).toThrow(sentence)
    }
  })
})
