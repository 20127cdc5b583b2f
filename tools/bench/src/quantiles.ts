/**
 * How often the intervals of quantiles hold the truth, and how often they see a difference where there is none, over simulated
 * experiments whose identities have several values that are like each other. For docs/statistics.md.
 */
import { levelsAround } from "@assay/aggregation"
import { Moments } from "@assay/model"
import { type Engine, engines, quantileMoments } from "@assay/stats"
import { normals, percent, poisson, seeded } from "./calibration.ts"

/** What identities do: the values of one, each of them or their total. */
interface QuantileWorld {
  readonly name: string
  readonly level: number
  readonly n: number
  readonly values: (uniform: () => number, normal: () => number, emit: (value: number) => void) => void
}

/** Latencies: each identity has a connection of its own, so its values are like each other. Some have none. */
const latencies = (step?: number): QuantileWorld["values"] => (uniform, normal, emit) => {
  const own = 5 + 0.6 * normal()
  for (let visits = poisson(3, uniform); visits > 0; visits--) {
    const latency = Math.exp(own + 0.4 * normal())
    emit(step === undefined ? latency : step * Math.round(latency / step))
  }
}

/** What an identity spends in all: mostly nothing. */
const totals: QuantileWorld["values"] = (uniform, normal, emit) => {
  let total = 0
  if (uniform() < 0.3) {
    for (let orders = 1 + poisson(1, uniform); orders > 0; orders--) total += Math.exp(3 + 0.8 * normal())
  }
  emit(total)
}

const worlds: ReadonlyArray<QuantileWorld> = [
  { name: "values: p50 of latencies, n = 1,000", level: 0.5, n: 1000, values: latencies() },
  { name: "values: p90 of latencies, n = 1,000", level: 0.9, n: 1000, values: latencies() },
  { name: "values: p99 of latencies, n = 2,000", level: 0.99, n: 2000, values: latencies() },
  { name: "totals: p90 of spend, n = 1,000", level: 0.9, n: 1000, values: totals },
  { name: "totals: p99 of spend, n = 2,000", level: 0.99, n: 2000, values: totals }
]

/** Worlds with many equal values, in which a quantile jumps. */
const lattices: ReadonlyArray<QuantileWorld> = [
  { name: "p50 of latencies in steps of 5, n = 1,000", level: 0.5, n: 1000, values: latencies(5) },
  { name: "p50 of latencies in steps of 20, n = 1,000", level: 0.5, n: 1000, values: latencies(20) },
  {
    name: "p90 of orders per identity, n = 1,000",
    level: 0.9,
    n: 1000,
    values: (uniform, normal, emit) => emit(poisson(3 * Math.exp(0.5 * normal()), uniform))
  },
  {
    name: "p50 of 1 or 2, even chances, n = 1,000",
    level: 0.5,
    n: 1000,
    values: (uniform, _, emit) => emit(uniform() < 0.5 ? 1 : 2)
  }
]

/** An arm's quantile as moments: by identities, and as if every value were an identity of its own. */
interface SimulatedArm {
  readonly clustered: Moments.Moments
  readonly naive: Moments.Moments
}

/** Room for the values of an arm. */
const drawn = new Float64Array(100_000)

const armOf = (
  { level, n, values }: QuantileWorld,
  levels: ReadonlyArray<number>,
  uniform: () => number,
  normal: () => number
): SimulatedArm => {
  const ends = new Int32Array(n)
  let all = 0
  const emit = (value: number) => {
    drawn[all++] = value
  }
  for (let identity = 0; identity < n; identity++) {
    values(uniform, normal, emit)
    ends[identity] = all
  }
  const sorted = drawn.subarray(0, all).toSorted()
  const at = (u: number) => sorted[Math.min(all - 1, Math.floor(u * all))]!
  const quantile = at(level)
  const counted = Array.from(ends, (end, identity) => {
    const start = ends[identity - 1] ?? 0
    let below = 0
    for (let i = start; i < end; i++) if (drawn[i]! <= quantile) below++
    return [below, end - start]
  })
  const sample = { level, levels, values: levels.map(at) }
  const counts = Moments.fromValues(2, counted)
  const part = counts.sums[0]! / all
  const alone = Moments.fromCentral(all, [part, 1], [[part * (1 - part), 0], [0, 0]])
  return { clustered: quantileMoments({ ...sample, counts }), naive: quantileMoments({ ...sample, counts: alone }) }
}

/** Moments of values that are so many times as large. */
const times = (factor: number, { comoments, n, sums }: Moments.Moments): Moments.Moments =>
  Moments.fromCentral(n, [factor * sums[0]! / n], [[factor * factor * comoments[0]![0]! / (n - 1)]])

const read: ReadonlyArray<Engine> = [engines.bayesian, engines.frequentist]

const lifts = [0, 0.1]

/** The part of 95 % intervals that hold the true lift. */
export interface QuantileCoverage {
  /** By engine, and for it by lift: none, and one of 10 %. */
  readonly clustered: ReadonlyArray<ReadonlyArray<number>>
  /** Without a lift, where each value is taken for an identity: the frequentist engine. */
  readonly naive: number
}

export const quantileCoverage = (world: QuantileWorld, runs: number, seed: number): QuantileCoverage => {
  const uniform = seeded(seed)
  const normal = normals(uniform)
  const levels = levelsAround(world.level)
  const tally = () => ({ held: 0, answered: 0 })
  const counts = read.map(() => lifts.map(tally))
  const naive = tally()
  const ask = (count: ReturnType<typeof tally>, engine: Engine, lift: number, arms: ReadonlyArray<Moments.Moments>) => {
    const [control, treatment] = [arms[0]!, times(1 + lift, arms[1]!)]
    const common = { estimand: { kind: "mean" }, direction: "up", confidence: 0.95 } as const
    const result = engine.compare({ ...common, control, treatment })
    if (result.status !== "ok") return
    count.answered++
    if (result.ci_low <= lift && lift <= result.ci_high) count.held++
  }
  for (let r = 0; r < runs; r++) {
    const arms = [armOf(world, levels, uniform, normal), armOf(world, levels, uniform, normal)]
    const clustered = arms.map((arm) => arm.clustered)
    read.forEach((engine, e) => lifts.forEach((lift, l) => ask(counts[e]![l]!, engine, lift, clustered)))
    ask(naive, engines.frequentist, 0, arms.map((arm) => arm.naive))
  }
  const part = ({ answered, held }: ReturnType<typeof tally>) => held / answered
  return { clustered: counts.map((byLift) => byLift.map(part)), naive: part(naive) }
}

/** The tables of docs/statistics.md as Markdown. */
export const quantiles = (runs = 20_000): string => {
  const coverage = worlds.map((world, w) => {
    const { clustered, naive } = quantileCoverage(world, runs, 7000 + w)
    return `| ${[world.name, ...clustered.flat().map(percent), percent(1 - naive)].join(" | ")} |`
  })
  const equal = lattices.map((world, w) => {
    const { clustered } = quantileCoverage(world, runs, 7500 + w)
    return `| ${world.name} | ${clustered.map(([without]) => percent(1 - without!)).join(" | ")} |`
  })
  const columns = read.flatMap(({ name }) => lifts.map((lift) => `${name}, lift ${100 * lift} %`))
  return [
    `| quantile | ${columns.join(" | ")} | significant where each value is taken for an identity |`,
    `| --- |${columns.map(() => " --- |").join("")} --- |`,
    ...coverage,
    "",
    `| many equal values, no lift | ${read.map(({ name }) => `significant by ${name}`).join(" | ")} |`,
    `| --- |${read.map(() => " --- |").join("")}`,
    ...equal
  ].join("\n")
}
