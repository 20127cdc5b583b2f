/** Intervals of lifts drawn on one axis, a character per cell. */

/** An axis from `low` < 0 to `high` > 0 over so many cells, with 0 in the cell `zero`. */
export interface Axis {
  readonly low: number
  readonly high: number
  readonly cells: number
  readonly zero: number
}

/** An interval with its point: lifts, as fractions (0.1 = 10 %). */
export interface Interval {
  readonly low: number
  readonly point: number
  readonly high: number
}

/** An interval that reaches so many times as far from 0 as the median one doesn't fit; it is clipped. */
const tooFar = 4

/** The smaller side of an axis is at least this part of the larger, so that 0 has some room on both sides. */
const leastSide = 0.2

/** So that the ends of an axis can be written in percent. */
const largestReach = 1e300

/** What an axis shows when every interval is 0. */
const defaultReach = 0.01

const niceSteps = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]

/** The next number of one or two digits that isn't smaller. */
const nice = (x: number): number => {
  const power = 10 ** Math.floor(Math.log10(x))
  const step = niceSteps.find((step) => step * power >= x * (1 - 1e-9)) ?? 10
  return Math.max(step * power, Number.MIN_VALUE)
}

/**
 * The axis for all intervals of a scorecard, in so many cells (≥ 5). It is made for most of them: those that reach more than
 * four times as far as the median one are left out of account and will be clipped.
 */
export const axisFor = (intervals: ReadonlyArray<Interval>, cells: number): Axis => {
  const reach = (interval: Interval): number =>
    Math.min(largestReach, Math.max(Math.abs(interval.low), Math.abs(interval.high)))
  const reaches = intervals.map(reach).filter((reach) => reach > 0).toSorted((a, b) => a - b)
  const median = reaches[Math.floor((reaches.length - 1) / 2)] ?? defaultReach
  const limit = reaches.findLast((reach) => reach <= tooFar * median) ?? median
  const left = Math.min(limit, Math.max(0, ...intervals.map(({ low }) => -low)))
  const right = Math.min(limit, Math.max(0, ...intervals.map(({ high }) => high)))
  const least = (Math.max(left, right) || defaultReach) * leastSide
  const low = -nice(Math.max(left, least))
  const high = nice(Math.max(right, least))
  const zero = Math.min(cells - 3, Math.max(2, Math.round((-low / (high - low)) * (cells - 1))))
  return { low, high, cells, zero }
}

const cellOf = (axis: Axis, x: number): number =>
  x <= 0
    ? axis.zero - Math.round(Math.min(1, x / axis.low) * axis.zero)
    : axis.zero + Math.round(Math.min(1, x / axis.high) * (axis.cells - 1 - axis.zero))

/** An end that isn't 0 is never drawn on 0: the drawing excludes 0 exactly when the interval does. */
const offZero = (axis: Axis, x: number): number => {
  const cell = cellOf(axis, x)
  return x < 0 ? Math.min(cell, axis.zero - 1) : x > 0 ? Math.max(cell, axis.zero + 1) : axis.zero
}

/** The axis without an interval: 0 is marked. */
export const empty = (axis: Axis): string => `${" ".repeat(axis.zero)}┆${" ".repeat(axis.cells - axis.zero - 1)}`

/**
 * An interval as `├──●──┤` on the axis, `┼` where it crosses 0, `◄` and `►` where it goes on beyond the axis. The result has
 * `axis.cells` characters of one cell each.
 */
export const draw = (axis: Axis, interval: Interval): string => {
  const beyondLeft = interval.low < axis.low * (1 + 1e-9)
  const beyondRight = interval.high > axis.high * (1 + 1e-9)
  const from = offZero(axis, interval.low)
  const to = offZero(axis, interval.high)
  const point = Math.min(to, Math.max(from, cellOf(axis, interval.point)))
  const glyph = (cell: number): string => {
    if (cell === from && beyondLeft) return "◄"
    if (cell === to && beyondRight) return "►"
    if (cell === point) return "●"
    if (cell === from) return "├"
    if (cell === to) return "┤"
    if (cell > from && cell < to) return cell === axis.zero ? "┼" : "─"
    return cell === axis.zero ? "┆" : " "
  }
  return Array.from({ length: axis.cells }, (_, cell) => glyph(cell)).join("")
}

/** The ends of the axis and 0 as a line above the drawings; `tick` writes an end. A 0 without room is left out. */
export const labels = (axis: Axis, tick: (x: number) => string): string => {
  const low = tick(axis.low)
  const high = tick(axis.high)
  const room = axis.cells - low.length - high.length
  if (room < 1) return empty(axis)
  const zero = axis.zero - low.length
  const middle = zero >= 1 && zero <= room - 2
    ? `${" ".repeat(zero)}0${" ".repeat(room - zero - 1)}`
    : " ".repeat(room)
  return low + middle + high
}
