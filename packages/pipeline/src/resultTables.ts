/** The tables that results are written to: their columns, their DDL, and a summary as their rows. Pure. */
import type { ResultsSummary } from "@assay/model"

/** The columns by name, each with its type and what it holds. */
type Columns = Readonly<Record<string, readonly [type: string, holds: string]>>

/** Every table has these: which run of which experiment, and the instant that its numbers describe. */
const keys: Columns = {
  run_id: ["String", "the run; the same in all tables"],
  experiment: ["LowCardinality(String)", "key of the experiment"],
  as_of: ["DateTime64(3, 'UTC')", "the instant that the numbers describe"]
}

const summaries: Columns = {
  ...keys,
  environment: ["LowCardinality(String)", ""],
  feature: ["String", ""],
  state: ["LowCardinality(String)", "running or ended"],
  window_from: ["DateTime64(3, 'UTC')", "events from here on count"],
  window_to: ["DateTime64(3, 'UTC')", "events before this count"],
  control: ["String", "key of the control"],
  identities: ["UInt64", "identities in arms"],
  quarantined: ["UInt64", "identities seen in several variants"],
  srm_status: ["LowCardinality(String)", "ok, mismatch or withheld"],
  srm_p_value: ["Nullable(Float64)", "of the sample-ratio check"],
  alarms: ["UInt32", "findings that make the results untrustworthy"],
  warnings: ["UInt32", "findings to look at"],
  verdicts: ["Map(String, String)", "a word per \"metric/treatment\""],
  decision: ["LowCardinality(String)", "ship, do not ship, keep running or do not trust; empty where there is none"],
  decision_variant: ["String", "the treatment to ship; empty where none is"],
  decision_reasons: ["Array(String)", "sentences, what decided first"],
  decision_design: ["LowCardinality(String)", "how it was read: fixed, group-sequential or always-valid"],
  decision_information: ["Nullable(Float64)", "part of the plan that is in; NULL without a planned end"],
  engine: ["LowCardinality(String)", ""],
  confidence: ["Float64", "level of the intervals"],
  assay_version: ["LowCardinality(String)", ""],
  warehouse_version: ["LowCardinality(String)", ""],
  rows_read: ["UInt64", ""],
  bytes_read: ["UInt64", ""],
  peak_memory_bytes: ["Nullable(UInt64)", ""],
  duration_ms: ["UInt64", "of the whole run"],
  computed_at: ["DateTime64(3, 'UTC')", ""],
  summary: ["String", "all of it, as JSON (assay.results/1)"]
}

const moments: Columns = {
  ...keys,
  metric: ["LowCardinality(String)", "key of the metric"],
  variant: ["LowCardinality(String)", "key of the arm"],
  aggregation: ["LowCardinality(String)", ""],
  estimand: ["LowCardinality(String)", "proportion, mean, ratio or quantile"],
  n: ["UInt64", "identities"],
  sum: ["Float64", "over identities"],
  sum_squares: ["Float64", ""],
  mean: ["Float64", ""],
  variance: ["Float64", ""],
  denominator_sum: ["Nullable(Float64)", "of a ratio"],
  denominator_sum_squares: ["Nullable(Float64)", ""],
  sum_products: ["Nullable(Float64)", ""]
}

const inference: Columns = {
  ...keys,
  metric: ["LowCardinality(String)", "key of the metric"],
  treatment: ["LowCardinality(String)", "key of the arm that is compared to control"],
  role: ["LowCardinality(String)", "goal, secondary or guardrail"],
  direction: ["LowCardinality(String)", "up, down or informational"],
  verdict: ["LowCardinality(String)", ""],
  lift: ["Nullable(Float64)", "relative; NULL where the inference is withheld"],
  ci_low: ["Nullable(Float64)", "of the lift"],
  ci_high: ["Nullable(Float64)", ""],
  chance_to_win: ["Nullable(Float64)", ""],
  difference: ["Nullable(Float64)", "absolute"],
  difference_ci_low: ["Nullable(Float64)", ""],
  difference_ci_high: ["Nullable(Float64)", ""],
  standard_error: ["Nullable(Float64)", "of the difference"],
  p_value: ["Nullable(Float64)", ""],
  withheld_reason: ["LowCardinality(String)", "empty where there is an inference"],
  withheld_have: ["Nullable(Float64)", ""],
  withheld_need: ["Nullable(Float64)", ""],
  decision: ["LowCardinality(String)", "about the treatment, by all metrics; empty where there is none"],
  decision_reasons: ["Array(String)", "those about this metric, as sentences"],
  adjusted_p_value: ["Nullable(Float64)", "after correction for many comparisons, by the test that decides"],
  adjusted_ci_low: ["Nullable(Float64)", "of the lift, to fit the adjusted p-value"],
  adjusted_ci_high: ["Nullable(Float64)", ""],
  adjusted_method: ["LowCardinality(String)", "such as holm; empty where nothing is corrected"],
  adjusted_comparisons: ["UInt32", "that were corrected for"],
  log_e_value: ["Nullable(Float64)", "natural logarithm of the e-value, where the test yields one"],
  shrunk_lift: ["Nullable(Float64)", "the lift shrunk against the winner's curse"],
  margin_holds: ["Nullable(Bool)", "NULL for a metric without a margin"],
  variance_reduction: ["Nullable(Float64)", "part of the variance that the covariate took away; NULL without one"]
}

const series: Columns = {
  ...keys,
  period: ["LowCardinality(String)", "day or hour"],
  until: ["DateTime64(3, 'UTC')", "end of the period; the numbers are cumulative up to it"],
  metric: ["LowCardinality(String)", "key of the metric"],
  variant: ["LowCardinality(String)", "key of the arm"],
  identities: ["UInt64", "in this arm by then"],
  srm_p_value: ["Nullable(Float64)", "of the sample-ratio check at this point"],
  n: ["UInt64", "identities that the metric counts by then"],
  sum: ["Float64", "over identities"],
  mean: ["Float64", ""],
  variance: ["Float64", ""],
  lift: ["Nullable(Float64)", "over the control; NULL for it, and where the inference is withheld"],
  ci_low: ["Nullable(Float64)", "of the lift"],
  ci_high: ["Nullable(Float64)", ""],
  chance_to_win: ["Nullable(Float64)", ""]
}

/** A table that results go to. */
export interface ResultTable {
  readonly name: string
  readonly columns: Columns
  readonly orderBy: ReadonlyArray<string>
}

/** In the order in which they are written: a run that is in the last one is whole. */
export const resultTables: ReadonlyArray<ResultTable> = [
  { name: "assay_moments", columns: moments, orderBy: ["experiment", "metric", "variant", "as_of"] },
  { name: "assay_inference", columns: inference, orderBy: ["experiment", "metric", "treatment", "as_of"] },
  { name: "assay_series", columns: series, orderBy: ["experiment", "metric", "variant", "as_of", "until"] },
  { name: "assay_summaries", columns: summaries, orderBy: ["experiment", "as_of"] }
]

const quoted = (name: string): string => `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``

/** A table's name for a statement, in the database where one is given, else in that of the connection. */
export const resultTableName = (table: ResultTable, database: string | undefined): string =>
  [database, table.name].filter((part) => part !== undefined).map(quoted).join(".")

const columnDdl = (name: string, [type, holds]: Columns[string]): string =>
  `${name} ${type}${holds === "" ? "" : ` COMMENT '${holds.replaceAll("'", "\\'")}'`}`

/**
 * The statement that makes a table where it isn't there. Only ever added to; the table remembers the last 10,000 inserts, so
 * that the same run written twice is there once.
 */
export const resultTableDdl = (table: ResultTable, database: string | undefined): string => {
  const columns = Object.entries(table.columns).map(([name, column]) => `  ${columnDdl(name, column)}`)
  return `CREATE TABLE IF NOT EXISTS ${resultTableName(table, database)} (\n${
    columns.join(",\n")
  }\n) ENGINE = MergeTree\n` +
    `PARTITION BY toYYYYMM(as_of)\nORDER BY (${table.orderBy.join(", ")})\n` +
    "SETTINGS non_replicated_deduplication_window = 10000"
}

/** The statement that brings a table of an earlier version to this one: columns that aren't there are added. */
export const resultTableUpgrade = (
  table: ResultTable,
  missing: ReadonlyArray<string>,
  database: string | undefined
): string =>
  `ALTER TABLE ${resultTableName(table, database)} ${
    missing.map((name) => `ADD COLUMN IF NOT EXISTS ${columnDdl(name, table.columns[name]!)}`).join(", ")
  }`

/** A row: a value for each column of its table. */
export type ResultRow = Readonly<Record<string, unknown>>

/** Instants as ClickHouse reads them without being told to guess. */
const instant = (text: string): string => text.replace("T", " ").replace(/Z$/, "")

/** The rows of a summary by the name of their table. */
export const resultRows = (summary: ResultsSummary): Readonly<Record<string, ReadonlyArray<ResultRow>>> => {
  const { findings, metrics, provenance } = summary
  const own = { run_id: provenance.run_id, experiment: summary.experiment, as_of: instant(summary.as_of) }
  const count = (severity: string) => findings.filter((finding) => finding.severity === severity).length
  return {
    assay_moments: metrics.flatMap((metric) =>
      Object.entries(metric.variants).map(([variant, arm]) => ({
        ...own,
        metric: metric.metric_id,
        variant,
        aggregation: metric.aggregation,
        estimand: metric.estimand,
        n: arm.n,
        sum: arm.sum,
        sum_squares: arm.sum_squares,
        mean: arm.mean,
        variance: arm.variance,
        denominator_sum: arm.denominator_sum ?? null,
        denominator_sum_squares: arm.denominator_sum_squares ?? null,
        sum_products: arm.sum_products ?? null
      }))
    ),
    assay_inference: metrics.flatMap((metric) =>
      Object.entries(metric.inference).map(([treatment, found]) => {
        const withheld = metric.withheld[treatment]
        const about = summary.decision?.treatments.find(({ variant }) => variant === treatment)
        return {
          ...own,
          metric: metric.metric_id,
          treatment,
          role: metric.role,
          direction: metric.direction,
          verdict: metric.verdict[treatment] ?? "",
          lift: found?.lift ?? null,
          ci_low: found?.ci_low ?? null,
          ci_high: found?.ci_high ?? null,
          chance_to_win: found?.chance_to_win ?? null,
          difference: found?.difference ?? null,
          difference_ci_low: found?.difference_ci_low ?? null,
          difference_ci_high: found?.difference_ci_high ?? null,
          standard_error: found?.standard_error ?? null,
          p_value: found?.p_value ?? null,
          withheld_reason: withheld?.reason ?? "",
          withheld_have: withheld?.have ?? null,
          withheld_need: withheld?.need ?? null,
          decision: about?.decision ?? "",
          decision_reasons: (about?.reasons ?? []).filter(({ metric_id }) => metric_id === metric.metric_id)
            .map(({ sentence }) => sentence),
          adjusted_p_value: found?.adjusted?.p_value ?? null,
          adjusted_ci_low: found?.adjusted?.ci_low ?? null,
          adjusted_ci_high: found?.adjusted?.ci_high ?? null,
          adjusted_method: found?.adjusted?.method ?? "",
          adjusted_comparisons: found?.adjusted?.comparisons ?? 0,
          log_e_value: found?.log_e ?? null,
          shrunk_lift: found?.shrunk_lift ?? null,
          margin_holds: found?.margin?.holds ?? null,
          variance_reduction: found?.adjustment?.variance_reduction ?? null
        }
      })
    ),
    assay_series: (summary.series?.points ?? []).flatMap((point) =>
      point.metrics.flatMap((metric) =>
        Object.entries(metric.variants).map(([variant, arm]) => {
          const found = metric.inference[variant]
          return {
            ...own,
            period: summary.series!.period,
            until: instant(point.until),
            metric: metric.metric_id,
            variant,
            identities: point.identities[variant] ?? 0,
            srm_p_value: point.srm_p_value,
            n: arm.n,
            sum: arm.sum,
            mean: arm.mean,
            variance: arm.variance,
            lift: found?.lift ?? null,
            ci_low: found?.ci_low ?? null,
            ci_high: found?.ci_high ?? null,
            chance_to_win: found?.chance_to_win ?? null
          }
        })
      )
    ),
    assay_summaries: [{
      ...own,
      environment: summary.environment,
      feature: summary.feature,
      state: summary.state,
      window_from: instant(summary.window.from),
      window_to: instant(summary.window.to),
      control: summary.control,
      identities: summary.variants.reduce((total, { n }) => total + n, 0),
      quarantined: summary.quarantined,
      srm_status: summary.srm.status,
      srm_p_value: summary.srm_p_value,
      alarms: count("alarm"),
      warnings: count("warning"),
      verdicts: Object.fromEntries(
        metrics.flatMap((metric) =>
          Object.entries(metric.verdict).map(([treatment, word]) => [`${metric.metric_id}/${treatment}`, word])
        )
      ),
      decision: summary.decision?.decision ?? "",
      decision_variant: summary.decision?.variant ?? "",
      decision_reasons: (summary.decision?.reasons ?? []).map(({ sentence }) => sentence),
      decision_design: summary.decision?.plan.design ?? "",
      decision_information: summary.decision?.plan.information ?? null,
      engine: summary.engine.name,
      confidence: summary.engine.confidence,
      assay_version: provenance.assay_version,
      warehouse_version: provenance.warehouse_version,
      rows_read: provenance.rows_read,
      bytes_read: provenance.bytes_read,
      peak_memory_bytes: provenance.peak_memory_bytes ?? null,
      duration_ms: Math.round(provenance.duration_ms),
      computed_at: instant(provenance.computed_at),
      summary: JSON.stringify(summary)
    }]
  }
}
