/** One effect, its interval and its test, by any rule: what the engines share. */
import type { Comparison, Direction, Withheld } from "@assay/model"
import type { Analysis, Arms, Question } from "./comparison.ts"
import {
  deltaLift,
  difference,
  type Drawing,
  fieller,
  type Interval,
  standardised,
  subtract,
  symmetric
} from "./contrast.ts"
import { inference, intervalUnbounded, plain } from "./internal/inference.ts"
import type { Rule } from "./rule.ts"

/** How a lift's interval is found: by inverting the test of the difference (Fieller), or by the linear delta method. */
export type LiftInterval = "fieller" | "delta"

/** The chance that the treatment is better, where `z` says how far it lies above the control. */
export const towards = (direction: Direction, z: number): number => (direction === "down" ? -z : z)

/** The null: treatment = ρ·control + shift. */
const nullOf = ({ margin }: Question): { readonly rho: number; readonly shift: number } =>
  margin === undefined
    ? { rho: 1, shift: 0 }
    : margin.on === "relative"
    ? { rho: 1 + margin.value, shift: 0 }
    : { rho: 1, shift: margin.value }

/** (mt − ρ·mc − shift)/SE: the statistic of the absolute test. */
export const statisticOf = (arms: Arms, question: Question): number => {
  const { rho, shift } = nullOf(question)
  const { control, treatment } = arms
  const value = subtract(treatment.value, rho * control.value + shift)
  return standardised(value, Math.sqrt(treatment.variance + rho * rho * control.variance))
}

/** The effect under the null on the contrast's scale; only there does the interval have to obey the test. */
const nothingOf = ({ contrast, margin }: Question): number | undefined =>
  margin === undefined ? 0 : margin.on === contrast ? margin.value : undefined

const bound = (x: number): number | null => (Number.isFinite(x) ? plain(x) : null)

/** −Infinity … Infinity as far as a 64-bit float goes, so that JSON can hold it. */
const finite = (x: number): number => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, x))

/** An interval obeys the test where the null lies on its scale; elsewhere it is left as it is. */
const drawingOf = (question: Question, rule: Rule, rejected: boolean): Drawing => {
  const nothing = nothingOf(question)
  const alternative = question.alternative ?? "two-sided"
  return nothing === undefined
    ? { critical: rule.critical, alternative, rejected: false, nothing: NaN }
    : { critical: rule.critical, alternative, rejected, nothing }
}

/** The answer to a question by a rule; `draw` finds the interval where it isn't the usual one. */
export const analyse = (
  arms: Arms,
  question: Question,
  rule: Rule,
  options: {
    readonly interval: LiftInterval
    /** p-value and interval from elsewhere (small counts). */
    readonly instead?: {
      readonly method: string
      readonly pValue: number
      readonly interval: (drawing: Drawing) => Interval
    }
  }
): Analysis | Withheld => {
  const { confidence, contrast, direction } = question
  const absolute = difference(arms)
  const relative = contrast === "relative"
  const mc = arms.control.value
  const lift = mc === 0 ? null : absolute.value / mc
  const byDelta = relative || options.interval === "delta" ? deltaLift(arms, absolute) : undefined
  const standardError = relative ? byDelta!.standardError : absolute.standardError
  const statistic = relative && options.interval === "delta" && question.margin?.on !== "absolute"
    ? standardised(subtract(byDelta!.value, question.margin?.value ?? 0), standardError)
    : statisticOf(arms, question)
  const pValue = options.instead?.pValue ?? rule.pValue(statistic)
  const drawing = drawingOf(question, rule, pValue < 1 - confidence)
  const interval = options.instead !== undefined
    ? options.instead.interval(drawing)
    : !relative
    ? symmetric(absolute.value, standardError, drawing)
    : options.interval === "delta"
    ? symmetric(byDelta!.value, standardError, drawing)
    : fieller(arms, absolute, drawing)
  if (interval === undefined) return intervalUnbounded(arms, rule.critical)
  const logE = rule.logE?.(statistic)
  return {
    status: "ok",
    contrast,
    lift: lift === null || !Number.isFinite(lift) ? null : plain(lift),
    difference: plain(absolute.value),
    standard_error: finite(standardError),
    ci_low: bound(interval.low),
    ci_high: bound(interval.high),
    statistic: Number.isFinite(statistic) ? plain(statistic) : null,
    degrees_of_freedom: rule.degreesOfFreedom,
    p_value: pValue,
    chance_to_win: rule.chance(towards(direction, absolute.z)),
    ...(logE === undefined ? {} : { log_e: finite(logE) }),
    ...(options.instead === undefined ? {} : { method: options.instead.method }),
    ...(arms.adjustment === undefined ? {} : { adjustment: arms.adjustment })
  }
}

/** Both two-sided intervals and the test of no difference by a rule. */
export const compareBy = (arms: Arms, rule: Rule, confidence: number, direction: Direction): Comparison => {
  const absolute = difference(arms)
  const pValue = rule.pValue(absolute.z)
  const drawing: Drawing = {
    critical: rule.critical,
    alternative: "two-sided",
    rejected: pValue < 1 - confidence,
    nothing: 0
  }
  const lift = fieller(arms, absolute, drawing)
  return lift === undefined
    ? intervalUnbounded(arms, rule.critical)
    : inference(
      lift,
      absolute,
      symmetric(absolute.value, absolute.standardError, drawing),
      pValue,
      rule.chance(towards(direction, absolute.z))
    )
}
