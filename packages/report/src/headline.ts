/** What a person wants to know first, in a sentence. */
import type { MetricResult, ResultsSummary, VerdictWord } from "@assay/model"
import * as Cells from "./Cells.ts"
import * as Numbers from "./Numbers.ts"
import { own } from "./own.ts"
import { withheldSentence } from "./withheld.ts"

/** How urgent the headline is, for its colour. */
export type Tone = "alarm" | "good" | "bad" | "neutral"

/** The one sentence about a summary that has no decision. */
export interface Headline {
  readonly text: string
  readonly tone: Tone
}

const nameLength = 40

const list = (parts: ReadonlyArray<string>): string =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`

/**
 * The headline of a summary. In this order: an alarm (nothing below it is to be trusted), who is winning or
 * losing on a goal or losing on a guardrail, data still being collected, nothing decided. `name` writes keys of variants and
 * metrics.
 */
export const headline = (summary: ResultsSummary, visible: (text: string) => string): Headline => {
  const name = (text: string): string => Cells.shorten(visible(text), nameLength)
  const treatments = summary.variants.filter(({ key }) => key !== summary.control)
  const withRole = (role: MetricResult["role"]): ReadonlyArray<MetricResult> =>
    summary.metrics.filter((metric) => metric.role === role)
  const goals = withRole("goal")
  const verdicts = summary.metrics.flatMap((metric) => treatments.map(({ key }) => own(metric.verdict, key)))

  if (summary.srm.status === "mismatch") {
    const p = summary.srm.p_value === null ? "" : ` (${Numbers.pValue(summary.srm.p_value)})`
    return { text: `Do not trust these results: sample ratio mismatch${p}.`, tone: "alarm" }
  }
  const alarm = summary.findings.find(({ severity }) => severity === "alarm")
  if (alarm !== undefined) return { text: `Do not trust these results: ${visible(alarm.sentence)}`, tone: "alarm" }
  if (verdicts.includes("not to be trusted")) return { text: "Do not trust these results.", tone: "alarm" }

  const metricsWhere = (metrics: ReadonlyArray<MetricResult>, treatment: string, word: VerdictWord): string =>
    list(metrics.filter(({ verdict }) => own(verdict, treatment) === word).map(({ metric_id }) => name(metric_id)))
  const parts = treatments.flatMap(({ key }) => {
    const wins = metricsWhere(goals, key, "winning")
    const losses = [
      [metricsWhere(goals, key, "losing"), "goal"],
      [metricsWhere(withRole("guardrail"), key, "losing"), "guardrail"]
    ].filter(([metrics]) => metrics !== "").map(([metrics, role]) => `losing on ${metrics} (${role})`)
    const said = [...(wins === "" ? [] : [`winning on ${wins} (goal)`]), ...losses]
    if (said.length === 0) return []
    const text = wins === "" ? list(said) : said.join(", but ")
    return [{ text: `${name(key)} is ${text}`, bad: losses.length > 0 }]
  })
  if (parts.length > 0) {
    return { text: `${parts.map(({ text }) => text).join("; ")}.`, tone: parts.some(({ bad }) => bad) ? "bad" : "good" }
  }

  const judged = goals.length > 0 ? goals : summary.metrics
  const waiting = judged.flatMap((metric) => treatments.map(({ key }) => own(metric.withheld, key)))
  const reason = waiting.find((withheld) => withheld !== undefined)
  if (reason !== undefined && waiting.every((withheld) => withheld !== undefined)) {
    const word = verdicts.includes("collecting data") ? "Collecting data" : "No result"
    return { text: `${word}: ${withheldSentence(reason, visible)}`, tone: "neutral" }
  }
  if (goals.length === 0) return { text: "Nothing to decide: the experiment has no goal.", tone: "neutral" }
  if (goals.every(({ direction }) => direction === "informational")) {
    return { text: "Nothing to decide: every goal is informational.", tone: "neutral" }
  }
  return {
    text: `Inconclusive${summary.state === "running" ? " so far" : ""}: no treatment is winning or losing on a goal.`,
    tone: "neutral"
  }
}
