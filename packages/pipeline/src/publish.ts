/**
 * Writes results to ClickHouse, for dashboards and notebooks. It stands here, beside the store and not in it: the store holds
 * what Assay itself reads again, and knows no warehouse.
 */
import { QueryRejected, type ResultsSummary, type WarehouseError } from "@assay/model"
import type { WarehouseShape } from "@assay/warehouse"
import { Effect } from "effect"
import {
  resultRows,
  type ResultTable,
  resultTableDdl,
  resultTableName,
  resultTables,
  resultTableUpgrade
} from "./resultTables.ts"

/** Writes a summary somewhere. */
export type Publish = (summary: ResultsSummary) => Effect.Effect<void, WarehouseError>

/** The codes of a table that isn't there, and of a column that a table lacks. */
const UNMADE: ReadonlySet<number> = new Set([16, 60])

/** Says of tables of results that aren't there, or are those of an earlier version, how they are made. */
const sayingHow = (error: WarehouseError): WarehouseError =>
  error._tag === "QueryRejected" && UNMADE.has(error.clickhouseCode)
    ? new QueryRejected({
      ...error,
      message: error.message,
      hint: "Make the tables, or bring them to this version, with `assay init --warehouse --yes`"
    })
    : error

/**
 * Writes summaries to the tables of a warehouse, in `database` or in that of the connection. Each table gets its rows in one
 * insert under the id of the run, so a run that is written again is there once; a run that is in `assay_summaries` is whole.
 */
export const publishTo = (warehouse: WarehouseShape, database?: string): Publish =>
  Effect.fn("publish")(function*(summary: ResultsSummary) {
    const rows = resultRows(summary)
    const { run_id } = summary.provenance
    for (const table of resultTables) {
      yield* warehouse.insert(resultTableName(table, database), rows[table.name] ?? [], {
        token: run_id,
        comment: { assay: "publish", experiment: summary.experiment, run: run_id }
      })
    }
  }, Effect.mapError(sayingHow))

/** Columns of a table that one of an earlier version doesn't have; none where this user can't see which there are. */
const missingColumns = Effect.fn("missingColumns")(
  function*(warehouse: WarehouseShape, table: ResultTable, database: string | undefined) {
    const { rows } = yield* warehouse.query({
      text:
        "SELECT name FROM system.columns WHERE database = if({database:String} = '', currentDatabase(), {database:String}) " +
        "AND table = {table:String}",
      parameters: { database: database ?? "", table: table.name },
      settings: {}
    }, { comment: { assay: "init" } })
    const there = new Set(rows.map(({ name }) => name))
    return there.size === 0 ? [] : Object.keys(table.columns).filter((name) => !there.has(name))
  }
)

/**
 * Makes the tables where they aren't there, and adds columns that those of an earlier version lack. The user needs the rights CREATE TABLE and
 * ALTER ADD COLUMN.
 */
export const createResultTables = Effect.fn("createResultTables")(
  function*(warehouse: WarehouseShape, database?: string) {
    const run = (text: string) =>
      warehouse.command({ text, parameters: {}, settings: {} }, { comment: { assay: "init" } })
    for (const table of resultTables) {
      yield* run(resultTableDdl(table, database))
      const missing = yield* missingColumns(warehouse, table, database)
      if (missing.length > 0) yield* run(resultTableUpgrade(table, missing, database))
    }
  }
)

/** Whether the user may write to each table: an insert of no rows. Fails with what ClickHouse says to the first refusal. */
export const checkPublish = Effect.fn("checkPublish")(function*(warehouse: WarehouseShape, database?: string) {
  for (const table of resultTables) {
    const columns = Object.entries(table.columns)
    const text = `INSERT INTO ${resultTableName(table, database)} (${
      columns.map(([name]) => name).join(", ")
    }) SELECT ${
      columns.map(([name, [type]]) => `defaultValueOfTypeName('${type.replaceAll("'", "\\'")}') AS ${name}`).join(", ")
    } WHERE 0`
    yield* warehouse.command({ text, parameters: {}, settings: {} }, { comment: { assay: "doctor" } })
  }
}, Effect.mapError(sayingHow))
