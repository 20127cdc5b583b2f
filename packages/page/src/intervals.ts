/** Intervals of lifts, each in its cell of a table, all on one axis. */
import { type Axis, axisFor, type Interval, Numbers } from "@assay/report"
import * as Plot from "@observablehq/plot"
import { draw } from "./chart.ts"

const width = 300
const rowHeight = 26
const axisHeight = 22

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
      Plot.ruleX([0], { stroke: "var(--zero)", y1: 16, y2: axisHeight }),
      Plot.text([axis.low, 0, axis.high].filter((x) => x === 0 || Math.abs(x) > (axis.high - axis.low) * 0.12), {
        x: (x: number) => x,
        text: (x: number) => (x === 0 ? "0" : Numbers.tick(x)),
        frameAnchor: "top",
        dy: 3,
        textAnchor: "middle",
        fontSize: 11,
        fill: "var(--quiet)"
      })
    ]
  })

/** One interval on the axis, with its point; an arrow where it goes on beyond. `colour` is a variable of the stylesheet. */
export const intervalChart = (axis: Axis, interval: Interval, colour: string): string => {
  const clamp = (x: number): number => Math.min(axis.high, Math.max(axis.low, x))
  const low = clamp(interval.low)
  const high = clamp(interval.high)
  const ends = [
    { x: low, beyond: interval.low < axis.low, rotate: -90, dx: -4 },
    { x: high, beyond: interval.high > axis.high, rotate: 90, dx: 4 }
  ]
  const y = rowHeight / 2
  return draw({
    width,
    height: rowHeight,
    margin: 0,
    axis: null,
    x: scale(axis),
    y: { type: "identity" },
    marks: [
      Plot.ruleX([0], { stroke: "var(--zero)", strokeDasharray: "2 2" }),
      Plot.link([interval], {
        x1: () => low,
        x2: () => high,
        y1: () => y,
        y2: () => y,
        stroke: colour,
        strokeWidth: 6,
        strokeOpacity: 0.3,
        strokeLinecap: "round"
      }),
      ...ends.filter(({ beyond }) => beyond).map(({ dx, rotate, x }) =>
        Plot.dot([x], { x: () => x, y: () => y, dx, symbol: "triangle", r: 3.5, rotate, fill: colour })
      ),
      ...(interval.point < axis.low || interval.point > axis.high
        ? []
        : [Plot.dot([interval], { x: () => interval.point, y: () => y, r: 4, fill: colour })])
    ]
  })
}
