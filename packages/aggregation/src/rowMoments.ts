/** Moments in the columns of a row. */
import type { Moments } from "@assay/model"
import { count, real, type Row, Unexpected } from "./cells.ts"
import type { Measure, Plan } from "./Plan.ts"
import { momentColumns, type Whose } from "./statement/moments.ts"

/** What reads a measure's moments from a row. */
export type MomentsReader = (row: Row) => Moments.Moments

/** A reader of the moments of a measure, by its place in the row; `counted` is the column of its identities. */
const momentsReader = (measure: Measure, m: number, counted: string, whose: Whose): MomentsReader => {
  // The names are made once: rows are many.
  const names = measure.columns.map((_, i) =>
    measure.columns.map((_, j) => momentColumns(m, Math.min(i, j), Math.max(i, j), whose))
  )
  return (row) => ({
    n: count(row, counted),
    sums: names.map((line, i) => real(row, line[i]!.sum)),
    products: names.map((line) => line.map(({ product }) => real(row, product))),
    comoments: names.map((line, i) =>
      line.map(({ comoment }, j) => (i === j ? Math.max(0, real(row, comoment)) : real(row, comoment)))
    )
  })
}

/** The metric that a measure belongs to, by its place among `measures`. */
const ownerOf = (plan: Plan, m: number): string =>
  [
    ...plan.metrics.map(({ key }) => key),
    ...plan.metrics.flatMap(({ key, reported }) => reported.map(() => key)),
    ...plan.metrics.flatMap(({ cap, key }) => (cap === undefined ? [] : [key]))
  ][m]!

/** A {@link momentsReader} of the `m`-th measure of a plan, which stands in the row at another place, perhaps: what is wrong names the metric. */
export const metricMomentsReader = (
  plan: Plan,
  measure: Measure,
  m: number,
  counted: string,
  at = m,
  whose: Whose = ""
): MomentsReader => {
  const read = momentsReader(measure, at, counted, whose)
  return (row) => {
    try {
      return read(row)
    } catch (error) {
      throw error instanceof Unexpected ? new Unexpected(`metric ${ownerOf(plan, m)}: ${error.message}`) : error
    }
  }
}
