/** Do the arms have the sizes that their shares promise? */
import type { Finding, SrmResult, VariantResult } from "@assay/model"
import { chiSquaredTest } from "./chi-squared.ts"
import { exactTest } from "./exact-multinomial.ts"
import { count, percent, probability } from "./internal/figures.ts"
import { exactBelowExpected } from "./operation.ts"
import { logBayesFactor, sequentialPValue } from "./sequential.ts"
import { leastExpected, residuals, type Split } from "./shares.ts"

/**
 * A p-value below this is a mismatch. The level of practice: Fabijan et al. (2019), "Diagnosing Sample Ratio Mismatch in
 * Online Controlled Experiments", and PostHog, GrowthBook and Eppo. It is small because the check is repeated at every look
 * (14 looks raise a false alarm in 0.75 % of experiments, against 5 % at 0.01).
 */
export const srmAlarmBelow = 0.001

/** A p-value from {@link srmAlarmBelow} up to here is reported without an alarm: one in a hundred sound experiments has it. */
export const srmSuspiciousBelow = 0.01

/** Fewer identities than this, over all arms, and the check says nothing (as in PostHog; the χ² approximation needs counts). */
export const leastIdentities = 100

/** An arm: its expected share (any scale, ≥ 0) and the identities that came (≥ 0). */
export interface VariantCount {
  readonly key: string
  readonly share: number
  readonly n: number
}

/** The declared arms, and how many identities came with a variant that nobody declared (they are in no arm). */
export interface SampleRatioInput {
  readonly variants: ReadonlyArray<VariantCount>
  readonly undeclared?: number
}

/**
 * The result, what a reader must know of it, and per arm its identities, its part of all identities in arms (null when there
 * are none) and its expected share, normalised to 1 (null when no arm has a share).
 */
export interface SampleRatioCheck {
  readonly result: SrmResult
  readonly findings: ReadonlyArray<Finding>
  readonly variants: ReadonlyArray<VariantResult>
}

const requireFigures = ({ undeclared = 0, variants }: SampleRatioInput): void => {
  if (!(undeclared >= 0 && undeclared < Infinity)) {
    throw new RangeError(`The count of undeclared identities is at least 0 and finite, found ${undeclared}`)
  }
  for (const { key, n, share } of variants) {
    if (!(n >= 0 && n < Infinity)) throw new RangeError(`n of ${key} is at least 0 and finite, found ${n}`)
    if (!(share >= 0 && share < Infinity)) {
      throw new RangeError(`The share of ${key} is at least 0 and finite, found ${share}`)
    }
  }
}

/** Shares that add up to 1; all null when there is none above 0. Divided by the largest first, so that no sum overflows. */
const normalise = (shares: ReadonlyArray<number>): ReadonlyArray<number | null> => {
  const largest = Math.max(0, ...shares)
  if (largest === 0) return shares.map(() => null)
  const total = shares.reduce((sum, share) => sum + share / largest, 0)
  return shares.map((share) => share / largest / total)
}

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((a, b) => a + b, 0)

/** Observed against expected, arm by arm. */
const table = (variants: ReadonlyArray<VariantResult>): string =>
  variants
    .map(({ expected_share, key, n, share }) =>
      `${key} has ${count(n)} (${percent(share ?? 0)}, expected ${percent(expected_share ?? 0)})`
    )
    .join(", ")

const strangers = (undeclared: number, total: number): ReadonlyArray<Finding> =>
  undeclared > 0
    ? [{
      code: "traffic_in_undeclared_variant",
      severity: "warning",
      sentence: `${
        count(undeclared)
      } identities came with a variant that the experiment doesn't declare; they are in no arm.`,
      count: undeclared,
      of: total + undeclared
    }]
    : []

const zeroShareTraffic = (variant: VariantResult, total: number): Finding => ({
  code: "traffic_in_zero_share_variant",
  severity: "alarm",
  sentence: `${variant.key} has ${count(variant.n)} of ${count(total)} identities but an expected share of 0: ` +
    "the assignment doesn't follow the definition.",
  variant: variant.key,
  count: variant.n,
  of: total
})

const mismatch = (variants: ReadonlyArray<VariantResult>, total: number, p: number): Finding => ({
  code: "sample_ratio_mismatch",
  severity: "alarm",
  sentence: `Sample ratio mismatch (p = ${probability(p)}): of ${count(total)} identities ${table(variants)}. ` +
    "Don't trust the results until the cause is known.",
  count: total
})

const suspicious = (variants: ReadonlyArray<VariantResult>, total: number, p: number): Finding => ({
  code: "sample_ratio_suspicious",
  severity: "warning",
  sentence:
    `The sample ratio is suspicious (p = ${probability(p)}): of ${count(total)} identities ${table(variants)}. ` +
    `An alarm is raised below ${srmAlarmBelow}.`,
  count: total
})

/** The p-value and how it was found: χ², or exact where an expected count is below 5 and all counts are whole. */
const test = (split: Split) => {
  const { pValue, statistic } = chiSquaredTest(split)
  if (leastExpected(split) >= exactBelowExpected || !split.observed.every(Number.isSafeInteger)) {
    return { statistic, p_value: pValue, method: "chi2" as const }
  }
  const exact = exactTest(split)
  return {
    statistic,
    p_value: exact.pValue,
    method: exact.method,
    ...(exact.error === undefined ? {} : { p_value_error: exact.error })
  }
}

/**
 * Checks counts of identities against expected shares by Pearson's χ² test with k−1 degrees of freedom over the k arms whose
 * share is above 0 (one such arm: p = 1, df 0); by the exact multinomial test where an expected count is below 5. Beside it stand
 * the standardised residuals and the sequential test of the same counts, p = min(1, 1/BF).
 *
 * - Identities in an arm with share 0 are a mismatch with p-value 0 whatever the counts (statistic null, an alarm for each such
 *   arm): under the definition they can't happen. Without identities such an arm is left out.
 * - Withheld when no arm has a share above 0 (`no_expected_share`), and below {@link leastIdentities} identities.
 * - A p-value below {@link srmAlarmBelow} is an alarm `sample_ratio_mismatch`, below {@link srmSuspiciousBelow} a warning
 *   `sample_ratio_suspicious`.
 *
 * Counts and shares that are negative or not finite are a RangeError.
 */
export const checkSampleRatio = (input: SampleRatioInput): SampleRatioCheck => {
  requireFigures(input)
  const total = sum(input.variants.map(({ n }) => n))
  const expectedShares = normalise(input.variants.map(({ share }) => share))
  const variants = input.variants.map(({ key, n }, i): VariantResult => ({
    key,
    n,
    share: total > 0 ? n / total : null,
    expected_share: expectedShares[i] ?? null
  }))
  const expected = variants.filter(({ expected_share }) => expected_share !== null && expected_share > 0)
  const degrees_of_freedom = Math.max(0, expected.length - 1)
  const common = { degrees_of_freedom, alarm_below: srmAlarmBelow }
  const undeclared = strangers(input.undeclared ?? 0, total)
  const withheld = (
    reason: "no_expected_share" | "too_few_identities",
    have: number,
    need: number,
    sentence: string
  ): SampleRatioCheck => ({
    result: {
      ...common,
      status: "withheld",
      p_value: null,
      statistic: null,
      withheld: { reason, have, need, sentence }
    },
    findings: undeclared,
    variants
  })

  if (expected.length === 0) {
    return withheld(
      "no_expected_share",
      0,
      1,
      "No variant has an expected share above 0, so there is nothing to check the counts against."
    )
  }
  const unexpected = variants.filter(({ expected_share, n }) => expected_share === 0 && n > 0)
  if (unexpected.length > 0) {
    return {
      result: { ...common, status: "mismatch", p_value: 0, statistic: null },
      findings: [...unexpected.map((variant) => zeroShareTraffic(variant, total)), ...undeclared],
      variants
    }
  }
  if (total < leastIdentities) {
    return withheld(
      "too_few_identities",
      total,
      leastIdentities,
      `The check of the sample ratio needs ${leastIdentities} identities in all arms together; there are ${
        count(total)
      }.`
    )
  }
  const split: Split = {
    observed: expected.map(({ n }) => n),
    shares: expected.map(({ expected_share }) => expected_share ?? 0),
    total
  }
  const tested = test(split)
  const { p_value } = tested
  const perArm = residuals(split)
  const log_bayes_factor = logBayesFactor(split)
  const finding = p_value < srmAlarmBelow
    ? [mismatch(expected, total, p_value)]
    : p_value < srmSuspiciousBelow
    ? [suspicious(expected, total, p_value)]
    : []
  return {
    result: {
      ...common,
      status: p_value < srmAlarmBelow ? "mismatch" : "ok",
      ...tested,
      residuals: Object.fromEntries(expected.map(({ key }, i) => [key, perArm[i]!])),
      sequential: { p_value: sequentialPValue(log_bayes_factor), log_bayes_factor }
    },
    findings: [...finding, ...undeclared],
    variants
  }
}
