import { Duration } from "@assay/aggregation"
import { describeAggregation, fc, type ReferenceEvent } from "@assay/aggregation-testkit"
import { describe, expect, it } from "vitest"
import { funnel } from "../src/index.ts"

interface Options {
  readonly within?: string
  readonly strictness?: "default" | "strict_order" | "strict_increase"
}

/** The furthest step of the longest chain, walking the events in order of time (and of steps at the same time). */
const furthest = (
  steps: ReadonlyArray<ReadonlyArray<ReferenceEvent>>,
  { strictness, within = "3650d" }: Options
): number => {
  const all = steps.flatMap((events, step) => events.map(({ timestamp }) => ({ step, timestamp })))
    .toSorted((a, b) => a.timestamp - b.timestamp || a.step - b.step)
  const chains: Array<{ readonly begun: number; readonly at: number } | undefined> = steps.map(() => undefined)
  for (const { step, timestamp } of all) {
    const before = step === 0 ? { begun: timestamp, at: -Infinity } : chains[step - 1]
    if (strictness === "strict_order" && before === undefined && chains[0] !== undefined) break
    if (before === undefined || timestamp > before.begun + Duration.toMillis(within)) continue
    if (strictness === "strict_increase" && timestamp <= before.at) continue
    chains[step] = { begun: before.begun, at: timestamp }
    if (step === steps.length - 1) break
  }
  return chains.findLastIndex((one) => one !== undefined) + 1
}

describeAggregation<Options>(funnel, {
  sources: { steps: 3 },
  arbitrary: fc.record({
    within: fc.constantFrom("1s", "8h", "20d"),
    strictness: fc.constantFrom("default", "strict_order", "strict_increase")
  }, { requiredKeys: [] }),
  reference: (_, options, { steps }) => [furthest(steps!, options) === 3 ? 1 : 0],
  reported: (_, options, { steps }) => {
    const reached = (step: number) => (furthest(steps!, options) >= step ? 1 : 0)
    return [[reached(1)], [reached(2)], [reached(2), reached(1)], [reached(3)], [reached(3), reached(2)]]
  },
  runs: 12
})

describe("what a funnel reports", () => {
  it("is named after the steps' events", () => {
    const { reported } = funnel.bind({}, {
      sources: { steps: ["view", "cart", "purchase"] },
      window: { from: 0, to: null }
    })
    expect(reported.map(({ name }) => name)).toEqual([
      "1. view",
      "2. cart",
      "2. cart, of those at 1",
      "3. purchase",
      "3. purchase, of those at 2"
    ])
  })
})
