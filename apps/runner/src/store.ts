/** The store of a project: a folder, one file, or PostgreSQL. */
import type { StoreConfig } from "@assay/definitions"
import { StoreError } from "@assay/model"
import { type PostgresOptions, type Run, Runs, Store } from "@assay/store"
import { Effect, Layer } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Project, shown } from "./project.ts"

/** The store as people name it; of a database, where its URL is found. */
export const storeName = ({ config: { store } }: Project): string =>
  "folder" in store
    ? shown(store.folder)
    : "file" in store
    ? shown(store.file)
    : `PostgreSQL (${"env" in store.postgres ? `$${store.postgres.env}` : shown(store.postgres.file)}${
      store.schema === undefined ? "" : `, schema ${store.schema}`
    })`

type PostgresConfig = Extract<StoreConfig, { readonly postgres: unknown }>

/** The connection of a store in PostgreSQL. Fails where its URL isn't where the configuration says. */
export const postgresOptions = (config: PostgresConfig): Effect.Effect<PostgresOptions, StoreError> =>
  Effect.gen(function*() {
    const { postgres: source, schema } = config
    const place = "env" in source ? `the environment variable ${source.env}` : `the file ${shown(source.file)}`
    const url = yield* Effect.try({
      try: () => ("env" in source ? process.env[source.env] ?? "" : readFileSync(source.file, "utf8")).trim(),
      catch: (cause) =>
        new StoreError({
          message: `The connection URL of the store can't be read from ${place}: ${
            cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable"
          }.`,
          hint: "Put postgres://user:password@host:5432/database there"
        })
    })
    if (url === "") {
      return yield* new StoreError({
        message: `The connection URL of the store is missing: ${place} is empty or not set.`,
        hint: "Put postgres://user:password@host:5432/database there"
      })
    }
    return { url, ...(schema === undefined ? {} : { schema }) }
  })

const runsOf = (store: StoreConfig): Layer.Layer<Runs | Store, StoreError> =>
  "folder" in store
    ? Runs.layerFolder(store.folder)
    : "file" in store
    ? Runs.layerFile(store.file)
    : Layer.unwrap(Effect.map(postgresOptions(store), Runs.layerPostgres))

/** Results and runs of a project. */
export const runsLayer = ({ config: { store } }: Project): Layer.Layer<Runs | Store, StoreError> => runsOf(store)

/** The results of a project alone: a folder is only touched where something is written. */
export const storeLayer = ({ config: { store } }: Project): Layer.Layer<Store, StoreError> =>
  "folder" in store ? Store.layerFiles(store.folder) : runsOf(store)

/** The newest run of an experiment, where there ever was one; nothing is made in a folder that has no runs. */
export const lastRun = (project: Project, experiment: string): Effect.Effect<Run | undefined, StoreError> => {
  const { store } = project.config
  return "folder" in store && !existsSync(join(store.folder, "runs.sqlite"))
    ? Effect.undefined
    : Runs.use((runs) => runs.list({ experiment, limit: 1 })).pipe(
      Effect.map(([run]) => run),
      Effect.provide(runsLayer(project))
    )
}
