/** All engines against an independent implementation at 40 digits (tools/oracles/engines.py). */
import { type Direction, Moments } from "@assay/model"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import {
  type AdjustmentMethod,
  adjustPValues,
  type Alternative,
  type Analysis,
  bayesianWith,
  type Engine,
  type Estimand,
  fisherExact,
  frequentistWith,
  newcombe,
  type Prior,
  sequentialWith
} from "../src/index.ts"

interface Arm {
  readonly n: number
  readonly mean: ReadonlyArray<number>
  readonly covariance: ReadonlyArray<ReadonlyArray<number>>
}
interface Case {
  readonly engine: "bayesian" | "frequentist" | "sequential"
  readonly estimand: Estimand
  readonly control: Arm
  readonly treatment: Arm
  readonly contrast: "relative" | "absolute"
  readonly alternative: Alternative
  readonly confidence: number
  readonly direction: Direction
  readonly variance: "welch" | "pooled"
  readonly interval: "fieller" | "delta"
  readonly tuning: number
  readonly prior?: Prior
  readonly expected: Readonly<Record<string, number | null>>
}

const table = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`oracles/${name}.json`, import.meta.url), "utf8"))
const adjusted = table("multiplicity") as ReadonlyArray<
  [ReadonlyArray<number>, Readonly<Record<string, ReadonlyArray<number>>>]
>
const counts = table("counts") as ReadonlyArray<
  [number, number, number, number, [number, number, number], [number, number]]
>

const engineOf = (c: Case): Engine =>
  c.engine === "bayesian"
    ? bayesianWith(c.prior === undefined ? {} : { prior: c.prior })
    : c.engine === "frequentist"
    ? frequentistWith(c)
    : sequentialWith(c)

const momentsOf = (arm: Arm): Moments.Moments => Moments.fromCentral(arm.n, arm.mean, arm.covariance)

const figuresOf = (a: Analysis): Readonly<Record<string, number | null>> => ({
  lift: a.lift,
  difference: a.difference,
  standard_error: a.standard_error,
  ci_low: a.ci_low,
  ci_high: a.ci_high,
  statistic: a.statistic,
  degrees_of_freedom: a.degrees_of_freedom,
  p_value: a.p_value,
  chance_to_win: a.chance_to_win,
  log_e: a.log_e ?? null,
  theta: a.adjustment?.theta ?? null,
  loss_control: a.expected_loss?.control ?? null,
  loss_treatment: a.expected_loss?.treatment ?? null
})

/**
 * What a rounding of the means in their last bits does to a figure: the difference of two means near each other has no more digits
 * than that, and everything after it inherits the loss. `unit` is in units of the difference, `z` in standard errors.
 */
const slackOf = (c: Case, name: string, expected: number): number => {
  const figure = (key: string): number => c.expected[key] ?? 0
  const [difference, lift, se, statistic] = ["difference", "lift", "standard_error", "statistic"].map(figure) as [
    number,
    number,
    number,
    number
  ]
  const mean = Math.max(...[c.control, c.treatment].map((arm) => Math.abs(arm.mean[0]!)))
  const control = difference === 0 ? mean : Math.abs(difference / lift)
  const derived = c.estimand.kind === "ratio" || c.estimand.covariate !== undefined
  const value = derived ? control + Math.abs(difference) : mean
  const theta = Math.abs(figure("theta")) * Math.abs(c.control.mean.at(-1)!)
  const unit = 16 * Number.EPSILON * (Math.max(value, control) + theta)
  const z = unit / (c.contrast === "relative" ? se * control : se)
  switch (name) {
    case "difference":
      return unit
    case "lift":
      return unit / control
    case "ci_low":
    case "ci_high":
    case "loss_control":
    case "loss_treatment":
      return c.contrast === "relative" ? (unit / control) * (1 + Math.abs(expected)) : unit
    case "statistic":
      return z
    case "p_value":
    case "chance_to_win":
      return (Math.abs(statistic) + 1) * z * expected
    case "log_e":
      return (Math.abs(statistic) + 1) * z + 1e-12
    // Means of uncorrelated columns: θ is 0 but for the means' own rounding.
    case "theta": {
      const variances = c.control.covariance.map((row, i) => row[i]!)
      return 1e-12 * Math.sqrt(variances[0]! / variances.at(-1)!)
    }
    default:
      return 0
  }
}

const relative = 1e-9

describe.each(["bayesian", "frequentist", "sequential"] as const)("%s", (engine) => {
  const cases = table(engine) as ReadonlyArray<Case>

  it("agrees in every figure of at least 500 random inputs", () => {
    expect(cases.length).toBeGreaterThanOrEqual(500)
    expect(
      cases.flatMap((c) => {
        const answer = engineOf(c).analyse({
          ...c,
          control: momentsOf(c.control),
          treatment: momentsOf(c.treatment)
        })
        if (answer.status === "withheld") return [{ c, answer }]
        const actual = figuresOf(answer)
        return Object.entries(c.expected).flatMap(([name, expected]): ReadonlyArray<unknown> => {
          const found = actual[name] ?? null
          if (expected === null) return name === "log_e" || found === null ? [] : [{ name, expected, found, c }]
          const close = found !== null &&
            Math.abs(found - expected) <= relative * Math.abs(expected) + slackOf(c, name, expected)
          return close ? [] : [{ name, expected, found, c: JSON.stringify(c) }]
        })
      }).slice(0, 5)
    ).toEqual([])
  })
})

it("adjusted p-values are those of statsmodels", () => {
  for (const [p, byMethod] of adjusted) {
    for (const [method, expected] of Object.entries(byMethod)) {
      const actual = adjustPValues(method as AdjustmentMethod, p)
      for (const [i, x] of expected.entries()) expect(actual[i]).toBeCloseTo(x, 12)
    }
  }
})

it("Fisher's exact test is scipy's, Newcombe's interval statsmodels'", () => {
  for (const [kc, nc, kt, nt, p, [low, high]] of counts) {
    const [control, treatment] = [{ n: nc, successes: kc }, { n: nt, successes: kt }]
    for (const [i, alternative] of (["two-sided", "greater", "less"] as const).entries()) {
      expect(Math.abs(fisherExact(control, treatment, alternative) / p[i]! - 1)).toBeLessThan(1e-9)
    }
    const interval = newcombe(control, treatment, 1.959963984540054)
    expect(interval.low).toBeCloseTo(low, 9)
    expect(interval.high).toBeCloseTo(high, 9)
  }
})
