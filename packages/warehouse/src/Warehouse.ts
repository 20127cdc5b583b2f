/** ClickHouse as a service: statements in, whole results or one typed error out. */
import { QueryRejected, type Statement, type WarehouseError, WarehouseUnavailable } from "@assay/model"
import { Cause, Context, Effect, Exit, Layer, Redacted, Schedule } from "effect"
import { randomUUID } from "node:crypto"
import { classifyError, isTransient } from "./classifyError.ts"
import { decodeResult, type QueryResult, type QueryStatistics, type Row } from "./decodeResult.ts"
import { embeddedEngine, type Engine, type Send, serverEngine } from "./engine.ts"
import { type Estimate, estimateWith, overLimit } from "./estimate.ts"
import {
  DEFAULT_RETRIES,
  DEFAULT_SECONDS,
  FIRST_BACKOFF_MILLIS,
  KILL_MILLIS,
  MAX_BACKOFF_MILLIS,
  PROGRESS_MILLIS,
  SETTLE_MILLIS
} from "./limits.ts"
import { encodeParameters, valuesOf } from "./parameters.ts"
import { limitSettings, pinnedSettings, type Settings } from "./settings.ts"
import type { WarehouseConfig } from "./WarehouseConfig.ts"

/** How far a query is. `totalRows` is ClickHouse's estimate, absent while it has none. */
export interface QueryProgress {
  readonly rowsRead: number
  readonly bytesRead: number
  readonly totalRows?: number
  readonly elapsedMs: number
}

/** `queryId`: 1 to 100 letters, digits, `.`, `_`, `:`, `-`. `comment` goes to `log_comment` as JSON. */
export interface CommandOptions {
  readonly queryId?: string
  readonly comment?: Readonly<Record<string, string>>
}

/** `token` names the rows for ever: see {@link WarehouseShape.insert}. */
export interface InsertOptions extends CommandOptions {
  readonly token?: string
}

/** `onProgress` is called about twice a second while the query runs, and once when it is done. */
export interface QueryOptions extends CommandOptions {
  readonly onProgress?: (progress: QueryProgress) => Effect.Effect<void>
}

/** What a warehouse can do; see {@link Warehouse}. */
export interface WarehouseShape {
  /** Runs a statement that has a result. Transient failures are retried, each try under a `query_id` of its own. */
  readonly query: (statement: Statement, options?: QueryOptions) => Effect.Effect<QueryResult, WarehouseError>
  /**
   * Runs a statement without a result (DDL, INSERT) once: it isn't retried, since it may have run already. Answers what it cost, which for
   * INSERT … SELECT is what it read.
   */
  readonly command: (statement: Statement, options?: CommandOptions) => Effect.Effect<QueryStatistics, WarehouseError>
  /**
   * Adds rows to a table. With a `token` that no other rows have, the same rows are added once, however often they are sent
   * (in a table that remembers tokens), and transient failures are retried.
   */
  readonly insert: (
    table: string,
    rows: ReadonlyArray<Row>,
    options?: InsertOptions
  ) => Effect.Effect<void, WarehouseError>
  /** What a statement is expected to read. Nothing of it runs. */
  readonly estimate: (statement: Statement) => Effect.Effect<Estimate, WarehouseError>
  /**
   * Fails with `QueryLimitExceeded` when a statement is expected to read more than `limits.rows` or `limits.bytes` of the
   * configuration; asks nothing where neither is set. What can't be estimated is left to the limits of the run.
   */
  readonly admit: (statement: Statement) => Effect.Effect<void, WarehouseError>
  /** ClickHouse's version, such as `26.7.2.1`. */
  readonly version: () => Effect.Effect<string, WarehouseError>
  /** Whether ClickHouse answers a query with these credentials, tried once. */
  readonly ping: () => Effect.Effect<void, WarehouseError>
}

/** Not written asynchronously, so that an answer means stored rows. */
const sendInsert =
  (table: string, rows: ReadonlyArray<Row>, settings: Settings): Send<void> => async (client, request) => {
    const { abort_signal, query_id } = request
    await client.insert({
      table,
      values: rows,
      format: "JSONEachRow",
      clickhouse_settings: { ...settings, async_insert: 0, input_format_skip_unknown_fields: 0 },
      query_id,
      abort_signal
    })
  }

const backoff = (retries: number) =>
  Schedule.min([Schedule.exponential(FIRST_BACKOFF_MILLIS), Schedule.spaced(MAX_BACKOFF_MILLIS)]).pipe(
    Schedule.jittered,
    Schedule.upTo({ times: retries })
  )

const plain = (text: string): Statement => ({ text, parameters: {}, settings: {} })

const isQueryId = (id: string): boolean => /^[A-Za-z0-9._:-]{1,100}$/.test(id)

const make = (engine: Engine, config: WarehouseConfig, seconds: number): WarehouseShape => {
  const limits = { ...config.limits, seconds }
  const secrets = engine.secrets.map(Redacted.value)
  const at = engine.origin === undefined ? {} : { origin: engine.origin }

  /**
   * Tells ClickHouse to stop a query; what goes wrong here changes nothing any more. Not SYNC: the embedded engine keeps
   * a killed query in its list until the connection closes, and the wait would never end.
   */
  const kill = (queryId: string) => {
    const { parameters, text } = engine.find(queryId)
    return engine.control((client) =>
      Effect.tryPromise((signal) =>
        client.command({ query: `KILL QUERY WHERE ${text} ASYNC`, query_params: parameters, abort_signal: signal })
      )
    ).pipe(
      Effect.ignore,
      Effect.andThen(engine.settled),
      Effect.repeat({ until: (settled) => settled, times: KILL_MILLIS / SETTLE_MILLIS }),
      Effect.timeout(KILL_MILLIS),
      Effect.ignore,
      Effect.withSpan("Warehouse.kill")
    )
  }

  const watch = (
    queryId: string,
    onProgress: (progress: QueryProgress, memoryBytes: number) => Effect.Effect<void>
  ) => {
    const { parameters, text } = engine.find(queryId)
    const query = "SELECT toFloat64(sum(read_rows)), toFloat64(sum(read_bytes)), toFloat64(sum(total_rows_approx)), " +
      `max(elapsed), toFloat64(max(peak_memory_usage)) FROM system.processes WHERE ${text} HAVING count() > 0`
    const look = engine.control((client) =>
      Effect.tryPromise((signal) =>
        client.query({ query, query_params: parameters, format: "JSONCompact", abort_signal: signal })
          .then((result) => result.json<ReadonlyArray<unknown>>())
      )
    ).pipe(Effect.map((document) => document.data[0]), Effect.orElseSucceed(() => undefined))
    return look.pipe(
      Effect.flatMap((row) => {
        if (row === undefined) return Effect.void
        const [rowsRead = 0, bytesRead = 0, totalRows = 0, elapsed = 0, memory = 0] = row.map(Number)
        const total = totalRows > 0 ? { totalRows } : {}
        return onProgress({ rowsRead, bytesRead, ...total, elapsedMs: elapsed * 1000 }, memory)
      }),
      Effect.delay(PROGRESS_MILLIS),
      Effect.forever
    )
  }

  /** One try under one `query_id`: bound, pinned, limited, and stopped on the server when it is interrupted or cut off. */
  const attempt = <A>(send: Send<A>, statement: Statement, queryId: string, options: QueryOptions) =>
    Effect.gen(function*() {
      const bound = yield* Effect.fromResult(encodeParameters(statement.parameters))
      const context = { ...at, queryId, limits, secrets, values: valuesOf(bound) }
      const request = engine.request(statement.text, {
        ...pinnedSettings,
        ...limitSettings(limits),
        ...statement.settings,
        log_comment: JSON.stringify({ ...options.comment, query_id: queryId })
      })
      const { onProgress } = options
      let seenMemory = 0
      const answer = engine.use((client) => {
        const running = Effect.tryPromise({
          try: (signal) => send(client, { ...request, query_params: bound, query_id: queryId, abort_signal: signal }),
          catch: (cause) => classifyError(cause, context)
        }).pipe(Effect.onExit((exit) => mayRun(exit) ? kill(queryId) : Effect.void))
        return onProgress === undefined ? running : Effect.raceFirst(
          running,
          watch(queryId, (progress, memory) => {
            seenMemory = Math.max(seenMemory, memory)
            return onProgress(progress)
          })
        )
      })
      return { answer: yield* answer, context, seenMemory: seenMemory > 0 ? seenMemory : undefined }
    }).pipe(Effect.withSpan("Warehouse.attempt", { attributes: { "clickhouse.query_id": queryId } }))

  const query = (retries: number) =>
    Effect.fn("Warehouse.query")(function*(statement: Statement, options: QueryOptions = {}) {
      const base = yield* chooseId(options.queryId)
      let tries = 0
      const once = Effect.suspend(() => {
        tries += 1
        return attempt(engine.read, statement, tries === 1 ? base : `${base}-${tries}`, options)
      }).pipe(
        Effect.flatMap(({ answer: { memoryBytes, text }, context, seenMemory }) =>
          Effect.fromResult(decodeResult(text, context, memoryBytes ?? seenMemory))
        )
      )
      const result = yield* Effect.retry(once, { schedule: backoff(retries), while: isTransient })
      if (options.onProgress !== undefined) {
        const { bytesRead, durationMs, rowsRead } = result.statistics
        yield* options.onProgress({ rowsRead, bytesRead, totalRows: rowsRead, elapsedMs: durationMs })
      }
      return result
    })

  const retrying = query(config.retries ?? DEFAULT_RETRIES)
  const estimate = estimateWith(retrying)

  return {
    query: retrying,
    command: Effect.fn("Warehouse.command")(function*(statement, options = {}) {
      const queryId = yield* chooseId(options.queryId)
      const { answer: { memoryBytes, ...cost } } = yield* attempt(engine.write, statement, queryId, options)
      return { queryId, ...cost, ...(memoryBytes === undefined ? {} : { peakMemoryBytes: memoryBytes }) }
    }),
    insert: Effect.fn("Warehouse.insert")(function*(table, rows, options = {}) {
      if (rows.length === 0) return
      const base = yield* chooseId(options.queryId)
      const { token } = options
      let tries = 0
      const once = Effect.suspend(() => {
        tries += 1
        const queryId = tries === 1 ? base : `${base}-${tries}`
        const send = sendInsert(table, rows, {
          max_execution_time: limits.seconds,
          log_comment: JSON.stringify({ ...options.comment, query_id: queryId }),
          ...(token === undefined ? {} : { insert_deduplicate: 1, insert_deduplication_token: token })
        })
        return attempt(send, plain(`INSERT INTO ${table}`), queryId, options)
      })
      const retries = token === undefined ? 0 : config.retries ?? DEFAULT_RETRIES
      yield* Effect.retry(once, { schedule: backoff(retries), while: isTransient })
    }),
    estimate,
    admit: Effect.fn("Warehouse.admit")(function*(statement) {
      if (limits.rows === undefined && limits.bytes === undefined) return
      const unknown: Estimate = { tables: [], rows: 0 }
      // What ClickHouse doesn't explain it may still run; what is wrong with it is said then.
      const expected = yield* estimate(statement).pipe(
        Effect.catchTag("QueryRejected", () => Effect.succeed(unknown))
      )
      const found = overLimit(expected, limits)
      if (found !== undefined) return yield* found
    }),
    version: Effect.fn("Warehouse.version")(function*() {
      const { rows } = yield* retrying(plain("SELECT version() AS version"))
      return String(rows[0]?.["version"])
    }),
    ping: Effect.fn("Warehouse.ping")(function*() {
      yield* query(0)(plain("SELECT 1 AS one"))
    })
  }
}

/** Whether ClickHouse may still be at a query that the fiber has left: interrupted, or without a usable answer. */
const mayRun = (exit: Exit.Exit<unknown, WarehouseError>): boolean =>
  Exit.isFailure(exit) && (Cause.hasInterrupts(exit.cause) ||
    exit.cause.reasons.some((reason) => Cause.isFailReason(reason) && reason.error instanceof WarehouseUnavailable))

const chooseId = (given: string | undefined): Effect.Effect<string, QueryRejected> =>
  given === undefined || isQueryId(given)
    ? Effect.succeed(given ?? randomUUID())
    : Effect.fail(
      new QueryRejected({
        clickhouseCode: 36,
        clickhouseName: "BAD_ARGUMENTS",
        message: "The query id isn't usable.",
        hint: "Use 1 to 100 letters, digits, '.', '_', ':' or '-'."
      })
    )

/** ClickHouse, a server or embedded, as one service. */
export class Warehouse extends Context.Service<Warehouse, WarehouseShape>()("@assay/warehouse/Warehouse") {
  /** The warehouse that a configuration names. A server is asked for nothing yet; the embedded engine starts. */
  static readonly layer = (config: WarehouseConfig): Layer.Layer<Warehouse, WarehouseUnavailable> => {
    const seconds = config.limits?.seconds ?? DEFAULT_SECONDS
    const { url } = config
    return Layer.effect(
      Warehouse,
      Effect.map(
        url === undefined ? embeddedEngine(config.embedded?.path) : serverEngine(config, url, seconds),
        (engine) => make(engine, config, seconds)
      )
    )
  }

  /** The embedded engine with the defaults: in memory, or in the data directory `path`. */
  static readonly layerEmbedded = (path?: string): Layer.Layer<Warehouse, WarehouseUnavailable> =>
    Warehouse.layer({ embedded: path === undefined ? {} : { path } })
}
