/** One recompute against the plain statement and the floor. */
import { compile, plan } from "@assay/aggregation"
import { sum } from "@assay/aggregation-sum"
import { defaultEventMapping, type EventMapping, type Metric, type Statement } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect, Result } from "effect"
import { days, makeEvents, type Size, start } from "./data.ts"
import { measure, type Measured, median, table } from "./measure.ts"

const metricKeys = (n: number): ReadonlyArray<string> => Array.from({ length: n }, (_, i) => `m${i}`)

const end = new Date(Date.parse(start) + days * 86_400_000).toISOString()

/** Assay's own statement for `n` sum metrics under a deduplication policy, for the tables of a mapping. */
export const assayStatement = (
  n: number,
  policy: EventMapping["deduplication"]["policy"],
  mapping: Partial<EventMapping> = {}
): Statement => {
  const metrics = new Map(
    metricKeys(n).map((key): [string, Metric] => [
      key,
      { key, aggregation: "sum", event: key, direction: "up" }
    ])
  )
  const [first, ...rest] = metricKeys(n).map((metric) => ({ metric, role: "goal" as const }))
  const planned = plan({
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
    metrics,
    mapping: { ...defaultEventMapping, ...mapping, deduplication: { policy } },
    aggregations: new Map([[sum.name, sum]]),
    asOf: Date.parse(end)
  })
  if (Result.isFailure(planned)) throw planned.failure
  return compile(planned.success)
}

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

/** Runs the shapes in turn, `rounds` times, and gives a table of medians and ratios. */
export const metricsBenchmark = Effect.fn("bench.metrics")(function*(size: Size, rounds: number) {
  yield* makeEvents(size)
  const shapes: Readonly<Record<string, Statement>> = {
    plain: plainStatement(size.metrics),
    floor: floorStatement(size.metrics),
    "assay, dedup none": assayStatement(size.metrics, "none"),
    "assay, dedup row": assayStatement(size.metrics, "row")
  }
  const runs = new Map<string, Array<Measured>>(Object.keys(shapes).map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, statement] of Object.entries(shapes)) {
      const { query } = yield* Warehouse
      const measured = yield* measure(query(statement))
      // The first round warms the caches up and isn't counted.
      if (round > 0) runs.get(name)!.push(measured)
    }
  }
  const of = (name: string) => runs.get(name)!
  const wall = (name: string) => median(of(name).map((run) => run.wallMs))
  const cpu = (name: string) => median(of(name).map((run) => run.cpuMs))
  return `${size.metrics} sum metrics, ${size.events.toLocaleString("en-US")} events, ` +
    `${size.identities.toLocaleString("en-US")} identities, ${rounds} interleaved rounds\n` + table(
      ["shape", "wall s", "CPU s", "x faster than plain (wall)", "(CPU)", "x floor (wall)", "(CPU)"],
      Object.keys(shapes).map((name) => [
        name,
        (wall(name) / 1000).toFixed(2),
        (cpu(name) / 1000).toFixed(2),
        (wall("plain") / wall(name)).toFixed(2),
        (cpu("plain") / cpu(name)).toFixed(2),
        (wall(name) / wall("floor")).toFixed(2),
        (cpu(name) / cpu("floor")).toFixed(2)
      ])
    )
})
