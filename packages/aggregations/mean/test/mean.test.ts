import { describeAggregation } from "@assay/aggregation-testkit"
import { mean } from "../src/index.ts"

describeAggregation(mean, {
  reference: (events) => [
    events.length === 0 ? 0 : events.reduce((total, { value }) => total + value, 0) / events.length
  ]
})
