import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Cells from "../src/Cells.ts"

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.array(fc.constantFrom("a", " ", "日", "👍", "👍🏽", "e\u0301", "\u0301", "ᄀ", "\u202e", "\u001b[2J", "word"), {
    maxLength: 60
  })
    .map((parts) => parts.join(""))
)

describe("visible text", () => {
  it("has nothing that moves the cursor, reorders, or hides", () => {
    fc.assert(fc.property(text, (text) => {
      expect(Cells.visible(text)).not.toMatch(
        /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff]/u
      )
    }))
  })

  it("shows what was there", () => {
    expect(Cells.visible("\u001b[31mred\u0007")).toBe("\\x1b[31mred\\x07")
    expect(Cells.visible("\u202eabc\u{e0041}")).toBe("\\u202eabc\\u{e0041}")
    expect(Cells.visible("a\r\nb\u0085")).toBe("a\\x0d\\x0ab\\x85")
    expect(Cells.visible("\ud800")).toBe("\\ud800")
  })

  it("leaves words of every script alone", () => {
    for (const word of ["Größe", "结账按钮", "תשלום", "می‌خواهم", "क्‍ष", "🇩🇪 👍"]) expect(Cells.visible(word)).toBe(word)
  })

  it("doesn't let marks pile up over other lines", () => {
    expect(Cells.visible(`a${"\u0301".repeat(8)}`)).toBe(`a${"\u0301".repeat(6)}\\u0301\\u0301`)
  })

  it("is ASCII where that is asked for", () => {
    fc.assert(fc.property(text, (text) => {
      expect(Cells.visible(text, true)).toMatch(/^[\x20-\x7e]*$/)
    }))
  })
})

describe("width", () => {
  it.each([
    ["abc", 3],
    ["é", 1],
    ["e\u0301", 1],
    ["日本", 4],
    ["ﾊﾝ", 2],
    ["ＡＢ", 4],
    ["👍", 2],
    ["🇩🇪", 2],
    ["한국", 4],
    ["─●┆", 3],
    ["❤", 1]
  ])(
    "of %s is %d cells",
    (text, cells) => {
      expect(Cells.width(text)).toBe(cells)
    }
  )
})

const safe = text.map((text) => Cells.visible(text))

describe("cutting and wrapping", () => {
  it("shortens to at most so many cells, and leaves what fits", () => {
    fc.assert(fc.property(safe, fc.integer({ min: 3, max: 40 }), (text, cells) => {
      const short = Cells.shorten(text, cells)
      expect(Cells.width(short)).toBeLessThanOrEqual(cells)
      expect(Cells.width(text) > cells || short === text).toBe(true)
    }))
    expect(Cells.shorten("orange-with-square-corners", 11)).toBe("orang…rners")
  })

  it("wraps into lines of at most so many cells, and loses nothing but spaces", () => {
    fc.assert(fc.property(safe, fc.integer({ min: 4, max: 40 }), (text, cells) => {
      const lines = Cells.wrap(text, cells)
      for (const line of lines) expect(Cells.width(line)).toBeLessThanOrEqual(cells)
      expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""))
    }))
    expect(Cells.wrap("the quick brown fox", 10)).toEqual(["the quick", "brown fox"])
    expect(Cells.wrap("it got worse (+10.2 %, p = 0.002)", 19)).toEqual(["it got worse", "(+10.2 %,", "p = 0.002)"])
    expect(Cells.wrap("up = or down % or p < 0.0001", 8)).toEqual(["up = or", "down %", "or", "p < 0.00", "01"])
  })

  it("pads to so many cells", () => {
    expect(Cells.padEnd("日", 4)).toBe("日  ")
    expect(Cells.padStart("日", 4)).toBe("  日")
  })
})
