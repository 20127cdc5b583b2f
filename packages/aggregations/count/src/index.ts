/** `count`: the number of events per identity. */
import { defineAggregation, NoOptions } from "@assay/aggregation"

/** Per identity the number of the metric's events after its first exposure, 0 where there are none. */
export const count = defineAggregation({
  name: "count",
  version: "1.0.0",
  options: NoOptions,
  reads: "nothing",
  columns: ({ events }) => ({ count: events.count() }),
  estimand: { kind: "mean", column: "count" }
})
