/** `mean`: the mean of the events' values per identity. */
import { defineAggregation, NoOptions, Unit } from "@assay/aggregation"

/**
 * Per identity the mean of the values of the metric's events after its first exposure, 0 where there are none. Every
 * identity weighs the same, however many events it has.
 */
export const mean = defineAggregation({
  name: "mean",
  version: "1.0.0",
  options: NoOptions,
  reads: "value",
  columns: ({ events }) => ({ mean: Unit.divide(events.sum(events.value), events.count()) }),
  estimand: { kind: "mean", column: "mean" }
})
