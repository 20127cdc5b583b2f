/** `retention`: the part of identities that came back in some time after their exposure. */
import { defineAggregation, Duration, Schema } from "@assay/aggregation"

/**
 * Per identity 1 where the metric's event happened in [first exposure + `from`, first exposure + `to`), else 0. Identities that
 * aren't old enough for that, whose time isn't over, are left out and counted. Inference asks for 5 that came back in each arm.
 */
export const retention = defineAggregation({
  name: "retention",
  version: "1.0.0",
  options: Schema.Struct({
    from: Duration.Duration.annotate({
      description: "How long after the first exposure coming back counts.",
      examples: ["1d"]
    }),
    to: Duration.Duration.annotate({
      description: "How long after the first exposure it counts no more; later than from.",
      examples: ["8d"]
    })
  }).pipe(
    Schema.check(
      Schema.makeFilter(
        ({ from, to }: { readonly from: string; readonly to: string }) =>
          Duration.toMillis(from) < Duration.toMillis(to),
        { expected: "a time `to` that is later than `from`" }
      )
    )
  ),
  reads: "nothing",
  features: ["where", "covariate"],
  columns: ({ events, options: { from, to } }) => ({
    back: events.within(Duration.toMillis(from), Duration.toMillis(to)).any()
  }),
  estimand: { kind: "proportion", column: "back" },
  floors: [{ kind: "conversions", need: 5 }]
})
