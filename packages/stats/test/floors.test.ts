import { Moments } from "@assay/model"
import { describe, expect, it } from "vitest"
import { checkFloors, conversionsFloor, standardFloors, valuesFloor } from "../src/index.ts"

const arm = (n: number, conversions: number) => Moments.fromSums(n, conversions, conversions)

describe("floors", () => {
  it("withhold below 50 identities in an arm, and say what the smaller has", () => {
    expect(checkFloors(standardFloors, { control: arm(1200, 3), treatment: arm(12, 3) })).toEqual({
      status: "withheld",
      reason: "too_few_identities",
      have: 12,
      need: 50,
      sentence: "Needs 50 identities in each arm; the smaller has 12."
    })
  })

  it("withhold below 5 conversions in an arm", () => {
    const floors = [...standardFloors, conversionsFloor]
    expect(checkFloors(floors, { control: arm(1200, 4), treatment: arm(1100, 30) })).toEqual({
      status: "withheld",
      reason: "too_few_conversions",
      have: 4,
      need: 5,
      sentence: "Needs 5 conversions in each arm; the smaller has 4."
    })
  })

  it("withhold a quantile that rests on fewer than 5 independent values in an arm", () => {
    const quantile = (beyond: number) => Moments.fromCentral(900, [3, beyond / 900], [[1, 0], [0, 0]])
    expect(checkFloors([...standardFloors, valuesFloor], { control: quantile(40), treatment: quantile(4.5) })).toEqual({
      status: "withheld",
      reason: "too_few_values",
      have: 4.5,
      need: 5,
      sentence: "Needs 5 independent values beyond the quantile in each arm; the smaller has 4.5."
    })
  })

  it("let through what reaches them", () => {
    const floors = [...standardFloors, conversionsFloor]
    expect(checkFloors(floors, { control: arm(50, 5), treatment: arm(50, 5) })).toBeUndefined()
    expect(checkFloors([], { control: arm(0, 0), treatment: arm(0, 0) })).toBeUndefined()
  })

  it("name the first floor that isn't reached", () => {
    expect(checkFloors([...standardFloors, conversionsFloor], { control: arm(3, 0), treatment: arm(3, 0) })?.reason)
      .toBe(
        "too_few_identities"
      )
  })
})
