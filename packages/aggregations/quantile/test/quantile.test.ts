import { describeAggregation, fc } from "@assay/aggregation-testkit"
import { quantile } from "../src/index.ts"

interface Options {
  readonly level: number
  readonly of?: "values" | "totals"
}

describeAggregation<Options>(quantile, {
  options: { level: 0.5 },
  arbitrary: fc.record({
    level: fc.constantFrom(0.1, 0.5, 0.75, 0.9, 0.99),
    of: fc.constantFrom("values", "totals")
  }),
  level: ({ level }) => level,
  reference: (events, { of }) =>
    of === "totals" ? [events.reduce((sum, { value }) => sum + value, 0)] : events.map(({ value }) => value),
  runs: 10
})
