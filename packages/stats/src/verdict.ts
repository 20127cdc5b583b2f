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
 * inference is withheld, `informational` for a metric without a good direction, and otherwise by the chance to win, strictly
 * above or below the thresholds.
 */
export const verdictWord = (input: {
  readonly comparison: Comparison
  readonly direction: Direction
  readonly trusted: boolean
  readonly thresholds?: VerdictThresholds
}): VerdictWord => {
  const { comparison, direction, thresholds = verdictThresholds, trusted } = input
  if (!trusted) return "not to be trusted"
  if (comparison.status === "withheld") return "collecting data"
  if (direction === "informational") return "informational"
  if (comparison.chance_to_win > thresholds.winning) return "winning"
  return comparison.chance_to_win < thresholds.losing ? "losing" : "inconclusive"
}
