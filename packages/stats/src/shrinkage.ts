/** Effects after the winner's curse: what is left of an estimate that was looked at because it was large. */

/** An effect and the standard error of it. */
export interface Effect {
  readonly value: number
  readonly standardError: number
}

/** A shrunk effect: the posterior's mean and standard deviation. */
export interface ShrunkEffect {
  readonly value: number
  readonly standardError: number
}

/**
 * Effects of one scale (lifts of several metrics, arms or slices) shrunk towards 0 by empirical Bayes: effects are taken as
 * N(0, τ²) with τ² = max(0, Σw(x² − s²)/Σw), w = 1/s⁴ (the weighted moment estimate; Efron and Morris 1975, "Data analysis using Stein's
 * estimator and its generalizations"), each becoming x·τ²/(τ² + s²). One effect alone has nothing to learn from but itself: the
 * positive-part James-Stein factor 1 − s²/x². A standard error below 0 is a RangeError.
 */
export const shrink = (effects: ReadonlyArray<Effect>): ReadonlyArray<ShrunkEffect> => {
  for (const { standardError, value } of effects) {
    if (!(standardError >= 0 && Number.isFinite(value))) {
      throw new RangeError(
        `An effect is a number with a standard error of at least 0, found ${value} with ${standardError}`
      )
    }
  }
  const noisy = effects.filter(({ standardError }) => standardError > 0)
  const unit = Math.min(...noisy.map(({ standardError }) => standardError))
  let [weights, total] = [0, 0]
  for (const { standardError, value } of noisy) {
    const w = (unit / standardError) ** 4
    weights += w
    total += w * (value * value - standardError * standardError)
  }
  const tau2 = weights === 0 ? 0 : Math.max(0, total / weights)
  return effects.map(({ standardError, value }) => {
    if (standardError === 0) return { value, standardError }
    const keep = tau2 / (tau2 + standardError * standardError)
    return { value: keep * value, standardError: standardError * Math.sqrt(keep) }
  })
}
