/** Planned looks, many tests, several arms, shrinkage, and sizes: published figures and properties. */
import { Moments } from "@assay/model"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  adjustedConfidence,
  adjustLogE,
  adjustments,
  adjustPValues,
  baselineOf,
  chanceToBeBest,
  crossingProbabilities,
  groupSequentialBoundaries,
  groupSequentialWith,
  minimumDetectableEffect,
  normalCdf,
  powerOf,
  proportionBaseline,
  sampleSize,
  shrink,
  smallestMargin
} from "../src/index.ts"

const fifths = [0.2, 0.4, 0.6, 0.8, 1]

describe("group-sequential boundaries", () => {
  it.each([
    // Reboussin, DeMets, Kim and Lan (2000), "Computations for group sequential boundaries using the Lan-DeMets spending function method".
    { spending: "obrien-fleming" as const, expected: [4.8769, 3.357, 2.6803, 2.2898, 2.031] },
    { spending: "pocock" as const, expected: [2.438, 2.4268, 2.4101, 2.3966, 2.3859] }
  ])("of five equal looks at 5 %, $spending type, are the published ones", ({ expected, spending }) => {
    const found = groupSequentialBoundaries({ fractions: fifths, alpha: 0.05, spending })
    for (const [i, z] of expected.entries()) expect(Math.abs(found[i]! - z)).toBeLessThan(2e-4)
  })

  it("spend α exactly, whatever the looks, and none of it is lost to a tiny first look", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 0, maxLength: 5 }),
        fc.constantFrom("obrien-fleming" as const, "pocock" as const, { power: 2 }),
        fc.constantFrom("two-sided" as const, "greater" as const),
        fc.constantFrom(0.01, 0.05, 0.1),
        (looks, spending, alternative, alpha) => {
          const fractions = [...looks.toSorted((a, b) => a - b).map((x) => x / 100), 1]
          const boundaries = groupSequentialBoundaries({ fractions, alpha, spending, alternative })
          const crossed = crossingProbabilities({ fractions, boundaries, drift: 0 }, alternative).at(-1)!
          expect(Math.abs(crossed - alpha)).toBeLessThan(1e-6 * alpha)
        }
      ),
      { numRuns: 15 }
    )
  })

  it("a single look is the fixed test; bad plans are refused", () => {
    const [z] = groupSequentialBoundaries({ fractions: [1], alpha: 0.05, spending: "pocock" })
    expect(z).toBeCloseTo(1.959963984540054, 10)
    const plan = { alpha: 0.05, spending: "pocock" as const }
    expect(() => groupSequentialBoundaries({ ...plan, fractions: [] })).toThrow("at least one look")
    expect(() => groupSequentialBoundaries({ ...plan, fractions: [0.5, 0.4] })).toThrow("rise")
    expect(() => groupSequentialBoundaries({ ...plan, fractions: [1], alpha: 5 })).toThrow("between 0 and 1")
  })

  it("a repeated p-value is the level whose boundary the statistic reaches", () => {
    const plans = [
      { fractions: [0.3, 0.6], spending: "obrien-fleming" as const },
      { fractions: [0.4, 1.1], spending: "pocock" as const }
    ]
    for (const alternative of ["two-sided", "less"] as const) {
      for (const plan of plans) {
        const engine = groupSequentialWith(plan)
        // Near 0, in the panels, at their edges, and beyond them.
        for (const z of [0.005, 1, 1.96, 5.9, 7]) {
          const answer = engine.analyse({
            control: Moments.fromCentral(1000, [5], [[4]]),
            treatment: Moments.fromCentral(1000, [5 + (alternative === "less" ? -z : z) * Math.sqrt(0.008)], [[4]]),
            estimand: { kind: "mean" },
            direction: "up",
            confidence: 0.95,
            contrast: "absolute",
            alternative
          })
          if (answer.status !== "ok") throw new Error(answer.sentence)
          const boundary = groupSequentialBoundaries({
            ...plan,
            alternative: alternative === "less" ? "greater" : alternative,
            alpha: Math.min(answer.p_value, 1 - 1e-12)
          }).at(-1)!
          // It is 1 where even the boundary of the whole level lies above the statistic.
          if (answer.p_value < 1) expect(boundary).toBeCloseTo(z, 8)
          else expect(boundary).toBeGreaterThan(z)
        }
      }
    }
  })

  it("the engine's interval excludes 0 exactly when its repeated p-value rejects", () => {
    const engine = groupSequentialWith({ fractions: [0.5, 1], spending: "obrien-fleming" })
    for (const mean of [5, 5.1, 5.15, 5.18, 5.3]) {
      const answer = engine.analyse({
        control: Moments.fromCentral(1000, [5], [[4]]),
        treatment: Moments.fromCentral(1000, [mean], [[4]]),
        estimand: { kind: "mean" },
        direction: "up",
        confidence: 0.95,
        contrast: "relative"
      })
      expect(answer.status === "ok" && answer.ci_low! > 0).toBe(answer.status === "ok" && answer.p_value < 0.05)
    }
  })
})

describe("multiple comparisons", () => {
  const p = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 20 })

  it("adjusted p-values are probabilities, no smaller than the raw ones, and keep their order", () => {
    fc.assert(fc.property(p, fc.constantFrom(...adjustments), (raw, method) => {
      const adjusted = adjustPValues(method, raw)
      for (const [i, a] of adjusted.entries()) {
        expect(a).toBeGreaterThanOrEqual(Math.min(1, raw[i]! * (1 - 1e-12)))
        expect(a).toBeLessThanOrEqual(1)
        for (const [j, b] of adjusted.entries()) expect(raw[i]! <= raw[j]! ? a <= b * (1 + 1e-12) : true).toBe(true)
      }
    }))
  })

  it("each procedure is at most as strict as the one that it improves on", () => {
    fc.assert(fc.property(p, (raw) => {
      const chain = ["bonferroni", "holm", "hochberg", "hommel", "benjamini-hochberg"] as const
      const adjusted = chain.map((method) => adjustPValues(method, raw))
      for (let k = 1; k < chain.length; k++) {
        for (const i of raw.keys()) expect(adjusted[k]![i]!).toBeLessThanOrEqual(adjusted[k - 1]![i]! * (1 + 1e-12))
      }
    }))
  })

  it("the adjusted confidence's intervals exclude the null exactly where the procedure rejects", () => {
    fc.assert(
      fc.property(p, fc.constantFrom(...adjustments), fc.constantFrom(0.01, 0.05, 0.2), (raw, method, alpha) => {
        const level = 1 - adjustedConfidence(method, raw, alpha)
        const adjusted = adjustPValues(method, raw)
        for (const [i, x] of raw.entries()) {
          if (Math.abs(x - level) > 1e-9 && Math.abs(adjusted[i]! - alpha) > 1e-9) {
            expect(x < level).toBe(adjusted[i]! <= alpha)
          }
        }
      })
    )
  })

  it("e-BH rejects the k largest with k·e ≥ m/α, and takes evidence beyond a float's range", () => {
    expect(adjustLogE([Math.log(100), Math.log(30), Math.log(2)])).toEqual([
      expect.closeTo(0.03, 12),
      expect.closeTo(0.05, 12),
      expect.closeTo(0.5, 12)
    ])
    expect(adjustLogE([5000, -5000])).toEqual([0, 1])
    expect(() => adjustPValues("holm", [2])).toThrow("between 0 and 1")
    expect(() => adjustLogE([NaN])).toThrow("NaN")
    expect(adjustPValues("hommel", [])).toEqual([])
  })
})

describe("chance to be best", () => {
  const arms = fc.array(
    fc.record({ value: fc.double({ min: -3, max: 3, noNaN: true }), variance: fc.constantFrom(0, 1e-6, 0.01, 1, 25) }),
    { minLength: 1, maxLength: 12 }
  )
  it("adds up to 1, and is mirrored by the direction", () => {
    fc.assert(fc.property(arms, (given) => {
      const chances = chanceToBeBest(given, "up")
      expect(chances.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 11)
      const mirrored = chanceToBeBest(given.map(({ value, variance }) => ({ value: -value, variance })), "down")
      for (const [i, x] of chances.entries()) expect(mirrored[i]).toBeCloseTo(x, 10)
    }))
  })
  it("of two arms is the chance to win, however far apart and unlike they are", () => {
    const apart = fc.double({ min: -30, max: 30, noNaN: true })
    const deviation = fc.double({ min: 1e-4, max: 100, noNaN: true })
    fc.assert(fc.property(apart, deviation, deviation, (value, one, other) => {
      const [, best] = chanceToBeBest([{ value: 0, variance: one ** 2 }, { value, variance: other ** 2 }], "up")
      expect(best).toBeCloseTo(normalCdf(value / Math.hypot(one, other)), 11)
    }))
  })
  it("keeps its digits where it is small", () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 8, noNaN: true }), (apart) => {
      const [worse] = chanceToBeBest([{ value: 0, variance: 1 }, { value: apart, variance: 1 }], "up")
      expect(worse! / normalCdf(-apart / Math.SQRT2)).toBeCloseTo(1, 9)
    }))
  })
  it("is what an arm without variance leaves to the others, where it can't be told from its value", () => {
    const chances = chanceToBeBest([{ value: 1e9, variance: 1e-18 }, { value: 1e9, variance: 1 }], "up")
    for (const x of chances) expect(x).toBeCloseTo(0.5, 11)
  })
  it("comes to an end also where an arm is narrower than digits far from the best can tell", () => {
    const apart = fc.double({ min: -1e6, max: 1e6, noNaN: true })
    const narrow = fc.double({ min: -24, max: -6, noNaN: true }).map((power) => 10 ** power)
    fc.assert(
      fc.property(apart, narrow, fc.double({ min: 1e-2, max: 1e6, noNaN: true }), (value, one, other) => {
        const [first, best] = chanceToBeBest(
          [{ value, variance: one ** 2 }, { value: 1000, variance: other ** 2 }],
          "up"
        )
        expect(best).toBeCloseTo(normalCdf((1000 - value) / Math.hypot(one, other)), 11)
        expect(first! + best!).toBeCloseTo(1, 11)
      }),
      { examples: [[5, 1e-14, 100]] }
    )
  })
  it("of equal arms is an equal part", () => {
    const equal = { value: 1, variance: 2 }
    for (const x of chanceToBeBest([equal, equal, equal, equal], "up")) expect(x).toBeCloseTo(0.25, 10)
    expect(chanceToBeBest([{ value: 1, variance: 0 }, { value: 1, variance: 0 }], "up")).toEqual([0.5, 0.5])
    expect(() => chanceToBeBest([{ value: NaN, variance: 0 }], "up")).toThrow(RangeError)
  })
})

describe("shrinkage", () => {
  it("pulls every effect towards 0, never beyond, and noise alone to 0", () => {
    fc.assert(fc.property(
      fc.array(
        fc.record({
          value: fc.double({ min: -5, max: 5, noNaN: true }),
          standardError: fc.double({ min: 0.01, max: 3, noNaN: true })
        }),
        {
          minLength: 1,
          maxLength: 9
        }
      ),
      (effects) => {
        for (const [i, { standardError, value }] of shrink(effects).entries()) {
          expect(Math.abs(value)).toBeLessThanOrEqual(Math.abs(effects[i]!.value))
          expect(value * effects[i]!.value).toBeGreaterThanOrEqual(0)
          expect(standardError).toBeLessThanOrEqual(effects[i]!.standardError)
        }
      }
    ))
    expect(shrink([{ value: 0.5, standardError: 1 }])[0]!.value).toBe(0)
    expect(shrink([{ value: 3, standardError: 1 }])[0]!.value).toBeCloseTo(3 * (1 - 1 / 9), 12)
    expect(() => shrink([{ value: 1, standardError: -1 }])).toThrow(RangeError)
  })
})

describe("planning", () => {
  const design = { baseline: proportionBaseline(0.1), confidence: 0.95 }

  it("gives the size of ClickHouse's documentation (minSampleSizeContinuous)", () => {
    const found = sampleSize({ baseline: { value: 112.25, variance: 21.1 ** 2 }, confidence: 0.95 }, {
      value: 0.03,
      on: "relative"
    }, 0.8)
    expect(found).toEqual({ n: 1234, perArm: [617, 617] })
  })

  it("size, power and detectable effect are one relation", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.02, max: 0.5, noNaN: true }),
        fc.constantFrom([1, 1], [2, 1], [3, 1, 1]),
        fc.constantFrom("two-sided" as const, "greater" as const),
        fc.constantFrom({ kind: "fixed" as const }, { kind: "sequential" as const }),
        fc.double({ min: 0, max: 0.8, noNaN: true }),
        (value, allocation, alternative, reading, varianceReduction) => {
          const plan = { ...design, allocation, alternative, reading, varianceReduction }
          const effect = { value, on: "relative" } as const
          const size = sampleSize(plan, effect, 0.8)!
          expect(powerOf(plan, effect, size.n)).toBeGreaterThanOrEqual(0.8 - 1e-9)
          expect(powerOf(plan, effect, size.n * 0.95)).toBeLessThan(0.8)
          expect(minimumDetectableEffect(plan, size.n, 0.8)!.relative!).toBeLessThanOrEqual(value * (1 + 1e-9))
          expect(minimumDetectableEffect(plan, size.n, 0.8)!.relative!).toBeGreaterThan(value * 0.8)
        }
      ),
      { numRuns: 40 }
    )
  })

  it("finds the smallest margin: the one that is shown with just the wanted chance, on both scales and sides", () => {
    for (const alternative of ["greater", "less"] as const) {
      for (const on of ["relative", "absolute"] as const) {
        const plan = { ...design, confidence: 0.975, alternative }
        const value = smallestMargin(plan, 40_000, 0.8, on)!
        const margin = { value: alternative === "greater" ? -value : value, on }
        expect(powerOf({ ...plan, margin }, { value: 0, on: "absolute" }, 40_000)).toBeCloseTo(0.8, 9)
      }
    }
    // By hand where the margin is absolute: (z₀.₉₇₅ + z₀.₈)·√(4·p(1−p)/n).
    expect(smallestMargin({ ...design, confidence: 0.975, alternative: "less" }, 40_000, 0.8, "absolute")).toBeCloseTo(
      (1.959963984540054 + 0.8416212335729143) * Math.sqrt((4 * 0.09) / 40_000),
      9
    )
    expect(smallestMargin({ ...design, alternative: "greater" }, 4, 0.9)).toBeUndefined()
    expect(smallestMargin({ ...design, baseline: { value: 0, variance: 1 }, alternative: "less" }, 100, 0.8))
      .toBeUndefined()
  })

  it("looks for the smallest effect on the side that is asked for", () => {
    const [above, below] = (["above", "below"] as const).map((side) =>
      minimumDetectableEffect(design, 5000, 0.8, side)!
    )
    for (const { absolute } of [above!, below!]) {
      expect(powerOf(design, { value: absolute, on: "absolute" }, 5000)).toBeCloseTo(0.8, 9)
    }
    expect(above!.absolute).toBeGreaterThan(-below!.absolute)
    expect(below!.absolute).toBeLessThan(0)
  })

  it("a covariate that explains half the variance halves the size; without an effect the power is α", () => {
    const effect = { value: 0.05, on: "relative" } as const
    const [all, half] = [0, 0.5].map((varianceReduction) =>
      sampleSize({ ...design, varianceReduction }, effect, 0.9)!.n
    )
    expect(half! / all!).toBeCloseTo(0.5, 3)
    expect(powerOf(design, { value: 0, on: "absolute" }, 5000)).toBeCloseTo(0.05, 6)
  })

  it("says when nothing does it, and refuses what can't be read", () => {
    expect(sampleSize(design, { value: 0, on: "relative" }, 0.8)).toBeUndefined()
    expect(sampleSize({ ...design, alternative: "greater" }, { value: -0.1, on: "relative" }, 0.8)).toBeUndefined()
    expect(minimumDetectableEffect(design, 2, 0.99)).toBeUndefined()
    expect(() => sampleSize(design, { value: 20, on: "relative" }, 0.8)).toThrow("take the rate to")
    expect(() => powerOf({ ...design, allocation: [1] }, { value: 0.1, on: "relative" }, 100)).toThrow("allocation")
    expect(() => proportionBaseline(1)).toThrow("between 0 and 1")
  })

  it("takes a baseline from moments, ratio and all", () => {
    const moments = Moments.fromCentral(500, [20, 2], [[90, 6], [6, 1]])
    expect(baselineOf({ kind: "ratio" }, moments)).toMatchObject({ value: 10, variance: expect.closeTo(17.5, 10) })
    expect(baselineOf({ kind: "mean" }, Moments.empty(1))).toBeUndefined()
  })
})
