/** What produced the numbers, so that they can be checked and reproduced, and what it cost. */
import type { ResultsSummary, Statement } from "@assay/model"
import { Numbers } from "@assay/report"
import type { VNode } from "preact"
import { type Content, el } from "./html.ts"
import { section, unfold } from "./parts.ts"
import { sentence, time, visible } from "./text.ts"

/** A text with a button that copies it, which only the page's script shows. */
const copied = (text: string, what: string): VNode =>
  el(
    "span",
    { class: "copied" },
    el("code", {}, visible(text)),
    el(
      "button",
      { type: "button", class: "copy", "data-copy": text, hidden: true, "aria-label": `Copy ${what}` },
      "Copy"
    )
  )

const bytes = (n: number): string => {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"]
  const power = n < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(n) / 3))
  return `${Number((n / 1000 ** power).toPrecision(3))} ${units[power]}`
}

const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toPrecision(3))} s`)

/** The section on where the numbers come from. `statement` is that of the snapshot. */
export const provenanceSection = (summary: ResultsSummary, statement: Statement | undefined): VNode => {
  const { engine, provenance } = summary
  const rows: ReadonlyArray<readonly [string, Content]> = [
    ["Run", copied(provenance.run_id, "the run's id")],
    ["Computed", time(provenance.computed_at)],
    ["Newest event", provenance.watermark === null ? "none" : time(provenance.watermark)],
    ["Definition", copied(provenance.definition_hash, "the definition's hash")],
    ["Statement", copied(provenance.statement_hash, "the statement's hash")],
    ["Query", copied(provenance.query_id, "the query's id")],
    ["Engine", `${visible(engine.name)}, confidence ${Number((engine.confidence * 100).toPrecision(4))} %`],
    [
      "Versions",
      sentence(
        [
          `Assay ${provenance.assay_version}`,
          `ClickHouse ${provenance.warehouse_version}`,
          ...Object.entries(provenance.aggregations).map(([aggregation, version]) => `${aggregation} ${version}`)
        ].join(", ")
      )
    ],
    [
      "Cost",
      [
        `${Numbers.count(provenance.rows_read)} rows, ${bytes(provenance.bytes_read)} read`,
        ...(provenance.peak_memory_bytes === undefined ? [] : [`${bytes(provenance.peak_memory_bytes)} of memory`]),
        ...(provenance.query_ms === undefined ? [] : [`query ${seconds(provenance.query_ms)}`]),
        `in all ${seconds(provenance.duration_ms)}`
      ].join(", ")
    ],
    ...(provenance.shared_read === undefined ? [] : [
      [
        "Shared read",
        `one statement for ${
          Numbers.count(provenance.shared_read.experiments)
        } experiments; the cost is an equal part of ${Numbers.count(provenance.shared_read.rows_read)} rows, ${
          bytes(provenance.shared_read.bytes_read)
        } and ${seconds(provenance.shared_read.query_ms)}`
      ] as const
    ])
  ]
  const text = statement === undefined ? "" : JSON.stringify(statement.parameters, null, 2)
  return section(
    "provenance",
    "Provenance",
    el(
      "dl",
      { class: "facts" },
      ...rows.map(([term, content]) => el("div", {}, el("dt", {}, term), el("dd", {}, content)))
    ),
    ...(statement === undefined ? [] : [
      unfold(
        "The statement and its parameters",
        {},
        code(statement.text, "the statement"),
        code(text, "the parameters")
      )
    ])
  )
}

const code = (text: string, what: string): VNode =>
  el(
    "div",
    { class: "code" },
    el(
      "button",
      { type: "button", class: "copy", "data-copy": text, hidden: true, "aria-label": `Copy ${what}` },
      "Copy"
    ),
    el(
      "pre",
      { tabindex: 0, role: "group", "aria-label": what },
      el("code", {}, text.split("\n").map(visible).join("\n"))
    )
  )
