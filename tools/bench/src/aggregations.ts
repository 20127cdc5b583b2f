/**
 * How often the intervals of metrics hold the truth, over simulated experiments whose identities behave as the aggregations count
 * them. For docs/statistics.md.
 */
import type { Moments } from "@assay/model"
import { type Engine, engines, type Estimand } from "@assay/stats"
import { arm, type Draw, normals, percent, poisson, rate, seeded } from "./calibration.ts"

/** What identities of one metric do, where the true value of the metric is `1 + lift` times that without a lift. */
interface MetricWorld {
  readonly name: string
  readonly estimand: Estimand
  readonly n: number
  readonly draw: (lift: number) => Draw
  /** The quantile of the values other than 0, over both arms, that they are capped at. */
  readonly cap?: number
}

/** One in ten buys, more of them with a lift, for sums of which a few are huge. */
const spend: MetricWorld["draw"] = (lift) => (uniform, normal) => [
  uniform() < 0.1 * (1 + lift) ? Math.exp(3 + 1.5 * normal()) : 0
]

const worlds: ReadonlyArray<MetricWorld> = [
  {
    // One who likes the shop more comes more often and spends more: the parts depend on each other. Some never come.
    name: "ratio: revenue per visit, n = 2,000",
    estimand: { kind: "ratio" },
    n: 2000,
    draw: (lift) => (uniform, normal) => {
      const fondness = Math.exp(0.5 * normal())
      const visits = poisson(2 * fondness, uniform)
      let revenue = 0
      for (let visit = 0; visit < visits; visit++) {
        if (uniform() < 0.3) revenue += (1 + lift) * fondness * Math.exp(2 + 0.5 * normal())
      }
      return [revenue, visits]
    }
  },
  {
    name: "ratio: clicks per view, n = 1,000",
    estimand: { kind: "ratio" },
    n: 1000,
    draw: (lift) => (uniform) => {
      // Each identity clicks at a rate of its own, 0.2 in the mean, so that its views aren't independent.
      const own = (1 + lift) * 0.4 * uniform()
      const views = poisson(5, uniform)
      let clicks = 0
      for (let view = 0; view < views; view++) if (uniform() < own) clicks++
      return [clicks, views]
    }
  },
  {
    name: "retention of 20 %, n = 2,000, a quarter too young",
    estimand: { kind: "proportion" },
    n: 2000,
    draw: (lift) => {
      const back = rate(0.2 * (1 + lift))
      return (uniform, normal) => (uniform() < 0.25 ? undefined : back(uniform, normal))
    }
  },
  {
    name: "retention of 2 %, n = 5,000",
    estimand: { kind: "proportion" },
    n: 5000,
    draw: (lift) => rate(0.02 * (1 + lift))
  },
  { name: "spend of one in ten, n = 5,000", estimand: { kind: "mean" }, n: 5000, draw: spend },
  {
    name: "the same, capped at the 99 % quantile",
    estimand: { kind: "mean" },
    n: 5000,
    draw: spend,
    cap: 0.99
  }
]

/** The arms of one experiment, their values capped where the world says so. */
const armsOf = (
  { cap, draw, estimand, n }: MetricWorld,
  lift: number,
  uniform: () => number,
  normal: () => number
): readonly [control: Moments.Moments, treatment: Moments.Moments] => {
  const [without, withLift] = [{ estimand, n, draw: draw(0) }, { estimand, n, draw: draw(lift) }]
  if (cap === undefined) return [arm(without, uniform, normal), arm(withLift, uniform, normal)]
  const values = [without, withLift].map((one) =>
    Float64Array.from({ length: n }, () => one.draw(uniform, normal)![0]!)
  )
  const all = Float64Array.from(values.flatMap((some) => Array.from(some))).filter((x) => x !== 0).toSorted()
  const most = all[Math.floor(cap * all.length)]!
  const capped = (some: Float64Array) => {
    let i = 0
    return arm({ estimand, n, draw: () => [Math.min(some[i++]!, most)] }, uniform, normal)
  }
  return [capped(values[0]!), capped(values[1]!)]
}

const read: ReadonlyArray<Engine> = [engines.bayesian, engines.frequentist]

const lifts = [0, 0.1]

/** How many 95 % intervals of the lift held the true lift. */
export interface CoverageRow {
  readonly world: string
  readonly engine: string
  readonly lift: number
  readonly coverage: number
  /** Experiments with an interval. */
  readonly answered: number
}

/** Coverage of the intervals of each metric, without and with a true lift, over `runs` experiments each. */
export const aggregationCoverage = (runs: number): ReadonlyArray<CoverageRow> =>
  worlds.flatMap((world, w) =>
    lifts.flatMap((lift, l) => {
      const uniform = seeded(5000 + 10 * w + l)
      const normal = normals(uniform)
      const counts = read.map(() => ({ held: 0, answered: 0 }))
      const { estimand, name } = world
      for (let r = 0; r < runs; r++) {
        const [control, treatment] = armsOf(world, lift, uniform, normal)
        for (const [e, engine] of read.entries()) {
          const result = engine.compare({ estimand, direction: "up", confidence: 0.95, control, treatment })
          if (result.status !== "ok") continue
          counts[e]!.answered++
          if (result.ci_low <= lift && lift <= result.ci_high) counts[e]!.held++
        }
      }
      return read.map((engine, e): CoverageRow => ({
        world: name,
        engine: engine.name,
        lift,
        coverage: counts[e]!.held / counts[e]!.answered,
        answered: counts[e]!.answered
      }))
    })
  )

/** The table of docs/statistics.md as Markdown. */
export const aggregations = (runs = 20_000): string => {
  const columns = read.flatMap((engine) => lifts.map((lift) => `${engine.name}, lift ${100 * lift} %`))
  const rows = Map.groupBy(aggregationCoverage(runs), ({ world }) => world)
  return [
    `| metric | ${columns.join(" | ")} |`,
    `| --- |${columns.map(() => " --- |").join("")}`,
    ...[...rows].map(([world, cells]) =>
      `| ${world} | ${
        read.flatMap(({ name }) => cells.filter(({ engine }) => engine === name))
          .map(({ coverage }) => percent(coverage)).join(" | ")
      } |`
    )
  ].join("\n")
}
