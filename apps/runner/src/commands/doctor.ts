/** `assay doctor`: does everything that a recompute needs work, and how is it mended if not? */
import { type EventMapping, type Statement, suggest } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect, Option, Result } from "effect"
import { accessSync, constants, existsSync } from "node:fs"
import { dirname } from "node:path"
import { warehouseLayer } from "../engine.ts"
import { Failed } from "../Failed.ts"
import { print, printJson } from "../output.ts"
import { loadDefinitions, loadProject, type Project, shown } from "../project.ts"
import { version } from "../version.ts"

/** One thing that was looked at. */
interface Check {
  readonly name: string
  readonly ok: boolean
  readonly said: string
  readonly mend?: string
}

const fine = (name: string, said: string): Check => ({ name, ok: true, said })

const broken = (name: string, said: string, mend: string): Check => ({ name, ok: false, said, mend })

/** The oldest ClickHouse that statements are written for. */
const oldestClickHouse = "24.8"

const newer = (found: string, oldest: string): boolean => {
  const [a = [], b = []] = [found, oldest].map((text) => text.split(".").map(Number))
  return a[0] !== b[0] ? a[0]! > b[0]! : a[1]! >= b[1]!
}

const plain = (text: string, parameters: Statement["parameters"] = {}): Statement => ({
  text,
  parameters,
  settings: {}
})

const counted = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`

const nodeCheck = (): Check => {
  const major = Number(process.versions.node.split(".")[0])
  return major >= 24
    ? fine("Node", `${process.version}, assay ${version}`)
    : broken("Node", process.version, "Install Node 24 or newer")
}

const storeCheck = (project: Project): Check => {
  let folder = project.config.store
  while (!existsSync(folder)) folder = dirname(folder)
  const writable = Result.try(() => accessSync(folder, constants.W_OK))
  return Result.isSuccess(writable)
    ? fine("Store", shown(project.config.store))
    : broken(
      "Store",
      `${shown(folder)} can't be written`,
      "Give this user the right to write there, or set another `store`"
    )
}

interface Column {
  readonly what: string
  readonly name: string
}

const mappedColumns = (mapping: EventMapping): ReadonlyArray<Column> => [
  ...Object.entries(mapping.columns).map(([what, name]) => ({ what: `events.columns.${what}`, name })),
  ...Object.entries(mapping.identities).map(([what, name]) => ({ what: `events.identities.${what}`, name })),
  ...Object.entries(mapping.json).map(([what, name]) => ({ what: `events.json.${what}`, name })),
  ...Object.entries(mapping.properties).map(([what, name]) => ({ what: `events.properties.${what}`, name }))
]

const exposureColumns = (exposures: NonNullable<EventMapping["exposures"]>): ReadonlyArray<Column> => [
  ...Object.entries(exposures.columns).map(([what, name]) => ({ what: `events.exposures.columns.${what}`, name })),
  ...Object.entries(exposures.identities).map(([what, name]) => ({ what: `events.exposures.identities.${what}`, name }))
]

const timestampTypes = /^(Nullable\()?DateTime(64)?\b/

/** One table: is it there, may it be read, has it the mapped columns, is the timestamp one? */
const tableCheck = Effect.fn("doctor.table")(
  function*(
    name: string,
    table: string,
    database: string | undefined,
    columns: ReadonlyArray<Column>,
    timestamp: string
  ) {
    const warehouse = yield* Warehouse
    const described = yield* Effect.result(
      warehouse.query(
        plain(
          "SELECT name, type FROM system.columns WHERE database = if({database:String} = '', currentDatabase(), {database:String}) AND table = {table:String}",
          {
            database: database ?? "",
            table
          }
        )
      )
    )
    const shownName = database === undefined ? table : `${database}.${table}`
    if (Result.isFailure(described)) return [broken(name, described.failure.message, described.failure.hint)]
    const types = new Map(described.success.rows.map((row) => [String(row["name"]), String(row["type"])]))
    if (types.size === 0) {
      return [
        broken(
          name,
          `there is no table ${shownName}, or this user may not see it`,
          "Set events.table (and events.database) in the configuration, or grant SELECT on it"
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
    const type = types.get(timestamp)
    const wrongTime = type === undefined || timestampTypes.test(type)
      ? []
      : [broken(name, `${timestamp} is of type ${type}`, "Map the timestamp to a DateTime or DateTime64 column")]
    const readable = yield* Effect.result(
      warehouse.query(
        plain(
          "SELECT count() AS n FROM {table:Identifier} WHERE 0".replace("{table:Identifier}", quoted(database, table))
        )
      )
    )
    const unreadable = Result.isSuccess(readable)
      ? []
      : [broken(name, readable.failure.message, readable.failure.hint)]
    const all = [...missing, ...wrongTime, ...unreadable]
    return all.length > 0 ? all : [fine(name, `${shownName}, all ${columns.length} mapped columns are there`)]
  }
)

const quoted = (database: string | undefined, table: string): string =>
  [database, table].filter((part) => part !== undefined)
    .map((part) => `\`${part.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``).join(".")

const warehouseChecks = Effect.fn("doctor.warehouse")(function*(project: Project) {
  const warehouse = yield* Warehouse
  const found = yield* Effect.result(warehouse.version())
  if (Result.isFailure(found)) return [broken("Warehouse", found.failure.message, found.failure.hint)]
  const where = project.config.warehouse.url ?? "embedded"
  const { mapping } = project.config
  const checks: Array<Check> = [
    newer(found.success, oldestClickHouse)
      ? fine("Warehouse", `${where}, ClickHouse ${found.success}`)
      : broken("Warehouse", `ClickHouse ${found.success}`, `Use ClickHouse ${oldestClickHouse} or newer`)
  ]
  checks.push(
    ...(yield* tableCheck("Events", mapping.table, mapping.database, mappedColumns(mapping), mapping.columns.timestamp))
  )
  const { exposures } = mapping
  if (exposures !== undefined) {
    checks.push(
      ...(yield* tableCheck(
        "Exposures",
        exposures.table,
        exposures.database,
        exposureColumns(exposures),
        exposures.columns.timestamp
      ))
    )
  }
  return checks
})

/** Looks at everything and says how to mend what is broken; fails with exit code 1 when something is. */
export const runDoctor = Effect.fn("command.doctor")(
  function*(input: { readonly config: Option.Option<string>; readonly json: boolean }) {
    const given = Option.getOrUndefined(input.config)
    const checks: Array<Check> = [nodeCheck()]
    const project = yield* Effect.result(loadProject(given))
    if (Result.isFailure(project)) {
      checks.push(broken("Configuration", project.failure.message, project.failure.hint))
    } else {
      checks.push(fine("Configuration", shown(project.success.file)))
      const definitions = yield* Effect.result(loadDefinitions(given))
      if (Result.isFailure(definitions)) {
        checks.push(broken("Definitions", definitions.failure.message, definitions.failure.hint))
      } else {
        const { experiments, metrics } = definitions.success.definitions
        checks.push(
          fine("Definitions", `${counted(experiments.size, "experiment")}, ${counted(metrics.size, "metric")}`)
        )
      }
      const warehouse = yield* Effect.result(
        warehouseChecks(project.success).pipe(Effect.provide(warehouseLayer(project.success)))
      )
      checks.push(
        ...(Result.isSuccess(warehouse)
          ? warehouse.success
          : [broken("Warehouse", warehouse.failure.message, warehouse.failure.hint)]),
        storeCheck(project.success)
      )
    }
    const ok = checks.every((check) => check.ok)
    if (input.json) {
      yield* printJson({ schema: "assay.doctor/1", ok, checks })
    } else {
      yield* print(
        checks.map(({ mend, name, ok: good, said }) => {
          const lines = said.split("\n").join("\n       ")
          return `${good ? "ok    " : "BROKEN"} ${name}: ${lines}${mend === undefined ? "" : `\n       ${mend}`}`
        }).join("\n")
      )
    }
    if (!ok) return yield* new Failed({ exitCode: 1 })
  }
)
