/** The word that a scorecard prints for one treatment and one metric. */
import type { Comparison, Direction, VerdictWord } from "@assay/model"

/** From where on a chance to win has a word of its own. */
export interface VerdictThresholds {
  readonly winning: number
  readonly losing: number
}

/**
 * Chances above 0.95 and below 0.05: those of the original system and of PostHog. They amount to a two-sided test at 10 %
 * per look, and to far more for who looks every day (docs/statistics.md, "Looking more than once").
 */
export const verdictThresholds: VerdictThresholds = { winning: 0.95, losing: 0.05 }

/**
 * The verdict: `not to be trusted` when an alarm stands above the results (`trusted` false), `collecting data` when the
 * inference is withheld, `informational` for a metric without a good direction. Otherwise by the chance to win, strictly
 * above or below the thresholds; or, for engines that decide by their test, by the p-value below `testAt` (such as 0.05) and the
 * sign of the difference, so that a word never says more than the interval beside it.
 */
export const verdictWord = (input: {
  readonly comparison: Comparison
  readonly direction: Direction
  readonly trusted: boolean
  readonly thresholds?: VerdictThresholds
  readonly testAt?: number
}): VerdictWord => {
  const { comparison, direction, testAt, thresholds = verdictThresholds, trusted } = input
  if (!trusted) return "not to be trusted"
  if (comparison.status === "withheld") return "collecting data"
  if (direction === "informational") return "informational"
  if (testAt !== undefined) {
    if (!(comparison.p_value < testAt)) return "inconclusive"
    return (comparison.difference > 0) === (direction === "up") ? "winning" : "losing"
  }
  if (comparison.chance_to_win > thresholds.winning) return "winning"
  return comparison.chance_to_win < thresholds.losing ? "losing" : "inconclusive"
}
