import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Moments } from "../src/index.ts"

const value = fc.double({ min: -1000, max: 1000, noNaN: true })
const rows = (k: number, minLength = 0) =>
  fc.array(fc.array(value, { minLength: k, maxLength: k }), { minLength, maxLength: 20 })

const flat = (
  m: Moments.Moments
): ReadonlyArray<number> => [m.n, ...m.sums, ...m.products.flat(), ...m.comoments.flat()]

/** All numbers agree to a relative 1e-9 of the largest value that went in, squared. */
const same = (a: Moments.Moments, b: Moments.Moments): boolean => {
  const [x, y] = [flat(a), flat(b)]
  const size = 1 + Math.max(...a.products.flat().map(Math.abs), ...b.products.flat().map(Math.abs))
  return x.length === y.length && x.every((v, i) => Math.abs(v - (y[i] ?? NaN)) <= 1e-9 * size)
}

describe("merge", () => {
  it("of two disjoint sets of identities gives the moments of the union", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }).chain((k) => fc.tuple(fc.constant(k), rows(k), rows(k))),
        ([k, a, b]) => {
          expect(same(
            Moments.merge(Moments.fromValues(k, a), Moments.fromValues(k, b)),
            Moments.fromValues(k, [...a, ...b])
          )).toBe(true)
        }
      )
    )
  })

  it("doesn't depend on grouping or order", () => {
    fc.assert(fc.property(rows(2), rows(2), rows(2), (a, b, c) => {
      const x = Moments.fromValues(2, a)
      const y = Moments.fromValues(2, b)
      const z = Moments.fromValues(2, c)
      expect(same(Moments.merge(Moments.merge(x, y), z), Moments.merge(x, Moments.merge(y, z)))).toBe(true)
      expect(same(Moments.merge(x, y), Moments.merge(y, x))).toBe(true)
    }))
  })

  it("with nobody changes nothing", () => {
    fc.assert(fc.property(rows(2), (a) => {
      const m = Moments.fromValues(2, a)
      expect(Moments.merge(m, Moments.empty(2))).toEqual(m)
      expect(Moments.merge(Moments.empty(2), m)).toEqual(m)
      expect(Moments.mergeAll(2, [m])).toEqual(m)
      expect(Moments.mergeAll(2, [Moments.empty(2), m, m])).toEqual(Moments.merge(m, m))
    }))
  })
})

describe("constructors", () => {
  it("fromValues, fromSums and fromCentral agree", () => {
    fc.assert(fc.property(rows(1, 1), (values) => {
      const two = Moments.fromValues(1, values)
      const [sum = 0] = two.sums
      const [[sumSquares = 0] = []] = two.products
      expect(same(two, Moments.fromSums(values.length, sum, sumSquares))).toBe(true)
      const central = Moments.fromCentral(values.length, [Moments.mean(two)], [[Moments.covariance(two)]])
      expect(same(two, central)).toBe(true)
    }))
  })

  it("fromCentral keeps the covariances of several columns", () => {
    fc.assert(fc.property(rows(2, 2), (values) => {
      const m = Moments.fromValues(2, values)
      const means = [Moments.mean(m, 0), Moments.mean(m, 1)]
      const matrix = [0, 1].map((i) => [0, 1].map((j) => Moments.covariance(m, i, j)))
      expect(same(m, Moments.fromCentral(values.length, means, matrix))).toBe(true)
    }))
  })

  it("fromSums never gives a negative comoment", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.double({ min: 1e-3, max: 1e9, noNaN: true }), (n, x) => {
        expect(Moments.fromSums(n, n * x, n * x * x).comoments.flat().every((c) => c >= 0)).toBe(true)
      })
    )
  })

  it("nobody has mean and variance 0", () => {
    for (const m of [Moments.empty(1), Moments.fromValues(1, []), Moments.fromSums(0, 0, 0)]) {
      expect([m.n, Moments.mean(m), Moments.covariance(m)]).toEqual([0, 0, 0])
    }
  })

  it("one identity has no variance", () => {
    expect(Moments.covariance(Moments.fromValues(1, [[5]]))).toBe(0)
  })
})

describe("large offsets", () => {
  it("keep the variance to 1e-6, also when merged", () => {
    fc.assert(fc.property(
      fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 2, maxLength: 50 }),
      fc.integer({ min: 0, max: 50 }),
      (steps, cut) => {
        const at = (offset: number) => steps.map((s) => [offset + s])
        const near = Moments.covariance(Moments.fromValues(1, at(0)))
        const far = Moments.covariance(Moments.fromValues(1, at(1e9)))
        const merged = Moments.merge(
          Moments.fromValues(1, at(1e9).slice(0, cut)),
          Moments.fromValues(1, at(1e9).slice(cut))
        )
        expect(Math.abs(far - near)).toBeLessThanOrEqual(1e-6 * (near + 1e-6))
        expect(Math.abs(Moments.covariance(merged) - near)).toBeLessThanOrEqual(1e-6 * (near + 1e-6))
      }
    ))
  })
})

describe("without", () => {
  it("a part of the identities leaves the moments of the others", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }).chain((k) => fc.tuple(fc.constant(k), rows(k), rows(k))),
        ([k, a, b]) => {
          const left = Moments.without(Moments.fromValues(k, [...a, ...b]), Moments.fromValues(k, b))
          const wanted = Moments.fromValues(k, a)
          const size = 1 + Math.max(0, ...Moments.fromValues(k, [...a, ...b]).products.flat().map(Math.abs))
          expect(flat(left).length).toBe(flat(wanted).length)
          flat(left).forEach((value, i) => expect(Math.abs(value - flat(wanted)[i]!)).toBeLessThanOrEqual(1e-9 * size))
        }
      )
    )
  })
})
