/** The states that there are: what they have read, how large they are, and how they are removed. */
import type { Stored } from "@assay/aggregation"
import type { WarehouseError } from "@assay/model"
import type { WarehouseShape } from "@assay/warehouse"
import { Effect } from "effect"
import { dropTable, experimentPrefix, listTables, readHead, statePrefix } from "./ledger.ts"

/** A state as it is kept. Times in milliseconds since 1970-01-01 UTC. */
export interface StateEntry {
  readonly name: string
  readonly experiment: string
  /** What was read: rows stored before `ingested`, of events before `events`; undefined where nothing was committed yet. */
  readonly read: Stored.Region | undefined
  readonly committedAt: number | undefined
  readonly batches: number
  readonly rows: number
  readonly bytes: number
}

const ending = "_commits"

/** Rows and bytes of the tables of a state. */
const sizeOf = Effect.fn("states.size")(function*(
  warehouse: WarehouseShape,
  name: string,
  database: string | undefined
): Effect.fn.Return<{ readonly rows: number; readonly bytes: number }, WarehouseError> {
  const { rows: [row] } = yield* warehouse.query({
    text: `SELECT sum(total_rows) AS rows, sum(total_bytes) AS bytes FROM system.tables
WHERE startsWith(name, {name:String}) AND database = ${
      database === undefined ? "currentDatabase()" : "{database:String}"
    }`,
    parameters: { name: `${name}_`, ...(database === undefined ? {} : { database }) },
    settings: {}
  })
  return { rows: Number(row?.["rows"] ?? 0), bytes: Number(row?.["bytes"] ?? 0) }
})

/** The states in a database (the connection's own where it is absent), by experiment. */
export const listStates = Effect.fn("states.list")(function*(
  warehouse: WarehouseShape,
  database: string | undefined
): Effect.fn.Return<ReadonlyArray<StateEntry>, WarehouseError> {
  const tables = (yield* listTables(warehouse, statePrefix, database)).filter((table) => table.endsWith(ending))
  const states = yield* Effect.forEach(tables, (table) =>
    Effect.gen(function*() {
      const name = table.slice(0, -ending.length)
      const head = yield* readHead(warehouse, { name, ...(database === undefined ? {} : { database }) })
      return {
        name,
        experiment: head?.experiment ?? "",
        read: head?.region,
        committedAt: head?.at,
        batches: head?.live.length ?? 0,
        ...(yield* sizeOf(warehouse, name, database))
      }
    }))
  return states.toSorted((a, b) => (a.experiment < b.experiment ? -1 : a.experiment > b.experiment ? 1 : 0))
})

/** Removes all states of an experiment; answers how many there were. */
export const dropStates = Effect.fn("states.drop")(function*(
  warehouse: WarehouseShape,
  experiment: string,
  database: string | undefined
): Effect.fn.Return<number, WarehouseError> {
  const tables = yield* listTables(warehouse, experimentPrefix(experiment), database)
  // The ledger goes first: without it, nothing of the others counts.
  const ledgers = tables.filter((table) => table.endsWith(ending))
  for (const table of [...ledgers, ...tables.filter((table) => !table.endsWith(ending))]) {
    yield* dropTable(warehouse, table, database)
  }
  return ledgers.length
})
