import type { MetricResult, ResultsSummary, VerdictWord } from "@assay/model"
import { describe, expect, it } from "vitest"
import { headline, overview } from "../src/overview.ts"

const metric = (metric_id: string, role: MetricResult["role"], word: VerdictWord): MetricResult => ({
  metric_id,
  aggregation: "sum",
  role,
  direction: "up",
  estimand: "mean",
  variants: {},
  inference: {},
  withheld: {},
  verdict: { green: word }
})

const summary = (metrics: ReadonlyArray<MetricResult>, more: Partial<ResultsSummary> = {}): ResultsSummary => ({
  schema: "assay.results/1",
  experiment: "checkout",
  environment: "production",
  feature: "checkout",
  state: "running",
  as_of: "2026-01-02T00:00:00.000Z",
  window: { from: "2026-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z" },
  control: "grey",
  variants: [
    { key: "grey", n: 1000, share: 0.5, expected_share: 0.5 },
    { key: "green", n: 1000, share: 0.5, expected_share: 0.5 }
  ],
  quarantined: 0,
  srm_p_value: 1,
  srm: { status: "ok", p_value: 1, statistic: 0, degrees_of_freedom: 1, alarm_below: 0.001 },
  findings: [],
  engine: { name: "bayesian", confidence: 0.95 },
  metrics,
  provenance: {
    run_id: "r",
    assay_version: "0",
    warehouse_version: "0",
    aggregations: {},
    definition_hash: "d",
    statement_hash: "s",
    query_id: "q",
    watermark: null,
    rows_read: 0,
    bytes_read: 0,
    duration_ms: 0,
    computed_at: "2026-01-02T00:00:00.000Z"
  },
  ...more
})

describe("a line per experiment", () => {
  it("tells what the goals say, the most telling first", () => {
    expect(headline(summary([metric("a", "goal", "inconclusive"), metric("b", "goal", "losing")]))).toBe(
      "green losing on b"
    )
    expect(headline(summary([metric("a", "secondary", "winning"), metric("b", "goal", "collecting data")]))).toBe(
      "collecting data"
    )
    expect(headline(summary([metric("a", "goal", "not to be trusted")]))).toBe("not to be trusted")
    expect(headline(summary([]))).toBe("no comparison")
  })

  it("takes all metrics where there is no goal", () => {
    expect(headline(summary([metric("a", "guardrail", "losing")]))).toBe("green losing on a")
  })

  it("says state, identities and a mismatch of the sample ratio", () => {
    const mismatch = { ...summary([]).srm, status: "mismatch" as const }
    expect(overview([
      summary([metric("a", "goal", "winning")]),
      summary([metric("a", "goal", "not to be trusted")], { experiment: "other", state: "ended", srm: mismatch })
    ])).toBe(
      "checkout  running, 2,000 identities: green winning on a\n" +
        "other  ended, 2,000 identities: not to be trusted  SAMPLE RATIO MISMATCH"
    )
  })

  it("lets no name steer the terminal", () => {
    expect(overview([summary([], { preview: { sample: 0.1 } })])).toMatch(/^\S+ {2}PREVIEW, /)
    expect(overview([summary([], { experiment: "a\u001b[2Jb\u202ec" })])).toMatch(/^a\?\[2Jb\?c {2}/)
  })
})
