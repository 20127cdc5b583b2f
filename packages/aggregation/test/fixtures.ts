/** A small experiment, its metrics, and aggregations to plan them with. */
import type { EventMapping, Experiment, Metric } from "@assay/model"
import { defaultEventMapping } from "@assay/model"
import { Result } from "effect"
import {
  type Aggregation,
  defineAggregation,
  NoOptions,
  type Plan,
  plan,
  type PlanInput,
  Schema
} from "../src/index.ts"

export const sum = defineAggregation({
  name: "sum",
  version: "1.0.0",
  options: NoOptions,
  reads: "value",
  columns: ({ events }) => ({ total: events.sum(events.value) }),
  estimand: { kind: "mean", column: "total" }
})

export const count = defineAggregation({
  name: "count",
  version: "1.2.0",
  options: Schema.Struct({ weight: Schema.optionalKey(Schema.Finite) }),
  reads: "nothing",
  columns: ({ events }) => ({ count: events.count() }),
  estimand: { kind: "mean", column: "count" }
})

export const occurrence = defineAggregation({
  name: "occurrence",
  version: "1.0.0",
  options: NoOptions,
  reads: "nothing",
  columns: ({ events }) => ({ occurred: events.any() }),
  estimand: { kind: "proportion", column: "occurred" },
  floors: [{ kind: "conversions", need: 5 }]
})

export const ratio = defineAggregation({
  name: "ratio",
  version: "1.0.0",
  options: NoOptions,
  reads: "value",
  columns: ({ events }) => ({ total: events.sum(events.value), events: events.count() }),
  estimand: { kind: "ratio", numerator: "total", denominator: "events" }
})

export const largest = defineAggregation({
  name: "largest",
  version: "1.0.0",
  options: NoOptions,
  reads: "value",
  columns: ({ events }) => ({ largest: events.max(events.value) }),
  estimand: { kind: "mean", column: "largest" }
})

export const aggregations: ReadonlyMap<string, Aggregation> = new Map(
  [sum, count, occurrence, ratio, largest].map((one) => [one.name, one])
)

export const mapping: EventMapping = {
  ...defaultEventMapping,
  columns: { ...defaultEventMapping.columns, event_id: "id" },
  identities: { user: "identifier", company: "company" },
  properties: { country: "country" }
}

export const metric = (key: string, more: Partial<Metric> = {}): Metric => ({
  key,
  aggregation: "sum",
  event: "purchase",
  direction: "up",
  ...more
})

export const experiment: Experiment = {
  key: "checkout",
  environment: "production",
  feature: "new-checkout",
  started_at: "2026-01-01",
  ended_at: "2026-02-01",
  control: "control",
  variants: [{ key: "control", share: 1 }, { key: "blue", share: 1 }],
  metrics: [{ metric: "revenue", role: "goal" }]
}

export const input = (metrics: ReadonlyArray<Metric>, more: Partial<PlanInput> = {}): PlanInput => ({
  experiment: {
    ...experiment,
    metrics: metrics.map(({ key }) => ({ metric: key, role: "goal" as const })) as unknown as Experiment["metrics"]
  },
  metrics: new Map(metrics.map((one) => [one.key, one])),
  mapping,
  aggregations,
  asOf: Date.UTC(2026, 5, 1),
  ...more
})

/** The plan, or a failing test. */
export const planned = (metrics: ReadonlyArray<Metric>, more: Partial<PlanInput> = {}): Plan =>
  Result.getOrThrow(plan(input(metrics, more)))
