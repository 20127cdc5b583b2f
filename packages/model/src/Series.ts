/** How the results came about over time: cumulative, a point for each day or hour of the window. */
import { Schema } from "effect"
import { PartialMetric } from "./Slices.ts"

/**
 * The state at the end of a day or hour, cumulative from the start of the window: what a summary of that moment would have said.
 * `identities` counts per variant, `quarantined` those in several. The last point equals the summary's totals.
 */
export const SeriesPoint = Schema.Struct({
  /** The end of the period, exclusive. */
  until: Schema.String,
  identities: Schema.Record(Schema.String, Schema.Finite),
  quarantined: Schema.Finite,
  srm_p_value: Schema.NullOr(Schema.Finite),
  metrics: Schema.Array(PartialMetric)
})
export interface SeriesPoint extends Schema.Schema.Type<typeof SeriesPoint> {}

/** The series of an experiment. Identities are attributed as the whole window shows them: by their first exposure in it. */
export const Series = Schema.Struct({
  period: Schema.Literals(["day", "hour"]),
  points: Schema.Array(SeriesPoint)
})
export interface Series extends Schema.Schema.Type<typeof Series> {}
