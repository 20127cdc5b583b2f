/** A metric: which events of an identity count, and how they become one number per identity. */
import { Schema } from "effect"
import { Duration } from "./Duration.ts"
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
/** What a property is compared with: text, a number, or true and false. */
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

const event = Schema.NonEmptyString.annotate({ description: "The event that is measured.", examples: ["purchase"] })

const value = Schema.NonEmptyString.annotate({
  description: "What is read from each event: value (the mapped value column), a property of the mapping, or a path " +
    "into a JSON column.",
  default: "value",
  examples: ["metadata.amount"]
})

const where = Schema.Array(Filter).annotate({ description: "Only events that satisfy all of these conditions count." })

/** The events that an aggregation of several sources takes under one of their names. */
export const Source = Schema.Struct({
  event,
  value: Schema.optionalKey(value),
  where: Schema.optionalKey(where)
})
export interface Source extends Schema.Schema.Type<typeof Source> {}

/**
 * What was known of an identity before the experiment could change it: the metric's own unit value over the time before the
 * first exposure, or a numeric property of that exposure.
 */
export const Covariate = Schema.Union([
  Schema.Struct({
    lookback: Duration.annotate({
      description: "The same unit value over so long a time before each identity's first exposure.",
      examples: ["14d"]
    })
  }),
  Schema.Struct({
    trait: Schema.NonEmptyString.annotate({
      description: "A numeric property of each identity's first exposure, named as in where.",
      examples: ["traits.history"]
    })
  })
])
export type Covariate = typeof Covariate.Type

/**
 * The largest value that one identity may have; what is above counts as the cap. A number in the metric's own unit, or an exact quantile of the
 * unit values other than 0, over the identities of all arms together. It holds from above only: negative values stay as they are, and
 * a cap is never below 0, the value of those who did nothing.
 */
export const Cap = Schema.Union([
  Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0))).annotate({
    description: "The largest value that one identity may have, in the metric's own unit.",
    examples: [100]
  }),
  Schema.Struct({
    quantile: Schema.Finite.pipe(
      Schema.check(Schema.isGreaterThanOrEqualTo(0.5), Schema.isLessThan(1))
    ).annotate({
      description:
        "The part of the values other than 0, over all arms, that lie below the cap: from 0.5 to less than 1.",
      examples: [0.999]
    })
  })
])
export type Cap = typeof Cap.Type

/**
 * A metric as its file defines it. `event`, `value` and `where` name the events of an aggregation that looks at one source;
 * `sources` those of one that looks at several. `options` are the aggregation's own and are decoded by its Schema. The
 * conversion window is [first exposure + `delay`, first exposure + `delay` + `window`).
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
  event: Schema.optionalKey(event),
  direction: Direction,
  value: Schema.optionalKey(value),
  where: Schema.optionalKey(where),
  sources: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Union([Source, Schema.NonEmptyArray(Source)])).annotate({
      description: "The events of an aggregation that looks at several sources, by the names that it gives them."
    })
  ),
  options: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Unknown).annotate({ description: "Options of the aggregation." })
  ),
  delay: Schema.optionalKey(
    Duration.annotate({
      description: "Events count from so long after the identity's first exposure on.",
      examples: ["1h"]
    })
  ),
  window: Schema.optionalKey(
    Duration.annotate({
      description: "Events count for so long. Identities whose window isn't over yet are left out, and counted.",
      examples: ["7d"]
    })
  ),
  covariate: Schema.optionalKey(
    Covariate.annotate({
      description: "What was known of an identity before its first exposure; it narrows intervals."
    })
  ),
  cap: Schema.optionalKey(
    Cap.annotate({
      description: "The largest value that one identity may have: a number, or a quantile of the values other than 0."
    })
  )
})
export interface Metric extends Schema.Schema.Type<typeof Metric> {}
