/** Summaries as the pipeline makes them, from a few figures. */
import type { MetricResult, ResultsSummary, VerdictWord, WireInference, WireWithheld } from "@assay/model"

export interface Arm {
  readonly key: string
  readonly n: number
  readonly expected?: number
}

/** An inference with the given lift and interval; the rest follows roughly, as only these are shown. */
export const inference = (lift: number, low: number, high: number, chance: number): WireInference => ({
  lift,
  ci_low: low,
  ci_high: high,
  chance_to_win: chance,
  difference: lift,
  difference_ci_low: low,
  difference_ci_high: high,
  standard_error: high / 3.92 - low / 3.92,
  p_value: 2 * Math.min(chance, 1 - chance)
})

export const tooFew = (have: number, need: number): WireWithheld => ({
  reason: "too_few_identities",
  have,
  need,
  sentence: "Too few identities in an arm to compare them."
})

export interface MetricFigures {
  readonly id: string
  readonly role?: MetricResult["role"]
  readonly direction?: MetricResult["direction"]
  readonly aggregation?: string
  readonly estimand?: MetricResult["estimand"]
  readonly means: Readonly<Record<string, number>>
  readonly results: Readonly<Record<string, readonly [WireInference, VerdictWord] | WireWithheld>>
  readonly word?: VerdictWord
}

const isWithheld = (result: readonly [WireInference, VerdictWord] | WireWithheld): result is WireWithheld =>
  "reason" in result

export const metric = (figures: MetricFigures): MetricResult => {
  const results = Object.entries(figures.results)
  return {
    metric_id: figures.id,
    aggregation: figures.aggregation ?? "occurrence",
    role: figures.role ?? "goal",
    direction: figures.direction ?? "up",
    estimand: figures.estimand ?? "proportion",
    variants: Object.fromEntries(
      Object.entries(figures.means).map(([key, mean]) => [
        key,
        { n: 1000, sum: mean * 1000, sum_squares: mean * 1000, mean, variance: 0.1 }
      ])
    ),
    inference: Object.fromEntries(results.map(([key, result]) => [key, isWithheld(result) ? null : result[0]])),
    withheld: Object.fromEntries(results.flatMap(([key, result]) => (isWithheld(result) ? [[key, result]] : []))),
    verdict: Object.fromEntries(
      results.map(([key, result]) => [key, isWithheld(result) ? figures.word ?? "collecting data" : result[1]])
    )
  }
}

export const summary = (
  arms: ReadonlyArray<Arm>,
  metrics: ReadonlyArray<MetricResult>,
  rest: Partial<ResultsSummary> = {}
): ResultsSummary => {
  const total = arms.reduce((sum, { n }) => sum + n, 0)
  return {
    schema: "assay.results/1",
    experiment: "checkout-button",
    environment: "production",
    feature: "new_checkout",
    state: "ended",
    as_of: "2026-01-15T00:00:00.000Z",
    window: { from: "2026-01-01T00:00:00.000Z", to: "2026-01-15T00:00:00.000Z" },
    control: arms[0]?.key ?? "control",
    variants: arms.map(({ key, n, expected }) => ({
      key,
      n,
      share: total === 0 ? null : n / total,
      expected_share: expected ?? 1 / arms.length
    })),
    quarantined: 0,
    srm_p_value: 0.81,
    srm: { status: "ok", p_value: 0.81, statistic: 0.06, degrees_of_freedom: arms.length - 1, alarm_below: 0.001 },
    findings: [],
    engine: { name: "bayesian", confidence: 0.95 },
    metrics,
    provenance: {
      run_id: "r1",
      assay_version: "0.1.0",
      warehouse_version: "25.8",
      aggregations: { occurrence: "1.0.0" },
      definition_hash: "d",
      statement_hash: "s",
      query_id: "q",
      watermark: "2026-01-14T23:58:12.345Z",
      rows_read: 1,
      bytes_read: 1,
      duration_ms: 1,
      computed_at: "2026-01-15T00:00:01.000Z"
    },
    ...rest
  }
}

/** Three arms, four metrics in all roles, running. */
export const threeArms: ResultsSummary = summary(
  [{ key: "control", n: 66_731 }, { key: "green", n: 66_502 }, { key: "large", n: 66_767 }],
  [
    metric({
      id: "purchased",
      means: { control: 0.0982, green: 0.1074, large: 0.0991 },
      results: {
        green: [inference(0.0937, 0.0583, 0.1304, 0.9999999), "winning"],
        large: [inference(0.0092, -0.0241, 0.0437, 0.7043), "inconclusive"]
      }
    }),
    metric({
      id: "revenue",
      role: "secondary",
      aggregation: "sum",
      estimand: "mean",
      means: { control: 4.2371, green: 4.5812, large: 4.2511 },
      results: {
        green: [inference(0.0812, 0.0287, 0.1361, 0.9988), "winning"],
        large: [inference(0.0033, -0.0478, 0.0571, 0.5493), "inconclusive"]
      }
    }),
    metric({
      id: "items_viewed",
      role: "secondary",
      direction: "informational",
      aggregation: "count",
      estimand: "mean",
      means: { control: 11.207, green: 11.412, large: 11.198 },
      results: {
        green: [inference(0.0183, 0.0041, 0.0327, 0.9941), "informational"],
        large: [inference(-0.0008, -0.0149, 0.0135, 0.4562), "informational"]
      }
    }),
    metric({
      id: "support_tickets",
      role: "guardrail",
      direction: "down",
      aggregation: "occurrence",
      means: { control: 0.0213, green: 0.0216, large: 0.0241 },
      results: {
        green: [inference(0.0141, -0.0582, 0.0917, 0.3564), "inconclusive"],
        large: [inference(0.1315, 0.0521, 0.2174, 0.0004), "losing"]
      }
    })
  ],
  {
    state: "running",
    quarantined: 1024,
    findings: [
      {
        code: "duplicate_rows",
        severity: "info",
        sentence: "12,034 of 1,204,556 rows were delivered more than once and count once.",
        count: 12_034,
        of: 1_204_556
      },
      {
        code: "multiple_variants",
        severity: "warning",
        sentence:
          "1,024 of 201,024 identities were seen in more than one variant. They are in no arm; if one variant makes that more likely, the comparison is biased.",
        count: 1024,
        of: 201_024
      }
    ]
  }
)
