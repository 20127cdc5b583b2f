import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Drawing from "../src/IntervalDrawing.ts"

const end = fc.oneof(
  fc.double({ min: -1, max: 10, noNaN: true }),
  fc.constant(0),
  fc.double({ min: -1e300, max: 1e300, noNaN: true })
)
const interval = fc.tuple(end, end, end).map((ends): Drawing.Interval => {
  const [low = 0, point = 0, high = 0] = ends.toSorted((a, b) => a - b)
  return { low, point, high }
})
const cells = fc.integer({ min: 7, max: 60 })

const at = (low: number, point: number, high: number): Drawing.Interval => ({ low, point, high })

describe("the axis", () => {
  it("has 0 inside, for any intervals", () => {
    fc.assert(fc.property(fc.array(interval), cells, (intervals, cells) => {
      const axis = Drawing.axisFor(intervals, cells)
      expect(axis.low).toBeLessThan(0)
      expect(axis.high).toBeGreaterThan(0)
      expect(axis.zero).toBeGreaterThanOrEqual(2)
      expect(axis.zero).toBeLessThanOrEqual(cells - 3)
    }))
  })

  it("shows all intervals of similar reach", () => {
    const axis = Drawing.axisFor([at(-0.02, 0, 0.02), at(0.01, 0.03, 0.05)], 41)
    expect([axis.low, axis.high]).toEqual([-0.02, 0.05])
  })

  it("isn't made for the one interval that is far wider than the others", () => {
    const axis = Drawing.axisFor([at(-0.012, 0.01, 0.032), at(0.004, 0.027, 0.051), at(-0.8, 2, 9)], 41)
    expect([axis.low, axis.high]).toEqual([-0.06, 0.06])
  })
})

describe("a drawing", () => {
  const axis: Drawing.Axis = { low: -0.1, high: 0.1, cells: 21, zero: 10 }

  it.each([
    [at(-0.05, 0.02, 0.08), "     ├────┼─●─────┤  "],
    [at(0.02, 0.05, 0.08), "          ┆ ├──●──┤  "],
    [at(-0.9, -0.05, 0.02), "◄────●────┼─┤        "],
    [at(0.05, 0.5, 9), "          ┆    ├────►"],
    [at(0.5, 0.6, 0.7), "          ┆         ►"],
    [at(-0.7, -0.6, -0.5), "◄         ┆          "],
    [at(0, 0, 0), "          ●          "],
    [at(0.0001, 0.05, 0.1), "          ┆├───●────┤"],
    [at(-0.0001, 0.05, 0.1), "         ├┼────●────┤"]
  ])("of %j is %s", (interval, text) => {
    expect(Drawing.draw(axis, interval)).toBe(text)
  })

  it("has an arrow at each end that goes on beyond the axis and nowhere else, and a point only on the axis", () => {
    fc.assert(fc.property(fc.array(interval), interval, cells, (others, interval, cells) => {
      const axis = Drawing.axisFor([...others, interval], cells)
      const drawing = Drawing.draw(axis, interval)
      const [left, right] = [interval.low < axis.low * (1 + 1e-9), interval.high > axis.high * (1 + 1e-9)]
      // An interval that lies wholly on one side beyond has that side's arrow alone.
      expect(drawing.includes("◄")).toBe(left)
      expect(drawing.includes("►")).toBe(right)
      if (left) expect(drawing[0]).toBe("◄")
      if (right) expect(drawing.at(-1)).toBe("►")
      const off = interval.point < axis.low * (1 + 1e-9) || interval.point > axis.high * (1 + 1e-9)
      if (off) expect(drawing).not.toContain("●")
    }))
  })

  it("fills the axis and excludes 0 exactly when the interval does", () => {
    fc.assert(fc.property(fc.array(interval), interval, cells, (others, interval, cells) => {
      const axis = Drawing.axisFor([...others, interval], cells)
      const drawing = Drawing.draw(axis, interval)
      expect(drawing.length).toBe(cells)
      expect(drawing[axis.zero] === "┆").toBe(interval.low > 0 || interval.high < 0)
    }))
  })
})
