import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { stable } from "../src/stable.ts"

describe("a stable number", () => {
  const numbers = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    // Around the powers of ten, and around halves of the last digit that is kept.
    fc.tuple(fc.integer({ min: -30, max: 30 }), fc.integer({ min: -40, max: 40 }))
      .map(([power, ulps]) => 10 ** power * (1 + ulps * Number.EPSILON)),
    fc.tuple(fc.integer({ min: 1e13, max: 1e14 }), fc.integer({ min: -22, max: 30 }), fc.integer({ min: -4, max: 4 }))
      .map(([whole, power, ulps]) => (whole + 0.5) * 10 ** power * (1 + ulps * Number.EPSILON))
  ).filter((x) => !Number.isSafeInteger(x))
  it("has the fourteen digits of the decimal number, to the last bit", () => {
    fc.assert(
      fc.property(numbers, (x) => {
        expect(stable(x)).toBe(Number(x.toPrecision(14)))
      }),
      { numRuns: 5000 }
    )
  })
  it("is a whole number as it is", () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (x) => {
      expect(stable(x)).toBe(x)
    }))
  })
})
