/** What to do, with the reasons. */
import { Schema } from "effect"

/** `ship` names a treatment; `do not trust` says that the data, not the effect, is the problem. */
export const DecisionWord = Schema.Literals(["ship", "do not ship", "keep running", "do not trust"])
export type DecisionWord = typeof DecisionWord.Type

/** One reason: `code` for machines and stable, `sentence` for people, and what it is about. */
export const Reason = Schema.Struct({
  code: Schema.String,
  sentence: Schema.String,
  metric_id: Schema.optionalKey(Schema.String),
  variant: Schema.optionalKey(Schema.String)
})
export interface Reason extends Schema.Schema.Type<typeof Reason> {}

/** The decision about one treatment. */
export const TreatmentDecision = Schema.Struct({
  variant: Schema.String,
  decision: DecisionWord,
  reasons: Schema.NonEmptyArray(Reason)
})
export interface TreatmentDecision extends Schema.Schema.Type<typeof TreatmentDecision> {}

/**
 * How the experiment is read now. `recorded` says whether its definition has a plan; without one it is read always-valid until its
 * planned end, and once, fixed, then. `decided_at` is the time of the data that the last planned look was taken at: the decision of
 * that look stands until the next one.
 */
export const PlanState = Schema.Struct({
  recorded: Schema.optionalKey(Schema.Boolean),
  design: Schema.Literals(["fixed", "group-sequential", "always-valid"]),
  /** The part of the planned information (time or identities) that is in; above 1 where the plan is overrun. */
  information: Schema.NullOr(Schema.Finite),
  looks: Schema.optionalKey(Schema.Finite),
  look: Schema.optionalKey(Schema.Finite),
  /** When the plan ends or ended; null where it has no end, or counts identities. */
  ends_at: Schema.NullOr(Schema.String),
  decided_at: Schema.optionalKey(Schema.String)
})
export interface PlanState extends Schema.Schema.Type<typeof PlanState> {}

/** The decision about the experiment: the treatment to ship where there is one, and the decision about each. */
export const Decision = Schema.Struct({
  decision: DecisionWord,
  variant: Schema.NullOr(Schema.String),
  reasons: Schema.NonEmptyArray(Reason),
  treatments: Schema.Array(TreatmentDecision),
  plan: PlanState
})
export interface Decision extends Schema.Schema.Type<typeof Decision> {}
