/** A results summary as Markdown, for tickets and pull requests. */
import type { MetricResult, PartialMetric, ResultsSummary, Slice } from "@assay/model"
import { capSentence } from "./caps.ts"
import { visible as visibleCharacters } from "./Cells.ts"
import { dueIn } from "./forecast.ts"
import { headline } from "./headline.ts"
import * as Numbers from "./Numbers.ts"
import { own } from "./own.ts"
import { quantilesUntold } from "./quantiles.ts"
import { valueOf } from "./values.ts"
import { withheldSentence } from "./withheld.ts"

/** Foreign text as Markdown shows it: no mark-up, no HTML, no link, no line break. */
const plain = (text: string): string =>
  visibleCharacters(text.replace(/\s+/g, " "))
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("@", "&#64;").replaceAll("://", "&#58;//")
    .replace(/[\\`*_{}[\]>#+!|~]/g, "\\$&").replaceAll("&\\#", "&#")

const table = (headings: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => [
  `| ${headings.join(" | ")} |`,
  `| ${headings.map((_, i) => (i === 0 ? "---" : "---:")).join(" | ")} |`,
  ...rows.map((cells) => `| ${cells.join(" | ")} |`)
]

const roles = [["goal", "Goals"], ["secondary", "Secondary metrics"], ["guardrail", "Guardrails"]] as const

const instant = (text: string): string =>
  Number.isNaN(Date.parse(text))
    ? plain(text)
    : `${new Date(Date.parse(text)).toISOString().slice(0, 16).replace("T", " ")} UTC`

const rowsOf = (summary: ResultsSummary, metric: MetricResult): ReadonlyArray<ReadonlyArray<string>> => {
  const keys = [summary.control, ...summary.variants.map(({ key }) => key).filter((key) => key !== summary.control)]
  const means = keys.map((key) => valueOf(metric.estimand, own(metric.variants, key)))
  const size = Numbers.sizeOf(means.map((mean) => mean ?? 0))
  return keys.map((key, i) => {
    const mean = means[i]
    const inference = own(metric.inference, key)
    const withheld = own(metric.withheld, key)
    const due = withheld === undefined ? undefined : dueIn(withheld, summary)
    const value = mean === undefined ? "–" : Numbers.value(mean, size, metric.estimand)
    const name = i === 0 ? `**${plain(metric.metric_id)}**, ${plain(key)}` : plain(key)
    if (key === summary.control) return [name, value, "", "", "", ""]
    if (inference === undefined || inference === null) {
      const why = withheld === undefined ? "no result" : plain(withheldSentence(withheld, (text) => text))
      const when = due === undefined ? "" : ` In about ${Numbers.duration(Math.max(60_000, due))} at the rate so far.`
      return [name, value, "", "", "", `${own(metric.verdict, key) ?? "withheld"}: ${why}${when}`]
    }
    const { high, lift, low } = Numbers.lift(inference)
    const evidence = summary.engine.name === "frequentist" || summary.engine.name === "sequential"
      ? Numbers.pValue(inference.p_value)
      : Numbers.chance(inference.chance_to_win)
    return [name, value, `${lift} %`, `${low} … ${high} %`, evidence, own(metric.verdict, key) ?? ""]
  })
}

const comparisonOf = (part: PartialMetric | undefined, treatment: string): string => {
  const inference = own(part?.inference ?? {}, treatment)
  if (inference === undefined || inference === null) {
    const withheld = own(part?.withheld ?? {}, treatment)
    return withheld === undefined ? "–" : `withheld (${plain(withheld.reason.replaceAll("_", " "))})`
  }
  const { high, lift, low } = Numbers.lift(inference)
  return `${lift} % (${low} … ${high} %)`
}

const partOf = (parts: ReadonlyArray<PartialMetric>, { metric_id }: MetricResult): PartialMetric | undefined =>
  parts.find((part) => part.metric_id === metric_id)

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, n) => sum + n, 0)

/** The metrics that breakdowns and series are shown for: goals, or all where there is none. */
const chief = ({ metrics }: ResultsSummary): ReadonlyArray<MetricResult> => {
  const goals = metrics.filter(({ role }) => role === "goal")
  return goals.length === 0 ? metrics : goals
}

const treatments = ({ control, variants }: ResultsSummary): ReadonlyArray<string> =>
  variants.map(({ key }) => key).filter((key) => key !== control)

const sliceName = ({ other, value }: Slice): string =>
  other === true ? "all others" : value === null ? "not known" : value === "" ? "empty" : plain(value)

/** A paragraph of what there is to say. */
const sentences = (...all: ReadonlyArray<string | undefined>): string =>
  all.filter((one) => one !== undefined).join(" ")

const breakdowns = (summary: ResultsSummary): ReadonlyArray<string> =>
  (summary.breakdowns ?? []).flatMap(({ dimension, slices }) => [
    "",
    `## By ${plain(dimension)}`,
    "",
    ...table(
      [
        "slice",
        "identities",
        ...chief(summary).flatMap(({ metric_id }) =>
          treatments(summary).map((key) => `${plain(metric_id)}, ${plain(key)}`)
        )
      ],
      slices.map((slice) => [
        sliceName(slice),
        Numbers.count(total(slice.identities)),
        ...chief(summary).flatMap((metric) =>
          treatments(summary).map((key) => comparisonOf(partOf(slice.metrics, metric), key))
        )
      ])
    ),
    "",
    sentences(
      "Lift and interval within each slice. Among many slices some differ by chance.",
      quantilesUntold(chief(summary), "by slice", plain)
    )
  ])

/** So many periods are shown, the newest; a page or CSV has them all. */
const MOST_PERIODS = 14

const overTime = (summary: ResultsSummary): ReadonlyArray<string> => {
  const { series } = summary
  if (series === undefined || series.points.length === 0) return []
  const rows = series.points.map(({ identities, metrics, quarantined, until }, i) => {
    const before = series.points[i - 1]
    return [
      instant(until),
      Numbers.count(total(identities) - total(before?.identities ?? {})),
      Numbers.count(quarantined - (before?.quarantined ?? 0)),
      ...chief(summary).flatMap((metric) =>
        treatments(summary).map((key) => comparisonOf(partOf(metrics, metric), key))
      )
    ]
  })
  return [
    "",
    "## Over time",
    "",
    ...table(
      [
        `${series.period} until`,
        "new identities",
        "in several variants",
        ...chief(summary).flatMap(({ metric_id }) =>
          treatments(summary).map((key) => `${plain(metric_id)}, ${plain(key)}`)
        )
      ],
      rows.slice(-MOST_PERIODS)
    ),
    "",
    sentences(
      "Lift and interval are cumulative from the start.",
      rows.length > MOST_PERIODS
        ? `The first ${rows.length - MOST_PERIODS} ${series.period}s aren't shown.`
        : undefined,
      quantilesUntold(chief(summary), "over time, but at the end", plain)
    )
  ]
}

/** The summary as Markdown: decision or headline with reasons, arms, metrics by role, slices, series, findings, provenance. */
export const markdown = (summary: ResultsSummary): string => {
  const { decision, engine, provenance, srm } = summary
  const level = `${Number((engine.confidence * 100).toPrecision(4))} %`
  const evidence = engine.name === "frequentist" ? "p-value" : engine.name === "sequential" ? "p, any time" : "to win"
  const p = summary.srm_p_value === null ? "" : `, ${Numbers.pValue(summary.srm_p_value)}`
  const ratio = srm.status === "mismatch" ? "**mismatch**" : srm.status === "ok" ? "no mismatch" : "not checked"
  return [
    `# ${plain(summary.experiment)}`,
    "",
    ...(summary.description === undefined ? [] : [plain(summary.description), ""]),
    `${summary.state} · environment ${plain(summary.environment)} · feature ${plain(summary.feature)} · ${
      instant(summary.window.from)
    } to ${instant(summary.window.to)} · as of ${instant(summary.as_of)}`,
    "",
    ...(decision === undefined
      ? [`**${plain(headline(summary, (text) => text).text)}**`]
      : [
        `**${decision.decision}${decision.variant === null ? "" : ` ${plain(decision.variant)}`}**`,
        "",
        ...decision.reasons.map(({ sentence }) => `- ${plain(sentence)}`),
        ...decision.treatments.filter((one) => one.decision !== decision.decision).map((one) =>
          `- ${plain(one.variant)}: ${one.decision}. ${plain(one.reasons[0].sentence)}`
        )
      ]),
    "",
    "## Arms",
    "",
    ...table(
      ["arm", "identities", "share", "planned"],
      summary.variants.map(({ expected_share, key, n, share }) => [
        plain(key),
        Numbers.count(n),
        share === null ? "–" : Numbers.share(share),
        expected_share === null ? "–" : Numbers.share(expected_share)
      ])
    ),
    "",
    `Sample ratio: ${ratio}${p}. In several variants, hence in no arm: ${Numbers.count(summary.quarantined)}.`,
    ...roles.flatMap(([role, title]) => {
      const metrics = summary.metrics.filter((metric) => metric.role === role)
      return metrics.length === 0 ? [] : [
        "",
        `## ${title}`,
        "",
        ...table(
          ["metric and arm", "value", "lift", `${level} interval`, evidence, "verdict"],
          metrics.flatMap((metric) => rowsOf(summary, metric))
        ),
        ...metrics.flatMap((metric) => {
          const cap = capSentence(summary, metric, plain)
          return cap === undefined ? [] : ["", `${plain(metric.metric_id)}: ${cap}`]
        })
      ]
    }),
    ...breakdowns(summary),
    ...overTime(summary),
    ...(summary.findings.length === 0 ? [] : [
      "",
      "## Data quality",
      "",
      ...summary.findings.map(({ sentence, severity }) => `- ${severity}: ${plain(sentence)}`)
    ]),
    "",
    `Run ${plain(provenance.run_id)} · Assay ${plain(provenance.assay_version)} · engine ${
      plain(engine.name)
    } · statement ${plain(provenance.statement_hash)}`,
    ""
  ].join("\n")
}
