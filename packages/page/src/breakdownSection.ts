/** Results within parts of the identities. */
import type { Breakdown, MetricResult, ResultsSummary, Slice } from "@assay/model"
import { type Axis, axisFor, Numbers, own, quantilesUntold } from "@assay/report"
import type { VNode } from "preact"
import { armName, treatmentsOf } from "./arms.ts"
import { type Content, el, trusted } from "./html.ts"
import { badge, cell, figure, heading, row, rowHeading, section, unfold } from "./parts.ts"
import { drawingHeading, drawingsOf, evidenceOf, liftText, ofArms, withheldText } from "./scorecardSection.ts"
import { name, sentence, visible } from "./text.ts"

/** The name of a slice. */
export const sliceName = ({ other, value }: Slice): Content =>
  other === true
    ? el("span", { class: "quiet" }, "all others")
    : value === null
    ? el("span", { class: "quiet" }, "not known")
    : value === ""
    ? el("span", { class: "quiet" }, "empty")
    : name(value)

const partOf = (slice: Slice, metric: string) => slice.metrics.find(({ metric_id }) => metric_id === metric)

const axisOf = (breakdown: Breakdown, metric: string): Axis | undefined => {
  const intervals = breakdown.slices.flatMap((slice) =>
    Object.values(partOf(slice, metric)?.inference ?? {}).flatMap((inference) =>
      inference === null ? [] : [{ low: inference.ci_low, point: inference.lift, high: inference.ci_high }]
    )
  )
  return intervals.length === 0 ? undefined : axisFor(intervals, 1001)
}

const metricTable = (summary: ResultsSummary, breakdown: Breakdown, metric: MetricResult): VNode => {
  const axis = axisOf(breakdown, metric.metric_id)
  const evidence = evidenceOf(summary)
  const arms = treatmentsOf(summary)
  const drawings = drawingsOf(
    axis,
    breakdown.slices.flatMap((slice) => Object.values(partOf(slice, metric.metric_id)?.inference ?? {}))
      .flatMap((inference) => inference === null ? [] : [[inference, "var(--neutral)"] as const])
  )
  const rows = breakdown.slices.map((slice) => {
    const part = partOf(slice, metric.metric_id)
    const identities = Object.values(slice.identities).reduce((sum, n) => sum + n, 0)
    const mismatch = slice.srm_p_value !== null && slice.srm_p_value < summary.srm.alarm_below
    return el(
      "tbody",
      { role: "rowgroup" },
      el(
        "tr",
        { role: "row", class: "metric" },
        el(
          "th",
          { scope: "rowgroup", role: "rowheader", colspan: 5 },
          sliceName(slice),
          " ",
          el("span", { class: "quiet" }, `${Numbers.count(identities)} identities`),
          ...(mismatch ? [" ", badge("sample ratio mismatch", "alarm")] : [])
        )
      ),
      ...arms.map((arm) => {
        const inference = part === undefined ? undefined : own(part.inference, arm.key)
        if (inference === undefined || inference === null) {
          const withheld = part === undefined ? undefined : own(part.withheld, arm.key)
          return row(
            rowHeading(armName(arm)),
            cell(el("div", { class: "withheld" }, ...withheldText(summary, withheld)), { colspan: 4, class: "why" })
          )
        }
        const { interval, lift } = liftText(inference)
        return row(
          rowHeading(armName(arm)),
          figure(lift, "Lift"),
          figure(interval, evidence.interval),
          trusted("td", { role: "cell", class: "drawing" }, drawings.get(inference) ?? ""),
          figure(evidence.of(inference), evidence.title)
        )
      })
    )
  })
  return el(
    "table",
    { class: `score slices ${ofArms(summary)}`, role: "table", "aria-label": "Slices" },
    el(
      "thead",
      { role: "rowgroup" },
      row(
        heading("Slice"),
        heading("Lift", { class: "n" }),
        heading(evidence.interval, { class: "n" }),
        drawingHeading(axis),
        heading(evidence.title, { class: "n" })
      )
    ),
    ...rows
  )
}

const dimension = (summary: ResultsSummary, breakdown: Breakdown): VNode => {
  const goals = summary.metrics.filter(({ role }) => role === "goal")
  const ordered = [...goals, ...summary.metrics.filter(({ role }) => role !== "goal")]
    .filter(({ metric_id }) => breakdown.slices.some((slice) => partOf(slice, metric_id) !== undefined))
  const shown = breakdown.slices.filter(({ other }) => other !== true).length
  return el(
    "div",
    { class: "dimension" },
    el("h3", {}, "By ", name(breakdown.dimension)),
    el(
      "p",
      { class: "quiet" },
      breakdown.values > shown
        ? `The ${Numbers.count(shown)} largest of ${Numbers.count(breakdown.values)} values; the others are together.`
        : breakdown.values === 1
        ? "One value."
        : `${Numbers.count(breakdown.values)} values.`
    ),
    ...ordered.map((metric, i) =>
      unfold(name(metric.metric_id), { open: i === 0 }, metricTable(summary, breakdown, metric))
    )
  )
}

/** The section of breakdowns; nothing where the summary has none. */
export const breakdownSection = (summary: ResultsSummary): ReadonlyArray<VNode> => {
  const { breakdowns } = summary
  const untold = quantilesUntold(summary.metrics, "by slice", visible)
  return breakdowns === undefined || breakdowns.length === 0 ? [] : [
    section(
      "breakdowns",
      "Breakdowns",
      el(
        "p",
        { class: "quiet" },
        "By traits that identities had at their first exposure. Among many slices some differ by chance: a slice is a question for the next experiment, not a verdict."
      ),
      ...(untold === undefined ? [] : [el("p", { class: "quiet" }, sentence(untold))]),
      ...breakdowns.map((breakdown) => dimension(summary, breakdown))
    )
  ]
}
