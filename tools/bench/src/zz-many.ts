import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { mkdtempSync } from "node:fs"
import { manyBenchmark } from "./many.ts"
const folder = mkdtempSync("/tmp/shared-many-")
console.log(
  await Effect.runPromise(
    manyBenchmark(
      { experiments: Number(process.argv[2]), metrics: 10, events: Number(process.argv[3]) },
      1,
      process.argv[4]!.split(",").map(Number),
      folder + "/r"
    ).pipe(Effect.provide(Warehouse.layerEmbedded(folder + "/data")))
  )
)
process.exit(0)
