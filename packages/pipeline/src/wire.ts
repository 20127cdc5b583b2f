/** Moments and comparisons as they leave the program. */
import type { PlannedMetric } from "@assay/aggregation"
import {
  type Inference,
  Moments,
  type VariantMoments,
  type WireInference,
  type WireWithheld,
  type Withheld
} from "@assay/model"
import { stable } from "./stable.ts"

/** The moments of one arm of a metric. */
export const wireMoments = (metric: PlannedMetric, moments: Moments.Moments): VariantMoments => ({
  n: moments.n,
  sum: stable(moments.sums[0]!),
  sum_squares: stable(moments.products[0]![0]!),
  mean: stable(Moments.mean(moments)),
  variance: stable(Moments.covariance(moments)),
  ...(metric.estimand === "ratio"
    ? {
      denominator_sum: stable(moments.sums[1]!),
      denominator_sum_squares: stable(moments.products[1]![1]!),
      sum_products: stable(moments.products[0]![1]!)
    }
    : {})
})

/** What is inferred. */
export const wireInference = (inference: Inference): WireInference => ({
  lift: inference.lift,
  ci_low: inference.ci_low,
  ci_high: inference.ci_high,
  chance_to_win: inference.chance_to_win,
  difference: inference.difference,
  difference_ci_low: inference.difference_ci_low,
  difference_ci_high: inference.difference_ci_high,
  standard_error: inference.standard_error,
  p_value: inference.p_value
})

/** Why nothing is inferred. */
export const wireWithheld = ({ have, need, reason, sentence }: Withheld): WireWithheld => ({
  reason,
  have,
  need,
  sentence
})
