/** What a metric's result says beside its moments: who is too young, who lacks the covariate, what is reported beside. */
import type { Aggregates, Plan } from "@assay/aggregation"
import { Duration, type MetricResult, type Moments } from "@assay/model"

/** A mean, or a ratio of two; null where there is none. To 14 digits, since sums depend on the order of addition. */
const valueOf = (moments: Moments.Moments): number | null => {
  const [above, below = moments.n] = moments.sums
  return below === 0 || above === undefined ? null : Number((above / below).toPrecision(14))
}

/** The further keys of the result of metric `m` of a plan. */
export const metricExtras = (
  { arms, metrics }: Plan,
  { immature, moments, reported }: Aggregates,
  m: number
): Pick<MetricResult, "immature" | "covariate" | "reported"> => {
  const { covariate, reported: names, ripeUntil } = metrics[m]!
  const missing = (arm: string) => {
    const { n, sums } = moments[m]![arm]!
    return covariate !== undefined && "trait" in covariate.of ? n - sums[covariate.columns.numerator + 1]! : 0
  }
  return {
    ...(ripeUntil === undefined ? {} : { immature: immature[m]! }),
    ...(covariate === undefined ? {} : {
      covariate: {
        source: "trait" in covariate.of
          ? `trait ${covariate.of.trait}`
          : `${Duration.fromMillis(covariate.of.lookback)} before exposure`,
        missing: Object.fromEntries(arms.map((arm) => [arm, missing(arm)]))
      }
    }),
    ...(names.length === 0 ? {} : {
      reported: names.map(({ name }, i) => ({
        name,
        values: Object.fromEntries(arms.map((arm) => [arm, valueOf(reported[m]![i]![arm]!)]))
      }))
    })
  }
}
