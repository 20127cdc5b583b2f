/** Rows of an event table as plain data, and how they get into a real ClickHouse. */
import { type EventMapping, Instant, type Statement } from "@assay/model"
import { identifier, join, parameter, type ParameterType, render, sql } from "@assay/sql"
import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"

/**
 * One row of the original system's event table; `timestamp` in milliseconds since 1970-01-01 UTC. It was stored at that time, too, unless
 * `ingested` says another one.
 */
export interface EventRow {
  readonly environment: string
  readonly event: string
  readonly feature: string
  readonly identity: string
  readonly timestamp: number
  readonly value: string
  readonly metadata: string
  readonly id: string
  /** Plain columns that filters and values read; absent is NULL. */
  readonly country?: string
  readonly amount?: number
  readonly member?: boolean
  readonly ingested?: number
}

/** The mapping that test tables are made for: the default one, with an event id and three properties. */
export const testMapping = (
  base: EventMapping,
  table: string,
  deduplication: EventMapping["deduplication"] = { policy: "row" }
): EventMapping => ({
  ...base,
  table,
  columns: { ...base.columns, event_id: "event_id" },
  properties: { country: "country", amount: "amount", member: "member" },
  deduplication
})

const statement = (fragment: ReturnType<typeof sql>): Statement => ({ ...render(fragment), settings: {} })

/** How a test table is stored: in memory, which is quick, or as people do, in parts by day. */
export type TableEngine = "Memory" | "MergeTree"

/** Makes an event table, empty, replacing one of that name. */
export const createEventTable = Effect.fn("testkit.createEventTable")(function*(
  table: string,
  engine: TableEngine = "Memory"
) {
  const warehouse = yield* Warehouse
  const how = engine === "Memory"
    ? sql`Memory`
    : sql`MergeTree PARTITION BY toDate(timestamp) ORDER BY (environment_key, event, timestamp)`
  yield* warehouse.command(statement(sql`DROP TABLE IF EXISTS ${identifier(table)}`))
  yield* warehouse.command(statement(sql`CREATE TABLE ${identifier(table)} (
    environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
    identifier String, timestamp DateTime64(3, 'UTC'), value String, traits String, metadata String,
    collected_at DateTime64(3, 'UTC'), event_id String, country Nullable(String), amount Nullable(Float64),
    member Nullable(Bool)
  ) ENGINE = ${how}`))
})

/** Removes a table. */
export const dropTable = Effect.fn("testkit.dropTable")(function*(table: string) {
  const warehouse = yield* Warehouse
  yield* warehouse.command(statement(sql`DROP TABLE IF EXISTS ${identifier(table)}`))
})

/** Empties a table. */
export const clearEvents = Effect.fn("testkit.clearEvents")(function*(table: string) {
  const warehouse = yield* Warehouse
  yield* warehouse.command(statement(sql`TRUNCATE TABLE ${identifier(table)}`))
})

/** Puts rows into a table made by {@link createEventTable}; every text is bound, so any text gets there as it is. */
export const insertEvents = Effect.fn("testkit.insertEvents")(function*(table: string, rows: ReadonlyArray<EventRow>) {
  if (rows.length === 0) return
  const warehouse = yield* Warehouse
  const instant = (millis: number) => Instant.fromMillis(millis).replace("T", " ").replace("Z", "")
  const column = (type: ParameterType, of: (row: EventRow) => unknown) => parameter(type, rows.map(of))
  const columns = join([
    column("Array(String)", (row) => row.environment),
    column("Array(String)", (row) => row.event),
    column("Array(String)", (row) => row.feature),
    column("Array(String)", (row) => row.identity),
    column("Array(String)", (row) => instant(row.timestamp)),
    column("Array(String)", (row) => row.value),
    column("Array(String)", (row) => row.metadata),
    column("Array(String)", (row) => row.id),
    column("Array(String)", (row) => (row.country === undefined ? "" : `=${row.country}`)),
    column("Array(String)", (row) => (row.amount === undefined ? "" : String(row.amount))),
    column("Array(String)", (row) => (row.member === undefined ? "" : String(row.member))),
    column("Array(String)", (row) => instant(row.ingested ?? row.timestamp))
  ])
  yield* warehouse.command(statement(sql`INSERT INTO ${identifier(table)}
    SELECT row.1, row.2, row.3, row.4, toDateTime64(row.5, 3, 'UTC'), row.6, '', row.7, toDateTime64(row.12, 3, 'UTC'), row.8,
      if(row.9 = '', NULL, substring(row.9, 2)), toFloat64OrNull(row.10), if(row.11 = '', NULL, row.11 = 'true')
    FROM (SELECT arrayJoin(arrayZip(${columns})) AS row)`))
})
