/** The binomial distribution. */
import { checkProbability, normalQuantile } from "./distributions.ts"
import { logBeta } from "./internal/incomplete-beta.ts"

const check = (n: number, p: number): void => {
  if (!(Number.isInteger(n) && n >= 0)) {
    throw new RangeError(`The number of trials is a whole number from 0, found ${n}`)
  }
  if (!(p >= 0 && p <= 1)) throw new RangeError(`A probability lies in [0, 1], found ${p}`)
}

/** ln P(K ≤ k) and ln P(K > k): P(K > k) = I_p(k+1, n−k). */
const tails = (k: number, n: number, p: number) => {
  check(n, p)
  const whole = Math.floor(k)
  if (whole < 0) return { lower: -Infinity, upper: 0 }
  if (!(whole < n)) return { lower: 0, upper: -Infinity }
  const { lower, upper } = logBeta(whole + 1, n - whole, p, 1 - p)
  return { lower: upper, upper: lower }
}

/** P(K ≤ k) of the number of successes K in `n` trials with chance `p`. n not whole or p outside [0, 1] is a RangeError. */
export const binomialCdf = (k: number, n: number, p: number): number => Math.exp(tails(k, n, p).lower)

/** P(K > k). */
export const binomialSurvival = (k: number, n: number, p: number): number => Math.exp(tails(k, n, p).upper)

/** ln P(K > k). */
export const binomialLogSurvival = (k: number, n: number, p: number): number => tails(k, n, p).upper

/** The smallest k with P(K ≤ k) ≥ q. A `q` outside (0, 1) is a RangeError. */
export const binomialQuantile = (q: number, n: number, p: number): number => {
  checkProbability(q)
  check(n, p)
  const reached = (k: number): boolean => {
    const { lower, upper } = tails(k, n, p)
    return q <= 0.5 ? lower >= Math.log(q) : upper <= Math.log1p(-q)
  }
  const spread = Math.sqrt(n * p * (1 - p))
  const guess = Math.min(n, Math.max(0, Math.floor(n * p + spread * normalQuantile(q))))
  let [low, high, step] = [guess - 1, guess, 1]
  while (high < n && !reached(high)) [low, high, step] = [high, Math.min(n, high + step), step * 2]
  step = 1
  while (low >= 0 && reached(low)) [low, high, step] = [Math.max(-1, low - step), low, step * 2]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (reached(middle)) high = middle
    else low = middle
  }
  return high
}
