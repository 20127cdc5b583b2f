import { beforeAll, describe, expect, it } from "vitest"
import { decisionCalibration, type DecisionRow } from "../src/decisions.ts"

/** What a person does who ends the experiment when a table says "winning": mostly too early to tell. */
const hasty = "no plan, is ended when it looks good"

describe("a decision that is looked at every day", () => {
  let without: ReadonlyArray<DecisionRow>
  let present: ReadonlyArray<DecisionRow>
  beforeAll(() => {
    // Seeded: the same experiments each time.
    without = decisionCalibration(24, 0)
    present = decisionCalibration(8, 0.2)
  })

  it("ships at most one of twenty experiments without an effect, with and without a plan, however it is ended", () => {
    expect(without).toHaveLength(7)
    expect(without.filter(({ ship }) => ship > 0.05)).toEqual([])
    expect(without.filter(({ stopped }) => stopped > 0.05)).toEqual([])
    expect(without.filter(({ distrusted }) => distrusted > 0.05)).toEqual([])
  })

  it("ships nearly all that are much better", () => {
    expect(present.filter(({ ship, situation }) => ship < (situation === hasty ? 0.1 : 0.9))).toEqual([])
    expect(present.filter(({ stopped }) => stopped > 0)).toEqual([])
  })

  it("says no at the end that was planned, and goes on where there is none", () => {
    const no = new Map(without.map(({ no, situation }) => [situation, no]))
    expect(no.get("no plan, no end")).toBe(0)
    expect(no.get("no plan, ends on day 14")).toBeGreaterThan(0.9)
    expect(no.get("plan: fixed")).toBeGreaterThan(0.9)
  })
})
