/** `sum`: the sum of the events' values per identity. */
import { defineAggregation, NoOptions } from "@assay/aggregation"

/** Per identity the sum of the values of the metric's events after its first exposure, 0 where there are none. */
export const sum = defineAggregation({
  name: "sum",
  version: "1.0.0",
  options: NoOptions,
  reads: "value",
  columns: ({ events }) => ({ total: events.sum(events.value) }),
  estimand: { kind: "mean", column: "total" }
})
