/** Many results at a glance: a line each. */
import type { ResultsSummary, VerdictWord } from "@assay/model"

const order: ReadonlyArray<VerdictWord> = [
  "not to be trusted",
  "winning",
  "losing",
  "inconclusive",
  "collecting data",
  "informational"
]

/** What a summary says in a few words: its decision, or the goals' verdicts, the most telling first. */
export const headline = (summary: ResultsSummary): string => {
  const { decision } = summary
  if (decision !== undefined) return `${decision.decision}${decision.variant === null ? "" : ` ${decision.variant}`}`
  const goals = summary.metrics.filter((metric) => metric.role === "goal")
  const metrics = goals.length > 0 ? goals : summary.metrics
  const words = metrics.flatMap((metric) =>
    Object.entries(metric.verdict).map(([treatment, word]) => ({ metric: metric.metric_id, treatment, word }))
  )
  const [first] = words.toSorted((a, b) => order.indexOf(a.word) - order.indexOf(b.word))
  if (first === undefined) return "no comparison"
  return first.word === "winning" || first.word === "losing"
    ? `${first.treatment} ${first.word} on ${first.metric}`
    : first.word
}

const visible = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}]/gu, "?")

/** A line per experiment: state, identities in arms, sample ratio, headline. */
export const overview = (summaries: ReadonlyArray<ResultsSummary>): string =>
  summaries.map((summary) => {
    const n = summary.variants.reduce((total, variant) => total + variant.n, 0)
    const preview = summary.preview === undefined ? "" : "PREVIEW, "
    const srm = summary.srm.status === "mismatch" ? "  SAMPLE RATIO MISMATCH" : ""
    return visible(
      `${summary.experiment}  ${preview}${summary.state}, ${n.toLocaleString("en-US")} identities: ${
        headline(summary)
      }${srm}`
    )
  }).join("\n")
