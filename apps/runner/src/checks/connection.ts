/** Can ClickHouse be reached, with these credentials, settings and rights, and is it new enough? */
import type { Statement, WarehouseError } from "@assay/model"
import { probe, type WarehouseConfig, type WarehouseShape } from "@assay/warehouse"
import { Clock, Effect, Result } from "effect"
import { broken, type Check, doubtful, fine } from "./Check.ts"

/** The oldest ClickHouse that statements are written for. */
export const oldestClickHouse = "24.8"

/** Clocks that differ by more are worth a word. */
const CLOCK_MILLIS = 5_000

const steps = {
  secrets: "Secrets",
  name: "Name",
  connection: "Connection",
  tls: "TLS",
  http: "HTTP"
} as const

/** The way to a server, up to the first step that fails. Nothing for the embedded engine. */
export const wayChecks = Effect.fn("doctor.way")(function*(config: WarehouseConfig) {
  const found = yield* probe(config)
  return found.map(({ mend, ok, said, step }): Check => ({
    name: steps[step],
    ok,
    said,
    ...(mend === undefined ? {} : { mend })
  }))
})

export const plain = (text: string, parameters: Statement["parameters"] = {}): Statement => ({
  text,
  parameters,
  settings: {}
})

/** Whether `found` is the version `oldest` or a later one; both are read up to their second number. */
export const isAtLeast = (found: string, oldest: string): boolean => {
  const [[year = 0, month = 0] = [], [oldYear = 0, oldMonth = 0] = []] = [found, oldest].map((text) =>
    text.split(".").map(Number)
  )
  return year !== oldYear ? year > oldYear : month >= oldMonth
}

const namesOf = (error: WarehouseError): string => {
  const code = error._tag === "QueryRejected" ? error.clickhouseCode : undefined
  if (code === 192 || code === 193 || code === 194 || code === 516) return "Credentials"
  if (code === 81) return "Database"
  return code === 164 || code === 452 || code === 115 ? "Settings" : "Warehouse"
}

const number = (value: unknown): number => Number(value)

/** What the first statement says about credentials, database and settings, of which each must be right for it. */
export const firstAnswer = Effect.fn("doctor.first")(function*(warehouse: WarehouseShape, config: WarehouseConfig) {
  const before = yield* Clock.currentTimeMillis
  const found = yield* Effect.result(
    warehouse.query(plain(
      "SELECT version() AS version, currentUser() AS user, currentDatabase() AS database, " +
        "toFloat64(toUnixTimestamp64Milli(now64(3))) AS now"
    ))
  )
  if (Result.isFailure(found)) {
    return { user: "", checks: [broken(namesOf(found.failure), found.failure.message, found.failure.hint)] }
  }
  const between = (before + (yield* Clock.currentTimeMillis)) / 2
  const [row = {}] = found.success.rows
  const [user, version] = [String(row["user"]), String(row["version"])]
  const apart = number(row["now"]) - between
  const checks: ReadonlyArray<Check> = [
    isAtLeast(version, oldestClickHouse)
      ? fine("Warehouse", `${config.url ?? "embedded"}, ClickHouse ${version}`)
      : broken("Warehouse", `ClickHouse ${version}`, `Use ClickHouse ${oldestClickHouse} or newer`),
    ...(config.url === undefined ? [] : [
      fine("Credentials", `as ${user}`),
      fine("Database", String(row["database"])),
      fine("Settings", "all that Assay sends may be set"),
      Math.abs(apart) > CLOCK_MILLIS
        ? doubtful(
          "Clock",
          `the server's clock is ${(Math.abs(apart) / 1000).toFixed(1)} s ${
            apart > 0 ? "ahead of" : "behind"
          } this machine's`,
          "The window of a running experiment ends by this machine's clock, and events carry the clock of who wrote them: " +
            "let both machines use NTP, or give --as-of"
        )
        : fine("Clock", "the server's and this machine's agree to 5 s; this machine's ends the windows")
    ])
  ]
  return { user, checks }
})

/** A name in a statement that a person runs. */
export const quoted = (name: string): string => `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``

/** May queries be stopped and watched? Both look into system.processes; one's own queries need no more than that. */
export const stopCheck = Effect.fn("doctor.stop")(function*(warehouse: WarehouseShape, user: string) {
  const found = yield* Effect.result(
    warehouse.command(plain("KILL QUERY WHERE query_id = {id:String} ASYNC", { id: "assay-doctor-none" }))
  )
  if (Result.isSuccess(found)) return [fine("Stopping", "own queries may be stopped and watched")]
  const { hint, message } = found.failure
  const denied = found.failure._tag === "QueryRejected" && found.failure.clickhouseCode === 497
  return [
    doubtful(
      "Stopping",
      `own queries can't be watched or stopped by name (recompute shows no progress; Ctrl-C relies on the server noticing ` +
        `that the connection is closed): ${message}`,
      denied ? `GRANT SELECT ON system.processes TO ${quoted(user)}` : hint
    )
  ]
})

/** Whether the embedded engine is installed, for a project that doesn't use it. It isn't started. */
export const embeddedCheck = (config: WarehouseConfig): ReadonlyArray<Check> =>
  config.url === undefined ? [] : [
    fine(
      "Embedded",
      Result.isSuccess(Result.try(() => import.meta.resolve("chdb/connection")))
        ? "installed; this project doesn't use it"
        : "not installed, and not needed with warehouse.url (`npm install chdb` adds it, for demos and tests)"
    )
  ]
