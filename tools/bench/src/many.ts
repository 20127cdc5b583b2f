/** Many small experiments over one table: apart and with shared reads, at several concurrencies. */
import { occurrence } from "@assay/aggregation-occurrence"
import { sum } from "@assay/aggregation-sum"
import {
  defaultEventMapping,
  type Experiment,
  Instant,
  type Metric,
  type ResultsSummary,
  type Statement
} from "@assay/model"
import { type Job, recomputeAll, type RecomputeContext } from "@assay/pipeline"
import { engines } from "@assay/stats"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { join } from "node:path"
import { measure, type Measured, median, table } from "./measure.ts"

/** How much: experiments, metrics of each, metric events in the table. */
export interface ManySize {
  readonly experiments: number
  readonly metrics: number
  readonly events: number
}

/** Milliseconds of a day. */
export const day = 86_400_000
/** When the first experiments begin, milliseconds since 1970-01-01 UTC. */
export const start = Date.UTC(2026, 0, 1)

/** Days that the table's events lie in. */
export const days = 28

/** Identities that have events, as a part of these. */
const identitiesOf = ({ events }: ManySize): number => Math.ceil(events / 10)

/** Names of events, each of which has four metrics. */
const names = 40

/** Whether and how much, over the whole window and within three days. */
const kinds: ReadonlyArray<Pick<Metric, "aggregation" | "window">> = [
  { aggregation: occurrence.name },
  { aggregation: sum.name },
  { aggregation: occurrence.name, window: "3d" },
  { aggregation: sum.name, window: "3d" }
]

/** Metrics to choose from: each kind of each name. */
export const catalogue: ReadonlyMap<string, Metric> = new Map(
  Array.from({ length: names * kinds.length }, (_, i): [string, Metric] => {
    const key = `metric ${i}`
    return [key, { key, event: `m${Math.floor(i / kinds.length)}`, direction: "up", ...kinds[i % kinds.length]! }]
  })
)

/** Identities of an experiment: of twenty, fourteen have 500, five have 2,000, one has 20,000. */
const sizeOf = (i: number): number => i % 20 === 0 ? 20_000 : i % 20 < 6 ? 2000 : 500

/** A start within a week, one to four weeks long, ten metrics of the catalogue or so. */
export const experimentOf = (i: number, metrics: number): Experiment => {
  const from = i % 7
  const [first, ...rest] = Array.from({ length: metrics }, (_, j) => ({
    metric: `metric ${(i * 7 + j * 11) % catalogue.size}`,
    role: "secondary" as const
  }))
  return {
    key: `experiment-${i}`,
    environment: "prod",
    feature: `feature-${i}`,
    started_at: Instant.fromMillis(start + from * day),
    ended_at: Instant.fromMillis(start + Math.min(days, from + 7 * (1 + i % 4)) * day),
    control: "control",
    variants: [{ key: "control", share: 1 }, { key: "treatment", share: 1 }],
    metrics: [{ ...first!, role: "goal" }, ...rest]
  }
}

/** A statement without settings of its own. */
export const plain = (text: string, parameters: Statement["parameters"] = {}): Statement => ({
  text,
  parameters,
  settings: {}
})

/** Fills the table `events`: exposures of all experiments, and events of all names. */
export const makeEvents = Effect.fn("bench.makeManyEvents")(function*(size: ManySize) {
  const { command } = yield* Warehouse
  yield* command(plain("DROP TABLE IF EXISTS events"))
  yield* command(plain(`CREATE TABLE events (
    environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
    identifier String, timestamp DateTime64(3, 'UTC'), value String, traits String, metadata String,
    collected_at DateTime64(3, 'UTC')
  ) ENGINE = MergeTree PARTITION BY toYYYYMM(timestamp) ORDER BY (environment_key, event, timestamp)`))
  const features = Array.from({ length: size.experiments }, (_, i) => i)
  yield* command(plain(
    `INSERT INTO events SELECT 'prod', '$flag_exposure', concat('feature-', toString(feature)),
      concat('user-', toString(cityHash64(number, feature, 'who') % {identities:UInt64})),
      toDateTime64('2026-01-01', 3, 'UTC') + toIntervalMillisecond(cityHash64(number, feature) % (14 * ${day})) AS at,
      if(cityHash64(number, feature, 'arm') % 2 = 0, 'control', 'treatment'), '{}', '{}', at
    FROM (
      SELECT feature, arrayJoin(range(size)) AS number
      FROM (SELECT arrayJoin(arrayZip({features:Array(UInt64)}, {sizes:Array(UInt64)})) AS one, one.1 AS feature, one.2 AS size)
    )`,
    { identities: identitiesOf(size), features, sizes: features.map(sizeOf) }
  ))
  yield* command(plain(
    `INSERT INTO events SELECT 'prod', concat('m', toString(number % ${names})), '',
      concat('user-', toString(cityHash64(number, 'who') % {identities:UInt64})),
      toDateTime64('2026-01-01', 3, 'UTC') + toIntervalMillisecond(cityHash64(number, 'when') % (${days} * ${day})) AS at,
      toString(cityHash64(number, 'value') % 10000 / 100), '', '{}', at
    FROM numbers({events:UInt64})`,
    { events: size.events, identities: identitiesOf(size) }
  ))
})

/** What a run took. */
interface Run extends Measured {
  readonly rows: number
  readonly statements: number
  readonly memory: number
}

const countsOf = (summaries: ReadonlyArray<ResultsSummary>): string =>
  JSON.stringify(
    summaries.map(({ experiment, metrics, variants }) => [
      experiment,
      variants.map(({ n }) => n),
      metrics.map((metric) =>
        Object.values(metric.variants).map(({ n, sum: total }) => [n, Number(total.toPrecision(9))])
      )
    ])
  )

/**
 * A table of medians: all experiments through the pipeline, as `assay recompute --all` does it, apart and with shared reads, at each concurrency.
 * Ends with an error where the two ways don't say the same. Results are kept in `folder`.
 */
export const manyBenchmark = Effect.fn("bench.many")(
  function*(size: ManySize, rounds: number, concurrencies: ReadonlyArray<number>, folder: string) {
    yield* makeEvents(size)
    const warehouse = yield* Warehouse
    const jobs = Array.from({ length: size.experiments }, (_, i): Job => ({
      experiment: experimentOf(i, size.metrics),
      definitionHash: String(i)
    }))
    const context: RecomputeContext = {
      metrics: catalogue,
      mapping: defaultEventMapping,
      aggregations: new Map([occurrence, sum].map((one) => [one.name, one])),
      engine: engines.bayesian,
      confidence: 0.95,
      asOf: start + (days + 1) * day,
      version: "bench",
      warehouseVersion: yield* warehouse.version()
    }
    let counts: string | undefined
    const once = (concurrency: number, sharedReads: boolean, round: number) =>
      Effect.gen(function*() {
        let used = { rows: 0, statements: 0, memory: 0 }
        const measured = yield* measure(
          Effect.gen(function*() {
            const { failed, reads, results } = yield* recomputeAll(jobs, { ...context, sharedReads }, concurrency)
            if (failed.length > 0) return yield* failed[0]!.error
            const summaries = results.map(({ summary }) => summary)
            const all = summaries.map(({ provenance }) => provenance)
            const alone = all.filter(({ shared_read }) => shared_read === undefined).length
            used = {
              rows: all.reduce((total, { rows_read }) => total + rows_read, 0),
              statements: reads.length + alone,
              memory: Math.max(0, ...all.map(({ peak_memory_bytes }) => peak_memory_bytes ?? 0))
            }
            const said = countsOf(summaries)
            counts ??= said
            if (counts !== said) return yield* Effect.die(new Error("Shared reads say something else"))
          }).pipe(
            Effect.provide(Store.layerFiles(join(folder, `${concurrency}-${String(sharedReads)}-${round}`)))
          )
        )
        const run: Run = { ...measured, ...used }
        return run
      })
    const ways = concurrencies.flatMap((concurrency) =>
      [false, true].map((shared) => ({ concurrency, shared, runs: [] as Array<Run> }))
    )
    // So that what is read once isn't in the first run's time.
    yield* recomputeAll(jobs.slice(0, 4), context, 1).pipe(Effect.provide(Store.layerMemory))
    for (let round = 0; round < rounds; round++) {
      for (const way of ways) way.runs.push(yield* once(way.concurrency, way.shared, round))
    }
    const of = (runs: ReadonlyArray<Run>, what: (run: Run) => number) => median(runs.map(what))
    const base = ways.find(({ concurrency, shared }) => concurrency === 1 && !shared)?.runs ?? ways[0]!.runs
    return `${size.experiments} experiments of 500 to 20,000 identities, ${size.metrics} metrics each, ${
      size.events.toLocaleString("en-US")
    } events, medians of ${rounds}; times faster than one after another, apart\n` +
      table(
        ["reads", "concurrency", "wall s", "CPU s", "faster", "less CPU", "statements", "rows read", "peak MB"],
        ways.map(({ concurrency, runs, shared }) => [
          shared ? "shared" : "apart",
          String(concurrency),
          (of(runs, (run) => run.wallMs) / 1000).toFixed(1),
          (of(runs, (run) => run.cpuMs) / 1000).toFixed(1),
          (of(base, (run) => run.wallMs) / of(runs, (run) => run.wallMs)).toFixed(2),
          (of(base, (run) => run.cpuMs) / of(runs, (run) => run.cpuMs)).toFixed(2),
          String(runs[0]!.statements),
          runs[0]!.rows.toLocaleString("en-US"),
          runs[0]!.memory === 0 ? "-" : (runs[0]!.memory / 1e6).toFixed(0)
        ])
      )
  }
)
