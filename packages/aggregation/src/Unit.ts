/**
 * Unit columns: how the events of one identity become one number.
 *
 * A column is an expression over accumulators. An accumulator is an aggregate of the metric's own events that the program
 * knows in three forms (at once, as a partial state, and merged from partial states), so whatever is built of accumulators
 * can be recomputed from batches of events. All of this is plain data; only the compiler turns it into SQL.
 */

/** A stretch of time after an identity's first exposure, [from, to) in milliseconds; null: to the end of the experiment. */
export interface Window {
  readonly from: number
  readonly to: number | null
}

/** From the first exposure to the end of the experiment. */
export const always: Window = { from: 0, to: null }

/**
 * The events that an accumulator looks at: those of one of the metric's sources (by its name, and its position where there
 * are several), with a usable number or text where one is read, within a window. `Source` holds accumulators to the sources
 * of the aggregation that makes them.
 */
export interface EventsRef<Source extends string = string> {
  readonly source: Source
  readonly position: number
  readonly reads: "nothing" | "value" | "text"
  readonly window: Window
}

/** A number that each event has: the metric's `value`, or the `elapsed` milliseconds since the identity's first exposure. */
export interface EventNumber {
  readonly kind: "value" | "elapsed"
}

/** What tells events apart: the metric's `value` as text, or the UTC calendar `day` on which they happened. */
export interface EventLabel {
  readonly kind: "text" | "day"
}

/**
 * How strictly the steps of a funnel follow each other, beside being in order: `default` (anything may come between),
 * `strict_order` (no other step comes between), `strict_increase` (each step later than the one before, not at the same
 * millisecond).
 */
export type Strictness = "default" | "strict_order" | "strict_increase"

/** How an accumulator aggregates events. */
export type Accumulator =
  | { readonly kind: "count" }
  | { readonly kind: "any" }
  | { readonly kind: "sum" | "min" | "max" | "first" | "last"; readonly of: EventNumber }
  | { readonly kind: "unique"; readonly of: EventLabel; readonly method: "exact" | "approximate" }
  | { readonly kind: "funnel"; readonly within: number; readonly strictness: Strictness }
  | { readonly kind: "list"; readonly of: EventNumber }

type Binary = "add" | "subtract" | "multiply" | "divide" | "least" | "greatest" | "atLeast"

/** One number per identity, over leaves of some kind. */
export type Expression<Leaf> =
  | Leaf
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: Binary; readonly left: Expression<Leaf>; readonly right: Expression<Leaf> }

/** An accumulator over the events it looks at: one list of events, or one for each step of a funnel. */
export interface Accumulated<Source extends string = string> {
  readonly kind: "accumulator"
  readonly events: ReadonlyArray<EventsRef<Source>>
  readonly accumulator: Accumulator
}

/** One number per identity, made of the events of an aggregation's own sources. */
export type UnitColumn<Source extends string = string> = Expression<Accumulated<Source>>

/** A number of each event of an identity, none of them summed up: what a quantile of event values is taken of. */
export interface UnitValues<Source extends string = string> {
  readonly kind: "values"
  readonly of: Accumulated<Source>
}

const binary = (kind: Binary) =>
<Source extends string>(
  left: UnitColumn<Source>,
  right: UnitColumn<Source>
): UnitColumn<Source> => ({
  kind,
  left,
  right
})

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

/** 1 where left ≥ right, else 0. */
export const atLeast = binary("atLeast")

/**
 * A number that is the same for every identity.
 *
 * @throws RangeError when it isn't finite.
 */
export const constant = (value: number): UnitColumn<never> => {
  if (!Number.isFinite(value)) throw new RangeError(`A constant unit column must be a finite number, not ${value}`)
  return { kind: "constant", value }
}

/**
 * What an aggregation sees of the events: only those of its own metric (its event, its filters, the values it can use), and
 * only those in the metric's window after the identity's first exposure. It can't reach any others.
 */
export interface Events<Source extends string = "events"> {
  /** Milliseconds from the identity's first exposure to the event. */
  readonly elapsed: EventNumber
  /** The UTC calendar day of the event. */
  readonly day: EventLabel
  /** The number of events. */
  readonly count: () => UnitColumn<Source>
  /** 1 where there is at least one event, else 0. Repeated delivery can't change it. */
  readonly any: () => UnitColumn<Source>
  /** The sum over the events; 0 where there are none. */
  readonly sum: (of: EventNumber) => UnitColumn<Source>
  /** The smallest; 0 where there are no events. Repeated delivery can't change it. */
  readonly min: (of: EventNumber) => UnitColumn<Source>
  /** The largest; 0 where there are no events. Repeated delivery can't change it. */
  readonly max: (of: EventNumber) => UnitColumn<Source>
  /** That of the first event, the smallest of those at the same millisecond; 0 where there are no events. */
  readonly first: (of: EventNumber) => UnitColumn<Source>
  /** That of the last event, the largest of those at the same millisecond; 0 where there are no events. */
  readonly last: (of: EventNumber) => UnitColumn<Source>
  /**
   * How many different ones there are. `approximate` counts with HyperLogLog from about 100,000 on (a standard error of
   * 0.3 %) and takes less memory there.
   */
  readonly unique: (of: EventLabel, method?: "exact" | "approximate") => UnitColumn<Source>
  /** That of each event, for a quantile over all events of an arm. */
  readonly each: (of: EventNumber) => UnitValues<Source>
  /**
   * The events of a narrower window: [from, to) milliseconds after the first exposure, within the metric's own. Identities
   * whose window isn't over yet are left out of the metric.
   *
   * @throws RangeError unless 0 ≤ from < to and both are whole numbers.
   */
  readonly within: (from: number, to: number) => Events<Source>
  /** Where the events are; for {@link funnel}. */
  readonly ref: EventsRef<Source>
  /** What the metric calls the event, to name what is reported. */
  readonly name: string
}

/** {@link Events} of a source that reads a number from each event; events without a usable one are left out and counted. */
export interface ValuedEvents<Source extends string = "events"> extends Events<Source> {
  /** The event's value: a finite number. */
  readonly value: EventNumber
  readonly within: (from: number, to: number) => ValuedEvents<Source>
}

/** {@link Events} of a source that reads a text from each event; events without one are left out and counted. */
export interface TextEvents<Source extends string = "events"> extends Events<Source> {
  /** The event's value as text, never empty. */
  readonly text: EventLabel
  readonly within: (from: number, to: number) => TextEvents<Source>
}

/** {@link Events} of a source that may read its value, or not: an option decides. */
export interface AnyEvents<Source extends string = "events"> extends Events<Source> {
  /** Those with a usable number as value. */
  readonly valued: ValuedEvents<Source>
  /** Those with a text as value. */
  readonly texts: TextEvents<Source>
  readonly within: (from: number, to: number) => AnyEvents<Source>
}

/**
 * The last of the steps that an identity reached in order, 0 for none: the longest chain that begins with the first step and
 * lies within `within` milliseconds of it (inclusive). An event that is several steps can be all of them at once unless the
 * funnel is `strict_increase`. Repeated delivery can't change it.
 *
 * @throws RangeError unless there are 2 to 32 steps and `within` is a positive whole number.
 */
export const funnel = <Source extends string>(
  steps: ReadonlyArray<Events<Source>>,
  options: { readonly within: number; readonly strictness?: Strictness }
): UnitColumn<Source> => {
  const { strictness = "default", within } = options
  if (steps.length < 2 || steps.length > 32) throw new RangeError(`A funnel has 2 to 32 steps, not ${steps.length}`)
  if (!Number.isSafeInteger(within) || within <= 0) {
    throw new RangeError(`A funnel lies within a positive whole number of milliseconds, not ${within}`)
  }
  return {
    kind: "accumulator",
    events: steps.map(({ ref }) => ref),
    accumulator: { kind: "funnel", within, strictness }
  }
}

/** The part of a window that lies in another one. */
const narrowed = (outer: Window, from: number, to: number): Window => {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || to <= from) {
    throw new RangeError(`A window is two whole numbers of milliseconds, 0 ≤ from < to, not ${from} and ${to}`)
  }
  return { from: Math.max(outer.from, from), to: outer.to === null ? to : Math.min(outer.to, to) }
}

const scope = <Source extends string>(name: string, ref: EventsRef<Source>): Omit<Events<Source>, "within"> => {
  const accumulate = (accumulator: Accumulator): Accumulated<Source> => ({
    kind: "accumulator",
    events: [ref],
    accumulator
  })
  return {
    ref,
    name,
    elapsed: { kind: "elapsed" },
    day: { kind: "day" },
    count: () => accumulate({ kind: "count" }),
    any: () => accumulate({ kind: "any" }),
    sum: (of) => accumulate({ kind: "sum", of }),
    min: (of) => accumulate({ kind: "min", of }),
    max: (of) => accumulate({ kind: "max", of }),
    first: (of) => accumulate({ kind: "first", of }),
    last: (of) => accumulate({ kind: "last", of }),
    unique: (of, method = "exact") => accumulate({ kind: "unique", of, method }),
    each: (of) => ({ kind: "values", of: accumulate({ kind: "list", of }) })
  }
}

/** Events made for a narrower window: over the time before the exposure a window after it means all of that time. */
const narrowing =
  <Source extends string, E>(make: (name: string, ref: EventsRef<Source>) => E, name: string, ref: EventsRef<Source>) =>
  (from: number, to: number): E =>
    make(name, { ...ref, window: ref.window.from < 0 ? ref.window : narrowed(ref.window, from, to) })

/** The events of a source that reads nothing from them. */
export const plainEvents = <Source extends string>(name: string, ref: EventsRef<Source>): Events<Source> =>
  Object.freeze({ ...scope(name, ref), within: narrowing(plainEvents, name, ref) })

/** The events of a source that reads a number from each. */
export const valuedEvents = <Source extends string>(name: string, ref: EventsRef<Source>): ValuedEvents<Source> =>
  Object.freeze<ValuedEvents<Source>>({
    ...scope(name, { ...ref, reads: "value" }),
    value: { kind: "value" },
    within: narrowing(valuedEvents, name, ref)
  })

/** The events of a source that reads a text from each. */
export const textEvents = <Source extends string>(name: string, ref: EventsRef<Source>): TextEvents<Source> =>
  Object.freeze<TextEvents<Source>>({
    ...scope(name, { ...ref, reads: "text" }),
    text: { kind: "text" },
    within: narrowing(textEvents, name, ref)
  })

/** The events of a source whose value may be read or not. */
export const anyEvents = <Source extends string>(name: string, ref: EventsRef<Source>): AnyEvents<Source> =>
  Object.freeze({
    ...scope(name, ref),
    valued: valuedEvents(name, ref),
    texts: textEvents(name, ref),
    within: narrowing(anyEvents, name, ref)
  })

/** The accumulators that a column is built of, in order of appearance, repetitions included. */
export const accumulators = <Source extends string>(column: UnitColumn<Source>): ReadonlyArray<Accumulated<Source>> => {
  switch (column.kind) {
    case "accumulator":
      return [column]
    case "constant":
      return []
    default:
      return [...accumulators(column.left), ...accumulators(column.right)]
  }
}

/** A column with its accumulators replaced. */
export const mapAccumulators = <Leaf>(
  column: UnitColumn,
  leaf: (one: Accumulated) => Expression<Leaf>
): Expression<Leaf> => {
  switch (column.kind) {
    case "accumulator":
      return leaf(column)
    case "constant":
      return column
    default:
      return {
        kind: column.kind,
        left: mapAccumulators(column.left, leaf),
        right: mapAccumulators(column.right, leaf)
      }
  }
}

/** Whether delivering an event twice leaves the accumulator as it is. */
export const isIdempotent = ({ kind }: Accumulator): boolean => kind !== "count" && kind !== "sum" && kind !== "list"
