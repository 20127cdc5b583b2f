/** Many tests at once: adjusted p-values, and the confidence that intervals need to agree with them. */

/** The procedures. All but the e-BH take p-values. */
export const adjustments = [
  "bonferroni",
  "holm",
  "hochberg",
  "hommel",
  "benjamini-hochberg",
  "benjamini-yekutieli",
  "e-bh"
] as const
/** One of {@link adjustments}. */
export type AdjustmentMethod = (typeof adjustments)[number]

const requireProbabilities = (p: ReadonlyArray<number>): void => {
  for (const x of p) if (!(x >= 0 && x <= 1)) throw new RangeError(`A p-value lies between 0 and 1, found ${x}`)
}

/** Indices by rising value; equal values keep their order. */
const rising = (x: ReadonlyArray<number>): ReadonlyArray<number> => x.map((_, i) => i).toSorted((a, b) => x[a]! - x[b]!)

/** Largest so far, from the smallest p-value up: step-down. */
const stepDown = (p: ReadonlyArray<number>, factor: (rank: number) => number): ReadonlyArray<number> => {
  const out = p.map(() => 1)
  let worst = 0
  for (const [rank, i] of rising(p).entries()) {
    worst = Math.min(1, Math.max(worst, p[i]! * factor(rank)))
    out[i] = worst
  }
  return out
}

/** Smallest so far, from the largest p-value down: step-up. */
const stepUp = (p: ReadonlyArray<number>, factor: (rank: number) => number): ReadonlyArray<number> => {
  const out = p.map(() => 1)
  let best = 1
  const order = rising(p)
  for (let rank = order.length - 1; rank >= 0; rank--) {
    const i = order[rank]!
    best = Math.min(best, p[i]! * factor(rank))
    out[i] = best
  }
  return out
}

/**
 * Hommel (1988), "A stagewise rejective multiple test procedure": the adjusted p-value is the largest Simes p-value of all sets
 * that hold the hypothesis, which for a set size m is reached by the hypothesis and the m − 1 largest p-values; found in O(n²) by
 * the algorithm of Wright (1992), "Adjusted p-values for simultaneous inference", appendix.
 */
const hommel = (p: ReadonlyArray<number>): ReadonlyArray<number> => {
  const n = p.length
  const order = rising(p)
  const sorted = order.map((i) => p[i]!)
  const adjusted = [...sorted]
  for (let m = n; m >= 2; m--) {
    // Simes' constant over the m − 1 largest.
    let c = Infinity
    for (let i = n - m + 1; i < n; i++) c = Math.min(c, (m * sorted[i]!) / (m - n + i + 1))
    for (let i = n - m + 1; i < n; i++) adjusted[i] = Math.max(adjusted[i]!, c)
    for (let i = 0; i <= n - m; i++) adjusted[i] = Math.max(adjusted[i]!, Math.min(c, m * sorted[i]!))
  }
  const out = p.map(() => 1)
  for (const [rank, i] of order.entries()) out[i] = Math.min(1, adjusted[rank]!)
  return out
}

const harmonic = (n: number): number => Array.from({ length: n }, (_, i) => 1 / (i + 1)).reduce((a, b) => a + b, 0)

/**
 * e-BH of Wang and Ramdas (2022), "False discovery rate control with e-values": rejects at level α the k* largest e-values, k* the
 * largest k with k·e₍ₖ₎ ≥ m/α. As adjusted values: step-up of m/(k·e₍ₖ₎), valid under any dependence and any stopping. Takes ln e
 * (`log_e`), so that large evidence doesn't overflow.
 */
export const adjustLogE = (logE: ReadonlyArray<number>): ReadonlyArray<number> => {
  for (const x of logE) if (Number.isNaN(x)) throw new RangeError("A log e-value is a number, found NaN")
  const m = logE.length
  const order = rising(logE.map((x) => -x))
  const out = logE.map(() => 1)
  let best = 1
  for (let rank = m - 1; rank >= 0; rank--) {
    const i = order[rank]!
    best = Math.min(best, (m / (rank + 1)) * Math.exp(-logE[i]!))
    out[i] = best
  }
  return out
}

/**
 * The logarithm of the mean of e-values, which is an e-value again under any dependence (Vovk and Wang 2021, "E-values: calibration,
 * combination and applications"): evidence of metrics, arms, slices and re-runs in one number. Takes ln e; `weights` (≥ 0, any scale,
 * chosen before the data) weigh them. No e-value, or weights that don't fit, are a RangeError.
 */
export const averageLogE = (
  logE: ReadonlyArray<number>,
  weights: ReadonlyArray<number> = logE.map(() => 1)
): number => {
  const total = weights.reduce((a, b) => a + b, 0)
  if (logE.length === 0 || logE.length !== weights.length || !(total > 0) || weights.some((w) => !(w >= 0))) {
    throw new RangeError(`Each e-value needs a weight of at least 0, found ${logE.length} and [${weights.join(", ")}]`)
  }
  if (logE.some((x) => Number.isNaN(x))) throw new RangeError("A log e-value is a number, found NaN")
  const used = logE.flatMap((x, i) => (weights[i]! > 0 ? [{ x, part: weights[i]! / total }] : []))
  const largest = Math.max(...used.map(({ x }) => x))
  if (!Number.isFinite(largest)) return largest
  return largest + Math.log(used.reduce((sum, { part, x }) => sum + part * Math.exp(x - largest), 0))
}

/**
 * p-values adjusted for all of them being looked at, in the order given: reject where the adjusted one is at most α.
 *
 * Bonferroni, Holm (1979) and, for independent or positively dependent tests, Hochberg (1988) and Hommel (1988) bound the chance of any
 * false rejection; Benjamini-Hochberg (1995; independent or positively dependent) and Benjamini-Yekutieli (2001; any dependence) bound
 * the expected part of false ones among the rejections. `e-bh` reads its numbers as 1/e of e-values (the sequential engine's
 * p-values are such; see {@link adjustLogE}). A number outside [0, 1] is a RangeError.
 */
export const adjustPValues = (method: AdjustmentMethod, p: ReadonlyArray<number>): ReadonlyArray<number> => {
  requireProbabilities(p)
  const n = p.length
  switch (method) {
    case "bonferroni":
      return p.map((x) => Math.min(1, n * x))
    case "holm":
      return stepDown(p, (rank) => n - rank)
    case "hochberg":
      return stepUp(p, (rank) => n - rank)
    case "hommel":
      return hommel(p)
    case "benjamini-hochberg":
      return stepUp(p, (rank) => n / (rank + 1))
    case "benjamini-yekutieli": {
      const factor = harmonic(n)
      return stepUp(p, (rank) => (n / (rank + 1)) * factor)
    }
    case "e-bh":
      return adjustLogE(p.map((x) => -Math.log(x)))
  }
}

/**
 * The confidence of intervals that agree with the adjusted tests at level `alpha` (0.05): an interval at it excludes the null exactly
 * where the hypothesis is rejected. One level for all n: 1 − α/n where any false rejection counts (all intervals hold together with 1 − α),
 * 1 − R·α/n with R rejections where their false part does (Benjamini and Yekutieli 2005, "False discovery rate-adjusted multiple
 * confidence intervals"); moved between the largest rejected and the smallest accepted p-value where it lies outside, as it can for all but
 * Bonferroni.
 */
export const adjustedConfidence = (method: AdjustmentMethod, p: ReadonlyArray<number>, alpha: number): number => {
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`A level lies between 0 and 1, such as 0.05; found ${alpha}`)
  const n = p.length
  if (n === 0) return 1 - alpha
  const adjusted = adjustPValues(method, p)
  const isRejected = (i: number) => adjusted[i]! <= alpha
  const rejected = p.filter((_, i) => isRejected(i))
  const accepted = p.filter((_, i) => !isRejected(i))
  const r = rejected.length
  const factor = method === "benjamini-yekutieli" ? harmonic(n) : 1
  const bounds = method === "bonferroni" || method === "holm" || method === "hochberg" || method === "hommel"
  const step = bounds ? alpha / n : (Math.max(1, r) * alpha) / (n * factor)
  // A p-value equal to the level isn't below it: a hair more keeps what is rejected outside.
  const least = r === 0 ? 0 : Math.max(...rejected) * (1 + 4 * Number.EPSILON)
  const most = accepted.length === 0 ? 1 : Math.min(...accepted)
  return 1 - Math.min(Math.max(step, least), Math.max(most, least))
}
