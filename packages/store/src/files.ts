/**
 * Snapshots as JSON files: `<root>/snapshots/<experiment>/<as_of>-<id>.json`.
 *
 * There is no pointer to the latest snapshot: it is the last name in the order of names, so writers in any number of
 * processes can't race for it. A snapshot is written to `.<id>.tmp`, which only one writer can create, synced, and
 * renamed. So a name that ends in `.json` is always a whole file, and whoever holds the temporary file is alone in
 * deciding whether the id is free.
 */
import { StoreError } from "@assay/model"
import { Effect, Exit, Option, Schema } from "effect"
import * as Fs from "node:fs/promises"
import * as Path from "node:path"
import * as FileName from "./FileName.ts"
import { newestOfEach } from "./newestOfEach.ts"
import { encode, Snapshot } from "./Snapshot.ts"
import type { Listed, Shape } from "./Store.ts"
import { storeError } from "./storeError.ts"

const attempt = <A>(doing: string, path: string, run: () => Promise<A>): Effect.Effect<A, StoreError> =>
  Effect.tryPromise({ try: run, catch: (cause) => storeError(doing, path, cause) })

const hasCode = (error: unknown, ...codes: ReadonlyArray<string>): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code))

const SnapshotText = Schema.fromJsonString(Snapshot)

/** Writes and syncs a file that must not exist yet. */
const writeNew = async (handle: Fs.FileHandle, text: string): Promise<void> => {
  await handle.writeFile(text, "utf8")
  await handle.sync()
}

/** Makes a rename last through a power cut. Some systems have no such call for directories; then there is nothing to do. */
const syncDirectory = async (path: string): Promise<void> => {
  try {
    const handle = await Fs.open(path, "r")
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (!hasCode(error, "EINVAL", "ENOTSUP", "EISDIR", "EPERM", "EACCES")) throw error
  }
}

const unreadable = (path: string, what: string, advice: string): StoreError =>
  new StoreError({ message: `The snapshot at ${path} can't be used: ${what}.`, hint: advice })

/** The store in the directory `root`, which is made when the first snapshot is put. */
export const files = (root: string): Shape => {
  const directoryOf = (experiment: string): string => Path.join(root, "snapshots", FileName.directory(experiment))

  const list = Effect.fn("Store.list")(function*(experiment: string) {
    const directory = directoryOf(experiment)
    const names = yield* attempt(
      "list the snapshots",
      directory,
      () =>
        Fs.readdir(directory).catch((error: unknown) => {
          if (hasCode(error, "ENOENT")) return []
          throw error
        })
    )
    return names.toSorted(FileName.newestFirst).flatMap((name): ReadonlyArray<Listed> => {
      const parts = FileName.parse(name)
      return parts === undefined ? [] : [{ ...parts, path: Path.join(directory, name) }]
    })
  })

  const read = Effect.fn("Store.read")(function*(experiment: string, listed: Listed, advice: string) {
    const text = yield* attempt("read the snapshot", listed.path, () => Fs.readFile(listed.path, "utf8")).pipe(
      Effect.mapError((error) => new StoreError({ message: error.message, hint: `${error.hint} ${advice}` }))
    )
    const snapshot = yield* Schema.decodeEffect(SnapshotText)(text).pipe(
      Effect.mapError((error) =>
        unreadable(listed.path, `it isn't a whole snapshot of this version (${String(error)})`, advice)
      )
    )
    if (snapshot.experiment !== experiment) {
      return yield* unreadable(
        listed.path,
        `it belongs to the experiment ${JSON.stringify(snapshot.experiment)}, not to ${JSON.stringify(experiment)}`,
        advice
      )
    }
    if (FileName.file(snapshot.as_of, snapshot.id) !== Path.basename(listed.path)) {
      return yield* unreadable(
        listed.path,
        `its name doesn't fit its id ${snapshot.id} and as_of ${snapshot.as_of}`,
        advice
      )
    }
    return snapshot
  })

  const latest = Effect.fn("Store.latest")(function*(experiment: string) {
    const [newest, before] = yield* list(experiment)
    if (newest === undefined) return Option.none<Snapshot>()
    const advice = before === undefined
      ? "It is the only one; remove it and recompute the experiment."
      : `Removing it brings back the one before, ${before.id} as of ${before.as_of}.`
    return Option.some(yield* read(experiment, newest, advice))
  })

  const get = Effect.fn("Store.get")(function*(experiment: string, id: string) {
    const found = (yield* list(experiment)).find((listed) => listed.id === id)
    if (found === undefined) return Option.none<Snapshot>()
    return Option.some(yield* read(experiment, found, "Other snapshots are not affected."))
  })

  const put = Effect.fn("Store.put")(function*(snapshot: Snapshot) {
    const text = `${JSON.stringify(yield* encode(snapshot), null, 2)}\n`
    const directory = directoryOf(snapshot.experiment)
    const temporary = Path.join(directory, FileName.temporary(snapshot.id))
    const path = Path.join(directory, FileName.file(snapshot.as_of, snapshot.id))
    const doing = `write the snapshot ${snapshot.id}`

    const claim = Effect.tryPromise({
      try: () => Fs.open(temporary, "wx"),
      catch: (cause) =>
        hasCode(cause, "EEXIST")
          ? new StoreError({
            message: `The snapshot ${snapshot.id} is being written, or its writer was killed: ${temporary} exists.`,
            hint: "If nothing is running, remove that file; or take another id, as every new run does."
          })
          : storeError(doing, temporary, cause)
    })

    const write = (handle: Fs.FileHandle): Effect.Effect<void, StoreError> =>
      Effect.gen(function*() {
        const twin = (yield* list(snapshot.experiment)).find((listed) => listed.id === snapshot.id)
        if (twin !== undefined) {
          return yield* new StoreError({
            message: `The snapshot ${snapshot.id} exists already, at ${twin.path}.`,
            hint: "Snapshots are never overwritten; give the new one an id of its own."
          })
        }
        yield* attempt(doing, temporary, () => writeNew(handle, text))
        yield* attempt(doing, temporary, () => handle.close())
        return yield* attempt(doing, path, () => Fs.rename(temporary, path))
      })

    // After the rename a file of that name is another writer's, who has claimed the id since (and will find it taken).
    const release = (handle: Fs.FileHandle, succeeded: boolean): Effect.Effect<void> =>
      succeeded
        ? Effect.void
        : Effect.promise(async () => {
          await handle.close().catch(() => undefined)
          await Fs.rm(temporary, { force: true }).catch(() => undefined)
        })

    yield* attempt(doing, directory, () => Fs.mkdir(directory, { recursive: true }))
    // The steps are few and short; none is interrupted, so that a rename is never mistaken for a failure.
    yield* Effect.uninterruptible(
      Effect.acquireUseRelease(claim, write, (handle, exit) => release(handle, Exit.isSuccess(exit)))
    )
    yield* attempt(doing, directory, () => syncDirectory(directory))
    const [newest] = yield* list(snapshot.experiment)
    return { path, latest: newest?.path === path }
  })

  return { put, latest, list, newest: newestOfEach(list), get }
}
