/**
 * The ledger of a state: which of its batches count. A batch is written first and committed last, by one row, and for each place in the
 * sequence there is one such row: the table takes a token once. So of two refreshes that build on the same batch one commits, and what a
 * refresh wrote that crashed, or came too late, counts for nothing.
 */
import { type Plan, shapeOf, type Stored, type Totals } from "@assay/aggregation"
import { Instant, type Statement, type WarehouseError } from "@assay/model"
import type { WarehouseShape } from "@assay/warehouse"
import { Effect } from "effect"
import { createHash } from "node:crypto"

/** Raised whenever stored rows mean something else than before, so that older states are left alone. */
const layout = 5

/** What every table of a state is called first. */
export const statePrefix = "assay_state_"

const hash = (text: string, length: number): string => createHash("sha256").update(text).digest("hex").slice(0, length)

/** What the tables of all states of an experiment are called first. */
export const experimentPrefix = (experiment: string): string => `${statePrefix}${hash(experiment, 12)}_`

/**
 * The state of a plan: named after the experiment, and after everything that its stored rows hang on. A changed definition, window, policy
 * or version of an aggregation has a state of its own. The end of the window isn't among it; see {@link continues}.
 */
export const stateOf = (plan: Plan, database?: string): Stored.StateName => {
  const { accumulators, arms, deduplication, experiment, from, identity, mapping, metrics, reads, streams, traits } =
    plan
  const { environment, feature, multiple_variants } = experiment
  const essentials = [
    layout,
    { environment, feature, multiple_variants, from, reads: reads.from, identity, arms, deduplication },
    mapping,
    streams,
    accumulators,
    traits,
    metrics.map(({ aggregation, key, version }) => [key, aggregation, version])
  ]
  return {
    ...(database === undefined ? {} : { database }),
    name: `${experimentPrefix(experiment.key)}${hash(JSON.stringify(essentials), 16)}`
  }
}

/** What the answer of a plan means, hashed; undefined where that can't be told before the answer, since it has constants. */
export const meaningOf = (plan: Plan): string | undefined =>
  plan.constants.length > 0 ? undefined : hash(shapeOf(plan), 16)

/** A commit: what has been read, the batches that count, oldest first, and how many rows each has; and the answer, with what it means. */
export interface Commit {
  readonly seq: number
  readonly batch: number
  readonly live: ReadonlyArray<number>
  readonly sizes: ReadonlyArray<number>
  readonly region: Stored.Region
  /** The end of the experiment as it was known then, in milliseconds since 1970-01-01 UTC. */
  readonly ended: number | null
  readonly meaning: string | undefined
  readonly totals: Totals | undefined
}

const plain = (text: string): Statement => ({ text, parameters: {}, settings: {} })

const quoted = (name: string): string => `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``

const tablePath = (database: string | undefined, table: string): string =>
  [...(database === undefined ? [] : [database]), table].map(quoted).join(".")

const tableOf = ({ database, name }: Stored.StateName): string => tablePath(database, `${name}_commits`)

/** Commits that are remembered by their token: a refresh that slept through so many more can't be told from one in time. */
const remembered = 10_000

/** The statement that makes the ledger where it isn't there. */
export const createLedger = (state: Stored.StateName): Statement =>
  plain(
    `CREATE TABLE IF NOT EXISTS ${tableOf(state)} (
  kind LowCardinality(String) COMMENT 'begun, committed or dropped',
  seq UInt64,
  batch UInt64,
  experiment String,
  live Array(UInt64) COMMENT 'the batches that count, oldest first',
  sizes Array(UInt64) COMMENT 'rows of each',
  ingested DateTime64(3, 'UTC') COMMENT 'rows stored before this were read',
  exposures DateTime64(3, 'UTC') COMMENT 'of exposures before this',
  events DateTime64(3, 'UTC') COMMENT 'of events before this',
  ended Nullable(DateTime64(3, 'UTC')) COMMENT 'the end of the experiment',
  meaning String COMMENT 'what the totals mean',
  totals String COMMENT 'the answer, for the next one to go on from',
  at DateTime64(3, 'UTC')
) ENGINE = MergeTree
ORDER BY (kind, seq)
SETTINGS non_replicated_deduplication_window = ${remembered}`
  )

const inDatabase = (database: string | undefined): string =>
  `database = ${database === undefined ? "currentDatabase()" : "{database:String}"}`

const named = (database: string | undefined) => (database === undefined ? {} : { database })

/** The tables of states whose names begin so. */
export const listTables = Effect.fn("incremental.tables")(function*(
  warehouse: WarehouseShape,
  prefix: string,
  database: string | undefined
): Effect.fn.Return<ReadonlyArray<string>, WarehouseError> {
  const { rows } = yield* warehouse.query({
    text: `SELECT name FROM system.tables WHERE startsWith(name, {prefix:String}) AND ${
      inDatabase(database)
    } ORDER BY name`,
    parameters: { prefix, ...named(database) },
    settings: {}
  })
  return rows.map((row) => String(row["name"]))
})

/** Removes a table of a state. */
export const dropTable = (warehouse: WarehouseShape, table: string, database: string | undefined) =>
  warehouse.command(plain(`DROP TABLE IF EXISTS ${tablePath(database, table)}`), { comment: { assay: "state" } })

const instant = (millis: number): string => Instant.fromMillis(millis).replace("T", " ").replace("Z", "")

/** A time of a row, as {@link instant} wrote it. */
const millis = (cell: unknown): number => Date.parse(`${String(cell).replace(" ", "T")}Z`)

const numbers = (cell: unknown): ReadonlyArray<number> => (Array.isArray(cell) ? cell.map(Number) : [])

/** Totals as {@link rowOf} wrote them. What they hold is checked where they are carried on. */
const totalsIn = (cell: unknown): Totals | undefined => {
  const text = String(cell)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Nobody else writes it, and every cell is checked when it is read.
  return text === "" ? undefined : JSON.parse(text) as Totals
}

/** A commit as it is read: also whose it is, and when it was made. */
export interface Head extends Commit {
  readonly experiment: string
  readonly at: number
}

/** The latest commit of a state; undefined where there is none, also where there is no ledger. */
export const readHead = Effect.fn("incremental.head")(function*(
  warehouse: WarehouseShape,
  state: Stored.StateName
): Effect.fn.Return<Head | undefined, WarehouseError> {
  const { rows: [row] } = yield* warehouse.query(
    plain(`SELECT * FROM ${tableOf(state)} WHERE kind = 'committed' ORDER BY seq DESC, at LIMIT 1`)
  ).pipe(Effect.catchIf(
    (error) => error._tag === "QueryRejected" && error.clickhouseCode === 60,
    () => Effect.succeed({ rows: [] })
  ))
  return row === undefined ? undefined : {
    seq: Number(row["seq"]),
    batch: Number(row["batch"]),
    live: numbers(row["live"]),
    sizes: numbers(row["sizes"]),
    region: {
      ingested: millis(row["ingested"]),
      exposures: millis(row["exposures"]),
      events: millis(row["events"])
    },
    ended: row["ended"] === null ? null : millis(row["ended"]),
    meaning: row["meaning"] === "" ? undefined : String(row["meaning"]),
    totals: totalsIn(row["totals"]),
    experiment: String(row["experiment"]),
    at: millis(row["at"])
  }
})

const rowOf = (kind: "begun" | "committed" | "dropped", commit: Commit, experiment: string, now: number) => ({
  kind,
  seq: commit.seq,
  batch: commit.batch,
  experiment,
  live: commit.live,
  sizes: commit.sizes,
  ingested: instant(commit.region.ingested),
  exposures: instant(commit.region.exposures),
  events: instant(commit.region.events),
  ended: commit.ended === null ? null : instant(commit.ended),
  meaning: commit.meaning ?? "",
  totals: commit.totals === undefined ? "" : JSON.stringify(commit.totals),
  at: instant(now)
})

/** Says that a batch is being written, and for which place in the sequence. */
export const begin = (
  warehouse: WarehouseShape,
  state: Stored.StateName,
  commit: Commit,
  experiment: string,
  now: number
) =>
  warehouse.insert(tableOf(state), [rowOf("begun", commit, experiment, now)], {
    token: `begun ${commit.batch}`,
    comment: { assay: "state", experiment }
  })

/** Removes the states that the experiment had before this one: of other definitions, windows, policies or versions. */
export const dropOthers = Effect.fn("incremental.dropOthers")(function*(
  warehouse: WarehouseShape,
  state: Stored.StateName,
  experiment: string
): Effect.fn.Return<void, WarehouseError> {
  for (const table of yield* listTables(warehouse, experimentPrefix(experiment), state.database)) {
    if (!table.startsWith(`${state.name}_`)) yield* dropTable(warehouse, table, state.database)
  }
})

/** Commits a batch, unless another one has its place; answers whether it did. */
export const commit = Effect.fn("incremental.commit")(function*(
  warehouse: WarehouseShape,
  state: Stored.StateName,
  made: Commit,
  experiment: string,
  now: number
): Effect.fn.Return<boolean, WarehouseError> {
  yield* warehouse.insert(tableOf(state), [rowOf("committed", made, experiment, now)], {
    token: `committed ${made.seq}`,
    comment: { assay: "state", experiment }
  })
  const head = yield* readHead(warehouse, state)
  return head?.batch === made.batch
})

/** The batches that can't count any more, now that this one is committed: of those that were begun for its place or one before. */
export const deadBatches = Effect.fn("incremental.dead")(function*(
  warehouse: WarehouseShape,
  state: Stored.StateName,
  { live, seq }: Commit
): Effect.fn.Return<ReadonlyArray<number>, WarehouseError> {
  const { rows } = yield* warehouse.query({
    text: `SELECT DISTINCT batch FROM ${tableOf(state)}
WHERE kind = 'begun' AND seq <= {seq:UInt64}
  AND batch NOT IN (SELECT batch FROM ${tableOf(state)} WHERE kind = 'dropped')`,
    parameters: { seq },
    settings: {}
  })
  return rows.map((row) => Number(row["batch"])).filter((batch) => !live.includes(batch))
})

/** Says that nothing is left of batches. */
export const markDropped = (
  warehouse: WarehouseShape,
  state: Stored.StateName,
  made: Commit,
  batches: ReadonlyArray<number>,
  experiment: string,
  now: number
) =>
  warehouse.insert(
    tableOf(state),
    batches.map((batch) => rowOf("dropped", { ...made, batch }, experiment, now)),
    { token: `dropped ${batches.join()}`, comment: { assay: "state", experiment } }
  )

/**
 * Whether a state can go on to where a plan ends: nothing that was read lies after it, and the end of the experiment, where it isn't the
 * same as before, lies after everything that was read, as it did then. Else the reason, for people.
 */
export const continues = (plan: Plan, { ended, region }: Commit): string | undefined => {
  const now = plan.experiment.ended_at === undefined ? null : Instant.toMillis(plan.experiment.ended_at)
  if (now !== ended && Math.min(now ?? Infinity, ended ?? Infinity) < Math.max(region.events, region.exposures)) {
    return "the end of the experiment was changed"
  }
  return plan.to < region.exposures || plan.reads.to < region.events
    ? "it is computed as of a time before what the state has read"
    : undefined
}
