/** A metric: which events of an identity count, and how they become one number per identity. */
import { Schema } from "effect"
import { Key } from "./Key.ts"

/** Which way is good: `up`, `down`, or neither (`informational`: shown, never a reason for a decision). */
export const Direction = Schema.Literals(["up", "down", "informational"]).annotate({
  description: "Which way is good: up, down, or neither (informational)."
})
export type Direction = typeof Direction.Type

/** Comparison operators of a `where` filter. `!=` and `not in` are the exact complements of `=` and `in`. */
export const FilterOperator = Schema.Literals([
  "=",
  "!=",
  "<",
  "<=",
  ">",
  ">=",
  "in",
  "not in",
  "exists",
  "not exists"
]).annotate({ description: "How the property is compared with the value. exists and not exists take no value." })
export type FilterOperator = typeof FilterOperator.Type

const Scalar = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])
export type Scalar = typeof Scalar.Type

/**
 * A condition on a property of the metric's event. `property` is a mapped column (`value`, a property of the event-table
 * mapping) or a path into a JSON column (`metadata.cart.currency`). The type of `value` decides how the property is read:
 * text, number or boolean.
 */
export const Filter = Schema.Struct({
  property: Schema.NonEmptyString.annotate({
    description: "value, a property of the mapping, or a path into a JSON column.",
    examples: ["metadata.currency"]
  }),
  op: FilterOperator,
  value: Schema.optionalKey(
    Schema.Union([Scalar, Schema.NonEmptyArray(Scalar)]).annotate({
      description:
        "What the property is compared with; its type (text, number, boolean) says how the property is read. " +
        "A list for in and not in.",
      examples: ["EUR", 10]
    })
  )
})
export interface Filter extends Schema.Schema.Type<typeof Filter> {}

/**
 * A metric as its file defines it. `value` names what the aggregation reads from each event: a mapped column or a JSON
 * path; `options` are the aggregation's own and are decoded by its Schema.
 */
export const Metric = Schema.Struct({
  key: Key.annotate({
    description: "What the metric is called, in experiments and in results. Unique among all metrics.",
    examples: ["purchased"]
  }),
  description: Schema.optionalKey(Schema.String.annotate({ description: "For people: what is measured." })),
  aggregation: Schema.NonEmptyString.annotate({
    description: "How the events of one identity become one number: the name of a configured aggregation.",
    examples: ["occurrence"]
  }),
  event: Schema.NonEmptyString.annotate({ description: "The event that is measured.", examples: ["purchase"] }),
  direction: Direction,
  value: Schema.optionalKey(
    Schema.NonEmptyString.annotate({
      description:
        "What is read from each event: value (the mapped value column), a property of the mapping, or a path " +
        "into a JSON column.",
      default: "value",
      examples: ["metadata.amount"]
    })
  ),
  where: Schema.optionalKey(
    Schema.Array(Filter).annotate({ description: "Only events that satisfy all of these conditions count." })
  ),
  options: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Unknown).annotate({ description: "Options of the aggregation." })
  )
})
export interface Metric extends Schema.Schema.Type<typeof Metric> {}
