/** The distribution functions against tables of 60-digit arithmetic (tools/oracles/distributions.py). */
import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import {
  chiSquaredLogSurvival,
  chiSquaredSurvival,
  normalCdf,
  normalCritical,
  normalLogSurvival,
  normalQuantile,
  normalSurvival
} from "../src/distributions.ts"

interface Tables {
  /** z, survival, cdf, log survival */
  readonly normal: ReadonlyArray<[number, number, number, number]>
  readonly log_tail: ReadonlyArray<[number, number]>
  /** p, z */
  readonly quantile: ReadonlyArray<[number, number]>
  /** x, degrees of freedom, survival, log survival */
  readonly chi_squared: ReadonlyArray<[number, number, number, number]>
  readonly chi_squared_log_tail: ReadonlyArray<[number, number, number]>
}
const tables: Tables = JSON.parse(readFileSync(new URL("oracles/distributions.json", import.meta.url), "utf8"))

const body = 1e-10
const tail = 1e-9
const bound = (probability: number) => (probability > 1e-6 ? body : tail)
const error = (actual: number, expected: number) =>
  expected === 0 ? Math.abs(actual) : Math.abs(actual - expected) / Math.abs(expected)

/** The rows whose relative error is above the bound: none, and when there are some, the report names them. */
const misses = (rows: ReadonlyArray<{ at: string; actual: number; expected: number; bound: number }>) =>
  rows.filter((row) => !(error(row.actual, row.expected) <= row.bound))

describe("normal distribution", () => {
  it("has tables of at least 100 points", () => {
    expect(tables.normal.length).toBeGreaterThan(200)
    expect(tables.quantile.length).toBeGreaterThan(100)
    expect(tables.chi_squared.length).toBeGreaterThan(150)
  })

  it("survival, cdf and log survival keep their relative accuracy down to 1e-300", () => {
    expect(misses(tables.normal.flatMap(([z, survival, cdf, log]) => [
      { at: `survival(${z})`, actual: normalSurvival(z), expected: survival, bound: bound(survival) },
      { at: `cdf(${z})`, actual: normalCdf(z), expected: cdf, bound: bound(cdf) },
      { at: `cdf(${-z})`, actual: normalCdf(-z), expected: survival, bound: bound(survival) },
      { at: `logSurvival(${z})`, actual: normalLogSurvival(z), expected: log, bound: body }
    ]))).toEqual([])
  })

  it("log survival goes on where the probability is below the smallest double", () => {
    expect(misses(tables.log_tail.map(([z, log]) => ({
      at: `logSurvival(${z})`,
      actual: normalLogSurvival(z),
      expected: log,
      bound: body
    })))).toEqual([])
  })

  it("quantile keeps its relative accuracy in both tails and beside 0", () => {
    expect(misses(tables.quantile.map(([p, z]) => ({
      at: `quantile(${p})`,
      actual: normalQuantile(p),
      expected: z,
      bound: body
    })))).toEqual([])
  })

  it("is certain at the ends", () => {
    expect(normalSurvival(Infinity)).toBe(0)
    expect(normalSurvival(-Infinity)).toBe(1)
    expect(normalCdf(Infinity)).toBe(1)
    expect(normalSurvival(0)).toBe(0.5)
    expect(normalLogSurvival(Infinity)).toBe(-Infinity)
  })

  it("cdf and survival mirror each other bit by bit", () => {
    fc.assert(fc.property(fc.double({ noNaN: true }), (z) => {
      expect(normalCdf(-z)).toBe(normalSurvival(z))
    }))
  })

  it("survival never rises", () => {
    fc.assert(fc.property(
      fc.double({ min: -10, max: 39, noNaN: true }),
      fc.double({ min: 1e-6, max: 1, noNaN: true }),
      (z, step) => {
        expect(normalSurvival(z + step)).toBeLessThanOrEqual(normalSurvival(z))
      }
    ))
  })

  it("quantile refuses what isn't a probability", () => {
    for (const p of [0, 1, -0.1, 1.1, NaN]) expect(() => normalQuantile(p)).toThrow(RangeError)
  })

  it("has the usual critical values", () => {
    expect(normalCritical(0.95)).toBe(1.959963984540054)
    expect(normalCritical(0.9)).toBeCloseTo(1.6448536269514722, 14)
    expect(normalCritical(0.99)).toBeCloseTo(2.5758293035489004, 13)
    for (const confidence of [0, 1, 95, NaN]) expect(() => normalCritical(confidence)).toThrow(RangeError)
  })
})

describe("χ² distribution", () => {
  it("survival and log survival keep their relative accuracy down to 1e-300", () => {
    expect(misses(tables.chi_squared.flatMap(([x, df, survival, log]) => [
      { at: `survival(${x}, ${df})`, actual: chiSquaredSurvival(x, df), expected: survival, bound: bound(survival) },
      {
        at: `logSurvival(${x}, ${df})`,
        actual: chiSquaredLogSurvival(x, df),
        expected: log,
        bound: tail
      }
    ]))).toEqual([])
  })

  it("log survival goes on where the probability is below the smallest double", () => {
    expect(misses(tables.chi_squared_log_tail.map(([x, df, log]) => ({
      at: `logSurvival(${x}, ${df})`,
      actual: chiSquaredLogSurvival(x, df),
      expected: log,
      bound: body
    })))).toEqual([])
  })

  it("with one degree of freedom it is the two-sided normal test", () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 37, noNaN: true }), (z) => {
      expect(error(chiSquaredSurvival(z * z, 1), 2 * normalSurvival(z))).toBeLessThan(body)
    }))
  })

  it("is certain at the ends and refuses what isn't a statistic", () => {
    expect(chiSquaredSurvival(0, 1)).toBe(1)
    expect(chiSquaredSurvival(Infinity, 3)).toBe(0)
    expect(() => chiSquaredSurvival(-1, 1)).toThrow(RangeError)
    expect(() => chiSquaredSurvival(NaN, 1)).toThrow(RangeError)
    expect(() => chiSquaredSurvival(1, 0)).toThrow(RangeError)
  })
})
