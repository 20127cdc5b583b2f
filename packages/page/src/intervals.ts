/** Intervals of lifts, each in its cell of a table, all on one axis. */
import { type Axis, axisFor, type Interval, Numbers } from "@assay/report"
import * as Plot from "@observablehq/plot"
import { draw, plot, rounded } from "./chart.ts"
import type { SvgElement } from "./svgDocument.ts"

const width = 300
const rowHeight = 26
const axisHeight = 24

/** Room at both ends, for arrows and for half of a label. */
const inset = 22

export { axisFor }

const scale = (axis: Axis): Plot.ScaleOptions => ({ domain: [axis.low, axis.high], range: [inset, width - inset] })

/** The axis alone, above the cells: its ends and 0. */
export const axisChart = (axis: Axis): string =>
  draw({
    width,
    height: axisHeight,
    margin: 0,
    axis: null,
    x: scale(axis),
    marks: [
      Plot.ruleX([0], { stroke: "var(--zero)", insetTop: 18 }),
      Plot.text([axis.low, 0, axis.high].filter((x) => x === 0 || Math.abs(x) > (axis.high - axis.low) * 0.12), {
        x: (x: number) => x,
        text: (x: number) => (x === 0 ? "0" : Numbers.tick(x)),
        frameAnchor: "top",
        dy: 3,
        textAnchor: "middle",
        fill: "var(--quiet)"
      })
    ]
  })

/** An interval to draw; `colour` is a variable of the stylesheet. */
export interface Drawn extends Interval {
  readonly colour: string
}

/** What the drawing shows, for those who don't see it. */
const drawn = (axis: Axis, { high, low }: Interval): string =>
  (low > 0 ? "wholly above 0" : high < 0 ? "wholly below 0" : "includes 0") +
  (low < axis.low || high > axis.high ? ", goes on beyond the axis" : "")

const children = (figure: SvgElement, mark: string): ReadonlyArray<string> =>
  figure.children.find((one) => one.getAttribute("class") === mark)?.children.map(({ outerHTML }) => outerHTML) ?? []

/** How many intervals are drawn together: what Plot does once for a drawing costs more than all intervals in it. */
const AT_ONCE = 500

/**
 * Each interval on the axis, with its point; an arrow where it goes on beyond. All are drawn at once, one over the other, and then put apart:
 * a drawing each for a hundred metrics takes ten times as long. What all have in common stands in the stylesheet (`.interval`).
 */
export const intervalCharts = (axis: Axis, intervals: ReadonlyArray<Drawn>): ReadonlyArray<string> => {
  if (intervals.length > AT_ONCE) {
    return [
      ...intervalCharts(axis, intervals.slice(0, AT_ONCE)),
      ...intervalCharts(axis, intervals.slice(AT_ONCE))
    ]
  }
  const clamp = (x: number): number => Math.min(axis.high, Math.max(axis.low, x))
  const y = rowHeight / 2
  const colour = ({ colour }: Drawn): string => colour
  const arrow = (some: ReadonlyArray<Drawn>, x: number, rotate: number, className: string) =>
    Plot.dot([...some], {
      x: () => x,
      y: () => y,
      dx: rotate > 0 ? 4 : -4,
      symbol: "triangle",
      r: 3.5,
      rotate,
      fill: colour,
      className
    })
  const left = intervals.filter(({ low }) => low < axis.low)
  const right = intervals.filter(({ high }) => high > axis.high)
  const pointed = intervals.filter(({ point }) => point >= axis.low && point <= axis.high)
  const figure = plot({
    width,
    height: rowHeight,
    margin: 0,
    axis: null,
    x: scale(axis),
    y: { type: "identity" },
    color: { type: "identity" },
    marks: [
      Plot.ruleX([0], { className: "zero" }),
      Plot.link([...intervals], {
        x1: ({ low }: Drawn) => clamp(low),
        x2: ({ high }: Drawn) => clamp(high),
        y1: () => y,
        y2: () => y,
        stroke: colour,
        className: "intervals"
      }),
      arrow(left, axis.low, -90, "left"),
      arrow(right, axis.high, 90, "right"),
      Plot.dot([...pointed], { x: ({ point }: Drawn) => point, y: () => y, r: 4, fill: colour, className: "points" })
    ]
  })
  const zero = children(figure, "zero").join("")
  const [ranges, lefts, rights, points] = ["intervals", "left", "right", "points"].map((mark) => children(figure, mark))
  const of = (parts: ReadonlyArray<string>, all: ReadonlyArray<Drawn>) =>
    new Map(all.map((one, i) => [one, parts[i] ?? ""]))
  const [leftOf, rightOf, pointOf] = [of(lefts!, left), of(rights!, right), of(points!, pointed)]
  return intervals.map((one, i) =>
    rounded(
      `<svg class="plot interval" role="img" aria-label="${
        drawn(axis, one)
      }" viewBox="0 0 ${width} ${rowHeight}">${zero}${ranges![
        i
      ]!}${leftOf.get(one) ?? ""}${rightOf.get(one) ?? ""}${pointOf.get(one) ?? ""}</svg>`
    )
  )
}
