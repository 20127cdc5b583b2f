/** Refreshes from a state against reading everything: after 1 %, 5 % and 20 % more events, and day after day. */
import { compile, type Plan, plan } from "@assay/aggregation"
import { sum } from "@assay/aggregation-sum"
import { defaultEventMapping, type EventMapping } from "@assay/model"
import { refresh, type StateContext } from "@assay/pipeline"
import { Warehouse } from "@assay/warehouse"
import { Effect, Result } from "effect"
import { days, makeEvents, type Size, start } from "./data.ts"
import { measure, type Measured, median, table } from "./measure.ts"
import { peak, resetPeak } from "./memory.ts"
import { metricKeys, sumExperiment } from "./metrics.ts"

const window = days * 86_400_000

/** The plan of `n` sum metrics of a running experiment, when a part of its window's events has come. */
const planAt = (n: number, policy: EventMapping["deduplication"]["policy"], share: number): Plan => {
  const { experiment: { ended_at: _, ...experiment }, metrics } = sumExperiment(metricKeys(n))
  const planned = plan({
    experiment: { ...experiment, key: `bench ${policy}` },
    metrics,
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

/** What a refresh, or a whole read, took: beside time the rows that were read, and by how much memory grew at most. */
interface Cost extends Measured {
  readonly rows: number
  readonly memory: number
}

/** Rows that the engine has read from tables since it was started. */
const rowsRead = Effect.gen(function*() {
  const { query } = yield* Warehouse
  const { rows: [row] } = yield* query({
    text: "SELECT sum(value) AS rows FROM system.events WHERE event = 'SelectedRows'",
    parameters: {},
    settings: {}
  })
  return Number(row?.["rows"])
})

const costOf = Effect.fn("bench.cost")(function*<A, E, R>(effect: Effect.Effect<A, E, R>) {
  const read = yield* rowsRead
  const before = resetPeak()
  const measured = yield* measure(effect)
  const memory = peak() - before
  return { ...measured, memory, rows: (yield* rowsRead) - read } satisfies Cost
})

const seconds = (runs: ReadonlyArray<Cost>, of: "wallMs" | "cpuMs") => median(runs.map((run) => run[of])) / 1000

const rowsOf = (runs: ReadonlyArray<Cost>) => Math.round(median(runs.map(({ rows }) => rows))).toLocaleString("en-US")

const megabytesOf = (runs: ReadonlyArray<Cost>) =>
  Math.round(Math.max(...runs.map(({ memory }) => memory)) / 1e6).toString()

/** Refreshes and whole reads of each policy in turn, each after so many more events. */
const growing = Effect.fn("bench.growing")(
  function*(size: Size, growth: number, rounds: number) {
    const { query } = yield* Warehouse
    const first = 0.995 / (1 + growth) ** rounds
    const runs = new Map(policies.map((policy) => [policy, { ours: new Array<Cost>(), whole: new Array<Cost>() }]))
    const built = new Map<string, Measured>()
    for (const policy of policies) {
      built.set(policy, yield* measure(refreshed({ rebuild: true }, planAt(size.metrics, policy, first))))
    }
    for (let round = 1; round <= rounds; round++) {
      for (const policy of policies) {
        const planned = planAt(size.metrics, policy, first * (1 + growth) ** round)
        runs.get(policy)!.ours.push(yield* costOf(refreshed({}, planned)))
        runs.get(policy)!.whole.push(yield* costOf(query(compile(planned))))
      }
    }
    const none = seconds(runs.get("none")!.ours, "cpuMs")
    return policies.map((policy) => {
      const { ours, whole } = runs.get(policy)!
      return [
        policy,
        `${100 * growth} %`,
        seconds(whole, "cpuMs").toFixed(2),
        seconds(ours, "cpuMs").toFixed(2),
        (seconds(whole, "cpuMs") / seconds(ours, "cpuMs")).toFixed(1),
        (seconds(whole, "wallMs") / seconds(ours, "wallMs")).toFixed(1),
        (seconds(ours, "cpuMs") / none).toFixed(2),
        rowsOf(whole),
        rowsOf(ours),
        megabytesOf(whole),
        megabytesOf(ours),
        (built.get(policy)!.cpuMs / 1000 / seconds(whole, "cpuMs")).toFixed(1)
      ]
    })
  }
)

/** How many refreshes the series has. */
const steps = 30

/** One refresh after the other, from the first events to the last. */
const series = Effect.fn("bench.series")(function*(size: Size) {
  yield* makeEvents(size)
  const runs: Array<Cost> = []
  for (let step = 1; step <= steps; step++) {
    runs.push(yield* costOf(refreshed(step === 1 ? { rebuild: true } : {}, planAt(size.metrics, "row", step / steps))))
  }
  return Array.from({ length: 6 }, (_, i) => {
    const some = runs.slice(5 * i, 5 * i + 5)
    return [
      `${5 * i + 1} to ${5 * i + 5}`,
      seconds(some, "wallMs").toFixed(2),
      seconds(some, "cpuMs").toFixed(2),
      Math.max(...some.map((run) => run.cpuMs / 1000)).toFixed(2),
      rowsOf(some),
      megabytesOf(some)
    ]
  })
})

const seriesHeader = ["refreshes", "median wall s", "median CPU s", "most CPU s", "rows read", "MB"]

/** The tables of both, as text. */
export const refreshBenchmark = Effect.fn("bench.refresh")(function*(size: Size, rounds: number) {
  yield* makeEvents(size)
  const rows: Array<ReadonlyArray<string>> = []
  for (const growth of growths) rows.push(...(yield* growing(size, growth, rounds)))
  const named = `${size.metrics} sum metrics, ${size.events.toLocaleString("en-US")} events, ` +
    `${size.identities.toLocaleString("en-US")} identities`
  const header = [
    "repeats",
    "more events",
    "whole CPU s",
    "refresh CPU s",
    "x faster (CPU)",
    "(wall)",
    "x none",
    "rows read: whole",
    "refresh",
    "MB: whole",
    "refresh",
    "first build (x whole)"
  ]
  return `${named}; medians of ${rounds}, most memory (by how much the process grew)\n` +
    table(header, rows) +
    `\n\n${steps} refreshes over the window, repeats by row, identities exposed in the first ten of ${days} days\n` +
    table(seriesHeader, yield* series(size)) +
    `\n\nThe same, all identities exposed in the first step\n` +
    table(seriesHeader, yield* series({ ...size, exposedDays: days / steps }))
})
