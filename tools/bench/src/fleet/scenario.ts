/** What a fleet of runners works on: many experiments of one shape, and a warehouse whose answers were recorded from a real one. */
import { compile, type Plan, plan, Shared } from "@assay/aggregation"
import { occurrence } from "@assay/aggregation-occurrence"
import { defaultEventMapping, type Experiment, Instant, type Metric, type Refresh } from "@assay/model"
import { mostTogether } from "@assay/pipeline"
import { engines } from "@assay/stats"
import { type QueryResult, Warehouse, type WarehouseShape } from "@assay/warehouse"
import type { Watched } from "@assay/watch"
import { Effect } from "effect"
import type { Stage } from "./Fleet.ts"

const purchased: Metric = { key: "purchased", aggregation: "occurrence", event: "purchase", direction: "up" }

const started = Date.UTC(2026, 0, 1)

const experimentOf = (key: string): Experiment => ({
  key,
  environment: "production",
  feature: "checkout",
  started_at: Instant.fromMillis(started),
  control: "control",
  variants: [{ key: "control", share: 1 }, { key: "treatment", share: 1 }],
  metrics: [{ metric: "purchased", role: "goal" }]
})

/** The i-th experiment's key. */
export const keyOf = (i: number): string => `experiment ${i}`

const context = {
  metrics: new Map([[purchased.key, purchased]]),
  mapping: defaultEventMapping,
  aggregations: new Map([[occurrence.name, occurrence]]),
  engine: engines.bayesian,
  confidence: 0.95,
  sharedReads: true,
  version: "fleet"
}

/** So many experiments, refreshed by one schedule. */
export const watchedOf = (experiments: number, refresh: Refresh): Watched => ({
  jobs: new Map(
    Array.from({ length: experiments }, (_, i) => [
      keyOf(i),
      { experiment: experimentOf(keyOf(i)), definitionHash: "fleet" }
    ])
  ),
  context,
  refresh
})

/** The same as files of a project whose store is `store`, by their paths: JSON is YAML, too. */
export const definitionsOf = (experiments: number, store: string): ReadonlyArray<readonly [string, string]> => [
  ["assay.config.mjs", `export default { store: { file: ${JSON.stringify(store)} } }\n`],
  ["metrics/purchased.yaml", JSON.stringify(purchased)],
  ...Array.from(
    { length: experiments },
    (_, i) => [`experiments/${i}.yaml`, JSON.stringify(experimentOf(keyOf(i)))] as const
  )
]

const table = `CREATE TABLE events (
  environment_key LowCardinality(String), event LowCardinality(String), feature_name LowCardinality(String),
  identifier String, timestamp DateTime64(3, 'UTC'), value String, traits String, metadata String
) ENGINE = MergeTree ORDER BY timestamp`

const rows = `INSERT INTO events
  SELECT 'production', event.1, 'checkout', toString(number), toDateTime64('2026-01-05', 3, 'UTC') + event.2, event.3, '', '{}'
  FROM numbers(400) ARRAY JOIN arrayFilter(event -> event.4, [
    ('$flag_exposure', 0, if(number % 2 = 0, 'control', 'treatment'), true), ('purchase', 60, '1', number % 10 IN (0, 1, 3))
  ]) AS event`

/** What the embedded engine answers to the statement of such an experiment, and to the one for many of them. */
export interface Recorded {
  readonly one: QueryResult
  readonly many: QueryResult
}

/** Asks it. */
export const recordAnswer: Effect.Effect<Recorded, unknown> = Effect.gen(function*() {
  const warehouse = yield* Warehouse
  for (const text of [table, rows]) yield* warehouse.command({ text, parameters: {}, settings: {} })
  const planned: Plan = yield* Effect.fromResult(
    plan({ ...context, experiment: experimentOf("one"), asOf: Date.UTC(2026, 1, 1) })
  )
  const shared = Shared.share(Array.from({ length: mostTogether }, () => planned))
  return {
    one: yield* warehouse.query(compile(planned)),
    many: yield* warehouse.query(Shared.compileShared(shared))
  }
}).pipe(Effect.provide(Warehouse.layerEmbedded()))

/** A number in [low, high), by chance. */
const between = (low: number, high: number): number => low + Math.random() * (high - low)

/**
 * A warehouse that takes `millis` (from, to) for a recorded answer. Its data never stay the same, so that each run makes a result; unless
 * `changing` is a share of the looks.
 */
export const replaying = (
  { many, one }: Recorded,
  millis: readonly [number, number],
  changing: number,
  onStage: (stage: Stage, experiment: string) => void
): WarehouseShape => {
  const changes = new Map<string, number>()
  return {
    query: (_, options = {}) =>
      Effect.gen(function*() {
        const { assay, experiment, experiments } = options.comment ?? {}
        const all = experiments?.split(", ") ?? [experiment ?? ""]
        const on = (stage: Stage) => all.forEach((each) => onStage(stage, each))
        if (assay === "fingerprint") {
          on("taken")
          yield* Effect.sleep(between(1, 10))
          // Those that are looked at together have the same data, as their feature and metric are the same.
          const of = all.length === 1 ? all[0]! : ""
          const seen = (changes.get(of) ?? 0) + (Math.random() < changing ? 1 : 0)
          changes.set(of, seen)
          const row = {
            assay_of: "events",
            assay_name: purchased.event,
            assay_from: String(started),
            assay_rows: String(1e6 * process.pid + seen),
            assay_latest: ""
          }
          return { rows: [row], statistics: one.statistics }
        }
        if (assay === "sizes") return { rows: [], statistics: one.statistics }
        on("asked")
        yield* Effect.sleep(between(...millis))
        on("answered")
        return all.length === 1
          ? one
          : { ...many, rows: many.rows.filter((row) => Number(row["experiment"]) <= all.length) }
      }),
    command: () => Effect.succeed(one.statistics),
    insert: () => Effect.void,
    estimate: () => Effect.succeed({ tables: [], rows: 0 }),
    admit: () => Effect.void,
    version: () => Effect.succeed("replayed"),
    ping: () => Effect.void
  }
}
