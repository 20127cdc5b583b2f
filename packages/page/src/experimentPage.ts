/** The page of one experiment. */
import type { ResultsSummary, Statement } from "@assay/model"
import { Numbers } from "@assay/report"
import type { VNode } from "preact"
import { breakdownSection } from "./breakdownSection.ts"
import { page, type Place } from "./document.ts"
import { type Content, el, fragment, trusted } from "./html.ts"
import { badge, section } from "./parts.ts"
import { provenanceSection } from "./provenanceSection.ts"
import { qualitySection } from "./qualitySection.ts"
import { scorecardSection } from "./scorecardSection.ts"
import { name, sentence, time } from "./text.ts"
import { timeSection } from "./timeSection.ts"
import { armsSection, verdictSection } from "./verdictSection.ts"

/** How a refresh stands. */
export type RefreshState =
  | { readonly kind: "running"; readonly since: string }
  | { readonly kind: "failed"; readonly at: string; readonly code: string; readonly message: string }

/** What a server knows beyond the summary. Paths are whole, as a link needs them. */
export interface Served {
  readonly base: string
  /** The path of this experiment's page. */
  readonly path: string
  /** The snapshot shown, and all there are, newest first. */
  readonly snapshot: string
  readonly snapshots: ReadonlyArray<{ readonly id: string; readonly as_of: string }>
  /** The latest refresh, where it isn't the one that made these results. */
  readonly state?: RefreshState
  /** What a refresh has to show that it was asked for on this page; absent for whom may not ask. */
  readonly csrf?: string
  /** Who reads; absent where nobody has to sign in. */
  readonly reader?: string
  /** What signing out has to show. */
  readonly signOutCsrf?: string
}

/** What the page is made from: the summary, the time of reading, the snapshot's statement, and the server where there is one. */
export interface ExperimentView {
  readonly summary: ResultsSummary
  readonly now: string
  readonly statement?: Statement
  readonly served?: Served
}

const hidden = (field: string, value: string): VNode => el("input", { type: "hidden", name: field, value })

/** Who reads, and the way out. */
export const reader = (base: string, who: string | undefined, csrf: string | undefined): ReadonlyArray<Content> =>
  who === undefined ? [] : [
    el(
      "form",
      { class: "reader", method: "post", action: `${base}sign-out` },
      el("span", { class: "quiet" }, name(who)),
      hidden("csrf", csrf ?? ""),
      el("button", { type: "submit" }, "Sign out")
    )
  ]

const age = (from: string, to: string): string => {
  const millis = Date.parse(to) - Date.parse(from)
  return millis >= 0 ? `, ${Numbers.duration(millis)} ago` : ""
}

const title = ({ now, served, summary }: ExperimentView): ReadonlyArray<Content> => {
  const { from, to } = summary.window
  return [
    ...(served === undefined ? [] : [
      el(
        "nav",
        { "aria-label": "Pages" },
        el("a", { href: served.base }, "All experiments"),
        ...reader(served.base, served.reader, served.signOutCsrf)
      )
    ]),
    el(
      "div",
      { class: "title" },
      el("h1", {}, name(summary.experiment)),
      badge(summary.state, summary.state === "running" ? "neutral" : "quiet")
    ),
    ...(summary.description === undefined ? [] : [el("p", {}, sentence(summary.description))]),
    el(
      "p",
      { class: "quiet meta" },
      el("span", {}, "environment ", name(summary.environment)),
      el("span", {}, "feature ", name(summary.feature)),
      el("span", {}, time(from), " to ", time(to), `, ${Numbers.duration(Date.parse(to) - Date.parse(from))}`),
      el("span", {}, "as of ", time(summary.as_of), age(summary.as_of, now))
    )
  ]
}

const refresh = ({ csrf, path, snapshots, state }: Served): ReadonlyArray<Content> => {
  const running = state?.kind === "running"
  return [
    ...(state?.kind === "failed"
      ? [
        el(
          "div",
          { class: "notice bad", role: "note" },
          el(
            "p",
            {},
            "The latest refresh failed at ",
            time(state.at),
            snapshots.length === 0 ? "." : ". These are the last good results."
          ),
          el("p", { class: "quiet" }, el("code", {}, state.code), " ", sentence(state.message))
        )
      ]
      : []),
    ...(csrf === undefined && !running ? [] : [
      el(
        "form",
        {
          class: "refresh",
          method: "post",
          action: `${path}/refresh`,
          "data-progress": `${path}/progress`,
          ...(running ? { "data-running": true } : {})
        },
        ...(csrf === undefined
          ? []
          : [hidden("csrf", csrf), el("button", { type: "submit", disabled: running }, "Refresh")]),
        el("progress", { max: 100, hidden: !running, "aria-label": "Refresh" }),
        el(
          "output",
          { class: "quiet", "aria-live": "polite" },
          running
            ? ["A refresh is running since ", time(state.since), ". Load the page again to see what came of it."]
            : ""
        )
      )
    ])
  ]
}

const older = ({ path, snapshot, snapshots }: Served): ReadonlyArray<Content> =>
  snapshots[0] === undefined || snapshots[0].id === snapshot ? [] : [
    el(
      "p",
      { class: "notice warn", role: "note" },
      "These results aren't the latest. ",
      el("a", { href: path }, "Show the latest")
    )
  ]

const history = ({ path, snapshot, snapshots }: Served): VNode =>
  section(
    "history",
    "History",
    el(
      "ol",
      { class: "history" },
      ...snapshots.map(({ as_of, id }) =>
        el(
          "li",
          {},
          el(
            "a",
            {
              href: `${path}?snapshot=${encodeURIComponent(id)}`,
              ...(id === snapshot ? { "aria-current": "true" } : {})
            },
            time(as_of)
          )
        )
      )
    )
  )

/** Links to the sections below: a page of many metrics is long. */
const contents = ({ breakdowns = [], series }: ResultsSummary): VNode =>
  el(
    "nav",
    { class: "contents", "aria-label": "On this page" },
    ...[
      ["scorecard", "Scorecard", true],
      ["time", "Over time", series !== undefined && series.points.length > 0],
      ["breakdowns", "Breakdowns", breakdowns.length > 0],
      ["quality", "Sample ratio and data quality", true],
      ["provenance", "Provenance", true]
    ].flatMap(([id, title, isThere]) => (isThere ? [el("a", { href: `#${String(id)}` }, title)] : []))
  )

/**
 * What a summary says as HTML text: verdict, arms, scorecard, series, breakdowns, data quality, provenance. The costly part of a page,
 * and the same for everybody and at any time, so that a server can keep it.
 *
 * @param statement the snapshot's
 */
export const experimentBody = (summary: ResultsSummary, statement?: Statement): string =>
  fragment([
    verdictSection(summary),
    contents(summary),
    armsSection(summary),
    scorecardSection(summary),
    ...timeSection(summary),
    ...breakdownSection(summary),
    qualitySection(summary),
    provenanceSection(summary, statement)
  ])

/** Stands where the body goes. No text of a page holds it, because controls are shown escaped. */
const HERE = "\u0000"

/**
 * What stands before and after {@link experimentBody} in the page of an experiment. It is short and differs with time and reader, so that
 * a server may keep the body as the bytes that it sends.
 */
export const experimentFrame = (view: ExperimentView): readonly [before: string, after: string] => {
  const { served, summary } = view
  const place: Place = served === undefined ? { kind: "file" } : { kind: "served", base: served.base }
  const [before = "", after = ""] = page(place, `${summary.experiment} · Assay`, title(view), [
    ...(served === undefined ? [] : [...older(served), ...refresh(served)]),
    trusted("div", { class: "body" }, HERE),
    ...(served === undefined ? [] : [history(served)])
  ]).split(HERE)
  return [before, after]
}

/**
 * The page of one experiment as HTML text. All of it can be read without its script. Without `served` it is a file that needs nothing
 * else.
 */
export const experimentPage = (view: ExperimentView): string =>
  experimentFrame(view).join(experimentBody(view.summary, view.statement))

/** The page of an experiment that has no results yet, or whose results can't be read: which, and what to do about it. */
export const emptyPage = (
  experiment: string,
  served: Served,
  said: { readonly title: string; readonly sentence: string; readonly tone: "neutral" | "alarm" }
): string =>
  page({ kind: "served", base: served.base }, `${experiment} · Assay`, [
    el(
      "nav",
      { "aria-label": "Pages" },
      el("a", { href: served.base }, "All experiments"),
      ...reader(served.base, served.reader, served.signOutCsrf)
    ),
    el("div", { class: "title" }, el("h1", {}, name(experiment)))
  ], [
    ...refresh(served),
    el(
      "section",
      { class: `verdict ${said.tone}`, "aria-labelledby": "verdict-title" },
      el("h2", { id: "verdict-title", class: "statement" }, said.title),
      el("p", {}, sentence(said.sentence))
    ),
    ...(served.snapshots.length === 0 ? [] : [history(served)])
  ])
