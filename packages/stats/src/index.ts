/** The stats kernel: moments in, inference out. Pure functions of plain data. */
export type { LiftInterval } from "./analysis.ts"
export { bayesian, bayesianWith, type Prior } from "./bayesian.ts"
export { chanceToBeBest } from "./best-arm.ts"
export {
  betaCdf,
  betaLogSurvival,
  betaQuantile,
  betaSurvival,
  fCdf,
  fLogSurvival,
  fQuantile,
  fSurvival
} from "./beta.ts"
export { binomialCdf, binomialLogSurvival, binomialQuantile, binomialSurvival } from "./binomial.ts"
export { calc, type Operation } from "./calc.ts"
export {
  type AdjustmentReport,
  type Analysis,
  compareToControl,
  type ComparisonInput,
  type Engine,
  type Margin,
  type Question
} from "./comparison.ts"
export type { Alternative } from "./contrast.ts"
export { delta } from "./delta.ts"
export {
  chiSquaredCdf,
  chiSquaredLogSurvival,
  chiSquaredQuantile,
  chiSquaredSurvival,
  normalCdf,
  normalCritical,
  normalLogSurvival,
  normalQuantile,
  normalSurvival
} from "./distributions.ts"
export { defaultEngine, type EngineName, type EngineOptions, engines, engineWith } from "./engines.ts"
export { type Adjustment, adjustmentOf, type Columns, type Estimand, type Estimate, estimate } from "./estimand.ts"
export { checkFloors, conversionsFloor, identitiesFloor, standardFloors, valuesFloor } from "./floors.ts"
export { exactBelow, frequentist, type FrequentistOptions, frequentistWith } from "./frequentist.ts"
export {
  alphaSpent,
  crossingProbabilities,
  groupSequentialBoundaries,
  groupSequentialWith,
  type Looks,
  type Spending
} from "./group-sequential.ts"
export { deviance, logGammaPlusOne, stirlingError } from "./internal/loader.ts"
export * as Request from "./internal/request.ts"
export {
  adjustedConfidence,
  adjustLogE,
  type AdjustmentMethod,
  adjustments,
  adjustPValues,
  averageLogE
} from "./multiplicity.ts"
export {
  type Baseline,
  baselineOf,
  type Design,
  type DetectableEffect,
  minimumDetectableEffect,
  type PlannedSize,
  powerOf,
  proportionBaseline,
  type Reading,
  sampleSize,
  smallestMargin,
  type TargetEffect
} from "./planning.ts"
export { type PostStratified, postStratify, type Stratum } from "./post-stratification.ts"
export { independentValues, quantileMoments, quantileVariance, type SampleQuantile } from "./quantile.ts"
export { defaultTuning, sequential, sequentialWith } from "./sequential.ts"
export { type Effect, shrink, type ShrunkEffect } from "./shrinkage.ts"
export { type Count, fisherExact, newcombe, scoreLift, wilson } from "./small-counts.ts"
export { studentCdf, studentLogSurvival, studentQuantile, studentSurvival } from "./student.ts"
export { type VerdictThresholds, verdictThresholds, verdictWord } from "./verdict.ts"
