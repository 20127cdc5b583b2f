/** `unique`: how many different values an identity's events have. */
import { defineAggregation, Schema } from "@assay/aggregation"

/**
 * Per identity the number of different values, or of UTC days with an event, after its first exposure; 0 where there are none.
 * `approximate` takes less memory and errs by 0.3 % (one standard error) for identities with more than about 100,000 values.
 */
export const unique = defineAggregation({
  name: "unique",
  version: "1.0.0",
  options: Schema.Struct({
    of: Schema.optionalKey(
      Schema.Literals(["value", "day"]).annotate({
        description:
          "What is told apart: the events' values as text (value), or the UTC days on which they happened. value."
      })
    ),
    method: Schema.optionalKey(
      Schema.Literals(["exact", "approximate"]).annotate({
        description:
          "exact, or approximate: within 0.3 % (one standard error) for very many values, in less memory. exact."
      })
    )
  }),
  reads: "any",
  columns: ({ events, options: { method = "exact", of = "value" } }) => ({
    different: of === "day" ? events.unique(events.day, method) : events.texts.unique(events.texts.text, method)
  }),
  estimand: { kind: "mean", column: "different" },
  findings: ({ metric }, { method }) =>
    method === "approximate"
      ? [{
        code: "approximate",
        severity: "info",
        metric_id: metric,
        sentence:
          `${metric} counts different values approximately: within 0.3 % (one standard error) where an identity has ` +
          "very many."
      }]
      : []
})
