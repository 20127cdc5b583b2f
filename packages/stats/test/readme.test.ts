/** The example of the README, as it stands there. */
import { Moments } from "@assay/model"
import { expect, it } from "vitest"
import { checkFloors, compareToControl, engines, standardFloors, verdictWord } from "../src/index.ts"
import { ok } from "./ok.ts"

it("the README's example gives the README's figures", () => {
  const control = Moments.fromSums(1000, 100, 100)
  const treatment = Moments.fromSums(1000, 130, 130)
  const comparison = checkFloors(standardFloors, { control, treatment }) ?? compareToControl(engines.bayesian, {
    control,
    treatment,
    estimand: { kind: "proportion" },
    direction: "up",
    confidence: 0.95
  })
  const { chance_to_win, ci_high, ci_low, lift, p_value } = ok(comparison)
  expect([lift, ci_low, ci_high, chance_to_win].map((x) => x.toFixed(3))).toEqual(["0.300", "0.018", "0.675", "0.982"])
  expect(p_value.toFixed(4)).toBe("0.0354")
  expect(verdictWord({ comparison, direction: "up", trusted: true })).toBe("winning")
})
