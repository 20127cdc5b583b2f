import type { Aggregates, Plan } from "@assay/aggregation"
import { Instant, Moments, ResultsSummary } from "@assay/model"
import { type Engine, engines } from "@assay/stats"
import { Schema } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { summarize, type SummaryInput } from "../src/index.ts"
import { aggregatesOf, conversions, planOf, provenance } from "./plans.ts"
import { contextOf, end, measuring, start } from "./world.ts"

const inputOf = (planned: Plan, aggregates: Partial<Aggregates> = {}, more: Partial<SummaryInput> = {}) => ({
  plan: planned,
  aggregates: aggregatesOf(planned, aggregates),
  engine: engines.bayesian,
  confidence: 0.95,
  asOf: contextOf().asOf,
  provenance,
  ...more
})

const decodes = Schema.is(ResultsSummary)

/** Moments of any arm, from nobody to millions, and from values of any size that a float can square. */
const moments = fc.oneof(
  fc.constant(Moments.empty(1)),
  fc.tuple(fc.nat(2_000_000), fc.nat(2_000_000)).map(([a, b]) => conversions(a + b, b)),
  fc.array(fc.double({ min: -1e90, max: 1e90, noNaN: true }), { maxLength: 200 }).map((values) =>
    Moments.fromValues(1, values.map((value) => [value]))
  )
)

describe("summarize", () => {
  it("gives well-formed JSON for any moments: NaN and Infinity never reach it, and each number is there or withheld", () => {
    const planned = planOf()
    fc.assert(
      fc.property(
        moments,
        moments,
        fc.constantFrom("bayesian" as const, "delta" as const, "frequentist" as const, "sequential" as const),
        (control, treatment, name) => {
          const summary = summarize(inputOf(planned, {
            identities: { control: control.n, treatment: treatment.n },
            moments: [{ control, treatment }]
          }, { engine: engines[name] }))
          expect(decodes(JSON.parse(JSON.stringify(summary)))).toBe(true)
          const [metric] = summary.metrics
          expect(metric!.inference["treatment"] === null).toBe("treatment" in metric!.withheld)
        }
      )
    )
  })

  it("doesn't let the last digits of a sum of fractions out, and keeps whole numbers whole", () => {
    const of = (sum: number) =>
      summarize(inputOf(planOf(), {
        moments: [{ control: Moments.fromSums(1000, sum, sum), treatment: conversions(1000, 100) }]
      })).metrics[0]!.variants["control"]!.sum
    expect(of(0.1 + 0.2)).toBe(0.3)
    expect(of(13908.330000000002)).toBe(13908.33)
    expect(of(9_007_199_254_740_991)).toBe(9_007_199_254_740_991)
    expect(of(3_068_811_771)).toBe(3_068_811_771)
  })

  it("puts the gravest finding first", () => {
    const summary = summarize(
      inputOf(planOf(), {
        identities: { control: 1000, treatment: 500 },
        earlyEvents: 1,
        undeclaredExposed: 1,
        quarantined: 1
      })
    )
    expect(summary.findings.map((one) => one.severity)).toEqual(["alarm", "warning", "info", "info"])
    expect(summary.findings[0]!.code).toBe("sample_ratio_mismatch")
  })

  it("gives no verdict while an alarm stands, and gives one under warnings", () => {
    const words = (more: Partial<Aggregates>) =>
      summarize(inputOf(planOf(), more)).metrics.map((one) => one.verdict["treatment"])
    expect(words({})).toEqual(["winning"])
    expect(words({ quarantined: 1000, undeclaredExposed: 10 })).toEqual(["winning"])
    expect(words({ identities: { control: 1000, treatment: 500 } })).toEqual(["not to be trusted"])
  })

  it("is running until the end, and ended from the end on", () => {
    const state = (asOf: number) => summarize(inputOf(planOf({}, asOf), {}, { asOf })).state
    expect([start + 1, end - 1, end, end + 1].map(state)).toEqual(["running", "running", "ended", "ended"])
    const { ended_at: _, ...experiment } = planOf().experiment
    expect(summarize(inputOf({ ...planOf(), experiment }, {}, { asOf: end * 2 })).state).toBe("running")
  })

  it("takes the confidence asked for", () => {
    const width = (confidence: number) => {
      const inference = summarize(inputOf(planOf(), {}, { confidence })).metrics[0]!.inference["treatment"]!
      return inference.ci_high - inference.ci_low
    }
    expect(width(0.99)).toBeGreaterThan(width(0.95))
    expect(summarize(inputOf(planOf(), {}, { confidence: 0.9 })).engine).toEqual({
      name: "bayesian",
      confidence: 0.9,
      decides_by: "chance to win"
    })
  })

  it("never words more than the interval says where the engine decides by its test", () => {
    const words = (engine: Engine) => {
      const moments = [{ control: conversions(1000, 100), treatment: conversions(1000, 127) }]
      const [metric] = summarize(inputOf(planOf(), { moments }, { engine })).metrics
      return { word: metric!.verdict["treatment"], inference: metric!.inference["treatment"]! }
    }
    const { inference, word } = words(engines.sequential)
    expect(inference.chance_to_win).toBeGreaterThan(0.95)
    expect(inference.ci_low).toBeLessThan(0)
    expect(word).toBe("inconclusive")
    expect(words(engines.bayesian).word).toBe("winning")
  })

  it("keeps arms and metrics in the order of the definition, and times in UTC", () => {
    const summary = summarize(inputOf(planOf(measuring(["revenue", "purchased"]))))
    expect(summary.variants.map(({ key, n }) => [key, n])).toEqual([["control", 1000], ["treatment", 1000]])
    expect(summary.metrics.map(({ metric_id, role }) => [metric_id, role])).toEqual([
      ["revenue", "goal"],
      ["purchased", "secondary"]
    ])
    expect(summary.window).toEqual({ from: Instant.fromMillis(start), to: Instant.fromMillis(end) })
  })
})
