/** Do the arms have the sizes that their shares promise? */
import type { Finding, SrmResult, VariantResult } from "@assay/model"
import { adjustPValues, chiSquaredSurvival } from "@assay/stats"
import { advice } from "./advice.ts"
import { chiSquaredTest } from "./chi-squared.ts"
import { count, percent, pValue } from "./internal/figures.ts"
import { splitTest } from "./internal/tests.ts"
import { logBayesFactor, sequentialPValue } from "./sequential.ts"
import { type Split, splitOf } from "./shares.ts"

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

/** A span of time with one split: shares and new identities of all arms, in their order; `from` when it began, for people. */
export interface Epoch {
  readonly from: string | undefined
  readonly shares: ReadonlyArray<number>
  readonly counts: ReadonlyArray<number>
}

/**
 * The declared arms, and how many identities came with a variant that nobody declared (they are in no arm). `epochs` where the split
 * changed: they may count fewer identities than the arms hold (those of a day in which it changed). `before` is the smallest sequential
 * p-value of earlier looks.
 */
export interface SampleRatioInput {
  readonly variants: ReadonlyArray<VariantCount>
  readonly undeclared?: number
  readonly epochs?: ReadonlyArray<Epoch>
  readonly before?: number
  readonly alarmBelow?: number
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
      of: total + undeclared,
      next: advice.undeclared
    }]
    : []

const zeroShareTraffic = (variant: VariantResult, total: number): Finding => ({
  code: "traffic_in_zero_share_variant",
  severity: "alarm",
  sentence: `${variant.key} has ${count(variant.n)} of ${count(total)} identities but an expected share of 0: ` +
    "the assignment doesn't follow the definition.",
  variant: variant.key,
  count: variant.n,
  of: total,
  next: advice.zeroShare
})

const mismatch = (variants: ReadonlyArray<VariantResult>, total: number, p: number): Finding => ({
  code: "sample_ratio_mismatch",
  severity: "alarm",
  sentence: `Sample ratio mismatch (${pValue(p)}): of ${count(total)} identities ${table(variants)}. ` +
    "Don't trust the results until the cause is known.",
  count: total,
  next: advice.mismatch
})

const suspicious = (
  variants: ReadonlyArray<VariantResult>,
  total: number,
  p: number,
  alarmBelow: number
): Finding => ({
  code: "sample_ratio_suspicious",
  severity: "warning",
  sentence: `The sample ratio is suspicious (${pValue(p)}): of ${count(total)} identities ${table(variants)}. ` +
    `An alarm is raised below ${alarmBelow}.`,
  count: total
})

/** Earlier looks found a mismatch that today's counts don't show: a test that holds at every look doesn't forget. */
const earlierMismatch = (p: number, alarmBelow: number): Finding => ({
  code: "sample_ratio_mismatch",
  severity: "alarm",
  sentence:
    `Sample ratio mismatch at an earlier look (sequential ${
      pValue(p)
    }, alarm below ${alarmBelow}), though today's counts ` +
    "alone don't show it. Don't trust the results until the cause is known.",
  next: advice.mismatch
})

/** One epoch's counts and shares, of the arms that have a share in it. */
interface Part {
  readonly from: string | undefined
  readonly keys: ReadonlyArray<string>
  readonly split: Split
}

/** All epochs together: χ² and degrees of freedom add up. One epoch is tested exactly where counts are small. */
const testParts = (parts: ReadonlyArray<Part>) => {
  const [only] = parts
  if (parts.length === 1) return { ...splitTest(only!.split), degrees_of_freedom: only!.keys.length - 1 }
  const tests = parts.map(({ split }) => chiSquaredTest(split))
  const statistic = tests.reduce((total, one) => total + one.statistic, 0)
  const degrees_of_freedom = tests.reduce((total, one) => total + one.degreesOfFreedom, 0)
  return {
    statistic,
    degrees_of_freedom,
    p_value: degrees_of_freedom === 0 ? 1 : chiSquaredSurvival(statistic, degrees_of_freedom),
    method: "chi2" as const
  }
}

/** (n − E)/√(ΣE(1 − share)) over all epochs. */
const residualsOf = (
  parts: ReadonlyArray<Part>,
  variants: ReadonlyArray<VariantResult>
): Readonly<Record<string, number>> =>
  Object.fromEntries(variants.map(({ key }) => {
    let [excess, variance] = [0, 0]
    for (const { keys, split: { observed, shares, total } } of parts) {
      const i = keys.indexOf(key)
      if (i < 0) continue
      excess += observed[i]! - total * shares[i]!
      variance += total * shares[i]! * (1 - shares[i]!)
    }
    return [key, variance > 0 ? excess / Math.sqrt(variance) : 0]
  }))

/** Which epochs aren't as planned, after Holm's correction for all of them. */
const epochFindings = (parts: ReadonlyArray<Part>, alarmBelow: number): ReadonlyArray<Finding> => {
  if (parts.length < 2) return []
  const adjusted = adjustPValues("holm", parts.map(({ split }) => splitTest(split).p_value))
  return parts.flatMap(({ from, keys, split: { observed, shares, total } }, i): ReadonlyArray<Finding> =>
    adjusted[i]! < alarmBelow
      ? [{
        code: "sample_ratio_mismatch",
        severity: "alarm",
        sentence: `Sample ratio mismatch in the split ${from === undefined ? "from the start" : `since ${from}`} (${
          pValue(adjusted[i]!)
        }): of ${count(total)} identities ${
          table(
            keys.map((key, j) => ({ key, n: observed[j]!, share: observed[j]! / total, expected_share: shares[j]! }))
          )
        }. Don't trust the results until the cause is known.`,
        count: total,
        next: advice.mismatch
      }]
      : []
  )
}

/**
 * Checks counts of identities against expected shares by Pearson's χ² test with k−1 degrees of freedom over the k arms whose
 * share is above 0 (one such arm: p = 1, df 0); by the exact multinomial test where an expected count is below 5. Where the split
 * changed (`epochs`), each epoch is tested against its own shares, and χ², degrees of freedom and logarithms of Bayes factors add up. Beside it
 * stand the standardised residuals and the sequential test, p = min(1, 1/BF), the smallest of all looks so far (`before`).
 *
 * - Identities in an arm with share 0 are a mismatch with p-value 0 whatever the counts (statistic null, an alarm for each such
 *   arm): under the definition they can't happen. Without identities such an arm is left out.
 * - Withheld when no arm has a share above 0 (`no_expected_share`), below {@link leastIdentities} identities, and where the split changed
 *   but counts per epoch aren't known (`epochs` empty).
 * - A p-value below `alarmBelow` ({@link srmAlarmBelow}), of χ² or of the sequential test, is an alarm `sample_ratio_mismatch`; χ²'s below
 *   {@link srmSuspiciousBelow} a warning `sample_ratio_suspicious`.
 *
 * Counts and shares that are negative or not finite are a RangeError.
 */
export const checkSampleRatio = (input: SampleRatioInput): SampleRatioCheck => {
  requireFigures(input)
  const { alarmBelow = srmAlarmBelow, before = 1, epochs } = input
  const total = sum(input.variants.map(({ n }) => n))
  const spans: ReadonlyArray<Epoch> = epochs ?? [{
    from: undefined,
    shares: input.variants.map(({ share }) => share),
    counts: input.variants.map(({ n }) => n)
  }]
  const normalised = spans.map(({ shares }) => normalise(shares))
  const counted = sum(spans.flatMap(({ counts }) => counts))
  const expectedShare = (i: number): number | null => {
    if (spans.length === 0 || normalised.every((shares) => shares[i] === null)) return null
    if (spans.length === 1 || counted === 0) return normalised[0]![i] ?? null
    return sum(spans.map(({ counts }, e) => (normalised[e]![i] ?? 0) * sum(counts))) / counted
  }
  const variants = input.variants.map(({ key, n }, i): VariantResult => ({
    key,
    n,
    share: total > 0 ? n / total : null,
    expected_share: expectedShare(i)
  }))
  const parts = spans.map(({ counts, from, shares }): Part => {
    const used = shares.flatMap((share, i) => (share > 0 ? [i] : []))
    return {
      from,
      keys: used.map((i) => variants[i]!.key),
      split: used.length === 0
        ? { observed: [], shares: [], total: 0 }
        : splitOf(used.map((i) => counts[i]!), used.map((i) => shares[i]!))
    }
  }).filter(({ keys }) => keys.length > 0)
  const expected = variants.filter(({ key }) => parts.some(({ keys }) => keys.includes(key)))
  const common = {
    degrees_of_freedom: sum(parts.map(({ keys }) => keys.length - 1)),
    alarm_below: alarmBelow
  }
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

  if (epochs !== undefined && epochs.length === 0) {
    return withheld(
      "no_expected_share",
      0,
      1,
      "The split changed within the window, so the counts must be checked for each of its epochs; that takes counts per day, which " +
        "this summary doesn't have."
    )
  }
  if (parts.length === 0) {
    return withheld(
      "no_expected_share",
      0,
      1,
      "No variant has an expected share above 0, so there is nothing to check the counts against."
    )
  }
  const unexpected = variants.filter((_, i) => spans.some(({ counts, shares }) => shares[i] === 0 && counts[i]! > 0))
  if (unexpected.length > 0) {
    return {
      result: { ...common, status: "mismatch", p_value: 0, statistic: null },
      findings: [...unexpected.map((variant) => zeroShareTraffic(variant, total)), ...undeclared],
      variants
    }
  }
  if (counted < leastIdentities) {
    return withheld(
      "too_few_identities",
      counted,
      leastIdentities,
      `The check of the sample ratio needs ${leastIdentities} identities in all arms together; there are ${
        count(counted)
      }.`
    )
  }
  const tested = testParts(parts)
  const { p_value } = tested
  const log_bayes_factor = sum(parts.map(({ split }) => logBayesFactor(split)))
  const sequential = sequentialPValue(log_bayes_factor, before)
  const ofEpochs = epochFindings(parts, alarmBelow)
  const finding = p_value < alarmBelow
    ? ofEpochs.length > 0 ? ofEpochs : [mismatch(expected, total, p_value)]
    : sequential < alarmBelow
    ? [earlierMismatch(sequential, alarmBelow)]
    : p_value < srmSuspiciousBelow
    ? [suspicious(expected, total, p_value, alarmBelow)]
    : ofEpochs
  return {
    result: {
      ...common,
      status: finding.some(({ severity }) => severity === "alarm") ? "mismatch" : "ok",
      ...tested,
      residuals: residualsOf(parts, expected),
      sequential: { p_value: sequential, log_bayes_factor }
    },
    findings: [...finding, ...undeclared],
    variants
  }
}
