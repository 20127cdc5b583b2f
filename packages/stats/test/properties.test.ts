/** What must hold for every pair of arms (docs/statistics.md). */
import { type Comparison, type Inference, Moments } from "@assay/model"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { compareToControl, type ComparisonInput, engines, estimate } from "../src/index.ts"
import { anyArm, confidence, direction, ordinaryArm, ordinaryPair, proportionArm } from "./arbitraries.ts"
import { ok } from "./ok.ts"

const usual = { estimand: { kind: "mean" }, direction: "up", confidence: 0.95 } as const

const bayesian = (input: Pick<ComparisonInput, "control" | "treatment"> & Partial<ComparisonInput>): Comparison =>
  compareToControl(engines.bayesian, { ...usual, ...input })

const excludesZero = (low: number, high: number): boolean => low > 0 || high < 0

/** Both intervals hold their estimate and exclude 0 exactly when the test rejects. */
const agrees = (result: Inference, level: number): boolean => {
  const rejects = result.p_value < 1 - level
  return excludesZero(result.difference_ci_low, result.difference_ci_high) === rejects &&
    excludesZero(result.ci_low, result.ci_high) === rejects &&
    result.ci_low <= result.lift && result.lift <= result.ci_high &&
    result.difference_ci_low <= result.difference && result.difference <= result.difference_ci_high
}

const isProbability = (x: number): boolean => x >= 0 && x <= 1

const scale = (m: Moments.Moments, by: number): Moments.Moments => ({
  n: m.n,
  sums: m.sums.map((s) => s * by),
  products: m.products.map((row) => row.map((p) => p * by * by)),
  comoments: m.comoments.map((row) => row.map((c) => c * by * by))
})

describe("swapping the arms", () => {
  it("mirrors the default engine: the chance is the other direction's, bit by bit, and the p-value stays", () => {
    fc.assert(
      fc.property(fc.oneof(ordinaryPair, fc.record({ control: proportionArm, treatment: proportionArm })), (pair) => {
        const there = bayesian(pair)
        const back = bayesian({ control: pair.treatment, treatment: pair.control })
        fc.pre(there.status === "ok" && back.status === "ok")
        expect(back).toMatchObject({ p_value: ok(there).p_value, standard_error: ok(there).standard_error })
        expect(ok(back).difference + ok(there).difference).toBe(0)
        expect(ok(back).chance_to_win + ok(there).chance_to_win).toBeCloseTo(1, 15)
        expect(ok(back).chance_to_win).toBe(ok(bayesian({ ...pair, direction: "down" })).chance_to_win)
      })
    )
  })

  it("mirrors 5 of 100 against 15 of 100", () => {
    const five = Moments.fromSums(100, 5, 5)
    const fifteen = Moments.fromSums(100, 15, 15)
    const up = ok(bayesian({ control: five, treatment: fifteen })).chance_to_win
    expect(up).toBeCloseTo(0.9913, 4)
    expect(ok(bayesian({ control: fifteen, treatment: five })).chance_to_win).toBeCloseTo(1 - up, 15)
  })
})

describe("scaling all values", () => {
  it("leaves lift, interval, chance and p-value alone", () => {
    fc.assert(fc.property(ordinaryPair, fc.double({ min: 1e-3, max: 1e3, noNaN: true }), (pair, by) => {
      const plain = bayesian(pair)
      fc.pre(plain.status === "ok")
      const scaled = ok(bayesian({ control: scale(pair.control, by), treatment: scale(pair.treatment, by) }))
      const width = ok(plain).ci_high - ok(plain).ci_low
      for (const key of ["lift", "ci_low", "ci_high"] as const) {
        expect(Math.abs(scaled[key] - ok(plain)[key])).toBeLessThanOrEqual(1e-9 * width + 1e-12)
      }
      expect(scaled.chance_to_win).toBeCloseTo(ok(plain).chance_to_win, 8)
      expect(scaled.p_value).toBeCloseTo(ok(plain).p_value, 8)
    }))
  })
})

describe("interval and test agree", () => {
  it("for random moments: both intervals exclude 0 exactly when p < 1 − confidence", () => {
    fc.assert(
      fc.property(ordinaryPair, confidence, (pair, level) => {
        const result = bayesian({ ...pair, confidence: level })
        fc.pre(result.status === "ok")
        expect(agrees(ok(result), level)).toBe(true)
      }),
      { numRuns: 2000 }
    )
  })

  it("for differences within rounding of the critical value", () => {
    fc.assert(
      fc.property(
        ordinaryArm,
        confidence,
        fc.integer({ min: -8, max: 8 }),
        fc.constantFrom(-1, 1),
        (control, level, steps, sign) => {
          const probe = bayesian({ control, treatment: control, confidence: level })
          fc.pre(probe.status === "ok")
          const edge = sign * ok(probe).difference_ci_high
          const mean = Moments.mean(control)
          const treatment = {
            ...control,
            sums: [(mean + edge) * (1 + steps * Number.EPSILON) * control.n]
          }
          const result = bayesian({ control, treatment, confidence: level })
          fc.pre(result.status === "ok")
          expect(agrees(ok(result), level)).toBe(true)
        }
      ),
      { numRuns: 2000 }
    )
  })

  it("for any finite moments at all", () => {
    fc.assert(
      fc.property(anyArm, anyArm, confidence, (control, treatment, level) => {
        const result = bayesian({ control, treatment, confidence: level })
        fc.pre(result.status === "ok")
        expect(agrees(ok(result), level)).toBe(true)
      }),
      { numRuns: 2000 }
    )
  })
})

describe("nothing but numbers leaves", () => {
  it("every field of every engine is finite and not −0, chances and p-values are probabilities", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.record({ control: anyArm, treatment: anyArm }), ordinaryPair),
        fc.constantFrom("mean", "ratio"),
        direction,
        confidence,
        (pair, kind, way, level) => {
          fc.pre(kind === "mean" || pair.control.sums.length === 2)
          for (const engine of Object.values(engines)) {
            const result = compareToControl(engine, { ...pair, estimand: { kind }, direction: way, confidence: level })
            const numbers = Object.values(result).filter((x) => typeof x === "number")
            expect(numbers.filter((x) => !Number.isFinite(x) || Object.is(x, -0))).toEqual([])
            expect(numbers.length).toBe(result.status === "ok" ? 9 : 2)
            expect(
              result.status === "ok"
                ? isProbability(result.chance_to_win) && isProbability(result.p_value) && result.standard_error >= 0
                : /^[A-Z].*\.$/.test(result.sentence)
            ).toBe(true)
          }
        }
      ),
      { numRuns: 5000 }
    )
  })
})

/** 400 identities at `offset`, `ones` of them 1 higher. */
const stepped = (offset: number, ones: number): Moments.Moments =>
  Moments.fromValues(1, Array.from({ length: 400 }, (_, i) => [offset + (i < ones ? 1 : 0)]))

const constant = (n: number): Moments.Moments => Moments.fromValues(1, Array.from({ length: n }, () => [0.1]))

describe("moments", () => {
  it("in two parts, merged, give the inference of the whole", () => {
    const values = fc.array(fc.double({ min: 0.5, max: 100, noNaN: true }).map((x) => [x]), {
      minLength: 2,
      maxLength: 30
    })
    fc.assert(fc.property(values, values, values, values, (a, b, c, d) => {
      const parts = (x: typeof a, y: typeof a) => Moments.merge(Moments.fromValues(1, x), Moments.fromValues(1, y))
      const whole = bayesian({
        control: Moments.fromValues(1, [...a, ...b]),
        treatment: Moments.fromValues(1, [...c, ...d])
      })
      const merged = bayesian({ control: parts(a, b), treatment: parts(c, d) })
      fc.pre(whole.status === "ok")
      expect(ok(merged).lift).toBeCloseTo(ok(whole).lift, 9)
      expect(ok(merged).standard_error).toBeCloseTo(ok(whole).standard_error, 9)
      expect(ok(merged).chance_to_win).toBeCloseTo(ok(whole).chance_to_win, 7)
    }))
  })

  it("with an offset of 1e9 keep variance, chance and p-value", () => {
    const near = ok(bayesian({ control: stepped(1, 100), treatment: stepped(1, 130) }))
    const far = ok(bayesian({ control: stepped(1e9, 100), treatment: stepped(1e9, 130) }))
    expect(far.standard_error).toBeCloseTo(near.standard_error, 8)
    expect(far.difference).toBeCloseTo(near.difference, 6)
    expect(far.p_value).toBeCloseTo(near.p_value, 6)
    expect(near.p_value).toBeCloseTo(0.0188419077067244, 12)
  })

  it("whose means differ by rounding alone don't read as certainty", () => {
    expect(Moments.mean(constant(3))).not.toBe(Moments.mean(constant(7)))
    for (const engine of Object.values(engines)) {
      expect(compareToControl(engine, { ...usual, control: constant(3), treatment: constant(7) })).toMatchObject({
        difference: 0,
        p_value: 1,
        chance_to_win: 0.5
      })
    }
  })
})

describe("estimates", () => {
  it("of a ratio over a constant 1 are those of the mean", () => {
    fc.assert(fc.property(ordinaryArm, (arm) => {
      const [sum = 0] = arm.sums
      const ratio: Moments.Moments = {
        n: arm.n,
        sums: [sum, arm.n],
        products: [[sum, sum], [sum, arm.n]],
        comoments: [[Moments.covariance(arm) * (arm.n - 1), 0], [0, 0]]
      }
      const [ofRatio, ofMean] = [estimate({ kind: "ratio" }, ratio), estimate({ kind: "mean" }, arm)]
      expect(ofRatio?.value).toBe(ofMean?.value)
      expect(ofRatio!.variance / ofMean!.variance).toBeCloseTo(1, 12)
    }))
  })

  it("of a ratio of a column to itself have no variance", () => {
    const values = [[1, 1], [2, 2], [5, 5]]
    expect(estimate({ kind: "ratio" }, Moments.fromValues(2, values))).toEqual({ value: 1, variance: 0 })
  })

  it("are undefined below two identities and for a denominator of 0", () => {
    expect(estimate({ kind: "mean" }, Moments.fromValues(1, [[1]]))).toBeUndefined()
    expect(estimate({ kind: "mean" }, Moments.empty(1))).toBeUndefined()
    expect(estimate({ kind: "ratio" }, Moments.fromValues(2, [[1, 0], [2, 0]]))).toBeUndefined()
  })

  it("refuse moments with too few unit columns", () => {
    expect(() => estimate({ kind: "ratio" }, Moments.empty(1))).toThrow("reads 2 unit column(s), found 1")
  })
})
