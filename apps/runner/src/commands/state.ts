/** `assay state`: what incremental recomputes keep. */
import { Instant } from "@assay/model"
import { dropStates, listStates, type StateEntry } from "@assay/pipeline"
import { Clock, Effect, Option } from "effect"
import { bytesText } from "../cost.ts"
import { resultsWarehouse, warehouseLayer } from "../engine.ts"
import { UsageError } from "../Failed.ts"
import { print, printJson, say } from "../output.ts"
import { loadProject, type Project } from "../project.ts"

type Config = { readonly config: Option.Option<string> }

/** The connection that keeps states, and their database; an error where none are kept. */
const keeper = Effect.fn("state.keeper")(function*(project: Project) {
  const { incremental } = project.config
  const warehouse = yield* resultsWarehouse(project)
  if (incremental === undefined || warehouse === undefined) {
    return yield* new UsageError({
      message: "No states are kept",
      hint: "Write incremental: true (and results) in the configuration, and recomputes read what is new alone"
    })
  }
  return { warehouse, database: incremental.database }
})

const ago = (millis: number): string => {
  const minutes = Math.max(0, Math.floor(millis / 60_000))
  return minutes < 120
    ? `${minutes} min ago`
    : minutes < 2880
    ? `${Math.floor(minutes / 60)} h ago`
    : `${Math.floor(minutes / 1440)} d ago`
}

const lineOf = ({ batches, bytes, committedAt, experiment, name, read, rows }: StateEntry, now: number): string =>
  read === undefined || committedAt === undefined
    ? `${name}: nothing committed yet`
    : `${experiment}: rows stored before ${Instant.fromMillis(read.ingested)} (${ago(now - committedAt)}), ${
      rows.toLocaleString("en-US")
    } rows in ${batches} ${batches === 1 ? "batch" : "batches"}, ${bytesText(bytes)}`

/** Lists the states. */
export const runState = Effect.fn("command.state")(function*(input: Config & { readonly json: boolean }) {
  const project = yield* loadProject(Option.getOrUndefined(input.config))
  yield* Effect.gen(function*() {
    const { database, warehouse } = yield* keeper(project)
    const states = yield* listStates(warehouse, database)
    if (input.json) {
      return yield* printJson({
        schema: "assay.states/1",
        states: states.map(({ batches, bytes, committedAt, experiment, name, read, rows }) => ({
          experiment,
          tables: `${name}_*`,
          ingested_until: read === undefined ? null : Instant.fromMillis(read.ingested),
          events_until: read === undefined ? null : Instant.fromMillis(read.events),
          committed_at: committedAt === undefined ? null : Instant.fromMillis(committedAt),
          batches,
          rows,
          bytes
        }))
      })
    }
    const now = yield* Clock.currentTimeMillis
    yield* states.length === 0
      ? say("There are none yet; `assay recompute` makes them")
      : print(states.map((one) => lineOf(one, now)).join("\n"))
  }).pipe(Effect.scoped, Effect.provide(warehouseLayer(project)))
})

/** Removes the states of an experiment, also of one that isn't defined any more. */
export const runStateDrop = Effect.fn("command.state.drop")(
  function*(input: Config & { readonly experiment: string }) {
    const project = yield* loadProject(Option.getOrUndefined(input.config))
    yield* Effect.gen(function*() {
      const { database, warehouse } = yield* keeper(project)
      const dropped = yield* dropStates(warehouse, input.experiment, database)
      if (dropped === 0) {
        return yield* new UsageError({
          message: `There is no state of ${JSON.stringify(input.experiment)}`,
          hint: "`assay state` lists those that there are"
        })
      }
      yield* say(`Dropped the state of ${input.experiment}; the next recompute reads everything`)
    }).pipe(Effect.scoped, Effect.provide(warehouseLayer(project)))
  }
)
