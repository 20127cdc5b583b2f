/** Results within parts of the identities: by a trait that they had at their first exposure. */
import { Schema } from "effect"
import { VariantMoments, WireInference, WireWithheld } from "./MetricResult.ts"

/** One metric within a part of the identities, or up to a moment: moments per variant, and per treatment its inference. */
export const PartialMetric = Schema.Struct({
  metric_id: Schema.String,
  variants: Schema.Record(Schema.String, VariantMoments),
  inference: Schema.Record(Schema.String, Schema.NullOr(WireInference)),
  withheld: Schema.Record(Schema.String, WireWithheld)
})
export interface PartialMetric extends Schema.Schema.Type<typeof PartialMetric> {}

/**
 * The identities with one value of a dimension. `value` is null for those without the trait; `other` marks the slice that holds
 * all values beyond the largest ones, whose `value` is null, too. `identities` counts per variant.
 */
export const Slice = Schema.Struct({
  value: Schema.NullOr(Schema.String),
  other: Schema.optionalKey(Schema.Boolean),
  identities: Schema.Record(Schema.String, Schema.Finite),
  srm_p_value: Schema.NullOr(Schema.Finite),
  metrics: Schema.Array(PartialMetric)
})
export interface Slice extends Schema.Schema.Type<typeof Slice> {}

/** A breakdown by one dimension; its slices are disjoint and hold all identities in arms, largest first. */
export const Breakdown = Schema.Struct({
  dimension: Schema.String,
  /** How many different values there are, those in `other` included. */
  values: Schema.Finite,
  slices: Schema.Array(Slice)
})
export interface Breakdown extends Schema.Schema.Type<typeof Breakdown> {}
