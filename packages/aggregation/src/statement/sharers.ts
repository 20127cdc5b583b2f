/** Events of a shared plan: which of them belong to which experiment, and those without an identity, which belong to all. */
import { and, empty, type Fragment, integer, sql } from "@assay/sql"
import type { Plan, Sharer } from "../Plan.ts"
import type { EventColumns } from "./events.ts"
import { each, integers, offsetOf, own, sharer } from "./table.ts"

/** More names of events than this can't be told apart. */
const names = 2 ** 16

/**
 * The condition that a joined event is one that the experiment itself would have read: of a name that it looks at, in its time. What belongs to
 * all is.
 */
export const sharedEvents = (sharers: ReadonlyArray<Sharer>, plan: Plan, { events }: EventColumns): Fragment => {
  const number = (event: string) => events.indexOf(event) + 1
  const [x, m, t] = [sql`exposures.${sharer}`, sql`events.${own("m")}`, sql`events.${own("t")}`]
  const pairs = [events, ...sharers.map((one) => one.events)].flatMap((all, i) =>
    all.map((event) => names * i + number(event))
  )
  const conditions = [
    ...(sharers.every((one) => one.events.length === events.length)
      ? []
      : [sql`toUInt32(${x}) * ${integer(names)} + ${m} IN ${integers(pairs)}`]),
    ...(sharers.every(({ reads }) => reads.from === plan.reads.from)
      ? []
      : [sql`${t} >= ${each(plan, ({ reads }) => offsetOf(plan, reads.from), x)}`]),
    ...(sharers.every(({ reads }) => reads.to === plan.reads.to)
      ? []
      : [sql`${t} < ${each(plan, ({ reads }) => offsetOf(plan, reads.to), x, "most")}`])
  ]
  return conditions.length === 0 ? empty : sql`
      WHERE ${and(conditions)}`
}

/** The times at which windows begin and end, as offsets, from 0. */
const cuts = (sharers: ReadonlyArray<Sharer>, plan: Plan): ReadonlyArray<number> =>
  [...new Set([0, ...sharers.flatMap(({ from, to }) => [offsetOf(plan, from), offsetOf(plan, to)])])].toSorted((a, b) =>
    a - b
  )

/**
 * Events without an identity are counted once for all experiments, in a row for each name and each stretch of time in which no window begins or
 * ends; its number, {@link slotOf} tells what it stands for. 0 for all other events.
 */
export const slot = (sharers: ReadonlyArray<Sharer>, plan: Plan, { events }: EventColumns): Fragment =>
  sql`if(exposures.${sharer} = 0, roundDown(toUInt64(events.${own("t")}), ${integers(cuts(sharers, plan))}) * ${
    integer(events.length + 1)
  } + events.${own("m")}, toUInt64(0)) AS slot`

/** What a {@link slot} stands for: the beginning of its stretch as an offset, and the name of the event. */
export const slotOf = (
  { events }: EventColumns,
  number: number
): { readonly from: number; readonly event: string } => ({
  from: Math.floor(number / (events.length + 1)),
  event: events[number % (events.length + 1) - 1]!
})
