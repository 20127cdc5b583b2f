/** One recompute against the plain statement and the floor. */
import {
  compile,
  compileMerged,
  compileSliceValues,
  decodeSliceValues,
  type Plan,
  plan,
  type PlanInput,
  strategyOf,
  withSliceValues
} from "@assay/aggregation"
import { funnel } from "@assay/aggregation-funnel"
import { sum } from "@assay/aggregation-sum"
import { unique } from "@assay/aggregation-unique"
import { defaultEventMapping, type EventMapping, type Experiment, type Metric, type Statement } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect, Result } from "effect"
import { days, makeEvents, type Size, start } from "./data.ts"
import { measure, type Measured, median, table } from "./measure.ts"

/** The names of the events that {@link makeEvents} makes, each of which has a metric. */
export const metricKeys = (n: number): ReadonlyArray<string> => Array.from({ length: n }, (_, i) => `m${i}`)

const end = new Date(Date.parse(start) + days * 86_400_000).toISOString()

/** An experiment with these sum metrics, and their definitions. */
export const sumExperiment = (
  keys: ReadonlyArray<string>
): { readonly experiment: Experiment; readonly metrics: ReadonlyMap<string, Metric> } => {
  const [first, ...rest] = keys.map((metric) => ({ metric, role: "goal" as const }))
  return {
    experiment: {
      key: "bench",
      environment: "prod",
      feature: "feature",
      started_at: start,
      ended_at: end,
      control: "control",
      variants: [{ key: "control", share: 1 }, { key: "treatment", share: 1 }],
      metrics: [first!, ...rest]
    },
    metrics: new Map(
      keys.map((key): [string, Metric] => [key, { key, aggregation: "sum", event: key, direction: "up" }])
    )
  }
}

/** The plan of sum metrics under a deduplication policy, for the tables of a mapping, in parts where they are asked for, with others beside. */
export const sumPlan = (
  keys: ReadonlyArray<string>,
  policy: EventMapping["deduplication"]["policy"],
  mapping: Partial<EventMapping> = {},
  parts: Pick<PlanInput, "series" | "slices"> = {},
  others: ReadonlyArray<Metric> = []
): Plan => {
  const { experiment, metrics } = sumExperiment(keys)
  const planned = plan({
    ...parts,
    experiment: {
      ...experiment,
      metrics: [...experiment.metrics, ...others.map(({ key }) => ({ metric: key, role: "goal" as const }))]
    },
    metrics: new Map([...metrics, ...others.map((one) => [one.key, one] as const)]),
    mapping: { ...defaultEventMapping, ...mapping, deduplication: { policy } },
    aggregations: new Map([sum, unique, funnel].map((one) => [one.name, one])),
    asOf: Date.parse(end)
  })
  if (Result.isFailure(planned)) throw planned.failure
  return planned.success
}

/** Metrics that aren't sums over single events. */
export const unlikeSums: ReadonlyArray<Metric> = [
  { key: "distinct", aggregation: "unique", event: "m0", direction: "up" },
  {
    key: "steps",
    aggregation: "funnel",
    sources: { steps: [{ event: "m0" }, { event: "m1" }, { event: "m2" }] },
    direction: "up"
  }
]

/** Assay's own statement for `n` sum metrics under a deduplication policy, for the tables of a mapping. */
export const assayStatement = (
  n: number,
  policy: EventMapping["deduplication"]["policy"],
  mapping: Partial<EventMapping> = {}
): Statement => compile(sumPlan(metricKeys(n), policy, mapping))

const window = `environment_key = 'prod' AND timestamp >= toDateTime64('${start}', 3, 'UTC') ` +
  `AND timestamp < toDateTime64('${end.slice(0, 10)}', 3, 'UTC')`

const plain = (text: string): Statement => ({ text, parameters: {}, settings: {} })

const moments = (n: number) => metricKeys(n).map((_, i) => `sum(s${i}), sum(s${i} * s${i})`).join(", ")

/** What anybody would write: exposures LEFT JOIN events, conditional aggregates, grouped by identity. */
const plainStatement = (n: number): Statement =>
  plain(`SELECT variant, count(), ${moments(n)} FROM (
    SELECT e.identifier, any(e.variant) AS variant, ${
    metricKeys(n).map((key, i) =>
      `sumIf(toFloat64OrZero(x.value), x.event = '${key}' AND x.timestamp >= e.first) AS s${i}`
    )
      .join(", ")
  }
    FROM (
      SELECT identifier, argMin(value, timestamp) AS variant, min(timestamp) AS first FROM events
      WHERE ${window} AND event = '$flag_exposure' AND feature_name = 'feature'
      GROUP BY identifier HAVING uniqExact(value) = 1
    ) AS e
    LEFT JOIN (
      SELECT identifier, event, timestamp, value FROM events
      WHERE ${window} AND event IN (${metricKeys(n).map((key) => `'${key}'`).join(", ")})
    ) AS x ON e.identifier = x.identifier
    GROUP BY e.identifier
  ) GROUP BY variant`)

/** The least that any statement must do: scan the events, parse, group by hashed identity into the columns. */
const floorStatement = (n: number): Statement =>
  plain(`SELECT count(), ${moments(n)} FROM (
    SELECT cityHash64(identifier) AS k, ${
    metricKeys(n).map((key, i) => `sumIf(toFloat64OrZero(value), event = '${key}') AS s${i}`).join(", ")
  }
    FROM events
    WHERE ${window} AND event IN (${metricKeys(n).map((key) => `'${key}'`).join(", ")})
    GROUP BY k
  )`)

/**
 * Runs shapes in turn, `rounds` times, and gives a table of medians, and of ratios to the `baselines` among them.
 */
export const compareShapes = Effect.fn("bench.compareShapes")(function*(
  title: string,
  shapes: Readonly<Record<string, ReadonlyArray<Statement>>>,
  baselines: ReadonlyArray<string>,
  rounds: number
) {
  const runs = new Map<string, Array<Measured>>(Object.keys(shapes).map((name) => [name, []]))
  const used = new Map<string, { readonly memory: number; readonly rows: number }>()
  const { query } = yield* Warehouse
  for (let round = 0; round <= rounds; round++) {
    for (const [name, statements] of Object.entries(shapes)) {
      let [memory, rows] = [0, 0]
      const measured = yield* measure(
        Effect.forEach(statements, (statement) =>
          Effect.map(query(statement), ({ statistics }) => {
            memory = Math.max(memory, statistics.peakMemoryBytes ?? 0)
            rows += statistics.rowsRead
          }))
      )
      used.set(name, { memory, rows })
      // The first round warms the caches up and isn't counted.
      if (round > 0) runs.get(name)!.push(measured)
    }
  }
  const wall = (name: string) => median(runs.get(name)!.map((run) => run.wallMs))
  const cpu = (name: string) => median(runs.get(name)!.map((run) => run.cpuMs))
  const names = Object.keys(shapes)
  return `${title}, ${rounds} interleaved rounds\n` + table(
    ["shape", "wall s", "CPU s", "rows read", "peak MB", ...baselines.map((one) => `CPU x ${one}`)],
    names.map((name) => [
      name,
      (wall(name) / 1000).toFixed(2),
      (cpu(name) / 1000).toFixed(2),
      used.get(name)!.rows.toLocaleString("en-US"),
      used.get(name)!.memory === 0 ? "-" : (used.get(name)!.memory / 1e6).toFixed(0),
      ...baselines.map((one) => (cpu(name) / cpu(one)).toFixed(2))
    ])
  )
})

const sized = ({ events, identities, metrics }: Size): string =>
  `${metrics} sum metrics, ${events.toLocaleString("en-US")} events, ${identities.toLocaleString("en-US")} identities`

/** One recompute against the plain statement, one query per metric, and the floor. */
export const metricsBenchmark = Effect.fn("bench.metrics")(function*(size: Size, rounds: number) {
  yield* makeEvents(size)
  const keys = metricKeys(size.metrics)
  const planned = sumPlan(keys, "none")
  return yield* compareShapes(
    `${sized(size)}; units are ${strategyOf(planned).long === undefined ? "wide" : "long"}`,
    {
      floor: [floorStatement(size.metrics)],
      plain: [plainStatement(size.metrics)],
      "one query per metric": keys.map((key) => compile(sumPlan([key], "none"))),
      "assay, all identities": [compileMerged([planned])],
      "assay, dedup none": [compile(planned)],
      "assay, dedup row": [compile(sumPlan(keys, "row"))]
    },
    ["floor", "plain"],
    rounds
  )
})

/**
 * Slices by 0, 1 and 5 dimensions of ten values each, with and without the series, against the totals; and the series beside metrics that aren't
 * sums over single events.
 */
export const partsBenchmark = Effect.fn("bench.parts")(function*(size: Size, rounds: number) {
  yield* makeEvents(size)
  const { query } = yield* Warehouse
  const shapes: Record<string, ReadonlyArray<Statement>> = {}
  for (const dimensions of [0, 1, 5]) {
    for (const series of [false, true]) {
      const slices = Array.from({ length: dimensions }, (_, i) => `traits.d${i}`)
      const planned = sumPlan(metricKeys(size.metrics), "none", {}, { series, slices })
      const asked = compileSliceValues(planned, 10)
      const valued = asked === undefined
        ? planned
        : withSliceValues(planned, yield* Effect.fromResult(decodeSliceValues(planned, (yield* query(asked)).rows)))
      shapes[`${dimensions} dimensions${series ? ", daily" : ""}`] = [compile(valued)]
    }
  }
  const totals = "0 dimensions, unique, funnel"
  for (const series of [false, true]) {
    shapes[`${totals}${series ? ", daily" : ""}`] = [
      compile(sumPlan(metricKeys(size.metrics), "none", {}, { series }, unlikeSums))
    ]
  }
  return yield* compareShapes(sized(size), shapes, ["0 dimensions", totals], rounds)
})
