/** The engine of the original system: a linear delta-method lift and the chance read from it. */
import type { Engine } from "./comparison.ts"
import { prepare } from "./comparison.ts"
import { deltaLift, difference, standardised } from "./contrast.ts"
import { chanceToWin, inference, intervalUnbounded } from "./internal/inference.ts"

/**
 * Kept for comparison with the original system. Lift (mt−mc)/mc, Var = st²/(nt·mc²) + mt²·sc²/(nc·mc⁴) with sample variances,
 * interval lift ± z·SE, chance to win Φ(lift/SE) (`down`: its complement), and certainty 0, ½ or 1 where SE = 0. Difference,
 * standard error and p-value are those of the absolute test, so this lift's interval may contradict the p-value; and the
 * chance isn't mirrored when the arms are swapped.
 */
export const delta: Engine = {
  name: "delta",
  compare: (input) => {
    const arms = prepare(input)
    if ("status" in arms) return arms
    const absolute = difference(arms, input.confidence)
    const lift = deltaLift(arms, absolute)
    return lift === undefined
      ? intervalUnbounded(arms)
      : inference(lift, absolute, chanceToWin(standardised(lift.value, lift.standardError), input.direction))
  }
}
