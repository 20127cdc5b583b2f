/** Are the tables there, may they be read, and have they the mapped columns? */
import { type EventMapping, suggest } from "@assay/model"
import type { WarehouseShape } from "@assay/warehouse"
import { Effect, Result } from "effect"
import { broken, type Check, fine } from "./Check.ts"
import { plain, quoted } from "./connection.ts"

interface Column {
  readonly what: string
  readonly name: string
}

interface Table {
  readonly name: string
  /** Where the configuration says which table it is. */
  readonly path: string
  readonly database: string | undefined
  readonly table: string
  readonly columns: ReadonlyArray<Column>
  readonly timestamp: string
}

const under = (path: string, columns: Readonly<Record<string, string>>): ReadonlyArray<Column> =>
  Object.entries(columns).map(([what, name]) => ({ what: `${path}.${what}`, name }))

const tablesOf = (mapping: EventMapping): ReadonlyArray<Table> => {
  const { exposures } = mapping
  // Where exposures have a table of their own, nothing reads a feature from the events.
  const { feature, ...apart } = mapping.columns
  const events: Table = {
    name: "Events",
    path: "events",
    database: mapping.database,
    table: mapping.table,
    columns: [
      ...under("events.columns", exposures === undefined ? { feature, ...apart } : apart),
      ...under("events.identities", mapping.identities),
      ...under("events.json", mapping.json),
      ...under("events.properties", mapping.properties)
    ],
    timestamp: mapping.columns.timestamp
  }
  return exposures === undefined ? [events] : [events, {
    name: "Exposures",
    path: "events.exposures",
    database: exposures.database,
    table: exposures.table,
    columns: [
      ...under("events.exposures.columns", exposures.columns),
      ...under("events.exposures.identities", exposures.identities)
    ],
    timestamp: exposures.columns.timestamp
  }]
}

const timestampTypes = /^(LowCardinality\()?(Nullable\()?DateTime(64)?\b/

/** Types that hold several values, of which none is an identity, a name or a number. */
const nestedTypes = /^(Array|Map|Tuple|Nested|AggregateFunction|JSON|Object|Dynamic|Variant)\b/

const typeCheck = (table: Table, { name, what }: Column, type: string): ReadonlyArray<Check> => {
  if (what.endsWith(".columns.ingested") && !/^(LowCardinality\()?DateTime(64)?\b/.test(type)) {
    return [
      broken(
        table.name,
        `${name} (${what}) is of type ${type}`,
        "Map it to a DateTime or DateTime64 column that is never NULL"
      )
    ]
  }
  if (name === table.timestamp) {
    return timestampTypes.test(type)
      ? []
      : [broken(table.name, `${name} is of type ${type}`, "Map the timestamp to a DateTime or DateTime64 column")]
  }
  return nestedTypes.test(type)
    ? [
      broken(
        table.name,
        `${name} (${what}) is of type ${type}`,
        what.startsWith("events.json.")
          ? "Map it to a column of JSON text (String); toString(column) in a view makes one"
          : "Map it to a column of plain values; a view can take one out"
      )
    ]
    : []
}

const read = (warehouse: WarehouseShape, from: string, columns: ReadonlyArray<string>) =>
  warehouse.query({
    text: `SELECT ${columns.map(quoted).join(", ")} FROM ${from} LIMIT 1`,
    parameters: {},
    // One row isn't a run: its limits may forbid to look at the table at all without a filter.
    settings: { max_rows_to_read: 0, max_bytes_to_read: 0, max_threads: 1 }
  })

const describeColumns =
  "SELECT name, type FROM system.columns WHERE database = if({database:String} = '', currentDatabase(), {database:String}) " +
  "AND table = {table:String}"

/** One table: is it there, has it the mapped columns, of usable types, and may one row of them be read? */
const tableCheck = Effect.fn("doctor.table")(
  function*(
    warehouse: WarehouseShape,
    table: Table,
    cluster: string | undefined,
    user: string,
    home: string | undefined
  ) {
    const { columns, database, name } = table
    const local = [database, table.table].filter((part) => part !== undefined).map(quoted).join(".")
    const from = cluster === undefined ? local : `cluster('${cluster.replaceAll("'", "\\'")}', ${local})`
    const granted = [database ?? home, table.table].filter((part) => part !== undefined).map(quoted).join(".")
    const shownName = (database === undefined ? table.table : `${database}.${table.table}`) +
      (cluster === undefined ? "" : ` on the cluster ${cluster}`)
    const described = yield* Effect.result(
      warehouse.query(
        cluster === undefined
          ? plain(describeColumns, { database: database ?? "", table: table.table })
          : plain(`DESCRIBE TABLE ${from}`)
      )
    )
    if (Result.isFailure(described)) return [broken(name, described.failure.message, described.failure.hint)]
    const types = new Map(described.success.rows.map((row) => [String(row["name"]), String(row["type"])]))
    if (types.size === 0) {
      return [
        broken(
          name,
          `there is no table ${shownName}, or this user may not see it`,
          `Set ${table.path}.table (and ${table.path}.database) in the configuration, or grant SELECT on it: GRANT SELECT ON ${granted}` +
            (user === "" ? "" : ` TO ${quoted(user)}`)
        )
      ]
    }
    const missing = columns.filter((column) => !types.has(column.name)).map((column) =>
      broken(
        name,
        `${shownName} has no column ${column.name} (${column.what})`,
        `Map ${column.what} to a column that is there. ${
          suggest(column.name, types.keys()) ?? `It has ${[...types.keys()].join(", ")}`
        }`
      )
    )
    const wrong = columns.flatMap((column) => {
      const type = types.get(column.name)
      return type === undefined ? [] : typeCheck(table, column, type)
    })
    const present = [...new Set(columns.map((column) => column.name))].filter((column) => types.has(column))
    const readable = yield* Effect.result(read(warehouse, from, present))
    const denied = Result.isFailure(readable) && readable.failure._tag === "QueryRejected" &&
      readable.failure.clickhouseCode === 497
    const unreadable = Result.isSuccess(readable) ? [] : [
      broken(
        name,
        readable.failure.message,
        denied && cluster === undefined && user !== ""
          ? `explain and recompute need it: GRANT SELECT(${present.map(quoted).join(", ")}) ON ${granted} TO ${
            quoted(user)
          }`
          : readable.failure.hint
      )
    ]
    const all = [...missing, ...wrong, ...unreadable]
    return all.length > 0 ? all : [fine(name, `${shownName}, all ${columns.length} mapped columns are there`)]
  }
)

/** The tables of a mapping, as `user` sees them; `home` is the database of the connection. */
export const tableChecks = Effect.fn("doctor.tables")(
  function*(warehouse: WarehouseShape, mapping: EventMapping, user: string, home: string | undefined) {
    return (yield* Effect.forEach(
      tablesOf(mapping),
      (table) => tableCheck(warehouse, table, mapping.cluster?.name, user, home)
    )).flat()
  }
)
