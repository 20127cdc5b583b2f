/** Accumulators as aggregate functions of ClickHouse: whole, as partial states, and merged. */
import { empty, type Fragment, integer, join, sql, word } from "@assay/sql"
import type { Plan, PlannedAccumulator } from "../Plan.ts"
import type { EventLabel, EventNumber } from "../Unit.ts"
import { type EventColumns, numbered, type StreamColumns } from "./events.ts"
import { since } from "./exposures.ts"
import { counts } from "./gates.ts"

/** 2^17 registers of HyperLogLog: a standard error of 0.3 %; small sets are counted exactly. */
const uniquePrecision = 17

/** The function of an accumulator, and its own parameters. */
const functionOf = (
  { accumulator }: PlannedAccumulator
): { readonly name: string; readonly parameters: ReadonlyArray<number | "strict_order" | "strict_increase"> } => {
  switch (accumulator.kind) {
    case "any":
      return { name: "max", parameters: [] }
    case "first":
      return { name: "argMin", parameters: [] }
    case "last":
      return { name: "argMax", parameters: [] }
    case "unique":
      return accumulator.method === "exact"
        ? { name: "uniqExact", parameters: [] }
        : { name: "uniqCombined", parameters: [uniquePrecision] }
    case "list":
      return { name: "groupArray", parameters: [] }
    case "funnel": {
      const { strictness, within } = accumulator
      return { name: "windowFunnel", parameters: strictness === "default" ? [within] : [within, strictness] }
    }
    default:
      return { name: accumulator.kind, parameters: [] }
  }
}

/** The combinator of an accumulator's function. A funnel looks at each event by itself; a strict one takes what is no step for one that comes between. */
const combinatorOf = ({ accumulator }: PlannedAccumulator): "If" | "" =>
  accumulator.kind === "funnel" && accumulator.strictness !== "strict_order" ? "" : "If"

/** The function of an accumulator as those that take its name want it. */
export const functionText = (planned: PlannedAccumulator): string => {
  const { name, parameters } = functionOf(planned)
  return parameters.length === 0
    ? name
    : `${name}(${parameters.map((one) => (typeof one === "number" ? one : `'${one}'`)).join(", ")})`
}

const called = (
  accumulator: PlannedAccumulator,
  form: "" | "State" | "Merge",
  args: Fragment
): Fragment => {
  const { name, parameters } = functionOf(accumulator)
  const own = parameters.map((one) =>
    typeof one === "number" ? integer(one) : one === "strict_order" ? sql`'strict_order'` : sql`'strict_increase'`
  )
  return sql`${word(`${name}${combinatorOf(accumulator)}${form}`)}${
    own.length === 0 ? empty : sql`(${join(own)})`
  }(${args})`
}

/** The number that an event of a stream brings. */
export const numberOf = ({ value }: StreamColumns, { kind }: EventNumber): Fragment =>
  kind === "value" ? numbered("v", value!) : sql`toFloat64(t - ${since(sql`pack`)})`

/** What tells an event of a stream from others. */
export const labelOf = (plan: Plan, { value }: StreamColumns, { kind }: EventLabel): Fragment =>
  kind === "text"
    ? numbered("v", value!)
    : sql`intDiv(toInt64(t) + ${integer(plan.reads.from - 1)}, ${integer(86_400_000)})`

/** An accumulator as a conditional aggregate, whole or as a state for merging. */
export const accumulate = (
  plan: Plan,
  columns: EventColumns,
  planned: PlannedAccumulator,
  form: "value" | "state"
): Fragment => {
  const { accumulator } = planned
  const streams = planned.streams.map((stream) => columns.streams[stream]!)
  const [stream] = streams
  const number = (of: EventNumber): Fragment => numberOf(stream!, of)
  const args = (): ReadonlyArray<Fragment> => {
    switch (accumulator.kind) {
      case "count":
        return []
      case "any":
        return [sql`toUInt8(1)`]
      case "first":
      case "last":
        return [number(accumulator.of), sql`(t, ${number(accumulator.of)})`]
      case "unique":
        return [labelOf(plan, stream!, accumulator.of)]
      case "funnel":
        return accumulator.strictness === "strict_order" ? [sql`t`, ...streams.map(counts)] : [sql`t`]
      default:
        return [number(accumulator.of)]
    }
  }
  const counting = streams.map(counts)
  const when = combinatorOf(planned) === "If" ? [join(counting.map((one) => sql`(${one})`), sql` OR `)] : counting
  return called(planned, form === "state" ? "State" : "", join([...args(), ...when]))
}

/** An accumulator merged from the partial states in a column. */
export const mergeStates = (planned: PlannedAccumulator, column: Fragment): Fragment => called(planned, "Merge", column)

/**
 * How the value of an accumulator comes from its values over parts of the events: their sum, the largest, or all numbers of their lists;
 * undefined where these don't tell it (0 of no events is no smallest value, and what is distinct in both parts counts once).
 */
export const fromParts = ({ accumulator: { kind } }: PlannedAccumulator): "sum" | "max" | "list" | undefined => {
  switch (kind) {
    case "list":
      return "list"
    case "count":
    case "sum":
      return "sum"
    case "any":
      return "max"
    default:
      return undefined
  }
}
