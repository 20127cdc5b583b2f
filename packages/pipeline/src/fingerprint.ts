/** What data an experiment has, in a few bytes: cheaper to ask for than the results, and the same as long as nothing arrived. */
import { pinnedSettings, type Plan } from "@assay/aggregation"
import { Instant, type Statement, type WarehouseError } from "@assay/model"
import { and, type Fragment, identifier, join, parameter, render, sql } from "@assay/sql"
import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"

interface Source {
  readonly database?: string
  readonly table: string
  readonly timestamp: string
  readonly ingested: string | undefined
  readonly environment: string | undefined
  /** The column that its names stand in. */
  readonly named: string
  readonly where: Fragment
  /** [from, to) of the timestamps that are read, in milliseconds since 1970-01-01 UTC. */
  readonly read: { readonly from: number; readonly to: number }
}

const time = (millis: number): Fragment =>
  parameter("DateTime64(3, 'UTC')", Instant.fromMillis(millis).replace("T", " ").replace("Z", ""))

/** Both sources of an experiment. */
export type Both<A> = Readonly<Record<"exposures" | "events", A>>

export const namesOf = (plan: Plan): ReadonlyArray<string> => [...new Set(plan.streams.map(({ event }) => event))]

const isOneOf = (column: string, names: ReadonlyArray<string>): Fragment =>
  sql`${identifier(column)} IN (${join(names.map((name) => parameter("String", name)))})`

/** The sources of these features and events, for plans of one mapping and environment. */
const sourcesOf = (
  { mapping }: Plan,
  features: ReadonlyArray<string>,
  names: ReadonlyArray<string>,
  read: Both<Source["read"]>
): Both<Source> => {
  const { exposures } = mapping
  const events = {
    ...(mapping.database === undefined ? {} : { database: mapping.database }),
    table: mapping.table,
    timestamp: mapping.columns.timestamp,
    ingested: mapping.columns.ingested,
    environment: mapping.columns.environment,
    where: isOneOf(mapping.columns.event, names),
    named: mapping.columns.event,
    read: read.events
  }
  return {
    events,
    exposures: exposures === undefined
      ? {
        ...events,
        where: and([
          sql`${identifier(mapping.columns.event)} = ${parameter("String", mapping.exposure_event)}`,
          isOneOf(mapping.columns.feature, features)
        ]),
        named: mapping.columns.feature,
        read: read.exposures
      }
      : {
        ...(exposures.database === undefined ? {} : { database: exposures.database }),
        table: exposures.table,
        timestamp: exposures.columns.timestamp,
        ingested: exposures.columns.ingested,
        environment: exposures.columns.environment,
        where: isOneOf(exposures.columns.feature, features),
        named: exposures.columns.feature,
        read: read.exposures
      }
  }
}

/** What is counted of a source: `what` of its rows within the times that are read. */
const rowsOf = (
  { experiment, mapping }: Plan,
  { database, environment, read, table, timestamp, where }: Source,
  what: Fragment,
  more: ReadonlyArray<Fragment> = []
): Fragment => {
  const path = [...(database === undefined ? [] : [database]), table].map(identifier)
  return sql`SELECT ${what}
FROM ${
    mapping.cluster === undefined
      ? join(path, sql`.`)
      : sql`cluster(${join([identifier(mapping.cluster.name), ...path])})`
  }
WHERE ${
    and([
      ...(environment === undefined
        ? []
        : [sql`${identifier(environment)} = ${parameter("String", experiment.environment)}`]),
      where,
      ...more,
      sql`${identifier(timestamp)} >= ${time(read.from)}`,
      sql`${identifier(timestamp)} < ${time(read.to)}`
    ])
  }`
}

/**
 * A statement with one row per source of the plan (exposures, metric events): how many rows concern the experiment within the times that the
 * plan reads, and the latest timestamp among them. It reads the columns of its conditions alone. With `since` (milliseconds), only rows
 * stored from then on, where a table says when.
 */
export const fingerprintStatement = (plan: Plan, since?: number): Statement => {
  const { experiment, from, reads, to } = plan
  const { events, exposures } = sourcesOf(plan, [experiment.feature], namesOf(plan), {
    exposures: { from, to },
    events: reads
  })
  const select = (source: Source): Fragment =>
    rowsOf(
      plan,
      source,
      sql`toString(count()) AS assay_rows, toString(max(${identifier(source.timestamp)})) AS assay_latest`,
      since === undefined || source.ingested === undefined
        ? []
        : [sql`${identifier(source.ingested)} >= ${time(since)}`]
    )
  return {
    ...render(sql`SELECT 'exposures' AS assay_of, * FROM (${select(exposures)})
UNION ALL
SELECT 'events' AS assay_of, * FROM (${select(events)})`),
    settings: pinnedSettings
  }
}

/** What a source has of an experiment. */
export interface Counted {
  readonly of: keyof Both<unknown>
  readonly rows: number
  readonly latest: string
}

const printOf = (counted: ReadonlyArray<Counted>): string =>
  counted.map(({ latest, of, rows }) => `${of} ${rows} ${rows === 0 ? "" : latest}`).toSorted().join("; ")

/** The fingerprint of a plan's data now: equal as long as no row that it reads was added or removed. */
export const fingerprint = Effect.fn("recompute.fingerprint")(
  function*(plan: Plan): Effect.fn.Return<string, WarehouseError, Warehouse> {
    const warehouse = yield* Warehouse
    const { rows } = yield* warehouse.query(fingerprintStatement(plan), {
      comment: { assay: "fingerprint", experiment: plan.experiment.key }
    })
    return printOf(rows.map((row) => ({
      of: row["assay_of"] === "events" ? "events" : "exposures",
      rows: Number(row["assay_rows"]),
      latest: String(row["assay_latest"])
    })))
  }
)

/** What a source is asked: which of its times, and of these only what was stored since a time where that is said. */
interface Part {
  readonly read: Source["read"]
  readonly since?: number
}

/**
 * How the rows of a source are told apart: by stretches of their times, and of the times at which they were stored where `stored` is there. Both
 * begin with the earliest that is asked for.
 */
export interface Asked {
  readonly parts: ReadonlyArray<Part>
  readonly times: ReadonlyArray<number>
  readonly stored?: ReadonlyArray<number>
}

/** So many rows of one name, in one stretch of times, stored in one stretch of times (0 where that isn't told); milliseconds. */
export interface Cell extends Counted {
  readonly name: string
  readonly from: number
  readonly stored: number
}

/** The values in order, each once. */
export const inOrder = (values: ReadonlyArray<number>): ReadonlyArray<number> =>
  [...new Set(values)].toSorted((a, b) => a - b)

/** What is asked by plans that are looked at as a whole. */
export const asWhole = (plans: ReadonlyArray<Plan>, stored?: ReadonlyArray<number>): Both<Asked> => {
  const asked = (reads: ReadonlyArray<Source["read"]>): Asked => {
    const times = inOrder(reads.flatMap(({ from, to }) => [from, to]))
    return {
      parts: [{ read: { from: times[0]!, to: times.at(-1)! } }],
      times,
      ...(stored === undefined ? {} : { stored })
    }
  }
  return { exposures: asked(plans), events: asked(plans.map(({ reads }) => reads)) }
}

/** A statement about plans of one mapping and environment, with a row for each {@link Cell}. */
const cellStatement = (plans: readonly [Plan, ...ReadonlyArray<Plan>], asked: Both<Asked>): Statement => {
  const millis = (column: string) => sql`toUnixTimestamp64Milli(toDateTime64(${identifier(column)}, 3, 'UTC'))`
  const stretch = (column: string, bounds: ReadonlyArray<number>) =>
    sql`toString(roundDown(${millis(column)}, ${parameter("Array(Int64)", bounds)}))`
  const select = (of: Counted["of"]): ReadonlyArray<Fragment> =>
    asked[of].parts.map(({ read, since }) => {
      const { [of]: source } = sourcesOf(
        plans[0],
        [...new Set(plans.map(({ experiment }) => experiment.feature))],
        [...new Set(plans.flatMap(namesOf))],
        { exposures: read, events: read }
      )
      const { stored, times } = asked[of]
      const what = sql`${parameter("String", of)} AS assay_of, toString(${identifier(source.named)}) AS assay_name,
  ${stretch(source.timestamp, times)} AS assay_from,
  ${
        stored === undefined || source.ingested === undefined
          ? sql`'0'`
          : stretch(source.ingested, stored)
      } AS assay_stored,
  toString(count()) AS assay_rows, toString(max(${identifier(source.timestamp)})) AS assay_latest`
      const late = since === undefined || source.ingested === undefined
        ? []
        : [sql`${identifier(source.ingested)} >= ${time(since)}`]
      return sql`${rowsOf(plans[0], source, what, late)}
GROUP BY assay_name, assay_from, assay_stored`
    })
  return {
    ...render(join(
      [...select("exposures"), ...select("events")],
      sql`
UNION ALL
`
    )),
    settings: pinnedSettings
  }
}

/** Asks it: the cells, and how many rows were read. */
export const askCells = Effect.fn("recompute.fingerprint")(
  function*(
    plans: readonly [Plan, ...ReadonlyArray<Plan>],
    asked: Both<Asked>
  ): Effect.fn.Return<{ readonly cells: ReadonlyArray<Cell>; readonly read: number }, WarehouseError, Warehouse> {
    const warehouse = yield* Warehouse
    const keys = plans.map(({ experiment }) => experiment.key)
    const { rows, statistics } = yield* warehouse.query(cellStatement(plans, asked), {
      comment: {
        assay: "fingerprint",
        ...(keys.length === 1 ? { experiment: keys[0]! } : { experiments: keys.join(", ") })
      }
    })
    return {
      read: statistics.rowsRead,
      cells: rows.map((row) => ({
        of: row["assay_of"] === "events" ? "events" : "exposures",
        name: String(row["assay_name"]),
        from: Number(row["assay_from"]),
        stored: Number(row["assay_stored"]),
        rows: Number(row["assay_rows"]),
        latest: String(row["assay_latest"])
      }))
    }
  }
)

/** What the cells say of a plan's source, of those that `counts` holds for. */
export const countedIn = (
  cells: ReadonlyArray<Cell>,
  plan: Plan,
  of: Counted["of"],
  counts: (cell: Cell) => boolean = () => true
): Counted => {
  const names = of === "events" ? namesOf(plan) : [plan.experiment.feature]
  const { from, to } = of === "events" ? plan.reads : plan
  const own = cells.filter((cell) =>
    cell.of === of && names.includes(cell.name) && cell.from >= from && cell.from < to && counts(cell)
  )
  return {
    of,
    rows: own.reduce((total, { rows }) => total + rows, 0),
    latest: own.reduce((latest, cell) => (cell.latest > latest ? cell.latest : latest), "")
  }
}

/** The fingerprints of several plans, in their order: those of one environment by one read. */
export const fingerprints = Effect.fn("recompute.fingerprints")(
  function*(plans: ReadonlyArray<Plan>): Effect.fn.Return<ReadonlyArray<string>, WarehouseError, Warehouse> {
    const prints = new Map<Plan, string>()
    for (const [first, ...more] of Map.groupBy(plans, ({ experiment }) => experiment.environment).values()) {
      if (more.length === 0) {
        prints.set(first!, yield* fingerprint(first!))
        continue
      }
      const all = [first!, ...more] as const
      const { cells } = yield* askCells(all, asWhole(all))
      for (const plan of all) {
        prints.set(plan, printOf([countedIn(cells, plan, "exposures"), countedIn(cells, plan, "events")]))
      }
    }
    return plans.map((plan) => prints.get(plan)!)
  }
)
