/** A small experiment over an event table on the embedded engine, and the ways to recompute it. */
import { type Aggregation, defineAggregation, NoOptions } from "@assay/aggregation"
import { count } from "@assay/aggregation-count"
import { mean } from "@assay/aggregation-mean"
import { occurrence } from "@assay/aggregation-occurrence"
import { sum } from "@assay/aggregation-sum"
import { createEventTable, type EventRow, insertEvents, testMapping } from "@assay/aggregation-testkit"
import { defaultEventMapping, type Experiment, Instant, type Metric, type ResultsSummary } from "@assay/model"
import { engines } from "@assay/stats"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { type Job, recompute, type RecomputeContext } from "../src/index.ts"

export const day = 86_400_000

/** The window is [start, end). */
export const start = Date.UTC(2026, 0, 1)
export const end = start + 14 * day

/** The table that experiments read when nothing else is said. */
export const table = "events"

export const mapping = testMapping(defaultEventMapping, table)

/** An aggregation of another team: the value per event, over all events of an arm. */
export const perEvent: Aggregation = defineAggregation({
  name: "per-event",
  version: "2.3.4",
  options: NoOptions,
  reads: "value",
  columns: ({ events }) => ({ total: events.sum(events.value), events: events.count() }),
  estimand: { kind: "ratio", numerator: "total", denominator: "events" }
})

export const aggregations = new Map([occurrence, count, sum, mean, perEvent].map((one) => [one.name, one]))

export const metric = (key: string, aggregation: string, more: Partial<Metric> = {}): Metric => ({
  key,
  aggregation,
  event: "purchase",
  direction: "up",
  ...more
})

/** A metric of each aggregation, and one whose good direction is down. */
export const metrics: ReadonlyMap<string, Metric> = new Map(
  [
    metric("purchased", "occurrence"),
    metric("purchases", "count"),
    metric("revenue", "sum"),
    metric("basket", "mean"),
    metric("price", "per-event"),
    metric("refunded", "occurrence", { event: "refund", direction: "down" })
  ].map((one) => [one.key, one])
)

export const experimentOf = (more: Partial<Experiment> = {}): Experiment => ({
  key: "checkout",
  environment: "production",
  feature: "checkout",
  started_at: Instant.fromMillis(start),
  ended_at: Instant.fromMillis(end),
  control: "control",
  variants: [{ key: "control", share: 1 }, { key: "treatment", share: 1 }],
  metrics: [{ metric: "purchased", role: "goal" }],
  ...more
})

/** An experiment that uses these metrics, the first as its goal. */
export const measuring = (keys: readonly [string, ...ReadonlyArray<string>]): Partial<Experiment> => {
  const [goal, ...others] = keys
  return {
    metrics: [{ metric: goal, role: "goal" }, ...others.map((key) => ({ metric: key, role: "secondary" as const }))]
  }
}

export const jobOf = (more: Partial<Experiment> = {}): Job => ({ experiment: experimentOf(more), definitionHash: "d" })

export const contextOf = (more: Partial<RecomputeContext> = {}): RecomputeContext => ({
  metrics,
  mapping,
  aggregations,
  engine: engines.bayesian,
  confidence: 0.95,
  asOf: end + day,
  version: "0.0.0",
  warehouseVersion: "0",
  ...more
})

const row: EventRow = {
  environment: "production",
  event: "$flag_exposure",
  feature: "checkout",
  identity: "",
  timestamp: start,
  value: "",
  metadata: "{}",
  id: ""
}

export const exposure = (identity: string, variant: string, more: Partial<EventRow> = {}): EventRow => ({
  ...row,
  identity,
  value: variant,
  ...more
})

export const event = (identity: string, name: string, value = "", more: Partial<EventRow> = {}): EventRow => ({
  ...row,
  event: name,
  feature: "",
  identity,
  value,
  timestamp: end - day,
  ...more
})

/** `n` identities exposed to a variant, of which the first `buyers` buy once, for `price(i)`. */
export const arm = (
  variant: string,
  n: number,
  buyers = 0,
  price: (i: number) => number = () => 10
): ReadonlyArray<EventRow> =>
  Array.from({ length: n }, (_, i) => i).flatMap((i) => [
    exposure(`${variant} ${i}`, variant),
    ...(i < buyers ? [event(`${variant} ${i}`, "purchase", String(price(i)))] : [])
  ])

/** Replaces what the table holds. */
export const load = Effect.fn("test.load")(function*(rows: ReadonlyArray<EventRow>, into = table) {
  yield* createEventTable(into)
  yield* insertEvents(into, rows)
})

/** The summary of a recompute over these rows, with a store of its own. */
export const summaryOf = (
  rows: ReadonlyArray<EventRow>,
  experiment: Partial<Experiment> = {},
  context: Partial<RecomputeContext> = {}
) =>
  load(rows).pipe(
    Effect.andThen(recompute(jobOf(experiment), contextOf(context))),
    Effect.map(({ summary }) => summary),
    Effect.provide(Store.layerMemory)
  )

/** The counts of a summary's findings by their code, and metric where they have one. */
export const counts = (summary: ResultsSummary): Readonly<Record<string, number | undefined>> =>
  Object.fromEntries(
    summary.findings.map(({ code, count: found, metric_id }) => [
      metric_id === undefined ? code : `${code} ${metric_id}`,
      found
    ])
  )

/** A statement without parameters. */
export const plain = (text: string) => ({ text, parameters: {}, settings: {} })

/** How many queries the engine runs at this moment, this one not counted. */
export const running = Warehouse.use((warehouse) =>
  warehouse.query(plain("SELECT toFloat64(count() - 1) AS n FROM system.processes"))
).pipe(Effect.map(({ rows }) => rows[0]!["n"]))
