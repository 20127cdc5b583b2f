/** Does something happen to one arm's identities more often than to another's? */
import type { Finding } from "@assay/model"
import { chiSquaredSurvival } from "@assay/stats"
import { advice } from "./advice.ts"
import { count, percent, pValue } from "./internal/figures.ts"
import { splitTest } from "./internal/tests.ts"
import { splitOf } from "./shares.ts"

/** An arm: its identities, and those of them that it happened to. */
export interface ArmCount {
  readonly key: string
  readonly n: number
  readonly affected: number
}

/** What the test of homogeneity found. */
export interface HomogeneityTest {
  readonly pValue: number
  readonly degreesOfFreedom: number
}

/**
 * Tests whether the affected identities fall on the arms as all identities do: Pearson's χ² of the 2×k table, with k−1 degrees of
 * freedom; exact multinomial where fewer than 5 affected ones are expected in an arm (a little too careful where many are affected). p = 1
 * where nobody or everybody is affected. Counts that are negative, or more affected than there are, are a RangeError.
 */
export const homogeneity = (arms: ReadonlyArray<ArmCount>): HomogeneityTest => {
  for (const { affected, key, n } of arms) {
    if (!(affected >= 0 && affected <= n && n < Infinity)) {
      throw new RangeError(`Of ${key}, ${affected} of ${n} identities are affected; it must be between 0 and all`)
    }
  }
  const used = arms.filter(({ n }) => n > 0)
  const total = used.reduce((sum, { n }) => sum + n, 0)
  const affected = used.reduce((sum, arm) => sum + arm.affected, 0)
  const degreesOfFreedom = Math.max(0, used.length - 1)
  if (degreesOfFreedom === 0 || affected === 0 || affected === total) return { pValue: 1, degreesOfFreedom }
  const sizes = used.map(({ n }) => n)
  const [rare, split] = 2 * affected <= total
    ? [affected, splitOf(used.map((arm) => arm.affected), sizes)]
    : [total - affected, splitOf(used.map((arm) => arm.n - arm.affected), sizes)]
  const { method, p_value, statistic } = splitTest(split)
  if (method !== "chi2") return { pValue: p_value, degreesOfFreedom }
  // Both columns of the table: what the other one adds is in proportion.
  return { pValue: chiSquaredSurvival(statistic / (1 - rare / total), degreesOfFreedom), degreesOfFreedom }
}

const table = (arms: ReadonlyArray<ArmCount>): string =>
  arms.map(({ affected, key, n }) => `${key} ${count(affected)} of ${count(n)} (${percent(n > 0 ? affected / n : 0)})`)
    .join(", ")

const alarmBelow = 0.001
const warnBelow = 0.01

const findingOf = (
  arms: ReadonlyArray<ArmCount>,
  tests: number,
  finding: (p: number) => Pick<Finding, "code" | "sentence" | "next" | "metric_id">
): ReadonlyArray<Finding> => {
  const pValue = Math.min(1, homogeneity(arms).pValue * tests)
  return pValue < warnBelow
    ? [{
      ...finding(pValue),
      severity: pValue < alarmBelow ? "alarm" : "warning",
      count: arms.reduce((sum, { affected }) => sum + affected, 0),
      of: arms.reduce((sum, { n }) => sum + n, 0)
    }]
    : []
}

/**
 * Whether being seen in several variants depends on the arm: `n` are the identities that were first seen in the arm, `affected` those
 * of them that are quarantined. What is left out must not depend on the variant.
 */
export const quarantineFindings = (arms: ReadonlyArray<ArmCount>): ReadonlyArray<Finding> =>
  findingOf(arms, 1, (p) => ({
    code: "quarantine_depends_on_arm",
    sentence: `Identities seen in several variants don't come from all arms alike (${pValue(p)}): by the variant ` +
      `seen first, ${table(arms)}. Leaving them out biases the comparison.`,
    next: advice.quarantined
  }))

/**
 * Whether a metric (or its covariate) is missing more often in one arm: `affected` are the identities without it. p is corrected for as many
 * `tests` of this kind (Bonferroni).
 */
export const missingnessFindings = (
  metric: string,
  what: string,
  arms: ReadonlyArray<ArmCount>,
  tests = 1
): ReadonlyArray<Finding> =>
  findingOf(arms, tests, (p) => ({
    code: "missing_depends_on_arm",
    metric_id: metric,
    sentence: `${what} of ${metric} is missing more often in one arm than in another (${pValue(p)}): ${table(arms)}.`,
    next: advice.missing
  }))
