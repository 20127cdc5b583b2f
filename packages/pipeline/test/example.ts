/** The README's example, run by readme.test.ts. */
import { type Job, recomputeAll, type RecomputeContext } from "@assay/pipeline"
import { engines } from "@assay/stats"
import { Warehouse } from "@assay/warehouse"
import { Clock, Effect } from "effect"

type Definitions = Pick<RecomputeContext, "metrics" | "mapping" | "aggregations">

export const nightly = Effect.fn(function*(jobs: ReadonlyArray<Job>, definitions: Definitions) {
  const warehouse = yield* Warehouse
  const context: RecomputeContext = {
    ...definitions,
    engine: engines.bayesian,
    confidence: 0.95,
    asOf: yield* Clock.currentTimeMillis,
    version: "my-service 1.0",
    warehouseVersion: yield* warehouse.version()
  }
  const { failed, results } = yield* recomputeAll(jobs, context, 4)
  for (const { error, experiment } of failed) yield* Effect.logError(`${experiment}: ${error.message} ${error.hint}`)
  return results.map(({ summary }) => summary)
})
