/**
 * How often the engines are wrong: false positives and coverage over simulated experiments, for docs/statistics.md. And how fast they are.
 */
import { Moments } from "@assay/model"
import { logBayesFactor, splitOf } from "@assay/srm"
import {
  type Engine,
  engines,
  type Estimand,
  frequentistWith,
  groupSequentialBoundaries,
  groupSequentialWith,
  sequentialWith
} from "@assay/stats"

/** Uniform numbers in (0, 1) from a seed (mulberry32), so that a run can be repeated. */
export const seeded = (seed: number): () => number => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return (((x ^ (x >>> 14)) >>> 0) + 0.5) / 4_294_967_296
  }
}

/** Standard normal numbers by the polar method of Marsaglia. */
export const normals = (random: () => number): () => number => {
  let spare: number | undefined
  return () => {
    if (spare !== undefined) {
      const kept = spare
      spare = undefined
      return kept
    }
    for (;;) {
      const [u, v] = [2 * random() - 1, 2 * random() - 1]
      const s = u * u + v * v
      if (s > 0 && s < 1) {
        const scale = Math.sqrt((-2 * Math.log(s)) / s)
        spare = v * scale
        return u * scale
      }
    }
  }
}

/** One identity's unit columns; `undefined` where it is left out of the metric. */
export type Draw = (uniform: () => number, normal: () => number) => ReadonlyArray<number> | undefined

/** One arm of a simulated experiment: what an identity does, and how many there are. */
export interface SimulatedArm {
  readonly estimand: Estimand
  readonly n: number
  readonly draw: Draw
}

/** A world to simulate, in which both arms do the same. */
interface World extends SimulatedArm {
  readonly name: string
  /** Whether the assumptions hold, so that the rate must be near 5 %. */
  readonly holds: boolean
}

/** A Poisson number by Knuth's products. */
export const poisson = (mean: number, uniform: () => number): number => {
  const limit = Math.exp(-mean)
  let [k, product] = [0, uniform()]
  while (product > limit) {
    k++
    product *= uniform()
  }
  return k
}

/** 1 with probability `p`, else 0. */
export const rate = (p: number): Draw => (uniform) => [uniform() < p ? 1 : 0]

/** The worlds of the table. */
const worlds: ReadonlyArray<World> = [
  { name: "proportion 10 %, n = 1,000", estimand: { kind: "proportion" }, n: 1000, draw: rate(0.1), holds: true },
  {
    name: "mean, normal, n = 200",
    estimand: { kind: "mean" },
    n: 200,
    draw: (_, normal) => [10 + 3 * normal()],
    holds: true
  },
  {
    name: "ratio, n = 500",
    estimand: { kind: "ratio" },
    n: 500,
    draw: (uniform, normal) => {
      const sessions = 1 + poisson(3, uniform)
      return [sessions * (5 + normal()) + normal(), sessions]
    },
    holds: true
  },
  {
    name: "mean with covariate (ρ = 0.7), n = 300",
    estimand: { kind: "mean", covariate: { numerator: 1 } },
    n: 300,
    draw: (_, normal) => {
      const before = normal()
      return [10 + 0.7 * before + Math.sqrt(1 - 0.49) * normal(), before]
    },
    holds: true
  },
  {
    name: "ratio with covariate, n = 500",
    estimand: { kind: "ratio", covariate: { numerator: 2 } },
    n: 500,
    draw: (uniform, normal) => {
      const [sessions, before] = [1 + poisson(3, uniform), normal()]
      return [sessions * (5 + before + normal()), sessions, before]
    },
    holds: true
  },
  {
    name: "mean, normal, n = 10",
    estimand: { kind: "mean" },
    n: 10,
    draw: (_, normal) => [10 + 3 * normal()],
    holds: false
  },
  {
    name: "mean, lognormal (σ = 1.5), n = 50",
    estimand: { kind: "mean" },
    n: 50,
    draw: (_, normal) => [Math.exp(1.5 * normal())],
    holds: false
  },
  {
    name: "mean, lognormal (σ = 1.5), n = 1,000",
    estimand: { kind: "mean" },
    n: 1000,
    draw: (_, normal) => [Math.exp(1.5 * normal())],
    holds: false
  },
  { name: "proportion 10 %, n = 50", estimand: { kind: "proportion" }, n: 50, draw: rate(0.1), holds: false },
  { name: "proportion 0.5 %, n = 1,000", estimand: { kind: "proportion" }, n: 1000, draw: rate(0.005), holds: false }
]

/** Moments of `n` draws in one pass, for means that are small enough to need no offset; identities left out aren't in its `n`. */
export const arm = (
  { draw, estimand, n: drawn }: SimulatedArm,
  uniform: () => number,
  normal: () => number
): Moments.Moments => {
  const k = (estimand.kind === "ratio" ? 2 : 1) + (estimand.covariate === undefined ? 0 : 1)
  const sums = Array.from({ length: k }, () => 0)
  const products = Array.from({ length: k }, () => Array.from({ length: k }, () => 0))
  let n = 0
  for (let i = 0; i < drawn; i++) {
    const x = draw(uniform, normal)
    if (x === undefined) continue
    n++
    for (let a = 0; a < k; a++) {
      sums[a]! += x[a]!
      for (let b = 0; b < k; b++) products[a]![b]! += x[a]! * x[b]!
    }
  }
  const comoments = products.map((row, a) => row.map((p, b) => p - (sums[a]! / n) * sums[b]!))
  return { n, sums, products, comoments }
}

/** What came out for one engine in one world. */
export interface CalibrationRow {
  readonly world: string
  readonly engine: string
  readonly holds: boolean
  /** Of A/A experiments, how many had a lift's interval that excludes 0. */
  readonly falsePositives: number
  /** How many intervals of the lift held the true lift, treatment = 1.1 × control. */
  readonly coverage: number
  /** Experiments with an answer. */
  readonly answered: number
}

const fixedEngines: ReadonlyArray<readonly [string, Engine]> = [
  ["delta", engines.delta],
  ["bayesian", engines.bayesian],
  ["frequentist", engines.frequentist],
  ["frequentist, pooled", frequentistWith({ variance: "pooled" })],
  ["sequential, one look", engines.sequential]
]

const scaled = (m: Moments.Moments, by: number): Moments.Moments => {
  const factor = (i: number) => (i === 0 ? by : 1)
  return {
    n: m.n,
    sums: m.sums.map((s, i) => s * factor(i)),
    products: m.products.map((row, i) => row.map((p, j) => p * factor(i) * factor(j))),
    comoments: m.comoments.map((row, i) => row.map((p, j) => p * factor(i) * factor(j)))
  }
}

/** The true lift of the second half of the experiments. */
const trueLift = 0.1

/** False positives and coverage of every engine in every world, over `runs` experiments each. */
export const fixedCalibration = (runs: number): ReadonlyArray<CalibrationRow> =>
  worlds.flatMap((world, w) => {
    const uniform = seeded(1000 + w)
    const normal = normals(uniform)
    const counts = fixedEngines.map(() => ({ wrong: 0, held: 0, tests: 0, intervals: 0 }))
    for (let r = 0; r < runs; r++) {
      const [control, treatment] = [arm(world, uniform, normal), arm(world, uniform, normal)]
      // A proportion times 1.1 is none: its own values say so, and it is taken as a mean.
      const better = scaled(treatment, 1 + trueLift)
      for (const [e, [, engine]] of fixedEngines.entries()) {
        const common = { estimand: world.estimand, direction: "up", confidence: 0.95 } as const
        const same = engine.compare({ ...common, control, treatment })
        const count = counts[e]!
        if (same.status === "ok") {
          count.tests++
          if (same.ci_low > 0 || same.ci_high < 0) count.wrong++
        }
        const lifted = engine.compare({ ...common, control, treatment: better })
        if (lifted.status === "ok") {
          count.intervals++
          if (lifted.ci_low <= trueLift && trueLift <= lifted.ci_high) count.held++
        }
      }
    }
    return fixedEngines.map(([name], e): CalibrationRow => ({
      world: world.name,
      engine: name,
      holds: world.holds,
      falsePositives: counts[e]!.wrong / counts[e]!.tests,
      coverage: counts[e]!.held / counts[e]!.intervals,
      answered: counts[e]!.tests / runs
    }))
  })

/** False positives when one looks again and again and stops at the first alarm. */
export interface PeekingRow {
  readonly method: string
  readonly looks: number
  readonly falsePositives: number
}

/** Looks at a mean (and at the sizes of the arms) after every 1/looks of 20,000 identities per arm. */
export const peekingCalibration = (runs: number): ReadonlyArray<PeekingRow> => {
  const perArm = 20_000
  return [14, 100].flatMap((looks) => {
    const step = perArm / looks
    const uniform = seeded(77 + looks)
    const normal = normals(uniform)
    const boundaries = groupSequentialBoundaries({
      fractions: Array.from({ length: looks }, (_, i) => (i + 1) / looks),
      alpha: 0.05,
      spending: "obrien-fleming"
    })
    const names = [
      "bayesian, chance beyond 5 %",
      "frequentist",
      "sequential",
      "sequential, N = n",
      "group-sequential",
      "sample ratio, sequential"
    ]
    const wrong = names.map(() => 0)
    const wide = sequentialWith({ tuning: 2 * perArm })
    for (let r = 0; r < runs; r++) {
      const alarm = names.map(() => false)
      const sums = [0, 0]
      const squares = [0, 0]
      const sizes = [0, 0]
      for (let look = 1; look <= looks; look++) {
        const n = Math.round(step * look)
        const arms = [0, 1].map((a) => {
          // The sum of m normal values and their sum of squares, drawn as wholes (the second by its normal limit).
          const m = n - Math.round(step * (look - 1))
          sums[a]! += 10 * m + 3 * Math.sqrt(m) * normal()
          squares[a]! += 9 * (m + Math.sqrt(2 * m) * normal())
          const mean = sums[a]! / n
          return Moments.fromCentral(n, [mean], [[squares[a]! / n]])
        })
        const input = {
          control: arms[0]!,
          treatment: arms[1]!,
          estimand: { kind: "mean" },
          direction: "up",
          confidence: 0.95
        } as const
        const results = [engines.bayesian, engines.frequentist, engines.sequential, wide].map((engine) =>
          engine.compare(input)
        )
        for (const [i, result] of results.entries()) {
          if (result.status !== "ok") continue
          if (i === 0 ? result.chance_to_win > 0.95 || result.chance_to_win < 0.05 : result.p_value < 0.05) {
            alarm[i] = true
          }
        }
        const [first] = results
        if (first?.status === "ok" && Math.abs(first.difference / first.standard_error) > boundaries[look - 1]!) {
          alarm[4] = true
        }
        const arrivals = Math.round(2 * step * look) - Math.round(2 * step * (look - 1))
        const left = Math.min(arrivals, Math.max(0, Math.round(arrivals / 2 + (Math.sqrt(arrivals) / 2) * normal())))
        sizes[0]! += left
        sizes[1]! += arrivals - left
        if (-logBayesFactor(splitOf(sizes, [1, 1])) < Math.log(0.05)) alarm[5] = true
      }
      for (const i of names.keys()) if (alarm[i]!) wrong[i]!++
    }
    return names.map((method, i) => ({ method, looks, falsePositives: wrong[i]! / runs }))
  })
}

/** Comparisons per second of one engine on one core. */
export interface SpeedRow {
  readonly engine: string
  readonly perSecond: number
}

/** Each engine on 64 different pairs of proportions, for about `seconds`. */
export const speed = (seconds: number): ReadonlyArray<SpeedRow> => {
  const pairs = Array.from({ length: 64 }, (_, i) => ({
    control: Moments.fromSums(10_000 + 17 * i, 1000 + i, 1000 + i),
    treatment: Moments.fromSums(10_100 + 13 * i, 1030 + 2 * i, 1030 + 2 * i),
    estimand: { kind: "proportion" },
    direction: "up",
    confidence: 0.95
  } as const))
  const planned = groupSequentialWith({ fractions: [0.25, 0.5, 0.75, 1], spending: "obrien-fleming" })
  return [...Object.values(engines), planned].map((engine) => {
    let sink = 0
    const batch = (n: number): number => {
      // Processor time, so that what else the machine does doesn't count.
      const from = process.cpuUsage().user
      for (let i = 0; i < n; i++) {
        const result = engine.compare(pairs[i & 63]!)
        if (result.status === "ok") sink += result.ci_low
      }
      return (process.cpuUsage().user - from) / 1e6
    }
    batch(50_000)
    let best = 0
    for (let spent = 0; spent < seconds;) {
      const time = batch(100_000)
      best = Math.max(best, 100_000 / time)
      spent += time
    }
    return { engine: engine.name, perSecond: Number.isFinite(sink) ? best : 0 }
  })
}

/** A share as a percentage with two decimals; – where there is none. */
export const percent = (x: number): string => (Number.isNaN(x) ? "–" : `${(100 * x).toFixed(2)} %`)

/**
 * The tables of docs/statistics.md as Markdown: false positives and coverage over `runs` experiments for each world, false positives
 * under repeated looks over a tenth of them, and comparisons per second.
 */
export const calibration = (runs = 50_000): string => {
  const fixed = fixedCalibration(runs)
  const peeking = peekingCalibration(Math.max(1, Math.round(runs / 10)))
  const byWorld = Map.groupBy(fixed, ({ world }) => world)
  const names = fixedEngines.map(([name]) => name)
  return [
    `False positives at 5 % / coverage of the lift's 95 % interval at a true lift of 10 %, ${
      runs.toLocaleString("en-US")
    } experiments each:`,
    "",
    `| experiment | ${names.join(" | ")} |`,
    `| --- |${names.map(() => " --- |").join("")}`,
    ...[...byWorld].map(([world, rows]) =>
      `| ${world} | ${rows.map((row) => `${percent(row.falsePositives)} / ${percent(row.coverage)}`).join(" | ")} |`
    ),
    "",
    "False positives when one stops at the first alarm:",
    "",
    "| method | 14 looks | 100 looks |",
    "| --- | --- | --- |",
    ...[...Map.groupBy(peeking, ({ method }) => method)].map(([method, rows]) =>
      `| ${method} | ${rows.map(({ falsePositives }) => percent(falsePositives)).join(" | ")} |`
    ),
    "",
    "| engine | comparisons per second and core |",
    "| --- | --- |",
    ...speed(2).map(({ engine, perSecond }) =>
      `| ${engine} | ${Math.round(perSecond / 1000).toLocaleString("en-US")},000 |`
    )
  ].join("\n")
}
