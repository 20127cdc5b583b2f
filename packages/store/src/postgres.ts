/**
 * Runs and snapshots in PostgreSQL, for any number of runners on any number of machines.
 *
 * pg-boss, a queue in the same database, decides who runs what: a job per run, taken with `SKIP LOCKED`, held by heartbeats, given to
 * another runner when they stop, and settled only by the attempt that still holds it. Whatever is written about a run or its result
 * is in the same transaction as the job's settlement, so both happen or neither.
 */
import { Instant, StoreError } from "@assay/model"
import { Effect, Option, Result, Schedule, Schema } from "effect"
import type { Client, Pool } from "pg"
import type { Db, JobAttempt, PgBoss } from "pg-boss"
import * as FileName from "./FileName.ts"
import { isOpen, Run } from "./Run.ts"
import type { Claim, RunsShape, Standing } from "./Runs.ts"
import { encode, Snapshot } from "./Snapshot.ts"
import type { Listed, Shape } from "./Store.ts"
import {
  admitted,
  cancelled,
  failed,
  idTaken,
  lostRunner,
  mayGoTogether,
  overtaken,
  priorities,
  queued,
  succeeded,
  taken,
  waiting
} from "./transitions.ts"

/** Where the database is. `url` is a secret. `leaseSeconds` (30; 10 or more): without a sign of life for so long, a runner has lost its runs. */
export interface PostgresOptions {
  readonly url: string
  readonly schema?: string
  readonly leaseSeconds?: number
}

const QUEUE = "assay-runs"
const DEFAULT_SCHEMA = "assay"
const DEFAULT_LEASE_SECONDS = 30

/** How often a runner looks for runs whose runner is lost. */
const SUPERVISE_SECONDS = 2

/** How long an operation is tried again while the database is away, such as in a restart. */
const PATIENCE_MILLIS = 60_000
const AGAIN_MILLIS = 500

/** What is to be fetched next, whatever else is in the queue, is raised by so much for that long. */
const RAISED = 1000

/** A job is for as long as its run; what pg-boss would end or forget by itself lies beyond. */
const YEAR_SECONDS = 365 * 86_400
const DAY_SECONDS = 86_400

/** Each leads from one version of our tables to the next; only ever added to. */
const migrations: ReadonlyArray<(tables: string) => string> = [
  (tables) =>
    `CREATE TABLE ${tables}.runs (
       seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid NOT NULL UNIQUE, experiment text NOT NULL, state text NOT NULL,
       finished_at timestamptz, run text NOT NULL
     );
     CREATE INDEX ON ${tables}.runs (experiment, seq DESC);
     CREATE INDEX ON ${tables}.runs (seq) WHERE state IN ('queued', 'running');
     CREATE TABLE ${tables}.claims (experiment text PRIMARY KEY, at bigint NOT NULL);
     CREATE TABLE ${tables}.snapshots (
       experiment text NOT NULL, id text COLLATE "C" NOT NULL, as_of bigint NOT NULL, snapshot text NOT NULL, PRIMARY KEY (experiment, id)
     );
     CREATE INDEX ON ${tables}.snapshots (experiment, as_of DESC, id DESC);`
]

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : ""

/** Whether the database was away rather than refusing: classes 08 (connection) and 57P (shutdown), 53300, and the network's codes. */
const isAway = (cause: unknown): boolean =>
  /^(08|57P0|53300)|^E(CONN|PIPE|AI_AGAIN|HOST|NET|TIMEDOUT)/.test(codeOf(cause)) ||
  (cause instanceof Error &&
    /Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect/.test(
      cause.message
    ))

const hint = (cause: unknown): string => {
  const code = codeOf(cause)
  if (isAway(cause)) return "Check that the database runs and can be reached from here."
  if (code.startsWith("28")) return "Check the user and password in the connection URL."
  if (code === "3D000") return "Make the database, or name another one in the connection URL."
  if (code === "42501") return "Give this user the rights that docs/operations.md lists."
  if (code === "3F000" || code === "42P01") return "Make the tables with `assay store migrate`."
  return "Look at the database's log; its code tells which kind of error it is."
}

interface Failure {
  readonly away: boolean
  readonly error: StoreError
}

const SnapshotText = Schema.fromJsonString(Snapshot)
const parseRun = Schema.decodeUnknownSync(Schema.fromJsonString(Run))

/** The text that a part of a URL stands for; undefined where a `%` in it begins no escape. */
const unescaped = (part: string): string | undefined => {
  const text = Result.try(() => decodeURIComponent(part))
  return Result.isSuccess(text) ? text.success : undefined
}

/** What the database says, in a sentence; without the password, wherever it came from. */
const explain = (url: string) => {
  const parsed = URL.parse(url)
  const password = unescaped(parsed?.password ?? "") ?? ""
  const place = parsed === null ? "the database" : `${parsed.host}${parsed.pathname}`
  return (doing: string, cause: unknown): Failure => {
    const said = cause instanceof Error ? cause.message : String(cause)
    const message = `Could not ${doing} at ${place}: ${said}${codeOf(cause) === "" ? "" : ` (${codeOf(cause)})`}`
    return {
      away: isAway(cause),
      error: new StoreError({
        message: password === "" ? message : message.replaceAll(password, "…"),
        hint: hint(cause)
      })
    }
  }
}

/** Where a snapshot was put, or that its id is another one's. */
type Kept = { readonly path: string; readonly latest: boolean } | "taken"

/** Something that is to leave a transaction, and undo it, without being an error. */
class Undo {
  readonly value: unknown
  constructor(value: unknown) {
    this.value = value
  }
}

/** Whether pg-boss changed the one job that it was asked to; it doesn't when the attempt isn't the one that holds it. */
const isAffected = (response: unknown): boolean =>
  typeof response === "object" && response !== null && "affected" in response && response.affected === 1

const connect = Effect.fn("postgres.connect")(function*(options: PostgresOptions) {
  const { url } = options
  const parsed = URL.parse(url)
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    return yield* new StoreError({
      message: "The connection URL of the store isn't one of PostgreSQL's.",
      hint: "Write it as postgres://user:password@host:5432/database"
    })
  }
  if ([parsed.username, parsed.password, parsed.pathname].some((part) => unescaped(part) === undefined)) {
    return yield* new StoreError({
      message: "The connection URL of the store has a % that begins no escape.",
      hint: "Write % in a user's name, a password or the name of a database as %25"
    })
  }
  const pg = yield* Effect.promise(() => import("pg"))
  return yield* Effect.acquireRelease(
    Effect.sync(() => {
      const pool = new pg.default.Pool({
        connectionString: url,
        max: 10,
        connectionTimeoutMillis: 10_000,
        application_name: "assay",
        keepAlive: true
      })
      // A connection that breaks while it idles is dropped by the pool; whoever asks next gets another.
      pool.on("error", () => undefined)
      // One that breaks between two queries of a transaction is noticed by the next query; without a listener it would end the process.
      pool.on("connect", (client) => client.on("error", () => undefined))
      return pool
    }),
    (pool) => Effect.promise(() => pool.end())
  )
})

type Query = Pick<Client, "query">

const dbOf = (client: Query): Db => ({
  executeSql: async (text: string, values?: Array<unknown>) => client.query(text, values)
})

const inTransaction = async <A>(pool: Pool, body: (client: Query) => Promise<A>): Promise<A> => {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query("BEGIN")
    const result = await body(client)
    await client.query("COMMIT")
    return result
  } catch (error) {
    if (error instanceof Undo) {
      await client.query("ROLLBACK")
      return error.value as A
    }
    broken = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    // A connection on which something failed is closed, which also rolls back.
    client.release(broken)
  }
}

const makeBoss = async (pool: Pool, schema: string, supervise: boolean): Promise<PgBoss> => {
  const { PgBoss: Boss } = await import("pg-boss")
  const boss = new Boss({
    db: dbOf(pool),
    schema: `${schema}_queue`,
    migrate: false,
    createSchema: false,
    schedule: false,
    supervise,
    superviseIntervalSeconds: SUPERVISE_SECONDS,
    monitorIntervalSeconds: SUPERVISE_SECONDS
  })
  // What fails here is tried again at the next interval; what fails in an operation is told there.
  boss.on("error", () => undefined)
  await boss.start()
  return boss
}

const stopBoss = (boss: PgBoss) =>
  Effect.promise(() => boss.stop({ graceful: false, close: false }).catch(() => undefined))

/** A schema as it stands before the name of a table. */
const quoted = (schema: string): string => `"${schema.replaceAll("\"", "\"\"")}"`

/** The version of our tables in the quoted schema, 0 where there are none. */
const versionOf = async (client: Query, tables: string): Promise<number> => {
  const { rows: [found] } = await client.query("SELECT to_regclass($1) IS NOT NULL AS there", [`${tables}.migrations`])
  if (found?.there !== true) return 0
  const { rows: [row] } = await client.query(
    `SELECT coalesce(max(version), 0)::int AS version FROM ${tables}.migrations`
  )
  return Number(row?.version)
}

/**
 * Makes the tables of runs, snapshots and the queue, or brings them to this version; changes nothing where they are. Answers the
 * version before and after. Needs the right to create schemas; nothing else does.
 */
export const migratePostgres = Effect.fn("migratePostgres")(function*(options: PostgresOptions) {
  const schema = options.schema ?? DEFAULT_SCHEMA
  const tables = quoted(schema)
  const failure = explain(options.url)
  const pool = yield* connect(options)
  return yield* Effect.tryPromise({
    try: async () => {
      const from = await inTransaction(pool, async (client) => {
        await client.query("SELECT pg_advisory_xact_lock(hashtext($1))", [`${schema}.migrations`])
        await client.query(`CREATE SCHEMA IF NOT EXISTS ${tables}`)
        const version = await versionOf(client, tables)
        if (version > migrations.length) throw new Error(`made by a newer version of Assay (format ${version})`)
        await client.query(
          `CREATE TABLE IF NOT EXISTS ${tables}.migrations (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`
        )
        for (const [i, text] of migrations.entries()) {
          if (i < version) continue
          await client.query(text(tables))
          await client.query(`INSERT INTO ${tables}.migrations (version) VALUES ($1)`, [i + 1])
        }
        return version
      })
      const { PgBoss: Boss } = await import("pg-boss")
      const boss = new Boss({ db: dbOf(pool), schema: `${schema}_queue`, schedule: false, supervise: false })
      boss.on("error", () => undefined)
      await boss.start()
      try {
        const queue = {
          retryLimit: 1_000_000,
          retryDelay: 0,
          expireInSeconds: DAY_SECONDS,
          retentionSeconds: YEAR_SECONDS,
          deleteAfterSeconds: DAY_SECONDS
        }
        const heartbeatSeconds = options.leaseSeconds ?? DEFAULT_LEASE_SECONDS
        if ((await boss.getQueue(QUEUE)) === null) {
          await boss.createQueue(QUEUE, { ...queue, heartbeatSeconds, policy: "exclusive" })
        } else {
          await boss.updateQueue(QUEUE, { ...queue, heartbeatSeconds })
        }
      } finally {
        await boss.stop({ graceful: false, close: false })
      }
      return { from, to: migrations.length }
    },
    catch: (cause) => failure("make the tables of the store", cause).error
  })
}, Effect.scoped)

interface Row {
  readonly run: string
  readonly job_state: string | null
  readonly job_start: string | null
}

/** A run as it stands: pg-boss alone notices that a runner is lost, and the run says so from the next time it is read. */
const viewOf = ({ job_start, job_state, run: text }: Row): Run => {
  const run = parseRun(text)
  if (!isOpen(run)) return run
  if (job_state === null || job_state === "failed") {
    return failed(run, Instant.toMillis(run.started_at ?? run.queued_at), lostRunner(run.runner))
  }
  return run.state === "running" && job_state !== "active"
    ? waiting(run, lostRunner(run.runner), Number(job_start))
    : run
}

/** The services on a database whose tables are there. Fails where they aren't, or are of another version. */
export const postgres = Effect.fn("postgres")(
  function*(options: PostgresOptions) {
    const schema = options.schema ?? DEFAULT_SCHEMA
    const tables = quoted(schema)
    const leaseSeconds = options.leaseSeconds ?? DEFAULT_LEASE_SECONDS
    const jobs = `${quoted(`${schema}_queue`)}.job`
    const place = `postgres:${schema}`
    const failure = explain(options.url)
    const pool = yield* connect(options)

    const attempt = <A>(doing: string, run: () => Promise<A>): Effect.Effect<A, StoreError> =>
      Effect.tryPromise({ try: run, catch: (cause) => failure(doing, cause) }).pipe(
        Effect.retry({
          schedule: Schedule.spaced(AGAIN_MILLIS).pipe(Schedule.upTo({ duration: PATIENCE_MILLIS })),
          while: ({ away }) => away
        }),
        Effect.mapError(({ error }) => error)
      )
    const once = <A>(doing: string, run: () => Promise<A>): Effect.Effect<A, StoreError> =>
      Effect.tryPromise({ try: run, catch: (cause) => failure(doing, cause).error })

    const version = yield* once("read the version of the store", () => versionOf(pool, tables))
    if (version !== migrations.length) {
      return yield* new StoreError({
        message: version === 0
          ? `The schema ${schema} of the database holds no store.`
          : `The store in the schema ${schema} has format ${version}; this version of Assay has ${migrations.length}.`,
        hint: version > migrations.length
          ? "Use the version of Assay that the other runners use."
          : "Make it ready with `assay store migrate`."
      })
    }
    const boss = yield* Effect.acquireRelease(once("open the queue", () => makeBoss(pool, schema, false)), stopBoss)

    const select = `SELECT r.run, j.state::text AS job_state, extract(epoch FROM j.start_after) * 1000 AS job_start
      FROM ${tables}.runs r LEFT JOIN ${jobs} j ON j.id = r.id AND j.name = '${QUEUE}'`
    const read = async (client: Query, rest: string, values: Array<unknown>): Promise<ReadonlyArray<Run>> =>
      (await client.query<Row>(`${select} ${rest}`, values)).rows.map(viewOf)
    const clock = async (client: Query): Promise<number> =>
      Number((await client.query("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000) AS now")).rows[0].now)
    const save = async (client: Query, run: Run): Promise<void> => {
      await client.query(`UPDATE ${tables}.runs SET state = $2, finished_at = $3, run = $4 WHERE id = $1`, [
        run.id,
        run.state,
        run.finished_at ?? null,
        JSON.stringify(run)
      ])
    }
    const lock = (client: Query, name: string) =>
      client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`${schema}.${name}`])
    const isUuid = (id: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)

    const newest = `ORDER BY as_of DESC, id DESC`
    const listed = (row: { readonly id: string; readonly as_of: string }): Listed => ({
      id: row.id,
      as_of: Instant.fromMillis(Number(row.as_of)),
      path: `${place}#${row.id}`
    })
    const readSnapshot = (row: { readonly id: string; readonly snapshot: string } | undefined) =>
      row === undefined
        ? Effect.succeed(Option.none<Snapshot>())
        : Schema.decodeEffect(SnapshotText)(row.snapshot).pipe(
          Effect.asSome,
          Effect.mapError((error) =>
            new StoreError({
              message: `The snapshot ${row.id} in the schema ${schema} isn't a whole snapshot of this version (${
                String(error)
              }).`,
              hint: "Remove it from the table snapshots, or bring it back from a backup."
            })
          )
        )
    const insertSnapshot = async (client: Query, snapshot: Snapshot, text: string): Promise<Kept> => {
      const key = FileName.directory(snapshot.experiment)
      const { rowCount } = await client.query(
        `INSERT INTO ${tables}.snapshots (experiment, id, as_of, snapshot) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
        [key, snapshot.id, Instant.toMillis(snapshot.as_of), text]
      )
      if (rowCount === 0) return "taken"
      const { rows } = await client.query(
        `SELECT id FROM ${tables}.snapshots WHERE experiment = $1 ${newest} LIMIT 1`,
        [key]
      )
      return { path: `${place}#${snapshot.id}`, latest: rows[0].id === snapshot.id }
    }

    const store: Shape = {
      put: Effect.fn("Store.put")(function*(snapshot) {
        const text = JSON.stringify(yield* encode(snapshot))
        const kept = yield* attempt(
          `write the snapshot ${snapshot.id}`,
          () => inTransaction(pool, (client) => insertSnapshot(client, snapshot, text))
        )
        return kept === "taken" ? yield* idTaken(snapshot.id) : kept
      }),
      latest: Effect.fn("Store.latest")(function*(experiment) {
        const { rows } = yield* attempt(
          "read the latest snapshot",
          () =>
            pool.query(`SELECT id, snapshot FROM ${tables}.snapshots WHERE experiment = $1 ${newest} LIMIT 1`, [
              FileName.directory(experiment)
            ])
        )
        return yield* readSnapshot(rows[0])
      }),
      list: Effect.fn("Store.list")(function*(experiment) {
        const { rows } = yield* attempt(
          "list the snapshots",
          () =>
            pool.query(`SELECT id, as_of FROM ${tables}.snapshots WHERE experiment = $1 ${newest}`, [
              FileName.directory(experiment)
            ])
        )
        return rows.map(listed)
      }),
      newest: Effect.fn("Store.newest")(function*(experiments) {
        const { rows } = yield* attempt(
          "list the snapshots",
          () =>
            pool.query(
              `SELECT asked.at, s.id, s.as_of FROM unnest($1::text[]) WITH ORDINALITY AS asked (experiment, at)
               CROSS JOIN LATERAL (
                 SELECT id, as_of FROM ${tables}.snapshots WHERE experiment = asked.experiment ${newest} LIMIT 1
               ) s`,
              [experiments.map(FileName.directory)]
            )
        )
        return new Map(rows.map((row) => [experiments[Number(row.at) - 1]!, listed(row)] as const))
      }),
      get: Effect.fn("Store.get")(function*(experiment, id) {
        const { rows } = yield* attempt(
          "read a snapshot",
          () =>
            pool.query(`SELECT id, snapshot FROM ${tables}.snapshots WHERE experiment = $1 AND id = $2`, [
              FileName.directory(experiment),
              id
            ])
        )
        return yield* readSnapshot(rows[0])
      })
    }

    const claimOf = (run: Run, at: number, held: JobAttempt): Claim => {
      const { id } = run
      /** Ends the attempt in the queue with `end`, and with it what `write` does; undefined, and nothing done, where it isn't ours any more. */
      const settle = <A>(
        doing: string,
        end: (db: Db) => Promise<unknown>,
        write: (client: Query, found: Run, now: number) => Promise<A>
      ): Effect.Effect<A | undefined, StoreError> =>
        attempt(`${doing} the run ${id}`, () =>
          inTransaction(pool, async (client): Promise<A | undefined> => {
            const [found] = await read(client, "WHERE r.id = $1", [id])
            const ours = isAffected(await end(dbOf(client)))
            if (found === undefined || !ours) throw new Undo(undefined)
            return write(client, found, await clock(client))
          }))
      const complete = (db: Db) => boss.complete(QUEUE, held, null, { db })
      const end = (doing: string, next: (found: Run, now: number) => Run) =>
        settle(doing, complete, async (client, found, now) => {
          await save(client, next(found, now))
          return true
        }).pipe(Effect.map((done) => done === true))

      const put = (fingerprint: string): Shape["put"] =>
        Effect.fn("Store.put")(function*(snapshot: Snapshot) {
          const text = JSON.stringify(yield* encode(snapshot))
          const kept = yield* settle("end", complete, async (client, found, now): Promise<Kept> => {
            const inserted = await insertSnapshot(client, snapshot, text)
            if (inserted === "taken") throw new Undo(inserted satisfies Kept)
            await save(client, succeeded(found, now, "new", snapshot.id, fingerprint))
            return inserted
          })
          if (kept === "taken") return yield* idTaken(snapshot.id)
          if (kept !== undefined) return kept
          // The answer to the commit may have been lost, not the commit: then the run ended with this very snapshot.
          const [found] = yield* attempt(`read the run ${id}`, () => read(pool, "WHERE r.id = $1", [id]))
          if (found?.snapshot !== snapshot.id) return yield* overtaken(run)
          const [first] = yield* store.list(snapshot.experiment)
          return { path: `${place}#${snapshot.id}`, latest: first?.id === snapshot.id }
        })

      return {
        run,
        at,
        store: (fingerprint) => ({ ...store, put: put(fingerprint) }),
        leaseMillis: leaseSeconds * 1000,
        beat: (progress) =>
          once(`keep the run ${id}`, async () => {
            if (!isAffected(await boss.touch(QUEUE, held))) return false
            if (progress !== undefined) {
              await inTransaction(pool, async (client) => {
                const [found] = await read(client, "WHERE r.id = $1 FOR UPDATE OF r", [id])
                if (found?.state === "running" && found.attempt === run.attempt) {
                  await save(client, { ...found, progress })
                }
              })
            }
            return true
          }),
        unchanged: (snapshot, fingerprint) =>
          end("end", (found, now) => succeeded(found, now, "unchanged", snapshot, fingerprint)),
        fail: (error, retryAt) =>
          retryAt === undefined
            ? end("end", (found, now) => failed(found, now, error))
            : settle(
              "end",
              async (db) => {
                const ended = await boss.fail(QUEUE, held, { ...error }, { db })
                await boss.update(QUEUE, undefined, { id, startAfter: new Date(retryAt), db })
                return ended
              },
              async (client, found) => {
                await save(client, waiting(found, error, retryAt))
                return true
              }
            ).pipe(Effect.map((done) => done === true))
      }
    }

    /** The runs of these experiments that could be taken along with another one, locked so that nobody else takes them. */
    const alongWith = async (client: Query, first: Run, experiments: ReadonlyArray<string>) => {
      const { rows } = await client.query<{ readonly id: string }>(
        `SELECT j.id FROM ${jobs} j JOIN ${tables}.runs r ON r.id = j.id
         WHERE j.name = $1 AND j.state < 'active' AND NOT j.blocked AND j.start_after <= now()
           AND r.experiment = ANY($2) AND r.id <> $3
         FOR UPDATE OF j SKIP LOCKED`,
        [QUEUE, experiments.map(FileName.directory), first.id]
      )
      const found = await read(client, "WHERE r.id = ANY($1)", [rows.map(({ id }) => id)])
      return found.filter(mayGoTogether)
    }

    /** Fetches these jobs, and no others: pg-boss knows no way to name them, so that they come before all others for as long as that takes. */
    const raised = async (
      client: Query,
      ids: ReadonlyArray<string>,
      fetch: (
        options: { readonly minPriority: number; readonly batchSize: number }
      ) => Promise<ReadonlyArray<JobAttempt>>
    ): Promise<ReadonlyArray<JobAttempt>> => {
      const raise = (by: number) =>
        client.query(`UPDATE ${jobs} SET priority = priority + $3 WHERE name = $1 AND id = ANY($2)`, [QUEUE, ids, by])
      await raise(RAISED)
      const fetched = await fetch({ minPriority: RAISED, batchSize: ids.length })
      await raise(-RAISED)
      return fetched
    }

    const runs: RunsShape = {
      enqueue: (request) =>
        attempt("queue a run", () =>
          inTransaction(pool, async (client) => {
            const key = FileName.directory(request.experiment)
            await lock(client, key)
            const [last] = await read(client, "WHERE r.experiment = $1 ORDER BY r.seq DESC LIMIT 1", [key])
            if (last !== undefined && isOpen(last)) return { run: last, queued: false }
            // What only the queue knew until now is written down before something follows it.
            if (last !== undefined) await save(client, last)
            const run = queued(request, last, await clock(client))
            const [twin] = await read(client, "WHERE r.id = $1", [run.id])
            if (twin !== undefined) return { run: twin, queued: false }
            await client.query(
              `INSERT INTO ${tables}.runs (id, experiment, state, run) VALUES ($1, $2, 'queued', $3)`,
              [
                run.id,
                key,
                JSON.stringify(run)
              ]
            )
            await boss.send(QUEUE, {}, {
              id: run.id,
              singletonKey: key,
              priority: priorities[run.reason],
              heartbeatSeconds: leaseSeconds,
              db: dbOf(client)
            })
            return { run, queued: true }
          })),
      claim: ({ atMost, groups = [], runner }) =>
        once("take a run", () =>
          inTransaction(pool, async (client) => {
            await lock(client, "claim")
            const { rows: [running] } = await client.query(
              `SELECT count(DISTINCT coalesce(r.run::json ->> 'together', j.id::text)) AS places,
                 count(r.run::json ->> 'together') AS together
               FROM ${jobs} j JOIN ${tables}.runs r ON r.id = j.id WHERE j.name = $1 AND j.state = 'active'`,
              [QUEUE]
            )
            const which = admitted({ places: Number(running.places), together: Number(running.together) > 0 }, atMost)
            if (which === "none") return []
            const fetch = (options: { readonly minPriority?: number; readonly batchSize?: number }) =>
              boss.fetch(QUEUE, { includeMetadata: true, db: dbOf(client), ...options })
            const [job] = await fetch(which === "requests" ? { minPriority: priorities.request } : {})
            if (job === undefined) return []
            const [first] = await read(client, "WHERE r.id = $1", [job.id])
            if (first === undefined) throw new Error(`the queue holds ${job.id}, of which there is no run`)
            const others = mayGoTogether(first) ? groups.find((group) => group.includes(first.experiment)) ?? [] : []
            const along = others.length === 0 ? [] : await alongWith(client, first, others)
            const more = along.length === 0 ? [] : await raised(client, along.map(({ id }) => id), fetch)
            const taking = [job, ...more].map(({ id, retryCount }) => ({
              held: { id, retryCount },
              found: [first, ...along].find((run) => run.id === id)!
            }))
            const keys = taking.map(({ found }) => FileName.directory(found.experiment))
            const { rows: [claimed] } = await client.query(
              `WITH latest AS (SELECT max(at) + 1 AS at FROM ${tables}.claims WHERE experiment = ANY($1)),
               now AS (SELECT greatest($2::bigint, latest.at) AS at FROM latest)
               INSERT INTO ${tables}.claims (experiment, at) SELECT unnest($1::text[]), now.at FROM now
               ON CONFLICT (experiment) DO UPDATE SET at = excluded.at RETURNING at`,
              [keys, await clock(client)]
            )
            const at = Number(claimed.at)
            const all: Array<{ readonly run: Run; readonly held: JobAttempt }> = []
            for (const { found, held } of taking) {
              // Marked as running, but in the queue: whoever ran it is lost.
              const before = found.state === "running" ? waiting(found, lostRunner(found.runner), at) : found
              const run = taken(before, runner, at, taking.length === 1 ? undefined : first.id)
              await save(client, run)
              all.push({ run, held })
            }
            return all.map((one) => ({ ...one, at }))
          })).pipe(Effect.map((all) => all.map(({ at, held, run }) => claimOf(run, at, held)))),
      standings: attempt("read the runs", async () => {
        const newestOf = async (condition: string) =>
          new Map(
            (await read(
              pool,
              `WHERE r.seq IN (SELECT max(seq) FROM ${tables}.runs ${condition} GROUP BY experiment)`,
              []
            )).map((run) => [run.experiment, run] as const)
          )
        const good = await newestOf("WHERE state = 'succeeded'")
        const last = await newestOf("")
        return new Map([...last].map(([key, run]): readonly [string, Standing] => {
          const before = good.get(key)
          return [key, { last: run, ...(before === undefined ? {} : { succeeded: before }) }]
        }))
      }),
      list: ({ experiment, limit = 100, states } = {}) =>
        attempt("list the runs", async () => {
          const values: Array<unknown> = []
          const bind = (value: unknown) => `$${values.push(value)}`
          const conditions = [
            ...(experiment === undefined ? [] : [`r.experiment = ${bind(FileName.directory(experiment))}`]),
            // What is open may stand otherwise in the queue by now, so it is looked at below.
            ...(states === undefined ? [] : [`r.state = ANY(${bind([...states, "queued", "running"])})`])
          ]
          const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`
          const open = `(SELECT count(*) FROM ${tables}.runs WHERE state IN ('queued', 'running'))`
          const most = states === undefined ? bind(limit) : `${bind(limit)}::bigint + ${open}`
          const found = await read(pool, `${where} ORDER BY r.seq DESC LIMIT ${most}`, values)
          return (states === undefined ? found : found.filter(({ state }) => states.includes(state))).slice(0, limit)
        }),
      get: (id) =>
        isUuid(id)
          ? attempt("read a run", async () => Option.fromNullishOr((await read(pool, "WHERE r.id = $1", [id]))[0]))
          : Effect.succeedNone,
      cancel: (id) =>
        isUuid(id)
          ? attempt("cancel a run", () =>
            inTransaction(pool, async (client) => {
              const wasOpen = isAffected(await boss.cancel(QUEUE, id, { db: dbOf(client) }))
              const [found] = await read(client, "WHERE r.id = $1", [id])
              if (!wasOpen || found === undefined) throw new Undo(false)
              await save(client, cancelled(found, await clock(client)))
              return true
            }))
          : Effect.succeed(false),
      prune: ({ before, keep }) =>
        attempt("prune the store", () =>
          inTransaction(pool, async (client) => {
            const { rowCount: forgotten } = await client.query(
              `DELETE FROM ${tables}.runs WHERE finished_at < to_timestamp($1::float8 / 1000)
               AND seq NOT IN (SELECT max(seq) FROM ${tables}.runs GROUP BY experiment)
               AND seq NOT IN (SELECT max(seq) FROM ${tables}.runs WHERE state = 'succeeded' GROUP BY experiment)`,
              [before]
            )
            const { rowCount: dropped } = await client.query(
              `DELETE FROM ${tables}.snapshots s USING (
                 SELECT experiment, id, row_number() OVER (PARTITION BY experiment ${newest}) AS nth FROM ${tables}.snapshots
               ) n WHERE n.experiment = s.experiment AND n.id = s.id AND n.nth > $2 AND s.as_of < $1`,
              [before, keep]
            )
            return { runs: forgotten ?? 0, snapshots: dropped ?? 0 }
          })),
      backup: () =>
        Effect.fail(
          new StoreError({
            message: "A store in PostgreSQL is backed up with PostgreSQL's own tools.",
            hint: `pg_dump --schema='${schema}*' "$DATABASE_URL" > assay.sql`
          })
        ),
      enter: () =>
        Effect.asVoid(
          Effect.acquireRelease(attempt("watch over the queue", () => makeBoss(pool, schema, true)), stopBoss)
        )
    }
    return { runs, store }
  }
)
