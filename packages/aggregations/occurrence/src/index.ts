/** `occurrence`: the part of identities with at least one event after their exposure. */
import { defineAggregation, NoOptions } from "@assay/aggregation"

/**
 * Per identity 1 where the metric's event happened after its first exposure, else 0. Inference asks for 5 conversions in
 * each arm, below which the normal approximation of a proportion isn't to be trusted.
 */
export const occurrence = defineAggregation({
  name: "occurrence",
  version: "1.0.0",
  options: NoOptions,
  reads: "nothing",
  columns: ({ events }) => ({ occurred: events.any() }),
  estimand: { kind: "proportion", column: "occurred" },
  floors: [{ kind: "conversions", need: 5 }]
})
