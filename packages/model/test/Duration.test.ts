import { Schema } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Duration } from "../src/index.ts"

const accepts = Schema.is(Duration.Duration)

describe("Duration", () => {
  it.each([
    ["1s", 1000],
    ["30m", 1_800_000],
    ["1h", 3_600_000],
    ["7d", 604_800_000],
    ["2w", 1_209_600_000],
    ["1d12h", 129_600_000],
    ["0d5s", 5000]
  ])("%s is %d ms", (text, millis) => {
    expect(accepts(text)).toBe(true)
    expect(Duration.toMillis(text)).toBe(millis)
  })

  it.each(["", "0d", "0s", "7", "d", "1.5h", "-1d", "7 d", "12h1d", "1ms", "3651d", "1y", 7, null])(
    "isn't %j",
    (text) => {
      expect(accepts(text)).toBe(false)
    }
  )

  it("comes back from milliseconds", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3650 * 86_400 }), (seconds) => {
        const text = Duration.fromMillis(seconds * 1000)
        expect([accepts(text), Duration.toMillis(text)]).toEqual([true, seconds * 1000])
      })
    )
    expect(Duration.fromMillis(14 * 86_400_000)).toBe("2w")
    expect(Duration.fromMillis(15 * 86_400_000)).toBe("15d")
  })
})
