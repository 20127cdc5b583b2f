/** The exact test of counts against shares, where χ² has too little to stand on. */
import { binomialCdf, binomialSurvival, deviance, logGammaPlusOne, stirlingError } from "@assay/stats"
import type { Split } from "./shares.ts"

/** Outcomes that are enumerated; more are sampled. */
export const mostOutcomes = 1_000_000

/** The most samples of the Monte-Carlo test. */
export const samples = 50_000

/** It stops when so many samples were no more likely than the observed counts: a large p-value needs few. */
const enoughHits = 200

/** The seed of its default generator: the same counts give the same p-value. */
const defaultSeed = 20_200_229

/** A p-value and how it was found; `error` is the standard error of a sampled one. */
export interface ExactTest {
  readonly pValue: number
  readonly method: "exact" | "monte-carlo"
  readonly error?: number
}

/** Outcomes as likely as the observed one up to rounding count as no more likely. */
const slack = 1e-9

/** Uniform numbers in (0, 1) from a seed: the 32-bit generator mulberry32. */
export const seeded = (seed: number): () => number => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return (((x ^ (x >>> 14)) >>> 0) + 0.5) / 4_294_967_296
  }
}

const logPmf = ({ observed, shares, total }: Split): number =>
  observed.reduce((log, n, i) => log + n * Math.log(shares[i]!) - logGammaPlusOne(n), logGammaPlusOne(total))

/** ln P(K = k) of a binomial in Loader's form. */
const logBinomial = (k: number, n: number, p: number): number => {
  if (k === 0) return n * Math.log1p(-p)
  if (k === n) return n * Math.log(p)
  const [a, b] = [n * p, n * (1 - p)]
  const excess = (x: number, mean: number) => x * deviance((mean - x) / x)
  return stirlingError(n) - stirlingError(k) - stirlingError(n - k) - excess(k, a) - excess(n - k, b) -
    0.5 * Math.log(2 * Math.PI * k * ((n - k) / n))
}

/** Two arms: both tails of a binomial, the far one from where it is as unlikely as the observed count. */
const twoArms = ({ observed, shares, total }: Split): number => {
  const [k, p] = [observed[0]!, shares[0]!]
  const log = logBinomial(k, total, p) + slack
  const mode = Math.min(total, Math.floor((total + 1) * p))
  if (logBinomial(mode, total, p) <= log) return 1
  const above = k > mode
  // The outermost of the other side that is still more likely; the pmf falls from the mode outwards.
  let [inside, outside] = above ? [mode, -1] : [mode, total + 1]
  while (Math.abs(outside - inside) > 1) {
    const middle = Math.floor((inside + outside) / 2)
    if (logBinomial(middle, total, p) > log) inside = middle
    else outside = middle
  }
  return Math.min(
    1,
    above
      ? binomialSurvival(k - 1, total, p) + binomialCdf(outside, total, p)
      : binomialCdf(k, total, p) + binomialSurvival(outside - 1, total, p)
  )
}

/** The number of ways to split `total` over k arms, or Infinity above the limit. */
const outcomes = (total: number, k: number): number => {
  let count = 1
  for (let i = 1; i < k; i++) {
    count = (count * (total + i)) / i
    if (count > mostOutcomes) return Infinity
  }
  return count
}

/** All outcomes, arm by arm. */
const enumerate = (split: Split): number => {
  const { shares, total } = split
  const observed = logPmf(split) + slack
  const logShares = shares.map((share) => Math.log(share))
  const factorial = Array.from({ length: total + 1 }, (_, i) => logGammaPlusOne(i))
  let sum = 0
  const visit = (arm: number, left: number, log: number): void => {
    if (arm === shares.length - 1) {
      const at = log + left * logShares[arm]! - factorial[left]!
      if (at <= observed) sum += Math.exp(at)
      return
    }
    for (let n = 0; n <= left; n++) visit(arm + 1, left - n, log + n * logShares[arm]! - factorial[n]!)
  }
  visit(0, total, factorial[total]!)
  return Math.min(1, sum)
}

/** A binomial count: the uniform number is used up from the mode outwards, exactly. */
const binomialSample = (random: () => number, n: number, p: number): number => {
  if (n === 0 || p >= 1) return p >= 1 ? n : 0
  const mode = Math.min(n, Math.floor((n + 1) * p))
  const odds = p / (1 - p)
  const top = Math.exp(logBinomial(mode, n, p))
  let left = random() - top
  let [low, high, down, up] = [mode, mode, top, top]
  while (left > 0) {
    if (low > 0) {
      down *= low / ((n - low + 1) * odds)
      low--
      left -= down
      if (left <= 0) return low
    }
    if (high < n) {
      up *= ((n - high) / (high + 1)) * odds
      high++
      left -= up
      if (left <= 0) return high
    } else if (low === 0) break
    if (down < 1e-300 && up < 1e-300) break
  }
  return mode
}

/** Sampled in the order of the shares, so that the order of the arms doesn't matter. */
const sample = (split: Split, random: () => number): ExactTest => {
  const { total } = split
  const shares = split.shares.toSorted((a, b) => a - b)
  const observed = logPmf(split) + slack
  let [hits, drawn] = [0, 0]
  while (drawn < samples && hits < enoughHits) {
    let [left, rest] = [total, 1]
    const counts = shares.map((share, i) => {
      const n = i === shares.length - 1 ? left : binomialSample(random, left, Math.min(1, share / rest))
      left -= n
      rest -= share
      return n
    })
    drawn++
    if (logPmf({ observed: counts, shares, total }) <= observed) hits++
  }
  const pValue = hits === enoughHits ? hits / drawn : (hits + 1) / (drawn + 1)
  return { pValue, method: "monte-carlo", error: Math.sqrt((pValue * (1 - pValue)) / drawn) }
}

/**
 * The exact multinomial test: the probability, under the shares, of all outcomes that are no more likely than the observed one. Two
 * arms: exact at any size. More: enumerated up to {@link mostOutcomes}, beyond that sampled until 200 outcomes were as unlikely, at most {@link samples}
 * times (Besag and Clifford 1991, "Sequential Monte Carlo p-values"), with its standard error; `random` gives uniform numbers in (0, 1) and is seeded by default. Counts that aren't whole are a RangeError.
 */
export const exactTest = (split: Split, random: () => number = seeded(defaultSeed)): ExactTest => {
  const fraction = split.observed.find((n) => !Number.isSafeInteger(n))
  if (fraction !== undefined) throw new RangeError(`An exact test needs whole counts, found ${fraction}`)
  if (split.shares.length === 1 || split.total === 0) return { pValue: 1, method: "exact" }
  if (split.shares.length === 2) return { pValue: twoArms(split), method: "exact" }
  return outcomes(split.total, split.shares.length) <= mostOutcomes
    ? { pValue: enumerate(split), method: "exact" }
    : sample(split, random)
}
