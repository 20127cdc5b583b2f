/** Where the results of runs are kept. */
import type { StoreError } from "@assay/model"
import { Context, type Effect, Layer, type Option } from "effect"
import { files } from "./files.ts"
import { memory } from "./memory.ts"
import type { Snapshot } from "./Snapshot.ts"

/** A snapshot as a list shows it: its id, the instant it describes in UTC, and where it lies. */
export interface Listed {
  readonly id: string
  readonly as_of: string
  readonly path: string
}

/** What every store can do. Experiments are named by their key, which may be any text. */
export interface Shape {
  /**
   * Keeps a snapshot for good. Answers where it lies and whether it is now the experiment's latest: one that describes an
   * older instant than the latest isn't. Fails when the id is taken, and leaves nothing behind when it fails.
   */
  readonly put: (
    snapshot: Snapshot
  ) => Effect.Effect<{ readonly path: string; readonly latest: boolean }, StoreError>
  /**
   * The snapshot with the latest `as_of` (of two with the same, the one whose id sorts last); none for an experiment without
   * snapshots. Fails when that one can't be read, rather than passing an older one off as the latest.
   */
  readonly latest: (experiment: string) => Effect.Effect<Option.Option<Snapshot>, StoreError>
  /** All snapshots of an experiment, newest first; none is opened, so a damaged one is in the list too. */
  readonly list: (experiment: string) => Effect.Effect<ReadonlyArray<Listed>, StoreError>
  /** The newest snapshot of each of these experiments that has one, by its key: what `list` begins with, asked for all at once. */
  readonly newest: (
    experiments: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyMap<string, Listed>, StoreError>
  /** One snapshot by its id; none when there is no such id. */
  readonly get: (experiment: string, id: string) => Effect.Effect<Option.Option<Snapshot>, StoreError>
}

/** Immutable result snapshots, per experiment in the order of the instants that they describe. */
export class Store extends Context.Service<Store, Shape>()("@assay/store/Store") {
  /** JSON files below the directory `root`. Any number of processes may use the same directory at once. */
  static readonly layerFiles = (root: string): Layer.Layer<Store> => Layer.succeed(this, this.of(files(root)))

  /** In memory, gone with the layer. Each use of the layer starts empty. */
  static readonly layerMemory: Layer.Layer<Store> = Layer.effect(this, memory)
}
