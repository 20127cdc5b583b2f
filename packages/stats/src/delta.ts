/** The engine of the original system: a linear delta-method lift and the chance read from it. */
import { towards } from "./analysis.ts"
import * as analysis from "./analysis.ts"
import type { Engine, Question } from "./comparison.ts"
import { prepare } from "./comparison.ts"
import { deltaLift, difference, type Drawing, standardised, symmetric } from "./contrast.ts"
import { normalCdf } from "./distributions.ts"
import { inference, intervalUnbounded, plain } from "./internal/inference.ts"
import { normalRule } from "./rule.ts"

const analyse: Engine["analyse"] = (question: Question) => {
  const { alternative = "two-sided", confidence, contrast, direction } = question
  const arms = prepare(question, contrast === "relative")
  if ("status" in arms) return arms
  const rule = normalRule(confidence, alternative)
  const answer = analysis.analyse(arms, { ...question, contrast: "absolute" }, rule, { interval: "fieller" })
  if (answer.status === "withheld") return answer
  if (arms.control.value === 0) return answer
  const lift = deltaLift(arms, difference(arms))
  const chance_to_win = normalCdf(
    towards(direction, Math.sign(arms.control.value) * standardised(lift.value, lift.standardError))
  )
  if (contrast === "absolute") return { ...answer, chance_to_win }
  const reach = rule.critical * lift.standardError
  if (!Number.isFinite(reach)) return intervalUnbounded(arms, rule.critical)
  return {
    ...answer,
    contrast,
    standard_error: lift.standardError,
    ci_low: alternative === "less" ? null : plain(lift.value - reach),
    ci_high: alternative === "greater" ? null : plain(lift.value + reach),
    chance_to_win
  }
}

/**
 * Kept for comparison with the original system. Lift (mt−mc)/mc, Var = st²/(nt·mc²) + mt²·sc²/(nc·mc⁴) with sample variances,
 * interval lift ± z·SE, chance to win Φ(lift/SE) (`down`: its complement), and certainty 0, ½ or 1 where SE = 0. Difference,
 * standard error and p-value are those of the absolute test, so this lift's interval may contradict the p-value; and the
 * chance isn't mirrored when the arms are swapped.
 */
export const delta: Engine = {
  name: "delta",
  decidesBy: "chance to win",
  compare: (input) => {
    const arms = prepare(input, true)
    if ("status" in arms) return arms
    const rule = normalRule(input.confidence, "two-sided")
    const absolute = difference(arms)
    const lift = deltaLift(arms, absolute)
    const reach = rule.critical * lift.standardError
    if (!Number.isFinite(reach)) return intervalUnbounded(arms, rule.critical)
    const pValue = rule.pValue(absolute.z)
    const drawing: Drawing = {
      critical: rule.critical,
      alternative: "two-sided",
      rejected: pValue < 1 - input.confidence,
      nothing: 0
    }
    return inference(
      { value: lift.value, low: lift.value - reach, high: lift.value + reach },
      absolute,
      symmetric(absolute.value, absolute.standardError, drawing),
      pValue,
      normalCdf(towards(input.direction, standardised(lift.value, lift.standardError)))
    )
  },
  analyse
}
