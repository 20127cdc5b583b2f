/** The sample-ratio-mismatch checker: counts and expected shares in, result and findings out. */
export { advice } from "./advice.ts"
export { type BalanceArm, balanceFindings, type BalanceTest, balanceTest } from "./balance.ts"
export { type ChiSquaredTest, chiSquaredTest } from "./chi-squared.ts"
export { type ExactTest, exactTest, mostOutcomes, samples, seeded } from "./exact-multinomial.ts"
export {
  type ArmCount,
  homogeneity,
  type HomogeneityTest,
  missingnessFindings,
  quarantineFindings
} from "./homogeneity.ts"
export {
  type Located,
  type LocateInput,
  locateMismatch,
  type OffPart,
  type OffPeriod,
  type PartCount,
  type PeriodCount
} from "./locate.ts"
export { exactBelowExpected, srmOperation } from "./operation.ts"
export {
  checkSampleRatio,
  type Epoch,
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
