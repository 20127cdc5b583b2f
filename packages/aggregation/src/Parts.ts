/**
 * Parts: what a row of the statement's answer speaks of beside an arm. The whole; the identities with one value of a dimension; or
 * what one day or hour of the window added to the whole. A part is one number, so that all parts come from one aggregation.
 */
import type { Property } from "./Property.ts"

/** The part that is the whole. */
export const wholePart = 0

/** Codes per dimension: 0 for identities without the trait, then the values, then all others. */
const codes = 256

/** Where the parts of the series begin. */
export const seriesParts = 2 ** 24

/** The part of the events that no metric counts, which are kept apart from the identities that they belong to. */
export const apartPart = seriesParts - 1

/** Points per group of a series. */
const points = 2 ** 20

/** The most values of a dimension that are told apart. */
export const mostValues = codes - 2

/** A breakdown of the identities by a trait of their first exposure. */
export interface PlannedBreakdown {
  readonly dimension: string
  readonly property: Property
  /** The values that get a slice of their own, largest first; all others are one. Empty until they are known. */
  readonly values: ReadonlyArray<string>
  /** How many different values there are. */
  readonly distinct: number
}

/** The code of the values beyond those that get a slice of their own. */
export const otherCode = ({ values }: PlannedBreakdown): number => values.length + 1

/** The part of the identities with one value of a dimension. */
export const slicePart = (breakdown: number, code: number): number => 1 + breakdown * codes + code

/** The first part of a group of the series: of measures whose identities enter at the same age. */
export const groupPart = (group: number): number => seriesParts + group * points

/** A series: cumulative, a point for the end of each day or hour of the window. */
export interface PlannedSeries {
  readonly period: "day" | "hour"
}

/** Milliseconds of a period. */
const lengths = { day: 86_400_000, hour: 3_600_000 } as const

/** Windows of up to so many milliseconds have a point per hour. */
const hourlyUpTo = 72 * lengths.hour

/** The series of a window [from, to), in milliseconds since 1970-01-01 UTC. */
export const seriesOf = (from: number, to: number): PlannedSeries => ({
  period: to - from <= hourlyUpTo ? "hour" : "day"
})

interface Windowed {
  readonly from: number
  readonly to: number
}

/** The start of the period in which the window begins, and the length of a period. */
export const gridOf = ({ from }: Windowed, { period }: PlannedSeries) => {
  const length = lengths[period]
  return { length, origin: Math.floor(from / length) * length }
}

/** The ends of a window's periods, exclusive: whole days or hours of UTC, the last one where the window ends. */
export const pointEnds = (window: Windowed, series: PlannedSeries): ReadonlyArray<number> => {
  const { length, origin } = gridOf(window, series)
  return Array.from(
    { length: Math.ceil((window.to - origin) / length) },
    (_, i) => Math.min(window.to, origin + (i + 1) * length)
  )
}
