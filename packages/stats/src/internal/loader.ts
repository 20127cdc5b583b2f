/** The two pieces of Loader (2000), "Fast and accurate computation of binomial probabilities": what Stirling leaves, and the deviance. */

export const halfLogTwoPi = 0.5 * Math.log(2 * Math.PI)

/** From here on the six terms of Stirling's series that are used leave less than 1e-15. */
const stirlingFrom = 10

/**
 * The error of Stirling's formula, ln Γ(a+1) − (a+½)·ln a + a − ½·ln 2π, for a > 0 (DLMF 5.11.1; small `a` are moved up by
 * the recurrence of Γ).
 */
export const stirlingError = (a: number): number => {
  let shift = 0
  let b = a
  for (; b < stirlingFrom; b += 1) shift += (b + 0.5) * Math.log1p(1 / b) - 1
  const s = 1 / (b * b)
  const series = 1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * (691 / 360360)))))
  return shift + series / b
}

/** ln Γ(a+1) for a > 0. */
export const logGammaPlusOne = (a: number): number =>
  a === 0 ? 0 : stirlingError(a) + (a + 0.5) * Math.log(a) - a + halfLogTwoPi

/** Below this size the series of the deviance is used. */
const devianceSeriesBelow = 0.4

/**
 * d − ln(1+d) for d > −1, with full relative accuracy near 0: with r = d/(2+d) it is r·d − 2·(r³/3 + r⁵/5 + …), where nothing
 * cancels.
 */
export const deviance = (d: number): number => {
  if (Math.abs(d) >= devianceSeriesBelow) return d - Math.log1p(d)
  const r = d / (2 + d)
  const square = r * r
  let power = r * square
  let series = power / 3
  for (let k = 5; k < 60; k += 2) {
    power *= square
    const term = power / k
    series += term
    if (Math.abs(term) <= Math.abs(series) * 1e-17) break
  }
  return r * d - 2 * series
}

/** ln(1 − eˡ) for l ≤ 0. */
export const logComplement = (l: number): number => l > -Math.LN2 ? Math.log(-Math.expm1(l)) : Math.log1p(-Math.exp(l))
