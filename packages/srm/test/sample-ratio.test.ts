import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import {
  checkSampleRatio,
  chiSquaredTest,
  splitOf,
  srmAlarmBelow,
  srmSuspiciousBelow,
  type VariantCount
} from "../src/index.ts"

interface Row {
  readonly shares: ReadonlyArray<number>
  readonly counts: ReadonlyArray<number>
  readonly df: number
  readonly statistic: number
  readonly p_value: number
}
const rows: ReadonlyArray<Row> = JSON.parse(
  readFileSync(new URL("oracles/sample_ratio.json", import.meta.url), "utf8")
)

const arms = (shares: ReadonlyArray<number>, counts: ReadonlyArray<number>): ReadonlyArray<VariantCount> =>
  counts.map((n, i) => ({ key: `v${i}`, share: shares[i] ?? 0, n }))

const near = (actual: number | null, expected: number, bound: number): boolean =>
  actual !== null && Math.abs(actual - expected) <= bound * Math.abs(expected)

describe("against 60-digit arithmetic", () => {
  it("statistic and p-value of all cases, down to 1e-300", () => {
    expect(rows.length).toBeGreaterThanOrEqual(100)
    expect(Math.min(...rows.map((row) => row.p_value))).toBeLessThan(1e-290)
    const misses = rows.filter((row) => {
      const used = row.shares.flatMap((share, i) => (share > 0 ? [i] : []))
      const { degreesOfFreedom, pValue, statistic } = chiSquaredTest(
        splitOf(used.map((i) => row.counts[i]!), used.map((i) => row.shares[i]!))
      )
      // A statistic near 0 is a difference of counts and shares that rounds: 1e-12 of the total is its noise.
      const statisticAgrees = near(statistic, row.statistic, 1e-9) || row.statistic < 1e-9
      return !(statisticAgrees && near(pValue, row.p_value, 1e-9) && degreesOfFreedom === row.df)
    })
    expect(misses).toEqual([])
    expect(rows.every((row) => row.p_value > 0)).toBe(true)
  })
})

describe("known experiments", () => {
  it("tells a p-value that is too small for digits as one, not as 0", () => {
    const { findings, result } = checkSampleRatio({ variants: arms([50, 50], [10_013, 0]) })
    expect(result.p_value).toBeLessThan(1e-300)
    expect(findings[0]?.sentence).toMatch(/^Sample ratio mismatch \(p < 1e-300\): /)
  })

  it("821,588 against 815,482 is a mismatch (Fabijan et al. 2019)", () => {
    const { findings, result } = checkSampleRatio({ variants: arms([50, 50], [821588, 815482]) })
    expect(result.status).toBe("mismatch")
    expect(result.p_value).toBeLessThan(2e-6)
    expect(findings).toMatchObject([{
      next: expect.stringContaining("assigned as planned"),
      code: "sample_ratio_mismatch",
      severity: "alarm",
      sentence:
        "Sample ratio mismatch (p = 0.0000018): of 1,637,070 identities v0 has 821,588 (50.19 %, expected 50 %), " +
        "v1 has 815,482 (49.81 %, expected 50 %). Don't trust the results until the cause is known.",
      count: 1637070
    }])
  })

  it("cookie-cats' 44,700 against 45,489 is suspicious, no mismatch", () => {
    const { findings, result } = checkSampleRatio({
      variants: [{ key: "gate_30", share: 1, n: 44700 }, { key: "gate_40", share: 1, n: 45489 }]
    })
    expect(result).toMatchObject({ status: "ok", degrees_of_freedom: 1, alarm_below: 0.001 })
    expect(result.statistic).toBeCloseTo(6.9024, 4)
    expect(result.p_value).toBeCloseTo(0.0086, 4)
    expect(findings).toEqual([{
      code: "sample_ratio_suspicious",
      severity: "warning",
      sentence:
        "The sample ratio is suspicious (p = 0.0086): of 90,189 identities gate_30 has 44,700 (49.56 %, expected 50 %), " +
        "gate_40 has 45,489 (50.44 %, expected 50 %). An alarm is raised below 0.001.",
      count: 90189
    }])
  })

  it("hillstrom's three equal arms are sound", () => {
    const check = checkSampleRatio({ variants: arms([1, 1, 1], [21306, 21307, 21387]) })
    expect(check.result).toMatchObject({ status: "ok", degrees_of_freedom: 2 })
    expect(check.findings).toEqual([])
    expect(check.variants.map((v) => v.expected_share)).toEqual([1 / 3, 1 / 3, 1 / 3])
  })
})

describe("an expected share of 0", () => {
  it("with traffic is a mismatch, named for each such arm, never 'not computed'", () => {
    const { findings, result } = checkSampleRatio({ variants: arms([1, 0, 1, 0], [500, 3, 500, 1]) })
    expect(result).toEqual({
      status: "mismatch",
      p_value: 0,
      statistic: null,
      degrees_of_freedom: 1,
      alarm_below: 0.001
    })
    expect(findings.map(({ code, count, of, severity, variant }) => ({ code, severity, variant, count, of }))).toEqual([
      { code: "traffic_in_zero_share_variant", severity: "alarm", variant: "v1", count: 3, of: 1004 },
      { code: "traffic_in_zero_share_variant", severity: "alarm", variant: "v3", count: 1, of: 1004 }
    ])
    expect(findings[0]?.sentence).toBe(
      "v1 has 3 of 1,004 identities but an expected share of 0: the assignment doesn't follow the definition."
    )
  })

  it("is a mismatch also below 100 identities: it can't happen by chance", () => {
    expect(checkSampleRatio({ variants: arms([1, 0], [5, 1]) }).result).toMatchObject({
      status: "mismatch",
      p_value: 0
    })
  })

  it("without traffic leaves the arm out of the degrees of freedom", () => {
    const without = checkSampleRatio({ variants: arms([1, 1], [480, 520]) })
    const withEmpty = checkSampleRatio({ variants: arms([1, 1, 0], [480, 520, 0]) })
    expect(withEmpty.result).toEqual(without.result)
    expect(withEmpty.variants[2]).toEqual({ key: "v2", n: 0, share: 0, expected_share: 0 })
  })
})

describe("withheld", () => {
  it("below 100 identities in all", () => {
    expect(checkSampleRatio({ variants: arms([1, 1], [49, 50]) }).result).toEqual({
      status: "withheld",
      p_value: null,
      statistic: null,
      degrees_of_freedom: 1,
      alarm_below: 0.001,
      withheld: {
        reason: "too_few_identities",
        have: 99,
        need: 100,
        sentence: "The check of the sample ratio needs 100 identities in all arms together; there are 99."
      }
    })
    expect(checkSampleRatio({ variants: arms([1, 1], [50, 50]) }).result.status).toBe("ok")
    expect(checkSampleRatio({ variants: arms([1, 1], [0, 0]) }).variants[0]).toMatchObject({ share: null })
  })

  it("when no arm has a share", () => {
    const { result, variants } = checkSampleRatio({ variants: arms([0, 0], [500, 500]) })
    expect(result).toMatchObject({
      status: "withheld",
      p_value: null,
      withheld: { reason: "no_expected_share", need: 1 }
    })
    expect(variants.map((v) => v.expected_share)).toEqual([null, null])
    expect(checkSampleRatio({ variants: [] }).result.withheld?.reason).toBe("no_expected_share")
  })
})

describe("a single arm with a share", () => {
  it("has nothing to be compared with: p = 1, no degree of freedom", () => {
    expect(checkSampleRatio({ variants: arms([1, 0], [1000, 0]) }).result).toMatchObject({
      status: "ok",
      p_value: 1,
      statistic: 0,
      degrees_of_freedom: 0
    })
  })
})

describe("identities of undeclared variants", () => {
  it("are a finding and in no arm", () => {
    const check = checkSampleRatio({ variants: arms([1, 1], [500, 500]), undeclared: 7 })
    expect(check.result).toEqual(checkSampleRatio({ variants: arms([1, 1], [500, 500]) }).result)
    expect(check.findings).toMatchObject([{
      code: "traffic_in_undeclared_variant",
      severity: "warning",
      sentence: "7 identities came with a variant that the experiment doesn't declare; they are in no arm.",
      count: 7,
      of: 1007
    }])
  })
})

const closeOrNull = (a: number | null, b: number | null): boolean =>
  a === b || (a !== null && b !== null && Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a)))

describe("properties", () => {
  const variant = fc.record({
    key: fc.string({ minLength: 1 }),
    share: fc.oneof(fc.constant(0), fc.double({ min: 1e-3, max: 1e3, noNaN: true })),
    n: fc.integer({ min: 0, max: 1_000_000 })
  })
  const variants = fc.array(variant, { minLength: 1, maxLength: 8 })
  it("the order of the variants doesn't matter", () => {
    fc.assert(fc.property(variants, (given) => {
      const [a, b] = [checkSampleRatio({ variants: given }), checkSampleRatio({ variants: given.toReversed() })]
      expect(b.result.status).toBe(a.result.status)
      expect(closeOrNull(a.result.p_value, b.result.p_value) && closeOrNull(a.result.statistic, b.result.statistic))
        .toBe(true)
    }))
  })

  it("the scale of the shares doesn't matter", () => {
    fc.assert(fc.property(variants, fc.constantFrom(1e-300, 1e-3, 100, 3, 1e300), (given, by) => {
      const scaled = given.map((v) => Object.assign({}, v, { share: v.share * by }))
      const [a, b] = [checkSampleRatio({ variants: given }), checkSampleRatio({ variants: scaled })]
      expect(b.result.status).toBe(a.result.status)
      expect(closeOrNull(a.result.p_value, b.result.p_value) && closeOrNull(a.result.statistic, b.result.statistic))
        .toBe(true)
    }))
  })

  it("expected shares add up to 1, and no number is NaN or infinite", () => {
    fc.assert(fc.property(variants, (given) => {
      const { result, variants: out } = checkSampleRatio({ variants: given })
      const shares = out.map((v) => v.expected_share)
      expect(
        shares.every((s) => s === null) || Math.abs(shares.reduce<number>((a, s) => a + (s ?? NaN), 0) - 1) < 1e-12
      )
        .toBe(true)
      const numbers = [...Object.values(result), ...out.flatMap((v) => Object.values(v))].filter((x) =>
        typeof x === "number"
      )
      expect(numbers.every(Number.isFinite)).toBe(true)
    }))
  })

  it("status and finding follow from the p-value", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 100_000 }), fc.double({ min: -6, max: 6, noNaN: true }), (n, z) => {
        const { findings, result } = checkSampleRatio({
          variants: arms([1, 1], [n, Math.round(n + z * Math.sqrt(2 * n))])
        })
        const p = result.p_value ?? NaN
        expect(result.status).toBe(p < srmAlarmBelow ? "mismatch" : "ok")
        expect(findings.map((f) => f.code)).toEqual(
          p < srmAlarmBelow ? ["sample_ratio_mismatch"] : p < srmSuspiciousBelow ? ["sample_ratio_suspicious"] : []
        )
      })
    )
  })
})

describe("bad input", () => {
  it("is refused with what was found", () => {
    expect(() => checkSampleRatio({ variants: arms([1, -1], [5, 5]) })).toThrow(
      "The share of v1 is at least 0 and finite, found -1"
    )
    expect(() => checkSampleRatio({ variants: arms([1, 1], [5, NaN]) })).toThrow(
      "n of v1 is at least 0 and finite, found NaN"
    )
    expect(() => checkSampleRatio({ variants: [], undeclared: -1 })).toThrow("undeclared")
  })
})
