/**
 * How often the decision is wrong, and how often it finds what is there: simulated experiments that are looked at every day, through the same code
 * that summarizes and decides in a recompute. For docs/statistics.md.
 */
import { type Aggregates, plan } from "@assay/aggregation"
import { occurrence } from "@assay/aggregation-occurrence"
import {
  defaultEventMapping,
  type Experiment,
  Instant,
  type Metric,
  Moments,
  type Provenance,
  type ResultsSummary
} from "@assay/model"
import { summarize } from "@assay/pipeline"
import { engines } from "@assay/stats"
import { Result } from "effect"
import { normals, percent, seeded } from "./calibration.ts"

const day = 86_400_000
const start = Date.UTC(2026, 0, 1)

/** Days that an experiment is looked at, once each. */
const looks = 14

const at = (days: number): string => Instant.fromMillis(start + days * day)

/** How an experiment is run: what its definition says on each day, given the results of the day before. */
interface Situation {
  readonly name: string
  readonly treatments: number
  readonly goals: number
  readonly definition: (today: number, before: ResultsSummary | undefined) => Pick<Experiment, "ended_at" | "plan">
}

/** Ends on the first day after a goal was called winning in the tables, as who doesn't know better would; on the last day at the latest. */
const endsWhenItLooksGood = (today: number, before: ResultsSummary | undefined): Pick<Experiment, "ended_at"> =>
  today === looks || before?.metrics.some(({ verdict }) => Object.values(verdict).includes("winning")) === true
    ? { ended_at: at(today) }
    : {}

const situations: ReadonlyArray<Situation> = [
  { name: "no plan, no end", treatments: 1, goals: 1, definition: () => ({}) },
  { name: "no plan, ends on day 14", treatments: 1, goals: 1, definition: () => ({ ended_at: at(looks) }) },
  { name: "no plan, is ended when it looks good", treatments: 1, goals: 1, definition: endsWhenItLooksGood },
  {
    name: "no plan, ends on day 14; 2 treatments, 3 goals",
    treatments: 2,
    goals: 3,
    definition: () => ({ ended_at: at(looks) })
  },
  {
    name: "plan: fixed",
    treatments: 1,
    goals: 1,
    definition: () => ({ plan: { design: "fixed", horizon: `${looks}d` } })
  },
  {
    name: "plan: group-sequential, 4 looks",
    treatments: 1,
    goals: 1,
    definition: () => ({ plan: { design: "group-sequential", horizon: `${looks}d`, looks: 4 } })
  },
  {
    name: "plan: always-valid",
    treatments: 1,
    goals: 1,
    definition: () => ({ plan: { design: "always-valid", horizon: `${looks}d` } })
  }
]

/** What was said of simulated experiments in one situation, as parts of all of them. */
export interface DecisionRow {
  readonly situation: string
  readonly lift: number
  /** `ship` at any of the looks. */
  readonly ship: number
  /** `do not ship` before the last day: stopped for harm. */
  readonly stopped: number
  /** `do not ship` on the last day, where nothing was shipped or stopped before. */
  readonly no: number
  /** `do not trust` at any of the looks. */
  readonly distrusted: number
}

const provenance: Provenance = {
  run_id: "",
  assay_version: "",
  warehouse_version: "",
  aggregations: {},
  definition_hash: "",
  statement_hash: "",
  query_id: "",
  watermark: null,
  rows_read: 0,
  bytes_read: 0,
  duration_ms: 0,
  computed_at: at(0)
}

const metricKeys = ["first", "second", "third"]

const metrics: ReadonlyMap<string, Metric> = new Map(
  metricKeys.map((key) => [key, { key, aggregation: "occurrence", event: key, direction: "up" }])
)

const nonEmpty = <A>(all: ReadonlyArray<A>) => all as readonly [A, ...ReadonlyArray<A>]

const experimentOf = ({ goals, treatments }: Situation): Experiment => ({
  key: "simulated",
  environment: "production",
  feature: "simulated",
  started_at: at(0),
  control: "control",
  variants: nonEmpty(["control", "a", "b"].slice(0, treatments + 1).map((key) => ({ key, share: 1 }))),
  metrics: nonEmpty(metricKeys.slice(0, goals).map((metric) => ({ metric, role: "goal" as const })))
})

const planned = (experiment: Experiment, asOf: number) =>
  Result.getOrThrow(
    plan({
      experiment,
      metrics,
      mapping: defaultEventMapping,
      aggregations: new Map([["occurrence", occurrence]]),
      asOf
    })
  )

/** Identities per arm and day, and the rate of all goals without an effect. */
const perDay = 1000
const base = 0.1

/** A binomial number by its normal limit, which is good here: n·p is 100. */
const binomial = (n: number, p: number, normal: () => number): number =>
  Math.max(0, Math.min(n, Math.round(n * p + Math.sqrt(n * p * (1 - p)) * normal())))

/** One experiment, look by look, until it is shipped or ended. */
const experimentFates = (situation: Situation, lift: number, normal: () => number) => {
  const experiment = experimentOf(situation)
  const arms = experiment.variants.map(({ key }) => key)
  const identities = arms.map(() => 0)
  const converted = experiment.metrics.map(() => arms.map(() => 0))
  let before: ResultsSummary | undefined
  let distrusted = false
  for (let today = 1; today <= looks; today++) {
    for (const [a, arm] of arms.entries()) {
      const n = Math.round(perDay + Math.sqrt(perDay / 2) * normal())
      identities[a]! += n
      // Goals are independent of each other, the worst case of many tests.
      for (const counts of converted) counts[a]! += binomial(n, arm === "control" ? base : base * (1 + lift), normal)
    }
    const definition = situation.definition(today, before)
    const now = start + today * day
    const one = planned({ ...experiment, ...definition }, now)
    const byArm = <A>(of: (a: number) => A): Readonly<Record<string, A>> =>
      Object.fromEntries(arms.map((arm, a) => [arm, of(a)]))
    const aggregates: Aggregates = {
      identities: byArm((a) => identities[a]!),
      moments: converted.map((counts) => byArm((a) => Moments.fromSums(identities[a]!, counts[a]!, counts[a]!))),
      quarantined: 0,
      quarantinedFrom: byArm(() => 0),
      undeclaredIdentities: 0,
      undeclaredExposed: 0,
      namelessExposures: 0,
      namelessEvents: 0,
      earlyEvents: 0,
      repeatedEvents: undefined,
      reported: one.metrics.map(() => []),
      caps: one.metrics.map(() => undefined),
      quantiles: one.metrics.map(() => undefined),
      immature: one.metrics.map(() => ({})),
      unusableValues: one.metrics.map(() => 0),
      latestEvent: undefined,
      slices: [],
      points: []
    }
    before = summarize({
      plan: one,
      aggregates,
      engine: engines.bayesian,
      confidence: 0.95,
      asOf: now,
      // As the hash of a definition: the same while nothing in it changes.
      provenance: { ...provenance, definition_hash: JSON.stringify(definition) },
      ...(before === undefined ? {} : { before })
    })
    const { decision } = before.decision!
    distrusted ||= decision === "do not trust"
    const over = today === looks || before.state === "ended"
    if (decision === "ship") return { fate: "ship", distrusted } as const
    if (decision === "do not ship") return { fate: over ? "no" : "stopped", distrusted } as const
    if (over) break
  }
  return { fate: "open", distrusted } as const
}

/** `runs` experiments in each situation, whose treatments convert `1 + lift` times as often as the control. */
export const decisionCalibration = (runs: number, lift: number): ReadonlyArray<DecisionRow> =>
  situations.map((situation, s) => {
    const normal = normals(seeded(9000 + s))
    const fates = Array.from({ length: runs }, () => experimentFates(situation, lift, normal))
    const part = (is: (one: (typeof fates)[number]) => boolean): number => fates.filter(is).length / runs
    return {
      situation: situation.name,
      lift,
      ship: part(({ fate }) => fate === "ship"),
      stopped: part(({ fate }) => fate === "stopped"),
      no: part(({ fate }) => fate === "no"),
      distrusted: part(({ distrusted }) => distrusted)
    }
  })

/** The effect of the second table: one look at the end would find it four times of five. */
const presentLift = 0.1

/** The table of docs/statistics.md as Markdown: what is decided of `runs` experiments in each situation, without an effect and with one. */
export const decisions = (runs = 2000): string => {
  const [none, present] = [0, presentLift].map((lift) => decisionCalibration(runs, lift))
  return [
    `Looked at on each of ${looks} days, ${perDay.toLocaleString("en-US")} identities a day in each arm, a rate of ${
      percent(base)
    }, ${runs.toLocaleString("en-US")} experiments each:`,
    "",
    `| experiment | no effect: ship | stopped for harm | do not ship, at the end | do not trust | lift of ${
      percent(presentLift)
    }: ship |`,
    "| --- | --- | --- | --- | --- | --- |",
    ...none!.map((row, i) =>
      `| ${row.situation} | ${
        [row.ship, row.stopped, row.no, row.distrusted, present![i]!.ship].map(percent).join(" | ")
      } |`
    )
  ].join("\n")
}
