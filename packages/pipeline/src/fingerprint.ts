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
  readonly where: Fragment
  /** [from, to) of the timestamps that are read, in milliseconds since 1970-01-01 UTC. */
  readonly read: { readonly from: number; readonly to: number }
}

const time = (millis: number): Fragment =>
  parameter("DateTime64(3, 'UTC')", Instant.fromMillis(millis).replace("T", " ").replace("Z", ""))

/** Where a plan finds its exposures and its metric events; `named` is the column that its names stand in. */
interface Sources {
  readonly exposures: Source & { readonly named: string }
  readonly events: Source & { readonly named: string }
}

const namesOf = (plan: Plan): ReadonlyArray<string> => [...new Set(plan.streams.map(({ event }) => event))]

const isOneOf = (column: string, names: ReadonlyArray<string>): Fragment =>
  sql`${identifier(column)} IN (${join(names.map((name) => parameter("String", name)))})`

/** The sources of these features and events, for plans of one mapping and environment. */
const sourcesOf = (
  { mapping }: Plan,
  features: ReadonlyArray<string>,
  names: ReadonlyArray<string>,
  read: { readonly exposures: Source["read"]; readonly events: Source["read"] }
): Sources => {
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
interface Counted {
  readonly of: "exposures" | "events"
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

/** The times at which what several plans read begins or ends, in order: between two of them, each plan reads all or nothing. */
const boundariesOf = (reads: ReadonlyArray<Source["read"]>): ReadonlyArray<number> =>
  [...new Set(reads.flatMap(({ from, to }) => [from, to]))].toSorted((a, b) => a - b)

/**
 * The same for plans of one mapping and environment, by one read: a row for each name (of a feature, of an event) and each stretch between two
 * times at which what a plan reads begins or ends.
 */
const jointStatement = (plans: readonly [Plan, ...ReadonlyArray<Plan>]): Statement => {
  const windows = plans.map(({ from, to }) => ({ from, to }))
  const reads = plans.map((plan) => plan.reads)
  const [exposed, read] = [boundariesOf(windows), boundariesOf(reads)]
  const within = (boundaries: ReadonlyArray<number>) => ({ from: boundaries[0]!, to: boundaries.at(-1)! })
  const { events, exposures } = sourcesOf(
    plans[0],
    [...new Set(plans.map(({ experiment }) => experiment.feature))],
    [...new Set(plans.flatMap(namesOf))],
    { exposures: within(exposed), events: within(read) }
  )
  const select = (of: Counted["of"], source: Sources["events"], boundaries: ReadonlyArray<number>): Fragment => {
    const at = identifier(source.timestamp)
    return sql`${
      rowsOf(
        plans[0],
        source,
        sql`${parameter("String", of)} AS assay_of, toString(${identifier(source.named)}) AS assay_name,
  toString(roundDown(toUnixTimestamp64Milli(toDateTime64(${at}, 3, 'UTC')), ${
          parameter("Array(Int64)", boundaries)
        })) AS assay_from, toString(count()) AS assay_rows, toString(max(${at})) AS assay_latest`
      )
    }
GROUP BY assay_name, assay_from`
  }
  return {
    ...render(sql`${select("exposures", exposures, exposed)}
UNION ALL
${select("events", events, read)}`),
    settings: pinnedSettings
  }
}

interface Stretch extends Counted {
  readonly name: string
  readonly from: number
}

/** The fingerprints of several plans, in their order: those of one environment by one read. */
export const fingerprints = Effect.fn("recompute.fingerprint")(
  function*(plans: ReadonlyArray<Plan>): Effect.fn.Return<ReadonlyArray<string>, WarehouseError, Warehouse> {
    const warehouse = yield* Warehouse
    const prints = new Map<Plan, string>()
    for (const [first, ...more] of Map.groupBy(plans, ({ experiment }) => experiment.environment).values()) {
      if (more.length === 0) {
        prints.set(first!, yield* fingerprint(first!))
        continue
      }
      const all = [first!, ...more] as const
      const { rows } = yield* warehouse.query(jointStatement(all), {
        comment: { assay: "fingerprint", experiments: all.map(({ experiment }) => experiment.key).join(", ") }
      })
      const stretches = rows.map((row): Stretch => ({
        of: row["assay_of"] === "events" ? "events" : "exposures",
        name: String(row["assay_name"]),
        from: Number(row["assay_from"]),
        rows: Number(row["assay_rows"]),
        latest: String(row["assay_latest"])
      }))
      for (const plan of all) {
        const counted = (of: Counted["of"], names: ReadonlyArray<string>, { from, to }: Source["read"]): Counted => {
          const own = stretches.filter((one) =>
            one.of === of && names.includes(one.name) && one.from >= from && one.from < to
          )
          return {
            of,
            rows: own.reduce((total, one) => total + one.rows, 0),
            latest: own.reduce((latest, one) => (one.latest > latest ? one.latest : latest), "")
          }
        }
        prints.set(
          plan,
          printOf([
            counted("exposures", [plan.experiment.feature], plan),
            counted("events", namesOf(plan), plan.reads)
          ])
        )
      }
    }
    return plans.map((plan) => prints.get(plan)!)
  }
)
