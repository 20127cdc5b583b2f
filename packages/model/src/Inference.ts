/** What the kernel says about one treatment against the control, or why it says nothing. */
import { Schema } from "effect"

/**
 * Why a number isn't given.
 *
 * - `too_few_identities`, `too_few_conversions`, `too_few_values`: below a floor;
 * - `control_mean_not_positive`: a relative lift has no meaning;
 * - `interval_unbounded`: the control's mean is too uncertain for a bounded interval of the lift (Fieller);
 * - `denominator_zero`: a ratio whose denominator adds up to 0 in an arm;
 * - `out_of_range`: numbers so large or so small that their variance doesn't fit a 64-bit float;
 * - `no_expected_share`: no variant was expected to get traffic, so there is nothing to check against.
 */
export const WithheldReason = Schema.Literals([
  "too_few_identities",
  "too_few_conversions",
  "too_few_values",
  "control_mean_not_positive",
  "interval_unbounded",
  "denominator_zero",
  "out_of_range",
  "no_expected_share"
])
export type WithheldReason = typeof WithheldReason.Type

/**
 * A result that isn't given: the reason, what there is, what it would take (both in the unit that the sentence names), and
 * the sentence for people.
 */
export const Withheld = Schema.Struct({
  status: Schema.Literal("withheld"),
  reason: WithheldReason,
  have: Schema.Finite,
  need: Schema.Finite,
  sentence: Schema.String
})
export interface Withheld extends Schema.Schema.Type<typeof Withheld> {}

/**
 * A treatment against the control. `lift` is relative to the control's mean (0.2 = 20 % more) with its interval;
 * `difference` is treatment minus control in the metric's own unit with its interval and standard error; `p_value` is the
 * two-sided test of no difference; `chance_to_win` is the probability that the treatment is better in the metric's
 * direction.
 */
export const Inference = Schema.Struct({
  status: Schema.Literal("ok"),
  lift: Schema.Finite,
  ci_low: Schema.Finite,
  ci_high: Schema.Finite,
  chance_to_win: Schema.Finite,
  difference: Schema.Finite,
  difference_ci_low: Schema.Finite,
  difference_ci_high: Schema.Finite,
  standard_error: Schema.Finite,
  p_value: Schema.Finite
})
export interface Inference extends Schema.Schema.Type<typeof Inference> {}

/** Either an inference or the reason why there is none. */
export type Comparison = Inference | Withheld
