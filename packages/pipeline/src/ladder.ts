/**
 * A ladder for statements that take more memory than there is: as it is, with what doesn't fit on disk, in parts of the identities (their
 * moments add up), or not at all, with a reason.
 */
import { chunked, compile, type Plan } from "@assay/aggregation"
import { type AssayError, type MemoryMode, QueryLimitExceeded, type Statement, type WarehouseError } from "@assay/model"
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

const all: ReadonlyArray<MemoryMode | undefined> = [
  undefined,
  { by: "spill" },
  ...chunkings.map((chunks): MemoryMode => ({ by: "chunks", chunks }))
]

/** After so many runs on a rung, the next one begins on the one below: there may be fewer events now, or more memory. */
export const lowerAfter = 8

const placeOf = (memory: MemoryMode | undefined): number =>
  Math.max(0, all.findIndex((rung) => rung?.by === memory?.by && rung?.chunks === memory?.chunks))

/** The rungs, from the one that an earlier run ended on, or the one below after many runs there. */
export const rungs = (before?: MemoryMode): ReadonlyArray<MemoryMode | undefined> =>
  all.slice(Math.max(0, placeOf(before) - ((before?.runs ?? 1) >= lowerAfter ? 1 : 0)))

/** A rung as a run tells it: `runs` goes on where it began there, and starts anew where it came there from below. */
const ended = (rung: MemoryMode | undefined, first: boolean, before: MemoryMode | undefined): MemoryMode | undefined =>
  rung && { ...rung, runs: first && placeOf(rung) === placeOf(before) ? (before?.runs ?? 1) + 1 : 1 }

/** Whether a statement took more memory than there is, so that one for less may do. */
export const isTooLarge = (error: AssayError): error is QueryLimitExceeded =>
  error._tag === "QueryLimitExceeded" && error.limit === "memory"

/** A disk that is too small for what a rung puts there is a reason to take the next one, which puts less there. */
const isOutOfDisk = (error: WarehouseError): boolean => error._tag === "QueryRejected" && error.clickhouseCode === 243

/**
 * Climbs until the plan's answer fits into memory. `run` asks one statement; `before` is how an earlier run ended. Fails with the error of the last rung, which says what was tried,
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
    let got: Pick<QueryResult, "rows" | "statistics"> | undefined
    for (const one of plans) {
      const statement = compile(one)
      const { rows, statistics } = yield* run({ ...statement, settings: { ...settings, ...statement.settings } })
      got = { rows: [...got?.rows ?? [], ...rows], statistics: together(got?.statistics, statistics) }
    }
    return got!
  })
  return Effect.gen(function*() {
    let last: QueryLimitExceeded | undefined
    let refused: WarehouseError | undefined
    for (const [i, rung] of rungs(before).entries()) {
      const tried = yield* Effect.result(on(rung, last?.value ?? assumed))
      if (tried._tag === "Success") return { ...tried.success, memory: ended(rung, i === 0, before) }
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
