/** A results summary as CSV (RFC 4180): a row for each metric, arm, slice and time, for spreadsheets and notebooks. */
import type { MetricResult, PartialMetric, ResultsSummary, Slice } from "@assay/model"
import { own } from "./own.ts"

/** The columns, in their order; later versions add at the end. */
export const csvColumns = [
  "experiment",
  "as_of",
  "metric",
  "role",
  "aggregation",
  "dimension",
  "slice",
  "variant",
  "is_control",
  "n",
  "sum",
  "sum_squares",
  "mean",
  "variance",
  "lift",
  "ci_low",
  "ci_high",
  "chance_to_win",
  "p_value",
  "difference",
  "difference_ci_low",
  "difference_ci_high",
  "verdict",
  "withheld",
  "until",
  "cap",
  "capped",
  "uncapped_mean",
  "uncapped_lift",
  "uncapped_ci_low",
  "uncapped_ci_high"
] as const

type Column = (typeof csvColumns)[number]
type Cell = string | number | boolean | undefined

/**
 * A field. What a spreadsheet would take for a formula gets an apostrophe in front of it (OWASP, "CSV injection"); numbers are
 * written as JSON writes them.
 */
const field = (cell: Cell): string => {
  if (cell === undefined) return ""
  if (typeof cell !== "string") return String(cell)
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll("\"", "\"\"")}"` : safe
}

const rows = (
  summary: ResultsSummary,
  metric: MetricResult,
  part: Omit<PartialMetric, "metric_id">,
  where: { readonly dimension?: string; readonly slice?: string; readonly until?: string } | undefined
): ReadonlyArray<Partial<Record<Column, Cell>>> =>
  summary.variants.map(({ key }) => {
    const inference = own(part.inference, key) ?? undefined
    const { lift, ci_low, ci_high, chance_to_win, p_value, difference, difference_ci_low, difference_ci_high } =
      inference ?? {}
    return {
      experiment: summary.experiment,
      as_of: summary.as_of,
      metric: metric.metric_id,
      role: metric.role,
      aggregation: metric.aggregation,
      ...where,
      variant: key,
      is_control: key === summary.control,
      ...own(part.variants, key),
      lift,
      ci_low,
      ci_high,
      chance_to_win,
      p_value,
      difference,
      difference_ci_low,
      difference_ci_high,
      verdict: where === undefined ? own(metric.verdict, key) : undefined,
      withheld: own(part.withheld, key)?.reason,
      ...(where === undefined ? capCells(metric, key) : {})
    }
  })

/** What a metric's cap did, for the rows of the whole. */
const capCells = ({ cap }: MetricResult, key: string): Partial<Record<Column, Cell>> => {
  if (cap === undefined) return {}
  const inference = own(cap.uncapped_inference, key) ?? undefined
  return {
    cap: cap.value,
    capped: own(cap.capped, key),
    uncapped_mean: own(cap.uncapped, key)?.mean,
    uncapped_lift: inference?.lift,
    uncapped_ci_low: inference?.ci_low,
    uncapped_ci_high: inference?.ci_high
  }
}

const sliceName = ({ other, value }: Slice): string => other === true ? "(others)" : value ?? "(none)"

/**
 * The summary as CSV text with a heading: the whole first, then each slice of each breakdown, then each point of the series, cumulative up to
 * `until`. Lines end in CR LF.
 */
export const csv = (summary: ResultsSummary): string => {
  const metrics = new Map(summary.metrics.map((metric) => [metric.metric_id, metric]))
  const parts = (some: ReadonlyArray<PartialMetric>, where: Parameters<typeof rows>[3]) =>
    some.flatMap((part) => {
      const metric = metrics.get(part.metric_id)
      return metric === undefined ? [] : rows(summary, metric, part, where)
    })
  const all = [
    ...parts(summary.metrics, undefined),
    ...(summary.breakdowns ?? []).flatMap(({ dimension, slices }) =>
      slices.flatMap((slice) => parts(slice.metrics, { dimension, slice: sliceName(slice) }))
    ),
    ...(summary.series?.points ?? []).flatMap(({ metrics, until }) => parts(metrics, { until }))
  ]
  return [csvColumns.join(","), ...all.map((row) => csvColumns.map((column) => field(row[column])).join(","))]
    .map((line) => `${line}\r\n`).join("")
}
