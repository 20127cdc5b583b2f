/** The exact and the sequential test against rational arithmetic and 60 digits (tools/oracles/srm_tests.py). */
import { calc } from "@assay/stats"
import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import {
  checkSampleRatio,
  chiSquaredTest,
  exactTest,
  logBayesFactor,
  residuals,
  seeded,
  sequentialTest,
  splitOf,
  srmOperation
} from "../src/index.ts"

const oracle: {
  readonly exact: ReadonlyArray<[ReadonlyArray<number>, ReadonlyArray<number>, number]>
  readonly factors: ReadonlyArray<[ReadonlyArray<number>, ReadonlyArray<number>, number, number]>
} = JSON.parse(readFileSync(new URL("oracles/srm_tests.json", import.meta.url), "utf8"))

const counts = fc.integer({ min: 2, max: 5 }).chain((k) =>
  fc.record({
    observed: fc.array(fc.integer({ min: 0, max: 50_000 }), { minLength: k, maxLength: k }),
    expected: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: k, maxLength: k })
  })
)

describe("the exact test", () => {
  it("is the sum over all outcomes no more likely than the observed one", () => {
    expect(
      oracle.exact.map(([observed, shares, expected]) => ({
        observed,
        shares,
        expected,
        ...exactTest(splitOf(observed, shares))
      })).filter(({ expected, method, pValue }) =>
        method !== "exact" || !(Math.abs(pValue - expected) <= 1e-9 * expected)
      )
    ).toEqual([])
  })

  it("with two arms meets χ² where counts are large", () => {
    const split = splitOf([500_500, 499_500], [1, 1])
    expect(exactTest(split).pValue).toBeCloseTo(chiSquaredTest(split).pValue, 2)
  })

  it("is sampled where outcomes are too many, within its stated error, the same each time", () => {
    const split = splitOf([9, 990, 1001], [0.002, 0.499, 0.499])
    const [a, b] = [exactTest(split), exactTest(split)]
    expect(a).toEqual(b)
    expect(a.method).toBe("monte-carlo")
    const other = exactTest(split, seeded(7))
    expect(Math.abs(a.pValue - other.pValue)).toBeLessThan(5 * Math.hypot(a.error!, other.error!))
    // The small arm alone decides: 9 where 4 are expected.
    expect(a.pValue).toBeLessThan(0.1)
    expect(a.pValue).toBeGreaterThan(0.005)
  })

  it("says the same whatever the order of the arms, and refuses fractions", () => {
    expect(exactTest(splitOf([1001, 9, 990], [0.499, 0.002, 0.499]))).toEqual(
      exactTest(splitOf([9, 990, 1001], [0.002, 0.499, 0.499]))
    )
    expect(() => exactTest(splitOf([1.5, 2], [1, 1]))).toThrow("whole counts")
  })
})

describe("the sequential test", () => {
  it("has the Bayes factor of the definition", () => {
    expect(oracle.factors.length).toBe(500)
    expect(
      oracle.factors.map(([observed, shares, concentration, expected]) => ({
        observed,
        shares,
        concentration,
        expected,
        actual: logBayesFactor(splitOf(observed, shares), concentration)
      })).filter(({ actual, expected }) => !(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected) + 1e-11))
    ).toEqual([])
  })

  it("is a martingale: averaged over the next identity the factor stays", () => {
    fc.assert(fc.property(counts, ({ expected, observed }) => {
      const split = splitOf(observed, expected)
      const now = logBayesFactor(split)
      const next = split.shares.reduce(
        (sum, share, i) =>
          sum +
          share * Math.exp(logBayesFactor(splitOf(observed.map((n, j) => n + (i === j ? 1 : 0)), expected)) - now),
        0
      )
      expect(next).toBeCloseTo(1, 7)
    }))
  })

  it("keeps the smallest p-value of all looks", () => {
    const looks = [[100, 100], [5000, 6000], [60_000, 60_000]].map((observed) => splitOf(observed, [1, 1]))
    const p = sequentialTest(looks).map(({ pValue }) => pValue)
    expect(p[0]).toBe(1)
    expect(p[1]).toBeLessThan(1e-6)
    expect(p[2]).toBe(p[1])
    expect(() => logBayesFactor(looks[0]!, 0)).toThrow(RangeError)
  })
})

describe("standardised residuals", () => {
  it("weigh up to 0 and, squared, are χ² for two arms", () => {
    fc.assert(fc.property(counts, ({ expected, observed }) => {
      const split = splitOf(observed, expected)
      const found = residuals(split)
      const balance = found.reduce((sum, r, i) => sum + r * Math.sqrt(split.shares[i]! * (1 - split.shares[i]!)), 0)
      expect(Math.abs(balance)).toBeLessThan(1e-7 * (1 + Math.max(...found.map(Math.abs))))
      const two = splitOf([observed[0]!, observed[1]!], [expected[0]!, expected[1]!])
      const { statistic } = chiSquaredTest(two)
      expect(Math.abs(residuals(two)[0]! ** 2 - statistic)).toBeLessThanOrEqual(1e-7 * (1 + statistic))
    }))
  })
})

describe("checkSampleRatio", () => {
  const check = (shares: ReadonlyArray<number>, n: ReadonlyArray<number>) =>
    checkSampleRatio({ variants: n.map((x, i) => ({ key: `v${i}`, share: shares[i]!, n: x })) }).result

  it("gives method, residuals and the sequential p-value beside χ²", () => {
    const result = check([1, 1], [821588, 815482])
    expect(result.method).toBe("chi2")
    expect(result.residuals!["v0"]).toBeCloseTo(4.7724, 3)
    expect(result.residuals!["v0"]! + result.residuals!["v1"]!).toBeCloseTo(0, 9)
    expect(result.sequential!.p_value).toBeCloseTo(Math.exp(-result.sequential!.log_bayes_factor), 15)
    expect(result.sequential!.p_value).toBeLessThan(0.001)
  })

  it("is exact where an expected count is below 5", () => {
    const result = check([0.99, 0.01], [295, 5])
    expect(result).toMatchObject({ method: "exact", degrees_of_freedom: 1 })
    expect(result.p_value).toBe(exactTest(splitOf([295, 5], [0.99, 0.01])).pValue)
  })
})

describe("the operation srm", () => {
  const run = (request: object) => calc({ op: "srm", ...request }, { srm: srmOperation })

  it("answers χ², exact and sequential", () => {
    expect(run({ observed: [821588, 815482], expected: [50, 50] })).toMatchObject({
      status: "ok",
      method: "chi2",
      degrees_of_freedom: 1
    })
    expect(run({ observed: [3, 9], expected: [1, 1], method: "exact" })).toMatchObject({
      method: "exact",
      p_value: expect.closeTo(598 / 4096, 12)
    })
    expect(run({ observed: [3, 9], expected: [1, 1] })).toMatchObject({ method: "chi2" })
    expect(run({ observed: [1, 7], expected: [1, 1] })).toMatchObject({ method: "exact" })
    const sequential = run({ observed: [500, 600], expected: [1, 1], method: "sequential", concentration: 100 })
    expect(sequential).toMatchObject({ log_bayes_factor: logBayesFactor(splitOf([500, 600], [1, 1]), 100) })
    expect(run({ observed: [5, 0, 9], expected: [1, 0, 1], method: "chi2" })).toMatchObject({ degrees_of_freedom: 1 })
    expect(run({ observed: [5, 1, 9], expected: [1, 0, 1] })).toMatchObject({ p_value: 0, statistic: null })
  })

  it("says what is wrong", () => {
    const texts = [
      run({ observed: [1], expected: [1, 1] }),
      run({ observed: [1, -1], expected: [1, 1] }),
      run({ observed: [1, 1], expected: [0, 0] }),
      run({ observed: [1, 1], expected: [1, 1], method: "g" }),
      run({ observed: "x", expected: [1, 1] }),
      run({ observed: [1, 1], expected: [1, 1], method: "sequential", concentration: 0 })
    ]
    expect(texts.every((answer) => "error" in answer)).toBe(true)
  })
})
