/** Copies of parts of tables, to try proposals on. They are dropped whatever happens; the tables themselves are only read. */
import { compileCopy, type Plan, type Sampling } from "@assay/aggregation"
import type { WarehouseError } from "@assay/model"
import type { WarehouseShape } from "@assay/warehouse"
import { Clock, Effect } from "effect"
import { randomBytes } from "node:crypto"
import { plain, quotedTable, type TableFacts } from "./facts.ts"

const prefix = "assay_advise_"

const scratchName = /^assay_advise_(\d{13})_[0-9a-f]{8}_\d+$/

/** What a process that was killed has left is dropped after so long, in milliseconds: no run takes so long. */
const leftAfter = 86_400_000

const comment = { assay: "advise" }

const run = (warehouse: WarehouseShape, text: string, settings = {}) =>
  warehouse.command(plain(text, {}, settings), { comment })

const drop = (warehouse: WarehouseShape, database: string, table: string) =>
  run(warehouse, `DROP TABLE IF EXISTS ${quotedTable({ database, table })} SYNC`)

/** Drops copies that runs of a day ago or more have left, because their process was killed. */
const dropLeft = Effect.fn("advice.left")(function*(warehouse: WarehouseShape, database: string) {
  const now = yield* Clock.currentTimeMillis
  const { rows } = yield* warehouse.query(
    plain("SELECT name FROM system.tables WHERE database = {database:String} AND startsWith(name, {prefix:String})", {
      database,
      prefix
    })
  )
  for (const { name } of rows) {
    const [, at] = scratchName.exec(String(name)) ?? []
    if (at !== undefined && Number(at) < now - leftAfter) yield* drop(warehouse, database, String(name))
  }
})

/** What is copied of a table: which columns of which rows. */
export interface Copied {
  readonly facts: TableFacts
  readonly columns: ReadonlyArray<string>
  readonly sampling: Sampling
}

/** A copy, and how many rows it has. */
export interface Copy {
  readonly at: { readonly database: string; readonly table: string }
  readonly rows: number
}

const keyOf = (key: string): string => (key === "" ? "tuple()" : `(${key})`)

/**
 * Makes an empty table like another one, projections and indices included, but for its engine, which is a plain MergeTree, and its
 * granules, which are as much smaller as the copy is.
 */
const createLike = ({ facts, sampling }: Copied, at: Copy["at"]): string =>
  `CREATE TABLE ${quotedTable(at)} AS ${quotedTable(facts.at)}
ENGINE = MergeTree${facts.partitionKey === "" ? "" : `\nPARTITION BY ${keyOf(facts.partitionKey)}`}${
    facts.primaryKey === facts.sortingKey ? "" : `\nPRIMARY KEY ${keyOf(facts.primaryKey)}`
  }
ORDER BY ${keyOf(facts.sortingKey)}
SETTINGS index_granularity = ${sampling.block}, allow_nullable_key = 1`

const copy = Effect.fn("advice.copy")(
  function*(warehouse: WarehouseShape, plan: Plan, copied: Copied, at: Copy["at"]) {
    yield* run(warehouse, createLike(copied, at))
    const statement = compileCopy(plan, copied.facts.at, at, copied.columns, copied.sampling)
    const materialized = copied.facts.columns.some(({ kind, name }) =>
      kind === "MATERIALIZED" && copied.columns.includes(name)
    )
    const settings = {
      ...statement.settings,
      max_partitions_per_insert_block: 0,
      ...(materialized ? { insert_allow_materialized_columns: 1 } : {})
    }
    yield* warehouse.command({ ...statement, settings }, { comment })
    // One part per partition, as in a table that has been at rest.
    yield* run(warehouse, `OPTIMIZE TABLE ${quotedTable(at)} FINAL`)
    const { rows: [row] } = yield* warehouse.query(plain(`SELECT count() AS rows FROM ${quotedTable(at)}`))
    const made: Copy = { at, rows: Number(row?.["rows"]) }
    return made
  }
)

/** Does something with copies of tables in a database, and drops them afterwards, also when it fails or is interrupted. */
export const withCopies = <A, R>(
  warehouse: WarehouseShape,
  database: string,
  plan: Plan,
  copied: ReadonlyArray<Copied>,
  use: (copies: ReadonlyArray<Copy>) => Effect.Effect<A, WarehouseError, R>
): Effect.Effect<A, WarehouseError, R> =>
  Effect.acquireUseRelease(
    Effect.map(Clock.currentTimeMillis, (now) => {
      const run = `${prefix}${now}_${randomBytes(4).toString("hex")}`
      return copied.map((_, i) => ({ database, table: `${run}_${i}` }))
    }),
    Effect.fnUntraced(function*(places) {
      yield* dropLeft(warehouse, database)
      return yield* use(yield* Effect.forEach(copied, (one, i) => copy(warehouse, plan, one, places[i]!)))
    }),
    (places) =>
      Effect.forEach(places, ({ table }) => Effect.ignore(drop(warehouse, database, table)), { discard: true })
  )
