/** What a statement is going to read, asked before it runs. */
import { QueryLimitExceeded, type Statement, type WarehouseError } from "@assay/model"
import { Effect } from "effect"
import type { QueryResult, Row } from "./decodeResult.ts"
import type { WarehouseLimits } from "./WarehouseConfig.ts"

/** What is read of one table: `parts`, `rows`, and uncompressed `bytes`, absent where ClickHouse doesn't tell the sizes. */
export interface TableEstimate {
  readonly table: string
  readonly parts: number
  readonly rows: number
  readonly bytes?: number
}

/** All reads of a statement; `bytes` is absent where that of a table is. Empty for tables that tell nothing (views, Memory). */
export interface Estimate {
  readonly tables: ReadonlyArray<TableEstimate>
  readonly rows: number
  readonly bytes?: number
}

/** The limits of a run would refuse some questions about it, with less to say. */
const unlimited = { max_rows_to_read: 0, max_bytes_to_read: 0 }

const plain = (text: string, parameters: Statement["parameters"]): Statement => ({
  text,
  parameters,
  settings: unlimited
})

const columnSizes = `SELECT database, table, name, toFloat64(data_uncompressed_bytes) AS bytes
FROM system.columns
WHERE has(arrayZip({databases:Array(String)}, {tables:Array(String)}), (database, table))`

const tableSizes =
  `SELECT database, name AS table, toFloat64(total_rows) AS rows, toFloat64(total_bytes_uncompressed) AS bytes
FROM system.tables
WHERE has(arrayZip({databases:Array(String)}, {tables:Array(String)}), (database, name))`

const sameTable = (a: Row) => (b: Row): boolean => a["database"] === b["database"] && a["table"] === b["table"]

const words = (text: string): ReadonlySet<string> => new Set(text.match(/[\p{L}\p{N}_$.]+/gu))

/**
 * Bytes of a row: those of the columns that the statement names, or of the whole row where the sizes of columns aren't
 * known (small parts keep all columns in one file).
 */
const rowBytes = (
  named: ReadonlySet<string>,
  size: Row | undefined,
  columns: ReadonlyArray<Row>
): number | undefined => {
  const [rows, bytes] = [Number(size?.["rows"] ?? 0), Number(size?.["bytes"] ?? 0)]
  if (!(rows > 0)) return undefined
  const read = columns.filter((column) => named.has(String(column["name"])))
    .reduce((total, column) => total + Number(column["bytes"]), 0)
  return read > 0 ? read / rows : bytes > 0 ? bytes / rows : undefined
}

/**
 * Estimates with `EXPLAIN ESTIMATE`: rows are those of the index ranges that ClickHouse would read. Bytes are rows times the
 * average size of the named columns, which every user who may read the table may see; each table's own reads are added up.
 */
export const estimateWith = (query: (statement: Statement) => Effect.Effect<QueryResult, WarehouseError>) =>
  Effect.fn("Warehouse.estimate")(function*(statement: Statement) {
    const { rows: reads } = yield* query({
      text: `EXPLAIN ESTIMATE ${statement.text}`,
      parameters: statement.parameters,
      settings: { ...statement.settings, ...unlimited }
    })
    const names = {
      databases: reads.map((read) => String(read["database"])),
      tables: reads.map((read) => String(read["table"]))
    }
    const nothing: ReadonlyArray<Row> = []
    const sizes = (text: string) =>
      reads.length === 0
        ? Effect.succeed(nothing)
        : query(plain(text, names)).pipe(
          Effect.map((result) => result.rows),
          Effect.catchTag("QueryRejected", () => Effect.succeed(nothing))
        )
    const [columns, tables] = yield* Effect.all([sizes(columnSizes), sizes(tableSizes)])
    const named = words(statement.text)
    const estimates = reads.map((read): TableEstimate => {
      const rows = Number(read["rows"])
      const each = rows === 0 ? 0 : rowBytes(named, tables.find(sameTable(read)), columns.filter(sameTable(read)))
      return {
        table: `${String(read["database"])}.${String(read["table"])}`,
        parts: Number(read["parts"]),
        rows,
        ...(each === undefined ? {} : { bytes: Math.round(rows * each) })
      }
    })
    const bytes = estimates.reduce<number | undefined>(
      (total, table) => (total === undefined || table.bytes === undefined ? undefined : total + table.bytes),
      0
    )
    const estimate: Estimate = {
      tables: estimates,
      rows: estimates.reduce((total, table) => total + table.rows, 0),
      ...(bytes === undefined ? {} : { bytes })
    }
    return estimate
  })

const shown = (n: number): string => n.toLocaleString("en-US")

/** The refusal of a statement that is expected to read more than it may, with the figures; `undefined` when it may run. */
export const overLimit = (estimate: Estimate, limits: WarehouseLimits): QueryLimitExceeded | undefined => {
  const refused = (limit: "rows" | "bytes", expected: number, value: number) =>
    new QueryLimitExceeded({
      limit,
      value,
      message: `It would read about ${shown(expected)} ${limit} of ${
        estimate.tables.map(({ table }) => table).join(" and ")
      }, and may read ${shown(value)}; it didn't run.`,
      hint:
        `Shorten the window, or raise warehouse.limits.${limit} in assay.config.ts; \`assay explain\` shows what is read.`
    })
  const { bytes, rows } = estimate
  if (limits.rows !== undefined && rows > limits.rows) return refused("rows", rows, limits.rows)
  return limits.bytes !== undefined && bytes !== undefined && bytes > limits.bytes
    ? refused("bytes", bytes, limits.bytes)
    : undefined
}
