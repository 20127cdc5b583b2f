/** Runs the refreshes that a server accepted, where no `assay watch` does. */
import { type Run, Runs } from "@assay/store"
import { watch } from "@assay/watch"
import { Clock, Effect } from "effect"
import { warehouseLayer, writing } from "../engine.ts"
import type { Project } from "../project.ts"
import { watching } from "../watched.ts"

/** How often it is looked whether a refresh waits. */
const LOOK_EVERY = "250 millis"

/** In a store that several runners share, a refresh is left to them for so long. */
const SHARED_PATIENCE_MILLIS = 5000

/** After it couldn't begin (the engine, the store), it tries again so much later. */
const TRY_AGAIN = "30 seconds"

/** How a worker is to behave. */
export interface WorkerOptions {
  /** The name of this runner, different from all others. */
  readonly runner: string
  readonly project: Project
}

/**
 * Whether a run is one for this worker: somebody asked for it, and it could have begun at `now` (milliseconds since 1970-01-01 UTC). In a store
 * of one runner, one that is running counts as well: its runner may have ended, and whoever has the turn then runs it anew.
 */
export const isWanted = (run: Run, runner: string, shared: boolean, now: number): boolean =>
  run.reason === "request" &&
  (run.state === "running"
    ? !shared || run.runner === runner
    : run.state === "queued" && Date.parse(run.next_at ?? run.queued_at) <= now)

/**
 * Works until it is interrupted, without a schedule: begins when a refresh waits, and ends when none does, so that between refreshes the turn and
 * the engine are anybody's. While an `assay watch` has the turn, that one runs them. Runs under way when it is interrupted may end.
 */
export const worker = Effect.fn("serve.worker")(function*({ project, runner }: WorkerOptions) {
  const runs = yield* Runs
  const shared = "postgres" in project.config.store

  const until = (wanted: boolean, patience: number) =>
    Effect.gen(function*() {
      while (true) {
        const now = (yield* Clock.currentTimeMillis) - patience
        const open = yield* runs.list({ states: ["queued", "running"], limit: 1000 })
        if (open.some((run) => isWanted(run, runner, shared, now)) === wanted) return
        yield* Effect.sleep(LOOK_EVERY)
      }
    }).pipe(Effect.withTracerEnabled(false))

  const work = Effect.gen(function*() {
    yield* runs.enter(Effect.void)
    yield* Effect.gen(function*() {
      return yield* watch({
        load: yield* watching(project, yield* writing(project)),
        runner,
        concurrency: project.config.defaults.concurrency,
        plans: false
      })
    }).pipe(
      Effect.provideService(Runs, { ...runs, enter: () => Effect.void }),
      Effect.provide(warehouseLayer(project))
    )
  }).pipe(Effect.scoped)

  while (true) {
    yield* until(true, shared ? SHARED_PATIENCE_MILLIS : 0).pipe(
      Effect.andThen(Effect.raceFirst(Effect.asVoid(work), until(false, 0))),
      Effect.catch((error) =>
        Effect.andThen(
          Effect.logError("refreshes can't be run").pipe(
            Effect.annotateLogs({ code: error.code, error: error.message, hint: error.hint })
          ),
          Effect.sleep(TRY_AGAIN)
        )
      )
    )
  }
})
