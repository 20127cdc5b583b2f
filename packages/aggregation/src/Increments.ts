/**
 * Increments: what each event adds to the moments of a plan's metrics, so that the moments at all times come from one list of events per
 * identity, in the order of time.
 *
 * Where all that a measure is made of adds up event by event (numbers, how many there were), its columns after an event are expressions
 * over running totals. What the event changed, u − w and uᵢuⱼ − wᵢwⱼ from the values w before it, adds up to the moments at the end of
 * any period.
 */
import { mapLeaves } from "./Constants.ts"
import { accumulatorOf, intern, leaves, measures, type Plan, type PlannedColumn, type PlannedLeaf } from "./Plan.ts"
import type { EventNumber } from "./Unit.ts"

/** The events of a stream as a measure looks at them, and the number that it takes of each; none where it only counts them. */
export interface Slot {
  readonly stream: number
  readonly number: EventNumber | undefined
}

/** What adds up over the events of a measure's slot: their number, their numbers, or how many of these are at most a limit. */
export interface RunningTotal {
  readonly slot: number
  readonly of: "events" | "numbers" | { readonly atMost: PlannedColumn }
}

/** A measure of a plan by its place among them: its slots, and which of the {@link Increments.shapes} it has. */
export interface IncrementedMeasure {
  readonly measure: number
  readonly slots: ReadonlyArray<Slot>
  readonly shape: number
}

/** How the moments of some measures come about. Shapes are lists of columns, whose `planned` leaves are running totals. */
export interface Increments {
  readonly totals: ReadonlyArray<RunningTotal>
  readonly shapes: ReadonlyArray<ReadonlyArray<PlannedColumn>>
  /** In the order of their shapes. */
  readonly measures: ReadonlyArray<IncrementedMeasure>
}

/** More slots than this don't fit the number that stands for an event. */
const mostSlots = 256

/** The number that an accumulator adds up, none where it counts events; false where it isn't a sum over single events. */
const addend = (plan: Plan, leaf: PlannedLeaf): EventNumber | undefined | false => {
  const index = accumulatorOf(leaf)
  if (index === undefined) return false
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

/**
 * The increments of a plan's measures at these places; undefined where one of them is made of something that isn't a sum over single
 * events, such as a trait, the largest of its numbers, or how many different ones there are.
 */
export const incrementsOf = (plan: Plan, places: ReadonlyArray<number>): Increments | undefined => {
  const all = measures(plan)
  const totals: Array<RunningTotal> = []
  const shapes: Array<ReadonlyArray<PlannedColumn>> = []
  const found: Array<IncrementedMeasure> = []
  for (const measure of new Set(places)) {
    const { columns } = all[measure]!
    const own = columns.flatMap(leaves).filter(({ kind }) => kind !== "ofArm" && kind !== "found")
    const slots: Array<Slot> = []
    const streamOf = (index: number): number => plan.accumulators[index]!.streams[0]!
    for (const leaf of own) {
      const number = addend(plan, leaf)
      if (number === false) return undefined
      if (number !== undefined) intern(slots, { stream: streamOf(accumulatorOf(leaf)!), number })
    }
    const slotOf = (index: number, number: EventNumber | undefined): number => {
      const stream = streamOf(index)
      const any = slots.findIndex((slot) => slot.stream === stream)
      return number === undefined && any >= 0 ? any : intern(slots, { stream, number })
    }
    const total = (slot: number, of: RunningTotal["of"]): PlannedColumn => ({
      kind: "planned",
      index: intern(totals, { slot, of })
    })
    const running = (leaf: PlannedLeaf): PlannedColumn => {
      const index = accumulatorOf(leaf)
      if (index === undefined) return leaf
      const { kind } = plan.accumulators[index]!.accumulator
      const number = addend(plan, leaf) || undefined
      if (leaf.kind === "atMost") return total(slotOf(index, number), { atMost: leaf.limit })
      if (kind === "sum") return total(slotOf(index, number), "numbers")
      const events = total(slotOf(index, number), "events")
      return kind === "any" ? { kind: "least", left: events, right: { kind: "constant", value: 1 } } : events
    }
    const shape = intern(shapes, columns.map((column) => mapLeaves(column, running)))
    if (slots.length > mostSlots) return undefined
    found.push({ measure, slots, shape })
  }
  return { totals, shapes, measures: found.toSorted((a, b) => a.shape - b.shape) }
}
