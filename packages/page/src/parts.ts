/** Pieces that several sections share. */
import type { VNode } from "preact"
import { type Content, el } from "./html.ts"

/** A section with its heading; `id` is what links lead to. */
export const section = (id: string, title: string, ...content: ReadonlyArray<Content>): VNode =>
  el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), ...content)

/** Something to unfold. */
export const unfold = (
  summary: Content,
  attributes: { readonly open?: boolean; readonly class?: string },
  ...content: ReadonlyArray<Content>
): VNode => el("details", attributes, el("summary", {}, summary), ...content)

/** A word in a coloured frame; the colour repeats what the word says. */
export const badge = (word: Content, tone: Tone): VNode => el("span", { class: `badge ${tone}` }, word)

/** What colours mean: good, bad, to be wary of, the data are broken, nothing in particular. */
export type Tone = "good" | "bad" | "warn" | "alarm" | "neutral" | "quiet"

/** A cell of a table; `attributes` may hold its class. Roles are said, because the phone's style changes how rows are displayed. */
export const cell = (content: Content, attributes: Readonly<Record<string, string | number>> = {}): VNode =>
  el("td", { role: "cell", ...attributes }, content)

/** A cell with a number, or what stands in its place. */
export const figure = (content: Content, label: string): VNode => cell(content, { class: "n", "data-label": label })

/** The heading of a row. */
export const rowHeading = (...content: ReadonlyArray<Content>): VNode =>
  el("th", { scope: "row", role: "rowheader" }, ...content)

/** The heading of a column. */
export const heading = (content: Content, attributes: Readonly<Record<string, string | number>> = {}): VNode =>
  el("th", { scope: "col", role: "columnheader", ...attributes }, content)

/** A row of a table. */
export const row = (...cells: ReadonlyArray<Content>): VNode => el("tr", { role: "row" }, ...cells)

/** A row with a class. */
export const rowOf = (kind: string, ...cells: ReadonlyArray<Content>): VNode =>
  el("tr", { role: "row", class: kind }, ...cells)

/** A table of plain figures with a caption, that scrolls by itself where it is too wide. */
export const table = (
  caption: Content,
  headings: ReadonlyArray<Content>,
  rows: ReadonlyArray<ReadonlyArray<Content>>
): VNode =>
  el(
    "div",
    { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table" },
    el(
      "table",
      { class: "plain" },
      el("caption", {}, caption),
      el("thead", {}, el("tr", {}, ...headings.map((text) => el("th", { scope: "col" }, text)))),
      el(
        "tbody",
        {},
        ...rows.map(([first, ...rest]) =>
          el("tr", {}, el("th", { scope: "row" }, first), ...rest.map((content) => el("td", { class: "n" }, content)))
        )
      )
    )
  )
