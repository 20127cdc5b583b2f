/** Events whose value can't be used, kept per identity so that each metric's can be counted. */
import { type Fragment, integer, join, sql, word } from "@assay/sql"
import { intern } from "../Plan.ts"
import { type EventColumns, numbered, type StreamColumns } from "./events.ts"
import { gate } from "./gates.ts"

/** Bits that the number of an event name takes in a {@link badEvent}. */
const eventBits = 16

/** Conditions that find room beside the number of an event name. */
const conditionBits = 64 - eventBits

/**
 * The events of a window whose value can't be used. Which conditions a {@link badEvent} tells: those of one chunk, enough for the
 * streams that read the value.
 */
interface BadEvents {
  readonly name: Fragment
  readonly value: number
  readonly window: number | undefined
  readonly chunk: number
}

const chunkOf = (condition: number | undefined): number => Math.floor((condition ?? 0) / conditionBits)

export const badEventsOf = ({ condition, value, window }: StreamColumns): ReadonlyArray<BadEvents> => {
  if (value === undefined) return []
  const chunk = chunkOf(condition)
  const name = word(`bad${value}_${chunk}${window === undefined ? "" : `_w${window}`}`)
  return [{ name, value, window, chunk }]
}

export const badEvents = ({ streams }: EventColumns): ReadonlyArray<BadEvents> => {
  const all: Array<BadEvents> = []
  for (const stream of streams) for (const one of badEventsOf(stream)) intern(all, one)
  return all
}

/** An event whose value can't be used, as a number: its event name's, and a bit for each condition of a chunk that it meets. */
export const badEvent = (columns: EventColumns, { chunk, window }: BadEvents): Fragment =>
  join(
    [
      sql`toUInt64(${gate({ value: undefined, window })})`,
      ...columns.conditions.flatMap((_, i) =>
        chunkOf(i) === chunk
          ? [sql`bitShiftLeft(toUInt64(${numbered("c", i)}), ${integer(eventBits + i % conditionBits)})`]
          : []
      )
    ],
    sql` + `
  )

/** Whether a {@link badEvent} belongs to a stream. */
export const isBadEventOf = (columns: EventColumns, stream: number, bad: Fragment): Fragment => {
  const { condition, event } = columns.streams[stream]!
  const happened = event === 0
    ? sql`${bad} != 0`
    : sql`bitAnd(${bad}, ${integer(2 ** eventBits - 1)}) = ${integer(event)}`
  return condition === undefined
    ? happened
    : sql`${happened} AND bitTest(${bad}, ${integer(eventBits + condition % conditionBits)})`
}
