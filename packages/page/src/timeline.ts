/** Charts over time: identities per period, and cumulative lifts with their bands. */
import type { ResultsSummary, Series } from "@assay/model"
import { Numbers, own } from "@assay/report"
import * as Plot from "@observablehq/plot"
import { type Arm, armsOf, treatmentsOf } from "./arms.ts"
import { draw } from "./chart.ts"

const width = 560
const height = 244

/** One arm's new identities in the period that is drawn at `when`. */
export interface Count {
  readonly when: Date
  readonly n: number
}

const DAY_MILLIS = 86_400_000

/** Where a period that ends at `until` is drawn: at its day, as the tables name it, or at its end where it is an hour. */
const placeOf = (series: Series, until: string): Date => {
  const end = Date.parse(until)
  return new Date(series.period === "day" ? Math.floor((end - 1) / DAY_MILLIS) * DAY_MILLIS : end)
}

const instants = (series: Series): ReadonlyArray<Date> => series.points.map(({ until }) => placeOf(series, until))

const differences = (series: Series, cumulative: ReadonlyArray<number>): ReadonlyArray<Count> =>
  instants(series).map((when, i) => ({ when, n: cumulative[i]! - (cumulative[i - 1] ?? 0) }))

/** New identities per period of one arm. */
export const newIdentities = (series: Series, arm: string): ReadonlyArray<Count> =>
  differences(series, series.points.map(({ identities }) => own(identities, arm) ?? 0))

/** New identities per period that were seen in several variants. */
export const newQuarantined = (series: Series): ReadonlyArray<Count> =>
  differences(series, series.points.map(({ quarantined }) => quarantined))

const frame = {
  width,
  height,
  marginLeft: 62,
  marginRight: 16,
  marginTop: 14,
  marginBottom: 44
} as const

const axes = (series: Series, format: (x: number) => string): ReadonlyArray<Plot.Markish> => [
  Plot.gridY({ stroke: "var(--line)", strokeOpacity: 1, ticks: 5 }),
  Plot.axisY({ ticks: 5, tickSize: 0, label: null, fill: "var(--quiet)", tickFormat: format }),
  Plot.axisX({
    ticks: Math.min(6, series.points.length),
    tickSize: 0,
    label: null,
    fill: "var(--quiet)"
  })
]

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 })

/** New identities per period: a line per arm, and a dotted one for those in several variants. */
export const exposuresChart = (summary: ResultsSummary, series: Series): string =>
  draw({
    ...frame,
    x: { type: "utc" },
    y: { zero: true, nice: true },
    color: { type: "identity" },
    marks: [
      ...axes(series, (n) => compact.format(n)),
      Plot.ruleY([0], { stroke: "var(--zero)" }),
      ...linesOf(armsOf(summary).map((arm) => ({ arm, points: newIdentities(series, arm.key) })), "n"),
      ...(summary.quarantined > 0
        ? [Plot.lineY(newQuarantined(series), { x: "when", y: "n", stroke: "var(--warn)", strokeDasharray: "2 3" })]
        : [])
    ]
  })

/** What was seen of an arm. */
interface Seen<A> {
  readonly arm: Arm
  readonly points: ReadonlyArray<A>
}

/** The points of all arms, each with its arm and its colour. */
const coloured = <A extends object>(
  seen: ReadonlyArray<Seen<A>>
): Array<A & { readonly arm: string; readonly colour: string }> =>
  seen.flatMap(({ arm, points }) => points.map((point) => ({ ...point, arm: arm.key, colour: arm.colour })))

/** A line per arm, in one mark: what Plot does for each mark costs more than its lines. An arm seen once is a dot. */
const linesOf = <A extends Count | Point>(
  seen: ReadonlyArray<Seen<A>>,
  y: "n" | "lift"
): ReadonlyArray<Plot.Markish> => {
  const single = seen.filter(({ points }) => points.length === 1)
  return [
    Plot.line(coloured(seen), { x: "when", y, z: "arm", stroke: "colour", strokeWidth: 2 }),
    ...(single.length === 0 ? [] : [Plot.dot(coloured(single), { x: "when", y, fill: "colour", r: 3 })])
  ]
}

/** The lift of one treatment in a metric at the end of the period that is drawn at `when`. */
export interface Point {
  readonly when: Date
  readonly lift: number
  readonly low: number
  readonly high: number
}

/** The cumulative lift of a treatment in a metric; periods in which it was withheld are left out. */
export const lifts = (series: Series, metric: string, treatment: string): ReadonlyArray<Point> =>
  series.points.flatMap(({ metrics, until }) => {
    const one = metrics.find(({ metric_id }) => metric_id === metric)
    const inference = one === undefined ? undefined : own(one.inference, treatment)
    return inference === undefined || inference === null
      ? []
      : [{ when: placeOf(series, until), lift: inference.lift, low: inference.ci_low, high: inference.ci_high }]
  })

/** Early bands are so wide that nothing else could be seen: the axis shows this many times the last band around the last lifts. */
const roomForBands = 4

/** The cumulative lift of every treatment in a metric with its band; nothing where it was always withheld. */
export const liftChart = (summary: ResultsSummary, series: Series, metric: string): string | undefined => {
  const lines = treatmentsOf(summary).map((arm) => ({ arm, points: lifts(series, metric, arm.key) }))
    .filter(({ points }) => points.length > 0)
  if (lines.length === 0) return undefined
  const lasts = lines.map(({ points }) => points.at(-1)!)
  const room = roomForBands * Math.max(...lasts.map(({ high, low }) => high - low), 1e-4)
  const ends = lasts.map(({ lift }) => lift)
  const all = lines.flatMap(({ points }) => points)
  const low = Math.min(0, Math.max(Math.min(...ends) - room, Math.min(...all.map((point) => point.low))))
  const high = Math.max(0, Math.min(Math.max(...ends) + room, Math.max(...all.map((point) => point.high))))
  // Clamped here, not clipped by the drawing: a clip path would need an id that differs from one drawing to the next.
  const clamp = (x: number): number => Math.min(high, Math.max(low, x))
  const clamped = lines.map(({ arm, points }) => ({
    arm,
    points: points.map(({ high, lift, low, when }) => ({
      when,
      // A band may go on beyond; a lift that does isn't drawn, for it would be taken for one at the edge.
      lift: clamp(lift) === lift ? lift : Number.NaN,
      low: clamp(low),
      high: clamp(high)
    }))
  }))
  const times = instants(series).map(Number)
  return draw({
    ...frame,
    x: { type: "utc", domain: [Math.min(...times), Math.max(...times)] },
    y: { domain: [low, high] },
    color: { type: "identity" },
    marks: [
      ...axes(series, (x) => (x === 0 ? "0" : Numbers.tick(x))),
      Plot.areaY(coloured(clamped), { x: "when", y1: "low", y2: "high", z: "arm", fill: "colour", fillOpacity: 0.14 }),
      Plot.ruleY([0], { stroke: "var(--zero)" }),
      ...linesOf(clamped, "lift")
    ]
  })
}
