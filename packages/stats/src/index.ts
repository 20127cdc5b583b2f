/** The stats kernel: moments in, inference out. Pure functions of plain data. */
export { bayesian } from "./bayesian.ts"
export { compareToControl, type ComparisonInput, type Engine } from "./comparison.ts"
export { delta } from "./delta.ts"
export {
  chiSquaredLogSurvival,
  chiSquaredSurvival,
  normalCdf,
  normalCritical,
  normalLogSurvival,
  normalQuantile,
  normalSurvival
} from "./distributions.ts"
export { defaultEngine, type EngineName, engines } from "./engines.ts"
export { type Estimand, type Estimate, estimate } from "./estimand.ts"
export { checkFloors, conversionsFloor, identitiesFloor, standardFloors } from "./floors.ts"
export { type VerdictThresholds, verdictThresholds, verdictWord } from "./verdict.ts"
