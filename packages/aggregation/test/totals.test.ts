/** Totals that are carried on, against those that are taken of all units. */
import { Moments } from "@assay/model"
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { beginTotals, carryTotals, Duration, isAsOld, shapeOf, type Totals } from "../src/index.ts"
import { metric, planned } from "./fixtures.ts"

const plan = planned([metric("revenue")])

/** A unit as the statements know it: where it stands, its newest event, and its value. */
interface Unit {
  readonly place: number
  readonly arm: number
  readonly latest: number
  readonly value: number
}

/** The rows of an answer over units, as a warehouse gives them. */
const answerOf = (units: ReadonlyArray<Unit>) =>
  [...Map.groupBy(units, ({ arm, place }) => `${place},${arm}`).values()].map((some) => {
    const { comoments, n, products, sums } = Moments.fromValues(1, some.map(({ value }) => [value]))
    return {
      place: some[0]!.place,
      arm: some[0]!.arm,
      part: 0,
      n: String(n),
      early_events: String(some.length * 2),
      latest_event: String(Math.max(...some.map(({ latest }) => latest))),
      repeated_events: "0",
      nameless_exposures: "0",
      undeclared: "0",
      unusable0: String(some.filter(({ value }) => value > 50).length),
      s0_0: sums[0]!,
      p0_0_0: products[0]![0]!,
      c0_0_0: comoments[0]![0]!
    }
  })

const sorted = ({ rows }: Totals) =>
  rows.toSorted((a, b) => Number(a["place"]) - Number(b["place"]) || Number(a["arm"]) - Number(b["arm"]))

const begun = (units: ReadonlyArray<Unit>) => Result.getOrThrow(beginTotals(plan, answerOf(units)))

const carried = (totals: Totals, gone: ReadonlyArray<Unit>, added: ReadonlyArray<Unit>) =>
  Result.getOrThrow(carryTotals(plan, totals, [
    ...answerOf(gone).map((row) => ({ side: 0, ...row })),
    ...answerOf(added).map((row) => ({ side: 1, ...row }))
  ]))

const unit = fc.record({
  place: fc.constantFrom(0, 0, 0, 1),
  arm: fc.integer({ min: 0, max: 1 }),
  latest: fc.integer({ min: 0, max: 1000 }),
  value: fc.integer({ min: 0, max: 10_000 }).map((cents) => cents / 100)
})

/** Units, and what becomes of some of them, by their place among these; others are new. */
const changes = fc.array(unit, { minLength: 1, maxLength: 30 }).chain((units) =>
  fc.record({
    units: fc.constant(units),
    becoming: fc.uniqueArray(fc.tuple(fc.nat(units.length - 1), unit), { selector: ([i]) => i, maxLength: 8 }),
    more: fc.array(unit, { maxLength: 8 })
  })
)

describe("totals that are carried on", () => {
  it("are those of all units: counts to the last digit, sums to 1e-11, unless they say that they can't be told", () => {
    const seen = { told: 0, not: 0 }
    fc.assert(fc.property(changes, ({ becoming, more, units }) => {
      const after = units.map((one, i) => becoming.find(([place]) => place === i)?.[1] ?? one)
      const found = carried(
        begun(units),
        becoming.map(([i]) => units[i]!),
        [...becoming.map(([, one]) => one), ...more]
      )
      if (found === undefined) {
        seen.not += 1
        return
      }
      seen.told += 1
      const [ours, theirs] = [sorted(found), sorted(begun([...after, ...more]))]
      expect(ours.length).toBe(theirs.length)
      ours.forEach((row, i) => {
        const { c0_0_0: c, p0_0_0: p, s0_0: s, ...counts } = row as Record<string, number>
        const { c0_0_0: c2, p0_0_0: p2, s0_0: s2, ...counts2 } = theirs[i] as Record<string, number>
        expect(counts).toEqual(counts2)
        if (counts["place"] !== 0) return
        for (const [a, b] of [[s!, s2!], [p!, p2!], [c!, c2!]]) {
          expect(Math.abs(a! - b!)).toBeLessThanOrEqual(1e-11 * Math.abs(b!))
        }
      })
    }))
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0)
  })

  const of = (value: number, more: Partial<Unit> = {}): Unit => ({ place: 0, arm: 0, latest: 5, value, ...more })

  it("are summed anew where nearly nothing is left of a sum of squares, at once or little by little", () => {
    const many = Array.from({ length: 9 }, (_, i) => of(1000 + i))
    expect(carried(begun([...many, of(1e6)]), [of(1e6)], [of(1001)])).toBeUndefined()
    let [totals, size, steps]: [Totals | undefined, number, number] = [begun([...many, of(1e6)]), 1e6, 0]
    while (totals !== undefined && size > 1e-6) {
      totals = carried(totals, [of(size), ...many], [of(size / 10), ...many.map((one) => of(one.value / 10))])
      size /= 10
      steps += 1
    }
    expect(totals).toBeUndefined()
    expect(steps).toBeGreaterThan(0)
  })

  it.each([[0, 1e-11], [1000, 1e-11], [1e6, 2e-10]])(
    "may be carried on thousands of times where things change little: with a mean of %d times the spread they stay within %d",
    (mean, off) => {
      const drawn = (i: number) => mean + 2 * ((i * Math.SQRT2) % 1) - 1
      const values = Array.from({ length: 1000 }, (_, i) => drawn(i))
      const now = () => values.map((value) => of(value))
      let totals: Totals | undefined = begun(now())
      for (let i = 0; i < 2000 && totals !== undefined; i++) {
        const at = (7 * i) % values.length
        const gone = of(values[at]!)
        values[at] = drawn(1000 + i)
        totals = carried(totals, [gone], [of(values[at])])
      }
      const [{ c0_0_0: ours }, { c0_0_0: theirs }] = [totals!.rows[0]!, begun(now()).rows[0]!] as [
        Record<string, number>,
        Record<string, number>
      ]
      expect(totals!.rows[0]).toMatchObject({ n: 1000 })
      expect(Math.abs(ours! - theirs!)).toBeLessThanOrEqual(off * theirs!)
    }
  )

  it("aren't told where the newest event of an arm goes, and nobody says who has the newest then", () => {
    const units = [of(1), of(2, { latest: 9 }), of(4)]
    expect(carried(begun(units), [units[1]!], [of(2, { arm: 1, latest: 9 })])).toBeUndefined()
    expect(carried(begun(units), [units[1]!], [of(3, { latest: 11 })])?.rows).toMatchObject([{ latest_event: 11 }])
    expect(carried(begun(units), [units[0]!], [of(3, { arm: 1 })])?.rows).toMatchObject([
      { arm: 0, n: 2, latest_event: 9 },
      { arm: 1, n: 1, latest_event: 5 }
    ])
  })

  it("are refused where rows aren't those of the plan", () => {
    const { s0_0: _, ...row } = answerOf([of(1)])[0]!
    expect(Result.isFailure(beginTotals(plan, [row]))).toBe(true)
    expect(Result.isFailure(carryTotals(plan, begun([of(1)]), [{ side: 1, ...row }]))).toBe(true)
  })

  it("have a shape that what is measured decides, not the time at which it is; that decides who is old enough", () => {
    const windowed = (asOf: string) =>
      planned([metric("revenue", { window: Duration.fromMillis(86_400_000) })], { asOf: Date.parse(asOf) })
    const [early, late] = [windowed("2026-01-20T00:00:00Z"), windowed("2026-01-21T00:00:00Z")]
    expect(shapeOf(early)).toBe(shapeOf(late))
    expect(shapeOf(early)).not.toBe(shapeOf(plan))
    const ripe = Result.getOrThrow(beginTotals(early, []))
    expect([isAsOld(early, ripe), isAsOld(late, ripe)]).toEqual([true, false])
  })
})
