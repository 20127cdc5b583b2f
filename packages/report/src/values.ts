/** The value of a metric in an arm. */
import type { EstimandKind, VariantMoments } from "@assay/model"

/** Of a ratio Σ of the numerator over Σ of the denominator, undefined where that is 0; else the mean. Undefined without moments. */
export const valueOf = (estimand: EstimandKind, moments: VariantMoments | undefined): number | undefined =>
  moments === undefined || (estimand === "ratio" && moments.denominator_sum === 0)
    ? undefined
    : estimand === "ratio" && moments.denominator_sum !== undefined
    ? moments.sum / moments.denominator_sum
    : moments.mean
