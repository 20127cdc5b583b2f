/** Exponents of growth, and the data on which growth and repeated rows are measured. */
import { Warehouse } from "@assay/warehouse"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { exponent, measurePoint, sizes } from "../src/growth.ts"

describe("the exponent", () => {
  it("is that of a power, and 0 of what stays as it is", () => {
    const points = (of: (x: number) => number) => [2e6, 6e6, 2e7].map((x) => [x, of(x)] as const)
    assert.approximately(exponent(points((x) => 3 * x ** 1.04)), 1.04, 1e-9)
    assert.approximately(exponent(points(() => 7)), 0, 1e-9)
  })
})

describe("sizes", () => {
  it("lead from the least to the most, each once", () => {
    assert.deepStrictEqual(sizes(2e6, 2e7), [2_000_000, 6_324_555, 20_000_000])
    assert.deepStrictEqual(sizes(2e6, 2e6), [2_000_000])
    assert.deepStrictEqual(sizes(2e6, 2.1e6), [2_000_000, 2_100_000])
  })
})

describe("a point", () => {
  it("counts what each policy reads, and its time and memory", () =>
    Effect.runPromise(
      Effect.gen(function*() {
        const size = { events: 20_000, identities: 2000, metrics: 2, repeated: 0.1 }
        const found = yield* measurePoint({ size, policies: ["none", "row", "id"], rounds: 1 })
        assert.deepStrictEqual(found.map(({ policy }) => policy), ["none", "row", "id"])
        for (const { cpu, rows, wall } of found) {
          // Exposures twice, events once, about a tenth of them a second time; rows that are made on the way count, too.
          assert.isTrue(rows > 25_500 && rows < 26_500, `${rows}`)
          assert.isTrue(cpu > 0 && wall > 0)
        }
      }).pipe(Effect.provide(Warehouse.layerEmbedded()))
    ))
})
