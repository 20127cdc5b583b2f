/** `ratio`: one total over another, each of events of its own. */
import { defineMultiSourceAggregation, Schema, type Unit } from "@assay/aggregation"

const part = (description: string) =>
  Schema.optionalKey(Schema.Literals(["sum", "count", "occurrence"]).annotate({ description }))

const columnOf = <Source extends string>(
  events: Unit.AnyEvents<Source>,
  how: "sum" | "count" | "occurrence"
): Unit.UnitColumn<Source> =>
  how === "sum" ? events.valued.sum(events.valued.value) : how === "count" ? events.count() : events.any()

/**
 * Σ of `numerator` over Σ of `denominator` over the identities of an arm, each the sum of values, the number of events or
 * whether there is one, per identity. Both and their product are kept, since the two depend on each other.
 */
export const ratio = defineMultiSourceAggregation({
  name: "ratio",
  version: "1.0.0",
  options: Schema.Struct({
    numerator: part(
      "What is summed above: the values of events, their number, or 1 for an identity that has one. sum."
    ),
    denominator: part(
      "What is summed below: the values of events, their number, or 1 for an identity that has one. count."
    )
  }),
  sources: { numerator: "any", denominator: "any" },
  columns: ({ denominator, numerator, options }) => ({
    above: columnOf(numerator, options.numerator ?? "sum"),
    below: columnOf(denominator, options.denominator ?? "count")
  }),
  estimand: { kind: "ratio", numerator: "above", denominator: "below" }
})
