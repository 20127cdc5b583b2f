/** What must not depend on the arm, against scipy (tools/oracles/adjusting.py); where a mismatch is; splits that change. */
import { Moments } from "@assay/model"
import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import {
  balanceFindings,
  balanceTest,
  checkSampleRatio,
  homogeneity,
  locateMismatch,
  missingnessFindings,
  quarantineFindings,
  seeded
} from "../src/index.ts"

type Case =
  | {
    readonly kind: "homogeneity"
    readonly n: ReadonlyArray<number>
    readonly affected: ReadonlyArray<number>
    readonly p_value: number
  }
  | {
    readonly kind: "balance"
    readonly arms: ReadonlyArray<{ readonly n: number; readonly mean: [number]; readonly covariance: [[number]] }>
    readonly p_value: number
  }

const oracle: ReadonlyArray<Case> = JSON.parse(readFileSync(new URL("oracles/arms.json", import.meta.url), "utf8"))

const near = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * b

const mean = { kind: "mean" } as const

describe("dependence on the arm", () => {
  it("is scipy's χ² of the table, and of the covariate Cochran's Q", () => {
    for (const one of oracle) {
      const p = one.kind === "homogeneity"
        ? homogeneity(one.n.map((n, i) => ({ key: `v${i}`, n, affected: one.affected[i]! }))).pValue
        : balanceTest(
          mean,
          one.arms.map(({ covariance, mean: [value], n }, i) => ({
            key: `v${i}`,
            moments: Moments.fromCentral(n, [value], covariance)
          }))
        )!.pValue
      expect(near(p, one.p_value)).toBe(true)
    }
    expect(oracle).toHaveLength(120)
  })

  it("isn't claimed where nobody, everybody or only one arm is affected, and is exact where few are", () => {
    const arms = (affected: ReadonlyArray<number>) => affected.map((a, i) => ({ key: `v${i}`, n: 100, affected: a }))
    expect(homogeneity(arms([0, 0])).pValue).toBe(1)
    expect(homogeneity(arms([100, 100])).pValue).toBe(1)
    expect(homogeneity([{ key: "a", n: 5, affected: 2 }]).pValue).toBe(1)
    // 6 of 6 in one of two equal arms: 2/2⁶.
    expect(homogeneity(arms([6, 0])).pValue).toBeCloseTo(2 / 64, 12)
    expect(() => homogeneity([{ key: "a", n: 5, affected: 6 }])).toThrow("between 0 and all")
  })

  it("is found in quarantined identities and missing figures, with the figures and what to look at", () => {
    const arms = (
      a: number,
      b: number
    ) => [{ key: "control", n: 10_000, affected: a }, { key: "treatment", n: 10_000, affected: b }]
    expect(quarantineFindings(arms(100, 102))).toEqual([])
    expect(quarantineFindings(arms(100, 200))).toMatchObject([{
      code: "quarantine_depends_on_arm",
      severity: "alarm",
      sentence: expect.stringContaining("control 100 of 10,000 (1 %), treatment 200 of 10,000 (2 %)"),
      count: 300,
      of: 20_000,
      next: expect.stringContaining("cookies")
    }])
    expect(missingnessFindings("spend", "The covariate", arms(100, 140))).toMatchObject([{
      code: "missing_depends_on_arm",
      severity: "warning",
      metric_id: "spend"
    }])
  })

  it("is found in a covariate from before the exposure", () => {
    const arm = (key: string, value: number) => ({ key, moments: Moments.fromCentral(1000, [value], [[4]]) })
    expect(balanceFindings("spend", mean, [arm("control", 10), arm("treatment", 10.1)])).toEqual([])
    expect(balanceFindings("spend", mean, [arm("control", 10), arm("treatment", 10.5)])).toMatchObject([{
      code: "pre_period_imbalance",
      severity: "alarm",
      sentence: expect.stringContaining("control 10, treatment 10.5"),
      next: expect.stringContaining("seed used before")
    }])
    const constant = { key: "a", moments: Moments.fromCentral(10, [1], [[0]]) }
    expect(balanceTest(mean, [constant, constant])).toBeUndefined()
  })
})

/** Counts per day of a fair split by a seeded coin. */
const fair = (random: () => number, n: number): [number, number] => {
  let a = 0
  for (let i = 0; i < n; i++) if (random() < 0.5) a++
  return [a, n - a]
}

const days = Array.from({ length: 10 }, (_, i) => `2026-03-${String(i + 1).padStart(2, "0")}`)
const base = { keys: ["control", "treatment"], shares: [1, 1] }

describe("locateMismatch", () => {
  it("says only android, and from 3 March", () => {
    const random = seeded(3)
    const periods = days.map((name, i) => {
      const [c, t] = fair(random, 4000)
      return { name, counts: i < 2 ? [c, t] : [c, Math.round(t * 0.93)] }
    })
    const parts = [
      { dimension: "platform", name: "android", counts: [10_000, 9300] },
      { dimension: "platform", name: "ios", counts: [5020, 4980] },
      { dimension: "platform", name: "web", counts: [4990, 5010] }
    ]
    const { findings, parts: off, period } = locateMismatch({ ...base, periods, parts, mismatch: true })
    expect(off.map(({ alone, name }) => [name, alone])).toEqual([["android", true]])
    expect(period).toMatchObject({ kind: "since", name: "2026-03-03" })
    expect(findings.map(({ sentence }) => sentence)).toEqual([
      expect.stringMatching(/where platform is android .*The rest of platform is as planned\.$/),
      expect.stringContaining("from 2026-03-03 on")
    ])
  })

  it("says until when, where a beginning was bad", () => {
    const random = seeded(4)
    const periods = days.map((name, i) => {
      const [c, t] = fair(random, 4000)
      return { name, counts: i < 3 ? [Math.round(c * 0.8), t] : [c, t] }
    })
    expect(locateMismatch({ ...base, periods, mismatch: true }).period).toMatchObject({
      kind: "until",
      name: "2026-03-03"
    })
  })

  it("says nothing of sound splits in more than one of a hundred cases, and nothing without counts", () => {
    const random = seeded(5)
    let wrong = 0
    for (let run = 0; run < 300; run++) {
      const periods = days.map((name) => ({ name, counts: fair(random, 100) }))
      const parts = days.map((name) => ({ dimension: "d", name, counts: fair(random, 100) }))
      if (locateMismatch({ ...base, periods, parts, mismatch: false }).findings.length > 0) wrong++
    }
    expect(wrong).toBeLessThanOrEqual(2)
    expect(locateMismatch({ ...base, mismatch: true })).toEqual({ parts: [], period: undefined, findings: [] })
    const empty = [{ name: "a", counts: [0, 0] }, { name: "b", counts: [0, 0] }]
    expect(locateMismatch({ ...base, periods: empty, mismatch: true }).findings).toEqual([])
  })

  it("isn't deceived by mistakes that cancel out", () => {
    const parts = [
      { dimension: "platform", name: "android", counts: [6000, 4000] },
      { dimension: "platform", name: "ios", counts: [4000, 6000] }
    ]
    expect(locateMismatch({ ...base, parts, mismatch: false }).parts.map(({ alone }) => alone)).toEqual([false, false])
  })

  it("finds nothing where every count is just as planned, for any number of arms", () => {
    for (let arms = 2; arms <= 63; arms++) {
      const keys = Array.from({ length: arms }, (_, i) => `v${i}`)
      const shares = keys.map(() => 1 / arms)
      const periods = Array.from({ length: 14 }, (_, i) => ({ name: `${i}`, counts: shares.map(() => 100) }))
      expect(locateMismatch({ keys, shares, periods, mismatch: true }).findings).toEqual([])
    }
  })
})

describe("a split that changes", () => {
  const variants = [{ key: "control", share: 90, n: 9500 }, { key: "treatment", share: 10, n: 5500 }]
  const epochs = (first: [number, number], second: [number, number]) => [
    { from: undefined, shares: [90, 10], counts: first },
    { from: "2026-01-08", shares: [50, 50], counts: second }
  ]

  it("is tested epoch by epoch, and the expected shares are those of the mix", () => {
    const { findings, result, variants: found } = checkSampleRatio({
      variants,
      epochs: epochs([4500, 500], [5000, 5000])
    })
    expect(result).toMatchObject({
      status: "ok",
      statistic: expect.closeTo(0, 12),
      degrees_of_freedom: 2,
      p_value: 1
    })
    expect(found.map(({ expected_share }) => expected_share)).toEqual([
      expect.closeTo(9500 / 15_000, 12),
      expect.closeTo(5500 / 15_000, 12)
    ])
    expect(findings).toEqual([])
    // Against the first split alone the same counts would be an alarm.
    expect(checkSampleRatio({ variants }).result.status).toBe("mismatch")
  })

  it("tells which epoch is off", () => {
    const { findings, result } = checkSampleRatio({ variants, epochs: epochs([4500, 500], [5200, 4800]) })
    expect(result.status).toBe("mismatch")
    expect(findings).toMatchObject([{ severity: "alarm", sentence: expect.stringContaining("since 2026-01-08") }])
  })

  it("with a single epoch is the plain check, and without counts per epoch says so", () => {
    fc.assert(fc.property(fc.array(fc.nat(5000), { minLength: 2, maxLength: 4 }), (counts) => {
      const arms = counts.map((n, i) => ({ key: `v${i}`, share: i + 1, n }))
      const one = [{ from: undefined, shares: counts.map((_, i) => i + 1), counts }]
      expect(checkSampleRatio({ variants: arms, epochs: one })).toEqual(checkSampleRatio({ variants: arms }))
    }))
    expect(checkSampleRatio({ variants, epochs: [] }).result).toMatchObject({
      status: "withheld",
      withheld: { sentence: expect.stringContaining("counts per day") }
    })
  })
})

describe("the sequential check over several looks", () => {
  const at = (control: number, treatment: number, before?: number) =>
    checkSampleRatio({
      variants: [{ key: "control", share: 1, n: control }, { key: "treatment", share: 1, n: treatment }],
      ...(before === undefined ? {} : { before })
    })

  it("remembers the smallest p-value, and keeps an alarm that today's counts alone don't show", () => {
    const first = at(6000, 5000)
    expect(first.result.status).toBe("mismatch")
    const later = at(50_100, 50_000, first.result.sequential!.p_value)
    expect(later.result.p_value).toBeGreaterThan(0.5)
    expect(later.result).toMatchObject({
      status: "mismatch",
      sequential: { p_value: first.result.sequential!.p_value }
    })
    expect(later.findings[0]!.sentence).toContain("at an earlier look")
  })

  it("takes the alarm's level from who asks", () => {
    const check = checkSampleRatio({
      variants: [{ key: "a", share: 1, n: 44_700 }, { key: "b", share: 1, n: 45_489 }],
      alarmBelow: 0.01
    })
    expect(check.result).toMatchObject({ status: "mismatch", alarm_below: 0.01 })
  })
})
