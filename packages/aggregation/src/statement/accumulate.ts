/** Accumulators as aggregate functions of ClickHouse: whole, as partial states, and merged. */
import { empty, type Fragment, integer, join, sql, word } from "@assay/sql"
import type { Plan, PlannedAccumulator } from "../Plan.ts"
import type { EventLabel, EventNumber } from "../Unit.ts"
import { type EventColumns, numbered, type StreamColumns } from "./events.ts"
import { since } from "./exposures.ts"
import { counts } from "./gates.ts"

/** 2^17 registers of HyperLogLog: a standard error of 0.3 %; small sets are counted exactly. */
const uniquePrecision = 17

/** The function of an accumulator, its combinator, and its own parameters. */
const functionOf = (
  { accumulator }: PlannedAccumulator
): { readonly name: string; readonly combinator: "If" | ""; readonly parameters: Fragment } => {
  const plain = (name: string) => ({ name, combinator: "If" as const, parameters: empty })
  switch (accumulator.kind) {
    case "any":
      return plain("max")
    case "first":
      return plain("argMin")
    case "last":
      return plain("argMax")
    case "unique":
      return accumulator.method === "exact"
        ? plain("uniqExact")
        : { ...plain("uniqCombined"), parameters: sql`(${integer(uniquePrecision)})` }
    case "list":
      return plain("groupArray")
    case "funnel":
      return {
        name: "windowFunnel",
        // It takes an event that is no step for one that comes between.
        combinator: accumulator.strictness === "strict_order" ? "If" : "",
        parameters: sql`(${
          accumulator.strictness === "default"
            ? integer(accumulator.within)
            : sql`${integer(accumulator.within)}, ${
              accumulator.strictness === "strict_order" ? sql`'strict_order'` : sql`'strict_increase'`
            }`
        })`
      }
    default:
      return plain(accumulator.kind)
  }
}

const called = (
  accumulator: PlannedAccumulator,
  form: "" | "State" | "Merge" | "MergeState",
  args: Fragment
): Fragment => {
  const { combinator, name, parameters } = functionOf(accumulator)
  return sql`${word(`${name}${combinator}${form}`)}${parameters}(${args})`
}

/** The number that an event of a stream brings. */
export const numberOf = ({ value }: StreamColumns, { kind }: EventNumber): Fragment =>
  kind === "value" ? numbered("v", value!) : sql`toFloat64(t - ${since(sql`pack`)})`

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
  const label = ({ kind }: EventLabel): Fragment =>
    kind === "text"
      ? numbered("v", stream!.value!)
      : sql`intDiv(toInt64(t) + ${integer(plan.reads.from - 1)}, ${integer(86_400_000)})`
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
        return [label(accumulator.of)]
      case "funnel":
        return accumulator.strictness === "strict_order" ? [sql`t`, ...streams.map(counts)] : [sql`t`]
      default:
        return [number(accumulator.of)]
    }
  }
  const counting = streams.map(counts)
  const { combinator } = functionOf(planned)
  const when = combinator === "If" ? [join(counting.map((one) => sql`(${one})`), sql` OR `)] : counting
  return called(planned, form === "state" ? "State" : "", join([...args(), ...when]))
}

/** An accumulator merged from the partial states in a column: whole, or as a state again. */
export const mergeStates = (
  planned: PlannedAccumulator,
  column: Fragment,
  form: "value" | "state" = "value"
): Fragment => called(planned, form === "state" ? "MergeState" : "Merge", column)

/** How an accumulator over several periods comes from its values in each; undefined where it takes their states. */
const fromValues = ({ accumulator }: PlannedAccumulator): "sum" | "max" | undefined =>
  accumulator.kind === "count" || accumulator.kind === "sum" ? "sum" : accumulator.kind === "any" ? "max" : undefined

/** The form in which an accumulator of one period is kept, so that it can be {@link cumulate}d. */
export const formOfPeriod = (planned: PlannedAccumulator): "value" | "state" =>
  fromValues(planned) === undefined ? "state" : "value"

/** An accumulator over the periods that an aggregation or a window takes in, from those of each in a column. */
export const cumulate = (planned: PlannedAccumulator, column: Fragment): Fragment => {
  const name = fromValues(planned)
  return name === undefined ? mergeStates(planned, column) : sql`${word(name)}(${column})`
}

/**
 * How the value of an accumulator comes from its values over parts of the events: their sum, the largest, or all numbers of their lists;
 * undefined where these don't tell it (0 of no events is no smallest value, and what is distinct in both parts counts once).
 */
export const fromParts = (planned: PlannedAccumulator): "sum" | "max" | "list" | undefined =>
  planned.accumulator.kind === "list" ? "list" : fromValues(planned)
