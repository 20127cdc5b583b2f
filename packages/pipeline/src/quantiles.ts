/** Quantiles as moments: what the kernel makes of them, in the place of what the statement counted. Pure. */
import type { Aggregates, Plan, PlannedQuantile } from "@assay/aggregation"
import { Moments } from "@assay/model"
import { quantileMoments } from "@assay/stats"

type ByArm = Aggregates["moments"][number]

const linearised = (
  { around, level }: PlannedQuantile,
  values: NonNullable<Aggregates["quantiles"][number]>,
  counts: ByArm
): ByArm =>
  Object.fromEntries(
    Object.entries(counts).map(([arm, moments]) => [
      arm,
      values[arm]!.length === 0
        ? Moments.fromCentral(moments.n, [0, 0], [[0, 0], [0, 0]])
        : quantileMoments({ level, levels: around, values: values[arm]!, counts: moments })
    ])
  )

/**
 * The aggregates with the moments of each quantile: its value in an arm as their mean, with its standard error. A quantile of a
 * slice, or of an earlier point of the series, isn't known: there it has none.
 */
export const withQuantiles = (plan: Plan, aggregates: Aggregates): Aggregates => {
  const { points, quantiles } = aggregates
  if (quantiles.every((values) => values === undefined)) return aggregates
  const moments = aggregates.moments.map((counts, m) => {
    const values = quantiles[m]
    return values === undefined ? counts : linearised(plan.metrics[m]!.quantile!, values, counts)
  })
  return {
    ...aggregates,
    moments,
    points: points.map((point, p) => ({
      ...point,
      moments: point.moments.map((byArm, m) =>
        quantiles[m] === undefined ? byArm : p === points.length - 1 ? moments[m] : undefined
      )
    }))
  }
}
