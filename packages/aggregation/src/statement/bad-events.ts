/** Events whose value can't be used, kept per identity so that each metric's can be counted. */
import { type Fragment, integer, join, sql, word } from "@assay/sql"
import { type EventColumns, numbered } from "./events.ts"

/** Bits that the number of an event name takes in a {@link badEvent}. */
const eventBits = 16

/** Conditions that find room beside the number of an event name. */
const conditionBits = 64 - eventBits

/** Which conditions a {@link badEvent} tells: those of one chunk, enough for the streams that read the value. */
interface BadEvents {
  readonly name: Fragment
  readonly value: number
  readonly chunk: number
}

export const chunkOf = (condition: number | undefined): number => Math.floor((condition ?? 0) / conditionBits)

export const badEventsOf = (value: number, chunk: number): BadEvents => ({
  name: word(`bad${value}_${chunk}`),
  value,
  chunk
})

export const badEvents = (columns: EventColumns): ReadonlyArray<BadEvents> =>
  columns.values.flatMap((_, value) => {
    const chunks = columns.streams.flatMap((stream) => (stream.value === value ? [chunkOf(stream.condition)] : []))
    return [...new Set(chunks)].map((chunk) => badEventsOf(value, chunk))
  })

/** An event whose value can't be used, as a number: its event name's, and a bit for each condition of a chunk that it meets. */
export const badEvent = (columns: EventColumns, chunk: number): Fragment =>
  join(
    [
      sql`toUInt64(on)`,
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
  const happened = sql`bitAnd(${bad}, ${integer(2 ** eventBits - 1)}) = ${integer(event)}`
  return condition === undefined
    ? happened
    : sql`${happened} AND bitTest(${bad}, ${integer(eventBits + condition % conditionBits)})`
}
