/**
 * Runs in one SQLite file, with the snapshots in it or beside it.
 *
 * Any number of processes may look, queue and cancel. One at a time takes runs: it holds SQLite's lock on a second file, which the
 * operating system releases when the process ends, be it by kill -9. So a run that is marked as running when a process gets that
 * lock has lost its runner, and goes back to the queue; nothing has to expire. A process that is paused keeps the lock.
 */
import { Instant, StoreError } from "@assay/model"
import { Clock, Effect, Option, Schedule, Schema, type Scope } from "effect"
import * as Fs from "node:fs"
import * as Path from "node:path"
import type { DatabaseSync } from "node:sqlite"
import * as FileName from "./FileName.ts"
import { files } from "./files.ts"
import { isOpen, Run, type RunProgress } from "./Run.ts"
import type { Claim, ClaimInput, RunFilter, RunRequest, RunsShape, Standing } from "./Runs.ts"
import { encode, Snapshot } from "./Snapshot.ts"
import type { Listed, Shape } from "./Store.ts"
import { storeError } from "./storeError.ts"
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

/** Statements that lead from one version of the file to the next; only ever added to. */
const migrations: ReadonlyArray<string> = [
  `CREATE TABLE runs (
     seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, experiment TEXT NOT NULL, state TEXT NOT NULL,
     priority INTEGER NOT NULL, next_at INTEGER NOT NULL, claim INTEGER NOT NULL DEFAULT 0, finished_at INTEGER, run TEXT NOT NULL
   ) STRICT;
   CREATE UNIQUE INDEX runs_open ON runs (experiment) WHERE state IN ('queued', 'running');
   CREATE INDEX runs_due ON runs (priority DESC, next_at, seq) WHERE state = 'queued';
   CREATE INDEX runs_of ON runs (experiment, seq DESC);
   CREATE TABLE claims (experiment TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;
   CREATE TABLE snapshots (
     experiment TEXT NOT NULL, id TEXT NOT NULL, as_of INTEGER NOT NULL, snapshot TEXT NOT NULL, PRIMARY KEY (experiment, id)
   ) STRICT;
   CREATE INDEX snapshots_newest ON snapshots (experiment, as_of DESC, id DESC);`
]

/** How long a statement waits for another process that writes. */
const BUSY_MILLIS = 10_000

const parseRun = Schema.decodeUnknownSync(Schema.fromJsonString(Run))

const SnapshotText = Schema.fromJsonString(Snapshot)

const open = (path: string) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const { DatabaseSync } = await import("node:sqlite")
        if (path !== ":memory:") Fs.mkdirSync(Path.dirname(path), { recursive: true })
        return new DatabaseSync(path, { timeout: BUSY_MILLIS })
      },
      catch: (cause) => storeError("open the store", path, cause)
    }),
    (db) => Effect.sync(() => db.close())
  )

/** Runs `body` as one transaction that is alone from its start. */
const transaction = <A>(db: DatabaseSync, body: () => A): A => {
  db.exec("BEGIN IMMEDIATE")
  try {
    const result = body()
    db.exec("COMMIT")
    return result
  } catch (error) {
    // SQLite has rolled back already where the disk is full or broken; what it said then is what counts.
    if (db.isTransaction) db.exec("ROLLBACK")
    throw error
  }
}

const migrate = (db: DatabaseSync): void => {
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
  transaction(db, () => {
    const version = Number(db.prepare("PRAGMA user_version").get()!["user_version"])
    if (version > migrations.length) throw new Error(`made by a newer version of Assay (format ${version})`)
    for (const text of migrations.slice(version)) db.exec(text)
    db.exec(`PRAGMA user_version = ${migrations.length}`)
  })
}

interface Row {
  readonly claim: number
  readonly run: Run
}

/** What a database can do, as plain functions that throw; each is one transaction. `now` in milliseconds since 1970-01-01 UTC. */
const ledger = (db: DatabaseSync) => {
  const row = (value: Readonly<Record<string, unknown>> | undefined): Row | undefined =>
    value === undefined ? undefined : { claim: Number(value["claim"]), run: parseRun(value["run"]) }
  const byId = (id: string) => row(db.prepare("SELECT claim, run FROM runs WHERE id = ?").get(id))
  const newest = (experiment: string) =>
    row(db.prepare("SELECT claim, run FROM runs WHERE experiment = ? ORDER BY seq DESC LIMIT 1").get(experiment))
  const save = (run: Run, claim: number, due: number): void => {
    db.prepare("UPDATE runs SET state = ?, next_at = ?, claim = ?, finished_at = ?, run = ? WHERE id = ?").run(
      run.state,
      due,
      claim,
      run.finished_at === undefined ? null : Instant.toMillis(run.finished_at),
      JSON.stringify(run),
      run.id
    )
  }

  /** Changes a run that its runner still has; false when it hasn't. */
  const settle = (
    id: string,
    claim: number,
    change: (run: Run) => { readonly run: Run; readonly due?: number }
  ): boolean => {
    const found = byId(id)
    if (found === undefined || found.claim !== claim || found.run.state !== "running") return false
    const { due, run } = change(found.run)
    save(run, claim, due ?? 0)
    return true
  }

  return {
    byId,
    settle,
    enqueue: (request: RunRequest, now: number) =>
      transaction(db, () => {
        const last = newest(request.experiment)?.run
        if (last !== undefined && isOpen(last)) return { run: last, queued: false }
        const run = queued(request, last, now)
        const twin = byId(run.id)
        if (twin !== undefined) return { run: twin.run, queued: false }
        db.prepare("INSERT INTO runs (id, experiment, state, priority, next_at, run) VALUES (?, ?, 'queued', ?, ?, ?)")
          .run(run.id, run.experiment, priorities[run.reason], now, JSON.stringify(run))
        return { run, queued: true }
      }),
    claim: ({ atMost, groups = [], runner }: ClaimInput, now: number) =>
      transaction(db, () => {
        const running = db.prepare(
          `SELECT count(DISTINCT coalesce(run ->> '$.together', id)) AS places, count(run ->> '$.together') AS together
           FROM runs WHERE state = 'running'`
        ).get()!
        const which = admitted({ places: Number(running["places"]), together: Number(running["together"]) > 0 }, atMost)
        if (which === "none") return []
        const first = row(
          db.prepare(
            `SELECT claim, run FROM runs WHERE state = 'queued' AND next_at <= ? AND priority >= ?
             ORDER BY priority DESC, next_at, seq LIMIT 1`
          ).get(now, which === "requests" ? priorities.request : 0)
        )
        if (first === undefined) return []
        const others = mayGoTogether(first.run)
          ? groups.find((group) => group.includes(first.run.experiment)) ?? []
          : []
        const queuedOf = db.prepare(
          "SELECT claim, run FROM runs WHERE experiment = ? AND state = 'queued' AND next_at <= ? AND id <> ?"
        )
        const found = [
          first,
          ...others.flatMap((experiment) => row(queuedOf.get(experiment, now, first.run.id)) ?? [])
            .filter(({ run }) => mayGoTogether(run))
        ]
        // A clock that was set back must not make a newer result look older.
        const claimedAt = db.prepare("SELECT at FROM claims WHERE experiment = ?")
        const at = Math.max(now, ...found.map(({ run }) => Number(claimedAt.get(run.experiment)?.["at"] ?? 0) + 1))
        return found.map(({ claim, run }) => {
          db.prepare("INSERT OR REPLACE INTO claims (experiment, at) VALUES (?, ?)").run(run.experiment, at)
          const next = taken(run, runner, at, found.length === 1 ? undefined : first.run.id)
          save(next, claim + 1, 0)
          return { run: next, claim: claim + 1, at }
        })
      }),
    change: (id: string, claim: number, change: (run: Run) => { readonly run: Run; readonly due?: number }) =>
      transaction(db, () => settle(id, claim, change)),
    cancel: (id: string, now: number) =>
      transaction(db, () => {
        const found = byId(id)
        if (found === undefined || !isOpen(found.run)) return false
        save(cancelled(found.run, now), found.claim + 1, 0)
        return true
      }),
    /** Queues again what was running when the process that ran it ended. */
    recover: (now: number) =>
      transaction(db, () => {
        for (const value of db.prepare("SELECT claim, run FROM runs WHERE state = 'running'").all()) {
          const { claim, run } = row(value)!
          save(waiting(run, lostRunner(run.runner), now), claim + 1, now)
        }
      }),
    list: ({ experiment, limit = 100, states }: RunFilter): ReadonlyArray<Run> => {
      const conditions = [
        ...(experiment === undefined ? [] : ["experiment = ?"]),
        ...(states === undefined ? [] : [`state IN (${states.map(() => "?").join(", ")})`])
      ]
      return db.prepare(
        `SELECT claim, run FROM runs ${
          conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`
        } ORDER BY seq DESC LIMIT ?`
      ).all(...(experiment === undefined ? [] : [experiment]), ...(states ?? []), limit).map((value) => row(value)!.run)
    },
    standings: (): ReadonlyMap<string, Standing> => {
      const newestOf = (condition: string) =>
        new Map(
          db.prepare(
            `SELECT claim, run FROM runs WHERE seq IN (SELECT max(seq) FROM runs ${condition} GROUP BY experiment)`
          ).all().map((value) => row(value)!.run).map((run) => [run.experiment, run] as const)
        )
      const succeeded = newestOf("WHERE state = 'succeeded'")
      return new Map(
        [...newestOf("")].map(([key, last]) => {
          const good = succeeded.get(key)
          return [key, { last, ...(good === undefined ? {} : { succeeded: good }) }]
        })
      )
    },
    pruneRuns: (before: number): number =>
      Number(
        db.prepare(
          `DELETE FROM runs WHERE finished_at < ?
           AND seq NOT IN (SELECT max(seq) FROM runs GROUP BY experiment)
           AND seq NOT IN (SELECT max(seq) FROM runs WHERE state = 'succeeded' GROUP BY experiment)`
        ).run(before).changes
      )
  }
}

const newer = (snapshot: Snapshot) => [snapshot.experiment, Instant.toMillis(snapshot.as_of), snapshot.id] as const

/** The snapshots in a database. `within` runs in the same transaction, before anything is written. */
const snapshotsIn = (
  db: DatabaseSync,
  path: string,
  guard: <A>(doing: string, run: () => A) => Effect.Effect<A, StoreError>
) => {
  const listed = (value: Readonly<Record<string, unknown>>): Listed => ({
    id: String(value["id"]),
    as_of: Instant.fromMillis(Number(value["as_of"])),
    path: `${path}#${String(value["id"])}`
  })
  const read = (value: Readonly<Record<string, unknown>> | undefined) =>
    value === undefined
      ? Effect.succeed(Option.none<Snapshot>())
      : Schema.decodeUnknownEffect(SnapshotText)(value["snapshot"]).pipe(
        Effect.asSome,
        Effect.mapError((error) =>
          new StoreError({
            message: `The snapshot ${String(value["id"])} in ${path} isn't a whole snapshot of this version (${
              String(error)
            }).`,
            hint: "Remove it from the table snapshots, or bring the file back from a backup."
          })
        )
      )
  const order = "ORDER BY as_of DESC, id DESC"
  const put = Effect.fn("Store.put")(function*(snapshot: Snapshot, within: () => boolean, refused: () => StoreError) {
    const text = JSON.stringify(yield* encode(snapshot))
    const [experiment, asOf, id] = newer(snapshot)
    const outcome = yield* guard(`write the snapshot ${id}`, () =>
      transaction(db, () => {
        if (!within()) return "refused"
        if (db.prepare("SELECT 1 FROM snapshots WHERE experiment = ? AND id = ?").get(experiment, id)) return "taken"
        db.prepare("INSERT INTO snapshots (experiment, id, as_of, snapshot) VALUES (?, ?, ?, ?)")
          .run(experiment, id, asOf, text)
        return String(
          db.prepare(`SELECT id FROM snapshots WHERE experiment = ? ${order} LIMIT 1`).get(experiment)!["id"]
        )
      }))
    if (outcome === "refused") return yield* refused()
    if (outcome === "taken") return yield* idTaken(id)
    return { path: `${path}#${id}`, latest: outcome === id }
  })
  const shape: Shape = {
    put: (snapshot) => put(snapshot, () => true, () => idTaken(snapshot.id)),
    latest: Effect.fn("Store.latest")(function*(experiment) {
      return yield* read(
        yield* guard(
          "read the latest snapshot",
          () => db.prepare(`SELECT id, snapshot FROM snapshots WHERE experiment = ? ${order} LIMIT 1`).get(experiment)
        )
      )
    }),
    list: Effect.fn("Store.list")(function*(experiment) {
      return yield* guard(
        "list the snapshots",
        () => db.prepare(`SELECT id, as_of FROM snapshots WHERE experiment = ? ${order}`).all(experiment).map(listed)
      )
    }),
    newest: Effect.fn("Store.newest")(function*(experiments) {
      return yield* guard("list the snapshots", () => {
        const first = db.prepare(`SELECT id, as_of FROM snapshots WHERE experiment = ? ${order} LIMIT 1`)
        return new Map(experiments.flatMap((experiment) => {
          const found = first.get(experiment)
          return found === undefined ? [] : [[experiment, listed(found)] as const]
        }))
      })
    }),
    get: Effect.fn("Store.get")(function*(experiment, id) {
      return yield* read(
        yield* guard(
          "read a snapshot",
          () => db.prepare("SELECT id, snapshot FROM snapshots WHERE experiment = ? AND id = ?").get(experiment, id)
        )
      )
    })
  }
  const prune = (before: number, keep: number): number =>
    Number(
      db.prepare(
        `DELETE FROM snapshots WHERE as_of < ? AND (experiment, id) IN (
           SELECT experiment, id FROM (
             SELECT experiment, id, row_number() OVER (PARTITION BY experiment ORDER BY as_of DESC, id DESC) AS nth FROM snapshots
           ) WHERE nth > ?
         )`
      ).run(before, keep).changes
    )
  return { put, shape, prune }
}

/** How often a process that waits for its turn tries. */
const TURN_MILLIS = 500

/** The lock of whoever takes runs: held by the operating system for as long as the process lives. */
const turn = (path: string, onWait: Effect.Effect<void>) =>
  path === ":memory:" ? Effect.void : Effect.gen(function*() {
    const lock = yield* open(`${path}-runner`)
    const once = Effect.try({
      try: () => lock.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE"),
      catch: (cause) => storeError("take the turn", path, cause)
    })
    const first = yield* Effect.option(once)
    if (Option.isSome(first)) return
    yield* onWait
    yield* once.pipe(Effect.retry(Schedule.spaced(TURN_MILLIS)), Effect.orDie)
  })

/** Fails where a backup would overwrite something. */
const nothingAt = (path: string): Effect.Effect<void, StoreError> =>
  Effect.suspend(() =>
    Fs.existsSync(path)
      ? Effect.fail(
        new StoreError({
          message: `There is something at ${path} already, and a backup overwrites nothing.`,
          hint: "Name a place where nothing is yet, such as one with today's date in its name"
        })
      )
      : Effect.void
  )

const services = (db: DatabaseSync, path: string, outside: OutsideSnapshots | undefined) =>
  Effect.gen(function*() {
    const guard = <A>(doing: string, run: () => A): Effect.Effect<A, StoreError> =>
      Effect.try({ try: run, catch: (cause) => storeError(doing, path, cause) })
    yield* guard("open the store", () => migrate(db))
    const rows = ledger(db)
    const inside = snapshotsIn(db, path, guard)

    const claimOf = (run: Run, claim: number, at: number): Claim => {
      const change = (doing: string, next: (run: Run, now: number) => { readonly run: Run; readonly due?: number }) =>
        Effect.flatMap(
          Clock.currentTimeMillis,
          (now) => guard(`${doing} the run ${run.id}`, () => rows.change(run.id, claim, (found) => next(found, now)))
        )
      const put = (fingerprint: string): Shape["put"] => (snapshot) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const done = (found: Run) => ({ run: succeeded(found, now, "new", snapshot.id, fingerprint) })
          if (outside === undefined) {
            return inside.put(snapshot, () => rows.settle(run.id, claim, done), () => overtaken(run))
          }
          // The file first: a run that is marked as done has its result. One without the mark is run again, and then is newer.
          const held = guard(`end the run ${run.id}`, () => {
            const found = rows.byId(run.id)
            return found !== undefined && found.claim === claim && found.run.state === "running"
          })
          return Effect.gen(function*() {
            if (!(yield* held)) return yield* overtaken(run)
            const kept = yield* outside.store.put(snapshot)
            yield* guard(`end the run ${run.id}`, () => rows.change(run.id, claim, done))
            return kept
          })
        })
      return {
        run,
        at,
        store: (fingerprint) => ({ ...(outside?.store ?? inside.shape), put: put(fingerprint) }),
        leaseMillis: Number.POSITIVE_INFINITY,
        beat: (progress?: RunProgress) =>
          progress === undefined
            ? guard(`keep the run ${run.id}`, () => {
              const found = rows.byId(run.id)
              return found !== undefined && found.claim === claim && found.run.state === "running"
            })
            : change("keep", (found) => ({ run: { ...found, progress } })),
        unchanged: (snapshot, fingerprint) =>
          change("end", (found, now) => ({ run: succeeded(found, now, "unchanged", snapshot, fingerprint) })),
        fail: (error, retryAt) =>
          change("end", (found, now) =>
            retryAt === undefined
              ? { run: failed(found, now, error) }
              : { run: waiting(found, error, retryAt), due: retryAt })
      }
    }

    const runs: RunsShape = {
      enqueue: (request) =>
        Effect.flatMap(
          Clock.currentTimeMillis,
          (now) => guard("queue a run", () => rows.enqueue(request, now))
        ),
      claim: (input) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => guard("take a run", () => rows.claim(input, now))).pipe(
          Effect.map((all) => all.map(({ at, claim, run }) => claimOf(run, claim, at)))
        ),
      standings: guard("read the runs", rows.standings),
      list: (filter = {}) => guard("list the runs", () => rows.list(filter)),
      get: (id) => guard("read a run", () => Option.fromNullishOr(rows.byId(id)?.run)),
      cancel: (id) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => guard("cancel a run", () => rows.cancel(id, now))),
      prune: ({ before, keep }) =>
        Effect.gen(function*() {
          const forgotten = yield* guard("prune the runs", () => rows.pruneRuns(before))
          const snapshots = outside === undefined
            ? yield* guard("prune the snapshots", () => inside.prune(before, keep))
            : yield* outside.prune(before, keep)
          return { runs: forgotten, snapshots }
        }),
      backup: (to) =>
        Effect.andThen(
          nothingAt(to),
          outside === undefined
            ? Effect.tryPromise({
              try: async () => {
                const { backup } = await import("node:sqlite")
                await backup(db, to)
              },
              catch: (cause) => storeError("write a backup", to, cause)
            })
            : outside.backup(to, db)
        ),
      enter: (onWait) =>
        turn(path, onWait).pipe(
          Effect.andThen(Clock.currentTimeMillis),
          Effect.flatMap((now) => guard("queue again what was running", () => rows.recover(now)))
        )
    }
    return { runs, store: outside?.store ?? inside.shape }
  })

/** Snapshots that lie outside the database. */
interface OutsideSnapshots {
  readonly store: Shape
  readonly prune: (before: number, keep: number) => Effect.Effect<number, StoreError>
  readonly backup: (to: string, runs: DatabaseSync) => Effect.Effect<void, StoreError>
}

interface Services {
  readonly runs: RunsShape
  readonly store: Shape
}

/** Runs and snapshots in the SQLite file `path`, or in memory (`:memory:`). */
export const embedded = (path: string): Effect.Effect<Services, StoreError, Scope.Scope> =>
  Effect.flatMap(open(path), (db) => services(db, path, undefined))

/** Snapshots as files below `root`, runs in `root/runs.sqlite`. */
export const folder = (root: string): Effect.Effect<Services, StoreError, Scope.Scope> => {
  const path = Path.join(root, "runs.sqlite")
  return Effect.flatMap(open(path), (db) => services(db, path, { store: files(root), ...filesOf(root) }))
}

/** Pruning and copying of a folder of snapshots. */
const filesOf = (root: string) => {
  const snapshots = Path.join(root, "snapshots")
  return {
    prune: (before: number, keep: number) =>
      Effect.try({
        try: () => {
          let removed = 0
          const entries = Fs.existsSync(snapshots) ? Fs.readdirSync(snapshots, { withFileTypes: true }) : []
          for (const { name: directory } of entries.filter((entry) => entry.isDirectory())) {
            const names = Fs.readdirSync(Path.join(snapshots, directory)).filter((name) =>
              FileName.parse(name) !== undefined
            )
            for (const name of names.toSorted(FileName.newestFirst).slice(keep)) {
              if (Instant.toMillis(FileName.parse(name)!.as_of) >= before) continue
              Fs.rmSync(Path.join(snapshots, directory, name))
              removed += 1
            }
          }
          return removed
        },
        catch: (cause) => storeError("prune the snapshots", snapshots, cause)
      }),
    backup: (to: string, runs: DatabaseSync) =>
      Effect.tryPromise({
        try: async () => {
          const { backup } = await import("node:sqlite")
          Fs.mkdirSync(to, { recursive: true })
          // Runs first: what they name as their result is then among the snapshots.
          await backup(runs, Path.join(to, "runs.sqlite"))
          if (Fs.existsSync(snapshots)) {
            Fs.cpSync(snapshots, Path.join(to, "snapshots"), {
              recursive: true,
              filter: (name) => !name.endsWith(".tmp")
            })
          }
        },
        catch: (cause) => storeError("write a backup", to, cause)
      })
  }
}
