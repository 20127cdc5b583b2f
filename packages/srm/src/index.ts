/** The sample-ratio-mismatch checker: counts and expected shares in, result and findings out. */
export {
  checkSampleRatio,
  leastIdentities,
  type SampleRatioCheck,
  type SampleRatioInput,
  srmAlarmBelow,
  srmSuspiciousBelow,
  type VariantCount
} from "./sample-ratio.ts"
