/**
 * Increments: what each event adds to the moments of a plan's metrics, so that the moments at all times come from one list of events per
 * identity, in the order of time.
 *
 * The columns of a measure after an event are expressions over what its accumulators are then. What adds up event by event (numbers, how
 * many there were) is a running total; of all else (the largest, how many different ones, how far a funnel was gone) the list has a step at the
 * end of each period in which something happened, with the accumulator's value there. What an event or step changed, u − w and uᵢuⱼ − wᵢwⱼ from
 * the values w before it, adds up to the moments at the end of any period.
 */
import { mapLeaves } from "./Constants.ts"
import {
  accumulatorOf,
  intern,
  leaves,
  type Measure,
  measures,
  type Plan,
  type PlannedColumn,
  type PlannedLeaf
} from "./Plan.ts"
import type { EventNumber } from "./Unit.ts"

/**
 * What stands in a measure's list: the events of a stream, with the number that it takes of each (none where it only counts them), or the
 * steps of an accumulator.
 */
export type Slot =
  | { readonly stream: number; readonly number: EventNumber | undefined }
  | { readonly stepsOf: number }

/**
 * What a list says of its slot up to an event: how many there were, the sum of their numbers, how many of these are at most a limit, or the
 * last of them.
 */
export interface RunningTotal {
  readonly slot: number
  readonly of: "events" | "numbers" | "last" | { readonly atMost: PlannedColumn }
}

/** A measure of a plan by its place among them, and its slots. */
export interface IncrementedMeasure {
  readonly measure: number
  readonly slots: ReadonlyArray<Slot>
}

/** Measures whose columns are the same but for what their slots are: the columns' `planned` leaves are running totals. They share lists. */
export interface Shape {
  readonly columns: ReadonlyArray<PlannedColumn>
  readonly totals: ReadonlyArray<RunningTotal>
  readonly measures: ReadonlyArray<IncrementedMeasure>
}

/** The steps of an accumulator, and which identities have them from which age on. */
export interface Steps extends Pick<Measure, "age" | "ripeUntil"> {
  readonly accumulator: number
}

/** How the moments of some measures come about. */
export interface Increments {
  readonly shapes: ReadonlyArray<Shape>
  /** All steps that measures look at. */
  readonly steps: ReadonlyArray<Steps>
}

/** The measures of increments, each with a place among them. */
export const incremented = ({ shapes }: Increments): ReadonlyArray<IncrementedMeasure> =>
  shapes.flatMap(({ measures }) => measures)

/**
 * The steps whose last one is an accumulator's value wherever that is asked for, so that it needn't be aggregated apart: those of all identities,
 * or of the same as all of its measures are over. Undefined where there are none.
 */
export const tellingSteps = (plan: Plan, { steps }: Increments, accumulator: number): number | undefined => {
  const users = measures(plan).filter(({ columns }) =>
    columns.flatMap(leaves).some((leaf) => accumulatorOf(leaf) === accumulator)
  )
  const place = steps.findIndex((one) =>
    one.accumulator === accumulator &&
    (one.ripeUntil === undefined || users.every(({ ripeUntil }) => ripeUntil === one.ripeUntil))
  )
  return place < 0 ? undefined : place
}

/** The number that an accumulator adds up, none where it counts events; false where it isn't a sum over single events. */
const addend = (plan: Plan, index: number): EventNumber | undefined | false => {
  const { accumulator } = plan.accumulators[index]!
  switch (accumulator.kind) {
    case "count":
    case "any":
      return undefined
    case "sum":
    case "list":
      return accumulator.of
    default:
      return false
  }
}

/** The increments of a plan's measures at these places. */
export const incrementsOf = (plan: Plan, places: ReadonlyArray<number>): Increments => {
  const all = measures(plan)
  const steps: Array<Steps> = []
  const found = [...new Set(places)].map((measure) => {
    const { age, columns, ripeUntil } = all[measure]!
    const slots: Array<Slot> = []
    const totals: Array<RunningTotal> = []
    const streamOf = (index: number): number => plan.accumulators[index]!.streams[0]!
    for (const index of columns.flatMap(leaves).flatMap((leaf) => accumulatorOf(leaf) ?? [])) {
      const number = addend(plan, index)
      if (number) intern(slots, { stream: streamOf(index), number })
    }
    const slotOf = (index: number, number: EventNumber | undefined): number => {
      const stream = streamOf(index)
      const any = slots.findIndex((slot) => "stream" in slot && slot.stream === stream)
      return number === undefined && any >= 0 ? any : intern(slots, { stream, number })
    }
    const total = (slot: number, of: RunningTotal["of"]): PlannedColumn => ({
      kind: "planned",
      index: intern(totals, { slot, of })
    })
    const running = (leaf: PlannedLeaf): PlannedColumn => {
      const index = accumulatorOf(leaf)
      if (index === undefined) return leaf
      const number = addend(plan, index)
      if (number === false) {
        intern(steps, { accumulator: index, age, ripeUntil })
        return total(intern(slots, { stepsOf: index }), "last")
      }
      if (leaf.kind === "atMost") return total(slotOf(index, number), { atMost: leaf.limit })
      const { kind } = plan.accumulators[index]!.accumulator
      if (kind === "sum") return total(slotOf(index, number), "numbers")
      const events = total(slotOf(index, number), "events")
      return kind === "any" ? { kind: "least", left: events, right: { kind: "constant", value: 1 } } : events
    }
    return { columns: columns.map((column) => mapLeaves(column, running)), totals, measure, slots }
  })
  const ofShape = Map.groupBy(found, ({ columns, totals }) => JSON.stringify([columns, totals]))
  return {
    shapes: [...ofShape.values()].map((alike) => ({
      columns: alike[0]!.columns,
      totals: alike[0]!.totals,
      measures: alike.map(({ measure, slots }) => ({ measure, slots }))
    })),
    steps
  }
}
