import { describe, expect, it } from "vitest"
import { incrementsOf } from "../src/Increments.ts"
import { metric, planned } from "./fixtures.ts"

const of = (...metrics: ReadonlyArray<ReturnType<typeof metric>>) => {
  const plan = planned(metrics, { series: true })
  return incrementsOf(plan, plan.metrics.map((_, m) => m))
}

describe("increments", () => {
  it("are of one shape for metrics that differ by their events alone", () => {
    const found = of(...["a", "b", "c"].map((key) => metric(key, { event: key })))!
    expect(found.shapes).toHaveLength(1)
    expect(found.totals).toEqual([{ slot: 0, of: "numbers" }])
    expect(found.measures.map(({ measure, slots }) => [measure, slots.length])).toEqual([[0, 1], [1, 1], [2, 1]])
  })

  it("take the number of events and their sum from the same events, and others from others", () => {
    const [ratio] = of(metric("per order", { aggregation: "ratio" }))!.measures
    expect(ratio!.slots).toEqual([{ stream: 0, number: { kind: "value" } }])
    const [before] = of(metric("revenue", { covariate: { lookback: "7d" } }))!.measures
    expect(before!.slots.map(({ stream }) => stream)).toEqual([0, 1])
  })

  it("put measures in the order of their shapes", () => {
    const found = of(
      metric("bought", { aggregation: "occurrence" }),
      metric("revenue"),
      metric("bought again", { aggregation: "occurrence", event: "again" })
    )!
    expect(found.measures.map(({ measure, shape }) => [measure, shape])).toEqual([[0, 0], [2, 0], [1, 1]])
  })

  it("aren't there where a metric isn't a sum over single events, or has a trait as covariate", () => {
    expect(of(metric("revenue"), metric("order", { aggregation: "largest" }))).toBeUndefined()
    expect(of(metric("revenue", { covariate: { trait: "country" } }))).toBeUndefined()
  })
})
