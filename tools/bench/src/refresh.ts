/** Refreshes from a state against reading everything: after 1 %, 5 % and 20 % more events, and day after day. */
import { compile, type Plan, plan } from "@assay/aggregation"
import { sum } from "@assay/aggregation-sum"
import { defaultEventMapping, type EventMapping, type Metric } from "@assay/model"
import { refresh, type StateContext } from "@assay/pipeline"
import { Warehouse } from "@assay/warehouse"
import { Effect, Result } from "effect"
import { days, makeEvents, type Size, start } from "./data.ts"
import { measure, type Measured, median, table } from "./measure.ts"

const window = days * 86_400_000

/** The plan of `n` sum metrics of a running experiment, when a part of its window's events has come. */
export const planAt = (n: number, policy: EventMapping["deduplication"]["policy"], share: number): Plan => {
  const keys = Array.from({ length: n }, (_, i) => `m${i}`)
  const [first, ...rest] = keys.map((metric) => ({ metric, role: "goal" as const }))
  const planned = plan({
    experiment: {
      key: "bench",
      environment: "prod",
      feature: "feature",
      started_at: start,
      control: "control",
      variants: [{ key: "control", share: 1 }, { key: "treatment", share: 1 }],
      metrics: [first!, ...rest]
    },
    metrics: new Map(
      keys.map((key): [string, Metric] => [key, { key, aggregation: "sum", event: key, direction: "up" }])
    ),
    mapping: {
      ...defaultEventMapping,
      columns: { ...defaultEventMapping.columns, ingested: "collected_at" },
      deduplication: { policy }
    },
    aggregations: new Map([[sum.name, sum]]),
    asOf: Date.parse(start) + Math.round(share * window)
  })
  if (Result.isFailure(planned)) throw planned.failure
  return planned.success
}

/** A refresh of the state to where a plan ends; a state that can't be used is an error. */
const refreshed = Effect.fn(function*(context: Omit<StateContext, "warehouse" | "lag">, planned: Plan) {
  const warehouse = yield* Warehouse
  const found = yield* refresh({ ...context, warehouse, lag: 0 }, planned, planned.to)
  return "answer" in found ? found : yield* Effect.die(new Error(found.reason))
})

/** By how much the events grow from one refresh to the next; the first share of them is chosen so that all refreshes fit. */
const growths = [0.01, 0.05, 0.2]

const policies = ["none", "row"] as const

const seconds = (runs: ReadonlyArray<Measured>, of: "wallMs" | "cpuMs") => median(runs.map((run) => run[of])) / 1000

/** Refreshes and whole reads in turn, each after so many more events. */
const growing = Effect.fn("bench.growing")(
  function*(size: Size, policy: (typeof policies)[number], growth: number, rounds: number) {
    const { query } = yield* Warehouse
    const first = 0.995 / (1 + growth) ** rounds
    const built = yield* measure(refreshed({ rebuild: true }, planAt(size.metrics, policy, first)))
    const [ours, whole]: [Array<Measured>, Array<Measured>] = [[], []]
    for (let round = 1; round <= rounds; round++) {
      const planned = planAt(size.metrics, policy, first * (1 + growth) ** round)
      ours.push(yield* measure(refreshed({}, planned)))
      whole.push(yield* measure(query(compile(planned))))
    }
    return [
      policy,
      `${100 * growth} %`,
      seconds(whole, "wallMs").toFixed(2),
      seconds(ours, "wallMs").toFixed(2),
      (seconds(whole, "wallMs") / seconds(ours, "wallMs")).toFixed(1),
      (seconds(whole, "cpuMs") / seconds(ours, "cpuMs")).toFixed(1),
      (built.wallMs / 1000 / seconds(whole, "wallMs")).toFixed(1)
    ]
  }
)

/** How many refreshes the series has. */
const steps = 30

/** One refresh after the other, from the first events to the last. */
const series = Effect.fn("bench.series")(function*(size: Size) {
  const runs: Array<Measured> = []
  for (let step = 1; step <= steps; step++) {
    runs.push(yield* measure(refreshed(step === 1 ? { rebuild: true } : {}, planAt(size.metrics, "row", step / steps))))
  }
  return Array.from({ length: 6 }, (_, i) => {
    const some = runs.slice(5 * i, 5 * i + 5)
    return [
      `${5 * i + 1} to ${5 * i + 5}`,
      seconds(some, "wallMs").toFixed(2),
      seconds(some, "cpuMs").toFixed(2),
      Math.max(...some.map((run) => run.wallMs / 1000)).toFixed(2)
    ]
  })
})

/** The tables of both, as text. */
export const refreshBenchmark = Effect.fn("bench.refresh")(function*(size: Size, rounds: number) {
  yield* makeEvents(size)
  const rows: Array<ReadonlyArray<string>> = []
  for (const policy of policies) {
    for (const growth of growths) rows.push(yield* growing(size, policy, growth, rounds))
  }
  return `${size.metrics} sum metrics, ${size.events.toLocaleString("en-US")} events, ` +
    `${size.identities.toLocaleString("en-US")} identities; medians of ${rounds}\n` +
    table(
      ["repeats", "more events", "whole s", "refresh s", "x faster (wall)", "(CPU)", "first build (x whole)"],
      rows
    ) +
    `\n\n${steps} refreshes over the window, repeats by row\n` +
    table(["refreshes", "median wall s", "median CPU s", "longest s"], yield* series(size))
})
