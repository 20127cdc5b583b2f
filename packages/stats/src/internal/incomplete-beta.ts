/** The regularised incomplete beta function, accurate in both tails. */
import { deviance, halfLogTwoPi, logComplement, stirlingError } from "./loader.ts"

const epsilon = Number.EPSILON

/** More terms than the continued fraction needs up to a + b = 1e12 (a few times its root). */
const maxTerms = 5_000_000

/** ln of (n·x/a)ᵃ·(n·y/b)ᵇ as two deviances: with u = nx/a − 1 and v = ny/b − 1 the linear terms a·u + b·v cancel exactly. */
const part = (a: number, x: number, n: number, difference: number): number => {
  const u = difference / a
  return -a * (u > -0.5 ? deviance(u) : u - Math.log((x / a) * n))
}

/** ln(xᵃ·yᵇ/B(a,b)), y = 1 − x, in Loader's saddle-point form. */
export const logBetaPrefactor = (a: number, b: number, x: number, y: number): number => {
  const n = a + b
  const difference = b * x - a * y
  return stirlingError(n) - stirlingError(a) - stirlingError(b) - halfLogTwoPi + 0.5 * Math.log((a / n) * b) +
    part(a, x, n, difference) + part(b, y, n, -difference)
}

/** The continued fraction of I_x(a,b)·a/(xᵃyᵇ/B) (DLMF 8.17.22) by the modified Lentz algorithm; for x < (a+1)/(a+b+2). */
const fraction = (a: number, b: number, x: number): number => {
  const tiny = 1e-300
  let c = 1
  let d = 1 - ((a + b) * x) / (a + 1)
  d = 1 / (Math.abs(d) < tiny ? tiny : d)
  let h = d
  for (let m = 1; m < maxTerms; m++) {
    const twice = a + 2 * m
    const even = (m * (b - m) * x) / ((twice - 1) * twice)
    d = 1 + even * d
    d = 1 / (Math.abs(d) < tiny ? tiny : d)
    c = 1 + even / c
    if (Math.abs(c) < tiny) c = tiny
    h *= d * c
    const odd = ((-(a + m) * (a + b + m)) * x) / (twice * (twice + 1))
    d = 1 + odd * d
    d = 1 / (Math.abs(d) < tiny ? tiny : d)
    c = 1 + odd / c
    if (Math.abs(c) < tiny) c = tiny
    const factor = d * c
    h *= factor
    if (Math.abs(factor - 1) <= epsilon) break
  }
  return h
}

/** Both logarithms of a probability and its complement. */
export interface LogTails {
  readonly lower: number
  readonly upper: number
}

/**
 * ln I_x(a,b) and ln(1 − I_x(a,b)) for a, b > 0 and y = 1 − x, both in [0, 1]. Both x and y are wanted, since the smaller of them
 * carries the digits.
 */
export const logBeta = (a: number, b: number, x: number, y: number): LogTails => {
  if (x <= 0) return { lower: -Infinity, upper: 0 }
  if (y <= 0) return { lower: 0, upper: -Infinity }
  const prefactor = logBetaPrefactor(a, b, x, y)
  if (x < (a + 1) / (a + b + 2)) {
    const lower = Math.min(0, prefactor + Math.log(fraction(a, b, x) / a))
    return { lower, upper: logComplement(lower) }
  }
  const upper = Math.min(0, prefactor + Math.log(fraction(b, a, y) / b))
  return { lower: logComplement(upper), upper }
}
