/** Six aggregations for these tests: four such as most metrics use, and two that make the contract do all it can. */
import { defineAggregation, NoOptions, Unit } from "@assay/aggregation"
import { maximum, ratio, type Subject } from "../src/index.ts"

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

export const six = { occurrence, count, sum, mean, ratio, maximum } as const
