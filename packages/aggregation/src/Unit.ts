/**
 * Unit columns: how the events of one identity become one number.
 *
 * A column is an expression over accumulators. An accumulator is an aggregate of the metric's own events that the program
 * knows in three forms (at once, as a partial state, and merged from partial states), so whatever is built of accumulators
 * can be recomputed from batches of events. All of this is plain data; only the compiler turns it into SQL.
 */

/** A number that each event has: the metric's `value`, or the `elapsed` milliseconds since the identity's first exposure. */
export interface EventNumber {
  readonly kind: "value" | "elapsed"
}

/** An aggregate over the metric's events of one identity. */
export type Accumulator =
  | { readonly kind: "count" }
  | { readonly kind: "any" }
  | { readonly kind: "sum" | "min" | "max"; readonly of: EventNumber }

/** One number per identity. */
export type UnitColumn =
  | { readonly kind: "accumulator"; readonly accumulator: Accumulator }
  | { readonly kind: "constant"; readonly value: number }
  | {
    readonly kind: "add" | "subtract" | "multiply" | "divide" | "least" | "greatest"
    readonly left: UnitColumn
    readonly right: UnitColumn
  }

const binary =
  (kind: "add" | "subtract" | "multiply" | "divide" | "least" | "greatest") =>
  (left: UnitColumn, right: UnitColumn): UnitColumn => ({ kind, left, right })

/** left + right */
export const add = binary("add")

/** left − right */
export const subtract = binary("subtract")

/** left × right */
export const multiply = binary("multiply")

/** left ÷ right; 0 where right is 0. */
export const divide = binary("divide")

/** The smaller of the two. */
export const least = binary("least")

/** The larger of the two. */
export const greatest = binary("greatest")

/**
 * A number that is the same for every identity.
 *
 * @throws RangeError when it isn't finite.
 */
export const constant = (value: number): UnitColumn => {
  if (!Number.isFinite(value)) throw new RangeError(`A constant unit column must be a finite number, not ${value}`)
  return { kind: "constant", value }
}

/**
 * What an aggregation sees of the events: only those of its own metric (its event, its filters, the values it can use), and
 * only those from the identity's first exposure to the end of the window. It can't reach any others.
 */
export interface Events {
  /** Milliseconds from the identity's first exposure to the event. */
  readonly elapsed: EventNumber
  /** The number of events. */
  readonly count: () => UnitColumn
  /** 1 where there is at least one event, else 0. Repeated delivery can't change it. */
  readonly any: () => UnitColumn
  /** The sum over the events; 0 where there are none. */
  readonly sum: (of: EventNumber) => UnitColumn
  /** The smallest; 0 where there are no events. Repeated delivery can't change it. */
  readonly min: (of: EventNumber) => UnitColumn
  /** The largest; 0 where there are no events. Repeated delivery can't change it. */
  readonly max: (of: EventNumber) => UnitColumn
}

/** {@link Events} of a metric that reads a value from each event; events without a usable one are left out. */
export interface ValuedEvents extends Events {
  /** The event's value: a finite number. */
  readonly value: EventNumber
}

const accumulate = (accumulator: Accumulator): UnitColumn => ({ kind: "accumulator", accumulator })

/** The scope handed to an aggregation. */
export const valuedEvents: ValuedEvents = Object.freeze<ValuedEvents>({
  value: { kind: "value" },
  elapsed: { kind: "elapsed" },
  count: () => accumulate({ kind: "count" }),
  any: () => accumulate({ kind: "any" }),
  sum: (of) => accumulate({ kind: "sum", of }),
  min: (of) => accumulate({ kind: "min", of }),
  max: (of) => accumulate({ kind: "max", of })
})

/** The accumulators that a column is built of, in order of appearance, repetitions included. */
export const accumulators = (column: UnitColumn): ReadonlyArray<Accumulator> => {
  switch (column.kind) {
    case "accumulator":
      return [column.accumulator]
    case "constant":
      return []
    default:
      return [...accumulators(column.left), ...accumulators(column.right)]
  }
}

/** Whether delivering an event twice leaves the accumulator as it is. */
export const isIdempotent = (accumulator: Accumulator): boolean =>
  accumulator.kind !== "count" && accumulator.kind !== "sum"
