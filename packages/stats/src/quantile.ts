/**
 * Quantiles: the standard error of an exact sample quantile whose values come in clusters, several of one identity.
 *
 * The p-quantile q of an arm is at most x exactly where the part F(x) of its values that are at most x reaches p. So chance moves q
 * as it moves F near q, and F is a ratio of sums over identities, whose variance is the delta method's (Deng, Knoblich and Lu 2018,
 * "Applying the delta method in metric analytics", §4: values at most q over values, per identity). Against p(1 − p)/N, that of N
 * independent values, it says how many independent values the arm is worth, m. The quantile of another sample of the same size
 * would then lie at the level U of this one, U ~ Beta(mp + 1, m(1 − p)), which is exactly how the bootstrap moves a quantile of m
 * independent values (Maritz and Jarrett 1978, "A note on estimating the variance of the sample median"). The outer interval of
 * Deng et al. reads two points of that distribution, its variance all of them; both do without a density. Two points don't suffice
 * where many values are equal: a quantile that may jump either way or not at all then looks certain.
 */
import { Moments } from "@assay/model"
import { betaCdf } from "./beta.ts"

/**
 * One arm's quantile. `values` are its quantiles at `levels`, which rise from 0 to 1, lie close to each other near `level` and
 * include it: the value at the place ⌊level × N⌋, from 0, of its N values in order, the largest at 1. `counts` are moments over its
 * identities of two columns: the values at most the quantile, and all values.
 */
export interface SampleQuantile {
  readonly level: number
  readonly levels: ReadonlyArray<number>
  readonly values: ReadonlyArray<number>
  readonly counts: Moments.Moments
}

/**
 * How many independent values an arm is worth for its quantile: p(1 − p) over the variance of the part of its values that are at
 * most the quantile, clustered by identity. At most the number of its values; where no variance can be seen, since all values are
 * at most the quantile, as many as there are identities. 0 without values.
 */
export const independentValues = ({ counts }: Pick<SampleQuantile, "counts">): number => {
  const { n } = counts
  const [below = 0, all = 0] = counts.sums
  if (!(all > 0) || !(n > 1)) return 0
  const part = below / all
  if (!(part < 1)) return Math.min(n, all)
  const spread = Moments.covariance(counts, 0, 0) - 2 * part * Moments.covariance(counts, 0, 1) +
    part * part * Moments.covariance(counts, 1, 1)
  return spread > 0 ? Math.min(all, (part * (1 - part) * all * all) / (n * spread)) : all
}

/**
 * The part of a squared step between neighbouring values that is added to the variance. With it, over normal levels and lattices of
 * every width, at most 5.5 % of differences between quantiles that don't differ are significant at 5 %; without it up to 15 %.
 */
const partOfStep = 1 / 8

/** Values that a sample quantile may take, rising, and how likely each is. */
interface Atoms {
  readonly values: ReadonlyArray<number>
  readonly weights: ReadonlyArray<number>
}

/** The same with equal values as one. */
const distinct = ({ values, weights }: Atoms): Atoms => {
  const all: { readonly values: Array<number>; readonly weights: Array<number> } = { values: [], weights: [] }
  values.forEach((value, i) => {
    if (value === all.values.at(-1)) all.weights[all.weights.length - 1]! += weights[i]!
    else {
      all.values.push(value)
      all.weights.push(weights[i]!)
    }
  })
  return all
}

/** The mean of the squared distance between a value's neighbours, halved: the step from one value to the next. */
const meanSquaredStep = ({ values, weights }: Atoms): number =>
  weights.reduce((sum, weight, i) => {
    const [before, value, after] = [values[i - 1], values[i]!, values[i + 1]]
    const step = before === undefined
      ? (after ?? value) - value
      : after === undefined
      ? value - before
      : (after - before) / 2
    return sum + weight * step * step
  }, 0)

/** The variance of a sample quantile in the square of its own unit; 0 where all values of the arm are the same. */
export const quantileVariance = (quantile: SampleQuantile): number => {
  const { level, levels, values } = quantile
  const m = independentValues(quantile)
  if (m === 0) return 0
  const [a, b, last] = [m * level + 1, m * (1 - level), levels.length - 1]
  const chances = levels.map((u, k) => (k === 0 ? 0 : k === last ? 1 : betaCdf(u, a, b)))
  const centre = values[levels.indexOf(level)]!
  let [mean, square] = [0, 0]
  // Between two levels the quantile is taken to rise evenly.
  for (let k = 1; k <= last; k++) {
    const [weight, x, y] = [chances[k]! - chances[k - 1]!, values[k - 1]! - centre, values[k]! - centre]
    mean += weight * (x + y) / 2
    square += weight * (x * x + x * y + y * y) / 3
  }
  const weights = chances.map((_, k) => (chances[Math.min(k + 1, last)]! - chances[Math.max(k - 1, 0)]!) / 2)
  return Math.max(0, square - mean * mean) + partOfStep * meanSquaredStep(distinct({ values, weights }))
}

/**
 * The quantile as moments that every engine reads like those of a mean: over the arm's n identities, column 0 has the quantile as its
 * mean and n times its variance as its variance, as the identities' linearised values would. The sum of column 1 is the number of
 * independent values expected on the thinner side of the quantile, which floors look at.
 */
export const quantileMoments = (quantile: SampleQuantile): Moments.Moments => {
  const { counts, level, levels, values } = quantile
  const { n } = counts
  if (n === 0) return Moments.empty(2)
  const at = levels.indexOf(level)
  if (at < 0 || values.length !== levels.length) {
    throw new RangeError(`The levels of a quantile include its own, ${level}, and there is a value for each of them`)
  }
  const thinner = independentValues(quantile) * Math.min(level, 1 - level)
  return Moments.fromCentral(n, [values[at]!, thinner / n], [[n * quantileVariance(quantile), 0], [0, 0]])
}
