/** Whether the data can be believed: the sample-ratio check with its cause, and all findings. */
import type { Finding, ResultsSummary } from "@assay/model"
import { Numbers, own, withheldSentence } from "@assay/report"
import type { VNode } from "preact"
import { armName, armsOf } from "./arms.ts"
import { sliceName } from "./breakdownSection.ts"
import { type Content, el } from "./html.ts"
import { badge, section, table, type Tone, unfold } from "./parts.ts"
import { name, sentence, visible } from "./text.ts"
import { srmBadge } from "./verdictSection.ts"

const severities: Readonly<Record<Finding["severity"], readonly [string, Tone, number]>> = {
  alarm: ["alarm", "alarm", 0],
  warning: ["warning", "warn", 1],
  info: ["info", "quiet", 2]
}

const methods = { chi2: "χ² test", exact: "exact test", "monte-carlo": "Monte-Carlo test" } as const

const finding = (one: Finding): VNode => {
  const [word, tone] = severities[one.severity]
  return el(
    "li",
    {},
    badge(word, tone),
    el(
      "div",
      {},
      el("p", {}, sentence(one.sentence)),
      el(
        "p",
        { class: "quiet" },
        el("code", {}, visible(one.code)),
        ...(one.metric_id === undefined ? [] : [" · metric ", name(one.metric_id)]),
        ...(one.variant === undefined ? [] : [" · variant ", name(one.variant)]),
        ...(one.count === undefined
          ? []
          : [` · ${Numbers.count(one.count)}${one.of === undefined ? "" : ` of ${Numbers.count(one.of)}`}`])
      )
    )
  )
}

/** Slices whose sample ratio is off: where a mismatch comes from. */
const located = (summary: ResultsSummary): ReadonlyArray<Content> =>
  (summary.breakdowns ?? []).flatMap(({ dimension, slices }) =>
    slices.filter(({ srm_p_value }) => srm_p_value !== null && srm_p_value < summary.srm.alarm_below).map((slice) =>
      el("li", {}, name(dimension), " = ", sliceName(slice), `, ${Numbers.pValue(slice.srm_p_value!)}`)
    )
  )

const srmDetails = (summary: ResultsSummary): VNode => {
  const { srm } = summary
  const arms = armsOf(summary)
  const byKey = new Map(summary.variants.map((variant) => [variant.key, variant]))
  const total = summary.variants.reduce((sum, { n }) => sum + n, 0)
  const places = located(summary)
  const planned = (share: number | null | undefined): string =>
    share === null || share === undefined ? "–" : Numbers.count(Math.round(share * total))
  const p = srm.p_value === null ? "no p-value" : Numbers.pValue(srm.p_value)
  return el(
    "div",
    { class: "srm" },
    el("h3", {}, "Sample ratio"),
    el(
      "p",
      {},
      srmBadge(summary),
      " ",
      srm.withheld === undefined
        ? `${p}; the alarm is below ${srm.alarm_below}.`
        : sentence(withheldSentence(srm.withheld, visible))
    ),
    ...(srm.status === "mismatch"
      ? [
        el(
          "p",
          {},
          "The arms don't have the sizes that were planned. Something keeps identities out of an arm, so the arms can't be compared until it is found."
        )
      ]
      : []),
    ...(places.length === 0
      ? []
      : [el("p", {}, "It is off in these parts of the identities:"), el("ul", {}, ...places)]),
    unfold(
      "Details of the check",
      { open: srm.status === "mismatch" },
      table(
        "Identities against the plan",
        ["Arm", "Identities", "Planned", "Residual"],
        arms.map((arm) => {
          const variant = byKey.get(arm.key)
          const residual = own(srm.residuals ?? {}, arm.key)
          return [
            armName(arm),
            variant === undefined ? "–" : Numbers.count(variant.n),
            planned(variant?.expected_share),
            residual === undefined ? "–" : String(Number(residual.toPrecision(3))).replace("-", "−")
          ]
        })
      ),
      el(
        "p",
        { class: "quiet" },
        [
          srm.method === undefined ? undefined : methods[srm.method],
          srm.statistic === null ? undefined : `statistic ${Number(srm.statistic.toPrecision(4))}`,
          `${srm.degrees_of_freedom} ${srm.degrees_of_freedom === 1 ? "degree" : "degrees"} of freedom`,
          srm.p_value_error === undefined ? undefined : `standard error of p ${srm.p_value_error.toPrecision(2)}`,
          srm.sequential === undefined
            ? undefined
            : `valid at every look: ${Numbers.pValue(srm.sequential.p_value)}`
        ].filter((part) => part !== undefined).join(" · ")
      )
    )
  )
}

/** The section about the data. */
export const qualitySection = (summary: ResultsSummary): VNode => {
  const findings = summary.findings.toSorted((a, b) => severities[a.severity][2] - severities[b.severity][2])
  return section(
    "quality",
    "Sample ratio and data quality",
    srmDetails(summary),
    el("h3", {}, "Findings"),
    findings.length === 0
      ? el("p", { class: "quiet" }, "Nothing was found.")
      : el("ul", { class: "findings" }, ...findings.map(finding))
  )
}
