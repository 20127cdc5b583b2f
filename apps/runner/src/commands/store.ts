/** `assay store`: the tables, copies, and what is kept. */
import { Duration } from "@assay/model"
import { migratePostgres, Runs } from "@assay/store"
import { Clock, Effect, Option, Schema } from "effect"
import { resolve } from "node:path"
import { UsageError } from "../Failed.ts"
import { say } from "../output.ts"
import { loadProject, shown } from "../project.ts"
import { postgresOptions, runsLayer, storeName } from "../store.ts"

type Config = { readonly config: Option.Option<string> }

/** Makes the tables of a store in PostgreSQL, or brings them to this version. Embedded stores do that by themselves. */
export const runMigrate = Effect.fn("command.store.migrate")(function*(input: Config) {
  const project = yield* loadProject(Option.getOrUndefined(input.config))
  const { store } = project.config
  if (!("postgres" in store)) {
    yield* Effect.provide(Effect.void, runsLayer(project))
    return yield* say(
      `${storeName(project)} is ready; embedded stores are brought to this version when they are opened.`
    )
  }
  const { from, to } = yield* migratePostgres(yield* postgresOptions(store))
  yield* say(
    `${storeName(project)}: ${
      from === to ? `format ${to} already` : `format ${to}, before ${from === 0 ? "nothing" : from}`
    }`
  )
})

/** Writes runs and results to a new file or folder, while others go on. */
export const runBackup = Effect.fn("command.store.backup")(function*(input: Config & { readonly path: string }) {
  const project = yield* loadProject(Option.getOrUndefined(input.config))
  const path = resolve(input.path)
  yield* Runs.use((runs) => runs.backup(path)).pipe(Effect.provide(runsLayer(project)))
  yield* say(`Wrote ${shown(path)}`)
})

const isDuration = Schema.is(Duration.Duration)

/** Forgets what is older than asked, but never the newest. */
export const runPrune = Effect.fn("command.store.prune")(
  function*(input: Config & { readonly olderThan: string; readonly keep: number }) {
    const project = yield* loadProject(Option.getOrUndefined(input.config))
    if (!isDuration(input.olderThan)) {
      return yield* new UsageError({
        message: `--older-than is ${JSON.stringify(input.olderThan)}, which isn't a length of time`,
        hint: "Write 90d, 2w or 12h"
      })
    }
    const before = (yield* Clock.currentTimeMillis) - Duration.toMillis(input.olderThan)
    const { runs, snapshots } = yield* Runs.use((all) => all.prune({ before, keep: input.keep })).pipe(
      Effect.provide(runsLayer(project))
    )
    yield* say(`Forgot ${runs} runs and ${snapshots} results`)
  }
)
