/**
 * Stored: what a plan has read, kept in tables of the program's own, so that the next answer takes only what is new.
 *
 * A state is three tables, whose rows come in batches:
 *
 * - `events`: the metric events that were read, parsed, a row for each that was delivered;
 * - `exposures`: the exposures that were read;
 * - `units`: the units of identities. That of an identity is its row in the latest batch that has one.
 *
 * A batch adds rows that weren't read before, then the units of all identities that they are about (made of all that is stored of these
 * identities, so a late event, a repeated row, an earlier first exposure or a second variant need no rules of their own). The answer is
 * then the same as that of a whole read, since moments are sums over units. A batch may absorb the latest of those before it; so there are
 * few of them, and each row is copied a few times in all.
 *
 * Which batches count is for the caller to say: a batch that isn't named is as if it weren't there.
 */
import type { Statement } from "@assay/model"
import { and, empty, type Fragment, identifier, integer, join, sql, word } from "@assay/sql"
import { compileConditions } from "../Filter.ts"
import { measures, type Plan } from "../Plan.ts"
import { fromParts } from "./accumulate.ts"
import { badEvents } from "./bad-events.ts"
import { statement } from "./compile.ts"
import { constants } from "./constants.ts"
import { eventColumns, eventNumber, isRead, numbered, rawValue, rowKey, settled } from "./events.ts"
import { carriedBy, exposureRows, exposures, exposureSource, nameless, never, noArm } from "./exposures.ts"
import { moments, momentsBySide, ripeTimes } from "./moments.ts"
import { isRipe, trait } from "./placed.ts"
import { identityKey, offset, own, table, text, time } from "./table.ts"
import { units } from "./units.ts"

/** Where a state lies: its tables are `<name>_events`, `<name>_exposures` and `<name>_units`. */
export interface StateName {
  readonly database?: string
  readonly name: string
}

/**
 * What has been read, in milliseconds since 1970-01-01 UTC, each exclusive: rows stored before `ingested`, of exposures and events before
 * `exposures` and `events`.
 */
export interface Region {
  readonly ingested: number
  readonly exposures: number
  readonly events: number
}

/** The tables of a state. */
export const parts = ["events", "exposures", "units", "replaced", "remade"] as const
type Part = (typeof parts)[number]

const at = ({ database, name }: StateName, part: Part): Fragment =>
  join([...(database === undefined ? [] : [database]), `${name}_${part}`].map(identifier), sql`.`)

const among = (batches: ReadonlyArray<number>): Fragment =>
  batches.length === 0 ? sql`0` : sql`batch IN (${join(batches.map(integer))})`

/** Whether repeated rows are looked for. */
const looksForCopies = ({ deduplication }: Plan): boolean => deduplication.policy !== "none"

type Columns = ReadonlyArray<readonly [name: Fragment, type: Fragment]>

const [number, real, whole] = [sql`UInt64`, sql`Float64`, sql`UInt8`]

/** What a unit has of events. */
const eventful = (plan: Plan): Columns => [
  [word("early"), number],
  [word("latest"), number],
  ...(looksForCopies(plan) ? [[word("repeated"), number] as const] : []),
  ...badEvents(eventColumns(plan)).map(({ name }) => [name, sql`Array(UInt64)`] as const),
  ...plan.accumulators.map(({ accumulator }, i) =>
    [numbered("a", i), accumulator.kind === "list" ? sql`Array(Float64)` : real] as const
  )
]

/** The columns of each table, behind `batch` and `k`. */
const columnsOf = (plan: Plan): Readonly<Record<Part, Columns>> => {
  const { conditions, values } = eventColumns(plan)
  const copies = looksForCopies(plan)
  const unit: Columns = [
    [word("exposure"), number],
    ...plan.traits.map((_, i) => [trait(i), real] as const),
    ...eventful(plan)
  ]
  return {
    events: [
      ...(copies ? [[own("h"), number] as const] : []),
      [own("m"), sql`UInt16`],
      [own("t"), number],
      ...values.map(({ reads }, i) =>
        [own("v", i), reads === "value" ? sql`Nullable(Float64)` : sql`Nullable(String)`] as const
      ),
      ...conditions.map((_, i) => [own("c", i), whole] as const)
    ],
    exposures: [
      [own("at"), number],
      [own("arm"), whole],
      ...plan.traits.map((_, i) => [own("x", i), real] as const)
    ],
    units: unit,
    replaced: unit,
    remade: []
  }
}

/** What an identity's rows are found by. */
const key = (part: Part): Fragment => part === "events" || part === "exposures" ? own("k") : word("k")

/** Small, so that a few identities are found by reading little. */
const granularity = 1024

/** Why the state of a plan can't be kept, for people; undefined where it can. */
export const refusal = (plan: Plan): string | undefined =>
  plan.mapping.cluster !== undefined
    ? "the tables lie on a cluster"
    : plan.breakdowns.length > 0
    ? "it has slices, whose values may change with the data"
    : plan.series !== undefined
    ? "it has a series"
    : undefined

/** Where the same row may lie: repeated ones have the same time. */
const byTime = sql`,
  PROJECTION by_time (SELECT batch, ${own("t")}, ${own("k")}, ${own("h")} ORDER BY ${own("t")})`

/** Units that are replaced are read once, all of them: they needn't be found one by one, and to compress them takes longer than it saves. */
const inOneFile = sql`, min_bytes_for_wide_part = 1000000000`
const uncompressed = sql` CODEC(NONE)`

/** The statements that make the tables of a state where they aren't there. */
export const create = (plan: Plan, state: StateName): ReadonlyArray<Statement> => {
  const columns = columnsOf(plan)
  return parts.map((part) =>
    statement(
      sql`CREATE TABLE IF NOT EXISTS ${at(state, part)} (
  batch UInt64,
  ${key(part)} UInt64,
  ${
        join(
          columns[part].map(([name, type]) => sql`${name} ${type}${part === "replaced" ? uncompressed : empty}`),
          sql`,
  `
        )
      }${part === "events" && plan.deduplication.policy === "row" ? byTime : empty}
) ENGINE = MergeTree
PARTITION BY batch
ORDER BY ${part === "replaced" ? sql`tuple()` : key(part)}
SETTINGS index_granularity = ${integer(granularity)}${part === "replaced" ? inOneFile : empty}`
    )
  )
}

/** The statements that remove the tables of a state. */
export const drop = (state: StateName): ReadonlyArray<Statement> =>
  parts.map((part) => statement(sql`DROP TABLE IF EXISTS ${at(state, part)}`))

/** The statements that remove batches; none where there are none. */
export const forget = (state: StateName, batches: ReadonlyArray<number>): ReadonlyArray<Statement> =>
  batches.length === 0 ? [] : parts.map((part) =>
    statement(
      sql`ALTER TABLE ${at(state, part)} ${join(batches.map((batch) => sql`DROP PARTITION ${integer(batch)}`))}`
    )
  )

/**
 * The rows of a region that aren't in the one before, as lists of conditions that no row meets two of: those stored since, and those
 * whose time hadn't come.
 */
const news = (
  columns: { readonly ingested?: string; readonly timestamp: string },
  timed: "exposures" | "events",
  before: Region | undefined,
  until: Region
): ReadonlyArray<ReadonlyArray<Fragment>> => {
  const stored = identifier(columns.ingested ?? columns.timestamp)
  const known = sql`${stored} < ${time(until.ingested)}`
  return before === undefined ? [[known]] : [
    [sql`${stored} >= ${time(before.ingested)}`, known],
    [sql`${stored} < ${time(before.ingested)}`, sql`${identifier(columns.timestamp)} >= ${time(before[timed])}`]
  ]
}

const union = (all: ReadonlyArray<Fragment>): Fragment =>
  join(
    all,
    sql`
UNION ALL
`
  )

const insert = (state: StateName, part: Part, columns: Columns, rows: Fragment): Statement =>
  statement(
    sql`INSERT INTO ${at(state, part)} (batch, ${join([key(part), ...columns.map(([name]) => name)])})
${rows}`
  )

/** A statement over few rows: to compile its expressions would take longer than to interpret them. */
const interpreted = (one: Statement): Statement => ({
  ...one,
  settings: { ...one.settings, compile_expressions: 0, compile_aggregate_expressions: 0, compile_sort_description: 0 }
})

/** What makes one batch of a state. `before` is what the batches before it have read, `until` what is read after it. */
export interface Batch {
  readonly batch: number
  readonly before: Region | undefined
  readonly until: Region
}

/** The statement that adds a batch's exposures. The plan is that of the region's end. */
export const addExposures = (plan: Plan, state: StateName, { batch, before, until }: Batch): Statement => {
  const source = exposureSource(plan, "own")
  const columns = plan.mapping.exposures?.columns ?? plan.mapping.columns
  const reads = carriedBy(plan).map(({ read }) => read)
  return insert(
    state,
    "exposures",
    columnsOf(plan).exposures,
    sql`SELECT ${integer(batch)}, * FROM (
${
      union(
        news(columns, "exposures", before, until).map((more) =>
          exposureRows(plan, { ...source, where: [...source.where, ...more] }, reads)
        )
      )
    }
)`
  )
}

/** The statement that adds a batch's events. The plan is that of the region's end. */
export const addEvents = (plan: Plan, state: StateName, { batch, before, until }: Batch): Statement => {
  const { mapping } = plan
  const columns = eventColumns(plan)
  const same = rowKey(plan)
  const row = join([
    integer(batch),
    identityKey(text(mapping.identities[plan.identity]!)),
    ...(same === undefined ? [] : [same]),
    eventNumber(mapping.columns.event, columns.events),
    offset(plan, mapping.columns.timestamp),
    ...columns.values.map((value) => rawValue(plan, value)),
    ...columns.conditions.map((condition) => sql`toUInt8(${compileConditions(condition)})`)
  ])
  return insert(
    state,
    "events",
    columnsOf(plan).events,
    union(
      news(mapping.columns, "events", before, until).map((more) =>
        sql`SELECT ${row} FROM ${table(plan, mapping, "own")} WHERE ${and([...isRead(plan, columns), ...more])}`
      )
    )
  )
}

/** The statement that counts the `rows` of exposures and events that a batch would read, and reads what tells them from others alone. */
export const countNews = (plan: Plan, { before, until }: Pick<Batch, "before" | "until">): Statement => {
  const { mapping } = plan
  const source = exposureSource(plan, "own")
  const rows = (from: Fragment, where: ReadonlyArray<Fragment>): Fragment =>
    sql`SELECT count() AS found FROM ${from} WHERE ${and(where)}`
  return statement(sql`SELECT sum(found) AS rows FROM (
${
    union([
      ...news(mapping.exposures?.columns ?? mapping.columns, "exposures", before, until).map((more) =>
        rows(source.from, [...source.where, ...more])
      ),
      ...news(mapping.columns, "events", before, until).map((more) =>
        rows(table(plan, mapping, "own"), [...isRead(plan, eventColumns(plan)), ...more])
      )
    ])
  }
)`)
}

/**
 * The stored events that meet a condition, as the statement has them of the event table: repeated rows once, unless it is known that there
 * are none among them.
 */
const storedEvents = (plan: Plan, state: StateName, where: Fragment, rows: "once" | "repeated"): Fragment => {
  const columns = eventColumns(plan)
  const grouped = rows === "repeated" && looksForCopies(plan)
  const of = (column: Fragment, how: "min" | "max"): Fragment =>
    grouped ? sql`${word(how)}(stored.${column})` : sql`stored.${column}`
  return sql`SELECT ${
    join([
      sql`stored.${own("k")} AS ${own("k")}`,
      sql`${of(own("m"), "min")} AS ${own("m")}`,
      sql`${of(own("t"), "min")} AS ${own("t")}`,
      ...columns.values.map((value, i) => sql`${settled(value, of(own("v", i), "min"))} AS ${own("v", i)}`),
      ...columns.conditions.map((_, i) => sql`${of(own("c", i), "max")} AS ${own("c", i)}`),
      ...(looksForCopies(plan) ? [sql`${grouped ? sql`count()` : sql`toUInt64(1)`} AS ${own("copies")}`] : [])
    ])
  }
    FROM ${at(state, "events")} AS stored
    WHERE ${where}${
    grouped ?
      sql`
    GROUP BY stored.${own("k")}, stored.${own("h")}` :
      empty
  }`
}

/** The identities that a batch's events and exposures are about. */
const touched = (state: StateName, batch: number): Fragment =>
  sql`SELECT ${own("k")} FROM ${at(state, "events")} WHERE ${among([batch])}
    UNION ALL SELECT ${own("k")} FROM ${at(state, "exposures")} WHERE ${among([batch])}`

/**
 * Of the units in the `live` batches, the oldest first, that meet a condition the latest of each identity; for a few of them, since they are
 * sorted.
 */
const latestOf = (state: StateName, columns: Fragment, live: ReadonlyArray<number>, where: Fragment): Fragment => {
  const place = sql`transform(batch, [${join(live.map(integer))}], [${join(live.map((_, i) => integer(i)))}], 0)`
  return sql`SELECT ${columns}
FROM ${at(state, "units")}
WHERE ${among(live)} AND ${where}${
    live.length < 2 ? empty : sql`
ORDER BY k, ${place} DESC
LIMIT 1 BY k`
  }`
}

/** The statement that puts down which units a batch will replace: the latest ones, in the `live` batches, of the identities it is about. */
const addReplaced = (plan: Plan, state: StateName, batch: number, live: ReadonlyArray<number>): Statement => {
  const columns = columnsOf(plan).replaced
  return insert(
    state,
    "replaced",
    columns,
    latestOf(
      state,
      join([integer(batch), word("k"), ...columns.map(([name]) => name)]),
      live,
      sql`k IN (${touched(state, batch)})`
    )
  )
}

/**
 * Whether an exposure leaves the unit of its identity, packed as `pack` (0 where there is none), as it is: it isn't before the first one, nor
 * in a variant that wasn't seen yet. One like the first may have other traits.
 */
const isKnown = ({ traits }: Plan): Fragment => {
  const [arm, first] = [own("arm"), sql`bitShiftRight(pack, 2)`]
  const later = traits.length === 0 ? sql`>=` : sql`>`
  return sql`if(${arm} = ${integer(noArm)},
      pack = ${never} OR (pack < ${never} AND bitTest(pack, 1)),
      pack != 0 AND pack < ${never} AND toUInt64(${own("at")}) * 64 + ${arm} ${later} ${first}
        AND (${arm} = bitAnd(${first}, 63) OR bitTest(pack, 0)))`
}

/** The names of events whose accumulators can't go on from their values, by their numbers. */
const remaking = (plan: Plan): ReadonlyArray<number> => {
  const { streams } = eventColumns(plan)
  return [
    ...new Set(
      plan.accumulators.flatMap((accumulator) =>
        fromParts(accumulator) === undefined ? accumulator.streams.map((stream) => streams[stream]!.event) : []
      )
    )
  ]
}

/**
 * The statement that puts down whose units a batch makes anew from everything that is stored: identities that have no unit yet, or an
 * exposure that changes theirs; with an event that was delivered before, or comes more than once in the batch (so that all other events of
 * it are there once); or with one that goes into an accumulator which can't go on. Exposures without an identity are only counted.
 */
const addRemade = (plan: Plan, state: StateName, batch: number, live: ReadonlyArray<number>): Statement => {
  const events = at(state, "events")
  const [k, t, h] = [own("k"), own("t"), own("h")]
  const replaced = sql`SELECT k FROM ${at(state, "replaced")} WHERE ${among([batch])}`
  const names = remaking(plan)
  const row = join([k, h])
  // Copies of a row have its time, by which they are found.
  const place = plan.deduplication.policy === "row" ? [t] : []
  const kinds = [
    sql`SELECT exposures.${k} AS k
  FROM (SELECT * FROM ${at(state, "exposures")} WHERE ${among([batch])} AND ${k} != ${nameless}) AS exposures
  LEFT JOIN (SELECT k, exposure AS pack FROM ${at(state, "replaced")} WHERE ${among([batch])}) AS replaced
    ON exposures.${k} = replaced.k
  WHERE NOT (${isKnown(plan)})`,
    ...(looksForCopies(plan)
      ? [
        sql`SELECT ${k} AS k FROM ${events} WHERE ${
          and([
            among(live),
            ...place.map((column) => sql`${column} IN (SELECT ${column} FROM ${events} WHERE ${among([batch])})`),
            sql`(${row}) IN (SELECT ${row} FROM ${events} WHERE ${among([batch])})`
          ])
        }`,
        sql`SELECT ${k} AS k FROM ${events} WHERE ${among([batch])} GROUP BY ${row} HAVING count() > 1`
      ]
      : []),
    ...(names.length === 0
      ? []
      : [
        sql`SELECT ${k} AS k FROM ${events} WHERE ${among([batch])} AND ${own("m")} IN (${
          join(names.map(integer))
        }) AND ${k} IN (${replaced})`
      ])
  ]
  const put = insert(
    state,
    "remade",
    [],
    sql`SELECT DISTINCT ${integer(batch)}, k FROM (
${union(kinds)}
)`
  )
  // Few rows have the times that are looked for, so it is quicker to read their other columns at once.
  return { ...put, settings: { ...put.settings, optimize_move_to_prewhere: 0 } }
}

/** The columns of a unit from those of the one before (`old`) and from what the events since then make (`more`). */
const goneOn = (plan: Plan, state: StateName, batch: number): ReadonlyArray<Fragment> => {
  const add = (name: Fragment) => sql`old.${name} + more.${name} AS ${name}`
  const most = (name: Fragment) => sql`greatest(old.${name}, more.${name}) AS ${name}`
  const both = (name: Fragment) => sql`arrayConcat(old.${name}, more.${name}) AS ${name}`
  return [
    sql`old.exposure + if(old.k = ${nameless}, (
        SELECT count() FROM ${at(state, "exposures")} WHERE ${among([batch])} AND ${own("k")} = ${nameless}
      ), 0) AS exposure`,
    ...plan.traits.map((_, i) => sql`old.${trait(i)} AS ${trait(i)}`),
    add(word("early")),
    most(word("latest")),
    ...(looksForCopies(plan) ? [add(word("repeated"))] : []),
    ...badEvents(eventColumns(plan)).map(({ name }) => both(name)),
    ...plan.accumulators.map((accumulator, i) => {
      const name = numbered("a", i)
      switch (fromParts(accumulator)) {
        case "sum":
          return add(name)
        case "max":
          return most(name)
        case "list":
          return both(name)
        default:
          return sql`old.${name} AS ${name}`
      }
    })
  ]
}

/**
 * The statement that adds a batch's units: of identities that are made anew (all of them where no batch counts yet) from everything that is
 * stored of them, in the batch and the `live` ones before; of the others from the units that they had and the batch's events.
 */
const addNewUnits = (plan: Plan, state: StateName, batch: number, live: ReadonlyArray<number>): Statement => {
  const columns = columnsOf(plan)
  const made = (rows: Fragment) =>
    insert(
      state,
      "units",
      columns.units,
      sql`SELECT ${join([integer(batch), word("k"), ...columns.units.map(([name]) => name)])} FROM (
    ${rows}
)`
    )
  /** Made of the stored events and exposures that meet a condition. */
  const whole = (where: Fragment) =>
    units(plan, "value", {
      events: storedEvents(plan, state, where, "repeated"),
      exposures: exposures(
        plan,
        sql`SELECT ${join([own("k"), ...columns.exposures.map(([name]) => name)])}
            FROM ${at(state, "exposures")}
            WHERE ${where}`
      )
    })
  if (live.length === 0) return made(whole(among([batch])))
  const [remade, replaced] = (["remade", "replaced"] as const).map((part) => at(state, part)) as [Fragment, Fragment]
  const anew = sql`(SELECT k FROM ${remade} WHERE ${among([batch])})`
  const before = sql`FROM ${replaced} WHERE ${among([batch])} AND k NOT IN ${anew}`
  const more = units(plan, "value", {
    events: storedEvents(plan, state, sql`${among([batch])} AND ${own("k")} NOT IN ${anew}`, "once"),
    exposures: sql`SELECT ${
      join([word("k"), sql`exposure AS pack`, ...plan.traits.map((_, i) => sql`${trait(i)} AS ${numbered("x", i)}`)])
    } ${before}`
  })
  const typed = join(columns.units.map(([name, type]) => sql`CAST(${name} AS ${type}) AS ${name}`))
  return made(sql`SELECT k, ${typed} FROM (
${whole(sql`${among([...live, batch])} AND ${own("k")} IN ${anew}`)}
    ) WHERE k IN ${anew}
    UNION ALL
    SELECT k, ${typed} FROM (
      SELECT old.k AS k, ${join(goneOn(plan, state, batch))}
      FROM (
${more}
      ) AS more
      INNER JOIN (SELECT k, ${join(columns.units.map(([name]) => name))} ${before}) AS old ON more.k = old.k
    )`)
}

/** The latest unit of each identity in these batches, the oldest first. */
const latestUnits = (plan: Plan, state: StateName, live: ReadonlyArray<number>): Fragment => {
  const columns = join([word("k"), ...columnsOf(plan).units.map(([name]) => name)])
  return union(live.map((batch, i) => {
    const later = live.slice(i + 1)
    return sql`SELECT ${columns} FROM ${at(state, "units")} WHERE ${among([batch])}${
      later.length === 0
        ? empty
        : sql` AND k NOT IN (SELECT k FROM ${at(state, "units")} WHERE ${among(later)})`
    }`
  }))
}

/**
 * The statements that add a batch's units, once its events and exposures are there: those of all identities that these are about. `live` are
 * the batches before that count, the oldest first.
 */
export const addUnits = (
  plan: Plan,
  state: StateName,
  batch: number,
  live: ReadonlyArray<number>
): ReadonlyArray<Statement> =>
  live.length === 0
    ? [addNewUnits(plan, state, batch, live)]
    : [addReplaced, addRemade, addNewUnits].map((add) => interpreted(add(plan, state, batch, live)))

/** The statements with which a batch, once its units are there, takes in the latest of the batches before it. */
export const absorb = (
  plan: Plan,
  state: StateName,
  batch: number,
  absorbed: ReadonlyArray<number>
): ReadonlyArray<Statement> => {
  const columns = columnsOf(plan)
  const own = sql`SELECT k FROM ${at(state, "units")} WHERE ${among([batch])}`
  return absorbed.length === 0 ? [] : [
    insert(
      state,
      "units",
      columns.units,
      sql`SELECT ${integer(batch)}, * FROM (
${latestUnits(plan, state, absorbed)}
) WHERE k NOT IN (${own})`
    ),
    ...(["exposures", "events"] as const).map((part) =>
      insert(
        state,
        part,
        columns[part],
        sql`SELECT ${join([integer(batch), key(part), ...columns[part].map(([name]) => name)])} FROM ${
          at(state, part)
        } WHERE ${among(absorbed)}`
      )
    )
  ]
}

/** The statement whose answer is that of the plan's own, from the stored units. `live` are the batches that count, the oldest first. */
export const answer = (plan: Plan, state: StateName, live: ReadonlyArray<number>): Statement =>
  statement(moments(plan, latestUnits(plan, state, live)))

/** That an identity wasn't old enough for some measure by the times `ripe`, and is by those of the plan. */
const ripened = (plan: Plan, ripe: ReadonlyArray<number>): ReadonlyArray<Fragment> =>
  ripeTimes(measures(plan)).flatMap((time, i) =>
    ripe[i] === time ? [] : [sql`(${isRipe(plan, time)} AND NOT ${isRipe(plan, ripe[i] ?? time)})`]
  )

/**
 * The statement that says by how much a batch changes the answer: the rows of the answer of the units that it replaces (`side` 0), and those
 * of its own (1). Identities that weren't old enough by the times `ripe` of the answer before are on both sides. It has to come before the
 * batch absorbs others; `live` are those before it, the oldest first.
 */
export const difference = (
  plan: Plan,
  state: StateName,
  batch: number,
  live: ReadonlyArray<number>,
  ripe: ReadonlyArray<number>
): Statement => {
  const columns = join([word("k"), ...columnsOf(plan).units.map(([name]) => name)])
  const sides = (["replaced", "units"] as const).map((part, side) =>
    sql`SELECT toUInt8(${integer(side)}) AS side, ${columns} FROM ${at(state, part)} WHERE ${among([batch])}`
  )
  const grown = ripened(plan, ripe)
  // An older unit may have grown old enough where the latest one hasn't: it was exposed at another time.
  const some = sql`(${join(grown, sql` OR `)})`
  const others = sql`${some} AND k NOT IN (SELECT k FROM ${at(state, "units")} WHERE ${among([batch])})`
  const those = sql`k IN (SELECT k FROM ${at(state, "units")} WHERE ${among(live)} AND ${others})`
  const both = grown.length === 0
    ? []
    : [
      sql`SELECT arrayJoin([toUInt8(0), toUInt8(1)]) AS side, ${columns} FROM (
${latestOf(state, columns, live, those)}
) WHERE ${some}`
    ]
  return interpreted(statement(momentsBySide(plan, union([...sides, ...both]), ripe)))
}

/** The statement that finds the constants of a plan from the stored units; undefined for a plan without constants. */
export const answerConstants = (plan: Plan, state: StateName, live: ReadonlyArray<number>): Statement | undefined =>
  plan.constants.length === 0 ? undefined : statement(constants(plan, latestUnits(plan, state, live)))

/** The statement that counts the `rows` of exposures and events of a batch. */
export const size = (state: StateName, batch: number): Statement =>
  statement(
    sql`SELECT (SELECT count() FROM ${at(state, "exposures")} WHERE ${among([batch])}) + (SELECT count() FROM ${
      at(state, "events")
    } WHERE ${among([batch])}) AS rows`
  )
