/**
 * A ladder for statements that take more memory than there is: as it is, with what doesn't fit on disk, in parts of the identities (their
 * moments add up), or not at all, with a reason.
 */
import { chunked, compile, type Plan } from "@assay/aggregation"
import { type MemoryMode, QueryLimitExceeded, type Statement, type WarehouseError } from "@assay/model"
import { type QueryResult, spillSettings } from "@assay/warehouse"
import { Effect } from "effect"

/** In how many parts a statement is tried, one after the other. */
export const chunkings = [4, 16, 64] as const

/** From so large a part of the memory that there is, a statement goes to disk. */
const spillFrom = 1 / 3

/** Less than this can't be spilled in. */
const leastSpill = 10_000_000

/** Memory that is assumed where neither configuration nor ClickHouse says how much there is. */
const assumed = 4e9

/** What the rungs gave: the rows of one statement or of several, and how. */
export interface Climbed {
  readonly rows: QueryResult["rows"]
  readonly statistics: QueryResult["statistics"]
  readonly memory: MemoryMode | undefined
}

/** What several queries took in all; the id is the last one's. */
export const together = (
  before: QueryResult["statistics"] | undefined,
  last: QueryResult["statistics"]
): QueryResult["statistics"] => {
  if (before === undefined) return last
  const peaks = [before, last].flatMap((
    { peakMemoryBytes }
  ) => (peakMemoryBytes === undefined ? [] : [peakMemoryBytes]))
  return {
    ...last,
    rowsRead: before.rowsRead + last.rowsRead,
    bytesRead: before.bytesRead + last.bytesRead,
    durationMs: before.durationMs + last.durationMs,
    ...(peaks.length === 0 ? {} : { peakMemoryBytes: Math.max(...peaks) })
  }
}

/** The rungs, from the one that an earlier run ended on. */
export const rungs = (before?: MemoryMode): ReadonlyArray<MemoryMode | undefined> => {
  const all: ReadonlyArray<MemoryMode | undefined> = [
    undefined,
    { by: "spill" },
    ...chunkings.map((chunks): MemoryMode => ({ by: "chunks", chunks }))
  ]
  const at = all.findIndex((rung) => rung?.by === before?.by && rung?.chunks === before?.chunks)
  return all.slice(Math.max(0, at))
}

const isTooLarge = (error: WarehouseError): error is QueryLimitExceeded =>
  error._tag === "QueryLimitExceeded" && error.limit === "memory"

/** A disk that is too small for what a rung puts there is a reason to take the next one, which puts less there. */
const isOutOfDisk = (error: WarehouseError): boolean => error._tag === "QueryRejected" && error.clickhouseCode === 243

/**
 * Climbs until the plan's answer fits into memory. `run` asks one statement. Fails with the error of the last rung, which says what was tried,
 * or with any other error at once.
 */
export const climb = <R>(
  plan: Plan,
  run: (statement: Statement) => Effect.Effect<QueryResult, WarehouseError, R>,
  before?: MemoryMode
): Effect.Effect<Climbed, WarehouseError, R> => {
  const on = Effect.fnUntraced(function*(rung: MemoryMode | undefined, ceiling: number) {
    const settings = rung === undefined ? {} : spillSettings(Math.max(leastSpill, Math.floor(spillFrom * ceiling)))
    const plans = rung?.chunks === undefined ? [plan] : chunked(plan, rung.chunks)
    let all: Pick<QueryResult, "rows" | "statistics"> | undefined
    for (const one of plans) {
      const statement = compile(one)
      const { rows, statistics } = yield* run({ ...statement, settings: { ...settings, ...statement.settings } })
      all = { rows: [...all?.rows ?? [], ...rows], statistics: together(all?.statistics, statistics) }
    }
    return { ...all!, memory: rung }
  })
  return Effect.gen(function*() {
    let last: QueryLimitExceeded | undefined
    let refused: WarehouseError | undefined
    for (const rung of rungs(before)) {
      const tried = yield* Effect.result(on(rung, last?.value ?? assumed))
      if (tried._tag === "Success") return tried.success
      const { failure } = tried
      if (isTooLarge(failure)) last = failure
      else if (rung === undefined || !isOutOfDisk(failure)) return yield* failure
      refused = failure
    }
    if (last === undefined) return yield* refused!
    return yield* new QueryLimitExceeded({
      limit: "memory",
      value: last.value,
      message: `${last.message} It was tried with parts on disk, and in up to ${
        chunkings.at(-1)
      } parts of the identities.`,
      hint: last.hint,
      ...(last.queryId === undefined ? {} : { queryId: last.queryId })
    })
  })
}
