/** Random moments for the properties. */
import { Moments } from "@assay/model"
import * as fc from "fast-check"
import type { ComparisonInput } from "../src/index.ts"

const exponent = (min: number, max: number) => fc.double({ min, max, noNaN: true }).map((e) => 10 ** e)

/** An arm as experiments have them: a mean above 0 and a spread around it. */
export const ordinaryArm: fc.Arbitrary<Moments.Moments> = fc
  .record({ n: fc.integer({ min: 2, max: 1_000_000 }), mean: exponent(-3, 6), spread: exponent(-2, 1) })
  .map(({ mean, n, spread }) => Moments.fromCentral(n, [mean], [[(mean * spread) ** 2]]))

/** A pair of arms whose difference is of the order of its standard error, so that tests go either way. */
export const ordinaryPair: fc.Arbitrary<{ readonly control: Moments.Moments; readonly treatment: Moments.Moments }> = fc
  .record({
    control: ordinaryArm,
    n: fc.integer({ min: 2, max: 1_000_000 }),
    z: fc.double({ min: -6, max: 6, noNaN: true }),
    factor: fc.double({ min: 0.2, max: 3, noNaN: true })
  })
  .map(({ control, factor, n, z }) => {
    const variance = Moments.covariance(control) * factor
    const se = Math.sqrt(variance / n + Moments.covariance(control) / control.n)
    return { control, treatment: Moments.fromCentral(n, [Moments.mean(control) + z * se], [[variance]]) }
  })

export const proportionArm: fc.Arbitrary<Moments.Moments> = fc
  .integer({ min: 2, max: 5000 })
  .chain((n) => fc.record({ n: fc.constant(n), k: fc.integer({ min: 0, max: n }) }))
  .map(({ k, n }) => Moments.fromSums(n, k, k))

const anyMagnitude = fc.oneof(
  fc.double({ min: -1e3, max: 1e3, noNaN: true }),
  fc.integer({ min: 0, max: 5 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(
    0,
    -0,
    1e250,
    -1e250,
    1e-250,
    5e-324,
    Number.MAX_VALUE,
    -Number.MAX_VALUE,
    1e100,
    1e-100,
    1e154,
    1e-154
  )
)

/** Any finite moments at all, possible or not: huge, tiny, negative, without variance. */
export const anyArm: fc.Arbitrary<Moments.Moments> = fc
  .record({
    n: fc.oneof(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })),
    sums: fc.tuple(anyMagnitude, anyMagnitude),
    c: fc.tuple(anyMagnitude, anyMagnitude, anyMagnitude)
  })
  .map(({ c: [c00, c01, c11], n, sums }) => ({
    n,
    sums,
    products: [[0, 0], [0, 0]],
    comoments: [[Math.abs(c00), c01], [c01, Math.abs(c11)]]
  }))

export const confidence = fc.oneof(
  fc.constantFrom(0.5, 0.8, 0.9, 0.95, 0.99, 0.999),
  fc.double({ min: 0.01, max: 0.9999, noNaN: true })
)

export const direction: fc.Arbitrary<ComparisonInput["direction"]> = fc.constantFrom("up", "down", "informational")
