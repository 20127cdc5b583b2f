/** A treatment against the control: the common part of all engines. */
import { type Comparison, type Direction, Moments, type Withheld } from "@assay/model"
import type { Alternative } from "./contrast.ts"
import {
  type Adjustment,
  adjustmentOf,
  columnsOf,
  type Estimand,
  type Estimate,
  estimate,
  outcomeOf
} from "./estimand.ts"
import { figure, withheld } from "./internal/withheld.ts"

/**
 * What is compared. `confidence` is the level of the intervals, such as 0.95; `direction` says which way is good
 * (`informational` is read as `up`). With a covariate, θ comes from `pooled`: the moments of all arms of the experiment, merged,
 * so that every comparison has the same θ; without it θ comes from the two arms compared.
 */
export interface ComparisonInput {
  readonly control: Moments.Moments
  readonly treatment: Moments.Moments
  readonly estimand: Estimand
  readonly direction: Direction
  readonly confidence: number
  readonly pooled?: Moments.Moments
}

/** An effect: a lift (`relative`) or a difference in the metric's own unit (`absolute`). */
export interface Margin {
  readonly value: number
  readonly on: "relative" | "absolute"
}

/**
 * A comparison with everything that can be asked of it. The interval is that of `contrast`. `alternative` (default two-sided) says
 * which effects speak against the null; a one-sided interval has one end, and its confidence is at least ½. `margin` is the effect
 * under the null (default none): superiority by more than 1 % is 0.01 with `greater`; non-inferiority, a loss of less than 1 %, is
 * −0.01 with `greater` (or 0.01 with `less` where down is good).
 */
export interface Question extends ComparisonInput {
  readonly contrast: "relative" | "absolute"
  readonly alternative?: Alternative
  readonly margin?: Margin
}

/** What the adjustment for a covariate came to. */
export interface AdjustmentReport {
  readonly theta: number
  /** The part of the variance of the difference that the covariate explains: 1 − adjusted/unadjusted. */
  readonly variance_reduction: number
  readonly fallback?: string
}

/**
 * An answer. `lift` is (mt − mc)/mc, null for a control of 0; `standard_error` and interval are those of the contrast; an
 * infinite bound, and a statistic without variance, is null. `statistic` and `p_value` test the margin. `log_e` is the natural
 * logarithm of an e-value, where the engine yields one. `method` says when a method stood in for small counts.
 */
export interface Analysis {
  readonly status: "ok"
  readonly contrast: "relative" | "absolute"
  readonly lift: number | null
  readonly difference: number
  readonly standard_error: number
  readonly ci_low: number | null
  readonly ci_high: number | null
  readonly statistic: number | null
  readonly degrees_of_freedom: number | null
  readonly p_value: number
  readonly chance_to_win: number
  readonly log_e?: number
  readonly method?: string
  /** Of the effect on the contrast's scale. */
  readonly posterior?: { readonly mean: number; readonly standard_deviation: number }
  /** What choosing an arm is expected to lose, on the contrast's scale, given that it may be the worse one. */
  readonly expected_loss?: { readonly control: number; readonly treatment: number }
  /** P(effect > margin); where down is good, P(effect < margin). */
  readonly chance_beyond_margin?: number
  readonly adjustment?: AdjustmentReport
}

/**
 * A way of inferring: plain data in, an inference or the reason why there is none out. `compare` gives both two-sided intervals;
 * `analyse` answers one question in full.
 */
export interface Engine {
  readonly name: string
  /** What its verdicts rest on: the chance to win, or the test that its interval belongs to. */
  readonly decidesBy: "chance to win" | "test"
  readonly compare: (input: ComparisonInput) => Comparison
  readonly analyse: (question: Question) => Analysis | Withheld
  /**
   * The same engine with its p-values held at this confidence, whatever the confidence of an interval: what intervals adjusted for many
   * tests are drawn with. Absent where p-values don't depend on it.
   */
  readonly heldAt?: (confidence: number) => Engine
}

/**
 * Compares a treatment with the control by an engine. A `confidence` outside (0, 1), moments with too few unit columns and
 * moments that aren't numbers are a RangeError; everything that data can bring about is a `Withheld` with its reason.
 */
export const compareToControl = (engine: Engine, input: ComparisonInput): Comparison => engine.compare(input)

/** Both arms' estimates, ready for a contrast. */
export interface Arms {
  readonly control: Estimate
  readonly treatment: Estimate
  readonly adjustment?: AdjustmentReport
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

const requireNumbers = (arm: string, moments: Moments.Moments, columns: ReadonlyArray<number>): void => {
  const missing = (x: unknown): boolean => typeof x !== "number" || Number.isNaN(x)
  let bad = missing(moments.n)
  for (const i of columns) {
    bad ||= missing(moments.sums[i])
    for (const j of columns) bad ||= missing(moments.comoments[i]?.[j])
  }
  if (bad) {
    throw new RangeError(
      `The moments of the ${arm} need n, ${columns.length} sum(s) and ${columns.length}×${columns.length} comoments as numbers, found ${
        JSON.stringify(moments)
      }`
    )
  }
}

/** One arm's estimate, or why there is none. */
const estimateArm = (
  arm: string,
  estimand: Estimand,
  moments: Moments.Moments,
  adjustment: Adjustment | undefined
): Estimate | Withheld => {
  for (const i of columnsOf(estimand)) {
    const mean = Moments.mean(moments, i)
    if (!inRange(mean)) return outOfRange(`${arm}'s mean`, mean)
    const spread = Math.sqrt(Moments.covariance(moments, i))
    if (spread > largest) return outOfRange(`${arm}'s standard deviation`, spread)
  }
  const { denominator } = outcomeOf(estimand)
  if (denominator !== undefined && moments.sums[denominator] === 0) {
    return withheld("denominator_zero", 0, 1, `The ratio has no value: the ${arm}'s denominator adds up to 0.`)
  }
  const result = estimate(estimand, moments, adjustment)
  if (result === undefined) return outOfRange(`variance of the ${arm}'s ratio`, Infinity)
  if (!inRange(result.value)) return outOfRange(`${arm}'s ratio`, result.value)
  return Math.sqrt(result.variance) > largest
    ? outOfRange(`standard error of the ${arm}'s ratio`, Math.sqrt(result.variance))
    : result
}

const isWithheld = (x: Estimate | Withheld): x is Withheld => "status" in x

/** θ from the arms compared or from all arms; also where one arm's covariate ratio has no denominator there is none. */
const adjust = ({ control, estimand, pooled, treatment }: ComparisonInput): Adjustment | undefined => {
  if (estimand.covariate === undefined) return undefined
  const { denominator } = estimand.covariate
  if (denominator !== undefined && (control.sums[denominator] === 0 || treatment.sums[denominator] === 0)) {
    return {
      theta: 0,
      centre: 0,
      fallback:
        "An arm has no identity with the covariate (its denominator adds up to 0), so the result isn't adjusted."
    }
  }
  return adjustmentOf(estimand, pooled ?? Moments.merge(control, treatment))
}

const reportOf = (
  { control, estimand, treatment }: ComparisonInput,
  { fallback, theta }: Adjustment,
  adjusted: number
): AdjustmentReport => {
  const plain: Estimand = { kind: estimand.kind, columns: outcomeOf(estimand) }
  const unadjusted = (estimate(plain, control)?.variance ?? 0) + (estimate(plain, treatment)?.variance ?? 0)
  return {
    theta: theta + 0,
    variance_reduction: unadjusted > 0 ? 1 - adjusted / unadjusted : 0,
    ...(fallback === undefined ? {} : { fallback })
  }
}

/**
 * The checks that every engine shares, then both arms' estimates: at least two identities per arm, means in range, a
 * denominator, and, for what is relative to it, a control above 0.
 */
export const prepare = (input: ComparisonInput, relative: boolean): Arms | Withheld => {
  const { confidence, control, estimand, treatment } = input
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`A confidence lies between 0 and 1, such as 0.95; found ${confidence}`)
  }
  const columns = columnsOf(estimand)
  requireNumbers("control", control, columns)
  requireNumbers("treatment", treatment, columns)
  const n = Math.min(control.n, treatment.n)
  if (n < leastIdentities) {
    return withheld(
      "too_few_identities",
      n,
      leastIdentities,
      `A variance needs ${leastIdentities} identities in each arm; the smaller has ${figure(n)}.`
    )
  }
  const adjustment = adjust(input)
  const c = estimateArm("control", estimand, control, adjustment)
  if (isWithheld(c)) return c
  const t = estimateArm("treatment", estimand, treatment, adjustment)
  if (isWithheld(t)) return t
  if (relative && !(c.value > 0)) {
    return withheld(
      "control_mean_not_positive",
      c.value,
      0,
      `A lift is relative to the control's ${estimand.kind}, which must be above 0; it is ${figure(c.value)}.`
    )
  }
  return adjustment === undefined
    ? { control: c, treatment: t }
    : { control: c, treatment: t, adjustment: reportOf(input, adjustment, c.variance + t.variance) }
}
