import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { compile, compileMerged, compileUndeclared, strategyOf } from "../../src/index.ts"
import { input, mapping, metric, planned } from "../fixtures.ts"

const several = [
  metric("revenue", { where: [{ property: "country", op: "in", value: ["SE", "DE"] }] }),
  metric("basket", { aggregation: "ratio", value: "metadata.cart.amount" }),
  metric("bought", { aggregation: "occurrence" })
]

describe("a statement", () => {
  it("is the same for equal plans, text and parameters", () => {
    const again = structuredClone({ ...input(several), aggregations: undefined })
    const other = planned(several, { metrics: again.metrics, experiment: again.experiment, mapping: again.mapping })
    expect(compile(other)).toEqual(compile(planned(several)))
    expect(compile(planned(several, { asOf: Date.UTC(2027, 0, 1) }))).toEqual(compile(planned(several)))
  })

  it("has the same text for other names and values, which are bound", () => {
    fc.assert(fc.property(fc.string(), fc.string({ minLength: 1 }), fc.double({ noNaN: true }), (a, b, value) => {
      const one = (event: string, than: number) =>
        compile(planned([metric("m", { event, where: [{ property: "value", op: ">", value: than }] })]))
      const names = new Set(["purchase", a, b, String(value)])
      fc.pre(names.size === 4 && ![...names].includes("1") && a.isWellFormed() && b.isWellFormed())
      expect(one(b, value).text).toBe(one("purchase", 1.5).text)
    }))
  })

  it("reads the events once and the exposures as often as its strategy says, within both bounds of the window", () => {
    const plan = planned(several)
    expect(strategyOf(plan).exposures).toBe("twice")
    const timed = { ...plan, series: { period: "day" } as const }
    expect(strategyOf(timed).exposures).toBe("twice")
    const greatest = planned([metric("order", { aggregation: "largest" })], { series: true })
    expect(strategyOf(greatest).exposures).toBe("twice")
    expect([plan, timed, greatest].map((one) => strategyOf(one).because.series)).toEqual([
      undefined,
      "each event adds to what its period changed",
      expect.stringContaining("for 1 of the accumulators")
    ])
    const traits = (trait: string) => planned([metric("m", { covariate: { trait } })])
    expect([traits("country"), traits("traits.age")].map((one) => strategyOf(one).exposures)).toEqual(["twice", "once"])
    expect(() => compileMerged([greatest])).toThrow(/have no series/)
    const sliced = (slice: string) => strategyOf(planned(several, { slices: [slice] })).exposures
    expect([sliced("country"), sliced("traits.country")]).toEqual(["twice", "once"])
    const cases = [
      [compile(plan), 3],
      [compile(timed), 3],
      [compile(greatest), 3],
      [compile(traits("country")), 3],
      [compile(traits("traits.age")), 2],
      [compileMerged([plan]), 2]
    ] as const
    for (const [{ text }, reads] of cases) {
      expect(text.match(/FROM `events`/g)).toHaveLength(reads)
      expect(text.match(/`timestamp` >= \{p\d+:DateTime64\(3, 'UTC'\)\} AND `timestamp` < \{p\d+:Da/g)).toHaveLength(
        reads
      )
    }
    expect(compileUndeclared(planned(several)).text.match(/FROM `events`/g)).toHaveLength(1)
  })

  it("pins what a profile could change", () => {
    expect(compile(planned(several)).settings).toMatchObject({
      join_use_nulls: 0,
      aggregate_functions_null_for_empty: 0,
      session_timezone: "UTC"
    })
  })

  it("names tables and columns as the mapping does, quoted", () => {
    const { text } = compile(planned([metric("m")], { mapping: { ...mapping, database: "my`db", table: "e\\v" } }))
    expect(text).toContain("FROM `my\\`db`.`e\\\\v`")
  })
})
