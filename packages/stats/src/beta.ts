/** The beta distribution, and with it F. */
import { checkProbability } from "./distributions.ts"
import { logBeta, logBetaPrefactor } from "./internal/incomplete-beta.ts"
import { invert } from "./internal/root.ts"

const check = (a: number, b: number): void => {
  if (!(a > 0 && b > 0 && a + b < Infinity)) {
    throw new RangeError(`The parameters of a beta distribution are above 0, found ${a} and ${b}`)
  }
}

const checkPoint = (x: number): void => {
  if (!(x >= 0 && x <= 1)) throw new RangeError(`A beta variable lies in [0, 1], found ${x}`)
}

/** P(X ≤ x) of a Beta(a, b) variable: I_x(a, b). Parameters ≤ 0 and x outside [0, 1] are a RangeError. */
export const betaCdf = (x: number, a: number, b: number): number => {
  check(a, b)
  checkPoint(x)
  return Math.exp(logBeta(a, b, x, 1 - x).lower)
}

/** P(X > x) of a Beta(a, b) variable. */
export const betaSurvival = (x: number, a: number, b: number): number => {
  check(a, b)
  checkPoint(x)
  return Math.exp(logBeta(a, b, x, 1 - x).upper)
}

/** ln P(X > x) of a Beta(a, b) variable. */
export const betaLogSurvival = (x: number, a: number, b: number): number => {
  check(a, b)
  checkPoint(x)
  return logBeta(a, b, x, 1 - x).upper
}

/** Where P(X ≤ x) = p, as x and 1 − x, each with its digits. */
const betaPoint = (p: number, a: number, b: number): { readonly x: number; readonly y: number } => {
  const half = logBeta(a, b, 0.5, 0.5)
  const lower = p <= 0.5
  const target = Math.log(lower ? p : 1 - p)
  // The point lies below ½ when P(X ≤ ½) is at least p: then its logarithm is the variable, otherwise its complement's.
  const below = lower ? half.lower >= target : half.upper <= target
  const [first, second] = below ? [a, b] : [b, a]
  const matchLower = below === lower
  // The leading term of the tail beside the variable's end.
  const asLower = below ? Math.log(p) : Math.log1p(-p)
  const logB = -logBetaPrefactor(first, second, 0.5, 0.5) - (first + second) * Math.LN2
  const start = (asLower + Math.log(first) + logB) / first
  const s = invert(
    (s) => {
      const x = Math.exp(s)
      const y = -Math.expm1(s)
      const tails = logBeta(first, second, x, y)
      const tail = matchLower ? tails.lower : tails.upper
      const slope = Math.exp(logBetaPrefactor(first, second, x, y) - Math.log(y) - tail)
      return { value: tail - target, slope: matchLower ? slope : -slope }
    },
    start,
    -745,
    -Math.LN2
  )
  const [small, rest] = [Math.exp(s), -Math.expm1(s)]
  return below ? { x: small, y: rest } : { x: rest, y: small }
}

/** The x with P(X ≤ x) = p of a Beta(a, b) variable. A `p` outside (0, 1) is a RangeError. */
export const betaQuantile = (p: number, a: number, b: number): number => {
  check(a, b)
  checkProbability(p)
  return betaPoint(p, a, b).x
}

const checkF = (x: number, df1: number, df2: number): void => {
  if (!(x >= 0)) throw new RangeError(`An F statistic is at least 0, found ${x}`)
  if (!(df1 > 0 && df2 > 0 && df1 + df2 < Infinity)) {
    throw new RangeError(`Degrees of freedom are above 0, found ${df1} and ${df2}`)
  }
}

const tailsOfF = (x: number, df1: number, df2: number) => {
  checkF(x, df1, df2)
  const ratio = (df1 / df2) * x
  return ratio === Infinity
    ? { lower: 0, upper: -Infinity }
    : logBeta(df1 / 2, df2 / 2, ratio / (1 + ratio), 1 / (1 + ratio))
}

/** P(X ≤ x) of an F variable with df1 and df2 degrees of freedom. */
export const fCdf = (x: number, df1: number, df2: number): number => Math.exp(tailsOfF(x, df1, df2).lower)

/** P(X > x) of an F variable. */
export const fSurvival = (x: number, df1: number, df2: number): number => Math.exp(tailsOfF(x, df1, df2).upper)

/** ln P(X > x) of an F variable. */
export const fLogSurvival = (x: number, df1: number, df2: number): number => tailsOfF(x, df1, df2).upper

/** The x with P(X ≤ x) = p of an F variable. */
export const fQuantile = (p: number, df1: number, df2: number): number => {
  checkF(0, df1, df2)
  checkProbability(p)
  const { x, y } = betaPoint(p, df1 / 2, df2 / 2)
  return (df2 / df1) * (x / y)
}
