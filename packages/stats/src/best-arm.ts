/** Which of several arms is the best. */
import type { Direction } from "@assay/model"
import { normalCdf, normalDensity } from "./distributions.ts"
import type { Estimate } from "./estimand.ts"
import { gaussLegendre } from "./internal/gauss-legendre.ts"

/** Beyond so many standard deviations an arm's density adds less than 1e-17. */
const reach = 9

/** The widest panel in standard deviations of the narrowest arm in it: 24 nodes then leave less than 1e-13. */
const widest = 3

const rule = gaussLegendre(24)

/** An arm whose value isn't known for sure. */
interface Posterior {
  readonly mean: number
  readonly sd: number
}

/**
 * Panels [a, b] over the parts of [from, ∞) where any arm has a density, each no wider than {@link widest} standard deviations of every
 * arm that has a density in it, so that none hides a step.
 */
const panelsOver = (arms: ReadonlyArray<Posterior>, from: number): ReadonlyArray<readonly [number, number]> => {
  const ranges = arms.map(({ mean, sd }) => ({ low: mean - reach * sd, high: mean + reach * sd, width: widest * sd }))
  const panels: Array<readonly [number, number]> = []
  let a = from
  for (;;) {
    const left = ranges.filter(({ high }) => high > a)
    if (left.length === 0) return panels
    a = Math.max(a, Math.min(...left.map(({ low }) => low)))
    const end = Math.max(...left.map(({ high }) => high))
    const b = Math.min(end, ...left.map(({ low, width }) => Math.max(low, a + width)))
    panels.push([a, b])
    a = b
  }
}

/** Puts the products of all other numbers into `others`: of those before each, from the left, and of those after it, from the right. */
const multiplyOthers = (numbers: Float64Array, others: Float64Array): void => {
  let before = 1
  for (let i = 0; i < numbers.length; i++) {
    others[i] = before
    before *= numbers[i]!
  }
  let after = 1
  for (let i = numbers.length - 1; i >= 0; i--) {
    others[i]! *= after
    after *= numbers[i]!
  }
}

/**
 * The chance of each arm to be the best of all, the control included, from independent normal posteriors under flat priors:
 * ∫ φ_i(x)·Π_{j≠i} Φ_j(x) dx by Gauss-Legendre panels no wider than the narrowest arm that matters there, the same nodes for all arms.
 * The chances add up to 1 within 1e-9. Arms without variance are points; equal points share. `down`: the smallest is the best. An arm
 * that isn't a finite number with a variance of at least 0 is a RangeError.
 */
export const chanceToBeBest = (arms: ReadonlyArray<Estimate>, direction: Direction): ReadonlyArray<number> => {
  for (const { value, variance } of arms) {
    if (!(Number.isFinite(value) && variance >= 0 && variance < Infinity)) {
      throw new RangeError(`An arm is a finite value with a variance of at least 0, found ${value} with ${variance}`)
    }
  }
  const sign = direction === "down" ? -1 : 1
  // From the best on: a large offset would take the digits.
  const best = Math.max(...arms.map(({ value }) => sign * value))
  const meanOf = ({ value }: Estimate): number => sign * value - best
  // Arms so narrow are points: neither the values in them nor their distances from the best can be told apart.
  const isPoint = (arm: Estimate): boolean =>
    Math.sqrt(arm.variance) <= 4 * Number.EPSILON * Math.max(Math.abs(arm.value), Math.abs(meanOf(arm)))
  const points = arms.filter(isPoint).map(meanOf)
  const bestPoint = Math.max(-Infinity, ...points)
  const ties = points.filter((mean) => mean === bestPoint).length
  const spread = arms.filter((arm) => !isPoint(arm)).map((arm) => ({ mean: meanOf(arm), sd: Math.sqrt(arm.variance) }))
  const chances = spread.map(() => 0)
  const list = () => new Float64Array(spread.length)
  const [z, below, others] = [list(), list(), list()]
  for (const [a, b] of panelsOver(spread, bestPoint)) {
    const half = (b - a) / 2
    for (let k = 0; k < rule.nodes.length; k++) {
      // Far from 0 a node itself would have no digits left for a narrow arm.
      const step = half * (1 + rule.nodes[k]!)
      for (let i = 0; i < spread.length; i++) {
        const { mean, sd } = spread[i]!
        z[i] = (a - mean + step) / sd
        below[i] = normalCdf(z[i]!)
      }
      multiplyOthers(below, others)
      for (let i = 0; i < spread.length; i++) {
        const { sd } = spread[i]!
        if (Math.abs(z[i]!) < reach) chances[i]! += half * rule.weights[k]! * (normalDensity(z[i]!) / sd) * others[i]!
      }
    }
  }
  const allBelow = spread.reduce((product, { mean, sd }) => product * normalCdf((bestPoint - mean) / sd), 1)
  let next = 0
  return arms.map((arm) =>
    !isPoint(arm) ? Math.min(1, chances[next++]!) : meanOf(arm) < bestPoint ? 0 : allBelow / ties
  )
}
