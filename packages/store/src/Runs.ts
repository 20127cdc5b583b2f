/** What is to run, what runs, and what has run. */
import type { StoreError } from "@assay/model"
import { Context, Effect, Layer, type Option, type Scope } from "effect"
import { embedded, folder } from "./embedded.ts"
import { postgres, type PostgresOptions } from "./postgres.ts"
import type { Run, RunError, RunProgress, RunReason, RunState } from "./Run.ts"
import { type Shape, Store } from "./Store.ts"

/** The wish for a run. */
export interface RunRequest {
  readonly experiment: string
  readonly reason: RunReason
  /** The hash of everything that decides the numbers: the input of the run. */
  readonly definitionHash: string
  /**
   * The run that it is to follow, where the wish comes from having seen it, or null where it comes from having seen that there was none; else
   * whichever is the last one now.
   */
  readonly follows?: string | null
  readonly requestedBy?: string
}

/**
 * A run that a runner has taken, for as long as nobody takes it away: each of its actions answers whether the runner still had it. A
 * runner that was too long without a sign of life hasn't, and then the action did nothing.
 */
export interface Claim {
  readonly run: Run
  /** When it was taken, by the store's clock: milliseconds since 1970-01-01 UTC, later than all earlier claims of the experiment. */
  readonly at: number
  /**
   * The store for this run alone. Its `put` keeps the snapshot and ends the run as succeeded, both or neither; it fails when the
   * runner hasn't the run any more. `fingerprint` names the data that the snapshot was made of.
   */
  readonly store: (fingerprint: string) => Shape
  /**
   * For how many milliseconds after it was taken, and after each sign of life, no other runner gets the run; without end where there is no
   * other. Whoever couldn't give a sign for so long has to stop by itself.
   */
  readonly leaseMillis: number
  /** A sign of life, and how far it is; to be given every few seconds. */
  readonly beat: (progress?: RunProgress) => Effect.Effect<boolean, StoreError>
  /** Ends it as succeeded without a new snapshot: `snapshot` is the one that still holds. */
  readonly unchanged: (snapshot: string, fingerprint: string) => Effect.Effect<boolean, StoreError>
  /** Ends the attempt: the next one may begin at `retryAt` (milliseconds since 1970-01-01 UTC); without it, the run has failed. */
  readonly fail: (error: RunError, retryAt?: number) => Effect.Effect<boolean, StoreError>
}

/** The newest run of an experiment, and the newest that succeeded. */
export interface Standing {
  readonly last: Run
  readonly succeeded?: Run
}

/** Which runs to list; newest first. `limit` is 100 where it is absent. */
export interface RunFilter {
  readonly experiment?: string
  readonly states?: ReadonlyArray<RunState>
  readonly limit?: number
}

/** How runs are taken. */
export interface ClaimInput {
  readonly runner: string
  readonly atMost: number
  /** Experiments whose runs are taken together where they may be, one group at a time; an experiment is in one group at most. None where it is absent. */
  readonly groups?: ReadonlyArray<ReadonlyArray<string>>
}

/** What can be done with runs. An experiment has at most one that is open (queued or running). */
export interface RunsShape {
  /** Queues a run. Answers the open run of the experiment where there is one, or the one that already follows; then nothing is queued. */
  readonly enqueue: (request: RunRequest) => Effect.Effect<{ readonly run: Run; readonly queued: boolean }, StoreError>
  /**
   * Takes the next run that may begin, and with it those of the same of `groups` that may begin, too; none where `atMost` are running by
   * whomever. Runs that were taken together count as one, and have the same `at`. Runs that were asked for, and those that have failed before,
   * are taken alone. A run that was asked for may be one more than `atMost` where the others are together, since these may take long.
   */
  readonly claim: (input: ClaimInput) => Effect.Effect<ReadonlyArray<Claim>, StoreError>
  /** How every experiment stands that ever had a run, by its key. */
  readonly standings: Effect.Effect<ReadonlyMap<string, Standing>, StoreError>
  readonly list: (filter?: RunFilter) => Effect.Effect<ReadonlyArray<Run>, StoreError>
  readonly get: (id: string) => Effect.Effect<Option.Option<Run>, StoreError>
  /** Cancels an open run; its runner stops at its next sign of life. Answers whether it was open. */
  readonly cancel: (id: string) => Effect.Effect<boolean, StoreError>
  /**
   * Forgets runs that ended before `before` (milliseconds since 1970-01-01 UTC), but for the last one and the last that succeeded of
   * each experiment, and of the snapshots older than that all but the newest `keep` of each experiment. Answers how many.
   */
  readonly prune: (
    input: { readonly before: number; readonly keep: number }
  ) => Effect.Effect<{ readonly runs: number; readonly snapshots: number }, StoreError>
  /** Writes everything to a new file at `path`, consistently, while others go on working. */
  readonly backup: (path: string) => Effect.Effect<void, StoreError>
  /**
   * Waits until this process may take runs, and holds that for as long as the scope is open. Stores that several runners share let all
   * in; an embedded one lets in one at a time, and the next when that one ends, however it ends. `onWait` is told once when it has to wait.
   */
  readonly enter: (onWait: Effect.Effect<void>) => Effect.Effect<void, StoreError, Scope.Scope>
}

/** Runs and their states; who may finish one is decided here, not by whoever is last. */
export class Runs extends Context.Service<Runs, RunsShape>()("@assay/store/Runs") {
  /** Snapshots as files below the directory `root`, as {@link Store.layerFiles} has them, and runs in `root/runs.sqlite`. */
  static readonly layerFolder = (root: string): Layer.Layer<Runs | Store, StoreError> =>
    Layer.effectContext(
      Effect.map(folder(root), ({ runs, store }) => Context.make(Runs, runs).pipe(Context.add(Store, store)))
    )

  /** Snapshots and runs in one SQLite file. Any number of processes of this machine may use it, of which one runs. */
  static readonly layerFile = (path: string): Layer.Layer<Runs | Store, StoreError> =>
    Layer.effectContext(
      Effect.map(embedded(path), ({ runs, store }) => Context.make(Runs, runs).pipe(Context.add(Store, store)))
    )

  /** Snapshots and runs in PostgreSQL, for any number of runners. The tables must be there: `migratePostgres` makes them. */
  static readonly layerPostgres = (options: PostgresOptions): Layer.Layer<Runs | Store, StoreError> =>
    Layer.effectContext(
      Effect.map(postgres(options), ({ runs, store }) => Context.make(Runs, runs).pipe(Context.add(Store, store)))
    )

  /** In memory, gone with the layer. */
  static readonly layerMemory: Layer.Layer<Runs | Store, StoreError> = Layer.fresh(Runs.layerFile(":memory:"))
}
