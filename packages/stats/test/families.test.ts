/** Student t, F, beta, binomial and χ² against tables of 50-digit arithmetic (tools/oracles/families.py). */
import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import * as stats from "../src/index.ts"

type Family = "student" | "f" | "beta" | "binomial" | "chi_squared"
type Of = (x: number, ...parameters: ReadonlyArray<number>) => number

interface Functions {
  readonly cdf: Of
  readonly survival: Of
  readonly logSurvival: Of
  readonly quantile: Of
}

const families = {
  student: {
    cdf: stats.studentCdf,
    survival: stats.studentSurvival,
    logSurvival: stats.studentLogSurvival,
    quantile: stats.studentQuantile
  },
  f: { cdf: stats.fCdf, survival: stats.fSurvival, logSurvival: stats.fLogSurvival, quantile: stats.fQuantile },
  beta: {
    cdf: stats.betaCdf,
    survival: stats.betaSurvival,
    logSurvival: stats.betaLogSurvival,
    quantile: stats.betaQuantile
  },
  binomial: {
    cdf: stats.binomialCdf,
    survival: stats.binomialSurvival,
    logSurvival: stats.binomialLogSurvival,
    quantile: stats.binomialQuantile
  },
  chi_squared: {
    cdf: stats.chiSquaredCdf,
    survival: stats.chiSquaredSurvival,
    logSurvival: stats.chiSquaredLogSurvival,
    quantile: stats.chiSquaredQuantile
  }
} as unknown as Readonly<Record<Family, Functions>>

const tables: {
  /** family, x, parameters, cdf, survival, ln survival */
  readonly points: ReadonlyArray<[Family, number, ReadonlyArray<number>, number, number, number]>
  /** family, p, parameters, quantile */
  readonly quantiles: ReadonlyArray<[Family, number, ReadonlyArray<number>, number]>
} = JSON.parse(readFileSync(new URL("oracles/families.json", import.meta.url), "utf8"))

const body = 1e-10
const tail = 1e-9
const bound = (probability: number) => (probability > 1e-6 ? body : tail)
const error = (actual: number, expected: number) => Math.abs(actual - expected) / Math.abs(expected)

describe.each(Object.keys(families) as ReadonlyArray<Family>)("%s", (family) => {
  const { cdf, logSurvival, quantile, survival } = families[family]
  const points = tables.points.filter(([name]) => name === family)

  it("keeps the relative accuracy of cdf, survival and log survival down to 1e-300", () => {
    expect(points.length).toBeGreaterThan(150)
    expect(
      points.flatMap(([, x, parameters, lower, upper, log]) =>
        [
          { of: "cdf", actual: cdf(x, ...parameters), expected: lower, bound: bound(lower) },
          { of: "survival", actual: survival(x, ...parameters), expected: upper, bound: bound(upper) },
          { of: "logSurvival", actual: logSurvival(x, ...parameters), expected: log, bound: bound(lower) }
        ].map((row) => ({ x, parameters, ...row, error: error(row.actual, row.expected) }))
      ).filter((row) => !(row.error <= row.bound))
    ).toEqual([])
  })

  it("inverts to 1e-10 of the quantile", () => {
    const rows = tables.quantiles.filter(([name]) => name === family)
    expect(rows.length).toBeGreaterThan(family === "binomial" ? -1 : 100)
    expect(
      rows
        .map(([, p, parameters, expected]) => ({
          p,
          parameters,
          expected,
          actual: quantile(p, ...parameters),
          error: error(quantile(p, ...parameters), expected)
        }))
        .filter((row) => !(row.error <= body))
    ).toEqual([])
  })
})

it("the tables have more than 2,000 points", () => {
  expect(tables.points.length + tables.quantiles.length).toBeGreaterThan(2000)
})

describe("relations", () => {
  it("binomial quantile is the smallest count that reaches the probability", () => {
    fc.assert(fc.property(
      fc.double({ min: 1e-12, max: 0.999999, noNaN: true }),
      fc.integer({ min: 1, max: 100_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (q, n, p) => {
        const k = stats.binomialQuantile(q, n, p)
        expect(stats.binomialCdf(k, n, p)).toBeGreaterThanOrEqual(q * (1 - 1e-12))
        expect(stats.binomialCdf(k - 1, n, p)).toBeLessThan(q * (1 + 1e-12))
      }
    ))
  })

  it("t with one degree of freedom is Cauchy's, with Infinity the normal", () => {
    fc.assert(fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (t) => {
      expect(stats.studentSurvival(t, 1)).toBeCloseTo(0.5 - Math.atan(t) / Math.PI, 12)
      expect(stats.studentSurvival(t, Infinity)).toBe(stats.normalSurvival(t))
    }))
  })

  it("t squared is F with one degree of freedom", () => {
    fc.assert(fc.property(
      fc.double({ min: 0.01, max: 30, noNaN: true }),
      fc.double({ min: 1, max: 1e4, noNaN: true }),
      (t, df) => {
        expect(error(stats.fSurvival(t * t, 1, df), 2 * stats.studentSurvival(t, df))).toBeLessThan(1e-10)
      }
    ))
  })

  it("refuse what isn't in their range", () => {
    for (
      const bad of [
        () => stats.studentSurvival(NaN, 3),
        () => stats.studentSurvival(1, 0),
        () => stats.studentQuantile(0, 3),
        () => stats.fSurvival(-1, 1, 1),
        () => stats.fQuantile(0.5, 0, 1),
        () => stats.betaCdf(2, 1, 1),
        () => stats.betaQuantile(0.5, -1, 1),
        () => stats.binomialCdf(1, 1.5, 0.5),
        () => stats.binomialQuantile(0.5, 3, 2),
        () => stats.chiSquaredQuantile(1, 2)
      ]
    ) expect(bad).toThrow(RangeError)
  })
})
