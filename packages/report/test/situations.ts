/** The situations that a scorecard must be readable in. */
import type { ResultsSummary } from "@assay/model"
import { inference, metric, summary, threeArms, tooFew } from "./examples.ts"

const two = [{ key: "control", n: 10_012 }, { key: "treatment", n: 9_988 }]

/** An alarm disowns every number. */
export const srmAlarm: ResultsSummary = summary([{ key: "control", n: 10_412 }, { key: "treatment", n: 9_588 }], [
  metric({
    id: "purchased",
    means: { control: 0.1, treatment: 0.12 },
    results: { treatment: [inference(0.2, 0.115, 0.288, 0.9999995), "not to be trusted"] }
  }),
  metric({
    id: "revenue",
    role: "secondary",
    aggregation: "sum",
    estimand: "mean",
    means: { control: 1234.5, treatment: 1301.2 },
    results: { treatment: tooFew(31, 50) },
    word: "not to be trusted"
  })
], {
  srm_p_value: 5.8e-9,
  srm: { status: "mismatch", p_value: 5.8e-9, statistic: 33.9, degrees_of_freedom: 1, alarm_below: 0.001 },
  findings: [
    {
      code: "lost_events",
      severity: "info",
      sentence: "3 rows had a value that isn't a number. They were left out.",
      count: 3
    },
    {
      code: "sample_ratio_mismatch",
      severity: "alarm",
      sentence:
        "The arms have 10,412 and 9,588 identities; 10,000 and 10,000 were planned. Something keeps identities out of an arm, so the arms can't be compared."
    }
  ]
})

/** A first day: nothing can be said yet. */
export const withheld: ResultsSummary = summary([{ key: "control", n: 31 }, { key: "treatment", n: 28 }], [
  metric({
    id: "purchased",
    means: { control: 0.0968, treatment: 0.1071 },
    results: {
      treatment: {
        reason: "too_few_conversions",
        have: 3,
        need: 5,
        sentence: "3 conversions in an arm; an inference takes 5."
      }
    }
  }),
  metric({
    id: "latency",
    role: "guardrail",
    direction: "down",
    aggregation: "mean",
    estimand: "mean",
    means: { control: 0, treatment: 0 },
    results: { treatment: tooFew(28, 50) }
  })
], {
  state: "running",
  srm_p_value: null,
  srm: {
    status: "withheld",
    p_value: null,
    statistic: null,
    degrees_of_freedom: 1,
    alarm_below: 0.001,
    withheld: { reason: "too_few_identities", have: 59, need: 100, sentence: "Too few identities to check the split." }
  }
})

/** Less is better: negative lifts that win, and a metric for information. */
export const down: ResultsSummary = summary(two, [
  metric({
    id: "page_load_seconds",
    direction: "down",
    aggregation: "mean",
    estimand: "mean",
    means: { control: 1.8342, treatment: 1.7021 },
    results: { treatment: [inference(-0.072, -0.0914, -0.0521, 0.99999), "winning"] }
  }),
  metric({
    id: "errors",
    role: "guardrail",
    direction: "down",
    aggregation: "count",
    estimand: "mean",
    means: { control: 0.0213, treatment: 0.0198 },
    results: { treatment: [inference(-0.0704, -0.1612, 0.0268, 0.9213), "inconclusive"] }
  }),
  metric({
    id: "pages_viewed",
    role: "secondary",
    direction: "informational",
    aggregation: "count",
    estimand: "mean",
    means: { control: 12.07, treatment: 12.31 },
    results: { treatment: [inference(0.0199, 0.0021, 0.038, 0.9859), "informational"] }
  })
])

/** One interval that would make all others a dot. */
export const wide: ResultsSummary = summary(two, [
  metric({
    id: "purchased",
    means: { control: 0.1, treatment: 0.101 },
    results: { treatment: [inference(0.01, -0.012, 0.032, 0.81), "inconclusive"] }
  }),
  metric({
    id: "signed_up",
    means: { control: 0.4, treatment: 0.411 },
    results: { treatment: [inference(0.0275, 0.004, 0.051, 0.989), "winning"] }
  }),
  metric({
    id: "refunds",
    role: "guardrail",
    direction: "down",
    aggregation: "sum",
    estimand: "mean",
    means: { control: 0.0031, treatment: 0.0094 },
    results: { treatment: [inference(2.03, -0.8, 9, 0.21), "inconclusive"] }
  })
])

const keys = ["control", "blue", "green", "orange-with-rounded-corners", "orange-with-square-corners"]
const roles = [
  "goal",
  "goal",
  "secondary",
  "secondary",
  "secondary",
  "secondary",
  "secondary",
  "guardrail",
  "guardrail",
  "guardrail"
] as const

/** Five arms, ten metrics. */
export const many: ResultsSummary = summary(
  keys.map((key, i) => ({ key, n: 20_000 + 37 * i })),
  roles.map((role, m) =>
    metric({
      id: `metric_${m + 1}`,
      role,
      aggregation: m % 2 === 0 ? "occurrence" : "sum",
      estimand: m % 2 === 0 ? "proportion" : "mean",
      means: Object.fromEntries(keys.map((key, k) => [key, m % 2 === 0 ? 0.2 + 0.004 * k : 1200 + 13 * k * m])),
      results: Object.fromEntries(
        keys.slice(1).map((key, k) => {
          const lift = 0.011 * k - 0.004 * m
          return [
            key,
            [
              inference(lift, lift - 0.02, lift + 0.02, Math.min(0.9999, Math.max(0.0001, 0.5 + lift * 25))),
              lift > 0.02 ? "winning" : lift < -0.02 ? "losing" : "inconclusive"
            ] as const
          ]
        })
      )
    })
  )
)

const rtl = "\u202e\u05d0\u05d1\u05d2 \u001b[31mred\u0007"
const emoji = "👩‍👩‍👧‍👦 🇩🇪 ❤️ 结账按钮"
const long = "a-very-long-name-".repeat(12).slice(0, 200)

/** Names that people paste, and names that attackers choose. */
export const hostile: ResultsSummary = summary(
  [{ key: rtl, n: 1000 }, { key: emoji, n: 1010 }, { key: `${long}1`, n: 990 }, { key: `${long}2`, n: 990 }],
  [
    metric({
      id: rtl,
      means: { [rtl]: 0.1, [emoji]: 0.11, [`${long}1`]: 0.1, [`${long}2`]: 0.1 },
      results: {
        [emoji]: [inference(0.1, -0.05, 0.25, 0.9), "inconclusive"],
        [`${long}1`]: [inference(0, -0.15, 0.15, 0.5), "inconclusive"],
        [`${long}2`]: tooFew(1, 2)
      }
    }),
    metric({ id: long, role: "secondary", means: {}, results: {} })
  ],
  {
    experiment: emoji,
    feature: rtl,
    findings: [{ code: "x", severity: "warning", sentence: `Unknown variant ${rtl}\r\n in ${long}.` }]
  }
)

export const all: Readonly<Record<string, ResultsSummary>> = {
  threeArms,
  srmAlarm,
  withheld,
  down,
  wide,
  many,
  hostile
}
