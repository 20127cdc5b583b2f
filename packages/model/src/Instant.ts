/** Points in time as text: ISO 8601 with a zone, to the millisecond. */
import { Schema } from "effect"

const pattern = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** ClickHouse's DateTime64 holds the years 1900 to 2299; ages of experiments lie well inside. */
const earliest = Date.UTC(1970, 0, 1)
const latest = Date.UTC(2200, 0, 1)

const isInstant = (text: string): boolean => {
  if (!pattern.test(text)) return false
  const millis = Date.parse(text)
  if (!(millis >= earliest && millis < latest)) return false
  const [year, month, day] = text.slice(0, 10).split("-").map(Number)
  const date = new Date(Date.UTC(year!, month! - 1, day))
  return date.getUTCMonth() === month! - 1 && date.getUTCDate() === day
}

/** A point in time, such as `2026-01-01T09:30:00Z`, `2026-01-01T10:30+01:00`, or `2026-01-01` for midnight UTC. */
export const Instant = Schema.String.pipe(
  Schema.check(
    Schema.makeFilter(isInstant, {
      expected: "a date (midnight UTC) or a date and time with its zone, such as 2026-01-01 or 2026-01-01T09:30:00Z",
      toJsonSchema: () => ({ pattern: pattern.source })
    })
  )
)

/** Milliseconds since 1970-01-01 UTC of an {@link Instant}. */
export const toMillis = (instant: string): number => Date.parse(instant)

/** The {@link Instant} of so many milliseconds since 1970-01-01 UTC, in UTC with milliseconds. */
export const fromMillis = (millis: number): string => new Date(millis).toISOString()

/**
 * A point in time for a sentence, milliseconds since 1970-01-01 UTC: `2026-01-15` at midnight UTC, else `2026-01-15 09:30 UTC`, to the minute that is
 * begun.
 */
export const inWords = (millis: number): string => {
  const text = fromMillis(millis)
  return text.endsWith("T00:00:00.000Z") ? text.slice(0, 10) : `${text.slice(0, 16).replace("T", " ")} UTC`
}
