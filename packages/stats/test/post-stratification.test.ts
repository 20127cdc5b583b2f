/** Post-stratification against numpy on single values (tools/oracles/adjusting.py), and what must hold of it. */
import { Moments } from "@assay/model"
import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { averageLogE, calc, engines, estimate, postStratify, type Stratum } from "../src/index.ts"
import { ordinaryPair } from "./arbitraries.ts"

interface Arm {
  readonly n: number
  readonly mean: ReadonlyArray<number>
  readonly covariance: ReadonlyArray<ReadonlyArray<number>>
}

type Figures = Readonly<Record<"mean" | "mean_variance" | "ratio" | "ratio_variance", number>>

const oracle: ReadonlyArray<{
  readonly strata: ReadonlyArray<Readonly<Record<"control" | "treatment", Arm>>>
  readonly expected: Readonly<Record<"control" | "treatment", Figures>>
}> = JSON.parse(readFileSync(new URL("oracles/post_stratified.json", import.meta.url), "utf8"))

const read = ({ covariance, mean, n }: Arm) => Moments.fromCentral(n, mean, covariance)

const near = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.abs(b)

describe("postStratify", () => {
  it("gives means, ratios and their variances as computed from the single values", () => {
    expect(oracle).toHaveLength(60)
    for (const { expected, strata } of oracle) {
      const arms = postStratify(strata.map(({ control, treatment }) => ({
        control: read(control),
        treatment: read(treatment)
      })))
      for (const arm of ["control", "treatment"] as const) {
        const [mean, ratio] = [estimate({ kind: "mean" }, arms[arm])!, estimate({ kind: "ratio" }, arms[arm])!]
        const want = expected[arm]
        expect(near(mean.value, want.mean) && near(mean.variance, want.mean_variance)).toBe(true)
        expect(near(ratio.value, want.ratio) && near(ratio.variance, want.ratio_variance)).toBe(true)
      }
    }
  })

  it("leaves one stratum as it is, and keeps all identities however small the strata are", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })), {
          minLength: 1,
          maxLength: 8
        }),
        (sizes) => {
          const of = (n: number, at: number) => Moments.fromValues(1, Array.from({ length: n }, (_, i) => [i * at]))
          const strata = sizes.map(([c, t], i): Stratum => ({ control: of(c, i + 1), treatment: of(t, i + 2) }))
          const { control, treatment } = postStratify(strata)
          expect(control.n).toBe(sizes.reduce((sum, [c]) => sum + c, 0))
          expect(treatment.n).toBe(sizes.reduce((sum, [, t]) => sum + t, 0))
          expect([...control.sums, ...treatment.sums, ...control.comoments[0]!].every(Number.isFinite)).toBe(true)
        }
      )
    )
    fc.assert(fc.property(ordinaryPair, (pair) => {
      expect(postStratify([pair])).toEqual({ ...pair, strata: 1 })
    }))
    expect(() => postStratify([])).toThrow("at least one stratum")
  })

  it("takes the noise of an uneven mix away: same values per stratum, different mixes, no difference", () => {
    const values = (n: number, level: number) =>
      Moments.fromValues(1, Array.from({ length: n }, (_, i) => [level + (i % 2)]))
    const strata = [
      { control: values(400, 1), treatment: values(200, 1) },
      { control: values(100, 9), treatment: values(300, 9) }
    ]
    const question = { estimand: { kind: "mean" }, direction: "up", confidence: 0.95 } as const
    const raw = engines.frequentist.compare({
      ...question,
      control: Moments.merge(strata[0]!.control, strata[1]!.control),
      treatment: Moments.merge(strata[0]!.treatment, strata[1]!.treatment)
    })
    const adjusted = engines.frequentist.compare({ ...question, ...postStratify(strata) })
    expect(raw).toMatchObject({ status: "ok", p_value: expect.closeTo(0, 6) })
    expect(adjusted).toMatchObject({ status: "ok", difference: 0, p_value: 1 })
  })

  it("is asked for as strata in JSON, and bad strata are refused", () => {
    const arm = (n: number, sum: number) => ({ n, sum, sum_squares: sum })
    const strata = [{ control: arm(800, 40), treatment: arm(700, 42) }, {
      control: arm(200, 60),
      treatment: arm(300, 96)
    }]
    expect(calc({ op: "compare", strata })).toMatchObject({
      status: "ok",
      strata: 2,
      difference: expect.closeTo(0.75 * (42 / 700 - 40 / 800) + 0.25 * (96 / 300 - 60 / 200), 12)
    })
    expect(calc({ op: "compare", strata: [] })).toMatchObject({ error: expect.stringContaining("strata") })
    expect(calc({ op: "compare", strata, control: arm(2, 1) })).toMatchObject({
      error: expect.stringContaining("instead")
    })
    expect(calc({ op: "compare", strata: [{ control: arm(2, 1) }] })).toMatchObject({
      error: expect.stringContaining("strata[0].treatment")
    })
  })
})

describe("averageLogE", () => {
  it("is the logarithm of the weighted mean, without overflow", () => {
    expect(averageLogE([Math.log(3), Math.log(5)])).toBeCloseTo(Math.log(4), 12)
    expect(averageLogE([Math.log(3), Math.log(5)], [3, 1])).toBeCloseTo(Math.log(3.5), 12)
    expect(averageLogE([2000, 2000])).toBeCloseTo(2000, 9)
    expect(averageLogE([-Infinity, 1000])).toBeCloseTo(1000 - Math.LN2, 9)
    expect(averageLogE([-Infinity, -Infinity])).toBe(-Infinity)
    expect(() => averageLogE([])).toThrow(RangeError)
    expect(() => averageLogE([1], [0])).toThrow(RangeError)
  })

  it("combines always-valid tests: an average e-value rejects in at most α of sound cases", () => {
    // e-values of a fair coin's likelihood ratio: mean 1.
    const e = (heads: number) => Math.log(0.5 * (1.6 ** heads * 0.4 ** (1 - heads)) * 2)
    let [state, wrong] = [12345, 0]
    const flip = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state / 2 ** 32 < 0.5 ? 1 : 0
    }
    for (let run = 0; run < 2000; run++) {
      const logs = [0, 1, 2].map(() => Array.from({ length: 12 }, () => e(flip())).reduce((a, b) => a + b, 0))
      if (averageLogE(logs) >= Math.log(20)) wrong++
    }
    expect(wrong / 2000).toBeLessThanOrEqual(0.05)
  })
})
