import { describe, expect, it } from "vitest"
import { incrementsOf, tellingSteps } from "../src/Increments.ts"
import { metric, planned } from "./fixtures.ts"

const of = (...metrics: ReadonlyArray<ReturnType<typeof metric>>) => {
  const plan = planned(metrics, { series: true })
  return incrementsOf(plan, plan.metrics.map((_, m) => m))
}

const slotsOf = (increments: ReturnType<typeof of>) =>
  increments.shapes.map(({ measures }) => measures.map(({ measure, slots }) => [measure, slots.length]))

describe("increments", () => {
  it("are of one shape for metrics that differ by their events alone", () => {
    const found = of(...["a", "b", "c"].map((key) => metric(key, { event: key })))
    expect(found.shapes.map(({ totals }) => totals)).toEqual([[{ slot: 0, of: "numbers" }]])
    expect(slotsOf(found)).toEqual([[[0, 1], [1, 1], [2, 1]]])
  })

  it("take the number of events and their sum from the same events, and others from others", () => {
    const [ratio] = of(metric("per order", { aggregation: "ratio" })).shapes[0]!.measures
    expect(ratio!.slots).toEqual([{ stream: 0, number: { kind: "value" } }])
    const [before] = of(metric("revenue", { covariate: { lookback: "7d" } })).shapes[0]!.measures
    expect(before!.slots).toMatchObject([{ stream: 0 }, { stream: 1 }])
  })

  it("put measures of the same shape together", () => {
    const found = of(
      metric("bought", { aggregation: "occurrence" }),
      metric("revenue"),
      metric("bought again", { aggregation: "occurrence", event: "again" })
    )
    expect(slotsOf(found)).toEqual([[[0, 1], [2, 1]], [[1, 1]]])
  })

  it("have steps for what isn't a sum over single events, once for each age and time of being old enough", () => {
    const order = { aggregation: "largest" }
    const found = of(
      metric("revenue"),
      metric("order", order),
      metric("the same", { ...order, covariate: { trait: "country" } }),
      metric("early order", { ...order, window: "1d" })
    )
    expect(found.steps.map(({ accumulator, age }) => [accumulator, age])).toEqual([[1, 0], [2, 86_400_000]])
    expect(slotsOf(found)).toEqual([[[0, 1]], [[1, 1], [3, 1]], [[2, 1]]])
    expect(found.shapes.map(({ totals }) => totals[0]!.of)).toEqual(["numbers", "last", "last"])
  })

  it("tell accumulators by their steps, but not those that others than their measures look at", () => {
    const plan = planned([metric("revenue"), metric("order", { aggregation: "largest", window: "1d" })], {
      series: true,
      asOf: Date.UTC(2026, 1, 1)
    })
    const increments = incrementsOf(plan, [0, 1])
    expect([0, 1].map((accumulator) => tellingSteps(plan, increments, accumulator))).toEqual([undefined, 0])
    expect(plan.metrics[1]!.ripeUntil).toBeDefined()
    const reported = [{ name: "largest", measure: { ...plan.metrics[1]!, ripeUntil: undefined } }]
    const more = { ...plan, metrics: [plan.metrics[0]!, { ...plan.metrics[1]!, reported }] }
    expect(tellingSteps(more, increments, 1)).toBeUndefined()
  })
})
