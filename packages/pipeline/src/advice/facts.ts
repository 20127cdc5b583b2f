/** What ClickHouse says about a table that advice is asked for: how it is ordered, and what it has beside its rows. */
import { tableName, type TableRead } from "@assay/aggregation"
import type { Statement, WarehouseError } from "@assay/model"
import { identifier, render } from "@assay/sql"
import type { WarehouseShape } from "@assay/warehouse"
import { Effect } from "effect"

/** Where a table is; the connection's own database where none is named. */
export type Place = TableRead["at"]

/** A table of the MergeTree family, as system tables describe it. Keys are SQL, without parentheses around several columns. */
export interface TableFacts {
  readonly at: { readonly database: string; readonly table: string }
  /** The Distributed table that was named, where it is one. */
  readonly through: string | undefined
  /** The cluster on whose nodes it lies. */
  readonly cluster: string | undefined
  readonly engine: string
  readonly engineFull: string
  readonly partitionKey: string
  readonly sortingKey: string
  readonly primaryKey: string
  readonly rows: number
  readonly bytes: number
  /** Rows of a granule. */
  readonly granularity: number
  /** In the order of the table. */
  readonly columns: ReadonlyArray<{ readonly name: string; readonly kind: string }>
  readonly projections: ReadonlyArray<string>
  readonly indices: ReadonlyArray<{ readonly name: string; readonly expression: string; readonly type: string }>
}

/** Why there is no advice on a table, for people. */
export interface Refusal {
  readonly reason: string
}

/** A name in SQL. */
export const quoted = (name: string): string => render(identifier(name)).text

/** A table in SQL. */
export const quotedTable = ({ database, table }: Place): string =>
  [...(database === undefined ? [] : [database]), table].map(quoted).join(".")

export const plain = (
  text: string,
  parameters: Statement["parameters"] = {},
  settings: Statement["settings"] = {}
): Statement => ({
  text,
  parameters,
  settings
})

const here = "database = if({database:String} = '', currentDatabase(), {database:String}) AND"

/** Columns that came with later versions, or that a user may not see, are as if there were none of what they tell. */
const orNone = <A, R>(effect: Effect.Effect<ReadonlyArray<A>, WarehouseError, R>) =>
  effect.pipe(Effect.catchTag("QueryRejected", () => Effect.succeed([])))

/** Engines that have no rows of their own, and what to do about it. */
const without: Readonly<Record<string, string>> = {
  View: "it is a view; name the table that it reads to get advice on that",
  MaterializedView: "it is a materialized view; name the table that it writes to",
  Merge: "it is of the engine Merge, which reads other tables; each of these may have a projection of its own",
  Kafka: "it is a stream (engine Kafka), which has no order and keeps nothing; name the table that it is written to",
  Buffer: "it is a buffer; name the table behind it",
  Memory: "it lies in memory and is always read whole",
  Dictionary: "it is a dictionary, which has no order"
}

/** What a Distributed table is over: `Distributed('cluster', 'database', 'table', …)`, as system.tables writes it. */
const distributedOver = (engineFull: string) => {
  const [, cluster, database, table] =
    /^Distributed\('?([^',)]+)'?,\s*'?([^',)]*)'?,\s*'?([^',)]+)'?/.exec(engineFull) ?? []
  return cluster === undefined || table === undefined ? undefined : { cluster, database: database ?? "", table }
}

const tableRow = Effect.fn("advice.table")(function*(warehouse: WarehouseShape, at: Place) {
  const { rows: [row] } = yield* warehouse.query(
    plain(
      `SELECT database, engine, engine_full, partition_key, sorting_key, primary_key,
  toFloat64(ifNull(total_rows, 0)) AS rows, toFloat64(ifNull(total_bytes, 0)) AS bytes
FROM system.tables WHERE ${here} name = {table:String}`,
      { database: at.database ?? "", table: at.table }
    )
  )
  return row
})

/** A key of one column, which may stand in parentheses, without these. */
const bare = (key: unknown): string => String(key).replace(/^\(([^()]*)\)$/, "$1")

const isMergeTree = (engine: unknown): boolean => String(engine).endsWith("MergeTree")

/** The facts of the table at a place, or of the one beneath where it is Distributed; a reason where there can be no advice on it. */
export const factsOf = Effect.fn("advice.facts")(
  function*(
    warehouse: WarehouseShape,
    named: Place,
    cluster: string | undefined
  ): Effect.fn.Return<TableFacts | Refusal, WarehouseError> {
    const first = yield* tableRow(warehouse, named)
    if (first === undefined) {
      return { reason: "there is no such table, or this user may not see it; `assay doctor` says more" }
    }
    const over = first["engine"] === "Distributed" ? distributedOver(String(first["engine_full"])) : undefined
    const beneath = over === undefined ? named : { database: over.database, table: over.table }
    const row = over === undefined ? first : yield* tableRow(warehouse, beneath)
    if (row === undefined) {
      return {
        reason:
          `it is Distributed over ${over!.database}.${over!.table} on the cluster ${
            over!.cluster
          }, which isn't on this ` +
          "node; run this on a node that has it"
      }
    }
    const engine = String(row["engine"])
    if (!isMergeTree(engine)) {
      return {
        reason: without[engine] ??
          `it is of the engine ${engine}; only tables of the MergeTree family have projections and indices`
      }
    }
    const at = { database: String(row["database"]), table: beneath.table }
    const about = (text: string) =>
      warehouse.query(plain(text, { database: at.database, table: at.table })).pipe(Effect.map(({ rows }) => rows))
    const columns = yield* about(
      `SELECT name, default_kind FROM system.columns WHERE ${here} table = {table:String} ORDER BY position`
    )
    const projections = yield* orNone(
      about(`SELECT name FROM system.projections WHERE ${here} table = {table:String}`)
    )
    const indices = yield* orNone(
      about(`SELECT name, expr, type FROM system.data_skipping_indices WHERE ${here} table = {table:String}`)
    )
    const engineFull = String(row["engine_full"])
    return {
      at,
      through: over === undefined ? undefined : tableName(named),
      cluster: over?.cluster ?? cluster,
      engine,
      engineFull,
      partitionKey: bare(row["partition_key"]),
      sortingKey: bare(row["sorting_key"]),
      primaryKey: bare(row["primary_key"]),
      rows: Number(row["rows"]),
      bytes: Number(row["bytes"]),
      granularity: Number(/\bindex_granularity = (\d+)/.exec(engineFull)?.[1] ?? 8192),
      columns: columns.map(({ default_kind, name }) => ({ name: String(name), kind: String(default_kind) })),
      projections: projections.map(({ name }) => String(name)),
      indices: indices.map(({ expr, name, type }) => ({
        name: String(name),
        expression: String(expr),
        type: String(type)
      }))
    }
  }
)
