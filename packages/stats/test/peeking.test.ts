/** What looking again and again does to the verdict (docs/statistics.md, "Looking more than once"). */
import { Moments } from "@assay/model"
import { describe, expect, it } from "vitest"
import { compareToControl, engines, verdictWord } from "../src/index.ts"

/** Mulberry32: a small seeded generator of numbers in (0, 1). */
const uniform = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 2 ** 32
  }
}

/** Standard normal numbers by Box and Muller (1958). */
const normal = (next: () => number) => () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next())

const perLook = 1000
const [mean, sd] = [10, 2]

/** The share of A/A tests that are called winning or losing at one of so many equally spaced looks. */
const called = (looks: number, tests: number, seed: number): number => {
  const draw = normal(uniform(seed))
  let wrong = 0
  for (let test = 0; test < tests; test++) {
    let [control, treatment] = [0, 0]
    for (let look = 1; look <= looks; look++) {
      control += perLook * mean + sd * Math.sqrt(perLook) * draw()
      treatment += perLook * mean + sd * Math.sqrt(perLook) * draw()
      const n = look * perLook
      const comparison = compareToControl(engines.bayesian, {
        control: Moments.fromCentral(n, [control / n], [[sd * sd]]),
        treatment: Moments.fromCentral(n, [treatment / n], [[sd * sd]]),
        estimand: { kind: "mean" },
        direction: "up",
        confidence: 0.95
      })
      if (verdictWord({ comparison, direction: "up", trusted: true }) !== "inconclusive") {
        wrong += 1
        break
      }
    }
  }
  return wrong / tests
}

describe("stopping an A/A test at the first verdict", () => {
  it("is wrong in 10 % of tests at one look", () => {
    const share = called(1, 20_000, 1)
    expect(share).toBeGreaterThan(0.09)
    expect(share).toBeLessThan(0.11)
  })

  it("is wrong in about 38 % of tests at 14 looks", () => {
    const share = called(14, 20_000, 2)
    expect(share).toBeGreaterThan(0.35)
    expect(share).toBeLessThan(0.41)
  })
})
