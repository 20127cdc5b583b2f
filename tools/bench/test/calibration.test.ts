import { describe, expect, it } from "vitest"
import { fixedCalibration, peekingCalibration, speed } from "../src/calibration.ts"

describe("calibration", () => {
  it("of fixed engines is near 5 % and 95 % where their assumptions hold", () => {
    const rows = fixedCalibration(600).filter(({ holds }) => holds)
    expect(rows).toHaveLength(25)
    // 600 experiments: three standard errors are 2.7 points.
    expect(
      rows.filter(({ coverage, engine, falsePositives }) =>
        engine === "sequential, one look"
          ? falsePositives > 0.02 || coverage < 0.98
          : Math.abs(falsePositives - 0.05) > 0.027 || Math.abs(coverage - 0.95) > 0.027
      )
    ).toEqual([])
  })

  it("of repeated looks: only the sequential methods keep to 5 %", () => {
    const rate = new Map(peekingCalibration(300).map((row) => [`${row.method} ${row.looks}`, row.falsePositives]))
    for (const looks of [14, 100]) {
      expect(rate.get(`sequential ${looks}`)).toBeLessThan(0.05)
      expect(rate.get(`sample ratio, sequential ${looks}`)).toBeLessThan(0.05)
      expect(rate.get(`group-sequential ${looks}`)).toBeLessThan(0.09)
      expect(rate.get(`frequentist ${looks}`)).toBeGreaterThan(0.12)
      expect(rate.get(`bayesian, chance beyond 5 % ${looks}`)).toBeGreaterThan(0.28)
    }
  })

  it("counts comparisons of every engine", () => {
    expect(speed(0.01).map(({ engine, perSecond }) => [engine, perSecond > 1000])).toEqual([
      ["bayesian", true],
      ["delta", true],
      ["frequentist", true],
      ["sequential", true],
      ["group-sequential", true]
    ])
  })
})
