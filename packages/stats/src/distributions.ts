/**
 * The one module where distributions come from.
 *
 * jstat serves where it is accurate: the normal distribution function above −2.5, and first guesses of its quantile. Its
 * normal tail loses digits below z ≈ −5 and is 0 below −8.3; its χ² survival is off by 5e-10 in the body and 0 above 70.
 * There, functions of our own stand behind the same names. All are held to a relative error of 1e-10 in the body and 1e-9
 * in the tails down to 1e-300, against tables of an independent high-precision source (`test/oracles`).
 */
import jstat from "jstat"
import { logGammaPrefactor, logLowerGamma, logUpperGamma, upperGamma } from "./internal/incomplete-gamma.ts"
import { invert } from "./internal/root.ts"

const logRootTwoPi = 0.5 * Math.log(2 * Math.PI)

/** Above this z the continued fraction of Mills' ratio takes over; jstat is good to 4e-15 up to here. */
const tailFrom = 2.5

/** Terms of the continued fraction that give full accuracy at z: 120 at {@link tailFrom}, fewer farther out. */
const millsTerms = (z: number): number => Math.ceil(12 + 700 / (z * z))

/** Where Φ(z) is 1 to the last bit. */
const certainFrom = 9

/** The standard normal density φ(z). */
export const normalDensity = (z: number): number => Math.exp(-0.5 * z * z - logRootTwoPi)

/** Mills' ratio (1−Φ(z))/φ(z) = 1/(z + 1/(z + 2/(z + 3/…))) for z ≥ 2.5 (Laplace; DLMF 7.9.1), from the inside out. */
export const millsRatio = (z: number): number => {
  let denominator = z
  for (let k = millsTerms(z); k > 0; k--) denominator = z + k / denominator
  return 1 / denominator
}

/** φ(z) with z² in two parts, so that the rounding of a large square doesn't reach the exponent. */
const tailDensity = (z: number): number => {
  const head = Math.round(z * 16) / 16
  return Math.exp(-0.5 * head * head) * Math.exp(-0.5 * (z - head) * (z + head) - logRootTwoPi)
}

/** P(Z > z) of a standard normal Z: the survival function 1 − Φ(z), accurate in the tail. */
export const normalSurvival = (z: number): number =>
  z <= -certainFrom ? 1 : z <= tailFrom ? jstat.normal.cdf(-z, 0, 1) : z > 40 ? 0 : tailDensity(z) * millsRatio(z)

/** P(Z ≤ z) of a standard normal Z: Φ(z), accurate in the lower tail. */
export const normalCdf = (z: number): number => normalSurvival(-z)

/** ln P(Z > z) of a standard normal Z; it stays finite where the probability is below the smallest double. */
export const normalLogSurvival = (z: number): number =>
  z < -1
    ? Math.log1p(-normalSurvival(-z))
    : z <= tailFrom
    ? Math.log(normalSurvival(z))
    : z === Infinity
    ? -Infinity
    : -0.5 * z * z - logRootTwoPi + Math.log(millsRatio(z))

/** Φ(z) − ½ = φ(z)·Σ z^(2k+1)/(2k+1)!! (all terms of one sign), with full relative accuracy at small z. */
const centralArea = (z: number): number => {
  let term = z
  let sum = z
  for (let k = 3; Math.abs(term) > Math.abs(sum) * Number.EPSILON * 0.25; k += 2) {
    term *= (z * z) / k
    sum += term
  }
  return normalDensity(z) * sum
}

/** Newton's method from `start` until the step no longer matters (or 20 steps: it converges quadratically). */
const newton = (start: number, step: (z: number) => number): number => {
  let z = start
  for (let i = 0; i < 20; i++) {
    const move = step(z)
    z -= move
    if (Math.abs(move) <= Math.abs(z) * Number.EPSILON) break
  }
  return z
}

/** A RangeError unless 0 < p < 1. */
export const checkProbability = (p: number): void => {
  if (!(p > 0 && p < 1)) throw new RangeError(`A quantile needs a probability between 0 and 1, found ${p}`)
}

/** Below this probability the quantile is found on the log scale, where Newton's method can't overshoot. */
const quantileTailBelow = 0.1

/** Below this probability jstat's guess is no longer a good start. */
const guessBelow = 1e-10

/** The z > 0 with P(Z > z) = p, for 0 < p < 0.1. */
const upperQuantile = (p: number): number => {
  const logP = Math.log(p)
  const guess = p > guessBelow
    ? -jstat.normal.inv(p, 0, 1)
    : Math.sqrt(-2 * logP - Math.log(-2 * logP) - 2 * logRootTwoPi)
  return newton(guess, (z) => {
    const logSurvival = normalLogSurvival(z)
    return (logP - logSurvival) * Math.exp(logSurvival + 0.5 * z * z + logRootTwoPi)
  })
}

/**
 * The z with P(Z ≤ z) = p of a standard normal Z. A `p` outside (0, 1) is a RangeError.
 */
export const normalQuantile = (p: number): number => {
  checkProbability(p)
  if (p === 0.5) return 0
  if (p < quantileTailBelow) return -upperQuantile(p)
  if (p > 1 - quantileTailBelow) return upperQuantile(1 - p)
  const area = p - 0.5
  return newton(jstat.normal.inv(p, 0, 1), (z) => (centralArea(z) - area) / normalDensity(z))
}

/** z of the usual 95 % interval, Φ⁻¹(0.975), to the digits that the original system used. */
const critical95 = 1.959963984540054

/**
 * The critical value of a two-sided interval or test: Φ⁻¹(½ + confidence/2). A `confidence` outside (0, 1) is a RangeError.
 */
export const normalCritical = (confidence: number): number => {
  if (confidence === 0.95) return critical95
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`A confidence lies between 0 and 1, such as 0.95; found ${confidence}`)
  }
  return -normalQuantile((1 - confidence) / 2)
}

const checkChiSquared = (x: number, degreesOfFreedom: number): void => {
  if (!(x >= 0)) throw new RangeError(`A χ² statistic is at least 0, found ${x}`)
  if (!(degreesOfFreedom > 0 && degreesOfFreedom < Infinity)) {
    throw new RangeError(`Degrees of freedom are above 0, found ${degreesOfFreedom}`)
  }
}

/** P(X > x) of a χ² variable with `degreesOfFreedom`: Q(df/2, x/2). x ≥ 0 and df > 0, otherwise a RangeError. */
export const chiSquaredSurvival = (x: number, degreesOfFreedom: number): number => {
  checkChiSquared(x, degreesOfFreedom)
  return upperGamma(degreesOfFreedom / 2, x / 2)
}

/** ln P(X > x) of a χ² variable; it stays finite where the probability is below the smallest double. */
export const chiSquaredLogSurvival = (x: number, degreesOfFreedom: number): number => {
  checkChiSquared(x, degreesOfFreedom)
  return logUpperGamma(degreesOfFreedom / 2, x / 2)
}

/** P(X ≤ x) of a χ² variable, accurate in the lower tail. */
export const chiSquaredCdf = (x: number, degreesOfFreedom: number): number => {
  checkChiSquared(x, degreesOfFreedom)
  return Math.exp(logLowerGamma(degreesOfFreedom / 2, x / 2))
}

/** The x with P(X ≤ x) = p of a χ² variable. A `p` outside (0, 1) or df ≤ 0 is a RangeError. */
export const chiSquaredQuantile = (p: number, degreesOfFreedom: number): number => {
  checkChiSquared(0, degreesOfFreedom)
  checkProbability(p)
  const a = degreesOfFreedom / 2
  const lower = p <= 0.5
  const target = Math.log(lower ? p : 1 - p)
  // Wilson and Hilferty (1931), or the leading term of the lower tail where that is negative.
  const cube = 1 - 1 / (9 * a) + normalQuantile(p) / Math.sqrt(9 * a)
  const start = cube > 0.1 ? Math.log(a) + 3 * Math.log(cube) : (Math.log(p) - logGammaPrefactor(a, 1) - 1) / a
  const s = invert(
    (s) => {
      const x = Math.exp(s)
      const tail = lower ? logLowerGamma(a, x) : logUpperGamma(a, x)
      const slope = Math.exp(logGammaPrefactor(a, x) + Math.log(a) - tail)
      return { value: tail - target, slope: lower ? slope : -slope }
    },
    start,
    -745,
    40
  )
  return 2 * Math.exp(s)
}
