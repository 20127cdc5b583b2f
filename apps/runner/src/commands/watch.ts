/** `assay watch`: computes experiments anew when they are due, until it is stopped. */
import { watch } from "@assay/watch"
import { Effect, Layer, Option } from "effect"
import { hostname } from "node:os"
import { warehouseLayer, writing } from "../engine.ts"
import { Failed } from "../Failed.ts"
import { say } from "../output.ts"
import { loadProject } from "../project.ts"
import { runsLayer } from "../store.ts"
import { type LogFormat, type LogLevel, telemetry } from "../telemetry.ts"
import { watching } from "../watched.ts"

/** What `assay watch` was asked for. */
export interface WatchInput {
  readonly config: Option.Option<string>
  readonly concurrency: Option.Option<number>
  readonly runner: Option.Option<string>
  readonly once: boolean
  readonly stopSeconds: number
  readonly logFormat: LogFormat
  readonly logLevel: LogLevel
}

/** Watches; with `once`, runs what is due and ends with exit code 1 where any of it failed. */
export const runWatch = Effect.fnUntraced(function*(input: WatchInput) {
  const project = yield* loadProject(Option.getOrUndefined(input.config))
  const runner = Option.getOrElse(input.runner, () => `${hostname()}-${process.pid}`)
  const program = Effect.gen(function*() {
    return yield* watch({
      load: yield* watching(project, yield* writing(project)),
      runner,
      concurrency: Option.getOrElse(input.concurrency, () => project.config.defaults.concurrency),
      once: input.once,
      stopMillis: input.stopSeconds * 1000
    })
  })
  const failures = yield* program.pipe(
    Effect.scoped,
    Effect.provide(
      Layer.merge(warehouseLayer(project), runsLayer(project)).pipe(
        Layer.provideMerge(telemetry(input.logFormat, input.logLevel))
      )
    )
  )
  if (failures > 0) {
    yield* say(`${failures} ${failures === 1 ? "attempt" : "attempts"} failed; \`assay runs\` shows which`)
    return yield* new Failed({ exitCode: 1 })
  }
})
