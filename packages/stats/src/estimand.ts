/**
 * What is estimated per arm: a smooth function of the arm's mean vector, with its gradient. The variance of the estimate
 * is the delta method's ∇ᵀΣ∇/n, with the sample covariance Σ (Deng, Knoblich and Lu 2018, "Applying the delta method in
 * metric analytics"). Proportion, mean, ratio and their covariate-adjusted forms are instances of it.
 */
import { Moments } from "@assay/model"

/** Unit columns by index: the mean of `numerator`, or the ratio of the means of `numerator` and `denominator`. */
export interface Columns {
  readonly numerator: number
  readonly denominator?: number
}

/**
 * `proportion` and `mean` are the mean of unit column 0 (0 or 1 per identity for a proportion); `ratio` is the mean of unit
 * column 0 over the mean of unit column 1; a `quantile`'s linearised values (see `quantileMoments`) are read like those of a mean; `columns` says so where they stand elsewhere. `covariate` is a mean or a ratio from
 * before the exposure: the estimate is then adjusted for it (CUPED; see {@link adjustmentOf}).
 */
export interface Estimand {
  readonly kind: "proportion" | "mean" | "ratio" | "quantile"
  readonly columns?: Columns
  readonly covariate?: Columns
}

/** An estimate in the metric's own unit and the variance of that estimate (not of one identity). */
export interface Estimate {
  readonly value: number
  readonly variance: number
}

/** A function of the mean vector at a point: its value, and its gradient over the columns that it reads. */
interface Linearised {
  readonly value: number
  readonly columns: ReadonlyArray<number>
  readonly gradient: ReadonlyArray<number>
}

const meanColumns: Columns = { numerator: 0 }
const ratioColumns: Columns = { numerator: 0, denominator: 1 }

/** The unit columns of the metric itself, without its covariate. */
export const outcomeOf = (estimand: Estimand): Columns =>
  estimand.columns ?? (estimand.kind === "ratio" ? ratioColumns : meanColumns)

const indices = ({ denominator, numerator }: Columns): ReadonlyArray<number> =>
  denominator === undefined ? [numerator] : [numerator, denominator]

const ofMean: ReadonlyArray<number> = [0]
const ofRatio: ReadonlyArray<number> = [0, 1]

/** The indices of all unit columns that an estimand reads. */
export const columnsOf = (estimand: Estimand): ReadonlyArray<number> =>
  estimand.covariate !== undefined
    ? [...indices(outcomeOf(estimand)), ...indices(estimand.covariate)]
    : estimand.columns !== undefined
    ? indices(estimand.columns)
    : estimand.kind === "ratio"
    ? ofRatio
    : ofMean

const one: ReadonlyArray<number> = [1]

/** A mean or a ratio at the arm's sample means. */
const linearise = ({ denominator, numerator }: Columns, moments: Moments.Moments): Linearised => {
  const first = Moments.mean(moments, numerator)
  if (denominator === undefined) {
    return { value: first, columns: numerator === 0 ? ofMean : [numerator], gradient: one }
  }
  const second = Moments.mean(moments, denominator)
  const value = first / second
  return { value, columns: [numerator, denominator], gradient: [1 / second, -value / second] }
}

/** ∇aᵀΣ∇b. */
const bilinear = (a: Linearised, b: Linearised, moments: Moments.Moments): number => {
  let total = 0
  for (let i = 0; i < a.columns.length; i++) {
    let row = 0
    for (let j = 0; j < b.columns.length; j++) {
      row += a.gradient[i]! * Moments.covariance(moments, a.columns[i], b.columns[j]) * b.gradient[j]!
    }
    total += row
  }
  return total
}

/** How the estimates of an experiment are adjusted: Y − θ·(X − centre). */
export interface Adjustment {
  readonly theta: number
  /** The covariate's value over the identities that θ was taken from. */
  readonly centre: number
  /** Why there is none, where there is none: θ is 0 then. */
  readonly fallback?: string
}

/**
 * θ = cov(Y, X)/var(X) of the linearised outcome and covariate over all identities of `pooled`: the arms compared, or all arms
 * of the experiment, merged (Deng, Xu, Kohavi and Walker 2013, "Improving the sensitivity of online controlled experiments
 * by utilizing pre-experiment data", §3). A covariate without variance, or a ratio without a denominator, gives θ = 0 and says so.
 */
export const adjustmentOf = (estimand: Estimand, pooled: Moments.Moments): Adjustment => {
  const none = (fallback: string): Adjustment => ({ theta: 0, centre: 0, fallback })
  if (estimand.covariate === undefined) return none("No covariate was given.")
  const y = linearise(outcomeOf(estimand), pooled)
  const x = linearise(estimand.covariate, pooled)
  const spread = bilinear(x, x, pooled)
  if (!Number.isFinite(x.value) || !(spread > x.value * x.value * 1e-24) || pooled.n < 3) {
    return none("The covariate has no variance, so the result isn't adjusted.")
  }
  const theta = bilinear(y, x, pooled) / spread
  return Number.isFinite(theta)
    ? { theta, centre: x.value }
    : none("The covariate is out of range, so the result isn't adjusted.")
}

/**
 * The estimate of an arm, or undefined where there is none: fewer than two identities, a denominator of 0, or numbers whose
 * variance doesn't fit a 64-bit float. With an `adjustment` it is Y − θ·(X − centre), whose gradient is ∇Y − θ∇X. Moments with
 * fewer unit columns than the estimand reads are a RangeError.
 */
export const estimate = (
  estimand: Estimand,
  moments: Moments.Moments,
  adjustment?: Adjustment
): Estimate | undefined => {
  const columns = columnsOf(estimand)
  for (const i of columns) {
    if (!(i < moments.sums.length)) {
      throw new RangeError(
        `A ${estimand.kind}${
          estimand.covariate === undefined ? "" : " with a covariate"
        } reads ${columns.length} unit column(s), found ${moments.sums.length}`
      )
    }
  }
  if (!(moments.n >= 2)) return undefined
  const y = linearise(outcomeOf(estimand), moments)
  let { value } = y
  let spread = bilinear(y, y, moments)
  if (estimand.covariate !== undefined && adjustment !== undefined && adjustment.theta !== 0) {
    const x = linearise(estimand.covariate, moments)
    const { centre, theta } = adjustment
    value -= theta * (x.value - centre)
    spread = adjustedSpread(spread, theta, bilinear(y, x, moments), bilinear(x, x, moments))
  }
  const variance = Math.max(0, spread) / moments.n
  return Number.isFinite(value) && Number.isFinite(variance) ? { value, variance } : undefined
}

/** Below this part of the outcome's own variance the rest is rounding: a covariate that explains everything leaves 0. */
const roundingOfSpread = 8 * Number.EPSILON

const adjustedSpread = (yy: number, theta: number, yx: number, xx: number): number => {
  const rest = yy - 2 * theta * yx + theta * theta * xx
  return rest > roundingOfSpread * yy ? rest : 0
}
