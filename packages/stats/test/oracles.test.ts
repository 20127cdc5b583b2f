/** Both engines against 50-digit arithmetic from the definitions (tools/oracles/comparisons.py), and published figures. */
import { type Direction, Moments } from "@assay/model"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { compareToControl, engines, type Estimand, estimate } from "../src/index.ts"
import { ok } from "./ok.ts"

interface Arm {
  readonly n: number
  readonly sums: ReadonlyArray<number>
  readonly comoments: ReadonlyArray<ReadonlyArray<number>>
}
const names = [
  "lift",
  "ci_low",
  "ci_high",
  "chance_to_win",
  "difference",
  "difference_ci_low",
  "difference_ci_high",
  "standard_error",
  "p_value"
] as const
type Figures = Readonly<Record<(typeof names)[number], number>>

interface Case {
  readonly estimand: Estimand["kind"]
  readonly control: Arm
  readonly treatment: Arm
  readonly direction: Direction
  readonly confidence: number
  readonly expected: { readonly delta: Figures; readonly bayesian: Figures | null }
}

const cases: ReadonlyArray<Case> = JSON.parse(
  readFileSync(new URL("oracles/comparisons.json", import.meta.url), "utf8")
)

const moments = (arm: Arm): Moments.Moments => ({ ...arm, products: arm.comoments })

const relative = 1e-9
/** Rounding of a mean that comes from a sum: what two 64-bit means lose when they cancel. */
const rounding = 8 * Number.EPSILON

/** Every number of the engine that is farther from its oracle than 1e-9, cancellation of the means apart. */
const misses = (engine: "bayesian" | "delta"): ReadonlyArray<unknown> =>
  cases.flatMap((c): ReadonlyArray<unknown> => {
    const estimand: Estimand = { kind: c.estimand }
    const [control, treatment] = [moments(c.control), moments(c.treatment)]
    const actual = compareToControl(engines[engine], { ...c, estimand, control, treatment })
    const expected = c.expected[engine]
    if (expected === null) return actual.status === "withheld" ? [] : [{ c, actual }]
    if (actual.status === "withheld") return [{ c, actual }]
    const mc = Math.abs(estimate(estimand, control)!.value)
    const mt = Math.abs(estimate(estimand, treatment)!.value)
    const unit = rounding * Math.max(mc, mt)
    const z = expected.standard_error === 0 ? 0 : Math.abs(expected.difference) / expected.standard_error
    const shift = expected.standard_error === 0 ? 0 : (unit / expected.standard_error) * (z + 1)
    // A lift's interval ends where a test of mt − ρ·mc tips over: its bounds carry the rounding of the whole interval.
    const width = (expected.ci_high - expected.ci_low) * 1e-12
    const slack: Figures = {
      difference: unit,
      difference_ci_low: unit,
      difference_ci_high: unit,
      standard_error: 0,
      lift: unit / mc,
      ci_low: unit / mc + width,
      ci_high: unit / mc + width,
      p_value: shift * expected.p_value,
      chance_to_win: shift * expected.chance_to_win
    }
    return names
      .filter((name) => !(Math.abs(actual[name] - expected[name]) <= relative * Math.abs(expected[name]) + slack[name]))
      .map((name) => ({ name, actual: actual[name], expected: expected[name], c }))
  })

describe("engines against values from the definitions", () => {
  it("has at least 200 cases", () => {
    expect(cases.length).toBeGreaterThanOrEqual(200)
  })
  it("delta: all numbers of all cases", () => {
    expect(misses("delta")).toEqual([])
  })
  it("bayesian: all numbers of all cases", () => {
    expect(misses("bayesian")).toEqual([])
  })
})

const sample = (values: ReadonlyArray<number>): Moments.Moments => Moments.fromValues(1, values.map((x) => [x]))

/** An arm whose sample variance is p(1−p), without the correction n/(n−1). */
const uncorrected = (n: number, successes: number): Moments.Moments => {
  const p = successes / n
  return { n, sums: [successes], products: [[successes]], comoments: [[p * (1 - p) * (n - 1)]] }
}

const chance = (engine: "bayesian" | "delta", control: number, treatment: number): number =>
  ok(compareToControl(engines[engine], {
    control: Moments.fromSums(100, control, control),
    treatment: Moments.fromSums(100, treatment, treatment),
    estimand: { kind: "proportion" },
    direction: "up",
    confidence: 0.95
  })).chance_to_win

describe("engines against published figures", () => {
  it("difference over standard error is Welch's t of ClickHouse's documentation (welchTTest)", () => {
    const result = ok(compareToControl(engines.bayesian, {
      control: sample([18.9, 20.3, 19]),
      treatment: sample([20.3, 22.1, 21.9]),
      estimand: { kind: "mean" },
      direction: "up",
      confidence: 0.95
    }))
    expect(result.difference / result.standard_error).toBeCloseTo(2.7988719532211235, 11)
  })

  it("z and p-value are those of ClickHouse's unpooled proportionsZTest, given its variance p(1−p)", () => {
    const result = ok(compareToControl(engines.bayesian, {
      control: uncorrected(101, 11),
      treatment: uncorrected(100, 10),
      estimand: { kind: "proportion" },
      direction: "up",
      confidence: 0.5
    }))
    expect(result.difference / result.standard_error).toBeCloseTo(-0.20656724435948853, 12)
    expect(result.p_value).toBeCloseTo(0.8363478437079654, 12)
  })

  it("5 of 100 against 15 of 100: the delta chance isn't mirrored, the default's is", () => {
    expect(chance("delta", 5, 15)).toBeCloseTo(0.909, 3)
    expect(1 - chance("delta", 15, 5)).toBeCloseTo(1, 3)
    expect(chance("bayesian", 5, 15)).toBeCloseTo(0.991, 3)
    expect(chance("bayesian", 5, 15) + chance("bayesian", 15, 5)).toBeCloseTo(1, 14)
  })
})
