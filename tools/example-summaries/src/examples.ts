/** Summaries in every state that a page can be in, from a few figures. Nothing in them is random. */
import type {
  Breakdown,
  MetricResult,
  PartialMetric,
  ResultsSummary,
  Series,
  VariantMoments,
  VerdictWord,
  WireInference,
  WireWithheld
} from "@assay/model"

const start = Date.UTC(2026, 0, 5)
const dayMs = 86_400_000
const at = (days: number): string => new Date(start + days * dayMs).toISOString()

const moments = (n: number, mean: number, variance = mean * (1 - Math.min(mean, 0.9))): VariantMoments => ({
  n,
  sum: n * mean,
  sum_squares: n * (variance + mean * mean),
  mean,
  variance
})

/** An inference about a lift with a standard error; the further figures follow roughly. */
export const inference = (lift: number, se: number, more: Partial<WireInference> = {}): WireInference => {
  const chance = 1 / (1 + Math.exp(-1.702 * (lift / se)))
  return {
    lift,
    ci_low: lift - 1.96 * se,
    ci_high: lift + 1.96 * se,
    chance_to_win: chance,
    difference: lift / 10,
    difference_ci_low: (lift - 1.96 * se) / 10,
    difference_ci_high: (lift + 1.96 * se) / 10,
    standard_error: se / 10,
    p_value: Math.max(1e-12, 2 * Math.min(chance, 1 - chance)),
    ...more
  }
}

export const tooFew = (have: number, need: number): WireWithheld => ({
  reason: "too_few_conversions",
  have,
  need,
  sentence: `${have} conversions in an arm; an inference takes ${need}.`
})

type Outcome = readonly [WireInference, VerdictWord] | WireWithheld

/** A metric from the means of its arms and what is said about the treatments. */
export const metric = (
  metric_id: string,
  means: Readonly<Record<string, number>>,
  outcomes: Readonly<Record<string, Outcome>>,
  more: Partial<MetricResult> = {}
): MetricResult => {
  const entries = Object.entries(outcomes)
  return {
    metric_id,
    aggregation: "occurrence",
    role: "goal",
    direction: "up",
    estimand: "proportion",
    variants: Object.fromEntries(Object.entries(means).map(([key, mean]) => [key, moments(20_000, mean)])),
    inference: Object.fromEntries(entries.map(([key, one]) => [key, "reason" in one ? null : one[0]])),
    withheld: Object.fromEntries(entries.flatMap(([key, one]) => ("reason" in one ? [[key, one]] : []))),
    verdict: Object.fromEntries(entries.map(([key, one]) => [key, "reason" in one ? "collecting data" : one[1]])),
    ...more
  }
}

/** A summary of these arms (identities each, equal shares planned) and metrics. */
export const summary = (
  arms: Readonly<Record<string, number>>,
  metrics: ReadonlyArray<MetricResult>,
  more: Partial<ResultsSummary> = {}
): ResultsSummary => {
  const entries = Object.entries(arms)
  const total = entries.reduce((sum, [, n]) => sum + n, 0)
  return {
    schema: "assay.results/1",
    experiment: "checkout_redesign",
    description: "One page instead of three steps; the express variant also hides the coupon field.",
    environment: "production",
    feature: "checkout",
    state: "running",
    as_of: at(14),
    window: { from: at(0), to: at(14) },
    control: entries[0]![0],
    variants: entries.map(([key, n]) => ({ key, n, share: n / total, expected_share: 1 / entries.length })),
    quarantined: 0,
    srm_p_value: 0.42,
    srm: {
      status: "ok",
      p_value: 0.42,
      statistic: 1.73,
      degrees_of_freedom: entries.length - 1,
      alarm_below: 0.001,
      method: "chi2",
      residuals: Object.fromEntries(entries.map(([key], i) => [key, (i - 1) * 0.61])),
      sequential: { p_value: 0.8, log_bayes_factor: -2.1 }
    },
    findings: [],
    engine: { name: "bayesian", confidence: 0.95 },
    metrics,
    provenance: {
      run_id: "3f0e6c1a-7d5b-4a53-9f6e-0f6a3c1b2d4e",
      assay_version: "0.1.0",
      warehouse_version: "25.8.3.66",
      aggregations: { occurrence: "1.0.0", sum: "1.0.0" },
      definition_hash: "b1946ac92492d2347c6235b4d2611184aa2f6b5c",
      statement_hash: "591785b794601e212b260e25925636fd77d1e5a1",
      query_id: "assay-3f0e6c1a-7d5b-4a53-9f6e-0f6a3c1b2d4e",
      watermark: at(13.99),
      rows_read: 1_604_120,
      bytes_read: 412_000_000,
      peak_memory_bytes: 96_000_000,
      query_ms: 812,
      duration_ms: 861,
      computed_at: at(14)
    },
    ...more
  }
}

const threeArms = { control: 66_269, one_page: 66_705, express: 66_167 }

const partial = (
  metric_id: string,
  lifts: Readonly<Record<string, readonly [number, number] | null>>
): PartialMetric => ({
  metric_id,
  variants: {},
  inference: Object.fromEntries(
    Object.entries(lifts).map(([key, one]) => [key, one === null ? null : inference(...one)])
  ),
  withheld: Object.fromEntries(
    Object.entries(lifts).flatMap(([key, one]) => (one === null ? [[key, tooFew(3, 5)]] : []))
  )
})

/** Daily points; the lifts come nearer to their ends as the intervals narrow, and the first day has none. */
export const series = (
  arms: Readonly<Record<string, number>>,
  lifts: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>>,
  quarantined = 0,
  days = 14
): Series => ({
  period: "day",
  points: Array.from({ length: days }, (_, i) => {
    const part = ((i + 1) / days) ** 0.8
    return {
      until: at(i + 1),
      identities: Object.fromEntries(Object.entries(arms).map(([key, n]) => [key, Math.round(n * part)])),
      quarantined: Math.round(quarantined * part),
      srm_p_value: 0.4,
      metrics: Object.entries(lifts).map(([metric_id, byArm]) =>
        partial(
          metric_id,
          Object.fromEntries(
            Object.entries(byArm).map(([key, [lift, se]]) => [
              key,
              i === 0 ? null : [lift + Math.sin(i * 1.7) * se * (1 / part - 1), se / Math.sqrt(part)] as const
            ])
          )
        )
      )
    }
  })
})

export const breakdown = (
  dimension: string,
  values: ReadonlyArray<readonly [string | null, number, number]>,
  mismatchAt?: string
): Breakdown => ({
  dimension,
  values: values.length + 4,
  slices: [
    ...values.map(([value, n, lift]) => ({
      value,
      identities: { control: n, one_page: n + 31, express: n - 12 },
      srm_p_value: value === mismatchAt ? 3.1e-12 : 0.3,
      metrics: [
        partial("purchased", { one_page: [lift, 0.03], express: n < 2000 ? null : [lift / 6, 0.03] }),
        partial("revenue", { one_page: [lift / 2, 0.05], express: [lift / 9, 0.05] })
      ]
    })),
    {
      value: null,
      other: true,
      identities: { control: 812, one_page: 790, express: 805 },
      srm_p_value: null,
      metrics: [partial("purchased", { one_page: null, express: null })]
    }
  ]
})

const purchased = metric("purchased", { control: 0.0998, one_page: 0.1097, express: 0.1011 }, {
  one_page: [
    inference(0.099, 0.018, {
      chance_to_be_best: 0.998,
      shrunk_lift: 0.091,
      expected_loss: { control: 0.099, treatment: 0.00001 },
      adjusted: { method: "Holm", comparisons: 4, p_value: 3.1e-7, confidence: 0.9875, ci_low: 0.054, ci_high: 0.144 },
      adjustment: { theta: 0.31, variance_reduction: 0.24 }
    }),
    "winning"
  ],
  express: [inference(0.013, 0.017), "inconclusive"]
}, {
  description: "Identities that bought at least once.",
  covariate: { source: "purchases in the 28 days before", missing: { control: 812, one_page: 790, express: 805 } }
})

const revenue = metric("revenue", { control: 4.237, one_page: 4.581, express: 4.251 }, {
  one_page: [inference(0.081, 0.028), "winning"],
  express: [inference(0.003, 0.027), "inconclusive"]
}, {
  role: "secondary",
  aggregation: "sum",
  estimand: "mean",
  display: { format: "number", unit: "EUR" },
  cap: {
    value: 480,
    quantile: 0.999,
    capped: { control: 66, one_page: 71, express: 64 },
    uncapped: { control: moments(20_000, 4.31), one_page: moments(20_000, 4.7), express: moments(20_000, 4.29) },
    uncapped_inference: { one_page: inference(0.09, 0.047), express: inference(-0.005, 0.045) }
  }
})

const retained = metric("retained_week_2", { control: 0.31, one_page: 0.316, express: 0.309 }, {
  one_page: tooFew(31, 50),
  express: tooFew(29, 50)
}, { role: "secondary", aggregation: "retention", immature: { control: 21_004, one_page: 21_230, express: 20_911 } })

const funnel = metric("checkout_completed", { control: 0.41, one_page: 0.44, express: 0.42 }, {
  one_page: [inference(0.073, 0.012), "winning"],
  express: [inference(0.024, 0.012), "inconclusive"]
}, {
  role: "secondary",
  aggregation: "funnel",
  reported: [
    { name: "1. cart", values: { control: 1, one_page: 1, express: 1 } },
    { name: "2. address", values: { control: 0.706, one_page: 0.7617, express: 0.7236 } },
    { name: "2. address, of those at 1", values: { control: 0.706, one_page: 0.7617, express: 0.7236 } },
    { name: "3. paid", values: { control: 0.41, one_page: 0.44, express: 0.42 } },
    { name: "3. paid, of those at 2", values: { control: 0.5807, one_page: 0.5777, express: 0.5804 } }
  ]
})

const tickets = metric("checkout_tickets", { control: 0.0213, one_page: 0.0216, express: 0.0241 }, {
  one_page: [
    inference(0.014, 0.038, { margin: { value: 0.1, on: "relative", p_value: 0.012, holds: true } }),
    "inconclusive"
  ],
  express: [inference(0.1315, 0.042), "losing"]
}, { role: "guardrail", direction: "down" })

const latency = metric("page_seconds", { control: 1.834, one_page: 1.702, express: 1.799 }, {
  one_page: [inference(-0.072, 0.01), "winning"],
  express: [inference(-0.019, 0.01), "informational"]
}, { role: "guardrail", direction: "informational", aggregation: "mean", estimand: "mean" })

const lifts = {
  purchased: { one_page: [0.099, 0.018], express: [0.013, 0.017] },
  revenue: { one_page: [0.081, 0.028], express: [0.003, 0.027] },
  checkout_tickets: { one_page: [0.014, 0.038], express: [0.1315, 0.042] }
} as const

/** Everything that a summary can hold, and a treatment to ship. */
export const shipping = summary(threeArms, [purchased, revenue, retained, funnel, tickets, latency], {
  quarantined: 797,
  engine: { name: "bayesian", confidence: 0.95 },
  decision: {
    decision: "ship",
    variant: "one_page",
    reasons: [
      { code: "goal_won", sentence: "one_page wins on purchased: +9.9 %, at least +6.4 %.", metric_id: "purchased" },
      { code: "guardrails_hold", sentence: "No guardrail is worse than its margin." },
      { code: "plan_reached", sentence: "The planned information is in." }
    ],
    treatments: [
      {
        variant: "one_page",
        decision: "ship",
        reasons: [{ code: "goal_won", sentence: "Wins on purchased; checkout_tickets stays within its margin." }]
      },
      {
        variant: "express",
        decision: "do not ship",
        reasons: [{ code: "guardrail_lost", sentence: "Loses on checkout_tickets: +13.2 %, where less is better." }]
      }
    ],
    plan: { design: "group-sequential", information: 1, looks: 5, look: 5, ends_at: at(14) }
  },
  series: series(threeArms, lifts, 797),
  breakdowns: [
    breakdown("country", [["DE", 31_000, 0.11], ["FR", 18_000, 0.08], ["US", 9000, 0.1], ["", 1200, 0.04]]),
    breakdown("device", [["phone", 41_000, 0.12], ["desktop", 24_000, 0.05], [null, 1100, 0.02]])
  ],
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
      sentence: "797 of 199,938 identities were seen in more than one variant. They are in no arm.",
      count: 797,
      of: 199_938
    }
  ]
})

/** A first day: hardly anything can be said. */
export const collecting = summary({ control: 31, treatment: 28 }, [
  metric("purchased", { control: 0.0968, treatment: 0.1071 }, { treatment: tooFew(3, 5) }),
  metric("errors", { control: 0, treatment: 0 }, {
    treatment: {
      reason: "control_mean_not_positive",
      have: 0,
      need: 0,
      sentence: "The control's mean is 0, so a relative lift has no meaning."
    }
  }, { role: "guardrail", direction: "down" })
], {
  experiment: "new_onboarding",
  as_of: at(1),
  window: { from: at(0), to: at(1) },
  srm_p_value: null,
  srm: {
    status: "withheld",
    p_value: null,
    statistic: null,
    degrees_of_freedom: 1,
    alarm_below: 0.001,
    withheld: { reason: "too_few_identities", have: 59, need: 100, sentence: "Too few identities to check the split." }
  },
  series: series({ control: 31, treatment: 28 }, {}, 0, 1)
})

/** A sample ratio that is off, and where. */
export const mismatch = summary({ control: 66_269, one_page: 61_705, express: 66_167 }, [
  metric("purchased", { control: 0.0998, one_page: 0.1197, express: 0.1011 }, {
    one_page: [inference(0.199, 0.018), "not to be trusted"],
    express: [inference(0.013, 0.017), "not to be trusted"]
  }),
  metric("revenue", { control: 4.2, one_page: 4.7, express: 4.3 }, {
    one_page: [inference(0.12, 0.03), "not to be trusted"],
    express: [inference(0.02, 0.03), "not to be trusted"]
  }, { role: "secondary", aggregation: "sum", estimand: "mean" })
], {
  experiment: "search_ranking",
  srm_p_value: 4.4e-38,
  srm: {
    status: "mismatch",
    p_value: 4.4e-38,
    statistic: 172.4,
    degrees_of_freedom: 2,
    alarm_below: 0.001,
    method: "chi2",
    residuals: { control: 6.1, one_page: -13.1, express: 5.9 },
    sequential: { p_value: 1e-30, log_bayes_factor: 71 }
  },
  decision: {
    decision: "do not trust",
    variant: null,
    reasons: [{ code: "srm", sentence: "The arms don't have the sizes that were planned (p = 4.4e-38)." }],
    treatments: [],
    plan: { design: "fixed", information: 0.7, ends_at: at(20) }
  },
  breakdowns: [
    breakdown("browser", [["Safari", 30_000, 0.2], ["Chrome", 28_000, 0.08], ["Firefox", 5000, 0.1]], "Safari")
  ],
  findings: [{
    code: "sample_ratio_mismatch",
    severity: "alarm",
    sentence: "The arms have 66,269, 61,705 and 66,167 identities; 64,714 each were planned."
  }]
})

/** The frequentist engine, ended, no decision. */
export const frequentist = summary({ control: 10_012, treatment: 9988 }, [
  metric("purchased", { control: 0.1, treatment: 0.102 }, {
    treatment: [inference(0.021, 0.024), "inconclusive"]
  }),
  metric("refunds", { control: 0.0031, treatment: 0.0094 }, { treatment: [inference(2.03, 3.1), "inconclusive"] }, {
    role: "guardrail",
    direction: "down"
  })
], {
  experiment: "pricing_table",
  state: "ended",
  engine: { name: "frequentist", confidence: 0.95, decides_by: "test" }
})

/** The sequential engine, running towards a plan. */
export const sequential = summary({ control: 40_012, treatment: 39_988 }, [
  metric("purchased", { control: 0.1, treatment: 0.107 }, {
    treatment: [inference(0.07, 0.05, { log_e: 1.2 }), "inconclusive"]
  })
], {
  experiment: "recommendations",
  engine: { name: "sequential", confidence: 0.95, decides_by: "test" },
  decision: {
    decision: "keep running",
    variant: null,
    reasons: [{ code: "not_decided", sentence: "The confidence sequence of purchased includes no difference." }],
    treatments: [],
    plan: { design: "always-valid", information: null, ends_at: null }
  },
  series: series({ control: 40_012, treatment: 39_988 }, { purchased: { treatment: [0.07, 0.05] } })
})

/** Names that people paste, and names that attackers choose. */
export const names = {
  script: "<script>document.title = 'owned'</script>",
  image: "\"><img src=x onerror=\"document.title='owned'\">",
  rtl: "\u202e\u05d0\u05d1\u05d2 gnp.exe",
  arabic: "زر الدفع الجديد",
  emoji: "👩‍👩‍👧‍👦 🇩🇪 ❤️ 结账按钮",
  long: "a-very-long-name-".repeat(20).slice(0, 300),
  control: "bell\u0007 and \u001b[31mred"
} as const

/** Hostile names wherever a name can stand. */
export const hostile = summary({ [names.arabic]: 1000, [names.script]: 1010, [names.long]: 990, [names.emoji]: 995 }, [
  metric(names.image, {
    [names.arabic]: 0.1,
    [names.script]: 0.11,
    [names.long]: 0.1,
    [names.emoji]: 0.1
  }, {
    [names.script]: [inference(0.1, 0.08), "inconclusive"],
    [names.long]: [inference(0, 0.08), "inconclusive"],
    [names.emoji]: tooFew(1, 5)
  }, { description: `${names.control} ${names.script}`, aggregation: names.image }),
  metric(names.long, { [names.arabic]: 1, [names.script]: 1 }, {
    [names.script]: { ...tooFew(1, 5), sentence: `1 of ${names.rtl} ${names.script}` }
  }, { role: "secondary" })
], {
  experiment: names.script,
  description: `${names.image} ${names.rtl}`,
  environment: names.emoji,
  feature: names.long,
  decision: {
    decision: "keep running",
    variant: names.script,
    reasons: [{ code: names.image, sentence: names.script }],
    treatments: [
      { variant: names.script, decision: "keep running", reasons: [{ code: "x", sentence: names.rtl }] },
      { variant: names.long, decision: "do not ship", reasons: [{ code: "x", sentence: names.long }] }
    ],
    plan: { design: "fixed", information: 0.4, ends_at: names.script }
  },
  series: series(
    { [names.arabic]: 1000, [names.script]: 1010, [names.long]: 990, [names.emoji]: 995 },
    { [names.image]: { [names.script]: [0.1, 0.08] } }
  ),
  breakdowns: [{
    dimension: names.image,
    values: 1,
    slices: [{
      value: names.script,
      identities: { [names.script]: 12 },
      srm_p_value: 1e-9,
      metrics: [partial(names.image, { [names.script]: [0.1, 0.08] })]
    }]
  }],
  findings: [{ code: names.script, severity: "warning", sentence: `Unknown variant ${names.rtl} in ${names.image}.` }]
})

const roles = ["goal", "secondary", "guardrail"] as const

/** So many metrics of so many arms. */
export const large = (metrics: number, arms: number): ResultsSummary => {
  const keys = ["control", ...Array.from({ length: arms - 1 }, (_, i) => `treatment_${i + 1}`)]
  return summary(
    Object.fromEntries(keys.map((key, i) => [key, 20_000 + 37 * i])),
    Array.from({ length: metrics }, (_, m) =>
      metric(
        `metric_${m + 1}`,
        Object.fromEntries(keys.map((key, k) => [key, 0.2 + 0.004 * k])),
        Object.fromEntries(
          keys.slice(1).map((key, k) => [
            key,
            [inference(0.011 * k - 0.0004 * m, 0.01), k > 2 ? "winning" : "inconclusive"] as const
          ])
        ),
        { role: roles[m % 3]! }
      )),
    {
      experiment: "everything_at_once",
      series: series(
        Object.fromEntries(keys.map((key, i) => [key, 20_000 + 37 * i])),
        Object.fromEntries(
          Array.from({ length: metrics }, (_, m) => [
            `metric_${m + 1}`,
            Object.fromEntries(keys.slice(1).map((key, k) => [key, [0.011 * k - 0.0004 * m, 0.01] as const]))
          ])
        )
      )
    }
  )
}

/** Every state by name. */
export const states: Readonly<Record<string, ResultsSummary>> = {
  shipping,
  collecting,
  mismatch,
  frequentist,
  sequential,
  hostile
}

/** A statement as a snapshot keeps it. */
export const statement = {
  text: "SELECT\n  variant,\n  count() AS n\nFROM events\nWHERE feature_name = {feature:String}\nGROUP BY variant",
  parameters: { feature: names.script },
  settings: { join_use_nulls: 0 }
}

export const now = at(14.3)
