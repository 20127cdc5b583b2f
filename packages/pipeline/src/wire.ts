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

/**
 * Sums of fractions depend on the order of addition in their last digits, so they leave with 14 significant ones. Whole
 * numbers leave as they are.
 */
export const stable = (x: number): number => (Number.isSafeInteger(x) ? x : Number(x.toPrecision(14)))

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
export const wireInference = (inference: Inference): WireInference => {
  const { status: _, ...rest } = inference
  return rest
}

/** Why nothing is inferred. */
export const wireWithheld = ({ have, need, reason, sentence }: Withheld): WireWithheld => ({
  reason,
  have,
  need,
  sentence
})
