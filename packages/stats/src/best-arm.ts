/** Which of several arms is the best. */
import type { Direction } from "@assay/model"
import { normalCdf, normalDensity } from "./distributions.ts"
import type { Estimate } from "./estimand.ts"
import { panels } from "./internal/gauss-legendre.ts"

/** Beyond so many standard deviations an arm's density adds less than 1e-17. */
const reach = 9

/**
 * The chance of each arm to be the best of all, the control included, from independent normal posteriors under flat priors:
 * ∫ φ_i(x)·Π_{j≠i} Φ_j(x) dx by Gauss-Legendre panels no wider than the narrowest arm that matters there. The chances add up to 1
 * within 1e-9. Arms without variance are points; equal points share. `down`: the smallest is the best. An arm that isn't a
 * finite number with a variance of at least 0 is a RangeError.
 */
export const chanceToBeBest = (arms: ReadonlyArray<Estimate>, direction: Direction): ReadonlyArray<number> => {
  for (const { value, variance } of arms) {
    if (!(Number.isFinite(value) && variance >= 0 && variance < Infinity)) {
      throw new RangeError(`An arm is a finite value with a variance of at least 0, found ${value} with ${variance}`)
    }
  }
  const sign = direction === "down" ? -1 : 1
  const posteriors = arms.map(({ value, variance }) => ({ mean: sign * value, sd: Math.sqrt(variance) }))
  const points = posteriors.filter(({ sd }) => sd === 0).map(({ mean }) => mean)
  const bestPoint = Math.max(-Infinity, ...points)
  const ties = points.filter((mean) => mean === bestPoint).length
  const below = (x: number, except: number): number => {
    let product = 1
    for (const [j, { mean, sd }] of posteriors.entries()) {
      if (j !== except && sd > 0) product *= normalCdf((x - mean) / sd)
    }
    return product
  }
  return posteriors.map(({ mean, sd }, i) => {
    if (sd === 0) return mean < bestPoint ? 0 : below(mean, i) / ties
    const low = Math.max(mean - reach * sd, bestPoint)
    const high = mean + reach * sd
    if (low >= high) return 0
    // A break wherever another arm's distribution rises, so that no panel hides a step.
    const cuts = posteriors.flatMap((arm, j) =>
      j === i || arm.sd === 0 ? [] : [-reach, -3, -1, 0, 1, 3, reach].map((k) => arm.mean + k * arm.sd)
    )
    const breaks = [low, ...cuts.filter((x) => x > low && x < high).toSorted((a, b) => a - b), high]
    let total = 0
    for (let k = 0; k + 1 < breaks.length; k++) {
      const { nodes, weights } = panels(breaks[k]!, breaks[k + 1]!, 2 * sd)
      for (const [m, x] of nodes.entries()) {
        total += weights[m]! * (normalDensity((x - mean) / sd) / sd) * below(x, i)
      }
    }
    return Math.min(1, total)
  })
}
