/** A process that takes its turn in the store of its first argument, takes a run, says so, and holds both until it is killed. */
import { Runs } from "@assay/store"
import { Effect } from "effect"

// A listener keeps the process alive.
process.on("message", () => undefined)

const program = Effect.gen(function*() {
  const runs = yield* Runs
  yield* runs.enter(Effect.void)
  yield* runs.enqueue({ experiment: "checkout", reason: "schedule", definitionHash: "d" })
  const [claim] = yield* runs.claim({ runner: "first", atMost: 1 })
  process.send?.(`running ${claim!.run.experiment}`)
  return yield* Effect.never
})

void Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(Runs.layerFile(process.argv[2]!))))
