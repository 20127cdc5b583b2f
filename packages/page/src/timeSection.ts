/** How the results came about: new identities per period, and lifts with their bands. */
import type { ResultsSummary, Series } from "@assay/model"
import { Numbers, own, quantilesUntold } from "@assay/report"
import type { VNode } from "preact"
import { type Arm, armName, armsOf, treatmentsOf } from "./arms.ts"
import { type Content, el, trusted } from "./html.ts"
import { section, table, unfold } from "./parts.ts"
import { liftText } from "./scorecardSection.ts"
import { clock, day, name, sentence, visible } from "./text.ts"
import { exposuresChart, liftChart, newIdentities, newQuarantined } from "./timeline.ts"

const legend = (arms: ReadonlyArray<Arm>, ...further: ReadonlyArray<Content>): VNode =>
  el("ul", { class: "legend" }, ...arms.map((arm) => el("li", {}, armName(arm))), ...further)

/** The end of a period: its last day, or its hour. */
const periodEnd = (series: Series, until: string): string =>
  series.period === "day"
    ? day(new Date(Date.parse(until) - 1).toISOString())
    : `${day(until)} ${clock(until)}`

const exposures = (summary: ResultsSummary, series: Series): VNode => {
  const arms = armsOf(summary)
  const counts = arms.map(({ key }) => newIdentities(series, key))
  const quarantined = newQuarantined(series)
  return el(
    "figure",
    {},
    el("figcaption", {}, `New identities per ${series.period}`),
    legend(
      arms,
      ...(summary.quarantined > 0
        ? [el("li", { class: "quarantined" }, "in several variants")]
        : [])
    ),
    trusted("div", { class: "chart" }, exposuresChart(summary, series)),
    unfold(
      "Figures",
      {},
      table(
        `New identities per ${series.period}, and all so far`,
        [series.period, ...arms.map(armName), "in several", "all so far"],
        series.points.map((point, i) => [
          periodEnd(series, point.until),
          ...counts.map((count) => Numbers.count(count[i]!.n)),
          Numbers.count(quarantined[i]!.n),
          Numbers.count(arms.reduce((sum, { key }) => sum + (own(point.identities, key) ?? 0), 0))
        ])
      )
    )
  )
}

const lift = (summary: ResultsSummary, series: Series, metric: string): ReadonlyArray<VNode> => {
  const chart = liftChart(summary, series, metric)
  const arms = treatmentsOf(summary)
  return chart === undefined ? [] : [
    el(
      "figure",
      {},
      el("figcaption", {}, "Cumulative lift, ", name(metric)),
      legend(arms),
      trusted("div", { class: "chart" }, chart),
      unfold(
        ["Figures", el("span", { class: "hidden" }, " of ", name(metric))],
        {},
        table(
          `Cumulative lift at the end of each ${series.period}`,
          [series.period, ...arms.map(armName)],
          series.points.map((point) => [
            periodEnd(series, point.until),
            ...arms.map(({ key }) => {
              const part = point.metrics.find(({ metric_id }) => metric_id === metric)
              if (part === undefined) return "not told"
              const inference = own(part.inference, key)
              if (inference === undefined || inference === null) return "withheld"
              const { interval, lift } = liftText(inference)
              return `${lift} (${interval})`
            })
          ])
        )
      )
    )
  ]
}

/** The section over time; nothing where the summary has no series. */
export const timeSection = (summary: ResultsSummary): ReadonlyArray<VNode> => {
  const { series } = summary
  if (series === undefined || series.points.length === 0) return []
  const charts = (goal: boolean): ReadonlyArray<VNode> =>
    summary.metrics.filter(({ role }) => (role === "goal") === goal)
      .flatMap(({ metric_id }) => lift(summary, series, metric_id))
  const others = charts(false)
  const untold = quantilesUntold(summary.metrics, "over time, but at the end", visible)
  return [
    section(
      "time",
      "Over time",
      ...(untold === undefined ? [] : [el("p", { class: "quiet" }, sentence(untold))]),
      el("div", { class: "figures" }, exposures(summary, series), ...charts(true)),
      ...(others.length === 0
        ? []
        : [unfold(`Lifts of the other metrics (${others.length})`, {}, el("div", { class: "figures" }, ...others))])
    )
  ]
}
