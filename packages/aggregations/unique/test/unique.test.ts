import { describeAggregation } from "@assay/aggregation-testkit"
import { unique } from "../src/index.ts"

describeAggregation(unique, {
  values: { events: "text" },
  reference: (events) => [new Set(events.map(({ text }) => text)).size]
})

describeAggregation(unique, {
  options: { method: "approximate" },
  values: { events: "text" },
  reference: (events) => [new Set(events.map(({ text }) => text)).size],
  runs: 4
})

describeAggregation(unique, {
  options: { of: "day" },
  reference: (events) => [new Set(events.map(({ timestamp }) => Math.floor(timestamp / 86_400_000))).size],
  runs: 4
})
