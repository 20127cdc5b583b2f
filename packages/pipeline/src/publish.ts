/**
 * Writes results to ClickHouse, for dashboards and notebooks. It stands here, beside the store and not in it: the store holds
 * what Assay itself reads again, and knows no warehouse.
 */
import type { ResultsSummary, WarehouseError } from "@assay/model"
import type { WarehouseShape } from "@assay/warehouse"
import { Effect } from "effect"
import { resultRows, resultTableDdl, resultTableName, resultTables } from "./resultTables.ts"

/** Writes a summary somewhere. */
export type Publish = (summary: ResultsSummary) => Effect.Effect<void, WarehouseError>

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
  })

/** Makes the tables where they aren't there. The user needs the right CREATE TABLE. */
export const createResultTables = Effect.fn("createResultTables")(
  function*(warehouse: WarehouseShape, database?: string) {
    for (const table of resultTables) {
      yield* warehouse.command({ text: resultTableDdl(table, database), parameters: {}, settings: {} }, {
        comment: { assay: "init" }
      })
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
})
