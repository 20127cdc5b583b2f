/**
 * What is estimated per arm: a smooth function of the arm's mean vector, with its gradient. The variance of the estimate
 * is the delta method's ∇ᵀΣ∇/n, with the sample covariance Σ (Deng, Knoblich and Lu 2018, "Applying the delta method in
 * metric analytics").
 */
import { Moments } from "@assay/model"

/**
 * `proportion` and `mean` are the mean of unit column 0 (0 or 1 per identity for a proportion); `ratio` is the mean of unit
 * column 0 over the mean of unit column 1.
 */
export type Estimand = { readonly kind: "proportion" | "mean" } | { readonly kind: "ratio" }

/** An estimate in the metric's own unit and the variance of that estimate (not of one identity). */
export interface Estimate {
  readonly value: number
  readonly variance: number
}

/** The value of an estimand at a mean vector, and its gradient there. */
interface Linearised {
  readonly value: number
  readonly gradient: ReadonlyArray<number>
}

/** How many unit columns an estimand reads. */
export const columnsOf = (estimand: Estimand): number => (estimand.kind === "ratio" ? 2 : 1)

const linearise = (estimand: Estimand, moments: Moments.Moments): Linearised => {
  const first = Moments.mean(moments, 0)
  if (estimand.kind !== "ratio") return { value: first, gradient: [1] }
  const denominator = Moments.mean(moments, 1)
  const value = first / denominator
  return { value, gradient: [1 / denominator, -value / denominator] }
}

/** ∇ᵀΣ∇, never below 0 by rounding. */
const quadraticForm = (gradient: ReadonlyArray<number>, moments: Moments.Moments): number =>
  Math.max(
    0,
    gradient.reduce(
      (total, gi, i) =>
        gradient.reduce((subtotal, gj, j) => subtotal + gi * Moments.covariance(moments, i, j) * gj, total),
      0
    )
  )

/**
 * The estimate of an arm, or undefined where there is none: fewer than two identities, a denominator of 0, or numbers whose
 * variance doesn't fit a 64-bit float. Moments with fewer unit columns than the estimand reads are a RangeError.
 */
export const estimate = (estimand: Estimand, moments: Moments.Moments): Estimate | undefined => {
  const columns = columnsOf(estimand)
  if (moments.sums.length < columns) {
    throw new RangeError(`A ${estimand.kind} reads ${columns} unit column(s), found ${moments.sums.length}`)
  }
  if (!(moments.n >= 2)) return undefined
  const { gradient, value } = linearise(estimand, moments)
  const variance = quadraticForm(gradient, moments) / moments.n
  return Number.isFinite(value) && Number.isFinite(variance) ? { value, variance } : undefined
}
