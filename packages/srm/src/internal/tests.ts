import { chiSquaredTest } from "../chi-squared.ts"
import { exactTest } from "../exact-multinomial.ts"
import { exactBelowExpected } from "../operation.ts"
import { leastExpected, type Split } from "../shares.ts"

/** The p-value and how it was found: χ², or exact where an expected count is below 5 and all counts are whole. */
export const splitTest = (split: Split) => {
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
