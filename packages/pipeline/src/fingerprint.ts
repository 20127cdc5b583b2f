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

/**
 * A statement with one row per source of the plan (exposures, metric events): how many rows concern the experiment within the times that the
 * plan reads, and the latest timestamp among them. It reads the columns of its conditions alone. With `since` (milliseconds), only rows
 * stored from then on, where a table says when.
 */
export const fingerprintStatement = (plan: Plan, since?: number): Statement => {
  const { experiment, from, mapping, reads, to } = plan
  const names = [...new Set(plan.streams.map(({ event }) => event))]
  const { exposures } = mapping
  const feature = (column: string) => sql`${identifier(column)} = ${parameter("String", experiment.feature)}`
  const events: Source = {
    ...(mapping.database === undefined ? {} : { database: mapping.database }),
    table: mapping.table,
    timestamp: mapping.columns.timestamp,
    ingested: mapping.columns.ingested,
    environment: mapping.columns.environment,
    where: sql`${identifier(mapping.columns.event)} IN (${join(names.map((name) => parameter("String", name)))})`,
    read: reads
  }
  const exposed: Source = exposures === undefined
    ? {
      ...events,
      where: and([
        sql`${identifier(mapping.columns.event)} = ${parameter("String", mapping.exposure_event)}`,
        feature(mapping.columns.feature)
      ]),
      read: { from, to }
    }
    : {
      ...(exposures.database === undefined ? {} : { database: exposures.database }),
      table: exposures.table,
      timestamp: exposures.columns.timestamp,
      ingested: exposures.columns.ingested,
      environment: exposures.columns.environment,
      where: feature(exposures.columns.feature),
      read: { from, to }
    }
  const select = ({ database, environment, ingested, read, table, timestamp, where }: Source): Fragment => {
    const path = [...(database === undefined ? [] : [database]), table].map(identifier)
    return sql`SELECT toString(count()) AS assay_rows, toString(max(${identifier(timestamp)})) AS assay_latest
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
        ...(since === undefined || ingested === undefined ? [] : [sql`${identifier(ingested)} >= ${time(since)}`]),
        sql`${identifier(timestamp)} >= ${time(read.from)}`,
        sql`${identifier(timestamp)} < ${time(read.to)}`
      ])
    }`
  }
  return {
    ...render(sql`SELECT 'exposures' AS assay_of, * FROM (${select(exposed)})
UNION ALL
SELECT 'events' AS assay_of, * FROM (${select(events)})`),
    settings: pinnedSettings
  }
}

/** The fingerprint of a plan's data now: equal as long as no row that it reads was added or removed. */
export const fingerprint = Effect.fn("recompute.fingerprint")(
  function*(plan: Plan): Effect.fn.Return<string, WarehouseError, Warehouse> {
    const warehouse = yield* Warehouse
    const { rows } = yield* warehouse.query(fingerprintStatement(plan), {
      comment: { assay: "fingerprint", experiment: plan.experiment.key }
    })
    return rows.map((row) => [row["assay_of"], row["assay_rows"], row["assay_latest"]].map(String).join(" "))
      .toSorted().join("; ")
  }
)
