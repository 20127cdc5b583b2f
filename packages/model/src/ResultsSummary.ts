/**
 * The results of one experiment at one time, as they leave the program: `"schema": "assay.results/1"`.
 *
 * `srm_p_value` and `metrics[].{metric_id, variants, inference}` keep the form of the original system; everything else
 * stands in further keys.
 */
import { Schema } from "effect"
import { Decision } from "./Decision.ts"
import { Finding } from "./Finding.ts"
import { MetricResult, WireWithheld } from "./MetricResult.ts"
import { Series } from "./Series.ts"
import { Breakdown } from "./Slices.ts"

/** The form of a {@link ResultsSummary}, as its `schema` says it. */
export const schemaVersion = "assay.results/1"

/** An arm as it was planned and as it came out: identities in it, and its part of all identities in arms. */
export const VariantResult = Schema.Struct({
  key: Schema.String,
  n: Schema.Finite,
  share: Schema.NullOr(Schema.Finite),
  expected_share: Schema.NullOr(Schema.Finite)
})
export interface VariantResult extends Schema.Schema.Type<typeof VariantResult> {}

/**
 * The sample-ratio check in full; `p_value` equals `srm_p_value` and is null where `withheld` says why. `method` says how it was
 * found (`p_value_error` is the standard error of a Monte-Carlo one), `residuals` are the standardised ones per variant, and
 * `sequential` is the check that holds at every look (Lindon and Malek 2020).
 */
export const SrmResult = Schema.Struct({
  status: Schema.Literals(["ok", "mismatch", "withheld"]),
  p_value: Schema.NullOr(Schema.Finite),
  statistic: Schema.NullOr(Schema.Finite),
  degrees_of_freedom: Schema.Finite,
  alarm_below: Schema.Finite,
  method: Schema.optionalKey(Schema.Literals(["chi2", "exact", "monte-carlo"])),
  p_value_error: Schema.optionalKey(Schema.Finite),
  residuals: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
  sequential: Schema.optionalKey(Schema.Struct({ p_value: Schema.Finite, log_bayes_factor: Schema.Finite })),
  withheld: Schema.optionalKey(WireWithheld)
})
export interface SrmResult extends Schema.Schema.Type<typeof SrmResult> {}

/**
 * How an answer was come by where states are kept: from what was stored and what is new (`incremental`), by reading everything into a new
 * state (`rebuilt`), or without a state (`full`), for a `reason`. `ingested_until` is the time before which rows had to be stored to be in
 * it, `rows_added` how many rows of exposures and events were new.
 */
export const RefreshMode = Schema.Struct({
  mode: Schema.Literals(["incremental", "rebuilt", "full"]),
  reason: Schema.optionalKey(Schema.String),
  ingested_until: Schema.optionalKey(Schema.String),
  rows_added: Schema.optionalKey(Schema.Finite)
})
export interface RefreshMode extends Schema.Schema.Type<typeof RefreshMode> {}

/**
 * How an answer came to fit into the memory that there was: with parts of it on disk, or in so many parts of the identities. `runs` counts
 * the runs in a row that began and ended so, this one included; from time to time one begins with what takes more memory and less time.
 */
export const MemoryMode = Schema.Struct({
  by: Schema.Literals(["spill", "chunks"]),
  chunks: Schema.optionalKey(Schema.Finite),
  runs: Schema.optionalKey(Schema.Finite)
})
export interface MemoryMode extends Schema.Schema.Type<typeof MemoryMode> {}

/**
 * The statement that read so many experiments together, where the answer comes from one: what it read and took in all. The rows, bytes and
 * milliseconds beside it are an equal part of these, so that costs add up.
 */
export const SharedRead = Schema.Struct({
  experiments: Schema.Finite,
  rows_read: Schema.Finite,
  bytes_read: Schema.Finite,
  query_ms: Schema.Finite
})
export interface SharedRead extends Schema.Schema.Type<typeof SharedRead> {}

/**
 * What produced the numbers, so that they can be checked and reproduced, and what it cost. `peak_memory_bytes` is the most
 * memory that the query took on the server that answered; absent where ClickHouse doesn't say. `statement_hash` is that of the experiment's own
 * statement, also where it was read together with others.
 */
export const Provenance = Schema.Struct({
  run_id: Schema.String,
  assay_version: Schema.String,
  warehouse_version: Schema.String,
  aggregations: Schema.Record(Schema.String, Schema.String),
  definition_hash: Schema.String,
  statement_hash: Schema.String,
  query_id: Schema.String,
  watermark: Schema.NullOr(Schema.String),
  rows_read: Schema.Finite,
  bytes_read: Schema.Finite,
  peak_memory_bytes: Schema.optionalKey(Schema.Finite),
  query_ms: Schema.optionalKey(Schema.Finite),
  duration_ms: Schema.Finite,
  computed_at: Schema.String,
  refresh: Schema.optionalKey(RefreshMode),
  memory: Schema.optionalKey(MemoryMode),
  shared_read: Schema.optionalKey(SharedRead)
})
export interface Provenance extends Schema.Schema.Type<typeof Provenance> {}

/** All that a run found out about an experiment; what leaves the program, and what a snapshot keeps. */
export const ResultsSummary = Schema.Struct({
  schema: Schema.Literal(schemaVersion),
  experiment: Schema.String,
  description: Schema.optionalKey(Schema.String),
  environment: Schema.String,
  feature: Schema.String,
  state: Schema.Literals(["running", "ended"]),
  as_of: Schema.String,
  /** This is a preview, over so large a part of the identities; a result where it is absent. */
  preview: Schema.optionalKey(Schema.Struct({ sample: Schema.Finite })),
  window: Schema.Struct({ from: Schema.String, to: Schema.String }),
  control: Schema.String,
  variants: Schema.Array(VariantResult),
  quarantined: Schema.Finite,
  srm_p_value: Schema.NullOr(Schema.Finite),
  srm: SrmResult,
  findings: Schema.Array(Finding),
  engine: Schema.Struct({
    name: Schema.String,
    confidence: Schema.Finite,
    /** What the verdict words rest on; the chance to win where it is absent. */
    decides_by: Schema.optionalKey(Schema.Literals(["chance to win", "test"]))
  }),
  decision: Schema.optionalKey(Decision),
  metrics: Schema.Array(MetricResult),
  breakdowns: Schema.optionalKey(Schema.Array(Breakdown)),
  series: Schema.optionalKey(Series),
  provenance: Provenance
})
export interface ResultsSummary extends Schema.Schema.Type<typeof ResultsSummary> {}
