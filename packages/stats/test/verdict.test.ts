import type { Comparison } from "@assay/model"
import { describe, expect, it } from "vitest"
import { verdictWord } from "../src/index.ts"

const chance = (chance_to_win: number): Comparison => ({
  status: "ok",
  lift: 0.1,
  ci_low: 0,
  ci_high: 0.2,
  chance_to_win,
  difference: 1,
  difference_ci_low: 0,
  difference_ci_high: 2,
  standard_error: 0.5,
  p_value: 0.05
})
const withheld: Comparison = { status: "withheld", reason: "too_few_identities", have: 1, need: 50, sentence: "" }

describe("verdict word", () => {
  it.each([
    [0.96, "winning"],
    [0.95, "inconclusive"],
    [0.5, "inconclusive"],
    [0.05, "inconclusive"],
    [0.04, "losing"]
  ])("of a chance of %d is %s", (c, word) => {
    expect(verdictWord({ comparison: chance(c), direction: "up", trusted: true })).toBe(word)
  })

  it("is collecting data where the inference is withheld", () => {
    expect(verdictWord({ comparison: withheld, direction: "up", trusted: true })).toBe("collecting data")
  })

  it("is informational without a good direction", () => {
    expect(verdictWord({ comparison: chance(0.99), direction: "informational", trusted: true })).toBe("informational")
  })

  it("is not to be trusted under an alarm, whatever the chance", () => {
    for (const comparison of [chance(0.99), withheld]) {
      expect(verdictWord({ comparison, direction: "up", trusted: false })).toBe("not to be trusted")
    }
  })

  it("takes other thresholds", () => {
    const thresholds = { winning: 0.99, losing: 0.01 }
    expect(verdictWord({ comparison: chance(0.98), direction: "up", trusted: true, thresholds })).toBe("inconclusive")
  })
})

describe("an engine that decides by its test", () => {
  const tested = (p_value: number, difference: number): Comparison => ({
    status: "ok",
    lift: difference,
    ci_low: difference - 1,
    ci_high: difference + 1,
    chance_to_win: 0.99,
    difference,
    difference_ci_low: difference - 1,
    difference_ci_high: difference + 1,
    standard_error: 1,
    p_value
  })

  it.each(
    [
      [0.049, 1, "up", "winning"],
      [0.049, -1, "up", "losing"],
      [0.049, -1, "down", "winning"],
      [0.049, 1, "down", "losing"],
      [0.05, 1, "up", "inconclusive"],
      [0.2, 1, "up", "inconclusive"]
    ] as const
  )(
    "says at p = %d and a difference of %d with direction %s: %s, whatever the chance to win",
    (p, difference, direction, word) => {
      expect(verdictWord({ comparison: tested(p, difference), direction, trusted: true, testAt: 0.05 })).toBe(word)
    }
  )
})
