/** Were the arms alike before the experiment could change anything? A second check of the assignment. */
import type { Finding, Moments } from "@assay/model"
import { chiSquaredSurvival, type Estimand, estimate } from "@assay/stats"
import { advice } from "./advice.ts"
import { pValue } from "./internal/figures.ts"

/** An arm with the moments that its covariate stands in. */
export interface BalanceArm {
  readonly key: string
  readonly moments: Moments.Moments
}

/** What the test of a covariate's balance found. */
export interface BalanceTest {
  readonly pValue: number
  readonly degreesOfFreedom: number
  /** The covariate's estimate per arm, in their order. */
  readonly values: ReadonlyArray<number>
}

/**
 * Tests whether all arms have the same value of the covariate: Wald's χ² = Σw(x − x̄)², w = 1/Var(x), x̄ the mean weighted by w, with
 * k−1 degrees of freedom (Cochran 1954's test of heterogeneity). Arms without an estimate are left out; undefined where fewer than
 * two are left, or none has a variance.
 */
export const balanceTest = (covariate: Estimand, arms: ReadonlyArray<BalanceArm>): BalanceTest | undefined => {
  const found = arms.map(({ moments }) => estimate(covariate, moments))
  const used = found.filter((one) => one !== undefined && one.variance > 0).map((one) => one!)
  if (used.length < 2 || used.length < found.filter((one) => one !== undefined).length) return undefined
  // Weights relative to the narrowest, so that none overflows.
  const least = Math.min(...used.map(({ variance }) => variance))
  const weights = used.map(({ variance }) => least / variance)
  const total = weights.reduce((a, b) => a + b, 0)
  const mean = used.reduce((sum, { value }, i) => sum + weights[i]! * value, 0) / total
  const statistic = used.reduce((sum, { value, variance }) => sum + ((value - mean) / Math.sqrt(variance)) ** 2, 0)
  const degreesOfFreedom = used.length - 1
  return {
    pValue: chiSquaredSurvival(statistic, degreesOfFreedom),
    degreesOfFreedom,
    values: found.map((one) => one?.value ?? 0)
  }
}

const figure = (x: number): string => String(Number(x.toPrecision(4)))

/**
 * What a reader must know of it: an alarm below 0.001, a warning below 0.01, as for sample ratios; p is corrected for as many `tests` of this kind
 * (Bonferroni).
 */
export const balanceFindings = (
  metric: string,
  covariate: Estimand,
  arms: ReadonlyArray<BalanceArm>,
  tests = 1
): ReadonlyArray<Finding> => {
  const test = balanceTest(covariate, arms)
  const p = test === undefined ? 1 : Math.min(1, test.pValue * tests)
  if (test === undefined || !(p < 0.01)) return []
  return [{
    code: "pre_period_imbalance",
    severity: p < 0.001 ? "alarm" : "warning",
    metric_id: metric,
    sentence: `The arms differed in ${metric}'s covariate before the exposure (${pValue(p)}): ${
      arms.map(({ key }, i) => `${key} ${figure(test.values[i]!)}`).join(", ")
    }.`,
    next: advice.balance
  }]
}
