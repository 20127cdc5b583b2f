/** The service's own store: one file to which a line is added for each result. Yours may be a table that you have already. */
import { Instant, StoreError } from "@assay/model"
import { type Snapshot, Snapshot as SnapshotSchema, Store } from "@assay/store"
import { Effect, Layer, Option, Schema, Semaphore } from "effect"
import { appendFile, readFile } from "node:fs/promises"

const Line = Schema.fromJsonString(SnapshotSchema)

const newestFirst = (a: Snapshot, b: Snapshot): number =>
  Instant.toMillis(b.as_of) - Instant.toMillis(a.as_of) || (a.id < b.id ? 1 : -1)

const storeError = (doing: string, file: string) => (cause: unknown): StoreError =>
  new StoreError({
    message: `Can't ${doing} ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: "Look at the file and its rights"
  })

/**
 * Results in the file `path`, for one process. The rules of every store: nothing is overwritten, the latest is the one with the latest
 * `as_of`, and what can't be read is an error.
 */
export const jsonLines = (path: string): Layer.Layer<Store> =>
  Layer.effect(
    Store,
    Effect.gen(function*() {
      const writing = yield* Semaphore.make(1)
      const read = Effect.tryPromise({
        try: () =>
          readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
            if (error.code === "ENOENT") return ""
            throw error
          }),
        catch: storeError("read", path)
      }).pipe(
        Effect.flatMap((text) =>
          Effect.forEach(
            text.split("\n").filter((line) => line !== ""),
            (line) => Schema.decodeUnknownEffect(Line)(line)
          )
        ),
        Effect.mapError((error) => error._tag === "StoreError" ? error : storeError("read", path)(error))
      )
      const of = (experiment: string) =>
        Effect.map(read, (all) => all.filter((one) => one.experiment === experiment).toSorted(newestFirst))
      return Store.of({
        put: (snapshot) =>
          Semaphore.withPermit(
            writing,
            Effect.gen(function*() {
              if ((yield* of(snapshot.experiment)).some(({ id }) => id === snapshot.id)) {
                return yield* new StoreError({
                  message: `There is a result ${snapshot.id} already.`,
                  hint: "Give the new one an id of its own"
                })
              }
              const line = yield* Schema.encodeEffect(Line)(snapshot).pipe(Effect.mapError(storeError("write", path)))
              yield* Effect.tryPromise({
                try: () => appendFile(path, `${line}\n`, { flush: true }),
                catch: storeError("write", path)
              })
              const [newest] = yield* of(snapshot.experiment)
              return { path, latest: newest?.id === snapshot.id }
            })
          ),
        latest: (experiment) => Effect.map(of(experiment), ([newest]) => Option.fromNullishOr(newest)),
        list: (experiment) => Effect.map(of(experiment), (all) => all.map(({ as_of, id }) => ({ id, as_of, path }))),
        newest: (experiments) =>
          Effect.map(read, (all) => {
            const oldestFirst = all.filter(({ experiment }) => experiments.includes(experiment)).toSorted(newestFirst)
              .toReversed()
            return new Map(oldestFirst.map(({ as_of, experiment, id }) => [experiment, { id, as_of, path }]))
          }),
        get: (experiment, id) =>
          Effect.map(of(experiment), (all) => Option.fromNullishOr(all.find((one) => one.id === id)))
      })
    })
  )
