/** A refresh: the answer of a plan from what is stored of its data and what is new since. */
import {
  beginTotals,
  carryTotals,
  decodeConstants,
  isAsOld,
  type Plan,
  Stored,
  type Totals,
  withConstants
} from "@assay/aggregation"
import { type DecodeError, Instant, type Statement, type WarehouseError } from "@assay/model"
import type { QueryOptions, QueryResult, QueryStatistics, WarehouseShape } from "@assay/warehouse"
import { Duration, Effect } from "effect"
import { randomInt } from "node:crypto"
import { together } from "../ladder.ts"
import {
  begin,
  type Commit,
  commit,
  continues,
  createLedger,
  deadBatches,
  dropOthers,
  markDropped,
  meaningOf,
  readHead,
  stateOf
} from "./ledger.ts"

/** How states are kept. */
export interface StateContext {
  /** The connection that may read the events and write the states. */
  readonly warehouse: WarehouseShape
  /** Where the states lie; the connection's own database where it is absent. */
  readonly database?: string
  /** How long after its time a row may still become visible, in milliseconds. */
  readonly lag: number
  /** Whether to read everything anew. */
  readonly rebuild?: boolean
}

/** What a refresh found: the rows of the plan's statement, and how. */
export interface Refreshed {
  readonly plan: Plan
  /** The rows, and what all statements of the refresh took together. */
  readonly answer: QueryResult
  /** Whether everything was read anew. */
  readonly rebuilt: boolean
  /** Rows of exposures and events that were read. */
  readonly added: number
  /** Rows stored before this time are in the answer; milliseconds since 1970-01-01 UTC. */
  readonly ingested: number
}

/** A batch is absorbed where those after it are together at least this part of it. */
const absorbedFrom = 1 / 2

/** So many batches are left alone: to look into one more costs less than to copy it. */
const leftAlone = 5

/**
 * Which of the batches before a new one of so many rows it takes in: none as long as they are few, else the latest, as long as they are
 * small against what comes after them.
 */
export const absorbedBy = (
  { live, sizes }: Pick<Commit, "live" | "sizes">,
  rows: number
): { readonly absorbed: ReadonlyArray<number>; readonly rows: number } => {
  let [from, total] = [live.length, rows]
  while (live.length >= leftAlone && from > 0 && absorbedFrom * sizes[from - 1]! <= total) {
    from -= 1
    total += sizes[from]!
  }
  return { absorbed: live.slice(from), rows: total }
}

const nothing: Pick<Commit, "live" | "sizes"> = { live: [], sizes: [] }

/** Numbers of batches are drawn, so that no two refreshes write into the same one. */
const drawBatch = Effect.sync(() => randomInt(1, 2 ** 48 - 1))

/** An answer, and what it leaves for the next one to go on from: nothing where it can't. */
interface Answered {
  readonly plan: Plan
  readonly answer: QueryResult
  readonly totals: Totals | undefined
}

/** The answer over all units of these batches. */
const sumUp = Effect.fn("incremental.sumUp")(function*(
  { warehouse }: StateContext,
  planned: Plan,
  state: Stored.StateName,
  live: ReadonlyArray<number>,
  options: QueryOptions
): Effect.fn.Return<Answered, WarehouseError | DecodeError> {
  const first = Stored.answerConstants(planned, state, live)
  const plan = first === undefined
    ? planned
    : withConstants(
      planned,
      yield* Effect.fromResult(decodeConstants(planned, (yield* warehouse.query(first)).rows))
    )
  const answer = yield* warehouse.query(Stored.answer(plan, state, live), options)
  const totals = meaningOf(planned) === undefined ? undefined : yield* Effect.fromResult(beginTotals(plan, answer.rows))
  return { plan, answer, totals }
})

/** The totals of a commit, where they mean what those of the plan do. */
const totalsFor = (planned: Plan, head: Commit | undefined): Totals | undefined =>
  head?.totals !== undefined && head.meaning === meaningOf(planned) ? head.totals : undefined

/** The answer of totals carried on by a batch; undefined where it has to be summed up. */
const carryOn = Effect.fn("incremental.carryOn")(function*(
  { warehouse }: StateContext,
  planned: Plan,
  state: Stored.StateName,
  before: Totals,
  batch: number,
  live: ReadonlyArray<number>,
  options: QueryOptions
): Effect.fn.Return<Answered | undefined, WarehouseError | DecodeError> {
  const { rows, statistics } = yield* warehouse.query(
    Stored.difference(planned, state, batch, live, before.ripe),
    options
  )
  const totals = yield* Effect.fromResult(carryTotals(planned, before, rows))
  return totals === undefined ? undefined : { plan: planned, answer: { rows: totals.rows, statistics }, totals }
})

/** The answer of totals to which a batch without rows comes: no query is asked, unless identities have grown old enough meanwhile. */
const unchanged = (
  context: StateContext,
  planned: Plan,
  state: Stored.StateName,
  totals: Totals,
  batch: number,
  live: ReadonlyArray<number>,
  options: QueryOptions
): Effect.Effect<Answered | undefined, WarehouseError | DecodeError> =>
  isAsOld(planned, totals)
    ? Effect.succeed({
      plan: planned,
      answer: {
        rows: totals.rows,
        statistics: { queryId: options.queryId ?? "", rowsRead: 0, bytesRead: 0, durationMs: 0 }
      },
      totals
    })
    : carryOn(context, planned, state, totals, batch, live, options)

/** Writes a batch on top of a commit and commits it; undefined where another refresh was quicker. */
const advance = Effect.fn("incremental.advance")(function*(
  context: StateContext,
  planned: Plan,
  state: Stored.StateName,
  head: Commit | undefined,
  now: number,
  options: QueryOptions
): Effect.fn.Return<Refreshed | undefined, WarehouseError | DecodeError> {
  const { warehouse } = context
  const experiment = planned.experiment.key
  const run = (statements: ReadonlyArray<Statement>) =>
    Effect.forEach(statements, (one) => warehouse.command(one, { comment: { assay: "state", experiment } }), {
      discard: true
    })
  if (head === undefined || context.rebuild === true) {
    yield* run([createLedger(state), ...Stored.create(planned, state)])
  }
  const before = context.rebuild === true ? undefined : head
  const until = {
    ingested: Math.max(before?.region.ingested ?? 0, now - context.lag),
    exposures: planned.to,
    events: planned.reads.to
  }
  const batch = yield* drawBatch
  const base = before ?? nothing
  const ended = planned.experiment.ended_at === undefined ? null : Instant.toMillis(planned.experiment.ended_at)
  const made: Commit = {
    seq: (head?.seq ?? 0) + 1,
    batch,
    live: [batch],
    sizes: [0],
    region: until,
    ended,
    meaning: meaningOf(planned),
    totals: undefined
  }
  const totals = totalsFor(planned, before)
  yield* begin(warehouse, state, made, experiment, now)
  const input = { batch, before: before?.region, until }
  yield* run([Stored.addExposures(planned, state, input), Stored.addEvents(planned, state, input)])
  const { rows: [counted] } = yield* warehouse.query(Stored.size(state, batch))
  const added = Number(counted?.["rows"])
  if (added === 0 && before !== undefined) {
    const known = totals === undefined
      ? undefined
      : yield* unchanged(context, planned, state, totals, batch, before.live, options)
    const { answer, plan } = known ?? (yield* sumUp(context, planned, state, before.live, options))
    const still = yield* readHead(warehouse, state)
    return still?.batch === before.batch
      ? { answer, plan, rebuilt: false, added, ingested: until.ingested }
      : undefined
  }
  yield* run(Stored.addUnits(planned, state, batch, base.live))
  // Before the batch absorbs others: they aren't part of the difference.
  const carried = totals === undefined
    ? undefined
    : yield* carryOn(context, planned, state, totals, batch, base.live, options)
  const { absorbed, rows } = absorbedBy(base, added)
  yield* run(Stored.absorb(planned, state, batch, absorbed))
  const kept = base.live.length - absorbed.length
  const live = [...base.live.slice(0, kept), batch]
  const found = carried ?? (yield* sumUp(context, planned, state, live, options))
  const committed = { ...made, live, sizes: [...base.sizes.slice(0, kept), rows], totals: found.totals }
  const forget = (batches: ReadonlyArray<number>) =>
    batches.length === 0 ? Effect.void : Effect.andThen(
      run(Stored.forget(state, batches)),
      markDropped(warehouse, state, made, batches, experiment, now)
    )
  if (!(yield* commit(warehouse, state, committed, experiment, now))) {
    yield* Effect.ignore(forget([batch]))
    return undefined
  }
  // What is left behind does no harm, and the next refresh removes it, too.
  yield* deadBatches(warehouse, state, committed).pipe(
    Effect.flatMap(forget),
    Effect.andThen(head === undefined ? dropOthers(warehouse, state, experiment) : Effect.void),
    Effect.ignore
  )
  return {
    answer: found.answer,
    plan: found.plan,
    rebuilt: before === undefined,
    added,
    ingested: until.ingested
  }
})

/** A warehouse that adds up what all its statements take. */
const counting = (
  warehouse: WarehouseShape
): { readonly warehouse: WarehouseShape; readonly spent: () => QueryStatistics } => {
  let spent: QueryStatistics = { queryId: "", rowsRead: 0, bytesRead: 0, durationMs: 0 }
  const count = (statistics: QueryStatistics) => Effect.sync(() => void (spent = together(spent, statistics)))
  return {
    spent: () => spent,
    warehouse: {
      ...warehouse,
      query: (...args) => Effect.tap(warehouse.query(...args), ({ statistics }) => count(statistics)),
      command: (...args) => Effect.tap(warehouse.command(...args), count),
      insert: (...args) =>
        Effect.flatMap(
          Effect.timed(warehouse.insert(...args)),
          ([time]) => count({ queryId: "", rowsRead: 0, bytesRead: 0, durationMs: Duration.toMillis(time) })
        )
    }
  }
}

/** How often a refresh begins again where another one was quicker. */
const tries = 3

/**
 * The answer of a plan from its state, which is brought up to date: what was stored since (`now` minus the lag at most) is read, and
 * nothing else. Where the plan can't be answered so, the reason, for people.
 */
export const refresh = Effect.fn("incremental.refresh")(function*(
  context: StateContext,
  planned: Plan,
  now: number,
  options: QueryOptions = {}
): Effect.fn.Return<Refreshed | { readonly reason: string }, WarehouseError | DecodeError> {
  const refused = Stored.refusal(planned)
  if (refused !== undefined) return { reason: refused }
  const state = stateOf(planned, context.database)
  const { spent, warehouse } = counting(context.warehouse)
  for (let i = 0; i < tries; i++) {
    const head = yield* readHead(warehouse, state)
    const reason = head === undefined ? undefined : continues(planned, head)
    if (reason !== undefined && context.rebuild !== true) return { reason }
    const refreshed = yield* advance({ ...context, warehouse }, planned, state, head, now, options)
    if (refreshed !== undefined) {
      const { rows, statistics: { queryId } } = refreshed.answer
      return { ...refreshed, answer: { rows, statistics: { ...spent(), queryId } } }
    }
  }
  return { reason: "other refreshes of it were quicker" }
})
