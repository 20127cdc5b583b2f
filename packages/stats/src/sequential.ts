/** Always-valid inference: look as often as you like. */
import * as analysis from "./analysis.ts"
import { compareBy } from "./analysis.ts"
import { type ComparisonInput, type Engine, prepare } from "./comparison.ts"
import { sequentialRule } from "./rule.ts"

/** The sample size over both arms at which the sequence is narrowest, as in GrowthBook and PostHog. */
export const defaultTuning = 5000

const identities = ({ control, treatment }: ComparisonInput): number => control.n + treatment.n

/**
 * The sequential engine: asymptotic confidence sequences (see `sequentialRule`), with Fieller's interval of the lift at the same critical
 * value. p-value and interval hold at all looks together, however many; `log_e` combines over metrics, arms and runs (e-BH,
 * averaging). `level` is the confidence that the tuning is meant for; without it that of each question. The chance to win is Φ(difference/SE) as in `bayesian`: a posterior doesn't depend on when one looks. A tuning that
 * isn't above 0 is a RangeError when it is used.
 */
export const sequentialWith = (options: { readonly tuning?: number; readonly level?: number }): Engine => {
  const { level, tuning = defaultTuning } = options
  return {
    heldAt: (confidence) => sequentialWith({ tuning, level: level ?? confidence }),
    name: "sequential",
    decidesBy: "test",
    compare: (input) => {
      const arms = prepare(input, true)
      return "status" in arms
        ? arms
        : compareBy(
          arms,
          sequentialRule(identities(input), tuning, input.confidence, "two-sided", level),
          input.confidence,
          input.direction
        )
    },
    analyse: (question) => {
      const arms = prepare(question, question.contrast === "relative" || question.margin?.on === "relative")
      if ("status" in arms) return arms
      const rule = sequentialRule(
        identities(question),
        tuning,
        question.confidence,
        question.alternative ?? "two-sided",
        level
      )
      return analysis.analyse(arms, question, rule, { interval: "fieller" })
    }
  }
}

/** {@link sequentialWith} the default tuning. */
export const sequential: Engine = sequentialWith({})
