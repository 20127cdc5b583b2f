/** Two proportions with few successes or failures: an exact test, and intervals from the scores. */
import type { Alternative, Interval } from "./contrast.ts"
import { logGammaPlusOne } from "./internal/loader.ts"

/** `successes` of `n`. */
export interface Count {
  readonly n: number
  readonly successes: number
}

const logChoose = (n: number, k: number): number =>
  k < 0 || k > n ? -Infinity : logGammaPlusOne(n) - logGammaPlusOne(k) - logGammaPlusOne(n - k)

/** Equal probabilities may differ by rounding; the same slack as R's and scipy's. */
const slack = 1e-7

/**
 * Fisher's exact test of equal proportions: given all successes, those of the treatment are hypergeometric. Two-sided: the
 * probability of all tables that are no more likely than this one. Fisher (1934), "Statistical Methods for Research Workers", §21.02.
 */
export const fisherExact = (control: Count, treatment: Count, alternative: Alternative): number => {
  const successes = control.successes + treatment.successes
  const low = Math.max(0, successes - control.n)
  const high = Math.min(successes, treatment.n)
  const whole = logChoose(control.n + treatment.n, successes)
  const log = (k: number) => logChoose(treatment.n, k) + logChoose(control.n, successes - k) - whole
  const observed = log(treatment.successes)
  let total = 0
  for (let k = low; k <= high; k++) {
    const counted = alternative === "greater"
      ? k >= treatment.successes
      : alternative === "less"
      ? k <= treatment.successes
      : log(k) <= observed + slack
    if (counted) total += Math.exp(log(k))
  }
  return Math.min(1, total)
}

/** Wilson's (1927) score interval of one proportion. */
export const wilson = ({ n, successes }: Count, z: number): { readonly low: number; readonly high: number } => {
  const p = successes / n
  const square = z * z
  const centre = p + square / (2 * n)
  const spread = z * Math.sqrt((p * (1 - p)) / n + square / (4 * n * n))
  const scale = 1 + square / n
  return {
    low: successes === 0 ? 0 : Math.max(0, (centre - spread) / scale),
    high: successes === n ? 1 : Math.min(1, (centre + spread) / scale)
  }
}

/** Newcombe's (1998) hybrid score interval of a difference of proportions ("Interval estimation for the difference …", method 10). */
export const newcombe = (control: Count, treatment: Count, z: number): Interval => {
  const [pc, pt] = [control.successes / control.n, treatment.successes / treatment.n]
  const [c, t] = [wilson(control, z), wilson(treatment, z)]
  const value = pt - pc
  return { value, low: value - Math.hypot(pt - t.low, c.high - pc), high: value + Math.hypot(t.high - pt, pc - c.low) }
}

/**
 * The interval of the lift from the same scores: the method of variance estimates recovery for a ratio (Donner and Zou 2012,
 * "Closed-form confidence intervals for functions of the normal mean and standard deviation", eq. 7). The upper end is infinite
 * where the control's own interval reaches 0.
 */
export const scoreLift = (control: Count, treatment: Count, z: number): Interval => {
  const [pc, pt] = [control.successes / control.n, treatment.successes / treatment.n]
  const [c, t] = [wilson(control, z), wilson(treatment, z)]
  const product = pc * pt
  const low =
    (product - Math.sqrt(Math.max(0, product * product - t.low * c.high * (2 * pt - t.low) * (2 * pc - c.high)))) /
    (c.high * (2 * pc - c.high))
  const below = c.low * (2 * pc - c.low)
  const high =
    (product + Math.sqrt(Math.max(0, product * product - t.high * c.low * (2 * pt - t.high) * (2 * pc - c.low)))) /
    below
  const value = pt / pc - 1
  return {
    value,
    low: Number.isFinite(low) ? low - 1 : -1,
    high: below > 0 && Number.isFinite(high) ? high - 1 : Infinity
  }
}
