/** The regularised incomplete gamma function, accurate in the tails. */

const epsilon = Number.EPSILON
const halfLogTwoPi = 0.5 * Math.log(2 * Math.PI)

/** From here on the six terms of Stirling's series that are used leave less than 1e-15. */
const stirlingFrom = 10

/** More terms than the expansions need up to a = 1e8 (about 10·√a near x = a). */
const maxTerms = 1_000_000

/**
 * The error of Stirling's formula, ln Γ(a+1) − (a+½)·ln a + a − ½·ln 2π, for a > 0 (DLMF 5.11.1; small `a` are moved up by
 * the recurrence of Γ).
 */
const stirlingError = (a: number): number => {
  let shift = 0
  let b = a
  for (; b < stirlingFrom; b += 1) shift += (b + 0.5) * Math.log1p(1 / b) - 1
  const s = 1 / (b * b)
  const series = 1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * (691 / 360360)))))
  return shift + series / b
}

/**
 * ln(xᵃ·e⁻ˣ / Γ(a+1)) for a, x > 0, in the saddle-point form of Loader (2000), "Fast and accurate computation of binomial
 * probabilities", which doesn't cancel where x is near a.
 */
const logPrefactor = (a: number, x: number): number => {
  const d = (x - a) / a
  const deviance = Math.abs(d) < 0.5 ? d - Math.log1p(d) : d - Math.log(x / a)
  return -a * deviance - stirlingError(a) - halfLogTwoPi - 0.5 * Math.log(a)
}

/** P(a, x) by its power series, for x < a + 1 (DLMF 8.7.1). */
const lowerSeries = (a: number, x: number): number => {
  let term = 1
  let sum = 1
  for (let k = 1; k < maxTerms && term > sum * epsilon * 0.25; k++) {
    term *= x / (a + k)
    sum += term
  }
  return Math.exp(logPrefactor(a, x)) * sum
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
  return logPrefactor(a, x) + Math.log(a) + Math.log(h)
}

/** Q(a, x) = Γ(a, x)/Γ(a), the upper regularised incomplete gamma function, for a > 0 and x ≥ 0. */
export const upperGamma = (a: number, x: number): number =>
  x === 0 ? 1 : x < a + 1 ? 1 - lowerSeries(a, x) : x === Infinity ? 0 : Math.exp(logUpperFraction(a, x))

/** ln Q(a, x); it stays finite where Q itself is below the smallest double. */
export const logUpperGamma = (a: number, x: number): number =>
  x === 0 ? 0 : x < a + 1 ? Math.log1p(-lowerSeries(a, x)) : x === Infinity ? -Infinity : logUpperFraction(a, x)
