import { type Aggregation, defineAggregation, NoOptions, plan } from "@assay/aggregation"
import { defaultEventMapping, type Experiment, type Metric } from "@assay/model"
import { assert, describe, it } from "vitest"
import { isTimeless } from "../src/index.ts"

const day = 86_400_000

const bought = defineAggregation({
  name: "bought",
  version: "1.0.0",
  options: NoOptions,
  reads: "nothing",
  columns: ({ events }) => ({ bought: events.any() }),
  estimand: { kind: "proportion", column: "bought" }
})

const boughtOnTheSecondDay = defineAggregation({
  name: "bought-on-the-second-day",
  version: "1.0.0",
  options: NoOptions,
  reads: "nothing",
  columns: ({ events }) => ({ bought: events.within(day, 2 * day).any() }),
  estimand: { kind: "proportion", column: "bought" }
})

const timeless = (metric: Partial<Metric>, experiment: Partial<Experiment> = {}, aggregation: Aggregation = bought) =>
  isTimeless(
    plan({
      experiment: {
        key: "checkout",
        environment: "production",
        feature: "checkout",
        started_at: "2026-01-01",
        control: "a",
        variants: [{ key: "a", share: 1 }, { key: "b", share: 1 }],
        metrics: [{ metric: "m", role: "goal" }],
        ...experiment
      },
      metrics: new Map([[
        "m",
        { key: "m", aggregation: aggregation.name, event: "purchase", direction: "up", ...metric }
      ]]),
      mapping: defaultEventMapping,
      aggregations: new Map([[aggregation.name, aggregation]]),
      asOf: Date.UTC(2026, 0, 8)
    }).pipe((planned) => {
      if (planned._tag === "Failure") throw new Error(planned.failure.message)
      return planned.success
    })
  )

describe("time alone", () => {
  it("changes nothing of what happened since the exposure, or before it", () => {
    assert.isTrue(timeless({}))
    assert.isTrue(timeless({ covariate: { lookback: "14d" } }))
    assert.isTrue(timeless({ covariate: { trait: "traits.age" } }))
  })

  it("brings identities of age for a delay, a conversion window, or an aggregation with times of its own", () => {
    assert.isFalse(timeless({ window: "7d" }))
    assert.isFalse(timeless({ delay: "1d" }))
    assert.isFalse(timeless({}, {}, boughtOnTheSecondDay))
  })

  it("brings the looks of a recorded plan", () => {
    assert.isFalse(timeless({}, { plan: { design: "fixed", horizon: "14d" } }))
  })
})
