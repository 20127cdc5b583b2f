/** A treatment against the control: the common part of all engines. */
import { type Comparison, type Direction, Moments, type Withheld } from "@assay/model"
import { normalCritical } from "./distributions.ts"
import { columnsOf, type Estimand, type Estimate, estimate } from "./estimand.ts"
import { figure, withheld } from "./internal/withheld.ts"

/**
 * What is compared. `confidence` is the level of the intervals, such as 0.95; `direction` says which way is good
 * (`informational` is read as `up`).
 */
export interface ComparisonInput {
  readonly control: Moments.Moments
  readonly treatment: Moments.Moments
  readonly estimand: Estimand
  readonly direction: Direction
  readonly confidence: number
}

/** A way of inferring: plain data in, an inference or the reason why there is none out. */
export interface Engine {
  readonly name: string
  readonly compare: (input: ComparisonInput) => Comparison
}

/**
 * Compares a treatment with the control by an engine. A `confidence` outside (0, 1), moments with too few unit columns and
 * moments that aren't numbers are a RangeError; everything that data can bring about is a `Withheld` with its reason.
 */
export const compareToControl = (engine: Engine, input: ComparisonInput): Comparison => engine.compare(input)

/** Both arms' estimates, ready for a contrast; the control's is above 0. */
export interface Arms {
  readonly control: Estimate
  readonly treatment: Estimate
  /** z of the two-sided interval at the confidence asked for. */
  readonly critical: number
}

/** A variance needs two values. */
const leastIdentities = 2

/**
 * Means and standard deviations of this size can be squared, divided and summed without leaving the range of a 64-bit
 * float. Means beyond are withheld, not computed wrongly: below 1e-154 a variance would underflow to 0 and read as
 * certainty.
 */
const smallest = 1e-100
const largest = 1e100

const inRange = (x: number): boolean => x === 0 || (Math.abs(x) >= smallest && Math.abs(x) <= largest)

const outOfRange = (what: string, x: number): Withheld => {
  const have = Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, x))
  const need = Math.abs(have) < smallest ? smallest : largest
  return withheld(
    "out_of_range",
    have,
    need,
    `The ${what} is ${figure(have)}; sizes from ${figure(smallest)} to ${
      figure(largest)
    } can be compared. Measure the metric in another unit.`
  )
}

const requireNumbers = (arm: string, moments: Moments.Moments, columns: number): void => {
  const used = [
    moments.n,
    ...moments.sums.slice(0, columns),
    ...moments.comoments.slice(0, columns).flatMap((row) => row.slice(0, columns))
  ]
  if (used.length !== 1 + columns + columns * columns || used.some((x) => typeof x !== "number" || Number.isNaN(x))) {
    throw new RangeError(
      `The moments of the ${arm} need n, ${columns} sum(s) and ${columns}×${columns} comoments as numbers, found ${
        JSON.stringify(moments)
      }`
    )
  }
}

/** One arm's estimate, or why there is none. */
const estimateArm = (arm: string, estimand: Estimand, moments: Moments.Moments): Estimate | Withheld => {
  for (let i = 0; i < columnsOf(estimand); i++) {
    const mean = Moments.mean(moments, i)
    if (!inRange(mean)) return outOfRange(`${arm}'s mean`, mean)
    const spread = Math.sqrt(Moments.covariance(moments, i))
    if (spread > largest) return outOfRange(`${arm}'s standard deviation`, spread)
  }
  if (estimand.kind === "ratio" && moments.sums[1] === 0) {
    return withheld("denominator_zero", 0, 1, `The ratio has no value: the ${arm}'s denominator adds up to 0.`)
  }
  const result = estimate(estimand, moments)
  if (result === undefined) return outOfRange(`variance of the ${arm}'s ratio`, Infinity)
  if (!inRange(result.value)) return outOfRange(`${arm}'s ratio`, result.value)
  return Math.sqrt(result.variance) > largest
    ? outOfRange(`standard error of the ${arm}'s ratio`, Math.sqrt(result.variance))
    : result
}

const isWithheld = (x: Estimate | Withheld): x is Withheld => "status" in x

/**
 * The checks that every engine shares, then both arms' estimates: at least two identities per arm, means in range, a
 * denominator, and a control mean above 0, without which a relative lift has no meaning.
 */
export const prepare = (input: ComparisonInput): Arms | Withheld => {
  const { control, estimand, treatment } = input
  const critical = normalCritical(input.confidence)
  requireNumbers("control", control, columnsOf(estimand))
  requireNumbers("treatment", treatment, columnsOf(estimand))
  const n = Math.min(control.n, treatment.n)
  if (n < leastIdentities) {
    return withheld(
      "too_few_identities",
      n,
      leastIdentities,
      `A variance needs ${leastIdentities} identities in each arm; the smaller has ${figure(n)}.`
    )
  }
  const c = estimateArm("control", estimand, control)
  if (isWithheld(c)) return c
  const t = estimateArm("treatment", estimand, treatment)
  if (isWithheld(t)) return t
  return c.value > 0
    ? { control: c, treatment: t, critical }
    : withheld(
      "control_mean_not_positive",
      c.value,
      0,
      `A lift is relative to the control's ${estimand.kind}, which must be above 0; it is ${figure(c.value)}.`
    )
}
