/** The regularised incomplete gamma function, accurate in the tails. */
import { deviance, halfLogTwoPi, logComplement, stirlingError } from "./loader.ts"

const epsilon = Number.EPSILON

/** More terms than the expansions need up to a = 1e8 (about 10·√a near x = a). */
const maxTerms = 1_000_000

/**
 * ln(xᵃ·e⁻ˣ / Γ(a+1)) for a, x > 0, in the saddle-point form of Loader (2000), which doesn't cancel where x is near a.
 */
export const logGammaPrefactor = (a: number, x: number): number => {
  const d = (x - a) / a
  const excess = d > -0.5 ? deviance(d) : d - Math.log(x / a)
  return -a * excess - stirlingError(a) - halfLogTwoPi - 0.5 * Math.log(a)
}

/** ln P(a, x) by its power series, for 0 < x < a + 1 (DLMF 8.7.1). */
const logLowerSeries = (a: number, x: number): number => {
  let term = 1
  let sum = 1
  for (let k = 1; k < maxTerms && term > sum * epsilon * 0.25; k++) {
    term *= x / (a + k)
    sum += term
  }
  return logGammaPrefactor(a, x) + Math.log(sum)
}

/** ln Q(a, x) by Legendre's continued fraction with the modified Lentz algorithm, for x ≥ a + 1 (DLMF 8.9.2). */
const logUpperFraction = (a: number, x: number): number => {
  let b = x + 1 - a
  let c = Number.MAX_VALUE
  let d = 1 / b
  let h = d
  for (let k = 1; k < maxTerms; k++) {
    const numerator = -k * (k - a)
    b += 2
    d = 1 / (numerator * d + b)
    c = b + numerator / c
    const factor = c * d
    h *= factor
    if (Math.abs(factor - 1) < epsilon) break
  }
  return logGammaPrefactor(a, x) + Math.log(a) + Math.log(h)
}

/** Q(a, x) = Γ(a, x)/Γ(a), the upper regularised incomplete gamma function, for a > 0 and x ≥ 0. */
export const upperGamma = (a: number, x: number): number =>
  x === 0
    ? 1
    : x < a + 1
    ? -Math.expm1(logLowerSeries(a, x))
    : x === Infinity
    ? 0
    : Math.exp(logUpperFraction(a, x))

/** ln Q(a, x); it stays finite where Q itself is below the smallest double. */
export const logUpperGamma = (a: number, x: number): number =>
  x === 0
    ? 0
    : x < a + 1
    ? logComplement(logLowerSeries(a, x))
    : x === Infinity
    ? -Infinity
    : logUpperFraction(a, x)

/** ln P(a, x) = ln(1 − Q(a, x)), accurate in the lower tail. */
export const logLowerGamma = (a: number, x: number): number =>
  x === 0
    ? -Infinity
    : x < a + 1
    ? logLowerSeries(a, x)
    : x === Infinity
    ? 0
    : logComplement(logUpperFraction(a, x))
