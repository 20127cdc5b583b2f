/** What is withheld and why, certainty without variance, and bad input. */
import { Moments } from "@assay/model"
import { describe, expect, it } from "vitest"
import { compareToControl, type ComparisonInput, defaultEngine, engines } from "../src/index.ts"
import { ok } from "./ok.ts"

const arm = (n: number, mean: number, sd: number): Moments.Moments => Moments.fromCentral(n, [mean], [[sd * sd]])

const input = (control: Moments.Moments, treatment: Moments.Moments): ComparisonInput => ({
  control,
  treatment,
  estimand: { kind: "mean" },
  direction: "up",
  confidence: 0.95
})

describe("engines", () => {
  it("are named as they are listed, and the default is bayesian", () => {
    expect(Object.entries(engines).map(([name, engine]) => [name, engine.name])).toEqual([
      ["bayesian", "bayesian"],
      ["delta", "delta"],
      ["frequentist", "frequentist"],
      ["sequential", "sequential"]
    ])
    expect(defaultEngine).toBe("bayesian")
  })
})

describe.each(Object.values(engines))("engine $name", (engine) => {
  const compare = (control: Moments.Moments, treatment: Moments.Moments, more: Partial<ComparisonInput> = {}) =>
    compareToControl(engine, { ...input(control, treatment), ...more })

  it("withholds below two identities in either arm", () => {
    for (const [control, treatment] of [[arm(1, 5, 0), arm(9, 5, 1)], [arm(9, 5, 1), arm(1, 5, 0)]] as const) {
      expect(compare(control, treatment)).toEqual({
        status: "withheld",
        reason: "too_few_identities",
        have: 1,
        need: 2,
        sentence: "A variance needs 2 identities in each arm; the smaller has 1."
      })
    }
    expect(compare(Moments.empty(1), Moments.empty(1))).toMatchObject({ reason: "too_few_identities", have: 0 })
  })

  it("withholds where the control's mean is 0 or below", () => {
    expect(compare(arm(100, 0, 1), arm(100, 1, 1))).toMatchObject({
      reason: "control_mean_not_positive",
      have: 0,
      need: 0
    })
    expect(compare(arm(100, -3.5, 1), arm(100, 1, 1))).toMatchObject({
      reason: "control_mean_not_positive",
      have: -3.5,
      sentence: "A lift is relative to the control's mean, which must be above 0; it is -3.5."
    })
  })

  it("withholds what a 64-bit float can't square", () => {
    expect(compare(arm(100, 1e250, 0), arm(100, 1, 1))).toMatchObject({
      reason: "out_of_range",
      have: 1e250,
      need: 1e100
    })
    expect(compare(arm(100, 1, 1), arm(100, 1e-250, 0))).toMatchObject({ reason: "out_of_range", need: 1e-100 })
    expect(compare(arm(100, 1, 1e120), arm(100, 1, 1))).toMatchObject({ reason: "out_of_range", need: 1e100 })
  })

  it("withholds a ratio without a denominator", () => {
    const good = Moments.fromValues(2, [[1, 2], [2, 3], [1, 1]])
    const none = Moments.fromValues(2, [[1, 0], [2, 0], [1, 0]])
    expect(compare(good, none, { estimand: { kind: "ratio" } })).toMatchObject({
      reason: "denominator_zero",
      sentence: "The ratio has no value: the treatment's denominator adds up to 0."
    })
    expect(compare(none, good, { estimand: { kind: "ratio" } })).toMatchObject({ reason: "denominator_zero" })
  })

  it.each([
    { mt: 2, chance: 1, p: 0, lift: 1 },
    { mt: 1, chance: 0.5, p: 1, lift: 0 },
    { mt: 0.5, chance: 0, p: 0, lift: -0.5 }
  ])("without variance is certain: 1 against $mt", ({ chance, lift, mt, p }) => {
    expect(compare(arm(10, 1, 0), arm(10, mt, 0))).toEqual({
      status: "ok",
      lift,
      ci_low: lift,
      ci_high: lift,
      chance_to_win: chance,
      difference: mt - 1,
      difference_ci_low: mt - 1,
      difference_ci_high: mt - 1,
      standard_error: 0,
      p_value: p
    })
    expect(compare(arm(10, 1, 0), arm(10, mt, 0), { direction: "down" })).toMatchObject({ chance_to_win: 1 - chance })
  })

  it("turns the chance, not the lift, with the direction; informational reads as up", () => {
    const up = ok(compare(arm(100, 5, 2), arm(100, 6, 2)))
    const down = ok(compare(arm(100, 5, 2), arm(100, 6, 2), { direction: "down" }))
    expect(compare(arm(100, 5, 2), arm(100, 6, 2), { direction: "informational" })).toEqual(up)
    expect(up.chance_to_win + down.chance_to_win).toBeCloseTo(1, 15)
    expect(down).toEqual(Object.assign({}, up, { chance_to_win: down.chance_to_win }))
  })

  it("refuses bad input and says what it found", () => {
    const a = arm(10, 1, 1)
    expect(() => compare(a, a, { confidence: 95 })).toThrow("between 0 and 1, such as 0.95; found 95")
    expect(() => compare(a, a, { estimand: { kind: "ratio" } })).toThrow("control need n, 2 sum(s)")
    expect(() => compare(a, { ...a, sums: [NaN] })).toThrow("treatment need n, 1 sum(s)")
  })
})

describe.each([engines.bayesian, engines.delta])("engine $name, far out", (engine) => {
  it("keeps the digits of a small p-value and gives a small chance, not 0", () => {
    // 32 standard errors below: 1 − Φ(32) = 5.45208060351289e-225.
    const result = ok(compareToControl(engine, input(arm(1024, 64, 1), arm(1024, 64 - Math.SQRT2, 1))))
    expect(result.p_value / 5.45208060351289e-225).toBeCloseTo(2, 9)
    expect(result.chance_to_win).toBeGreaterThan(0)
    expect(result.chance_to_win).toBeLessThan(1e-200)
  })
})

describe("bayesian chance to win", () => {
  it("keeps its digits in the tail", () => {
    const result = ok(compareToControl(engines.bayesian, input(arm(1024, 64, 1), arm(1024, 64 - Math.SQRT2, 1))))
    expect(result.chance_to_win / 5.45208060351289e-225).toBeCloseTo(1, 9)
  })
})

describe("bayesian interval of the lift", () => {
  it("is withheld where the control lies within the critical z of 0", () => {
    const result = compareToControl(engines.bayesian, input(arm(100, 1.9, 10), arm(100, 2.5, 10)))
    expect(result).toMatchObject({ status: "withheld", reason: "interval_unbounded", need: 1.959963984540054 })
    expect(result.status === "withheld" && result.have).toBeCloseTo(1.9, 12)
  })

  it("is given just outside", () => {
    expect(compareToControl(engines.bayesian, input(arm(100, 2, 10), arm(100, 2.5, 10)))).toMatchObject({
      status: "ok"
    })
  })
})
