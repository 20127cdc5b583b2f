/** The sample-ratio-mismatch checker: counts and expected shares in, result and findings out. */
export { type ChiSquaredTest, chiSquaredTest } from "./chi-squared.ts"
export { type ExactTest, exactTest, mostOutcomes, samples, seeded } from "./exact-multinomial.ts"
export { exactBelowExpected, srmOperation } from "./operation.ts"
export {
  checkSampleRatio,
  leastIdentities,
  type SampleRatioCheck,
  type SampleRatioInput,
  srmAlarmBelow,
  srmSuspiciousBelow,
  type VariantCount
} from "./sample-ratio.ts"
export {
  defaultConcentration,
  logBayesFactor,
  type SequentialLook,
  sequentialPValue,
  sequentialTest
} from "./sequential.ts"
export { leastExpected, residuals, type Split, splitOf } from "./shares.ts"
