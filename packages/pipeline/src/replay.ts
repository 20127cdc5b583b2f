/** A replay: a snapshot's statement run again, and what it says now. */
import { decodeAggregates, type Plan } from "@assay/aggregation"
import { type DecodeError, Instant, type ResultsSummary, type WarehouseError } from "@assay/model"
import type { Snapshot } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { fingerprintStatement } from "./fingerprint.ts"
import { wireMoments } from "./wire.ts"

/** A number that isn't what it was; its name leads to it in the summary. */
export interface Moved {
  readonly name: string
  readonly was: number
  readonly is: number
}

/**
 * What a replay found: what moved of so many numbers; how many of the others agree to 12 digits alone, since sums of fractions depend on the order of
 * addition. `late` counts rows stored since; undefined where tables don't tell. */
export interface Replayed {
  readonly compared: number
  readonly moved: ReadonlyArray<Moved>
  readonly rounded: number
  readonly late: { readonly exposures: number; readonly events: number } | undefined
  readonly warehouseVersion: string
}

type Numbers = ReadonlyMap<string, number>

const numbersIn = (
  identities: (variant: string) => number,
  quarantined: number,
  summary: ResultsSummary,
  metrics: ReadonlyArray<Readonly<Record<string, object>>>
): Numbers =>
  new Map([
    ...summary.variants.map(({ key }): [string, number] => [`variants.${key}.n`, identities(key)]),
    ["quarantined", quarantined],
    ...summary.metrics.flatMap(({ metric_id }, m) =>
      Object.entries(metrics[m] ?? {}).flatMap(([variant, moments]) =>
        Object.entries(moments).map(([name, value]): [string, number] => [
          `metrics.${metric_id}.${variant}.${name}`,
          Number(value)
        ])
      )
    )
  ])

/** The numbers that a summary states, by where they stand: identities of arms, and the moments of metrics. */
export const statedNumbers = (summary: ResultsSummary): Numbers =>
  numbersIn(
    (key) => summary.variants.find((variant) => variant.key === key)?.n ?? 0,
    summary.quarantined,
    summary,
    summary.metrics.map(({ variants }) => variants)
  )

/** Fractions that differ by less than this part of them are the same sum, added up in another order. */
const rounding = 1e-12

const isRounded = ({ is, was }: Moved): boolean =>
  !(Number.isInteger(is) && Number.isInteger(was)) && Math.abs(is - was) <= rounding * Math.abs(was)

/** What of two sets of numbers differs in any byte. */
const different = (before: Numbers, now: Numbers): ReadonlyArray<Moved> =>
  [...before].flatMap(([name, was]) => {
    const is = now.get(name)
    return is === undefined || is === was ? [] : [{ name, was, is }]
  })

/** What of two sets of numbers moved, and how many others differ by rounding alone. */
export const movedNumbers = (before: Numbers, now: Numbers): Pick<Replayed, "moved" | "rounded"> => {
  const all = different(before, now)
  const moved = all.filter((one) => !isRounded(one))
  return { moved, rounded: all.length - moved.length }
}

/** Rows that the plan reads and that were stored from a time on; undefined where a table doesn't say when its rows were stored. */
const countLate = Effect.fn("replay.late")(function*(
  plan: Plan,
  since: number
): Effect.fn.Return<Replayed["late"], WarehouseError, Warehouse> {
  const { columns, exposures } = plan.mapping
  if (columns.ingested === undefined || (exposures !== undefined && exposures.columns.ingested === undefined)) {
    return undefined
  }
  const { rows } = yield* Warehouse.use((_) => _.query(fingerprintStatement(plan, since)))
  const of = (source: string) => Number(rows.find((row) => row["assay_of"] === source)?.["assay_rows"] ?? 0)
  return { exposures: of("exposures"), events: of("events") }
})

/**
 * Runs a snapshot's statement again, with its parameters and settings, and compares what the plan makes of the answer with what the snapshot
 * states. The plan must be that of the same definition, as of the same time. Quantiles aren't compared: an earlier statement found them.
 */
export const replay = Effect.fn("replay")(function*(
  { statement, summary }: Snapshot,
  plan: Plan
): Effect.fn.Return<Replayed, WarehouseError | DecodeError, Warehouse> {
  const warehouse = yield* Warehouse
  const { rows } = yield* warehouse.query(statement, {
    comment: { assay: "replay", experiment: summary.experiment, run: summary.provenance.run_id }
  })
  const aggregates = yield* Effect.fromResult(decodeAggregates(plan, rows))
  const stated = statedNumbers(summary)
  const found = numbersIn(
    (key) => aggregates.identities[key] ?? 0,
    aggregates.quarantined,
    summary,
    plan.metrics.map((metric, m) =>
      metric.quantile === undefined
        ? Object.fromEntries(plan.arms.map((arm) => [arm, wireMoments(metric, aggregates.moments[m]![arm]!)]))
        : {}
    )
  )
  const { computed_at, duration_ms, refresh } = summary.provenance
  const since = refresh?.ingested_until === undefined
    ? Instant.toMillis(computed_at) - duration_ms
    : Instant.toMillis(refresh.ingested_until)
  return {
    compared: [...stated.keys()].filter((name) => found.has(name)).length,
    ...movedNumbers(stated, found),
    late: yield* countLate(plan, Math.floor(since)),
    warehouseVersion: yield* warehouse.version()
  }
})
