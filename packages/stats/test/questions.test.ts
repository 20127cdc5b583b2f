/** Questions in full: published examples, agreement of interval and test in every engine, covariates, margins, small counts, JSON. */
import { Moments } from "@assay/model"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  type Analysis,
  bayesianWith,
  calc,
  type Engine,
  engines,
  frequentistWith,
  type Question,
  sequentialWith
} from "../src/index.ts"
import { anyArm, ordinaryPair, proportionArm } from "./arbitraries.ts"

const sample = (values: ReadonlyArray<number>): Moments.Moments => Moments.fromValues(1, values.map((x) => [x]))

const usual = { estimand: { kind: "mean" }, direction: "up", confidence: 0.95, contrast: "absolute" } as const

const answer = (engine: Engine, question: Question): Analysis => {
  const found = engine.analyse(question)
  if (found.status === "withheld") throw new Error(found.sentence)
  return found
}

describe("published examples (ClickHouse's documentation of welchTTest and studentTTest)", () => {
  const [control, treatment] = [sample([18.9, 20.3, 19]), sample([20.3, 22.1, 21.9])]

  it("Welch", () => {
    expect(answer(engines.frequentist, { ...usual, control, treatment })).toMatchObject({
      statistic: expect.closeTo(2.7988719532211235, 10),
      p_value: expect.closeTo(0.05180736034858523, 10),
      ci_low: expect.closeTo(-0.0262943466716319, 10),
      ci_high: expect.closeTo(4.092961013338302, 10)
    })
  })

  it("pooled", () => {
    expect(answer(frequentistWith({ variance: "pooled" }), { ...usual, control, treatment })).toMatchObject({
      p_value: expect.closeTo(0.04886771335254863, 10),
      ci_low: expect.closeTo(0.0162927, 6),
      ci_high: expect.closeTo(4.0503739, 6),
      degrees_of_freedom: 4
    })
  })
})

const tuned: ReadonlyArray<Engine> = [
  engines.bayesian,
  engines.frequentist,
  frequentistWith({ variance: "pooled" }),
  frequentistWith({ interval: "delta" }),
  engines.sequential,
  sequentialWith({ tuning: 200 })
]

const margins = fc.constantFrom(
  undefined,
  { value: 0.01, on: "relative" as const },
  { value: -0.05, on: "relative" as const },
  { value: 0.02, on: "absolute" as const }
)

describe("interval and test agree in every engine", () => {
  it("for both contrasts, all alternatives, and margins on the contrast's own scale", () => {
    fc.assert(
      fc.property(
        fc.oneof(ordinaryPair, fc.record({ control: proportionArm, treatment: proportionArm })),
        fc.constantFrom(...tuned),
        fc.constantFrom("relative" as const, "absolute" as const),
        fc.constantFrom("two-sided" as const, "greater" as const, "less" as const),
        fc.constantFrom("mean" as const, "proportion" as const),
        fc.constantFrom(0.8, 0.95, 0.99),
        margins,
        (pair, engine, contrast, alternative, kind, confidence, margin) => {
          fc.pre(margin === undefined || margin.on === contrast)
          const found = engine.analyse({
            ...pair,
            estimand: { kind },
            direction: "up",
            confidence,
            contrast,
            alternative,
            ...(margin === undefined ? {} : { margin })
          })
          fc.pre(found.status === "ok")
          const ok = found
          const nothing = margin?.value ?? 0
          const excludes = (ok.ci_low !== null && ok.ci_low > nothing) || (ok.ci_high !== null && ok.ci_high < nothing)
          expect(excludes).toBe(ok.p_value < 1 - confidence)
        }
      ),
      { numRuns: 2000 }
    )
  })

  it("and whatever the moments, no number is NaN, infinite or −0", () => {
    fc.assert(
      fc.property(
        anyArm,
        anyArm,
        fc.constantFrom(...tuned, bayesianWith({ prior: { mean: 0, sd: 0.1, on: "relative" } }), engines.delta),
        fc.constantFrom("relative" as const, "absolute" as const),
        fc.constantFrom("two-sided" as const, "greater" as const),
        (control, treatment, engine, contrast, alternative) => {
          const found = engine.analyse({ ...usual, control, treatment, contrast, alternative })
          const numbers = JSON.stringify(
            found,
            (_, x: unknown) => typeof x === "number" && (!Number.isFinite(x) || Object.is(x, -0)) ? "bad" : x
          )
          expect(numbers).not.toContain("bad")
        }
      ),
      { numRuns: 2000 }
    )
  })
})

describe("a covariate", () => {
  const pair = (rho: number) => ({
    control: Moments.fromCentral(1000, [10, 5], [[4, 2 * rho], [2 * rho, 1]]),
    treatment: Moments.fromCentral(1000, [10.2, 5.01], [[4, 2 * rho], [2 * rho, 1]])
  })
  const estimand = { kind: "mean", covariate: { numerator: 1 } } as const

  it("explains ρ² of the variance and takes its own chance difference out", () => {
    const found = answer(engines.frequentist, { ...usual, ...pair(0.8), estimand })
    expect(found.adjustment?.variance_reduction).toBeCloseTo(0.64, 2)
    expect(found.difference).toBeCloseTo(0.2 - 0.01 * found.adjustment!.theta, 12)
    const plain = answer(engines.frequentist, { ...usual, ...pair(0.8) })
    expect(found.standard_error / plain.standard_error).toBeCloseTo(0.6, 2)
  })

  it("with a shift of it, or another scale, gives the same result", () => {
    fc.assert(fc.property(
      fc.double({ min: -0.95, max: 0.95, noNaN: true }),
      fc.double({ min: 0.01, max: 100, noNaN: true }),
      fc.double({ min: -50, max: 50, noNaN: true }),
      (rho, by, shift) => {
        const { control, treatment } = pair(rho)
        const moved = (m: Moments.Moments) => {
          const cov = [0, 1].map((i) =>
            [0, 1].map((j) => Moments.covariance(m, i, j) * (i === 1 ? by : 1) * (j === 1 ? by : 1))
          )
          return Moments.fromCentral(m.n, [Moments.mean(m, 0), Moments.mean(m, 1) * by + shift], cov)
        }
        const a = answer(engines.bayesian, { ...usual, control, treatment, estimand, contrast: "relative" })
        const b = answer(engines.bayesian, {
          ...usual,
          control: moved(control),
          treatment: moved(treatment),
          estimand,
          contrast: "relative"
        })
        expect(b.lift).toBeCloseTo(a.lift!, 9)
        expect(b.ci_low).toBeCloseTo(a.ci_low!, 9)
      }
    ))
  })

  it("without variance changes nothing and says so", () => {
    const flat = (m: number) => Moments.fromCentral(100, [m, 3], [[4, 0], [0, 0]])
    const found = answer(engines.bayesian, { ...usual, control: flat(10), treatment: flat(11), estimand })
    const plain = answer(engines.bayesian, { ...usual, control: flat(10), treatment: flat(11) })
    expect(found).toMatchObject({ ...plain, adjustment: { theta: 0, variance_reduction: 0 } })
    expect(found.adjustment?.fallback).toContain("no variance")
  })

  it("that nobody in an arm has changes nothing and says so", () => {
    const hundred = (rows: ReadonlyArray<ReadonlyArray<number>>) =>
      Moments.fromValues(3, Array.from({ length: 100 }, (_, i) => rows[i % rows.length]!))
    const some = hundred([[1, 4, 1], [2, 3, 1], [4, 0, 0], [3, 2, 1]])
    const none = hundred([[2, 0, 0], [1, 0, 0], [4, 0, 0], [4, 0, 0]])
    const having = { kind: "mean", covariate: { numerator: 1, denominator: 2 } } as const
    for (const [control, treatment] of [[some, none], [none, some], [none, none]] as const) {
      const found = answer(engines.bayesian, { ...usual, control, treatment, estimand: having })
      expect(found).toMatchObject({
        ...answer(engines.bayesian, { ...usual, control, treatment }),
        adjustment: { theta: 0, variance_reduction: 0 }
      })
      expect(found.adjustment?.fallback).toContain("An arm has no identity with the covariate")
    }
  })

  it("has one θ for all treatments when the moments of all arms are given", () => {
    const { control, treatment } = pair(0.5)
    const other = Moments.fromCentral(500, [9, 4], [[4, 1.6], [1.6, 1]])
    const pooled = [treatment, other].reduce(Moments.merge, control)
    const [a, b] = [treatment, other].map((arm) =>
      answer(engines.bayesian, { ...usual, control, treatment: arm, estimand, pooled }).adjustment!.theta
    )
    expect(a).toBe(b)
  })
})

describe("the Bayesian engine", () => {
  const { control, treatment } = {
    control: Moments.fromSums(1000, 100, 100),
    treatment: Moments.fromSums(1000, 120, 120)
  }

  it("with an ever wider prior becomes flat, with an ever narrower one the prior", () => {
    const ask = (sd: number) =>
      answer(bayesianWith({ prior: { mean: 0, sd, on: "absolute" } }), { ...usual, control, treatment })
    const flat = answer(engines.bayesian, { ...usual, control, treatment })
    expect(ask(1e6).ci_low).toBeCloseTo(flat.ci_low!, 9)
    expect(ask(1e6).chance_to_win).toBeCloseTo(flat.chance_to_win, 9)
    expect(ask(1e-9).chance_to_win).toBeCloseTo(0.5, 6)
    expect(ask(1e-9).ci_high).toBeCloseTo(0, 6)
    expect(ask(0.01).p_value).toBe(flat.p_value)
    expect(() => bayesianWith({ prior: { mean: 0, sd: 0, on: "relative" } })).toThrow("above 0")
  })

  it("losses differ by the posterior mean, and mirror with the arms", () => {
    fc.assert(fc.property(ordinaryPair, (pair) => {
      const there = engines.bayesian.analyse({ ...usual, ...pair })
      const back = engines.bayesian.analyse({ ...usual, control: pair.treatment, treatment: pair.control })
      fc.pre(there.status === "ok" && back.status === "ok")
      const [a, b] = [there, back]
      const scale = Math.abs(a.difference) + a.standard_error
      expect(Math.abs(a.expected_loss!.control - a.expected_loss!.treatment - a.posterior!.mean)).toBeLessThan(
        1e-9 * scale
      )
      expect(Math.abs(a.expected_loss!.control - b.expected_loss!.treatment)).toBeLessThan(1e-9 * scale)
    }))
  })

  it("gives the chance beyond a margin: half at the estimate", () => {
    const found = answer(engines.bayesian, { ...usual, control, treatment, margin: { value: 0.02, on: "absolute" } })
    expect(found.chance_beyond_margin).toBeCloseTo(0.5, 10)
  })
})

describe("the sequential engine", () => {
  it("is never less cautious than the fixed test, and its e-value is its p-value", () => {
    fc.assert(fc.property(ordinaryPair, (pair) => {
      const found = engines.sequential.analyse({ ...usual, ...pair })
      const fixed = engines.bayesian.analyse({ ...usual, ...pair })
      fc.pre(found.status === "ok" && fixed.status === "ok")
      const [a, b] = [found, fixed]
      expect(a.p_value).toBeGreaterThanOrEqual(b.p_value)
      if (a.standard_error > 0) expect(a.p_value).toBeCloseTo(Math.min(1, Math.exp(-a.log_e!)), 12)
    }))
  })
})

describe("small counts", () => {
  it("are tested exactly, in proportions only, and the result says so", () => {
    const [control, treatment] = [Moments.fromSums(40, 1, 1), Moments.fromSums(45, 6, 6)]
    const proportion = answer(engines.frequentist, { ...usual, control, treatment, estimand: { kind: "proportion" } })
    expect(proportion).toMatchObject({
      method: "Fisher's exact test, score interval",
      p_value: expect.closeTo(0.11397286899870877, 9)
    })
    expect(answer(engines.frequentist, { ...usual, control, treatment })).not.toHaveProperty("method")
  })
})

describe("calc", () => {
  const control = { n: 1000, sum: 100, sum_squares: 100 }
  const treatment = { n: 1000, sum: 120, sum_squares: 120 }

  it("reads every form of moments alike", () => {
    const variance = (100 - 10) / 999
    const forms = [
      control,
      { n: 1000, mean: 0.1, variance },
      { n: 1000, columns: ["x"], sum: [100], products: [[100]] },
      { n: 1000, columns: ["x"], mean: [0.1], covariance: [[variance]] }
    ]
    const lifts = forms.map((form) => calc({ op: "compare", control: form, treatment: form }))
    for (const found of lifts) {
      expect(found).toMatchObject({ status: "ok", lift: 0, p_value: 1, standard_error: expect.closeTo(0.1342, 4) })
    }
  })

  it("keeps to the names of columns, whatever their order", () => {
    const mean = [20, 2, 18]
    const covariance = [[90, 6, 50], [6, 1, 4], [50, 4, 80]]
    const order = [2, 0, 1]
    const shuffled = {
      n: 500,
      columns: order.map((i) => ["r", "o", "b"][i]),
      mean: order.map((i) => mean[i]),
      covariance: order.map((i) => order.map((j) => covariance[i]![j]))
    }
    expect(calc({
      op: "compare",
      estimand: { numerator: "r", denominator: "o", covariate: "b" },
      control: { n: 500, columns: ["r", "o", "b"], mean, covariance },
      treatment: shuffled
    })).toMatchObject({ status: "ok", lift: 0, difference: 0 })
  })

  it("gives null for an infinite bound, and a reason for what it withholds", () => {
    expect(calc({ op: "compare", alternative: "greater", control, treatment })).toMatchObject({ ci_high: null })
    expect(calc({ op: "compare", control: { n: 100, mean: -1, variance: 1 }, treatment })).toMatchObject({
      status: "withheld",
      reason: "control_mean_not_positive"
    })
  })

  it("says what is wrong with a request", () => {
    const wrong: ReadonlyArray<readonly [unknown, string]> = [
      [[], "must be a JSON object"],
      [{ op: "divide" }, "\"op\" must be one of compare"],
      [{ op: "compare", treatment }, "\"control\" must be an object; it is missing"],
      [{ op: "compare", control, treatment, confidense: 1 }, "has no field \"confidense\""],
      [{ op: "compare", control, treatment, confidence: 95 }, "between 0 and 1"],
      [{ op: "compare", control, treatment, engine: "magic" }, "\"engine\" must be one of bayesian"],
      [{ op: "compare", control: { n: 10, sum: 5 }, treatment }, "must have the form"],
      [{ op: "compare", control: { n: 10, sum: 50, sum_squares: 1 }, treatment }, "at least sum²/n"],
      [
        { op: "compare", control, treatment, estimand: { numerator: "x", denominator: "y" } },
        "needs moments with \"columns\""
      ],
      [{ op: "compare", control, treatment, tuning: -1, engine: "sequential" }, "\"tuning\" must be above 0"],
      [{ op: "adjust", method: "holm", p_values: [2] }, "between 0 and 1"],
      [{ op: "adjust", method: "holm", p_values: ["a"] }, "array of finite numbers"],
      [
        { op: "power", baseline: { proportion: 0.1 }, effect: { value: 0.1 } },
        "\"n\" must be a finite number; it is missing"
      ],
      [{ op: "sample_size", baseline: { proportion: 2 }, effect: { value: 0.1 } }, "between 0 and 1"]
    ]
    for (const [request, text] of wrong) expect(calc(request)).toEqual({ error: expect.stringContaining(text) })
  })
})
