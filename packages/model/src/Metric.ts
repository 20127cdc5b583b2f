/** A metric: which events of an identity count, and how they become one number per identity. */
import { Schema } from "effect"
import { Key } from "./Key.ts"

/** Which way is good: `up`, `down`, or neither (`informational`: shown, never a reason for a decision). */
export const Direction = Schema.Literals(["up", "down", "informational"])
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
])
export type FilterOperator = typeof FilterOperator.Type

const Scalar = Schema.Union([Schema.String, Schema.Finite, Schema.Boolean])
export type Scalar = typeof Scalar.Type

/**
 * A condition on a property of the metric's event. `property` is a mapped column (`value`, a property of the event-table
 * mapping) or a path into a JSON column (`metadata.cart.currency`). The type of `value` decides how the property is read:
 * text, number or boolean.
 */
export const Filter = Schema.Struct({
  property: Schema.NonEmptyString,
  op: FilterOperator,
  value: Schema.optionalKey(Schema.Union([Scalar, Schema.NonEmptyArray(Scalar)]))
})
export interface Filter extends Schema.Schema.Type<typeof Filter> {}

/**
 * A metric as its file defines it. `value` names what the aggregation reads from each event: a mapped column or a JSON
 * path; `options` are the aggregation's own and are decoded by its Schema.
 */
export const Metric = Schema.Struct({
  key: Key,
  description: Schema.optionalKey(Schema.String),
  aggregation: Schema.NonEmptyString,
  event: Schema.NonEmptyString,
  direction: Direction,
  value: Schema.optionalKey(Schema.NonEmptyString),
  where: Schema.optionalKey(Schema.Array(Filter)),
  options: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
})
export interface Metric extends Schema.Schema.Type<typeof Metric> {}
