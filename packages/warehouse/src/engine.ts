/** The two ways to ClickHouse, behind one shape: a server over HTTP, and the embedded engine. */
import { WarehouseUnavailable } from "@assay/model"
import { ClickHouseLogLevel, createClient } from "@clickhouse/client"
import { Effect, Option, Redacted, type Scope, Semaphore } from "effect"
import { resolve } from "node:path"
import { makeAgent, readConnection } from "./connection.ts"
import { exception } from "./decodeResult.ts"
import { GRACE_MILLIS, KILL_MILLIS, SETTLE_MILLIS } from "./limits.ts"
import { httpSettings, type Settings, withSettings } from "./settings.ts"
import type { WarehouseConfig } from "./WarehouseConfig.ts"

export type Client = ReturnType<typeof createClient>
type Injected = NonNullable<NonNullable<Parameters<typeof createClient>[0]>["connection"]>

/** One request, with all that it needs. */
export interface Request {
  readonly query: string
  readonly query_params: Record<string, unknown>
  readonly clickhouse_settings: Record<string, string | number>
  readonly query_id: string
  readonly abort_signal: AbortSignal
}

/** The text of an answer, and the most memory that its query took where the server says it. */
export interface Answer {
  readonly text: string
  readonly memoryBytes: number | undefined
}

/** What a statement without a result read, and how long it ran. */
export interface Written {
  readonly rowsRead: number
  readonly bytesRead: number
  readonly durationMs: number
  readonly memoryBytes: number | undefined
}

export type Send<A> = (client: Client, request: Request) => Promise<A>

/**
 * A way to ClickHouse. `read` sends a query and gives the text of its answer, a JSONCompact document; `write` sends what has none. `use` hands out a client for one query; `control` one for what runs beside it (progress, kill).
 * `request` joins a query and its settings, and `find` is the condition that finds a running query in system.processes.
 * `settled` says whether a query that was left and killed needs no more attention.
 */
export interface Engine {
  readonly read: Send<Answer>
  readonly write: Send<Written>
  readonly use: <A, E, R>(run: (client: Client) => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  readonly control: <A, E, R>(run: (client: Client) => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  readonly request: (text: string, settings: Settings) => {
    readonly query: string
    readonly clickhouse_settings: Record<string, string | number>
  }
  readonly find: (queryId: string) => { readonly text: string; readonly parameters: Record<string, string> }
  readonly settled: Effect.Effect<boolean>
  /** The address of a server: scheme, host and port. */
  readonly origin?: string
  readonly secrets: ReadonlyArray<Redacted.Redacted>
}

const close = (client: Client) => Effect.promise(() => client.close())
const log = { level: ClickHouseLogLevel.OFF }
const unavailable = (message: string, hint: string) => new WarehouseUnavailable({ message, hint })

/**
 * What a server answered. When something fails after the first byte, ClickHouse writes it into the body and then breaks the
 * connection off: what came before that is the answer, so that the failure gets its name.
 */
const readAnswer: Send<Answer> = async (client, request) => {
  const query = `${request.query.replace(/[;\s]+$/, "")}\nFORMAT JSONCompact`
  const { response_headers, stream } = await client.exec({ ...request, query })
  const pieces: Array<Buffer> = []
  try {
    for await (const piece of stream) pieces.push(piece)
  } catch (error) {
    const text = Buffer.concat(pieces).toString()
    if (request.abort_signal.aborted || !exception.test(text)) throw error
    return { text, memoryBytes: undefined }
  }
  return { text: Buffer.concat(pieces).toString(), memoryBytes: peakMemory(response_headers["x-clickhouse-summary"]) }
}

/** The peak of memory in the summary that a server sends with a whole answer; those before 25 don't say it. */
const peakMemory = (summary: unknown): number | undefined => {
  const [, bytes = "0"] = typeof summary === "string" ? /"memory_usage":"(\d{1,15})"/.exec(summary) ?? [] : []
  return Number(bytes) > 0 ? Number(bytes) : undefined
}

/** A statement over HTTP that has no result; the server says in a header what it read. */
const writeServer: Send<Written> = async (client, request) => {
  const begun = performance.now()
  const { response_headers, summary } = await client.command(request)
  return {
    rowsRead: Number(summary?.read_rows ?? 0),
    bytesRead: Number(summary?.read_bytes ?? 0),
    durationMs: summary === undefined ? performance.now() - begun : Number(summary.elapsed_ns) / 1e6,
    memoryBytes: peakMemory(response_headers["x-clickhouse-summary"])
  }
}

/** Rows and bytes that the embedded engine has read since it was started. */
const readSoFar =
  "SELECT sumIf(value, event = 'SelectedRows'), sumIf(value, event = 'SelectedBytes') FROM system.events " +
  "SETTINGS max_rows_to_read = 0, max_bytes_to_read = 0"

/** The counts of a {@link readSoFar}, and the rows and bytes that were read to tell them. */
interface Counted {
  readonly data: ReadonlyArray<readonly [rows: string | number, bytes: string | number]>
  readonly statistics: { readonly rows_read: number; readonly bytes_read: number }
}

/** An INSERT … SELECT behind its settings. */
const insertSelect = /;\s*INSERT\s+INTO\s[^;(]*(?:\([^)]*\))?\s*(?:SELECT|WITH)\b/i

/**
 * A statement of the embedded engine that has no result. The engine doesn't say what an INSERT … SELECT read, so it is asked before and
 * after, in one go: one statement runs at a time.
 */
const writeEmbedded: Send<Written> = async (client, request) => {
  const begun = performance.now()
  const spent = () => ({ durationMs: performance.now() - begun, memoryBytes: undefined })
  if (!insertSelect.test(request.query)) {
    await client.command(request)
    return { rowsRead: 0, bytesRead: 0, ...spent() }
  }
  const query = `${readSoFar} FORMAT JSONCompact; ${request.query.replace(/[;\s]+$/, "")}; ${readSoFar}`
  const result = await client.query({ ...request, query, format: "JSONCompact" })
  const documents = (await result.text()).replace(/\}\s*\{\s*"meta"/, `},{"meta"`)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The answers of the two queries above, one after the other.
  const [before, after] = JSON.parse(`[${documents}]`) as [Counted, Counted]
  const more = (i: 0 | 1) => Number(after.data[0]![i]) - Number(before.data[0]![i])
  return {
    rowsRead: more(0) - before.statistics.rows_read,
    bytesRead: more(1) - before.statistics.bytes_read,
    ...spent()
  }
}

/** What the embedded engine answered. */
const readEmbedded: Send<Answer> = async (client, request) => {
  const result = await client.query({ ...request, format: "JSONCompact" })
  request.abort_signal.addEventListener("abort", () => result.close(), { once: true })
  return { text: await result.text(), memoryBytes: undefined }
}

/** How many requests run at the same time where the configuration says nothing. */
const CONNECTIONS = 10

/** How long an idle connection is kept: shorter than any server keeps it. */
const IDLE_MILLIS = 2_500

/** A server over HTTP. Nothing is sent yet. */
export const serverEngine = Effect.fn("Warehouse.serverEngine")(function*(
  config: WarehouseConfig,
  url: string,
  seconds: number
): Effect.fn.Return<Engine, WarehouseUnavailable, Scope.Scope> {
  const connection = yield* readConnection(config, url)
  const { byCertificate, origin, password, path, secrets, token, username } = connection
  const idle = config.keep_alive_seconds === undefined ? IDLE_MILLIS : config.keep_alive_seconds * 1000
  const open = (sockets: number) =>
    Effect.acquireRelease(
      Effect.sync(() =>
        createClient({
          url: origin,
          ...(path === "/" ? {} : { pathname: path }),
          application: "assay",
          request_timeout: seconds * 1000 + GRACE_MILLIS,
          use_multipart_params_auto: true,
          log,
          http_agent: makeAgent(connection, { keepAlive: idle > 0, sockets }),
          max_open_connections: sockets,
          keep_alive: { enabled: idle > 0, idle_socket_ttl: idle },
          compression: { response: false, request: false, ...config.compression },
          ...(username === undefined ? {} : { username }),
          ...(password === undefined ? {} : { password: Redacted.value(password) }),
          ...(token === undefined ? {} : { access_token: Redacted.value(token) }),
          ...(config.database === undefined ? {} : { database: config.database }),
          ...(byCertificate
            ? {
              set_basic_auth_header: false,
              http_headers: { "X-ClickHouse-User": username ?? "default", "X-ClickHouse-SSL-Certificate-Auth": "on" }
            }
            : {})
        })
      ),
      close
    )
  const client = yield* open(config.connections ?? CONNECTIONS)
  // Queries that wait for a connection mustn't keep the statement that stops them waiting.
  const beside = yield* open(CONNECTIONS)
  return {
    read: readAnswer,
    write: writeServer,
    use: (run) => run(client),
    control: (run) => run(beside),
    request: (query, settings) => ({ query, clickhouse_settings: { ...settings, ...httpSettings(seconds) } }),
    find: (queryId) => ({ text: "query_id = {id:String}", parameters: { id: queryId } }),
    settled: Effect.succeed(true),
    // Behind a proxy it may be the proxy that isn't there.
    ...(connection.proxy === undefined ? { origin } : {}),
    secrets
  }
})

/** Why the embedded engine can't be had: not installed, no build for this machine, or a second data directory. */
export const embeddedFailure = (cause: unknown): WarehouseUnavailable => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  const said = cause instanceof Error ? cause.message : ""
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") {
    return unavailable(
      "The embedded ClickHouse isn't installed.",
      "Add it with `npm install chdb` (540 MB), or set warehouse.url in assay.config.ts to use a server."
    )
  }
  if (/one active data directory|Cannot open a session/.test(said)) {
    return unavailable(
      "This process already has an embedded ClickHouse open at another data directory; it can have one at a time.",
      "Use the same path, close the other one first, or start another process."
    )
  }
  return unavailable(
    `The embedded ClickHouse can't start${said === "" ? "." : `: ${said.split("\n")[0]}`}`,
    "Check that the data directory can be written, that no other process uses it, and that chdb supports this machine."
  )
}

/**
 * The embedded engine, with its data in `path` or in a temporary directory that goes with the last user of it.
 *
 * Each query gets a connection of its own (2 ms), because settings stick to a connection, and so does the part of a
 * result that a failed query had written before it failed: the next query's answer would start with it. One query runs
 * at a time, because parameters are set for the process. Aborting returns before the engine stops, so an interrupted
 * query is killed (again, where it hadn't entered the engine's list yet) until the engine has let go of it.
 */
export const embeddedEngine = Effect.fn("Warehouse.embeddedEngine")(function*(
  path: string | undefined
): Effect.fn.Return<Engine, WarehouseUnavailable, Scope.Scope> {
  const directory = path === undefined ? ":memory:" : resolve(path)
  const { createChdbConnection } = yield* Effect.tryPromise({
    try: () => import("chdb/connection"),
    catch: embeddedFailure
  })
  const { drainPending } = yield* Effect.tryPromise({ try: () => import("chdb"), catch: embeddedFailure })
  const open = Effect.try({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The client carries a copy of the types that chdb takes from client-common: the same contract under two names.
    try: () => createClient({ connection: createChdbConnection({ path: directory }) as unknown as Injected, log }),
    catch: embeddedFailure
  })
  const drain = (millis: number) => Effect.promise(() => drainPending()).pipe(Effect.timeoutOption(millis))
  yield* Effect.acquireRelease(open, (held) => Effect.andThen(drain(KILL_MILLIS), close(held)))
  const turn = yield* Semaphore.make(1)
  const control: Engine["control"] = (run) => Effect.acquireUseRelease(Effect.orDie(open), run, close)
  return {
    read: readEmbedded,
    write: writeEmbedded,
    use: (run) => turn.withPermit(control(run)),
    control,
    request: (text, settings) => ({ query: withSettings(text, settings), clickhouse_settings: {} }),
    find: (queryId) => ({ text: `position(Settings['log_comment'], '"${queryId}"') > 0`, parameters: {} }),
    settled: Effect.map(drain(SETTLE_MILLIS), Option.isSome),
    secrets: []
  }
})
