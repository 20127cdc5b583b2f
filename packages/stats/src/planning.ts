/** Before the experiment: sample size, power, and the smallest effect that would be seen. */
import type { Moments } from "@assay/model"
import type { Margin } from "./comparison.ts"
import type { Alternative } from "./contrast.ts"
import { normalCdf, normalCritical, normalQuantile } from "./distributions.ts"
import { type Adjustment, type Estimand, estimate } from "./estimand.ts"
import { crossingProbabilities, groupSequentialBoundaries, type Spending } from "./group-sequential.ts"
import { sequentialRule } from "./rule.ts"
import { defaultTuning } from "./sequential.ts"

/**
 * What the control is expected to be: its value, and the variance of one identity (n times the variance of the estimate). `proportion`
 * says that the treatment's variance follows its own rate.
 */
export interface Baseline {
  readonly value: number
  readonly variance: number
  readonly proportion?: boolean
}

/** A proportion's baseline: p and p(1−p). A rate outside (0, 1) is a RangeError. */
export const proportionBaseline = (p: number): Baseline => {
  if (!(p > 0 && p < 1)) throw new RangeError(`A baseline rate lies between 0 and 1, found ${p}`)
  return { value: p, variance: p * (1 - p), proportion: true }
}

/** A baseline from observed moments, for any estimand, its covariate's gain included; undefined without an estimate. */
export const baselineOf = (
  estimand: Estimand,
  moments: Moments.Moments,
  adjustment?: Adjustment
): Baseline | undefined => {
  const found = estimate(estimand, moments, adjustment)
  return found === undefined ? undefined : { value: found.value, variance: found.variance * moments.n }
}

/**
 * When the results will be read: once at the end, at any time, or at planned information fractions up to 1. `level` is the confidence that an
 * always-valid test is tuned for where it isn't that of the design, such as before a correction for many tests.
 */
export type Reading =
  | { readonly kind: "fixed" }
  | { readonly kind: "sequential"; readonly tuning?: number; readonly level?: number }
  | { readonly kind: "group-sequential"; readonly fractions: ReadonlyArray<number>; readonly spending: Spending }

/**
 * A design. `allocation` weighs the arms, the control first (default 1 : 1); `varianceReduction` is the part of the variance that a
 * covariate will explain (0 to below 1); `margin` the effect under the null. Many treatments are compared at the same confidence:
 * divide 1 − confidence by their number for Bonferroni.
 */
export interface Design {
  readonly baseline: Baseline
  readonly confidence: number
  readonly alternative?: Alternative
  readonly allocation?: ReadonlyArray<number>
  readonly varianceReduction?: number
  readonly margin?: Margin
  readonly reading?: Reading
}

/** An effect to be found. */
export interface TargetEffect {
  readonly value: number
  readonly on: "relative" | "absolute"
}

const requireDesign = ({ allocation = [1, 1], baseline, confidence, margin, varianceReduction = 0 }: Design): void => {
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`A confidence lies between 0 and 1, such as 0.95; found ${confidence}`)
  }
  if (!Number.isFinite(baseline.value) || !(baseline.variance > 0 && baseline.variance < Infinity)) {
    throw new RangeError(
      `A baseline is a number with a variance above 0, found ${baseline.value} with variance ${baseline.variance}`
    )
  }
  if (allocation.length < 2 || allocation.some((w) => !(w > 0 && w < Infinity))) {
    throw new RangeError(
      `An allocation has a weight above 0 for each arm, the control first; found [${allocation.join(", ")}]`
    )
  }
  if (!(varianceReduction >= 0 && varianceReduction < 1)) {
    throw new RangeError(`A variance reduction is a part from 0 to below 1, found ${varianceReduction}`)
  }
  if (margin !== undefined && !Number.isFinite(margin.value)) throw new RangeError("A margin is a number")
}

/** The parts of all identities in the control and in the smallest treatment. */
const parts = (allocation: ReadonlyArray<number>): { readonly control: number; readonly treatment: number } => {
  const total = allocation.reduce((a, b) => a + b, 0)
  return { control: allocation[0]! / total, treatment: Math.min(...allocation.slice(1)) / total }
}

const absoluteOf = ({ on, value }: TargetEffect, baseline: Baseline): number =>
  on === "relative" ? value * baseline.value : value

/** The distance from the null in standard errors of one identity: Δ over √(σt²/part + σc²/part), both at the alternative. */
const distance = (design: Design, effect: number): number => {
  const { allocation = [1, 1], baseline, margin, varianceReduction = 0 } = design
  const share = parts(allocation)
  const rho = margin?.on === "relative" ? 1 + margin.value : 1
  const shift = margin?.on === "absolute" ? margin.value : 0
  const rate = baseline.value + effect
  if (baseline.proportion === true && !(rate >= 0 && rate <= 1)) {
    throw new RangeError(`The effect would take the rate to ${rate}; a rate lies between 0 and 1`)
  }
  const treated = baseline.proportion === true ? rate * (1 - rate) : baseline.variance
  const variance = (1 - varianceReduction) *
    (treated / share.treatment + (rho * rho * baseline.variance) / share.control)
  return (rate - rho * baseline.value - shift) / Math.sqrt(variance)
}

/** The chance of a rejection where z drifts to `drift` with `n` identities in the two arms compared; boundaries are found once. */
const rejecting = (design: Design): (drift: number, n: number) => number => {
  const { alternative = "two-sided", confidence, reading = { kind: "fixed" } } = design
  if (reading.kind === "group-sequential") {
    const { fractions, spending } = reading
    const boundaries = groupSequentialBoundaries({ fractions, alpha: 1 - confidence, spending, alternative })
    return (drift) =>
      crossingProbabilities({ fractions, boundaries, drift: alternative === "less" ? -drift : drift }, alternative).at(
        -1
      )!
  }
  const fixed = alternative === "two-sided" ? normalCritical(confidence) : normalQuantile(confidence)
  return (drift, n) => {
    const critical = reading.kind === "sequential"
      ? sequentialRule(n, reading.tuning ?? defaultTuning, confidence, alternative, reading.level).critical
      : fixed
    const above = normalCdf(drift - critical)
    const below = normalCdf(-drift - critical)
    return alternative === "greater" ? above : alternative === "less" ? below : above + below
  }
}

/**
 * The power: the chance that an `effect` is found with `n` identities over all arms, for the comparison of the control with the
 * smallest treatment. Normal approximation with the variances at the alternative. Read sequentially, it is the chance that the
 * interval excludes the null at n, a lower bound of that to be so at some look up to n.
 */
export const powerOf = (design: Design, effect: TargetEffect, n: number): number => {
  requireDesign(design)
  if (!(n > 0 && n < Infinity)) throw new RangeError(`A sample size is above 0, found ${n}`)
  const share = parts(design.allocation ?? [1, 1])
  const drift = distance(design, absoluteOf(effect, design.baseline)) * Math.sqrt(n)
  return rejecting(design)(drift, n * (share.control + share.treatment))
}

const requirePower = (power: number): void => {
  if (!(power > 0 && power < 1)) throw new RangeError(`A power lies between 0 and 1, such as 0.8; found ${power}`)
}

/** A planned size: identities per arm, in the order of the allocation, and over all arms. */
export interface PlannedSize {
  readonly n: number
  readonly perArm: ReadonlyArray<number>
}

/** More identities than this don't exist. */
const most = 1e15

/** The smallest x in (0, most] from which a rising chance reaches `power`; undefined if it never does. */
const reach = (chance: (x: number) => number, power: number, start: number, limit: number): number | undefined => {
  let [low, high] = [0, start]
  while (chance(high) < power) {
    if (high >= limit) return undefined
    low = high
    high = Math.min(limit, high * 4)
  }
  for (let i = 0; i < 200 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2
    if (chance(middle) < power) low = middle
    else high = middle
  }
  return high
}

/**
 * The identities that find an `effect` with a chance of `power`, each arm rounded up (at least 2); undefined where no size does, such as for
 * an effect on the side that the alternative doesn't look at. Closed form where it is fixed and one-sided: n = ((z_α + z_β)/δ)²; elsewhere
 * found from {@link powerOf}.
 */
export const sampleSize = (design: Design, effect: TargetEffect, power: number): PlannedSize | undefined => {
  requireDesign(design)
  requirePower(power)
  const { allocation = [1, 1], alternative = "two-sided" } = design
  const delta = distance(design, absoluteOf(effect, design.baseline))
  if (delta === 0 || (alternative === "greater" && delta < 0) || (alternative === "less" && delta > 0)) return undefined
  const share = parts(allocation)
  const chance = rejecting(design)
  const n = reach((x) => chance(delta * Math.sqrt(x), x * (share.control + share.treatment)), power, 4, most)
  if (n === undefined) return undefined
  const total = allocation.reduce((a, b) => a + b, 0)
  // A hair of rounding mustn't cost an identity.
  const perArm = allocation.map((w) => Math.max(2, Math.ceil((n * w) / total - 1e-7)))
  return { n: perArm.reduce((a, b) => a + b, 0), perArm }
}

/** An effect on both scales; `relative` is null for a baseline of 0. */
export interface DetectableEffect {
  readonly absolute: number
  readonly relative: number | null
}

/**
 * The smallest effect (above the margin, or below it for `less`) that `n` identities over all arms find with a chance of `power`;
 * undefined where none does, such as a rate beyond 1. A two-sided test looks for it on the side of `side`, which is above by default.
 */
export const minimumDetectableEffect = (
  design: Design,
  n: number,
  power: number,
  side: "above" | "below" = "above"
): DetectableEffect | undefined => {
  requireDesign(design)
  requirePower(power)
  if (!(n > 0 && n < Infinity)) throw new RangeError(`A sample size is above 0, found ${n}`)
  const { allocation = [1, 1], alternative = "two-sided", baseline, margin } = design
  const share = parts(allocation)
  const sign = alternative === "less" || (alternative === "two-sided" && side === "below") ? -1 : 1
  const base = margin === undefined ? 0 : absoluteOf(margin, baseline)
  const limit = baseline.proportion === true
    ? sign > 0 ? 1 - baseline.value - base : baseline.value + base
    : 1e9 * Math.max(Math.abs(baseline.value), Math.sqrt(baseline.variance))
  if (!(limit > 0)) return undefined
  const rejected = rejecting(design)
  const chance = (x: number) =>
    rejected(
      distance(design, base + sign * Math.min(x, limit)) * Math.sqrt(n),
      n * (share.control + share.treatment)
    )
  const start = Math.min(limit, Math.sqrt(baseline.variance / n))
  const found = reach(chance, power, start, limit)
  if (found === undefined) return undefined
  const absolute = base + sign * found
  return { absolute, relative: baseline.value === 0 ? null : absolute / baseline.value }
}

/**
 * The smallest margin that `n` identities over all arms show to hold with a chance of `power` where there is no effect: for `greater` the loss,
 * for `less` the rise that is ruled out, above 0, on the scale that it is tested on. Undefined where none is, such as a loss of everything.
 */
export const smallestMargin = (
  design: Design & { readonly alternative: "greater" | "less" },
  n: number,
  power: number,
  on: "relative" | "absolute" = "relative"
): number | undefined => {
  requireDesign(design)
  requirePower(power)
  if (!(n > 0 && n < Infinity)) throw new RangeError(`A sample size is above 0, found ${n}`)
  const { allocation = [1, 1], alternative, baseline } = design
  if (on === "relative" && !(baseline.value > 0)) return undefined
  const share = parts(allocation)
  const sign = alternative === "less" ? 1 : -1
  const unit = on === "relative" ? baseline.value : 1
  const limit = on === "relative" && sign < 0 ? 1 : (1e9 * Math.max(unit, Math.sqrt(baseline.variance))) / unit
  const rejected = rejecting(design)
  const chance = (x: number) =>
    rejected(
      distance({ ...design, margin: { value: sign * x, on } }, 0) * Math.sqrt(n),
      n * (share.control + share.treatment)
    )
  return reach(chance, power, Math.min(limit, Math.sqrt(baseline.variance / n) / unit), limit)
}
