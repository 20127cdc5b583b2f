import { describeAggregation } from "@assay/aggregation-testkit"
import { sum } from "../src/index.ts"

describeAggregation(sum, { reference: (events) => [events.reduce((total, { value }) => total + value, 0)] })
