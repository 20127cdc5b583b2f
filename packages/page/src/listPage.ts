/** The list of experiments. */
import type { ResultsSummary } from "@assay/model"
import { Numbers } from "@assay/report"
import type { VNode } from "preact"
import { page } from "./document.ts"
import { reader } from "./experimentPage.ts"
import { type Content, el } from "./html.ts"
import { badge, type Tone } from "./parts.ts"
import { name, sentence, visible } from "./text.ts"
import { verdictOf } from "./verdictSection.ts"

/** An experiment in a list: what is defined, and what its latest results say. Plain data that is kept while a summary isn't. */
export interface Card {
  readonly experiment: string
  readonly description: string | undefined
  readonly environment: string
  readonly feature: string
  readonly state: "planned" | "running" | "ended"
  readonly results:
    | { readonly kind: "none" }
    | { readonly kind: "unreadable"; readonly sentence: string }
    | ResultsCard
}

/** What a list says about results. */
export interface ResultsCard {
  readonly kind: "some"
  readonly verdict: string
  readonly tone: Tone
  readonly as_of: string
  readonly identities: number
  readonly srm: ResultsSummary["srm"]["status"]
  readonly alarms: number
  readonly warnings: number
}

/** What a list says about these results. */
export const resultsCard = (summary: ResultsSummary): ResultsCard => {
  const { text, tone } = verdictOf(summary)
  const found = (severity: string): number => summary.findings.filter((finding) => finding.severity === severity).length
  return {
    kind: "some",
    verdict: text,
    tone,
    as_of: summary.as_of,
    identities: summary.variants.reduce((sum, { n }) => sum + n, 0),
    srm: summary.srm.status,
    alarms: found("alarm"),
    warnings: found("warning")
  }
}

/** What a reader looks for: words in name, description, feature or verdict, a state, an environment, experiments with trouble alone. */
export interface Query {
  readonly q: string
  readonly state: "" | Card["state"]
  readonly environment: string
  readonly trouble: boolean
}

/** The query that leaves no experiment out. */
export const everything: Query = { q: "", state: "", environment: "", trouble: false }

const troubled = ({ results }: Card): boolean =>
  results.kind === "unreadable" ||
  (results.kind === "some" && (results.srm === "mismatch" || results.alarms > 0 || results.warnings > 0))

const searched = ({ description, environment, experiment, feature, results }: Card): string =>
  [experiment, description ?? "", environment, feature, results.kind === "some" ? results.verdict : ""].join("\n")
    .toLocaleLowerCase("en")

/** The experiments that a query asks for, in their order. Every word of `q` has to be found. */
export const filterCards = (cards: ReadonlyArray<Card>, query: Query): ReadonlyArray<Card> => {
  const words = query.q.toLocaleLowerCase("en").split(/\s+/).filter((word) => word !== "")
  return cards.filter((card) =>
    words.every((word) => searched(card).includes(word)) &&
    (query.state === "" || card.state === query.state) &&
    (query.environment === "" || card.environment === query.environment) &&
    (!query.trouble || troubled(card))
  )
}

/** What the list is made from: all cards that the reader may see, what is asked of them, and where things are. */
export interface ListView {
  readonly cards: ReadonlyArray<Card>
  readonly query: Query
  readonly now: string
  readonly base: string
  /** The path of an experiment's page. */
  readonly pathOf: (experiment: string) => string
  readonly reader?: string
  readonly signOutCsrf?: string
}

const option = (value: string, text: string, chosen: string): VNode =>
  el("option", { value, ...(value === chosen ? { selected: true } : {}) }, text)

const filters = ({ base, cards, query }: ListView): VNode => {
  const environments = [...new Set(cards.map(({ environment }) => environment))].toSorted()
  return el(
    "form",
    { class: "filters", method: "get", action: base, role: "search" },
    el(
      "label",
      {},
      el("span", {}, "Search"),
      el("input", { type: "search", name: "q", value: query.q, maxlength: 200 })
    ),
    el(
      "label",
      {},
      el("span", {}, "State"),
      el(
        "select",
        { name: "state" },
        option("", "any", query.state),
        ...["planned", "running", "ended"].map((state) => option(state, state, query.state))
      )
    ),
    ...(environments.length < 2 ? [] : [
      el(
        "label",
        {},
        el("span", {}, "Environment"),
        el(
          "select",
          { name: "environment" },
          option("", "any", query.environment),
          ...environments.map((environment) => option(environment, visible(environment), query.environment))
        )
      )
    ]),
    el(
      "label",
      { class: "check" },
      el("input", { type: "checkbox", name: "trouble", value: "1", checked: query.trouble }),
      el("span", {}, "With trouble only")
    ),
    el("button", { type: "submit" }, "Filter")
  )
}

const health = ({ alarms, srm, warnings }: ResultsCard): ReadonlyArray<Content> => [
  ...(srm === "mismatch" ? [badge("Sample ratio mismatch", "alarm"), " "] : []),
  ...(srm === "withheld" ? [badge("Ratio not checked", "quiet"), " "] : []),
  ...(alarms > 0 ? [badge(`${alarms} ${alarms === 1 ? "alarm" : "alarms"}`, "alarm"), " "] : []),
  ...(warnings > 0 ? [badge(`${warnings} ${warnings === 1 ? "warning" : "warnings"}`, "warn"), " "] : []),
  ...(srm === "ok" && alarms + warnings === 0 ? [badge("Data fits", "good")] : [])
]

const ageOf = (as_of: string, now: string): string => {
  const millis = Date.parse(now) - Date.parse(as_of)
  return millis >= 0 ? `${Numbers.duration(millis)} ago` : "in the future"
}

const item = (view: ListView, card: Card): VNode => {
  const { description, environment, experiment, feature, results, state } = card
  return el(
    "li",
    { class: "card" },
    el(
      "div",
      { class: "what" },
      el("h2", {}, el("a", { href: view.pathOf(experiment) }, name(experiment))),
      ...(description === undefined ? [] : [el("p", { class: "clamp" }, sentence(description))]),
      el("p", { class: "quiet" }, name(environment), " · ", name(feature))
    ),
    el(
      "div",
      { class: `says ${results.kind === "some" ? results.tone : results.kind === "none" ? "quiet" : "alarm"}` },
      el(
        "p",
        {},
        results.kind === "some"
          ? el("bdi", {}, results.verdict)
          : results.kind === "none"
          ? "No results yet."
          : sentence(results.sentence)
      ),
      ...(results.kind === "some" ? [el("p", { class: "badges" }, ...health(results))] : [])
    ),
    el(
      "div",
      { class: "when" },
      badge(state, state === "running" ? "neutral" : "quiet"),
      ...(results.kind === "some"
        ? [
          el("p", { class: "quiet" }, el("time", { datetime: results.as_of }, ageOf(results.as_of, view.now))),
          el("p", { class: "quiet" }, `${Numbers.count(results.identities)} identities`)
        ]
        : [])
    )
  )
}

/** The list of experiments as HTML text; the filters work without a script. No card is left out but by the query. */
export const listPage = (view: ListView): string => {
  const shown = filterCards(view.cards, view.query)
  return page({ kind: "served", base: view.base }, "Experiments · Assay", [
    el("nav", { "aria-label": "Pages" }, el("span", {}, "Assay"), ...reader(view.base, view.reader, view.signOutCsrf)),
    el("div", { class: "title" }, el("h1", {}, "Experiments"))
  ], [
    filters(view),
    el(
      "p",
      { class: "quiet", id: "count", role: "status" },
      shown.length === view.cards.length
        ? `${Numbers.count(shown.length)} ${shown.length === 1 ? "experiment" : "experiments"}`
        : `${Numbers.count(shown.length)} of ${Numbers.count(view.cards.length)} experiments`
    ),
    shown.length === 0
      ? el("p", {}, view.cards.length === 0 ? "No experiment is defined that you may see." : "No experiment fits.")
      : el("ul", { class: "cards" }, ...shown.map((card) => item(view, card)))
  ])
}
