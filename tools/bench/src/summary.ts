/** From the rows of an answer to the encoded summary: everything that happens after the warehouse has answered. */
import { decodeAggregates, type Plan, strategyOf, withSliceValues } from "@assay/aggregation"
import { breakdownsOf, summarize } from "@assay/pipeline"
import { engines } from "@assay/stats"
import { Result } from "effect"
import { median, table } from "./measure.ts"
import { metricKeys, sumPlan } from "./metrics.ts"

/** How much: metrics, variants (the control included), and values of one dimension. */
export interface SummarySize {
  readonly metrics: number
  readonly variants: number
  readonly slices: number
}

/** What a row of both forms holds besides its moments. */
const found = (arm: number, part: number) => ({
  place: 0,
  arm,
  part,
  early_events: 0,
  latest_event: 1,
  nameless_exposures: 0,
  undeclared: 0
})

const made = ({ metrics, slices, variants }: SummarySize) => {
  const planned = sumPlan(metricKeys(metrics), "none", {}, { slices: ["traits.d0"] })
  const keys = ["control", ...Array.from({ length: variants - 1 }, (_, i) => `t${String(i).padStart(2, "0")}`)]
  const values = Array.from({ length: slices }, (_, i) => `v${i}`)
  const [first, ...rest] = keys.map((key) => ({ key, share: 1 }))
  const plan = {
    ...withSliceValues(planned, [{ values, distinct: slices }]),
    arms: keys,
    experiment: { ...planned.experiment, variants: [first!, rest[0]!, ...rest.slice(1)] as const }
  }
  const row = (arm: number, part: number) => {
    const n = part === 0 ? 1000 * slices : 1000
    const moments = Array.from({ length: metrics }, (_, m) => {
      const mean = 10 + ((arm * 7 + part * 3 + m) % 11) / 10
      return [[`s${m}_0`, n * mean], [`p${m}_0_0`, n * (mean * mean + 25)], [`c${m}_0_0`, n * 25]] as const
    })
    return {
      ...found(arm, part),
      n,
      ...Object.fromEntries(Array.from({ length: metrics }, (_, m) => [`unusable${m}`, 0])),
      ...Object.fromEntries(moments.flat())
    }
  }
  // The parts of a breakdown's values come after that of the identities without any.
  const parts = [0, ...values.map((_, i) => 2 + i)]
  return { plan, rows: keys.flatMap((_, arm) => parts.map((part) => row(arm, part))) }
}

type Rows = ReturnType<typeof made>["rows"]

/**
 * The same in the rows of the long form, where the plan takes it: one for each event, of the identities that have it (nine of ten), and one that
 * counts all of them.
 */
const longRows = (plan: Plan, rows: Rows) => {
  const { long } = strategyOf(plan)
  if (long === undefined) return undefined
  return rows.flatMap((row) => {
    const { arm, n, part } = row
    const common = { ...found(arm, part), unusable0: 0 }
    const cells = (m: number, at: number, share: number) =>
      Object.fromEntries(["s", "p", "c"].map((moment) => {
        const rest = moment === "s" ? "0" : "0_0"
        return [`${moment}${at}_${rest}`, share * Number((row as Record<string, number>)[`${moment}${m}_${rest}`])]
      }))
    return [
      { ...common, tally: 1, event: 0, n, ...cells(0, 0, 0) },
      ...long.measures.map(({ at, event }, m) => ({
        ...common,
        tally: 0,
        event,
        n: 0.9 * n,
        ...cells(m, at, 0.9)
      }))
    ]
  })
}

const provenance = {
  run_id: "r",
  assay_version: "0.0.0",
  warehouse_version: "0",
  aggregations: {},
  definition_hash: "d",
  statement_hash: "s",
  query_id: "q",
  watermark: null,
  rows_read: 0,
  bytes_read: 0,
  duration_ms: 0,
  computed_at: "2026-01-15T00:00:00.000Z"
}

/**
 * Decodes, compares every arm in every slice, summarizes and encodes, `rounds` times; CPU milliseconds of each stage, and of decoding the long form
 * where the plan takes it.
 */
export const summaryBenchmark = (size: SummarySize, rounds: number): string => {
  const { plan, rows } = made(size)
  const long = longRows(plan, rows)
  const stages: Record<string, Array<number>> = {
    decode: [],
    slices: [],
    summarize: [],
    encode: [],
    whole: [],
    long: []
  }
  let bytes = 0
  for (let round = 0; round <= rounds; round++) {
    let spent = 0
    const timed = <A>(stage: string, run: () => A): A => {
      const before = process.cpuUsage()
      const result = run()
      const { system, user } = process.cpuUsage(before)
      const ms = (system + user) / 1000
      spent += ms
      if (round > 0) stages[stage]!.push(ms)
      return result
    }
    const aggregates = timed("decode", () => Result.getOrThrow(decodeAggregates(plan, rows)))
    const parts = { plan, aggregates, engine: engines.bayesian, confidence: 0.95 }
    const breakdowns = timed("slices", () => breakdownsOf(parts))
    const summary = timed("summarize", () => summarize({ ...parts, breakdowns, asOf: plan.to, provenance }))
    bytes = timed("encode", () => JSON.stringify(summary)).length
    if (round > 0) stages["whole"]!.push(spent)
    // A row for each event in place of a column for each metric: decoded in the place of the others.
    if (long !== undefined) timed("long", () => Result.getOrThrow(decodeAggregates(plan, long)))
  }
  const comparisons = size.metrics * (size.variants - 1) * (size.slices + 1)
  return `${comparisons.toLocaleString("en-US")} comparisons: ${size.metrics} metrics, ${size.variants} variants, ` +
    `${size.slices} slices and the whole; ${(bytes / 1e6).toFixed(1)} MB of JSON, medians of ${rounds} rounds\n` +
    table(
      ["stage", "CPU ms"],
      Object.entries(stages).flatMap(([stage, ms]) =>
        ms.length === 0
          ? []
          : [[stage === "long" ? `decode, long form (${long!.length} rows)` : stage, median(ms).toFixed(0)]]
      )
    )
}
