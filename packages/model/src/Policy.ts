/** How results are inferred, corrected and decided: what the configuration may say of it. */
import { Schema } from "effect"

/** Corrections for many tests; `none` for none. */
export const Correction = Schema.Literals([
  "none",
  "bonferroni",
  "holm",
  "hochberg",
  "hommel",
  "benjamini-hochberg",
  "benjamini-yekutieli",
  "e-bh"
])
export type Correction = typeof Correction.Type

/** The engines that a configuration may name. */
export const EngineName = Schema.Literals(["bayesian", "delta", "frequentist", "sequential"])
export type EngineName = typeof EngineName.Type

const above0 = Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0)))
const probability = Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0), Schema.isLessThan(1)))
const wholeFrom = (minimum: number) => Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(minimum)))

/** What is believed of effects beforehand: normal, on the lift (0.1 = 10 %) or on the difference. */
export const Prior = Schema.Struct({
  mean: Schema.optionalKey(Schema.Finite),
  sd: above0,
  on: Schema.optionalKey(Schema.Literals(["relative", "absolute"]))
})

/** An engine with its options: `prior` is of `bayesian`, `tuning` of `sequential`, `variance` and `interval` of `frequentist`. */
export const EngineChoice = Schema.Struct({
  name: EngineName,
  prior: Schema.optionalKey(Prior),
  tuning: Schema.optionalKey(above0),
  variance: Schema.optionalKey(Schema.Literals(["welch", "pooled"])),
  interval: Schema.optionalKey(Schema.Literals(["fieller", "delta"]))
})
export interface EngineChoice extends Schema.Schema.Type<typeof EngineChoice> {}

/**
 * What a decision takes. `winning` and `losing` are the chances to win from where on a metric's word changes; `level` is the error that the
 * decision may make (1 − confidence where it is absent); `goals` says whether one goal that improves is enough or all must;
 * `identities` and `conversions` are the floors per arm; `srm` is the p-value below which a sample ratio is an alarm.
 */
export const DecisionPolicy = Schema.Struct({
  winning: probability,
  losing: probability,
  level: Schema.optionalKey(probability),
  goals: Schema.Literals(["any", "all"]),
  identities: wholeFrom(2),
  conversions: wholeFrom(0),
  srm: probability
})
export interface DecisionPolicy extends Schema.Schema.Type<typeof DecisionPolicy> {}

/** The correction of each family of tests: all goals × treatments, and all secondary metrics × treatments. Guardrails have none. */
export const Multiplicity = Schema.Struct({ goals: Correction, secondary: Correction })
export interface Multiplicity extends Schema.Schema.Type<typeof Multiplicity> {}

/** What a decision takes where nothing else is configured. */
export const defaultDecisionPolicy: DecisionPolicy = {
  winning: 0.95,
  losing: 0.05,
  goals: "any",
  identities: 50,
  conversions: 5,
  srm: 0.001
}

/** Goals decide, so any false one counts; secondary metrics are looked through for what to look into. */
export const defaultMultiplicity: Multiplicity = { goals: "holm", secondary: "benjamini-hochberg" }
