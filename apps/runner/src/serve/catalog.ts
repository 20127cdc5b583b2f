/** Experiments, their cards and their snapshots, as a server keeps them at hand. */
import { definitionHash } from "@assay/definitions"
import { type AssayError, type Experiment, Instant, type StoreError } from "@assay/model"
import { type Card, experimentBody, resultsCard } from "@assay/page"
import { type Listed, type Snapshot, Store } from "@assay/store"
import { Clock, Context, Effect, Layer, Option } from "effect"
import { loadDefinitions, type LoadedProject } from "../project.ts"
import type { Reader } from "./access.ts"

/** What a server knows about experiments. Everything takes the reader, so nothing is shown that it may not see. */
export interface CatalogShape {
  readonly project: Effect.Effect<LoadedProject, AssayError>
  readonly visible: (reader: Reader) => Effect.Effect<ReadonlyArray<Experiment>, AssayError>
  readonly find: (reader: Reader, experiment: string) => Effect.Effect<Option.Option<Experiment>, AssayError>
  /** A card for each of these experiments, in their order; the store is asked once which results are their newest. */
  readonly cards: (
    experiments: ReadonlyArray<Experiment>
  ) => Effect.Effect<ReadonlyArray<Card & { readonly snapshot: string | undefined }>, StoreError>
  readonly snapshots: (experiment: string) => Effect.Effect<ReadonlyArray<Listed>, StoreError>
  readonly snapshot: (experiment: string, id: string) => Effect.Effect<Option.Option<Snapshot>, StoreError>
  /** The costly part of a page as UTF-8; kept by snapshot, which never changes. */
  readonly body: (snapshot: Snapshot) => Uint8Array
  readonly hashOf: (experiment: Experiment) => Effect.Effect<string, AssayError>
}

/** Keeps the `most` entries that were used last. */
const recent = <A>(most: number) => {
  const entries = new Map<string, A>()
  return {
    get: (key: string): A | undefined => {
      const found = entries.get(key)
      if (found !== undefined) {
        entries.delete(key)
        entries.set(key, found)
      }
      return found
    },
    set: (key: string, value: A): A => {
      entries.set(key, value)
      const [oldest] = entries.keys()
      if (entries.size > most && oldest !== undefined) entries.delete(oldest)
      return value
    }
  }
}

/** Definition files are read again after this long. */
const DEFINITIONS_FOR = "10 seconds"

/** Summaries and bodies at hand: a page of many metrics is a few megabytes. */
const MOST_SNAPSHOTS = 32

export class Catalog extends Context.Service<Catalog, CatalogShape>()("@assay/runner/Catalog") {
  static readonly layer = (config: string | undefined): Layer.Layer<Catalog, AssayError, Store> =>
    Layer.effect(this, make(config))
}

/**
 * Makes the newest pages before somebody asks for them, as many as are kept: the first one of a process takes ten times as long as the next.
 * Results that can't be read are told to who asks for them.
 */
export const makeAhead = Effect.fn("Catalog.makeAhead")(function*() {
  const catalog = yield* Catalog
  const { definitions } = yield* catalog.project
  for (const { key } of [...definitions.experiments.values()].slice(0, MOST_SNAPSHOTS)) {
    const [took] = yield* Effect.gen(function*() {
      const [newest] = yield* catalog.snapshots(key)
      if (newest === undefined) return
      const found = yield* catalog.snapshot(key, newest.id)
      if (Option.isSome(found)) catalog.body(found.value)
    }).pipe(Effect.ignore, Effect.timed)
    // Requests get as much of the time as this takes.
    yield* Effect.sleep(took)
  }
})

const make = Effect.fn("Catalog.make")(function*(config: string | undefined) {
  const store = yield* Store
  // The first reading fails loudly; later, a mistake in a file leaves what was read before in use.
  let good = yield* loadDefinitions(config)
  const project = yield* Effect.cachedWithTTL(
    loadDefinitions(config).pipe(
      Effect.tap((loaded) =>
        Effect.sync(() => {
          good = loaded
        })
      ),
      Effect.catch((error) =>
        Effect.as(
          Effect.logError("definitions can't be read; those read before stay in use").pipe(
            Effect.annotateLogs({ error: error.message })
          ),
          good
        )
      )
    ),
    DEFINITIONS_FOR
  )
  const cards = recent<Card["results"] & { readonly kind: "some" }>(10_000)
  const snapshots = recent<Snapshot>(MOST_SNAPSHOTS)
  const bodies = recent<Uint8Array>(MOST_SNAPSHOTS)
  const key = (experiment: string, id: string): string => JSON.stringify([experiment, id])

  const snapshot: CatalogShape["snapshot"] = Effect.fn("Catalog.snapshot")(function*(experiment, id) {
    const kept = snapshots.get(key(experiment, id))
    if (kept !== undefined) return Option.some(kept)
    const found = yield* store.get(experiment, id)
    return Option.map(found, (one) => snapshots.set(key(experiment, id), one))
  })

  const stateOf = ({ ended_at, started_at }: Experiment, now: number): Card["state"] =>
    Instant.toMillis(started_at) > now
      ? "planned"
      : ended_at !== undefined && Instant.toMillis(ended_at) <= now
      ? "ended"
      : "running"

  const visible: CatalogShape["visible"] = (reader) =>
    Effect.map(
      project,
      ({ definitions }) => [...definitions.experiments.values()].filter(({ environment }) => reader.sees(environment))
    )

  const card = Effect.fn("Catalog.card")(function*(experiment: Experiment, newest: Listed | undefined, now: number) {
    const base = {
      experiment: experiment.key,
      description: experiment.description,
      environment: experiment.environment,
      feature: experiment.feature,
      state: stateOf(experiment, now),
      snapshot: newest?.id
    }
    if (newest === undefined) return { ...base, results: { kind: "none" } as const }
    const kept = cards.get(key(experiment.key, newest.id))
    if (kept !== undefined) return { ...base, results: kept }
    return yield* store.get(experiment.key, newest.id).pipe(
      Effect.map((found) =>
        Option.match(found, {
          onNone: () => ({ ...base, results: { kind: "none" } as const }),
          onSome: ({ summary }) => ({
            ...base,
            results: cards.set(key(experiment.key, newest.id), resultsCard(summary))
          })
        })
      ),
      // Said as what it is, and without the path of a file on the server.
      Effect.catch((error) =>
        Effect.as(
          Effect.logError("results can't be read").pipe(
            Effect.annotateLogs({ experiment: experiment.key, error: error.message })
          ),
          {
            ...base,
            results: { kind: "unreadable", sentence: "The latest results can't be read." } as const
          }
        )
      )
    )
  })

  return Catalog.of({
    project,
    visible,
    find: (reader, name) =>
      Effect.map(project, ({ definitions }) =>
        Option.filter(
          Option.fromNullishOr(definitions.experiments.get(name)),
          ({ environment }) => reader.sees(environment)
        )),
    cards: Effect.fn("Catalog.cards")(function*(experiments) {
      const now = yield* Clock.currentTimeMillis
      const newest = yield* store.newest(experiments.map((experiment) => experiment.key))
      return yield* Effect.forEach(
        experiments,
        (experiment) => card(experiment, newest.get(experiment.key), now),
        { concurrency: 8 }
      )
    }),
    snapshots: (experiment) => store.list(experiment),
    snapshot,
    body: (one) => {
      const name = key(one.experiment, one.id)
      return bodies.get(name) ?? bodies.set(name, Buffer.from(experimentBody(one.summary, one.statement)))
    },
    hashOf: (experiment) =>
      Effect.map(
        project,
        ({ config, definitions }) => definitionHash({ experiment, ...config, metrics: definitions.metrics })
      )
  })
})
