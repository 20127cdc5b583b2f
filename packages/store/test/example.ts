/** A well-formed snapshot to put into stores. */
import type { ResultsSummary } from "@assay/model"
import type { Snapshot } from "@assay/store"

const summary = (experiment: string, as_of: string): ResultsSummary => ({
  schema: "assay.results/1",
  experiment,
  environment: "production",
  feature: "checkout_button",
  state: "running",
  as_of,
  window: { from: "2026-01-01T00:00:00.000Z", to: as_of },
  control: "control",
  variants: [
    { key: "control", n: 1000, share: 0.5, expected_share: 0.5 },
    { key: "treatment", n: 1000, share: 0.5, expected_share: 0.5 }
  ],
  quarantined: 0,
  srm_p_value: 1,
  srm: { status: "ok", p_value: 1, statistic: 0, degrees_of_freedom: 1, alarm_below: 0.001 },
  findings: [],
  engine: { name: "bayesian", confidence: 0.95 },
  metrics: [],
  provenance: {
    run_id: "r",
    assay_version: "0.1.0",
    warehouse_version: "25.1",
    aggregations: {},
    definition_hash: "d",
    statement_hash: "s",
    query_id: "q",
    watermark: null,
    rows_read: 1,
    bytes_read: 1,
    duration_ms: 1,
    computed_at: as_of
  }
})

export const snapshot = (id: string, as_of: string, experiment = "checkout"): Snapshot => ({
  id,
  experiment,
  as_of,
  summary: summary(experiment, as_of),
  statement: { text: "SELECT {a:String}", parameters: { a: "it's", list: [1, 2] }, settings: { max_threads: 4 } }
})
