import { describeAggregation } from "@assay/aggregation-testkit"
import { count } from "../src/index.ts"

describeAggregation(count, { reference: (events) => [events.length] })
