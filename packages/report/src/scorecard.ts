/** The scorecard: a results summary on a terminal. */
import type { Finding, ResultsSummary, SrmResult } from "@assay/model"
import * as Cells from "./Cells.ts"
import { decisionLines } from "./decision.ts"
import { headline, type Tone } from "./headline.ts"
import { blank, type Line, paragraph, render, span, type Style } from "./Line.ts"
import { joined, metricTable, numbered } from "./metricTable.ts"
import * as Numbers from "./Numbers.ts"
import { type ScorecardOptions, tableWidth, textWidth, toAscii } from "./terminal.ts"
import { withheldSentence } from "./withheld.ts"

/** A p-value below so many times the alarm's threshold is called low, though it is no alarm. */
const lowButNoAlarm = 10

const toneStyles: Readonly<Record<Tone, Style>> = { alarm: "alarm", good: "good", bad: "bad", neutral: "strong" }

const instant = (text: string, visible: (text: string) => string): string => {
  const millis = Date.parse(text)
  return Number.isNaN(millis) ? visible(text) : new Date(millis).toISOString().slice(0, 16).replace("T", " ")
}

/** The time between two instants in words; nothing where that isn't known. */
const elapsed = (from: string, to: string): ReadonlyArray<string> => {
  const millis = Date.parse(to) - Date.parse(from)
  return millis >= 0 ? [Numbers.duration(millis)] : []
}

const title = (
  summary: ResultsSummary,
  width: number,
  now: string | undefined,
  visible: (text: string) => string
): ReadonlyArray<Line> => {
  const { from, to } = summary.window
  const period = `${instant(from, visible)} to ${instant(to, visible)} UTC`
  const [length] = elapsed(from, to)
  const [age] = now === undefined ? [] : elapsed(summary.as_of, now)
  const { watermark } = summary.provenance
  const asOf = `as of ${instant(summary.as_of, visible)}${age === undefined ? "" : `, ${age} ago`}`
  const name = visible(summary.experiment)
  const first = Cells.width(name) + 2 + summary.state.length <= width
    ? [[
      span(Cells.padEnd(name, width - summary.state.length), "strong"),
      span(summary.state)
    ]]
    : [...paragraph(name, width, { style: "strong" }), [span(summary.state)]]
  return [
    ...first,
    ...(summary.preview === undefined
      ? []
      : paragraph(
        `PREVIEW over ${Numbers.share(summary.preview.sample)} of the identities: not a result, and not kept.`,
        width,
        { style: "alarm" }
      )),
    ...joined(
      [`environment ${visible(summary.environment)}`, `feature ${visible(summary.feature)}`],
      width,
      "dim"
    ),
    ...joined(
      [
        length === undefined ? period : `${period}, ${length}`,
        asOf,
        ...(watermark === null ? [] : [`newest event ${instant(watermark, visible)}`])
      ],
      width,
      "dim"
    ),
    ...(summary.description === undefined ? [] : paragraph(visible(summary.description), width))
  ]
}

const srmText = (
  srm: SrmResult,
  visible: (text: string) => string
): { readonly text: string; readonly style: Style } => {
  const p = srm.p_value === null ? "no p-value" : Numbers.pValue(srm.p_value)
  const alarm = `alarm below ${srm.alarm_below}`
  if (srm.status === "mismatch") {
    return { text: `MISMATCH, ${p} (${alarm}): the arms don't have the sizes that were planned`, style: "alarm" }
  }
  if (srm.status === "withheld") {
    const why = srm.withheld === undefined ? "no reason was given." : withheldSentence(srm.withheld, visible)
    return { text: `not checked: ${why}`, style: "plain" }
  }
  return srm.p_value !== null && srm.p_value < lowButNoAlarm * srm.alarm_below
    ? { text: `low, but no alarm: ${p} (${alarm})`, style: "warning" }
    : { text: `no mismatch, ${p} (${alarm})`, style: "plain" }
}

const part = (x: number | null): string => (x === null ? "–" : Numbers.share(x))

/** The arms as a table. Those that the metrics' tables number are numbered here, too. */
const arms = (
  summary: ResultsSummary,
  width: number,
  labels: ReadonlyMap<string, string>,
  visible: (text: string) => string
): ReadonlyArray<Line> => {
  const nameOf = (key: string): string => {
    const withNumber = numbered(summary, key, visible)
    const isNumbered = labels.get(key)?.startsWith(withNumber.slice(0, withNumber.indexOf(":") + 1)) === true
    return `${isNumbered ? withNumber : visible(key)}${
      key === summary.control && key !== "control" ? " (control)" : ""
    }`
  }
  const rows = summary.variants.map((variant) => ({
    name: nameOf(variant.key),
    cells: [Numbers.count(variant.n), part(variant.share), part(variant.expected_share)]
  }))
  const headers = ["identities", "share", "planned"]
  const widths = headers.map((header, i) => Math.max(header.length, ...rows.map(({ cells }) => Cells.width(cells[i]!))))
  const numbers = widths.reduce((sum, cells) => sum + cells + 2, 0)
  const room = width - numbers - 2
  const nameWidth = Math.min(room, Math.max(9, ...rows.map(({ name }) => Cells.width(name))))
  const figures = (cells: ReadonlyArray<string>): string =>
    cells.map((cell, i) => `  ${Cells.padStart(cell, widths[i]!)}`).join("")
  const quarantined = summary.quarantined > 0
    ? paragraph(
      summary.quarantined === 1
        ? "1 identity, seen in several variants, is in no arm"
        : `${Numbers.count(summary.quarantined)} identities, seen in several variants, are in no arm`,
      width,
      { indent: 2, lead: span("  "), style: "dim" }
    )
    : []
  return [
    [span(Cells.padEnd("Arms", nameWidth + 2), "strong"), span(figures(headers), "dim")],
    ...rows.flatMap(({ name, cells }): ReadonlyArray<Line> => {
      const lines = Cells.wrap(name, nameWidth)
      return [
        [span(`  ${Cells.padEnd(lines[0] ?? "", nameWidth)}${figures(cells)}`)],
        ...lines.slice(1).map((line) => [span(`  ${line}`)])
      ]
    }),
    ...quarantined
  ]
}

const severities = [["alarm", "ALARM", "alarm"], ["warning", "warning", "warning"], ["info", "info", "dim"]] as const

const findings = (
  list: ReadonlyArray<Finding>,
  width: number,
  visible: (text: string) => string
): ReadonlyArray<Line> =>
  severities.flatMap(([severity, word, style]) =>
    list.filter((finding) => finding.severity === severity).flatMap((finding) =>
      paragraph(visible(finding.sentence), width, { lead: span(`${word} `, style), indent: 9 }).concat(
        finding.next === undefined || severity === "info"
          ? []
          : paragraph(visible(finding.next), width, { lead: span("    next ", "dim"), indent: 9, style: "dim" })
      )
    )
  )

const legend = ({ confidence, decides_by }: ResultsSummary["engine"]): ReadonlyArray<string> => [
  `├─●─┤ lift over control, ${
    Number((confidence * 100).toPrecision(4))
  } % interval · ┆ no difference · ◄ ► beyond the axis`,
  decides_by === "test"
    ? "winning, losing: the interval excludes no difference · inconclusive: it doesn't"
    : "winning: chance to win above 95 % · losing: below 5 % · inconclusive: between"
]

/**
 * What happens when a running experiment is stopped at the first verdict: without any effect, 38 % of experiments show a
 * winner or a loser (chance to win above 95 % or below 5 %) in at least one of 14 equally spaced looks (simulated; compare
 * Armitage, McPherson and Rowe 1969, "Repeated significance tests on accumulating data", table 2).
 */
const stillRunning =
  "Still running: every look is another chance to be fooled. Of experiments without any effect, 38 % show a winner or a loser in at least one of 14 looks. Decide at the planned end."

/** The same beside a decision, which allows for all looks. */
const stillRunningDecided =
  "Still running: the words in the tables are those of a single look. Of experiments without any effect, 38 % show a winner or a loser in at least one of 14 looks. The decision above allows for looking again and again."

/**
 * The scorecard of a summary as text, without a newline at its end: title, decision with its reasons (or a headline, where the summary has
 * none), arms, sample-ratio check, findings (alarms
 * first), metrics by role with an interval drawing on one axis, legend, and a warning while the experiment runs. No line is
 * wider than `options.width` terminal cells, and no control character of a name or sentence reaches the terminal. Pure.
 */
export const scorecard = (summary: ResultsSummary, options: ScorecardOptions): string => {
  const ascii = options.ascii === true
  const visible = (text: string): string => Cells.visible(text, ascii)
  const width = tableWidth(options.width)
  const sentences = textWidth(options.width)
  const { decision } = summary
  const head = headline(summary, visible)
  const srm = srmText(summary.srm, visible)
  const found = findings(summary.findings, sentences, visible)
  const table = metricTable(summary, width, visible)
  const lines: ReadonlyArray<Line> = [
    ...title(summary, sentences, options.now, visible),
    blank,
    ...(decision === undefined
      ? paragraph(head.text, sentences, { style: toneStyles[head.tone] })
      : decisionLines(decision, sentences, visible)),
    blank,
    ...arms(summary, sentences, table.labels, visible),
    ...paragraph(srm.text, sentences, { lead: span("Sample ratio  ", "strong"), style: srm.style }),
    ...(found.length === 0 ? [] : [blank, ...found]),
    ...table.lines,
    ...(table.drawn
      ? [blank, ...legend(summary.engine).flatMap((text) => joined(text.split(" · "), sentences, "dim"))]
      : []),
    ...(summary.state === "running" && summary.engine.name !== "sequential"
      ? [blank, ...paragraph(decision === undefined ? stillRunning : stillRunningDecided, sentences, { style: "dim" })]
      : [])
  ]
  const text = render(lines, options.color)
  return ascii ? toAscii(text) : text
}
