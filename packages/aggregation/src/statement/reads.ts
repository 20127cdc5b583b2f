/** What the statement of a plan reads of its tables: by which columns its rows are told from all others. */
import type { Statement } from "@assay/model"
import { and, type Fragment, identifier, integer, join, parameter, sql } from "@assay/sql"
import type { Plan } from "../Plan.ts"
import { strategyOf } from "../Strategy.ts"
import { statement } from "./compile.ts"
import { eventColumns, isRead } from "./events.ts"
import { exposureSource } from "./exposures.ts"
import { inWindow, table } from "./table.ts"

/** The exposures or the metric events of a plan, as rows of a table. */
export interface TableRead {
  readonly of: "exposures" | "events"
  readonly at: { readonly database?: string; readonly table: string }
  /** Columns of which one value or a few are read: the environment, the event, the feature. */
  readonly equal: ReadonlyArray<string>
  readonly timestamp: string
  /** Milliseconds since 1970-01-01 UTC, [from, to). */
  readonly window: { readonly from: number; readonly to: number }
  /** How often the statement reads these rows. */
  readonly times: number
  readonly where: ReadonlyArray<Fragment>
}

const present = (columns: ReadonlyArray<string | undefined>): ReadonlyArray<string> =>
  columns.filter((column) => column !== undefined)

/** The reads of a plan's statement: of the exposures, and of the metric events where it has any. */
export const tableReads = (plan: Plan): ReadonlyArray<TableRead> => {
  const { mapping, reads } = plan
  const source = exposureSource(plan, "own")
  const columns = eventColumns(plan)
  const { environment, event, timestamp } = mapping.columns
  return [
    {
      of: "exposures",
      at: placeOf(mapping.exposures ?? mapping),
      equal: mapping.exposures === undefined
        ? present([environment, event, mapping.columns.feature])
        : present([mapping.exposures.columns.environment, mapping.exposures.columns.feature]),
      timestamp: source.timestamp,
      window: { from: plan.from, to: plan.to },
      times: strategyOf(plan).exposures === "once" ? 1 : 2,
      where: source.where
    },
    ...(columns.events.length === 0 ? [] : [{
      of: "events" as const,
      at: placeOf(mapping),
      equal: present([environment, event]),
      timestamp,
      window: reads,
      times: 1,
      where: isRead(plan, columns)
    }])
  ]
}

const placeOf = ({ database, table }: TableRead["at"]): TableRead["at"] => ({
  ...(database === undefined ? {} : { database }),
  table
})

/**
 * Some rows of a table of the MergeTree family: of every `every` blocks of so many rows that follow each other in a part the first one, all
 * where `every` is 1; of some `partitions` alone, by their ids, where they are named. Which rows these are is known without reading any.
 */
export interface Sampling {
  readonly block: number
  readonly every: number
  readonly partitions?: ReadonlyArray<string>
}

/** The conditions of rows that a sampling takes. */
const inSample = ({ block, every, partitions }: Sampling): ReadonlyArray<Fragment> => [
  ...(partitions === undefined ? [] : [sql`has(${parameter("Array(String)", partitions)}, _partition_id)`]),
  ...(every === 1 ? [] : [sql`intDiv(_part_offset, ${integer(block)}) % ${integer(every)} = 0`])
]

/** Names the partitions, by their `id`, that have rows in the windows of reads of a table. */
export const compilePartitions = (plan: Plan, reads: readonly [TableRead, ...ReadonlyArray<TableRead>]): Statement => {
  const window = {
    from: Math.min(...reads.map((read) => read.window.from)),
    to: Math.max(...reads.map((read) => read.window.to))
  }
  const [{ at, timestamp }] = reads
  return statement(
    sql`SELECT DISTINCT _partition_id AS id FROM ${table(plan, at, "own")} WHERE ${and(inWindow(window, timestamp))}`
  )
}

/** Counts the `rows` in a sample of a table. */
export const compileSize = (plan: Plan, at: TableRead["at"], sampling: Sampling): Statement =>
  statement(sql`SELECT count() AS rows FROM ${table(plan, at, "own")} WHERE ${and(inSample(sampling))}`)

/** Counts, of the rows of a table that are in a sample (`looked`), those that the plan's exposures and events are (`needed0…`, a column per read). */
export const compileLook = (
  plan: Plan,
  reads: readonly [TableRead, ...ReadonlyArray<TableRead>],
  sampling: Sampling
): Statement =>
  statement(
    sql`SELECT ${
      join([sql`count() AS looked`, ...reads.map(({ where }, i) => sql`countIf(${and(where)}) AS needed${integer(i)}`)])
    }
FROM ${table(plan, reads[0].at, "own")}
WHERE ${and(inSample(sampling))}`
  )

/** Copies the columns of the rows in a sample into another table that has them. */
export const compileCopy = (
  plan: Plan,
  from: TableRead["at"],
  into: TableRead["at"],
  columns: ReadonlyArray<string>,
  sampling: Sampling
): Statement => {
  const names = join(columns.map(identifier))
  return statement(sql`INSERT INTO ${table(plan, into, "own")} (${names})
SELECT ${names} FROM ${table(plan, from, "own")}
WHERE ${and(inSample(sampling))}`)
}
