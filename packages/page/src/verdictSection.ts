/** What to do, and why. */
import type { Decision, DecisionWord, PlanState, Reason, ResultsSummary } from "@assay/model"
import { headline, Numbers } from "@assay/report"
import type { VNode } from "preact"
import { armName, armsOf } from "./arms.ts"
import { type Content, el } from "./html.ts"
import { badge, section, type Tone } from "./parts.ts"
import { name, sentence, time, visible } from "./text.ts"

const tones: Readonly<Record<DecisionWord, Tone>> = {
  ship: "good",
  "do not ship": "bad",
  "keep running": "neutral",
  "do not trust": "alarm"
}

const words: Readonly<Record<DecisionWord, string>> = {
  ship: "Ship",
  "do not ship": "Do not ship",
  "keep running": "Keep running",
  "do not trust": "Do not trust these results"
}

/** What the summary says in one line, and in which tone: its decision where it has one, else the headline of its verdicts. */
export const verdictOf = (summary: ResultsSummary): { readonly text: string; readonly tone: Tone } => {
  const { decision } = summary
  if (decision === undefined) return headline(summary, visible)
  const variant = decision.variant === null ? "" : ` ${visible(decision.variant)}`
  return { text: `${words[decision.decision]}${variant}`, tone: tones[decision.decision] }
}

const reasons = (list: ReadonlyArray<Reason>): VNode =>
  el("ul", { class: "reasons" }, ...list.map((reason) => el("li", {}, sentence(reason.sentence))))

/** Whether two lists of reasons say the same. */
const isSame = (some: ReadonlyArray<Reason>, others: ReadonlyArray<Reason>): boolean =>
  some.length === others.length && some.every(({ sentence }, i) => sentence === others[i]?.sentence)

const designs = {
  fixed: "Fixed horizon",
  "group-sequential": "Group-sequential",
  "always-valid": "Always valid"
} as const

const plan = ({ design, ends_at, information, look, looks }: PlanState): VNode => {
  const percent = information === null ? undefined : Math.round(information * 100)
  return el(
    "div",
    { class: "plan" },
    el("span", { class: "label" }, "Plan"),
    el("span", {}, designs[design]),
    ...(percent === undefined
      ? []
      : [
        el("meter", {
          min: 0,
          max: 100,
          value: Math.min(100, percent),
          "aria-label": "Part of the planned information that is in"
        }),
        el("span", {}, `${percent} % of the planned information`)
      ]),
    ...(looks === undefined ? [] : [el("span", {}, `look ${look ?? 0} of ${looks}`)]),
    ...(ends_at === null ? [] : [el("span", {}, "ends ", time(ends_at))])
  )
}

const decided = (summary: ResultsSummary, decision: Decision): ReadonlyArray<Content> => [
  reasons(decision.reasons),
  ...(decision.treatments.length < 2 ? [] : [
    el(
      "ul",
      { class: "treatments" },
      ...decision.treatments.map((one) => {
        const arm = armsOf(summary).find(({ key }) => key === one.variant)
        return el(
          "li",
          {},
          el(
            "p",
            {},
            arm === undefined ? name(one.variant) : armName(arm),
            " ",
            badge(one.decision, tones[one.decision])
          ),
          isSame(one.reasons, decision.reasons)
            ? el("p", { class: "quiet" }, "For the reasons above.")
            : reasons(one.reasons)
        )
      })
    )
  ]),
  plan(decision.plan)
]

/** Decides on results that are still coming in: the false alarm rate of 14 looks is that of the scorecard. */
const stillRunning =
  "Still running: every look is another chance to be fooled. Of experiments without any effect, 38 % show a winner or a loser in at least one of 14 looks. Decide at the planned end."

/** The verdict with its reasons. `notice` stands above them: a refresh that failed, an older snapshot. */
export const verdictSection = (summary: ResultsSummary, ...notice: ReadonlyArray<Content>): VNode => {
  const { text, tone } = verdictOf(summary)
  const { decision, engine } = summary
  const peeking = decision === undefined && summary.state === "running" && engine.name !== "sequential"
  return el(
    "section",
    { id: "verdict", class: `verdict ${tone}`, "aria-labelledby": "verdict-title" },
    ...notice,
    el("h2", { id: "verdict-title", class: "label" }, "Verdict"),
    el("p", { class: "statement" }, el("bdi", {}, text)),
    ...(decision === undefined ? [] : decided(summary, decision)),
    ...(peeking ? [el("p", { class: "quiet" }, stillRunning)] : [])
  )
}

/** The arms: identities, shares, and the sample-ratio check in a line. */
export const armsSection = (summary: ResultsSummary): VNode => {
  const byKey = new Map(summary.variants.map((variant) => [variant.key, variant]))
  const share = (x: number | null): string => (x === null ? "–" : Numbers.share(x))
  return section(
    "arms",
    "Arms",
    el(
      "table",
      { class: "plain arms" },
      el("caption", { class: "hidden" }, "Identities in each arm, their share, and the planned share"),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ...["Arm", "Identities", "Share", "Planned"].map((text) =>
            el("th", { scope: "col", ...(text === "Arm" ? {} : { class: "n" }) }, text)
          )
        )
      ),
      el(
        "tbody",
        {},
        ...armsOf(summary).map((arm) => {
          const variant = byKey.get(arm.key)
          return el(
            "tr",
            {},
            el(
              "th",
              { scope: "row" },
              armName(arm),
              ...(arm.control && arm.key !== "control" ? [el("span", { class: "quiet" }, " control")] : [])
            ),
            el("td", { class: "n" }, variant === undefined ? "–" : Numbers.count(variant.n)),
            el("td", { class: "n" }, variant === undefined ? "–" : share(variant.share)),
            el("td", { class: "n" }, variant === undefined ? "–" : share(variant.expected_share))
          )
        })
      )
    ),
    ...(summary.quarantined > 0
      ? [el("p", { class: "quiet" }, quarantinedText(summary.quarantined))]
      : []),
    el("p", {}, srmBadge(summary), " ", el("a", { href: "#quality" }, "Sample ratio and data quality"))
  )
}

const quarantinedText = (n: number): string =>
  n === 1
    ? "1 identity, seen in several variants, is in no arm."
    : `${Numbers.count(n)} identities, seen in several variants, are in no arm.`

/** The state of the sample-ratio check in two or three words. */
export const srmBadge = ({ srm }: Pick<ResultsSummary, "srm">): VNode =>
  srm.status === "mismatch"
    ? badge("Sample ratio mismatch", "alarm")
    : srm.status === "withheld"
    ? badge("Sample ratio not checked", "quiet")
    : badge("Sample ratio fits", "good")
