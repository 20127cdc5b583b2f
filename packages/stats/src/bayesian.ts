/** The default engine: the chance from the difference on its own scale, the lift's interval by Fieller. */
import type { Engine } from "./comparison.ts"
import { prepare } from "./comparison.ts"
import { difference, fiellerLift } from "./contrast.ts"
import { chanceToWin, inference, intervalUnbounded } from "./internal/inference.ts"

/**
 * Under a flat prior and a normal likelihood the posterior of the difference is normal around its estimate, and the chance to
 * win is Φ(difference/SE) (`down`: the survival function). Swapping the arms mirrors it exactly. The p-value is the two-sided
 * test of the same difference. Both intervals exclude 0 exactly when the p-value is below `1 - confidence`. Where there is no
 * variance, the chance is 0, ½ or 1, the p-value 0 or 1, and the intervals are points.
 */
export const bayesian: Engine = {
  name: "bayesian",
  compare: (input) => {
    const arms = prepare(input)
    if ("status" in arms) return arms
    const absolute = difference(arms, input.confidence)
    const lift = fiellerLift(arms, absolute)
    return lift === undefined
      ? intervalUnbounded(arms)
      : inference(lift, absolute, chanceToWin(absolute.z, input.direction))
  }
}
