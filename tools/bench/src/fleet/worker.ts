/**
 * A runner of a fleet, as a process: watches the scenario that its first argument describes (JSON), and writes to a journal when it begins
 * and ends a run. Several append to the same file; a line is one write.
 */
import { Runs } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { watch } from "@assay/watch"
import { Effect, Layer, Logger, References } from "effect"
import { appendFileSync, readFileSync } from "node:fs"
import type { Death, Stage, WorkerInput } from "./Fleet.ts"
import { replaying, watchedOf } from "./scenario.ts"

const input = JSON.parse(process.argv[2]!) as WorkerInput

const note = (event: Readonly<Record<string, unknown>>): void => {
  appendFileSync(input.journal, `${JSON.stringify({ at: Date.now(), pid: process.pid, ...event })}\n`)
}

let death: Death | undefined
process.on("message", (told) => {
  death = told as Death
})
// Nobody is left behind where the fleet's own process ends.
process.on("disconnect", () => process.exit(1))

const onStage = (stage: Stage, experiment: string): void => {
  if (stage === "taken") note({ event: "begin", experiment })
  if (death?.stage !== stage) return
  setTimeout(() => process.kill(process.pid, "SIGKILL"), death.millis)
  death = undefined
}

const ends = new Set([
  "succeeded",
  "failed",
  "failed, to be tried again",
  "dropped: the run was cancelled, or another runner has it",
  "the end of a run couldn't be written down; it is run again"
])

/** The end of a run is a line of the log, so the journal needs no second way to learn it. */
const journaling = Logger.make<unknown, void>(({ fiber, message }) => {
  const text = String(Array.isArray(message) ? message[0] : message)
  const about = fiber.getRef(References.CurrentLogAnnotations)
  if (ends.has(text)) note({ event: "end", how: text, experiment: about["experiment"] })
  else if (text !== "queued") note({ event: "said", text, error: about["error"] })
})

const store = input.postgres === undefined
  ? Runs.layerFile(input.file!)
  : Runs.layerPostgres({ url: input.postgres, leaseSeconds: 10 })

const program = watch({
  load: Effect.succeed(watchedOf(input.experiments, input.refresh)),
  runner: input.runner,
  concurrency: input.concurrency,
  stopMillis: 5000
}).pipe(
  Effect.provide(
    Layer.merge(
      store,
      Layer.succeed(
        Warehouse,
        replaying(
          JSON.parse(readFileSync(input.answer, "utf8")),
          input.millis,
          input.changing,
          onStage
        )
      )
    ).pipe(Layer.provideMerge(Logger.layer([journaling])))
  )
)

// A machine that doesn't let the process on stops it as SIGSTOP does.
const LOOK_MILLIS = 250
const STALLED_MILLIS = 3000
let looked = Date.now()
setInterval(() => {
  const now = Date.now()
  if (now - looked > STALLED_MILLIS) {
    note({ event: "stalled", at: looked + LOOK_MILLIS })
  }
  looked = now
}, LOOK_MILLIS).unref()

const started = performance.now()
note({ event: "started" })
if (input.sampleMillis !== undefined) {
  setInterval(() => {
    globalThis.gc?.()
    const { heapUsed, rss } = process.memoryUsage()
    note({ event: "memory", rss, heapUsed, since: performance.now() - started })
  }, input.sampleMillis).unref()
}

const fiber = Effect.runFork(program)
// A timer keeps the process alive; the signal ends the watch as `assay watch` is ended.
const alive = setInterval(() => undefined, 60_000)
process.on("SIGTERM", () => fiber.interruptUnsafe())
fiber.addObserver((exit) => {
  clearInterval(alive)
  note({ event: "ended", how: exit._tag })
  process.exit(0)
})
