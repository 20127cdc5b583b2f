import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as FileName from "../src/FileName.ts"

/** Texts that people and attackers call an experiment. */
const key = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 200 }),
  fc.string({ minLength: 1, maxLength: 200 }),
  fc.array(
    fc.constantFrom("..", "/", "\\", "'", "\"", "a", "A", "İ", "con", " ", ".", "\u202e", "\ud800", "\udfff", "日"),
    {
      minLength: 1,
      maxLength: 40
    }
  ).map((parts) => parts.join(""))
)

const instant = fc.date({ min: new Date("1970-01-01"), max: new Date("2199-12-31"), noInvalidDate: true })
const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,30}$/)

describe("the directory of an experiment", () => {
  it("is one safe name of at most 57 characters, whatever the key", () => {
    fc.assert(fc.property(key, (key) => {
      expect(FileName.directory(key)).toMatch(/^([a-z0-9][a-z0-9-]{0,39}-)?[0-9a-f]{16}$/)
    }))
  })

  it("differs for different keys, also when case is ignored", () => {
    fc.assert(fc.property(key, key, (a, b) => {
      fc.pre(a !== b)
      expect(FileName.directory(a).toLowerCase()).not.toBe(FileName.directory(b).toLowerCase())
    }))
    expect(FileName.directory("Checkout")).not.toBe(FileName.directory("checkout"))
    expect(FileName.directory("\ud800")).not.toBe(FileName.directory("\udfff"))
  })

  it("can be recognised by people", () => {
    expect(FileName.directory("Checkout / new button")).toMatch(/^checkout-new-button-[0-9a-f]{16}$/)
    expect(FileName.directory("Größe")).toMatch(/^gro-e-[0-9a-f]{16}$/)
  })
})

describe("the file of a snapshot", () => {
  it("says as_of and id", () => {
    expect(FileName.file("2026-01-15T10:30:00+01:00", "r-1")).toBe("20260115T093000000Z-r-1.json")
    fc.assert(fc.property(instant, id, (date, id) => {
      expect(FileName.parse(FileName.file(date.toISOString(), id))).toEqual({ id, as_of: date.toISOString() })
    }))
  })

  it("sorts as time does", () => {
    fc.assert(fc.property(instant, id, instant, id, (a, idOfA, b, idOfB) => {
      fc.pre(a.getTime() !== b.getTime())
      const order = FileName.newestFirst(
        FileName.file(a.toISOString(), idOfA),
        FileName.file(b.toISOString(), idOfB)
      )
      expect(Math.sign(order)).toBe(Math.sign(b.getTime() - a.getTime()))
    }))
  })

  it.each([".r1.tmp", "notes.json", "20260115T093000000Z-.json", "20260115T093000000Z-r1.json.bak", "latest.json"])(
    "is not %s",
    (name) => {
      expect(FileName.parse(name)).toBeUndefined()
    }
  )
})
