/** An experiment: who was exposed to what, from when to when, and which metrics judge it. */
import { Schema } from "effect"
import { Instant } from "./Instant.ts"
import { Key } from "./Key.ts"

/** What a metric is for: `goal` decides, `secondary` explains, `guardrail` must not get worse. */
export const Role = Schema.Literals(["goal", "secondary", "guardrail"])
export type Role = typeof Role.Type

/** One arm. Shares are any numbers ≥ 0 and are normalised; 0 says that the arm should get no traffic. */
export const Variant = Schema.Struct({
  key: Key,
  share: Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))),
  description: Schema.optionalKey(Schema.String)
})
export interface Variant extends Schema.Schema.Type<typeof Variant> {}

/** A metric of the experiment, by its key, in a role. */
export const MetricUse = Schema.Struct({ metric: Key, role: Role })
export interface MetricUse extends Schema.Schema.Type<typeof MetricUse> {}

/**
 * An experiment as its file defines it. `identity` names the identity column that is the unit of the experiment (the
 * first of the event-table mapping where it is absent); the window is half-open, `[started_at, ended_at)`, and runs up to
 * the time of the recompute where there is no `ended_at`. `multiple_variants` says what becomes of an identity that was
 * seen in more than one variant: `quarantine` (in no arm, the default) or `first` (the arm of its first exposure).
 */
export const Experiment = Schema.Struct({
  key: Key,
  description: Schema.optionalKey(Schema.String),
  environment: Schema.NonEmptyString,
  feature: Schema.NonEmptyString,
  started_at: Instant,
  ended_at: Schema.optionalKey(Instant),
  identity: Schema.optionalKey(Schema.NonEmptyString),
  multiple_variants: Schema.optionalKey(Schema.Literals(["quarantine", "first"])),
  control: Key,
  variants: Schema.NonEmptyArray(Variant),
  metrics: Schema.NonEmptyArray(MetricUse)
})
export interface Experiment extends Schema.Schema.Type<typeof Experiment> {}

/** The arms that are compared with the control, in the order of the definition. */
export const treatments = (experiment: Experiment): ReadonlyArray<Variant> =>
  experiment.variants.filter((variant) => variant.key !== experiment.control)
