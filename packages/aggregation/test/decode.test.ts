import { Result } from "effect"
import { describe, expect, it } from "vitest"
import { decodeAggregates } from "../src/index.ts"
import { metric, planned } from "./fixtures.ts"

const plan = planned([metric("revenue"), metric("basket", { aggregation: "ratio" })])

const row = (place: number, arm: number, more: Readonly<Record<string, unknown>> = {}) => ({
  place,
  arm,
  part: 0,
  n: "3",
  early_events: "2",
  latest_event: "1001",
  repeated_events: "4",
  nameless_exposures: "0",
  undeclared: "0",
  unusable0: "1",
  s0_0: 6,
  p0_0_0: 14,
  c0_0_0: 2,
  s1_0: 6,
  p1_0_0: 14,
  c1_0_0: 2,
  s1_1: 3,
  p1_0_1: 6,
  c1_0_1: 0,
  p1_1_1: 3,
  c1_1_1: -1e-18,
  ...more
})

const message = (rows: ReadonlyArray<Readonly<Record<string, unknown>>>) =>
  Result.getOrThrow(Result.flip(decodeAggregates(plan, rows))).message

describe("decodeAggregates", () => {
  it("reads columns by their names; arms are ranked by key", () => {
    const aggregates = Result.getOrThrow(decodeAggregates(plan, [row(0, 1), row(1, 0), row(2, 0), row(3, 0)]))
    expect(aggregates.identities).toEqual({ control: 3, blue: 0 })
    expect(aggregates.quarantined).toBe(3)
    expect(aggregates.quarantinedFrom).toEqual({ control: 0, blue: 3 })
    expect(aggregates.undeclaredIdentities).toBe(3)
    expect(aggregates.namelessEvents).toBe(2)
    expect(aggregates.repeatedEvents).toBe(12)
    expect(aggregates.unusableValues).toEqual([1, 1])
    expect(aggregates.latestEvent).toBe(plan.from + 1000)
    expect(aggregates.moments[1]!["control"]).toEqual({
      n: 3,
      sums: [6, 3],
      products: [[14, 6], [6, 3]],
      comoments: [[2, 0], [0, 0]]
    })
    expect(aggregates.moments[1]!["blue"]!.n).toBe(0)
  })

  it.each(Object.keys(row(0, 0)))("refuses an answer without the column %s", (column) => {
    const answer = [0, 1, 2, 3].map((place) => {
      const { [column]: _, ...less } = row(place, 0) as Record<string, unknown>
      return less
    })
    expect(message(answer)).toMatch(new RegExp(`^The answer for experiment checkout can't be used: .*${column}`))
  })

  it.each(["nan", "inf", "-inf", null, "6", NaN, Infinity])(
    "refuses %j for a moment, and names the metric",
    (value) => {
      expect(message([row(0, 0, { s1_0: value })])).toMatch(/metric basket: s1_0 is .* isn't a finite number/)
    }
  )

  it.each(["9007199254740992", 2 ** 53, -1, 1.5, "-1", "1e3", "", null, true, [1]])(
    "refuses %j for a count",
    (value) => {
      expect(message([row(0, 0, { n: value })])).toMatch(/n is .* isn't a count that can be held exactly/)
    }
  )

  it("takes counts up to 2^53 - 1", () => {
    const aggregates = Result.getOrThrow(decodeAggregates(plan, [row(0, 0, { n: "9007199254740991" })]))
    expect(aggregates.identities["blue"]).toBe(Number.MAX_SAFE_INTEGER)
  })

  it("refuses an arm that isn't there, and one that is there twice", () => {
    expect(message([row(0, 2)])).toContain("there is no such arm, or it is there twice: 2")
    expect(message([row(0, 0), row(0, 0)])).toContain("there is no such arm, or it is there twice: 0")
  })

  it("has no newest event and no identity where there are no rows", () => {
    const aggregates = Result.getOrThrow(decodeAggregates(plan, []))
    expect(aggregates.latestEvent).toBeUndefined()
    expect(aggregates.identities).toEqual({ control: 0, blue: 0 })
  })
})
