import { Schema } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Instant } from "../src/index.ts"

const accepts = Schema.is(Instant.Instant)

describe("Instant", () => {
  it.each([
    ["2026-01-01", 1767225600000],
    ["2026-01-01T09:30Z", 1767259800000],
    ["2026-01-01T09:30:00Z", 1767259800000],
    ["2026-01-01T10:30+01:00", 1767259800000],
    ["2026-01-01T09:30:00.5Z", 1767259800500],
    ["2026-01-01T09:30:00.123Z", 1767259800123],
    ["2026-01-01T00:30:00+02:00", 1767220200000],
    ["2024-02-29", 1709164800000],
    ["1970-01-01", 0]
  ])("%s is %d ms after 1970", (text, millis) => {
    expect(accepts(text)).toBe(true)
    expect(Instant.toMillis(text)).toBe(millis)
  })

  it.each([
    ["no zone", "2026-01-01T09:30:00"],
    ["a space instead of T", "2026-01-01 09:30:00Z"],
    ["a day that isn't in the calendar", "2026-02-30"],
    ["29 February of an ordinary year", "2026-02-29"],
    ["the 31st of a short month", "2026-04-31T10:00:00Z"],
    ["month 13", "2026-13-01"],
    ["an hour past 24", "2026-01-01T25:00:00Z"],
    ["minute 60", "2026-01-01T10:60:00Z"],
    ["microseconds", "2026-01-01T09:30:00.123456Z"],
    ["two digits of the year", "26-01-01"],
    ["before 1970", "1969-12-31"],
    ["after 2199", "2200-01-01"],
    ["surrounding space", " 2026-01-01"],
    ["words", "yesterday"],
    ["nothing", ""],
    ["a number", 1767225600000],
    ["null", null]
  ])("refuses %s", (_, text) => {
    expect(accepts(text)).toBe(false)
  })

  it("comes back from milliseconds", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) - 1 }), (millis) => {
      const text = Instant.fromMillis(millis)
      expect(accepts(text)).toBe(true)
      expect(Instant.toMillis(text)).toBe(millis)
    }))
  })

  it("says what it expects", () => {
    const decode = Schema.decodeUnknownSync(Instant.Instant)
    expect(() => decode("2026-01-01T09:30:00")).toThrow("a date and time with its zone, such as 2026-01-01")
  })
})

describe("an instant in a sentence", () => {
  it("is a date at midnight UTC, and else has the time to the minute that is begun", () => {
    expect(Instant.inWords(Date.UTC(2026, 0, 15))).toBe("2026-01-15")
    expect(Instant.inWords(Date.UTC(2026, 0, 15, 9, 30, 59, 999))).toBe("2026-01-15 09:30 UTC")
    expect(Instant.inWords(Date.UTC(2026, 0, 15, 0, 0, 0, 1))).toBe("2026-01-15 00:00 UTC")
  })
})
