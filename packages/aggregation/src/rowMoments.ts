/** Moments in the columns of a row, to and fro. */
import type { Moments } from "@assay/model"
import { count, real, type Row, Unexpected } from "./cells.ts"
import type { Measure, Plan } from "./Plan.ts"
import { momentColumns } from "./statement/moments.ts"

/** The moments of a measure in a row; `counted` is the column of its identities. */
export const momentsOf = (measure: Measure, m: number, counted: string, row: Row): Moments.Moments => {
  const k = measure.columns.length
  const symmetric = (name: "product" | "comoment") =>
    Array.from(
      { length: k },
      (_, i) => Array.from({ length: k }, (_, j) => real(row, momentColumns(m, Math.min(i, j), Math.max(i, j))[name]))
    )
  return {
    n: count(row, counted),
    sums: Array.from({ length: k }, (_, i) => real(row, momentColumns(m, i, i).sum)),
    products: symmetric("product"),
    comoments: symmetric("comoment").map((line, i) => line.map((value, j) => (i === j ? Math.max(0, value) : value)))
  }
}

/** The columns of a row that say what {@link momentsOf} reads, without the count. */
export const momentCells = ({ comoments, products, sums }: Moments.Moments, m: number): Row =>
  Object.fromEntries(sums.flatMap((sum, i) => [
    [momentColumns(m, i, i).sum, sum],
    ...sums.slice(i).flatMap((_, step) => {
      const names = momentColumns(m, i, i + step)
      return [[names.product, products[i]![i + step]!], [names.comoment, comoments[i]![i + step]!]]
    })
  ]))

/** The metric that a measure belongs to, by its place among `measures`. */
const ownerOf = (plan: Plan, m: number): string =>
  [
    ...plan.metrics.map(({ key }) => key),
    ...plan.metrics.flatMap(({ key, reported }) => reported.map(() => key)),
    ...plan.metrics.flatMap(({ cap, key }) => (cap === undefined ? [] : [key]))
  ][m]!

/** {@link momentsOf} a measure that stands at another place in the row, perhaps: what is wrong names the metric. */
export const metricMoments = (
  plan: Plan,
  measure: Measure,
  m: number,
  counted: string,
  row: Row,
  at = m
): Moments.Moments => {
  try {
    return momentsOf(measure, at, counted, row)
  } catch (error) {
    throw error instanceof Unexpected ? new Unexpected(`metric ${ownerOf(plan, m)}: ${error.message}`) : error
  }
}
