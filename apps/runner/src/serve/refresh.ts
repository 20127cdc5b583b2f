/** Asking for new results: one run at a time, not too often, and written down who asked. */
import { type AssayError, type Experiment, Instant } from "@assay/model"
import { isOpen, type Run, Runs } from "@assay/store"
import { Clock, Effect, Schedule, Stream } from "effect"
import { appendFile, mkdir } from "node:fs/promises"
import { dirname } from "node:path"
import type { Reader } from "./access.ts"
import type { ProgressEvent } from "./api.ts"
import { Catalog } from "./catalog.ts"

/** What a refresh answers: the run, or the seconds until one may be asked for. */
export type Asked =
  | { readonly kind: "accepted"; readonly run: Run; readonly queued: boolean }
  | { readonly kind: "too often"; readonly retryAfter: number }

/** Where and how refreshes are limited and written down. */
export interface RefreshOptions {
  /** Least milliseconds between the end of a run that succeeded and the next that is asked for. */
  readonly throttleMillis: number
  /** A file that gets a line of JSON for each refresh that was asked for; none where it is absent. */
  readonly audit: string | undefined
}

/** Writes down who asked for what, and what was answered: on stderr, and as a line of the audit file. */
export const audit = Effect.fn("serve.audit")(
  function*(options: RefreshOptions, entry: Readonly<Record<string, string | undefined>>) {
    const at = Instant.fromMillis(yield* Clock.currentTimeMillis)
    yield* Effect.logInfo("refresh").pipe(Effect.annotateLogs(entry))
    const { audit: file } = options
    if (file === undefined) return
    yield* Effect.tryPromise(async () => {
      await mkdir(dirname(file), { recursive: true })
      await appendFile(file, `${JSON.stringify({ at, ...entry })}\n`)
    }).pipe(
      Effect.catch((error) =>
        Effect.logError("the audit file can't be written").pipe(Effect.annotateLogs({ file, error: String(error) }))
      )
    )
  }
)

/**
 * Asks for a run of an experiment. An open one is answered as it is. Only a run that succeeded makes the next one wait: one that failed
 * may be tried again at once.
 */
export const ask = Effect.fn("serve.refresh")(
  function*(options: RefreshOptions, experiment: Experiment, reader: Reader, address: string) {
    const runs = yield* Runs
    const catalog = yield* Catalog
    const now = yield* Clock.currentTimeMillis
    const entry = { experiment: experiment.key, by: reader.name ?? "anybody", address }
    const standing = (yield* runs.standings).get(experiment.key)
    const open = standing !== undefined && isOpen(standing.last)
    const finished = standing?.succeeded?.finished_at
    const wait = finished === undefined ? 0 : Instant.toMillis(finished) + options.throttleMillis - now
    if (!open && wait > 0) {
      yield* audit(options, { ...entry, outcome: "too often" })
      return { kind: "too often", retryAfter: Math.ceil(wait / 1000) } as const
    }
    const { queued, run } = yield* runs.enqueue({
      experiment: experiment.key,
      reason: "request",
      definitionHash: yield* catalog.hashOf(experiment),
      requestedBy: reader.name ?? "anybody"
    })
    yield* audit(options, { ...entry, outcome: queued ? "queued" : "joined", run: run.id })
    return { kind: "accepted", run, queued } as const
  }
)

/** The event that says how a run stands. Messages of errors are for people who may see the experiment. */
export const eventOf = (run: Run | undefined): ProgressEvent =>
  run === undefined ? { event: "idle", data: {} } : {
    id: run.id,
    event: run.state,
    data: {
      run: run.id,
      ...(run.state === "running" ? run.progress ?? {} : {}),
      ...(run.error === undefined ? {} : { code: run.error.code, message: run.error.message })
    }
  }

/** How often it is looked how far a run is. */
const LOOK_EVERY = "300 millis"

/** A stream ends after this many looks (an hour), so that a browser left open doesn't stay connected for good. */
const MOST_LOOKS = 12_000

/** How the newest run of an experiment goes: an event at once, one for each change, and the last when it has ended. */
export const progress = (experiment: string): Stream.Stream<ProgressEvent, AssayError, Runs> =>
  Stream.fromEffectSchedule(
    Effect.flatMap(Runs, (runs) => Effect.map(runs.list({ experiment, limit: 1 }), ([run]) => run)),
    Schedule.spaced(LOOK_EVERY)
  ).pipe(
    Stream.take(MOST_LOOKS),
    Stream.takeUntil((run) => run === undefined || !isOpen(run)),
    Stream.map(eventOf),
    Stream.changesWith((a, b) => JSON.stringify(a) === JSON.stringify(b))
  )
