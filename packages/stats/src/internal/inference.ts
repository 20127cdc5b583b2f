import type { Direction, Inference, Withheld } from "@assay/model"
import type { Arms } from "../comparison.ts"
import { controlZ, type Difference, type Interval } from "../contrast.ts"
import { normalCdf, normalSurvival } from "../distributions.ts"
import { figure, withheld } from "./withheld.ts"

/** The chance that the treatment is better, where `z` says how far it lies above the control. */
export const chanceToWin = (z: number, direction: Direction): number =>
  direction === "down" ? normalSurvival(z) : normalCdf(z)

/** −0 becomes 0: it would be written "-0". */
const plain = (x: number): number => x + 0

export const inference = (lift: Interval, difference: Difference, chance: number): Inference => ({
  status: "ok",
  lift: plain(lift.value),
  ci_low: plain(lift.low),
  ci_high: plain(lift.high),
  chance_to_win: chance,
  difference: plain(difference.value),
  difference_ci_low: plain(difference.low),
  difference_ci_high: plain(difference.high),
  standard_error: difference.standardError,
  p_value: difference.pValue
})

export const intervalUnbounded = (arms: Arms): Withheld =>
  withheld(
    "interval_unbounded",
    controlZ(arms),
    arms.critical,
    `The control is too uncertain for a bounded interval of the lift: its estimate is ${
      figure(controlZ(arms))
    } standard errors above 0, more than ${figure(arms.critical)} are needed.`
  )
