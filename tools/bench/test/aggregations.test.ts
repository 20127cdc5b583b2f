import { describe, expect, it } from "vitest"
import { aggregationCoverage } from "../src/aggregations.ts"

describe("the intervals of metrics", () => {
  it("hold the true lift about 95 times of 100", () => {
    const rows = aggregationCoverage(400)
    expect(rows).toHaveLength(24)
    expect(rows.filter(({ answered }) => answered !== 400)).toEqual([])
    // 400 experiments: three standard errors are 3.3 points.
    expect(rows.filter(({ coverage }) => Math.abs(coverage - 0.95) > 0.033)).toEqual([])
  })
})
