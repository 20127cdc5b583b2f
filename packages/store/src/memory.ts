/** Snapshots in memory, with the same rules as in files: for tests, and for runs that should leave nothing behind. */
import { Instant, StoreError } from "@assay/model"
import { Effect, Option, Ref } from "effect"
import * as FileName from "./FileName.ts"
import { newestOfEach } from "./newestOfEach.ts"
import { encode, type Snapshot } from "./Snapshot.ts"
import type { Shape } from "./Store.ts"

const nameOf = (snapshot: Snapshot): string => FileName.file(snapshot.as_of, snapshot.id)

const pathOf = (snapshot: Snapshot): string => `memory:${FileName.directory(snapshot.experiment)}/${nameOf(snapshot)}`

/** An empty store. */
export const memory: Effect.Effect<Shape> = Effect.map(Ref.make<ReadonlyArray<Snapshot>>([]), (ref): Shape => {
  const of = (experiment: string): Effect.Effect<ReadonlyArray<Snapshot>> =>
    Effect.map(Ref.get(ref), (snapshots) =>
      snapshots
        .filter((snapshot) => snapshot.experiment === experiment)
        .toSorted((a, b) => FileName.newestFirst(nameOf(a), nameOf(b))))

  const list: Shape["list"] = (experiment) =>
    Effect.map(of(experiment), (snapshots) =>
      snapshots.map((snapshot) => ({
        id: snapshot.id,
        as_of: Instant.fromMillis(Instant.toMillis(snapshot.as_of)),
        path: pathOf(snapshot)
      })))

  return {
    put: Effect.fn("Store.put")(function*(snapshot) {
      yield* encode(snapshot)
      const added = yield* Ref.modify(ref, (snapshots) => {
        const taken = snapshots.some((one) => one.experiment === snapshot.experiment && one.id === snapshot.id)
        return taken ? [false, snapshots] : [true, [...snapshots, snapshot]]
      })
      if (!added) {
        return yield* new StoreError({
          message: `The snapshot ${snapshot.id} exists already.`,
          hint: "Snapshots are never overwritten; give the new one an id of its own."
        })
      }
      const [newest] = yield* of(snapshot.experiment)
      return { path: pathOf(snapshot), latest: newest?.id === snapshot.id }
    }),
    latest: (experiment) => Effect.map(of(experiment), ([newest]) => Option.fromNullishOr(newest)),
    list,
    newest: newestOfEach(list),
    get: (experiment, id) =>
      Effect.map(of(experiment), (snapshots) => Option.fromNullishOr(snapshots.find((one) => one.id === id)))
  }
})
