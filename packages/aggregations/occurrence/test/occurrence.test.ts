import { describeAggregation } from "@assay/aggregation-testkit"
import { occurrence } from "../src/index.ts"

describeAggregation(occurrence, { reference: (events) => [events.length > 0 ? 1 : 0] })
