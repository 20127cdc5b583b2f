/**
 * Advice: what added to the tables would let experiments read less, measured on copies of a part of the tables where these may be made,
 * else estimated. The tables themselves are never changed.
 */
import { compile, type Plan, Stored, type TableRead, tableReads, withConstants } from "@assay/aggregation"
import type { Statement, WarehouseError } from "@assay/model"
import type { Estimate, WarehouseShape } from "@assay/warehouse"
import { Effect, Result } from "effect"
import { factsOf, plain, quoted, quotedTable, type Refusal, type TableFacts } from "./facts.ts"
import { look, type Needs, samplingOf } from "./look.ts"
import {
  columnsNamed,
  ddlOf,
  indexFor,
  needsRebuild,
  projectionsFor,
  type Proposal,
  readsAt,
  undoOf
} from "./proposals.ts"
import { type Copied, type Copy, withCopies } from "./scratch.ts"

/** What statements read, and the time that they took (milliseconds), added up over those that were tried. */
export interface Cost {
  readonly rows: number
  readonly bytes: number
  readonly ms: number
}

/** What a proposal changes: measured on a copy, or estimated from how many rows are needed. */
export type Gain =
  | { readonly kind: "measured"; readonly before: Cost; readonly after: Cost }
  | {
    readonly kind: "estimated"
    readonly before: { readonly rows: number }
    readonly after: { readonly rows: number }
  }

/** A proposal that is worth it: its DDL, what it changes of what, and how large it would be on disk. */
export interface Advised {
  readonly proposal: Proposal
  readonly ddl: ReadonlyArray<string>
  readonly of: "recompute" | "refresh"
  readonly gain: Gain
  readonly bytes: number | undefined
  readonly notes: ReadonlyArray<string>
}

/** What is advised on a table, or why nothing is. */
export interface TableAdvice {
  readonly table: string
  readonly facts: TableFacts | undefined
  /** Rows that the statements read of it now, as ClickHouse estimates, and those that they need. */
  readonly reads: Needs | undefined
  /** Rows of the copy on which it was measured, of how many rows that it stands for. */
  readonly copy: { readonly rows: number; readonly of: number } | undefined
  readonly advised: ReadonlyArray<Advised>
  /** Why there is nothing, or not more. */
  readonly because: ReadonlyArray<string>
}

/** What experiments read, table by table. */
export interface Advice {
  /** Experiments whose statements were tried: those that read most. */
  readonly experiments: ReadonlyArray<string>
  readonly of: number
  readonly tables: ReadonlyArray<TableAdvice>
  /** Why it was estimated and not measured. */
  readonly unmeasured: string | undefined
}

/** What advice is asked for. `plans` are those of all experiments that share the tables, at least one. */
export interface AdviseInput {
  readonly plans: readonly [Plan, ...ReadonlyArray<Plan>]
  /** The database for copies, or why there is none. */
  readonly scratch: { readonly database: string } | { readonly reason: string }
  /** About how many rows of each table are copied. */
  readonly rows: number
  /** Whether states are kept, so that what arrived since is read, too. */
  readonly incremental: boolean
}

/** Statements of so many experiments are tried, of those that read most. */
const mostTried = 10

/** What spares less than this part of the rows or bytes isn't worth a second copy. */
const leastGain = 1.3

/** So many granules are too little to spare any. */
const fewGranules = 16

/** How often a statement is timed. */
const rounds = 3

/** A projection that finds more has to read less by this factor than the simpler one. */
const clearlyBetter = 1.1

/** How long before the newest row a refresh is taken to have been the last time, in milliseconds. */
const sinceRefresh = 3_600_000

/** What ClickHouse won't do for this user, or not within its limits: a reason not to, no failure. */
const isRefused = (error: WarehouseError): boolean =>
  error._tag === "QueryRejected" || error._tag === "QueryLimitExceeded"

const isRefusal = (found: TableFacts | Refusal): found is Refusal => "reason" in found

const statementOf = (plan: Plan): Statement => compile(withConstants(plan, []))

/** The plan over other tables, on this node alone. */
const over = (plan: Plan, places: ReadonlyMap<string, TableRead["at"]>): Plan => {
  const { cluster: _, exposures, ...mapping } = plan.mapping
  const place = (at: TableRead["at"]) => places.get(placeKey(at)) ?? at
  return {
    ...plan,
    mapping: {
      ...mapping,
      ...place(mapping),
      ...(exposures === undefined ? {} : { exposures: { ...exposures, ...place(exposures) } })
    }
  }
}

const placeKey = ({ database, table }: TableRead["at"]): string => `${database ?? ""}\0${table}`

/** The tables that a plan reads: one or two. */
const placesOf = (plan: Plan): ReadonlyArray<TableRead["at"]> => [
  ...new Map(tableReads(plan).map(({ at }) => [placeKey(at), at])).values()
]

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

/** Versions of ClickHouse that remember where a filter found nothing would read less each time; settings that make them forget it. */
const forgetful = Effect.fn("advice.forgetful")(function*(warehouse: WarehouseShape) {
  const { rows } = yield* warehouse.query(
    plain("SELECT name FROM system.settings WHERE name = 'use_query_condition_cache'")
  )
  return rows.length === 0 ? {} : { use_query_condition_cache: 0 }
})

/** What statements cost, each at the median of some rounds after one that isn't timed. */
const costOf = Effect.fn("advice.cost")(
  function*(warehouse: WarehouseShape, statements: ReadonlyArray<Statement>) {
    const settings = yield* forgetful(warehouse)
    const total = { rows: 0, bytes: 0, ms: 0 }
    for (const statement of statements) {
      const times: Array<number> = []
      for (let round = 0; round <= rounds; round++) {
        const { statistics } = yield* warehouse.query(
          { ...statement, settings: { ...statement.settings, ...settings } },
          { comment: { assay: "advise" } }
        )
        if (round > 0) times.push(statistics.durationMs)
        if (round === rounds) {
          total.rows += statistics.rowsRead
          total.bytes += statistics.bytesRead
        }
      }
      total.ms += median(times)
    }
    const cost: Cost = total
    return cost
  }
)

/** A table under advice. */
interface Subject {
  readonly named: TableRead["at"]
  readonly facts: TableFacts
  readonly needs: Needs
  readonly projections: ReadonlyArray<Proposal>
  readonly indices: ReadonlyArray<Proposal>
  readonly copied: Copied
  readonly stands: number
  readonly because: ReadonlyArray<string>
}

const shown = (n: number): string => Math.round(n).toLocaleString("en-US")

/** Why no other order is tried; undefined where one may help. */
const enough = ({ looked, needed, rows }: Needs, { granularity, sortingKey }: TableFacts): string | undefined => {
  if (rows === 0) return "nothing of it is read: it has no rows in the window"
  const order = sortingKey === "" ? "it has no order" : `its order (${sortingKey}) serves them`
  if (looked > 0 && rows < leastGain * needed) {
    return `of ${shown(rows)} rows that are read, about ${shown(needed)} are needed: ${order}`
  }
  return rows > fewGranules * granularity
    ? undefined
    : `only ${shown(rows)} rows of it are read, which is little whatever their order`
}

const subjectOf = Effect.fn("advice.subject")(
  function*(
    warehouse: WarehouseShape,
    named: TableRead["at"],
    facts: TableFacts,
    tried: readonly [Plan, ...ReadonlyArray<Plan>],
    { incremental, plans, rows }: AdviseInput,
    estimates: ReadonlyArray<Estimate>
  ) {
    const local = new Map([[placeKey(named), facts.at]])
    const here = plans.map((plan) => over(plan, local))
    const [first, ...others] = here.flatMap((plan) => readsAt(plan, facts.at))
    const reads = [first!, ...others] as const
    const needs = yield* look(warehouse, tried.map((plan) => over(plan, local)), facts, estimates)
    const ingested = [
      ...(reads.some(({ of }) => of === "events") ? [plans[0].mapping.columns.ingested] : []),
      ...(reads.some(({ of }) => of === "exposures")
        ? [
          plans[0].mapping.exposures === undefined
            ? plans[0].mapping.columns.ingested
            : plans[0].mapping.exposures.columns.ingested
        ]
        : [])
    ].find((column) => column !== undefined)
    const all = columnsNamed(plans.map(statementOf), facts)
    const kept = incremental && ingested !== undefined && facts.columns.some(({ name }) => name === ingested)
    const columns = kept && !all.includes(ingested) ? [...all, ingested] : all
    const aliases = facts.columns.filter(({ kind, name }) => kind === "ALIAS" && columns.includes(name))
      .map(({ name }) => name)
    const refused = enough(needs, facts) ??
      (aliases.length === 0 ?
        undefined :
        `${aliases.join(", ")} ${
          aliases.length === 1 ? "is an ALIAS" : "are ALIASes"
        }, which a projection can't hold: map a stored column, or make it MATERIALIZED`)
    const { sampling, stands } = yield* samplingOf(warehouse, here[0]!, reads, facts, rows)
    const stored = columns.filter((column) => !aliases.includes(column))
    const keys = facts.columns.map(({ name }) => name).filter((name) =>
      [facts.sortingKey, facts.partitionKey, facts.primaryKey].some((key) => key.includes(name))
    )
    const subject: Subject = {
      named,
      facts,
      needs,
      projections: refused === undefined ? projectionsFor(reads, columns, facts) : [],
      indices: kept && plans.some((plan) => Stored.refusal(plan) === undefined) ? indexFor(ingested, facts) : [],
      copied: { facts, columns: [...new Set([...stored, ...keys])], sampling },
      stands,
      because: refused === undefined ? [] : [refused]
    }
    return subject
  }
)

const notesOf = (proposal: Proposal, facts: TableFacts): ReadonlyArray<string> =>
  proposal.kind === "index" ? [] : [
    ...(needsRebuild(facts)
      ? [
        `A table of the engine ${facts.engine} takes projections only if merges make them anew, which they take longer for.`
      ]
      : []),
    `Each insert writes it, too. A table that is made anew with ORDER BY (${
      proposal.order.join(", ")
    }) does without it.`
  ]

/** The bytes of what a proposal added to a copy; undefined where the user may not see them. */
const sizeOf = (warehouse: WarehouseShape, proposal: Proposal, at: Copy["at"]) =>
  warehouse.query(plain(
    proposal.kind === "projection"
      ? "SELECT toFloat64(sum(bytes_on_disk)) AS bytes FROM system.projection_parts " +
        "WHERE active AND database = {database:String} AND table = {table:String} AND name = {name:String}"
      : "SELECT toFloat64(sum(data_compressed_bytes + marks_bytes)) AS bytes FROM system.data_skipping_indices " +
        "WHERE database = {database:String} AND table = {table:String} AND name = {name:String}",
    { database: at.database, table: at.table, name: proposal.name }
  )).pipe(
    Effect.map(({ rows: [row] }) => Number(row?.["bytes"])),
    Effect.catchTag("QueryRejected", () => Effect.succeed<number | undefined>(undefined))
  )

/** What a proposal that was put on a copy changes of what statements cost; it is taken off again. */
const tryOn = Effect.fn("advice.try")(function*(
  warehouse: WarehouseShape,
  proposal: Proposal,
  copy: Copy,
  statements: ReadonlyArray<Statement>
) {
  const wait = { mutations_sync: 2, alter_sync: 2 }
  const run = (text: string) => warehouse.command(plain(text, {}, wait), { comment: { assay: "advise" } })
  for (const text of ddlOf(proposal, copy.at)) yield* run(text)
  const [after, bytes] = [yield* costOf(warehouse, statements), yield* sizeOf(warehouse, proposal, copy.at)]
  yield* run(undoOf(proposal, copy.at))
  return { proposal, after, bytes }
})

/** What a refresh an hour after the last one reads of copies, to find what is new. */
const refreshStatements = Effect.fn("advice.refresh")(function*(
  warehouse: WarehouseShape,
  plans: ReadonlyArray<Plan>,
  column: string,
  copy: Copy
) {
  const { rows: [row] } = yield* warehouse.query(
    plain(
      `SELECT toFloat64(toUnixTimestamp64Milli(toDateTime64(max(${quoted(column)}), 3, 'UTC'))) AS newest FROM ${
        quotedTable(copy.at)
      }`
    )
  )
  const newest = Number(row?.["newest"])
  return plans.filter((plan) => Stored.refusal(plan) === undefined).map((plan) => {
    const region = (ingested: number) => ({ ingested, exposures: plan.to, events: plan.reads.to })
    return Stored.countNews(plan, { before: region(newest - sinceRefresh), until: region(newest + 1) })
  })
})

const ratio = (before: Cost, after: Cost): number =>
  Math.max(before.rows / Math.max(1, after.rows), before.bytes / Math.max(1, after.bytes))

/** Tries all proposals on copies of all tables. */
const measured = Effect.fn("advice.measured")(function*(
  warehouse: WarehouseShape,
  tried: readonly [Plan, ...ReadonlyArray<Plan>],
  subjects: ReadonlyArray<Subject>,
  database: string
) {
  return yield* withCopies(
    warehouse,
    database,
    tried[0],
    subjects.map(({ copied }) => copied),
    Effect.fnUntraced(function*(copies) {
      const places = new Map(subjects.map(({ named }, i) => [placeKey(named), copies[i]!.at]))
      const plans = tried.map((plan) => over(plan, places))
      const statements = plans.map(statementOf)
      const before = yield* costOf(warehouse, statements)
      return yield* Effect.forEach(subjects, (subject, i) =>
        Effect.gen(function*() {
          const copy = copies[i]!
          const { facts } = subject
          const whole = (bytes: number | undefined) =>
            bytes === undefined || copy.rows === 0 ? undefined : Math.round(bytes * facts.rows / copy.rows)
          const because = [...subject.because]
          const advised: Array<Advised> = []
          const take = (
            of: Advised["of"],
            from: Cost,
            { after, bytes, proposal }: {
              readonly proposal: Proposal
              readonly after: Cost
              readonly bytes: number | undefined
            }
          ) => {
            if (ratio(from, after) < leastGain) {
              const what = proposal.kind === "projection"
                ? `A projection ordered by ${proposal.order.join(", ")}`
                : `A minmax index on ${proposal.column}`
              because.push(
                `${what} was tried: ${shown(after.rows)} rows of the copy are read with it, ${shown(from.rows)} without`
              )
              return
            }
            advised.push({
              proposal,
              ddl: ddlOf(proposal, facts.at, facts),
              of,
              gain: { kind: "measured", before: from, after },
              bytes: whole(bytes),
              notes: notesOf(proposal, facts)
            })
          }
          const found = yield* Effect.forEach(subject.projections, (one) => tryOn(warehouse, one, copy, statements))
          const [best] = found.toSorted((a, b) => a.after.bytes - b.after.bytes)
          if (best !== undefined) {
            const simple = found[0]!
            take("recompute", before, simple.after.bytes <= clearlyBetter * best.after.bytes ? simple : best)
          }
          for (const index of subject.indices) {
            if (index.kind !== "index") continue
            const fresh = yield* refreshStatements(warehouse, plans, index.column, copy)
            take("refresh", yield* costOf(warehouse, fresh), yield* tryOn(warehouse, index, copy, fresh))
          }
          const advice: TableAdvice = {
            table: quotedTable(facts.at),
            facts,
            reads: subject.needs,
            copy: { rows: copy.rows, of: subject.stands },
            advised,
            because
          }
          return advice
        }))
    })
  )
})

/** The same from how many of the rows that are read are needed. */
const estimated = ({ because, facts, indices, needs, projections }: Subject): TableAdvice => {
  // The most particular order: how many rows are needed was counted with all that it tells apart.
  const proposal = projections.at(-1)
  const rows = Math.min(needs.rows, needs.needed + fewGranules * facts.granularity)
  const worth = proposal !== undefined && needs.looked > 0 && needs.rows >= leastGain * rows
  return {
    table: quotedTable(facts.at),
    facts,
    reads: needs,
    copy: undefined,
    advised: worth
      ? [{
        proposal,
        ddl: ddlOf(proposal, facts.at, facts),
        of: "recompute",
        gain: { kind: "estimated", before: { rows: needs.rows }, after: { rows } },
        bytes: undefined,
        notes: notesOf(proposal, facts)
      }]
      : [],
    because: [
      ...because,
      ...(proposal !== undefined && needs.looked === 0
        ? ["how many of the rows that are read are needed can't be found out"]
        : []),
      ...(indices.length === 0
        ? []
        : [
          `whether a minmax index on ${
            indices.map((one) => (one.kind === "index" ? one.column : "")).join(", ")
          } helps refreshes can only be measured`
        ])
    ]
  }
}

/** What another order of a table would spare a plan: rows that its statement reads, those that it needs, and the order that serves it. */
export interface Saving extends Needs {
  readonly table: string
  readonly order: ReadonlyArray<string>
}

/** What another order would spare a plan, by a look at a part of each table; nothing for tables that have none or can't be looked at. */
export const savingsOf = Effect.fn("advice.savings")(
  function*(
    warehouse: WarehouseShape,
    plan: Plan,
    estimate: Estimate
  ): Effect.fn.Return<ReadonlyArray<Saving>, WarehouseError> {
    const found = yield* Effect.forEach(placesOf(plan), (named) =>
      Effect.gen(function*() {
        const facts = yield* factsOf(warehouse, named, undefined)
        if (isRefusal(facts) || facts.through !== undefined) return []
        const here = over(plan, new Map([[placeKey(named), facts.at]]))
        const needs = yield* look(warehouse, [here], facts, [estimate])
        const order = projectionsFor(readsAt(here, facts.at), [], facts).at(-1)
        return enough(needs, facts) !== undefined || order?.kind !== "projection"
          ? []
          : [{ ...needs, table: `${facts.at.database}.${facts.at.table}`, order: order.order }]
      }).pipe(Effect.catchIf(isRefused, () => Effect.succeed([]))))
    return found.flat()
  }
)

/**
 * Looks at the tables that plans read, and tries what might spare reads. The plans share a mapping. Fails where ClickHouse can't be
 * asked; where copies can't be made, what is advised is estimated, and the reason is told.
 */
export const advise = Effect.fn("advise")(
  function*(warehouse: WarehouseShape, input: AdviseInput): Effect.fn.Return<Advice, WarehouseError> {
    const { plans, scratch } = input
    const cluster = plans[0].mapping.cluster?.name
    const named = placesOf(plans[0])
    const found = yield* Effect.forEach(named, (at) => factsOf(warehouse, at, cluster))
    const local = new Map(
      found.flatMap((one, i) => (isRefusal(one) ? [] : [[placeKey(named[i]!), one.at] as const]))
    )
    const refusals: Array<TableAdvice> = []
    const refuse = (at: TableRead["at"], reason: string) =>
      refusals.push({
        table: quotedTable(at),
        facts: undefined,
        reads: undefined,
        copy: undefined,
        advised: [],
        because: [reason]
      })
    const weighed: Array<{ readonly plan: Plan; readonly estimate: Estimate }> = []
    for (const plan of plans) {
      const estimate = yield* Effect.result(warehouse.estimate(statementOf(over(plan, local))))
      if (Result.isSuccess(estimate)) weighed.push({ plan, estimate: estimate.success })
      else if (!isRefused(estimate.failure)) return yield* estimate.failure
      else if (found.some(isRefusal)) weighed.push({ plan, estimate: { tables: [], rows: 0 } })
      else {
        for (const at of named) refuse(at, estimate.failure.message)
        return { experiments: [plan.experiment.key], of: plans.length, tables: refusals, unmeasured: undefined }
      }
    }
    const heaviest = weighed.toSorted((a, b) => b.estimate.rows - a.estimate.rows).slice(0, mostTried)
    const tried: readonly [Plan, ...ReadonlyArray<Plan>] = [
      heaviest[0]!.plan,
      ...heaviest.slice(1).map(({ plan }) => plan)
    ]
    const estimates = heaviest.map(({ estimate }) => estimate)
    const subjects: Array<Subject> = []
    for (const [i, facts] of found.entries()) {
      const at = named[i]!
      if (isRefusal(facts)) {
        refuse(at, facts.reason)
        continue
      }
      const subject = yield* Effect.result(subjectOf(warehouse, at, facts, tried, input, estimates))
      if (Result.isSuccess(subject)) subjects.push(subject.success)
      else if (isRefused(subject.failure)) refuse(at, subject.failure.message)
      else return yield* subject.failure
    }
    const open = subjects.some(({ indices, projections }) => projections.length + indices.length > 0)
    const trying = !open || refusals.length > 0 || "reason" in scratch
      ? undefined
      : yield* Effect.result(measured(warehouse, tried, subjects, scratch.database))
    if (trying?._tag === "Failure" && !isRefused(trying.failure)) return yield* trying.failure
    const advice = trying?._tag === "Success" ? trying.success : subjects.map(estimated)
    return {
      experiments: tried.map(({ experiment }) => experiment.key),
      of: plans.length,
      tables: [...advice, ...refusals],
      unmeasured: !open
        ? undefined
        : trying?._tag === "Failure"
        ? `a copy in ${
          "reason" in scratch ? "" : scratch.database
        } can't be made or tried: ${trying.failure.message}; ` +
          "name a database in which this user may make and drop tables"
        : "reason" in scratch
        ? scratch.reason
        : refusals.length > 0
        ? "not all tables that are read can be copied"
        : undefined
    }
  }
)
