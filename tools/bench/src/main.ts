/** `npm run bench -- <name> [events] [rounds]` */
import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { metricsBenchmark } from "./metrics.ts"

const usage = "Usage: npm run bench -- metrics [events, default 20000000] [rounds, default 5]"

const [name, events = "20000000", rounds = "5"] = process.argv.slice(2)

if (name !== "metrics" || !(Number(events) >= 10) || !(Number(rounds) >= 1)) {
  console.error(usage)
  process.exit(2)
}

const folder = mkdtempSync(join(tmpdir(), "assay-bench-"))
try {
  const size = { events: Number(events), identities: Math.ceil(Number(events) / 10), metrics: 10 }
  console.log(
    await Effect.runPromise(
      metricsBenchmark(size, Number(rounds)).pipe(Effect.provide(Warehouse.layerEmbedded(join(folder, "data"))))
    )
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
