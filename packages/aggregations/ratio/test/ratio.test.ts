import { describeAggregation, type ReferenceEvent } from "@assay/aggregation-testkit"
import { ratio } from "../src/index.ts"

const sum = (events: ReadonlyArray<ReferenceEvent>) => events.reduce((total, { value }) => total + value, 0)
const any = (events: ReadonlyArray<ReferenceEvent>) => (events.length > 0 ? 1 : 0)

describeAggregation(ratio, {
  values: { numerator: true },
  reference: (_, __, { denominator, numerator }) => [sum(numerator![0]!), denominator![0]!.length]
})

describeAggregation(ratio, {
  options: { numerator: "count", denominator: "occurrence" },
  reference: (_, __, { denominator, numerator }) => [numerator![0]!.length, any(denominator![0]!)],
  runs: 4
})
