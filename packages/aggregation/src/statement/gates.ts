/**
 * Gates: whether an event counts, seen from the identity that it is joined to. A gate is the number of the event's name where the
 * event lies in a window (and its value can be used), else 0; `on` is that of the time from the first exposure to the end of
 * the experiment.
 */
import { type Fragment, integer, sql, word } from "@assay/sql"
import { intern, type Plan } from "../Plan.ts"
import type { Window } from "../Unit.ts"
import { type EventColumns, isUsable, numbered, type StreamColumns } from "./events.ts"
import { since } from "./exposures.ts"
import { each, offsetOf, own, sharer } from "./table.ts"

/** A window, and the value that must be usable in it. */
type Gate = Pick<StreamColumns, "value" | "window">

/** The name of a gate. */
export const gate = ({ value, window }: Gate): Fragment =>
  word(`on${value ?? ""}${window === undefined ? "" : `_w${window}`}`)

/**
 * The first and the last offset of the experiment's own window, where more than that is read; undefined where it isn't. `of` is the number of the
 * experiment in a shared plan.
 */
const bounds = (plan: Plan, of?: Fragment) => {
  const all = plan.sharers ?? [plan]
  return {
    first: all.some(({ from }) => plan.reads.from < from)
      ? each(plan, ({ from }) => offsetOf(plan, from), of)
      : undefined,
    last: all.some(({ to }) => plan.reads.to > to)
      ? each(plan, ({ to }) => offsetOf(plan, to - 1), of, "most")
      : undefined
  }
}

/** The condition that an event of the offset `t` lies in the window of an identity exposed at the offset `since`. */
const lies = (plan: Plan, { from, to }: Window, t: Fragment, exposed: Fragment): Fragment => {
  const { last } = bounds(plan, sql`exposures.${sharer}`)
  const begun = from < 0
    ? sql`${t} + ${integer(-from)} >= ${exposed}`
    : sql`${t} >= ${exposed}${from === 0 ? sql`` : sql` + ${integer(from)}`}`
  const over = to === null
    ? last === undefined ? undefined : sql`${t} <= ${last}`
    : sql`${t} < ${exposed}${to === 0 ? sql`` : sql` + ${integer(to)}`}`
  return over === undefined ? begun : sql`${begun} AND ${over}`
}

/** The gates that a plan's streams go by, as columns over the joined events and exposures. */
export const gates = (plan: Plan, columns: EventColumns): ReadonlyArray<Fragment> => {
  const t = sql`events.${own("t")}`
  const exposed = since(sql`exposures.pack`)
  const valued: Array<Gate> = []
  for (const { value, window } of columns.streams) if (value !== undefined) intern(valued, { value, window })
  const open = (window: Window): Fragment => sql`if(${lies(plan, window, t, exposed)}, events.${own("m")}, toUInt16(0))`
  return [
    sql`${open({ from: 0, to: null })} AS on`,
    ...columns.windows.map((window, i) => sql`${open(window)} AS ${gate({ value: undefined, window: i })}`),
    ...valued.map((one) =>
      sql`if(${isUsable(columns.values[one.value!]!, sql`events.${own("v", one.value)}`)}, ${
        gate({ ...one, value: undefined })
      }, toUInt16(0)) AS ${gate(one)}`
    )
  ]
}

/** When an attributed event counts for a stream. */
export const counts = ({ condition, event, value, window }: StreamColumns): Fragment => {
  const happened = sql`${gate({ value, window })} ${event === 0 ? sql`!= 0` : sql`= ${integer(event)}`}`
  return condition === undefined ? happened : sql`${happened} AND ${numbered("c", condition)}`
}

/** Whether a joined event is one of the experiment's window before the identity's first exposure. */
export const isEarly = (plan: Plan): Fragment => {
  const { first, last } = bounds(plan)
  if (first === undefined && last === undefined) return sql`m != on`
  return sql`m != 0 AND t < ${since(sql`pack`)}${first === undefined ? sql`` : sql` AND t >= ${first}`}${
    last === undefined ? sql`` : sql` AND t <= ${last}`
  }`
}

/** Whether a joined event lies in the experiment's window; undefined where nothing else is read. */
export const isInside = (plan: Plan): Fragment | undefined => {
  const { first, last } = bounds(plan)
  return first === undefined && last === undefined
    ? undefined
    : sql`m != 0${first === undefined ? sql`` : sql` AND t >= ${first}`}${
      last === undefined ? sql`` : sql` AND t <= ${last}`
    }`
}
