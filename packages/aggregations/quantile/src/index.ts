/** `quantile`: a quantile of event values, or of what identities total. */
import { defineQuantileAggregation, Schema } from "@assay/aggregation"

/** Levels have so many decimals. */
const decimals = 6

const Level = Schema.Finite.pipe(
  Schema.check(
    Schema.isGreaterThanOrEqualTo(0.001),
    Schema.isLessThanOrEqualTo(0.999),
    Schema.makeFilter((level: number) => Number(level.toFixed(decimals)) === level, {
      expected: `a number with at most ${decimals} decimals`
    })
  )
)

/**
 * The value at the place ⌊level × N⌋, from 0, of the N values of an arm in order: the values of all events of its identities, or
 * one total per identity, 0 where it has no event. It is exact. Its standard error takes identities as the unit, whose values may
 * be like each other. Inference asks for 5 independent values to be expected on the thinner side of the quantile in each arm.
 */
export const quantile = defineQuantileAggregation({
  name: "quantile",
  version: "1.0.0",
  options: Schema.Struct({
    level: Level.annotate({
      description: "Which quantile: 0.5 is the median, 0.99 the 99th percentile. From 0.001 to 0.999.",
      examples: [0.9]
    }),
    of: Schema.optionalKey(
      Schema.Literals(["values", "totals"]).annotate({
        description:
          "What it is a quantile of: the values of all events, or the sum of the values of each identity. values."
      })
    )
  }),
  reads: "value",
  of: ({ events, options }) => (options.of === "totals" ? events.sum(events.value) : events.each(events.value)),
  level: ({ level }) => level,
  floors: [{ kind: "values", need: 5 }]
})
