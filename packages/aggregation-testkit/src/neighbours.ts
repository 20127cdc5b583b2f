/** Two aggregations that make the contract do all it can; every other is fused with them in its suite. */
import { type Aggregation, defineAggregation, NoOptions } from "@assay/aggregation"
import type { ReferenceMetric } from "./reference.ts"

/** An aggregation and what the reference makes of an identity's events. */
export interface Subject {
  readonly aggregation: Aggregation
  readonly unit: ReferenceMetric["unit"]
}

const common = { version: "1.0.0", options: NoOptions } as const

/** Two unit columns and their product moment: the mean value per event, over all events of an arm. */
export const ratio: Subject = {
  aggregation: defineAggregation({
    ...common,
    name: "beside-ratio",
    reads: "value",
    columns: ({ events }) => ({ total: events.sum(events.value), events: events.count() }),
    estimand: { kind: "ratio", numerator: "total", denominator: "events" }
  }),
  unit: (events) => [events.reduce((sum, { value }) => sum + value, 0), events.length]
}

/** A unit state that isn't a sum. */
export const maximum: Subject = {
  aggregation: defineAggregation({
    ...common,
    name: "beside-maximum",
    reads: "value",
    columns: ({ events }) => ({ maximum: events.max(events.value) }),
    estimand: { kind: "mean", column: "maximum" }
  }),
  unit: (events) => [events.length === 0 ? 0 : Math.max(...events.map(({ value }) => value))]
}
