/** One metric's results on the wire. */
import { Schema } from "effect"
import { Display, EstimandKind } from "./Estimand.ts"
import { Role } from "./Experiment.ts"
import { WithheldReason } from "./Inference.ts"
import { Direction } from "./Metric.ts"

/** A chance, or the lack of it, in one word: what a scorecard says about one treatment and one metric. */
export const VerdictWord = Schema.Literals([
  "winning",
  "losing",
  "inconclusive",
  "collecting data",
  "not to be trusted",
  "informational"
])
export type VerdictWord = typeof VerdictWord.Type

/** Moments of one arm. A ratio adds those of its denominator. */
export const VariantMoments = Schema.Struct({
  n: Schema.Finite,
  sum: Schema.Finite,
  sum_squares: Schema.Finite,
  mean: Schema.Finite,
  variance: Schema.Finite,
  denominator_sum: Schema.optionalKey(Schema.Finite),
  denominator_sum_squares: Schema.optionalKey(Schema.Finite),
  sum_products: Schema.optionalKey(Schema.Finite)
})
export interface VariantMoments extends Schema.Schema.Type<typeof VariantMoments> {}

/** An inference on the wire; see `Inference` for the meaning of each number. */
export const WireInference = Schema.Struct({
  lift: Schema.Finite,
  ci_low: Schema.Finite,
  ci_high: Schema.Finite,
  chance_to_win: Schema.Finite,
  difference: Schema.Finite,
  difference_ci_low: Schema.Finite,
  difference_ci_high: Schema.Finite,
  standard_error: Schema.Finite,
  p_value: Schema.Finite,
  /** The natural logarithm of an e-value, where the engine yields one. */
  log_e: Schema.optionalKey(Schema.Finite),
  /**
   * After correcting for all comparisons of the metric's family, with the interval of the lift that fits, by the test that decides
   * now: `engine`, which isn't the one of the other figures while the experiment may be looked at again.
   */
  adjusted: Schema.optionalKey(
    Schema.Struct({
      engine: Schema.optionalKey(Schema.String),
      method: Schema.String,
      comparisons: Schema.Finite,
      p_value: Schema.Finite,
      confidence: Schema.Finite,
      ci_low: Schema.NullOr(Schema.Finite),
      ci_high: Schema.NullOr(Schema.Finite)
    })
  ),
  /** The lift shrunk towards 0 against the winner's curse. */
  shrunk_lift: Schema.optionalKey(Schema.Finite),
  /** What choosing an arm is expected to lose, as a lift, given that it may be the worse one. */
  expected_loss: Schema.optionalKey(Schema.Struct({ control: Schema.Finite, treatment: Schema.Finite })),
  /** The chance that this treatment is the best of all arms. */
  chance_to_be_best: Schema.optionalKey(Schema.Finite),
  /**
   * The one-sided test against the metric's margin, which is the effect under the null: superiority by more, or a loss of less. It
   * `holds` where it is shown at half the decision's level, that is where the two-sided interval lies beyond it.
   */
  margin: Schema.optionalKey(
    Schema.Struct({
      value: Schema.Finite,
      on: Schema.Literals(["relative", "absolute"]),
      p_value: Schema.Finite,
      holds: Schema.Boolean
    })
  ),
  /** By what both arms were post-stratified, in how many strata, and the part of the variance that it took away. */
  stratified: Schema.optionalKey(
    Schema.Struct({ by: Schema.String, strata: Schema.Finite, variance_reduction: Schema.Finite })
  ),
  /** The adjustment for a covariate: its θ and the part of the variance that it explained, or why it wasn't applied. */
  adjustment: Schema.optionalKey(
    Schema.Struct({
      theta: Schema.Finite,
      variance_reduction: Schema.Finite,
      fallback: Schema.optionalKey(Schema.String)
    })
  )
})
export interface WireInference extends Schema.Schema.Type<typeof WireInference> {}

/** Why a number isn't there; see `Withheld`. */
export const WireWithheld = Schema.Struct({
  reason: WithheldReason,
  have: Schema.Finite,
  need: Schema.Finite,
  sentence: Schema.String
})
export interface WireWithheld extends Schema.Schema.Type<typeof WireWithheld> {}

/** One metric: moments per variant, and per treatment the inference or the reason why there is none, and its word. */
export const MetricResult = Schema.Struct({
  metric_id: Schema.String,
  description: Schema.optionalKey(Schema.String),
  aggregation: Schema.String,
  role: Role,
  direction: Direction,
  estimand: EstimandKind,
  display: Schema.optionalKey(Display),
  variants: Schema.Record(Schema.String, VariantMoments),
  inference: Schema.Record(Schema.String, Schema.NullOr(WireInference)),
  withheld: Schema.Record(Schema.String, WireWithheld),
  verdict: Schema.Record(Schema.String, VerdictWord),
  /** Identities per variant that aren't old enough for the metric's window: in no n, neither for nor against. */
  immature: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
  /** The covariate, and per variant the identities that have none. */
  covariate: Schema.optionalKey(
    Schema.Struct({
      source: Schema.String,
      missing: Schema.Record(Schema.String, Schema.Finite)
    })
  ),
  /**
   * The cap that `variants` and `inference` were computed with, how many identities it touched, and what the moments and the inference were without
   * it (null where none can be given).
   */
  cap: Schema.optionalKey(
    Schema.Struct({
      value: Schema.Finite,
      quantile: Schema.optionalKey(Schema.Finite),
      capped: Schema.Record(Schema.String, Schema.Finite),
      uncapped: Schema.Record(Schema.String, VariantMoments),
      uncapped_inference: Schema.Record(Schema.String, Schema.NullOr(WireInference))
    })
  ),
  /** What the aggregation reports beside its value, such as each step of a funnel: a mean or a ratio per variant. */
  reported: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({ name: Schema.String, values: Schema.Record(Schema.String, Schema.NullOr(Schema.Finite)) })
    )
  )
})
export interface MetricResult extends Schema.Schema.Type<typeof MetricResult> {}
