/** The two contrasts of a pair of estimates: the absolute difference, and the lift relative to the control. */
import type { Arms } from "./comparison.ts"
import { normalSurvival } from "./distributions.ts"

/** A number with its interval. */
export interface Interval {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** The absolute difference with its test. */
export interface Difference extends Interval {
  readonly standardError: number
  /** Difference over standard error; ±Infinity for a difference without any variance. */
  readonly z: number
  /** Two-sided. */
  readonly pValue: number
  /** Whether the test rejects at 1 − confidence: decided here, once, and obeyed by every interval. */
  readonly rejected: boolean
}

/**
 * A difference below this many units of rounding of the larger mean is none: means come out of sums whose last bits depend
 * on the order of summation, and without variance such a difference would read as certainty.
 */
const roundingUnits = 4

const subtract = (treatment: number, control: number): number => {
  const difference = treatment - control
  const rounding = roundingUnits * Number.EPSILON * Math.max(Math.abs(treatment), Math.abs(control))
  return Math.abs(difference) <= rounding ? 0 : difference
}

/** value/se where certainty (se = 0) is ±Infinity, and 0 for no difference at all. */
export const standardised = (value: number, standardError: number): number => (value === 0 ? 0 : value / standardError)

/** An interval as it is, but on the side of 0 that the test says, where rounding has put a bound on the other side. */
const obey = (rejected: boolean, { high, low, value }: Interval): Interval => {
  const least = Math.max(Number.MIN_VALUE, Math.abs(value) * Number.EPSILON)
  const [l, h] = !rejected
    ? [Math.min(low, 0), Math.max(high, 0)]
    : value > 0
    ? [Math.max(low, least), high]
    : [low, Math.min(high, -least)]
  return { value, low: Math.min(l, value), high: Math.max(h, value) }
}

/**
 * Treatment minus control in the metric's own unit, with the interval value ± z·SE and the two-sided z test (the arms are
 * independent: their variances add). The interval excludes 0 exactly when the p-value is below `1 - confidence`.
 */
export const difference = (arms: Arms, confidence: number): Difference => {
  const value = subtract(arms.treatment.value, arms.control.value)
  const standardError = Math.sqrt(arms.treatment.variance + arms.control.variance)
  const z = standardised(value, standardError)
  const pValue = 2 * normalSurvival(Math.abs(z))
  const rejected = pValue < 1 - confidence
  const reach = arms.critical * standardError
  return {
    ...obey(rejected, { value, low: value - reach, high: value + reach }),
    standardError,
    z,
    pValue,
    rejected
  }
}

/** How many standard errors the control's estimate is above 0; Infinity when it has no variance. */
export const controlZ = (arms: Arms): number => arms.control.value / Math.sqrt(arms.control.variance)

/**
 * The lift mt/mc − 1 with Fieller's interval (Fieller 1954, "Some problems in interval estimation"): all ρ for which the
 * test of mt − ρ·mc = 0 doesn't reject, less 1. It excludes 0 exactly when the test of no difference rejects. Undefined
 * where the interval is unbounded: the control's estimate is within z standard errors of 0.
 *
 * With L the lift, r = L + 1, a and b the standard errors of the control's and the treatment's estimate over mc, h = z·a and
 * g = h², the bounds are the roots of (1−g)λ² − 2(L+g)λ + L² − z²(a²+b²) = 0. The larger root by size comes from the
 * formula, the other from the product of the roots, so that neither cancels.
 */
export const fiellerLift = (arms: Arms, { rejected, value }: Difference): Interval | undefined => {
  const z = arms.critical
  const distance = controlZ(arms)
  if (!(distance > z)) return undefined
  const mc = arms.control.value
  const lift = value / mc
  const h = z / distance
  const a = Math.sqrt(arms.control.variance) / mc
  const b = Math.sqrt(arms.treatment.variance) / mc
  // Not 1 − h²: that could round to 0.
  const oneMinusG = (1 - h) * (1 + h)
  const centre = lift + h * h
  const spread = Math.hypot(h * (lift + 1), Math.sqrt(oneMinusG) * z * b)
  const far = centre >= 0 ? centre + spread : centre - spread
  const reach = z * Math.hypot(a, b)
  const near = far === 0 ? 0 : ((Math.abs(lift) - reach) / far) * (Math.abs(lift) + reach)
  const bound = far / oneMinusG
  const interval = obey(rejected, { value: lift, low: Math.min(near, bound), high: Math.max(near, bound) })
  return Number.isFinite(interval.low) && Number.isFinite(interval.high) ? interval : undefined
}

/** A lift by the linear delta method, with its standard error. */
export interface DeltaLift extends Interval {
  readonly standardError: number
}

/**
 * The lift (mt−mc)/mc with Var = vt/mc² + mt²·vc/mc⁴ (v: variance of the estimate) and the interval lift ± z·SE. Its interval
 * can contradict the test of the difference (in up to 13 % of skewed cases); {@link fiellerLift} doesn't. Undefined where
 * the interval doesn't fit a 64-bit float.
 */
export const deltaLift = (arms: Arms, { value }: Difference): DeltaLift | undefined => {
  const mc = arms.control.value
  const lift = value / mc
  const a = Math.sqrt(arms.control.variance) / mc
  const b = Math.sqrt(arms.treatment.variance) / mc
  const standardError = Math.hypot(b, (lift + 1) * a)
  const reach = arms.critical * standardError
  return Number.isFinite(reach) ? { value: lift, low: lift - reach, high: lift + reach, standardError } : undefined
}
