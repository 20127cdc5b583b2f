/** The metrics of a scorecard: a table per role, all with the same columns and one axis. */
import type { MetricResult, ResultsSummary, VerdictWord, WireInference } from "@assay/model"
import { capSentence } from "./caps.ts"
import * as Cells from "./Cells.ts"
import * as Drawing from "./IntervalDrawing.ts"
import { blank, type Line, paragraph, type Span, span, type Style } from "./Line.ts"
import * as Numbers from "./Numbers.ts"
import { own } from "./own.ts"
import { valueOf } from "./values.ts"
import { withheldSentence } from "./withheld.ts"

const roles = [["goal", "Goals"], ["secondary", "Secondary"], ["guardrail", "Guardrails"]] as const

const directions = { up: "up is good", down: "down is good", informational: "for information" } as const

const verdictStyles: Readonly<Record<VerdictWord, Style>> = {
  winning: "good",
  losing: "bad",
  inconclusive: "plain",
  "collecting data": "dim",
  "not to be trusted": "alarm",
  informational: "dim"
}

/** The word in a column: the longest is shortened where it stands beside numbers, which the headline has disowned by then. */
const shown = (word: VerdictWord | undefined): string => (word === "not to be trusted" ? "not trusted" : word ?? "")

/** One arm of one metric, as text; the figures of a comparison, or why there are none. */
interface Row {
  readonly label: string
  readonly value: string
  readonly comparison: Comparison | undefined
  readonly remark: string
  /** What else is to be said of the comparison, below it. */
  readonly notes: ReadonlyArray<string>
  readonly verdict: VerdictWord | undefined
}

interface Comparison {
  readonly interval: Drawing.Interval
  readonly lift: string
  readonly low: string
  readonly high: string
  readonly chance: string
}

interface Block {
  readonly metric: MetricResult
  readonly rows: ReadonlyArray<Row>
}

const comparisonOf = (inference: WireInference): Comparison => {
  const { lift, low, high } = Numbers.lift(inference)
  return {
    interval: { low: inference.ci_low, point: inference.lift, high: inference.ci_high },
    lift: `${lift} %`,
    low,
    high,
    chance: Numbers.chance(inference.chance_to_win)
  }
}

const margin = (x: number, on: "relative" | "absolute"): string =>
  on === "relative"
    ? `${Numbers.lift({ lift: x, ci_low: x, ci_high: x }).lift} %`
    : Numbers.value(x, Math.abs(x), "mean")

/** The result after correction for many comparisons, against a margin, and what a covariate did. */
const notesOf = (
  { adjusted, adjustment, margin: against, stratified }: WireInference,
  visible: (text: string) => string
): ReadonlyArray<string> => {
  const notes: Array<string> = []
  if (adjusted !== undefined && (adjusted.comparisons > 1 || adjusted.engine !== undefined)) {
    const by = adjusted.engine === undefined ? "" : `${adjusted.engine} test, `
    const corrected = adjusted.comparisons > 1 ? `corrected for ${adjusted.comparisons} (${adjusted.method}), ` : ""
    const { ci_high, ci_low } = adjusted
    const interval = ci_low === null || ci_high === null
      ? "no bounded interval"
      : (({ high, low }) => `${low}…${high} %`)(Numbers.lift({ lift: 0, ci_low, ci_high }))
    notes.push(`${by}${corrected}${Numbers.pValue(adjusted.p_value)}, ${interval}`)
  }
  if (against !== undefined) {
    notes.push(
      `margin ${margin(against.value, against.on)} ${against.holds ? "holds" : "isn't shown to hold"}, ${
        Numbers.pValue(against.p_value)
      }`
    )
  }
  if (stratified !== undefined) {
    notes.push(
      `same mix of ${visible(stratified.by)} in both (${stratified.strata} ${
        stratified.strata === 1 ? "stratum" : "strata"
      }), ${Numbers.share(Math.max(0, stratified.variance_reduction))} of the variance away`
    )
  }
  if (adjustment !== undefined) {
    notes.push(
      adjustment.fallback === undefined
        ? `covariate takes ${Numbers.share(Math.max(0, adjustment.variance_reduction))} of the variance away`
        : `not adjusted: ${adjustment.fallback}`
    )
  }
  return notes
}

const blockOf = (
  summary: ResultsSummary,
  metric: MetricResult,
  labels: ReadonlyMap<string, string>,
  visible: (text: string) => string
): Block => {
  const keys = [summary.control, ...summary.variants.map(({ key }) => key).filter((key) => key !== summary.control)]
  const means = keys.map((key) => valueOf(metric.estimand, own(metric.variants, key)))
  const size = Numbers.sizeOf(means.map((mean) => mean ?? 0))
  const rows = keys.map((key, i): Row => {
    const mean = means[i]
    const inference = own(metric.inference, key) ?? undefined
    const withheld = own(metric.withheld, key)
    const verdict = own(metric.verdict, key)
    const remark = inference !== undefined || key === summary.control
      ? ""
      : `${verdict ?? "withheld"}: ${withheld === undefined ? "no result." : withheldSentence(withheld, visible)}`
    return {
      label: labels.get(key) ?? "",
      value: mean === undefined ? "–" : Numbers.value(mean, size, metric.estimand),
      comparison: inference === undefined ? undefined : comparisonOf(inference),
      remark,
      notes: inference === undefined ? [] : notesOf(inference, visible),
      verdict: inference === undefined ? undefined : verdict
    }
  })
  return { metric, rows }
}

/** The key of an arm with its place in the list of arms, which tells arms apart whose labels look the same. */
export const numbered = (summary: ResultsSummary, key: string, visible: (text: string) => string): string =>
  `${summary.variants.findIndex((variant) => variant.key === key) + 1}:${visible(key)}`

/** Labels of the arms in so many cells, numbered where shortening would make them equal. */
const labelsOf = (
  summary: ResultsSummary,
  cells: number,
  visible: (text: string) => string
): ReadonlyMap<string, string> => {
  const keys = [...new Set([summary.control, ...summary.variants.map(({ key }) => key)])]
  const short = keys.map((key) => Cells.shorten(visible(key), cells))
  return new Map(keys.map((key, i) => {
    const label = short[i]!
    const unique = short.indexOf(label) === short.lastIndexOf(label)
    return [key, unique ? label : Cells.shorten(numbered(summary, key, visible), cells)]
  }))
}

/** Widths of the columns in cells; `drawing` is what remains of the line. */
interface Columns {
  readonly label: number
  readonly value: number
  readonly lift: number
  readonly low: number
  readonly high: number
  readonly interval: number
  readonly drawing: number
  readonly chance: number
  readonly verdict: number
  readonly stacked: boolean
}

const indent = 2
/** Sentences are no longer than that, however wide the table is. */
const sentenceWidth = 100
const gap = "  "
/** Labels up to this length are never shortened to save a line. */
const labelWhole = 12
/** Room for the longest title of a table. */
const labelAtLeast = 8
const labelAtMost = 24
const drawingAtLeast = 12
const drawingAtMost = 41

const widest = (texts: ReadonlyArray<string>, least: number): number =>
  Math.max(least, ...texts.map((text) => Cells.width(text)))

/** Columns for a line of `width` cells: all of a comparison on one line where they fit, else on two. */
const columnsOf = (blocks: ReadonlyArray<Block>, labelWidth: number, width: number): Columns => {
  const rows = blocks.flatMap((block) => block.rows)
  const comparisons = rows.flatMap(({ comparison }) => (comparison === undefined ? [] : [comparison]))
  const low = widest(comparisons.map((one) => one.low), 0)
  const high = widest(comparisons.map((one) => one.high), 0)
  const fixed = {
    value: widest(rows.map((row) => row.value), 5),
    lift: widest(comparisons.map((one) => one.lift), 4),
    low,
    high,
    interval: Math.max(low + 1 + high, "interval".length),
    chance: widest(comparisons.map((one) => one.chance), 6),
    verdict: widest(rows.map((row) => shown(row.verdict)), 7)
  }
  const besides = indent + fixed.value + fixed.lift + fixed.interval + fixed.chance + fixed.verdict + 1 + 5 * gap.length
  const oneLine = width - besides - drawingAtLeast
  if (oneLine >= Math.min(labelWhole, labelWidth)) {
    const label = Math.min(labelWidth, oneLine)
    const drawing = Math.min(drawingAtMost, width - besides - label)
    return { ...fixed, label, drawing, stacked: false }
  }
  const label = Math.min(labelWidth, Math.floor(width / 4))
  const first = indent + label + fixed.value + fixed.verdict + 1 + 2 * gap.length
  return { ...fixed, label, drawing: Math.max(7, Math.min(drawingAtMost, width - first)), stacked: true }
}

const intervalText = (columns: Columns, { low, high }: Comparison): string =>
  Cells.padStart(`${Cells.padStart(low, columns.low)}…${Cells.padStart(high, columns.high)}`, columns.interval)

/** Cells before the column that follows the value. */
const afterValue = (columns: Columns): number => indent + columns.label + 1 + columns.value + gap.length

const rowLines = (row: Row, columns: Columns, axis: Drawing.Axis | undefined, width: number): ReadonlyArray<Line> => {
  const head = span(
    `${" ".repeat(indent)}${Cells.padEnd(row.label, columns.label)} ${Cells.padStart(row.value, columns.value)}${gap}`
  )
  const start = afterValue(columns)
  if (row.remark !== "") return paragraph(row.remark, width, { lead: head, indent: start, style: "dim" })
  const { comparison } = row
  const toDrawing = columns.stacked ? 0 : columns.lift + columns.interval + 2 * gap.length
  if (axis === undefined) return [[head]]
  if (comparison === undefined) {
    return [[head, span(" ".repeat(toDrawing)), span(Drawing.empty(axis), "dim")]]
  }
  const figures = `${Cells.padStart(comparison.lift, columns.lift)}${gap}${intervalText(columns, comparison)}`
  const style = row.verdict === undefined ? "plain" : verdictStyles[row.verdict]
  const drawing = span(Drawing.draw(axis, comparison.interval), style)
  const chance = Cells.padStart(comparison.chance, columns.chance)
  const verdict = span(shown(row.verdict), style)
  const notes = row.notes.flatMap((note) =>
    paragraph(note, width, { lead: span(" ".repeat(indent + 2)), style: "dim" })
  )
  return columns.stacked
    ? [
      [head, drawing, span(gap), verdict],
      [span(" ".repeat(indent + 2)), span(`${figures}${gap}chance to win ${comparison.chance}`)],
      ...notes
    ]
    : [[head, span(`${figures}${gap}`), drawing, span(`${gap}${chance}${gap}`), verdict], ...notes]
}

const headerLine = (title: string, columns: Columns, axis: Drawing.Axis | undefined): Line => {
  const name = span(`${Cells.padEnd(title, indent + columns.label)} `, "strong")
  const value = Cells.padStart("value", columns.value)
  if (axis === undefined) return [name, span(value, "dim")]
  const labels = Drawing.labels(axis, Numbers.tick)
  const figures = [Cells.padStart("lift", columns.lift), Cells.padStart("interval", columns.interval)]
  const headers = columns.stacked
    ? [value, labels, "verdict"]
    : [value, ...figures, labels, Cells.padStart("to win", columns.chance), "verdict"]
  return [name, span(headers.join(gap), "dim")]
}

const nameLines = (
  summary: ResultsSummary,
  metric: MetricResult,
  width: number,
  visible: (text: string) => string
): ReadonlyArray<Line> => {
  const id = visible(metric.metric_id)
  const about = `${visible(metric.aggregation)}, ${directions[metric.direction]}`
  const cap = capSentence(summary, metric, visible)
  return [
    ...(Cells.width(id) + 2 + Cells.width(about) <= width
      ? [[span(id, "strong"), span(`  ${about}`, "dim")]]
      : [...paragraph(id, width, { style: "strong" }), ...paragraph(about, width, { style: "dim", indent: 2 })]),
    ...(cap === undefined
      ? []
      : paragraph(cap, Math.min(width, sentenceWidth), { lead: span("  "), style: "dim", indent: 2 }))
  ]
}

/** The tables of all metrics in lines of at most `width` cells, whether any interval was drawn, and the labels of the arms. */
export const metricTable = (
  summary: ResultsSummary,
  width: number,
  visible: (text: string) => string
): { readonly lines: ReadonlyArray<Line>; readonly drawn: boolean; readonly labels: ReadonlyMap<string, string> } => {
  const full = labelsOf(summary, labelAtMost, visible)
  const measure = summary.metrics.map((metric) => blockOf(summary, metric, full, visible))
  const columns = columnsOf(measure, widest([...full.values()], labelAtLeast), width)
  const labels = labelsOf(summary, columns.label, visible)
  const blocks = summary.metrics.map((metric) => blockOf(summary, metric, labels, visible))
  const intervals = blocks.flatMap(({ rows }) => rows.flatMap(({ comparison }) => comparison?.interval ?? []))
  const axis = intervals.length === 0 ? undefined : Drawing.axisFor(intervals, columns.drawing)
  const lines = roles.flatMap(([role, title]) => {
    const ofRole = blocks.filter(({ metric }) => metric.role === role)
    return ofRole.length === 0 ? [] : [
      blank,
      headerLine(title, columns, axis),
      ...ofRole.flatMap(({ metric, rows }) => [
        ...nameLines(summary, metric, width, visible),
        ...rows.flatMap((row) => rowLines(row, columns, axis, width))
      ])
    ]
  })
  return { lines, drawn: axis !== undefined, labels }
}

/** A separator-joined line of parts, wrapped between them where they don't fit. */
export const joined = (parts: ReadonlyArray<string>, width: number, style: Style): ReadonlyArray<Line> => {
  const lines: Array<string> = []
  for (const part of parts) {
    const last = lines.at(-1)
    if (last !== undefined && Cells.width(last) + 3 + Cells.width(part) <= width) {
      lines[lines.length - 1] = `${last} · ${part}`
    } else {
      lines.push(...Cells.wrap(part, width))
    }
  }
  return lines.map((line): ReadonlyArray<Span> => [span(line, style)])
}
