/** Lengths of time as text: `90s`, `30m`, `1h`, `7d`, `2w`, or several of them, `1d12h`. */
import { Schema } from "effect"

const pattern = /^(?=\d)(\d{1,5}w)?(\d{1,5}d)?(\d{1,6}h)?(\d{1,7}m)?(\d{1,9}s)?$/

const units = { w: 7 * 86_400_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const

/** Ten years: longer than any experiment. */
const longest = 3650 * units.d

/** Milliseconds of a {@link Duration}. */
export const toMillis = (duration: string): number =>
  [...duration.matchAll(/(\d+)([wdhms])/g)].reduce(
    (total, [, count, unit]) => total + Number(count) * units[unit as keyof typeof units],
    0
  )

const isDuration = (text: string): boolean => {
  const millis = pattern.test(text) ? toMillis(text) : 0
  return millis > 0 && millis <= longest
}

/** A length of time, such as `1h` or `14d`: weeks, days (of 24 hours), hours, minutes and seconds; 1 s to 10 years. */
export const Duration = Schema.String.pipe(
  Schema.check(
    Schema.makeFilter(isDuration, {
      expected: "a length of time such as 30m, 1h, 7d or 1d12h, 10 years at most",
      toJsonSchema: () => ({
        pattern: "^(?=\\d)(?=.*[1-9])(\\d{1,5}w)?(\\d{1,5}d)?(\\d{1,6}h)?(\\d{1,7}m)?(\\d{1,9}s)?$"
      })
    })
  )
)

/** The shortest {@link Duration} of so many milliseconds: `90000` is `1m30s`. Parts of a second are left out. */
export const fromMillis = (millis: number): string => {
  const parts = Object.entries(units).reduce<{ readonly text: string; readonly rest: number }>(
    ({ rest, text }, [unit, size]) => {
      if (unit === "w" && rest % size !== 0) return { rest, text }
      const count = Math.floor(rest / size)
      return { rest: rest - count * size, text: count === 0 ? text : `${text}${count}${unit}` }
    },
    { text: "", rest: millis }
  )
  return parts.text === "" ? "0s" : parts.text
}
