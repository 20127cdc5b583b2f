import { Duration } from "@assay/aggregation"
import { describeAggregation, fc } from "@assay/aggregation-testkit"
import { retention } from "../src/index.ts"

describeAggregation<{ readonly from: string; readonly to: string }>(retention, {
  options: { from: "1d", to: "8d" },
  arbitrary: fc.constantFrom({ from: "1s", to: "2s" }, { from: "2h40m", to: "8h" }, { from: "6d16h", to: "20d" }),
  matures: ({ to }) => Duration.toMillis(to),
  reference: (events, { from, to }) => [
    events.some(({ elapsed }) => elapsed >= Duration.toMillis(from) && elapsed < Duration.toMillis(to)) ? 1 : 0
  ],
  runs: 12
})
