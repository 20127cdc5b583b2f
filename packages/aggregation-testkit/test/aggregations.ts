/** Six aggregations for these tests: four such as most metrics use, and two that make the contract do all it can. */
import { type Aggregation, defineAggregation, NoOptions, Unit } from "@assay/aggregation"
import type { ReferenceMetric } from "../src/index.ts"

/** An aggregation and what the reference makes of an identity's events. */
export interface Subject {
  readonly aggregation: Aggregation
  readonly unit: ReferenceMetric["unit"]
}

const common = { version: "1.0.0", options: NoOptions } as const

const total = (events: ReadonlyArray<{ readonly value: number }>) => events.reduce((sum, { value }) => sum + value, 0)

const occurrence: Subject = {
  aggregation: defineAggregation({
    ...common,
    name: "occurrence",
    reads: "nothing",
    columns: ({ events }) => ({ occurred: events.any() }),
    estimand: { kind: "proportion", column: "occurred" }
  }),
  unit: (events) => [events.length > 0 ? 1 : 0]
}

const count: Subject = {
  aggregation: defineAggregation({
    ...common,
    name: "count",
    reads: "nothing",
    columns: ({ events }) => ({ count: events.count() }),
    estimand: { kind: "mean", column: "count" }
  }),
  unit: (events) => [events.length]
}

const sum: Subject = {
  aggregation: defineAggregation({
    ...common,
    name: "sum",
    reads: "value",
    columns: ({ events }) => ({ total: events.sum(events.value) }),
    estimand: { kind: "mean", column: "total" }
  }),
  unit: (events) => [total(events)]
}

const mean: Subject = {
  aggregation: defineAggregation({
    ...common,
    name: "mean",
    reads: "value",
    columns: ({ events }) => ({ mean: Unit.divide(events.sum(events.value), events.count()) }),
    estimand: { kind: "mean", column: "mean" }
  }),
  unit: (events) => [events.length === 0 ? 0 : total(events) / events.length]
}

/** Two unit columns and their product moment: the mean value per event, over all events of an arm. */
const ratio: Subject = {
  aggregation: defineAggregation({
    ...common,
    name: "ratio",
    reads: "value",
    columns: ({ events }) => ({ total: events.sum(events.value), events: events.count() }),
    estimand: { kind: "ratio", numerator: "total", denominator: "events" }
  }),
  unit: (events) => [total(events), events.length]
}

/** A unit state that isn't a sum. */
const maximum: Subject = {
  aggregation: defineAggregation({
    ...common,
    name: "maximum",
    reads: "value",
    columns: ({ events }) => ({ maximum: events.max(events.value) }),
    estimand: { kind: "mean", column: "maximum" }
  }),
  unit: (events) => [events.length === 0 ? 0 : Math.max(...events.map(({ value }) => value))]
}

export const six = { occurrence, count, sum, mean, ratio, maximum } as const
