/**
 * A notebook in the form of a script: each step prints what it found. Run it with
 * `node --conditions=@assay/source examples/notebook/src/index.ts`.
 */
import { mean } from "@assay/aggregation-mean"
import { occurrence } from "@assay/aggregation-occurrence"
import { defaultEventMapping, Experiment, Metric, Moments } from "@assay/model"
import { recompute } from "@assay/pipeline"
import { scorecard } from "@assay/report"
import { checkSampleRatio } from "@assay/srm"
import { compareToControl, engines, proportionBaseline, sampleSize } from "@assay/stats"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { Effect, Layer, Schema } from "effect"

const step = (title: string): void => console.log(`\n## ${title}\n`)

const program = Effect.gen(function*() {
  const warehouse = yield* Warehouse
  const run = (text: string) => warehouse.command({ text, parameters: {}, settings: {} })

  step("1. Events: made up here, in your ClickHouse elsewhere")
  yield* run(`CREATE TABLE events (
    environment_key String, event String, feature_name String, identifier String, timestamp DateTime64(3, 'UTC'), value String,
    traits String, metadata String
  ) ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY timestamp`)
  yield* run(`INSERT INTO events
    SELECT 'production', event.1, 'search', toString(number), toDateTime64('2026-02-02', 3, 'UTC') + toIntervalSecond(event.2 + number * 60), event.3, '{}', '{}'
    FROM numbers(20000)
    ARRAY JOIN arrayFilter(event -> event.4, [
      ('$flag_exposure', 0, if(cityHash64(number) % 2 = 0, 'control', 'semantic'), true),
      ('click', 30, '', cityHash64('click', number) % 1000 < 310 + 25 * (cityHash64(number) % 2)),
      ('latency', 1, toString(40 + cityHash64('ms', number) % 300), true)
    ]) AS event`)
  const { rows } = yield* warehouse.query({
    text: "SELECT event, toUInt32(count()) AS n FROM events GROUP BY event ORDER BY event",
    parameters: {},
    settings: {}
  })
  for (const { event, n } of rows) console.log(`${String(event)}: ${String(n)}`)

  step("2. An experiment, computed in one statement")
  const experiment = yield* Schema.decodeUnknownEffect(Experiment)({
    key: "semantic_search",
    environment: "production",
    feature: "search",
    started_at: "2026-02-02",
    ended_at: "2026-02-16",
    control: "control",
    variants: [{ key: "control", share: 1 }, { key: "semantic", share: 1 }],
    metrics: [{ metric: "clicked", role: "goal" }, { metric: "latency", role: "guardrail" }]
  })
  const metrics = yield* Schema.decodeUnknownEffect(Schema.Array(Metric))([
    { key: "clicked", aggregation: "occurrence", event: "click", direction: "up" },
    { key: "latency", aggregation: "mean", event: "latency", direction: "down" }
  ])
  const { summary } = yield* recompute({ experiment, definitionHash: "notebook" }, {
    metrics: new Map(metrics.map((metric) => [metric.key, metric])),
    mapping: defaultEventMapping,
    aggregations: new Map([[occurrence.name, occurrence], [mean.name, mean]]),
    engine: engines.bayesian,
    confidence: 0.95,
    asOf: Date.UTC(2026, 1, 17),
    version: "notebook",
    warehouseVersion: yield* warehouse.version()
  })
  console.log(scorecard(summary, { width: 80, color: false }))

  step("3. The same moments, read by other engines: no query is needed")
  const { variants } = summary.metrics[0]!
  const [control, treatment] = [variants["control"]!, variants["semantic"]!].map(({ n, sum, sum_squares }) =>
    Moments.fromSums(n, sum, sum_squares)
  )
  for (const engine of [engines.bayesian, engines.frequentist, engines.sequential]) {
    const comparison = compareToControl(engine, {
      control: control!,
      treatment: treatment!,
      estimand: { kind: "proportion" },
      direction: "up",
      confidence: 0.95
    })
    if (comparison.status === "withheld") continue
    const percent = (x: number): string => `${(100 * x).toFixed(1)} %`
    console.log(
      `${engine.name}: ${percent(comparison.lift)} (${percent(comparison.ci_low)} to ${percent(comparison.ci_high)})`
    )
  }

  step("4. Were the arms as large as they should be?")
  const { result } = checkSampleRatio({
    variants: summary.variants.map(({ key, n }) => ({ key, n, share: 1 }))
  })
  console.log(`${result.status}, p = ${result.p_value?.toPrecision(3)}`)

  step("5. How many identities would it take to find half of this effect?")
  const size = sampleSize(
    { baseline: proportionBaseline(Moments.mean(control!)), confidence: 0.95 },
    { value: 0.04, on: "relative" },
    0.8
  )
  console.log(`${size?.n.toLocaleString("en-US")} in both arms, for a lift of 4 % with a power of 80 %`)
})

await Effect.runPromise(program.pipe(Effect.provide(Layer.merge(Warehouse.layerEmbedded(), Store.layerMemory))))
