/** All metrics: what each says about each treatment, on one axis. */
import type { MetricResult, ResultsSummary, VerdictWord, WireInference, WireWithheld } from "@assay/model"
import { type Axis, axisFor, capSentence, dueIn, Numbers, own, valueOf, withheldSentence } from "@assay/report"
import type { VNode } from "preact"
import { type Arm, armName, armsOf, treatmentsOf } from "./arms.ts"
import { type Content, el, trusted } from "./html.ts"
import { axisChart, intervalCharts } from "./intervals.ts"
import { badge, cell, figure, heading, row, rowHeading, rowOf, section, table, type Tone, unfold } from "./parts.ts"
import { name, sentence, visible } from "./text.ts"

const roles = [["goal", "Goals"], ["secondary", "Secondary metrics"], ["guardrail", "Guardrails"]] as const

const directions = { up: "up is good", down: "down is good", informational: "for information" } as const

export const verdictTones: Readonly<Record<VerdictWord, Tone>> = {
  winning: "good",
  losing: "bad",
  inconclusive: "neutral",
  "collecting data": "quiet",
  "not to be trusted": "alarm",
  informational: "quiet"
}

const colours: Readonly<Record<Tone, string>> = {
  good: "var(--good)",
  bad: "var(--bad)",
  warn: "var(--warn)",
  alarm: "var(--quiet)",
  neutral: "var(--neutral)",
  quiet: "var(--neutral)"
}

/** The colour of an interval with this verdict. */
export const intervalColour = (word: VerdictWord | undefined): string => colours[verdictTones[word ?? "inconclusive"]]

/** What the engine adds to the interval: one column, named and explained by the engine. */
interface Evidence {
  readonly title: string
  readonly interval: string
  readonly of: (inference: WireInference) => string
  readonly legend: string
}

const p = (x: number): string => Numbers.pValue(x).replace(/^p = /, "").replace(/^p /, "")

/** The evidence as the summary's engine gives it: a chance to win, a p-value, or one that holds at every look. */
export const evidenceOf = ({ engine }: ResultsSummary): Evidence => {
  const level = `${Number((engine.confidence * 100).toPrecision(4))} %`
  if (engine.name === "sequential") {
    return {
      title: "p, any time",
      interval: `${level} sequence`,
      of: ({ p_value }) => p(p_value),
      legend:
        `Bounds are ${level} confidence sequences: they hold at every look, however often you look. The p-value is always valid, too.`
    }
  }
  if (engine.name === "frequentist") {
    return {
      title: "p-value",
      interval: `${level} interval`,
      of: ({ p_value }) => p(p_value),
      legend:
        `Intervals are ${level} confidence intervals; they exclude 0 exactly when the test of no difference rejects.`
    }
  }
  return {
    title: "To win",
    interval: `${level} interval`,
    of: ({ chance_to_win }) => Numbers.chance(chance_to_win),
    legend:
      `Intervals hold the lift with ${level} probability. To win: the chance that the treatment is better than the control, in the metric's direction.`
  }
}

/** A lift with its bounds as text. */
export const liftText = (inference: WireInference): { readonly lift: string; readonly interval: string } => {
  const { high, lift, low } = Numbers.lift(inference)
  return { lift: `${lift} %`, interval: `${low} … ${high} %` }
}

/** Why a number isn't there, what is missing, and when it will come. */
export const withheldText = (summary: ResultsSummary, withheld: WireWithheld | undefined): ReadonlyArray<Content> => {
  if (withheld === undefined) return ["No result."]
  const due = dueIn(withheld, summary)
  return [
    sentence(withheldSentence(withheld, visible)),
    ...(withheld.need > 0 && withheld.have < withheld.need
      ? [
        el("meter", {
          class: "missing",
          min: 0,
          max: withheld.need,
          value: withheld.have,
          "aria-label": `${Numbers.count(withheld.have)} of ${Numbers.count(withheld.need)}`
        })
      ]
      : []),
    ...(due === undefined ? [] : [
      el("span", { class: "quiet" }, `At the rate so far, in about ${Numbers.duration(Math.max(due, 60_000))}.`)
    ])
  ]
}

/** The axis that all intervals of a summary are drawn on; nothing where every one is withheld. */
export const axisOf = (summary: ResultsSummary): Axis | undefined => {
  const intervals = summary.metrics.flatMap((metric) =>
    treatmentsOf(summary).flatMap(({ key }) => {
      const inference = own(metric.inference, key)
      return inference === undefined || inference === null
        ? []
        : [{ low: inference.ci_low, point: inference.lift, high: inference.ci_high }]
    })
  )
  return intervals.length === 0 ? undefined : axisFor(intervals, 1001)
}

/** The heading above the drawings: the axis, and a word for those who don't see it. */
export const drawingHeading = (axis: Axis | undefined): VNode =>
  el(
    "th",
    { scope: "col", role: "columnheader", class: "drawing" },
    el("span", { class: "hidden" }, "Drawing"),
    ...(axis === undefined ? [] : [trusted("div", {}, axisChart(axis))])
  )

/** The class of a scorecard by its arms, by which the style knows how high a metric will be. */
export const ofArms = (summary: ResultsSummary): string => `of-${armsOf(summary).length}`

/** The drawing of each inference. */
type Drawings = ReadonlyMap<WireInference, string>

/** The drawings of these inferences on an axis, each in its colour. */
export const drawingsOf = (
  axis: Axis | undefined,
  inferences: ReadonlyArray<readonly [WireInference, colour: string]>
): Drawings => {
  if (axis === undefined) return new Map()
  const charts = intervalCharts(
    axis,
    inferences.map(([{ ci_high, ci_low, lift }, colour]) => ({ low: ci_low, point: lift, high: ci_high, colour }))
  )
  return new Map(inferences.map(([inference], i) => [inference, charts[i]!]))
}

const armRow = (
  summary: ResultsSummary,
  metric: MetricResult,
  arm: Arm,
  drawings: Drawings,
  size: number
): VNode => {
  const mean = valueOf(metric.estimand, own(metric.variants, arm.key))
  const value = figure(mean === undefined ? "–" : Numbers.value(mean, size, metric.estimand), "Value")
  const title = rowHeading(
    armName(arm),
    ...(arm.control && arm.key !== "control" ? [el("span", { class: "quiet" }, " control")] : [])
  )
  if (arm.control) return rowOf("control", title, value)
  const inference = own(metric.inference, arm.key)
  const word = own(metric.verdict, arm.key)
  const verdict = cell(word === undefined ? "" : badge(word, verdictTones[word]), { class: "word" })
  if (inference === undefined || inference === null) {
    return row(
      title,
      value,
      cell(el("div", { class: "withheld" }, ...withheldText(summary, own(metric.withheld, arm.key))), {
        colspan: 4,
        class: "why"
      }),
      verdict
    )
  }
  const { interval, lift } = liftText(inference)
  const evidence = evidenceOf(summary)
  return row(
    title,
    value,
    figure(lift, "Lift"),
    figure(interval, evidence.interval),
    trusted("td", { role: "cell", class: "drawing" }, drawings.get(inference) ?? ""),
    figure(evidence.of(inference), evidence.title),
    verdict
  )
}

const signedPercent = (x: number): string => `${Numbers.lift({ lift: x, ci_low: x, ci_high: x }).lift} %`

/** What an inference holds beyond lift and interval, as pairs of a name and a text. */
const further = (inference: WireInference): ReadonlyArray<readonly [string, string]> => {
  const { adjusted, adjustment, chance_to_be_best, expected_loss, log_e, margin, shrunk_lift } = inference
  const precise = (x: number): string => String(Number(x.toPrecision(6)))
  return [
    ["difference", precise(inference.difference)],
    ["its interval", `${precise(inference.difference_ci_low)} … ${precise(inference.difference_ci_high)}`],
    ["standard error", precise(inference.standard_error)],
    ["p-value", p(inference.p_value)],
    ["chance to win", Numbers.chance(inference.chance_to_win)],
    ...(log_e === undefined ? [] : [["e-value (natural log)", precise(log_e)] as const]),
    ...(adjusted === undefined ? [] : [
      [
        `p, corrected (${visible(adjusted.method)}, ${adjusted.comparisons} ${
          adjusted.comparisons === 1 ? "comparison" : "comparisons"
        })`,
        p(adjusted.p_value)
      ] as const,
      ...(adjusted.ci_low === null || adjusted.ci_high === null
        ? []
        : [
          [
            "interval, corrected",
            `${signedPercent(adjusted.ci_low)} … ${signedPercent(adjusted.ci_high)}`
          ] as const
        ])
    ]),
    ...(shrunk_lift === undefined ? [] : [["lift, shrunk", signedPercent(shrunk_lift)] as const]),
    ...(expected_loss === undefined ? [] : [
      ["expected loss if chosen", signedPercent(expected_loss.treatment)] as const,
      ["expected loss of the control", signedPercent(expected_loss.control)] as const
    ]),
    ...(chance_to_be_best === undefined ? [] : [["chance to be best", Numbers.chance(chance_to_be_best)] as const]),
    ...(margin === undefined ? [] : [
      [
        `margin ${margin.on === "relative" ? signedPercent(margin.value) : precise(margin.value)}`,
        `${margin.holds ? "holds" : "doesn't hold"}, p ${p(margin.p_value)}`
      ] as const
    ]),
    ...(adjustment === undefined
      ? []
      : adjustment.fallback === undefined
      ? [
        ["covariate, θ", precise(adjustment.theta)] as const,
        ["covariate, variance explained", Numbers.share(adjustment.variance_reduction)] as const
      ]
      : [["covariate, not used", visible(adjustment.fallback)] as const])
  ]
}

/** The moments and every figure of a metric, to unfold. */
const raw = (summary: ResultsSummary, metric: MetricResult): VNode => {
  const { cap, covariate, immature, reported } = metric
  const arms = armsOf(summary)
  const headings = arms.map(armName)
  const precise = (x: number | undefined): string => (x === undefined ? "–" : String(Number(x.toPrecision(12))))
  const perArm = (record: Readonly<Record<string, number>>): ReadonlyArray<string> =>
    arms.map(({ key }) => precise(own(record, key)))
  const moments = ([
    "n",
    "sum",
    "sum_squares",
    "mean",
    "variance",
    "denominator_sum",
    "denominator_sum_squares",
    "sum_products"
  ] as const)
    .filter((field) => arms.some(({ key }) => own(metric.variants, key)?.[field] !== undefined))
    .map((
      field
    ) => [field.replaceAll("_", " "), ...arms.map(({ key }) => precise(own(metric.variants, key)?.[field]))])
  const uncapped = cap === undefined
    ? []
    : [
      ["identities capped", ...perArm(cap.capped)],
      ["mean without the cap", ...arms.map(({ key }) => precise(own(cap.uncapped, key)?.mean))]
    ]
  const facts = covariate === undefined ? [] : [`Covariate: ${visible(covariate.source)}.`]
  return unfold(
    ["Raw numbers", el("span", { class: "hidden" }, " of ", name(metric.metric_id))],
    { class: "raw" },
    table("Each arm, and each treatment against the control", ["Number", ...headings], [
      ...moments,
      ...uncapped,
      ...(immature === undefined ? [] : [["identities not old enough", ...perArm(immature)]]),
      ...(covariate === undefined ? [] : [["identities without covariate", ...perArm(covariate.missing)]]),
      ...(reported ?? []).map((one) => [
        name(one.name),
        ...arms.map(({ key }) => precise(own(one.values, key) ?? undefined))
      ]),
      ...against(metric, arms)
    ]),
    ...facts.map((fact) => el("p", { class: "quiet" }, fact))
  )
}

/** Every figure of the comparisons with the control: a row each, with a cell for each arm. */
const against = (metric: MetricResult, arms: ReadonlyArray<Arm>): ReadonlyArray<ReadonlyArray<string>> => {
  const figures = arms.map(({ key }) => {
    const inference = own(metric.inference, key)
    return new Map(inference === undefined || inference === null ? [] : further(inference))
  })
  const terms = new Set(figures.flatMap((one) => [...one.keys()]))
  return [...terms].map((term) => [term, ...figures.map((one) => one.get(term) ?? "–")])
}

const immatureText = (metric: MetricResult): ReadonlyArray<Content> => {
  const total = Object.values(metric.immature ?? {}).reduce((sum, n) => sum + n, 0)
  return total > 0
    ? [
      el(
        "p",
        { class: "quiet" },
        `${Numbers.count(total)} identities aren't old enough for its window yet; they count nowhere.`
      )
    ]
    : []
}

const capText = (summary: ResultsSummary, metric: MetricResult): ReadonlyArray<Content> => {
  const text = capSentence(summary, metric, visible)
  return text === undefined ? [] : [el("p", { class: "quiet" }, sentence(text))]
}

const metricRows = (summary: ResultsSummary, metric: MetricResult, drawings: Drawings): VNode => {
  const arms = armsOf(summary)
  const size = Numbers.sizeOf(arms.flatMap(({ key }) => valueOf(metric.estimand, own(metric.variants, key)) ?? []))
  return el(
    "tbody",
    { role: "rowgroup" },
    el(
      "tr",
      { role: "row", class: "metric" },
      el(
        "th",
        { scope: "rowgroup", role: "rowheader", colspan: 7 },
        el("span", { class: "metric-name" }, name(metric.metric_id)),
        " ",
        el(
          "span",
          { class: "quiet" },
          sentence(metric.aggregation),
          metric.display?.unit === undefined ? "" : [", in ", sentence(metric.display.unit)],
          `, ${directions[metric.direction]}`
        ),
        ...(metric.description === undefined ? [] : [el("p", { class: "description" }, sentence(metric.description))]),
        ...immatureText(metric),
        ...capText(summary, metric)
      )
    ),
    ...arms.map((arm) => armRow(summary, metric, arm, drawings, size)),
    el("tr", { role: "row", class: "more" }, el("td", { role: "cell", colspan: 7 }, raw(summary, metric)))
  )
}

/** The scorecard: a table per role, every metric in it, all on one axis. */
export const scorecardSection = (summary: ResultsSummary): VNode => {
  const axis = axisOf(summary)
  const evidence = evidenceOf(summary)
  const drawing = drawingHeading(axis)
  const drawings = drawingsOf(
    axis,
    summary.metrics.flatMap((metric) =>
      treatmentsOf(summary).flatMap(({ key }) => {
        const inference = own(metric.inference, key)
        return inference === undefined || inference === null
          ? []
          : [[inference, intervalColour(own(metric.verdict, key))] as const]
      })
    )
  )
  const tables = roles.flatMap(([role, title]) => {
    const metrics = summary.metrics.filter((metric) => metric.role === role)
    return metrics.length === 0 ? [] : [
      el(
        "table",
        { class: `score ${ofArms(summary)}`, role: "table", "aria-label": title },
        el(
          "thead",
          { role: "rowgroup" },
          row(
            heading(title, { class: "role" }),
            heading("Value", { class: "n" }),
            heading("Lift", { class: "n" }),
            heading(evidence.interval, { class: "n" }),
            drawing,
            heading(evidence.title, { class: "n" }),
            heading("Verdict")
          )
        ),
        ...metrics.map((metric) => metricRows(summary, metric, drawings))
      )
    ]
  })
  return section(
    "scorecard",
    "Scorecard",
    el("p", { class: "quiet" }, evidence.legend),
    ...tables
  )
}
