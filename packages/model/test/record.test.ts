import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { recordOf } from "../src/index.ts"

describe("a record of keys", () => {
  it("is that of the pairs, whatever the keys are called", () => {
    const keys = fc.array(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toString", "1", "0")))
    fc.assert(fc.property(keys, (some) => {
      const value = (key: string) => ({ of: key })
      const record = recordOf(some, value)
      const pairs = Object.fromEntries(some.map((key) => [key, value(key)]))
      expect(Object.entries(record)).toEqual(Object.entries(pairs))
      expect(JSON.stringify(record)).toBe(JSON.stringify(pairs))
      expect(Object.getPrototypeOf(record)).toBe(Object.prototype)
    }))
  })
})
