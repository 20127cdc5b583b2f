/** How an engine judges a standardised effect: its critical value, its p-values, its chances, and its e-values. */
import type { Alternative } from "./contrast.ts"
import { normalCdf, normalCritical, normalQuantile, normalSurvival } from "./distributions.ts"
import { studentQuantile, studentSurvival } from "./student.ts"

export interface Rule {
  /** Half the width of an interval in standard errors, for the rule's alternative. */
  readonly critical: number
  readonly degreesOfFreedom: number | null
  readonly pValue: (z: number) => number
  /** P(effect > 0) after the data, for an effect z standard errors above 0. */
  readonly chance: (z: number) => number
  readonly logE?: (z: number) => number
}

const requireOneSided = (confidence: number): void => {
  if (!(confidence >= 0.5)) {
    throw new RangeError(`A one-sided interval needs a confidence of at least 0.5, found ${confidence}`)
  }
}

/** The latest answer is kept: a run asks the same of every comparison. */
const memo = <A>(f: (x: number) => A): (x: number) => A => {
  let at = NaN
  let value: A | undefined
  return (x) => {
    if (x !== at || value === undefined) {
      value = f(x)
      at = x
    }
    return value
  }
}

/**
 * p-value and chance of a distribution that is symmetric about 0, from its survival function above 0, which is computed once for
 * both: the two-sided p-value is twice the smaller of the chance and its complement.
 */
const symmetric = (
  survival: (z: number) => number,
  alternative: Alternative
): Pick<Rule, "pValue" | "chance"> => {
  const tail = memo(survival)
  const chance = (z: number): number => (z > 0 ? 1 - tail(z) : tail(-z))
  return {
    chance,
    pValue: alternative === "two-sided"
      ? (z) => Math.min(1, 2 * tail(Math.abs(z)))
      : alternative === "greater"
      ? (z) => chance(-z)
      : chance
  }
}

const normalRuleFor = (alternative: Alternative): (confidence: number) => Rule => {
  const shape = symmetric(normalSurvival, alternative)
  return memo((confidence) => {
    if (alternative !== "two-sided") requireOneSided(confidence)
    return {
      critical: alternative === "two-sided"
        ? normalCritical(confidence)
        : confidence === 0.5
        ? 0
        : normalQuantile(confidence),
      degreesOfFreedom: null,
      ...shape
    }
  })
}

const normalRules: Readonly<Record<Alternative, (confidence: number) => Rule>> = {
  "two-sided": normalRuleFor("two-sided"),
  greater: normalRuleFor("greater"),
  less: normalRuleFor("less")
}

/** The normal distribution: known or large-sample variances. */
export const normalRule = (confidence: number, alternative: Alternative): Rule => normalRules[alternative](confidence)

/** Student's t (Infinity degrees of freedom: the normal). */
export const studentRule = (degreesOfFreedom: number, confidence: number, alternative: Alternative): Rule => {
  if (degreesOfFreedom === Infinity) return normalRule(confidence, alternative)
  if (alternative !== "two-sided") requireOneSided(confidence)
  const tail = alternative === "two-sided" ? (1 - confidence) / 2 : 1 - confidence
  return {
    critical: tail === 0.5 ? 0 : -studentQuantile(tail, degreesOfFreedom),
    degreesOfFreedom,
    ...symmetric((t) => studentSurvival(t, degreesOfFreedom), alternative)
  }
}

/** g = 1/ρ² for the sample size at which the sequence is narrowest: ρ² = (−2 ln α + ln(1 − 2 ln α))/N. */
const mixture = (alpha: number, tuning: number): number => {
  const l = -2 * Math.log(alpha)
  return tuning / (l + Math.log1p(l))
}

/**
 * The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2021), "Time-uniform central limit theory
 * and asymptotic confidence sequences": two-sided radius SE·√((n+g)/n·ln((n+g)/(g·α²))) (their theorem 2.2), one-sided
 * SE·√(2·(n+g)/n·ln(1 + √((n+g)/g)/(2α))) (appendix B), `n` identities in both arms, `tuning` the n where it is narrowest. The e-value
 * is the mixture's, √(g/(n+g))·exp(n·z²/(2(n+g))), one-sided 2·√(g/(n+g))·(exp(n·z²/(2(n+g))) − 1) for z > 0; p = min(1, 1/e), so the
 * interval excludes what the p-value rejects. `tunedFor` is the confidence that the tuning is meant for: e-values don't depend on the
 * confidence of an interval then.
 */
export const sequentialRule = (
  n: number,
  tuning: number,
  confidence: number,
  alternative: Alternative,
  tunedFor: number = confidence
): Rule => {
  if (!(tuning > 0 && tuning < Infinity)) throw new RangeError(`The tuning is a sample size above 0, found ${tuning}`)
  if (alternative !== "two-sided") requireOneSided(confidence)
  const alpha = 1 - confidence
  const g = mixture(1 - tunedFor, tuning)
  const factor = (n + g) / n
  const logRoot = 0.5 * Math.log1p(n / g)
  const twoSided = (z: number): number => 0.5 * z * (z / factor) - logRoot
  const upper = (z: number): number => {
    if (!(z > 0)) return -Infinity
    const exponent = 0.5 * z * (z / factor)
    return Math.LN2 - logRoot + (exponent > 700 ? exponent : Math.log(Math.expm1(exponent)))
  }
  const logE = alternative === "two-sided"
    ? twoSided
    : alternative === "greater"
    ? upper
    : (z: number) => upper(-z)
  return {
    critical: alternative === "two-sided"
      ? Math.sqrt(2 * factor * (logRoot - Math.log(alpha)))
      : Math.sqrt(2 * factor * Math.log1p(Math.exp(logRoot) / (2 * alpha))),
    degreesOfFreedom: null,
    pValue: (z) => Math.min(1, Math.exp(-logE(z))),
    chance: normalCdf,
    logE
  }
}

/** E[X⁺] for X ~ N(mean, sd²), without cancellation far below 0. */
export const expectedPositivePart = (mean: number, sd: number): number => {
  if (sd === 0) return Math.max(0, mean)
  const z = -mean / sd
  if (z <= 1) return mean * normalSurvival(z) + sd * Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
  // φ(z) − z·S(z) = φ(z)·w/(z+w) with w = 1/(z + 2/(z + 3/…)): the tail of Mills' continued fraction.
  let w = 0
  for (let k = Math.ceil(12 + 700 / (z * z)); k > 0; k--) w = k / (z + w)
  return sd * Math.exp(-0.5 * z * z - 0.5 * Math.log(2 * Math.PI)) * (w / (z + w))
}
