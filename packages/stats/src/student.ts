/** Student's t distribution with any degrees of freedom above 0. */
import { checkProbability, normalLogSurvival, normalQuantile, normalSurvival } from "./distributions.ts"
import { logBeta, logBetaPrefactor } from "./internal/incomplete-beta.ts"
import { stirlingError } from "./internal/loader.ts"
import { invert } from "./internal/root.ts"

const logTwo = Math.LN2
const halfLogPi = 0.5 * Math.log(Math.PI)

const check = (t: number, df: number): void => {
  if (Number.isNaN(t)) throw new RangeError("A t statistic is a number, found NaN")
  if (!(df > 0)) throw new RangeError(`Degrees of freedom are above 0, found ${df}`)
}

/** From here on the expansion in 1/df has full accuracy with the terms kept. */
const largeFrom = 60

/** pₙ of the expansion below at b = ½. */
const coefficients = ((): ReadonlyArray<number> => {
  const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1))
  const p = [1]
  for (let n = 1; n < 12; n++) {
    let sum = -0.5 / factorial(2 * n + 1)
    for (let m = 1; m < n; m++) sum += ((0.5 * m - n) / n / factorial(2 * m + 1)) * p[n - m]!
    p.push(sum)
  }
  return p
})()

/** ln(Γ(a+½)/(Γ(a)·√a)). */
const logGammaRatio = (a: number): number => {
  const n = a + 0.5
  return stirlingError(n) - stirlingError(a) + a * Math.log1p(0.5 / a) - 0.5
}

/**
 * ln P(T > t) for t > 0 and many degrees of freedom: I_x(a,½) with a = df/2, x = df/(df+t²) by the expansion of DiDonato and
 * Morris (1992), "Significant digit computation of the incomplete beta function ratios", §9, whose leading term is the normal tail at
 * √(−2·T·ln x), T = a − ¼.
 */
const logSurvivalLarge = (t: number, df: number): number => {
  const a = 0.5 * df
  const big = a - 0.25
  const negativeLogX = Math.log1p((t / df) * t)
  const u = big * negativeLogX
  // t² is below the smallest float.
  if (u === 0) return -logTwo
  const z = Math.sqrt(2 * u)
  // J₀ = Q(½,u)/H with Q(½,u) = 2·P(Z > z), H = e⁻ᵘ·√(u/π).
  const logQ = logTwo + normalLogSurvival(z)
  const q = Math.exp(logQ + u + halfLogPi) / Math.sqrt(u)
  const fourTSquared = 4 * big * big
  const quarter = 0.25 * negativeLogX * negativeLogX
  let j = q
  let power = 1
  let sum = q
  for (let n = 1; n < coefficients.length; n++) {
    const c = 0.5 + 2 * (n - 1)
    j = (c * (c + 1) * j + (u + c + 1) * power) / fourTSquared
    power *= quarter
    const term = coefficients[n]! * j
    sum += term
    if (Math.abs(term) < 1e-17 * sum) break
  }
  return logQ - logTwo + Math.log(sum / q) + logGammaRatio(a) + 0.5 * Math.log1p(0.25 / big)
}

/** t² this many times larger than df: the leading term of the tail is all there is. */
const leadingFrom = 1e18

/** ln P(T > t) for t ≥ 0. */
const logTail = (t: number, df: number): number => {
  if (t === 0) return -logTwo
  if (t === Infinity) return -Infinity
  if (df === Infinity) return normalLogSurvival(t)
  if (df >= largeFrom && t * t < df) return logSurvivalLarge(t, df)
  const ratio = t / Math.sqrt(df)
  if (ratio * ratio > leadingFrom * Math.max(1, df)) {
    // ½·x^a/(a·B(a,½)) with x = 1/ratio².
    const a = df / 2
    return -2 * a * Math.log(ratio) + logGammaRatio(a) - 0.5 * Math.log(a) - halfLogPi - logTwo
  }
  const square = ratio * ratio
  return logBeta(df / 2, 0.5, 1 / (1 + square), square / (1 + square)).lower - logTwo
}

/** ln P(T > t) of Student's t with `df` degrees of freedom (Infinity: the normal). df ≤ 0 is a RangeError. */
export const studentLogSurvival = (t: number, df: number): number => {
  check(t, df)
  return t >= 0 ? logTail(t, df) : Math.log1p(-Math.exp(logTail(-t, df)))
}

/** P(T > t) of Student's t with `df` degrees of freedom (Infinity: the normal). */
export const studentSurvival = (t: number, df: number): number => {
  check(t, df)
  if (df === Infinity) return normalSurvival(t)
  const tail = Math.exp(logTail(Math.abs(t), df))
  return t >= 0 ? tail : 1 - tail
}

/** P(T ≤ t). */
export const studentCdf = (t: number, df: number): number => studentSurvival(-t, df)

/** ln of t·f(t), f the density. */
const logDensityTimes = (t: number, df: number): number => {
  const ratio = t / Math.sqrt(df)
  const square = ratio * ratio
  return square > 1e150
    ? -df * Math.log(ratio) + logGammaRatio(df / 2) + 0.5 * Math.log(df / 2) - halfLogPi
    : logBetaPrefactor(df / 2, 0.5, 1 / (1 + square), square / (1 + square))
}

/** ln f(t) for the quantile's Newton steps: the constant once per df. */
const logDensityConstant = (df: number): number => logGammaRatio(df / 2) - halfLogPi - 0.5 * logTwo

/** The normal quantile of the latest p: a run asks for one p at many degrees of freedom. */
const latestQuantile = ((): (p: number) => number => {
  let [at, value] = [NaN, NaN]
  return (p) => {
    if (p !== at) [at, value] = [p, normalQuantile(p)]
    return value
  }
})()

/**
 * A guess of the upper quantile: Hill (1970), algorithm 396, in terms of the normal quantile; exact forms at df 1 and 2 aren't
 * needed, since Newton's method follows.
 */
const guess = (p: number, df: number): number => {
  const z = -latestQuantile(p)
  if (df < 3) {
    const a = df / 2
    const leading = Math.exp((logGammaRatio(a) - 0.5 * Math.log(a) - halfLogPi - logTwo - Math.log(p)) / df)
    return Math.max(leading * Math.sqrt(df), z)
  }
  const s = z * z
  const g1 = (s + 1) / 4
  const g2 = ((5 * s + 16) * s + 3) / 96
  const g3 = (((3 * s + 19) * s + 17) * s - 15) / 384
  const g4 = ((((79 * s + 776) * s + 1482) * s - 1920) * s - 945) / 92160
  const series = z * (1 + (g1 + (g2 + (g3 + g4 / df) / df) / df) / df)
  return s < df ? series : Math.sqrt(df * Math.max(1e-3, Math.expm1(Math.min(600, s / (df - 0.5)))))
}

/** The t > 0 with P(T > t) = p, p < ½. */
const upperQuantile = (p: number, df: number): number => {
  if (df === Infinity) return -normalQuantile(p)
  const start = guess(p, df)
  const target = Math.log(p)
  if (df >= largeFrom && start * start < 0.5 * df) {
    const constant = logDensityConstant(df)
    let t = start
    for (let i = 0; i < 8; i++) {
      const tail = logTail(t, df)
      const density = constant - 0.5 * (df + 1) * Math.log1p((t / df) * t)
      // Halley's step on ln P.
      const rate = Math.exp(density - tail)
      const step = (tail - target) / rate
      const move = step * (1 + 0.5 * step * (((df + 1) / df) * t / (1 + (t / df) * t) - rate))
      t += move
      if (Math.abs(move) < 1e-6 * t) return t
    }
    return t
  }
  return Math.exp(invert(
    (s) => {
      const t = Math.exp(s)
      const tail = logTail(t, df)
      return { value: tail - target, slope: -Math.exp(logDensityTimes(t, df) - tail) }
    },
    Math.log(start),
    -60,
    709
  ))
}

/** The t > 0 with P(0 < T ≤ t) = area, small enough that the area carries the digits. */
const centralQuantile = (area: number, df: number): number => {
  if (df === Infinity) return normalQuantile(0.5 + area)
  const target = Math.log(2 * area)
  const start = Math.log(area) - logDensityConstant(df)
  return Math.exp(invert(
    (s) => {
      const ratio = Math.exp(s) / Math.sqrt(df)
      const square = ratio * ratio
      const [x, y] = [1 / (1 + square), square / (1 + square)]
      const { upper } = logBeta(df / 2, 0.5, x, y)
      return { value: upper - target, slope: 2 * Math.exp(logBetaPrefactor(df / 2, 0.5, x, y) - upper) }
    },
    start,
    -745,
    100
  ))
}

const centralBelow = 0.2

/** The t with P(T ≤ t) = p. A `p` outside (0, 1) or df ≤ 0 is a RangeError. */
export const studentQuantile = (p: number, df: number): number => {
  check(0, df)
  checkProbability(p)
  if (p === 0.5) return 0
  const area = Math.abs(p - 0.5)
  const size = area < centralBelow ? centralQuantile(area, df) : upperQuantile(p < 0.5 ? p : 1 - p, df)
  return p < 0.5 ? -size : size
}
