/** Quantiles of values that come in clusters: how many independent values they are worth, and how uncertain that makes a quantile. */
import { Moments } from "@assay/model"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  binomialSurvival,
  compareToControl,
  engines,
  independentValues,
  normalQuantile,
  quantileMoments,
  quantileVariance,
  type SampleQuantile
} from "../src/index.ts"

/** Levels from 0 to 1 whose distances from `level` shrink by a fifth from one to the next. */
const levelsAround = (level: number): ReadonlyArray<number> => {
  const distances = Array.from({ length: 60 }, (_, i) => 0.8 ** i)
  return [
    ...distances.map((d) => level - d * level),
    level,
    ...distances.toReversed().map((d) => (d === 1 ? 1 : level + d * (1 - level)))
  ]
}

/** The quantile of the values of identities, each of which has some. */
const sampleOf = (level: number, identities: ReadonlyArray<ReadonlyArray<number>>): SampleQuantile => {
  const sorted = Float64Array.from(identities.flat()).toSorted()
  const at = (u: number) => sorted[Math.min(sorted.length - 1, Math.floor(u * sorted.length))]!
  const levels = levelsAround(level)
  const quantile = at(level)
  return {
    level,
    levels,
    values: levels.map(at),
    counts: Moments.fromValues(2, identities.map((own) => [own.filter((x) => x <= quantile).length, own.length]))
  }
}

/** Uniform numbers in (0, 1) from a seed (Park and Miller 1988), and standard normal ones of them. */
const random = (seed: number) => {
  let state = seed
  const uniform = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  return { uniform, normal: () => normalQuantile(uniform()) }
}

const finite = fc.double({ min: -1000, max: 1000, noNaN: true })
const someIdentities = fc.array(fc.array(finite, { maxLength: 4 }), { minLength: 2, maxLength: 40 })
  .filter((identities) => identities.flat().length > 0)
const someLevel = fc.constantFrom(0.1, 0.5, 0.75, 0.9, 0.99)

describe("the number of independent values", () => {
  const { uniform } = random(11)
  const alone = Array.from({ length: 500 }, () => [uniform()])

  it("is that of the values where each is an identity's only one", () => {
    expect(independentValues(sampleOf(0.9, alone))).toBeCloseTo(499, 6)
  })

  it("is that of the identities where each repeats its one value", () => {
    const repeated = alone.map(([x]) => [x!, x!, x!, x!])
    expect(independentValues(sampleOf(0.9, repeated))).toBeCloseTo(499, 6)
  })

  it("isn't above that of the values, nor below 0, whatever they are", () => {
    fc.assert(
      fc.property(someLevel, someIdentities, (level, identities) => {
        const m = independentValues(sampleOf(level, identities))
        expect(m).toBeGreaterThan(0)
        expect(m).toBeLessThanOrEqual(identities.flat().length * (1 + 1e-9))
      })
    )
  })

  it("is 0 without values", () => {
    expect(independentValues({ counts: Moments.empty(2) })).toBe(0)
    expect(independentValues({ counts: Moments.fromValues(2, [[0, 0], [0, 0]]) })).toBe(0)
  })
})

/** The variance of the quantile of as many values drawn from these with replacement, from the chance of each order statistic. */
const bootstrapVariance = (level: number, values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const n = sorted.length
  const place = Math.floor(level * n)
  const atMost = sorted.map((_, i) => (i === n - 1 ? 1 : binomialSurvival(place, n, (i + 1) / n)))
  const weights = atMost.map((chance, i) => chance - (atMost[i - 1] ?? 0))
  const mean = sorted.reduce((sum, x, i) => sum + weights[i]! * x, 0)
  return sorted.reduce((sum, x, i) => sum + weights[i]! * (x - mean) ** 2, 0)
}

describe("the variance of a quantile", () => {
  it("is that of the bootstrap, for values of independent identities", () => {
    for (const [level, seed] of [[0.5, 21], [0.9, 22], [0.99, 23]] as const) {
      const { normal } = random(seed)
      const values = Array.from({ length: 1500 }, () => Math.exp(normal()))
      const ratio = quantileVariance(sampleOf(level, values.map((x) => [x]))) / bootstrapVariance(level, values)
      expect(ratio).toBeGreaterThan(0.9)
      expect(ratio).toBeLessThan(1.1)
    }
  })

  it("tends to p(1 − p) over the squared density and the number of independent values", () => {
    for (const level of [0.1, 0.5, 0.9]) {
      const m = 1e6
      const levels = levelsAround(level)
      const values = levels.map((u) => normalQuantile(Math.min(1 - 1e-9, Math.max(1e-9, u))))
      const counts = Moments.fromCentral(m, [level, 1], [[level * (1 - level), 0], [0, 0]])
      const z = normalQuantile(level)
      const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
      const ratio = quantileVariance({ level, levels, values, counts }) /
        (level * (1 - level) / (m * density * density))
      expect(Math.abs(ratio - 1)).toBeLessThan(0.04)
    }
  })

  it("grows with the square of the unit, and doesn't hang on where 0 is", () => {
    fc.assert(
      fc.property(someLevel, someIdentities, (level, identities) => {
        const variance = quantileVariance(sampleOf(level, identities))
        const moved = quantileVariance(sampleOf(level, identities.map((own) => own.map((x) => 8 * x))))
        expect(moved).toBeCloseTo(64 * variance, 6)
        expect(variance).toBeGreaterThanOrEqual(0)
        expect(Number.isFinite(variance)).toBe(true)
      })
    )
  })

  it("is 0 where all values are the same, and not 0 where the quantile may jump to another", () => {
    expect(quantileVariance(sampleOf(0.5, [[4], [4], [4, 4]]))).toBe(0)
    const coins = Array.from({ length: 1000 }, (_, i) => [i < 505 ? 1 : 2])
    const error = Math.sqrt(quantileVariance(sampleOf(0.5, coins)))
    expect(error).toBeGreaterThan(0.5)
  })
})

describe("a quantile as moments", () => {
  it("has the quantile as its mean and its variance over n as that of the mean", () => {
    const { normal } = random(31)
    const sample = sampleOf(0.9, Array.from({ length: 400 }, () => [normal(), normal()]))
    const moments = quantileMoments(sample)
    expect(moments.n).toBe(400)
    expect(Moments.mean(moments)).toBeCloseTo(sample.values[sample.levels.indexOf(0.9)]!, 12)
    expect(Moments.covariance(moments) / 400).toBeCloseTo(quantileVariance(sample), 12)
    expect(moments.sums[1]).toBeCloseTo(0.1 * independentValues(sample), 9)
  })

  it("has no identity where the arm has none", () => {
    const levels = levelsAround(0.5)
    expect(quantileMoments({ level: 0.5, levels, values: levels.map(() => 0), counts: Moments.empty(2) })).toEqual(
      Moments.empty(2)
    )
  })

  it("needs its own level among the levels, and a value for each", () => {
    const counts = Moments.fromValues(2, [[1, 1], [0, 1]])
    expect(() => quantileMoments({ level: 0.5, levels: [0, 0.4, 1], values: [1, 2, 3], counts })).toThrow(RangeError)
    expect(() => quantileMoments({ level: 0.5, levels: [0, 0.5, 1], values: [1, 2], counts })).toThrow(RangeError)
  })
})

describe("A/A tests of the median of values that are like each other within an identity", () => {
  it("are significant at 5 % in about 5 % of cases, and in far more where identities are ignored", () => {
    const { normal, uniform } = random(41)
    const tests = 800
    const arm = () => {
      const identities = Array.from({ length: 80 }, () => {
        const own = normal()
        return Array.from({ length: Math.floor(6 * uniform()) }, () => Math.exp(own + 0.5 * normal()))
      })
      const alone = identities.flat().map((x) => [x])
      return { clustered: quantileMoments(sampleOf(0.5, identities)), naive: quantileMoments(sampleOf(0.5, alone)) }
    }
    const wrong = { clustered: 0, naive: 0 }
    for (let test = 0; test < tests; test++) {
      const [control, treatment] = [arm(), arm()]
      for (const how of ["clustered", "naive"] as const) {
        const result = compareToControl(engines.frequentist, {
          control: control[how],
          treatment: treatment[how],
          estimand: { kind: "quantile" },
          direction: "up",
          confidence: 0.95
        })
        if (result.status === "ok" && result.p_value < 0.05) wrong[how]++
      }
    }
    expect(wrong.clustered / tests).toBeGreaterThan(0.025)
    expect(wrong.clustered / tests).toBeLessThan(0.07)
    expect(wrong.naive / tests).toBeGreaterThan(0.15)
  })
})
