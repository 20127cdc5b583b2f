/** Something about the data that a reader must know before believing a number. */
import { Schema } from "effect"

/**
 * How much a finding matters: `info` is worth knowing, `warning` may bias a number, `alarm` means that the results are not
 * to be trusted until it is explained.
 */
export const Severity = Schema.Literals(["info", "warning", "alarm"])
export type Severity = typeof Severity.Type

/**
 * One finding. `code` is for machines and stable; `sentence` is for people; `count` and `of` carry the figures (for
 * example 120 duplicate rows of 10,000), in the unit that the sentence names; `next` says what to look at.
 */
export const Finding = Schema.Struct({
  code: Schema.String,
  severity: Severity,
  sentence: Schema.String,
  metric_id: Schema.optionalKey(Schema.String),
  variant: Schema.optionalKey(Schema.String),
  count: Schema.optionalKey(Schema.Finite),
  of: Schema.optionalKey(Schema.Finite),
  next: Schema.optionalKey(Schema.String)
})
export interface Finding extends Schema.Schema.Type<typeof Finding> {}
