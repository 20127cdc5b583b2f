import type { Inference, Withheld } from "@assay/model"
import type { Arms } from "../comparison.ts"
import { controlZ, type Difference, type Interval } from "../contrast.ts"
import { figure, withheld } from "./withheld.ts"

/** −0 becomes 0: it would be written "-0". */
export const plain = (x: number): number => x + 0

export const inference = (
  lift: Interval,
  absolute: Difference,
  interval: Interval,
  pValue: number,
  chance: number
): Inference => ({
  status: "ok",
  lift: plain(lift.value),
  ci_low: plain(lift.low),
  ci_high: plain(lift.high),
  chance_to_win: chance,
  difference: plain(absolute.value),
  difference_ci_low: plain(interval.low),
  difference_ci_high: plain(interval.high),
  standard_error: absolute.standardError,
  p_value: pValue
})

export const intervalUnbounded = (arms: Arms, critical: number): Withheld =>
  withheld(
    "interval_unbounded",
    Math.min(controlZ(arms), Number.MAX_VALUE),
    critical,
    `The control is too uncertain for a bounded interval of the lift: its estimate is ${
      figure(controlZ(arms))
    } standard errors above 0, more than ${figure(critical)} are needed.`
  )
