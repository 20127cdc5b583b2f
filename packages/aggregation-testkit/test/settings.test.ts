/** The same answers whatever a profile or a machine sets. */
import { type Aggregates, compile, compileMerged, type Plan, Shared, withSliceValues } from "@assay/aggregation"
import type { Statement } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime, Result } from "effect"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { aggregatesOf, createEventTable, differences, insertEvents, planOf, reference } from "../src/index.ts"
import { six } from "./aggregations.ts"
import { richRows, scene, testMetric } from "./worlds.ts"

type Settings = Readonly<Record<string, string | number>>

/** What a profile or another version may set; the statement's own settings win over it, as they do over a profile. */
const profiles: Readonly<Record<string, Settings>> = {
  "the old analyzer": { allow_experimental_analyzer: 0 },
  "the new analyzer": { enable_analyzer: 1 },
  "join_algorithm hash": { join_algorithm: "hash" },
  "join_algorithm parallel_hash": { join_algorithm: "parallel_hash", max_threads: 8 },
  "join_algorithm grace_hash": { join_algorithm: "grace_hash", grace_hash_join_initial_buckets: 4 },
  "join_algorithm full_sorting_merge": { join_algorithm: "full_sorting_merge" },
  "join_algorithm partial_merge": { join_algorithm: "partial_merge" },
  "join_algorithm auto": { join_algorithm: "auto" },
  "the old analyzer with grace_hash": { allow_experimental_analyzer: 0, join_algorithm: "grace_hash" },
  "one thread": { max_threads: 1 },
  "eight threads": { max_threads: 8 },
  aggregate_functions_null_for_empty: { aggregate_functions_null_for_empty: 1 },
  join_use_nulls: { join_use_nulls: 1 },
  "both of them on the old analyzer": {
    allow_experimental_analyzer: 0,
    aggregate_functions_null_for_empty: 1,
    join_use_nulls: 1
  },
  "transform_null_in, cast_keep_nullable": { transform_null_in: 1, cast_keep_nullable: 1 },
  group_by_use_nulls: { group_by_use_nulls: 1 },
  prefer_column_name_to_alias: { prefer_column_name_to_alias: 1 },
  join_default_strictness: { join_default_strictness: "ANY" },
  "no default strictness": { join_default_strictness: "" },
  "another time zone": { session_timezone: "Asia/Kolkata" },
  "booleans in other words": { bool_true_representation: "yes", bool_false_representation: "no" },
  "compatibility with 24.8": { compatibility: "24.8" },
  "aggregation on disk": { max_bytes_before_external_group_by: 1, max_bytes_ratio_before_external_group_by: 0 },
  "everything spilled as limits.spill_bytes does": {
    max_bytes_before_external_group_by: 1,
    max_bytes_before_external_sort: 1,
    join_algorithm: "grace_hash,hash",
    max_bytes_in_join: 1000
  },
  "everything spilled on the old analyzer with 24.8": {
    compatibility: "24.8",
    allow_experimental_analyzer: 0,
    max_bytes_before_external_group_by: 1,
    max_bytes_before_external_sort: 1,
    join_algorithm: "grace_hash,hash",
    max_bytes_in_join: 1000
  },
  "compatibility with 24.8 on the old analyzer": { compatibility: "24.8", allow_experimental_analyzer: 0 },
  "blocks of three rows": { max_block_size: 3, preferred_block_size_bytes: 1 },
  "joined blocks of two rows": { max_joined_block_size_rows: 2 },
  "a swapped join": { query_plan_join_swap_table: "true" },
  "no swapped join": { query_plan_join_swap_table: "false" },
  "no optimizations of the plan": { query_plan_enable_optimizations: 0 },
  "no predicate pushdown": { enable_optimize_predicate_expression: 0, query_plan_filter_push_down: 0 },
  "no compiled expressions": { compile_expressions: 0, compile_aggregate_expressions: 0 },
  "denormals unquoted, big numbers unquoted": {
    output_format_json_quote_denormals: 0,
    output_format_json_quote_64bit_integers: 0
  }
}

/** Those that windows and lists of parts could mind. */
const forParts = [
  "the old analyzer with grace_hash",
  "join_algorithm parallel_hash",
  "both of them on the old analyzer",
  "group_by_use_nulls",
  "prefer_column_name_to_alias",
  "everything spilled on the old analyzer with 24.8",
  "blocks of three rows"
]

const under = (statement: Statement, profile: Settings): Statement => ({
  ...statement,
  settings: { ...profile, ...statement.settings }
})

describe("a statement's answer", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  // One scene with all six aggregations and a few hundred rows; the seed keeps it the same in every run.
  const [one] = fc.sample(scene, { seed: 20_260_101, numRuns: 1 })
  const experiment = {
    ...one!.world.experiment,
    deduplication: "row" as const,
    multipleVariants: "quarantine" as const
  }
  const world = { ...one!.world, experiment }
  const rows = fc.sample(richRows(world), { seed: 20_260_102, numRuns: 12 }).flatMap((stream, i) =>
    stream.map((row) => ({
      ...row,
      identity: row.identity === "" ? "" : `${row.identity} ${i}`,
      id: row.id === "" ? "" : `${row.id} ${i}`
    }))
  )
  const events = world.events
  const metrics = [
    ...one!.metrics.slice(0, 6),
    testMetric(six.sum, {
      key: "filtered",
      event: events[0]!,
      value: "metadata.cart.amount",
      where: [{ property: "member", op: "!=", value: true }, { property: "country", op: "not in", value: ["DE"] }]
    }),
    testMetric(six.ratio, {
      key: "filtered ratio",
      event: events[1]!,
      where: [{ property: "metadata.paid", op: "exists" }, { property: "amount", op: ">=", value: 1 }]
    })
  ]
  const expected = reference(experiment, metrics.map((metric) => metric.reference), rows)
  const planned: Plan = planOf(experiment, metrics, "events")
  const exposures = {
    exposures: {
      table: "exposures",
      columns: { environment: "environment_key", feature: "feature_name", variant: "value", timestamp: "timestamp" },
      identities: { identifier: "identifier" }
    }
  }
  /** The same with slices and a series: two values of the country, and the others. */
  const inParts = (one: Plan): Plan => withSliceValues(one, [{ values: ["SE", "x'; --"], distinct: 3 }])
  const parts = { series: true, slices: ["country"] }
  const divided = inParts(planOf(experiment, metrics, "events", {}, parts))
  const slicedBatches = ["events", "none"].map((table) =>
    inParts(planOf(experiment, metrics, table, exposures, { slices: parts.slices }))
  )
  const batches = ["events", "none"].map((table) => planOf(experiment, metrics, table, exposures))

  /** Experiments that are read together: the same one, one in a part of its window, and one with the arms the other way round. */
  const members = [
    { experiment, metrics },
    {
      experiment: {
        ...experiment,
        from: experiment.from + Math.floor((experiment.to - experiment.from) / 9),
        asOf: experiment.to + 1
      },
      metrics: metrics.slice(0, 4)
    },
    { experiment: { ...experiment, variants: experiment.variants.toReversed().slice(0, 2) }, metrics: metrics.slice(2) }
  ].map((member) => ({
    plan: planOf(member.experiment, member.metrics, "events"),
    expected: reference(member.experiment, member.metrics.map((metric) => metric.reference), rows)
  }))

  beforeAll(() =>
    runtime.runPromise(
      Effect.gen(function*() {
        yield* createEventTable("events", "MergeTree")
        yield* insertEvents("events", rows)
        yield* createEventTable("exposures")
        yield* insertEvents("exposures", rows.filter((row) => row.event === experiment.exposureEvent))
        yield* createEventTable("none")
      })
    )
  )
  afterAll(() => runtime.dispose())

  const rounded = ({ points, slices }: Aggregates): unknown =>
    JSON.parse(
      JSON.stringify({ points, slices }),
      (_, value: unknown) => typeof value === "number" ? Number(value.toPrecision(9)) : value
    )
  let usual: unknown
  const usualParts = async () => (usual ??= rounded(await runtime.runPromise(aggregatesOf(divided))))

  it("has something to tell: arms, quarantine, repeats, early events, unusable values", () => {
    expect(Object.values(expected.identities).every((n) => n > 0)).toBe(true)
    expect(expected.quarantined).toBeGreaterThan(0)
    expect(expected.repeatedEvents).toBeGreaterThan(0)
    expect(expected.earlyEvents.events).toBeGreaterThan(0)
    expect(expected.namelessEvents.events).toBeGreaterThan(0)
    expect(Object.values(expected.unusable).some((n) => n > 0)).toBe(true)
  })

  it.each(Object.entries(profiles))("is the same under %s", async (_, profile) => {
    const whole = await runtime.runPromise(aggregatesOf(planned, under(compile(planned), profile)))
    expect(differences(whole, expected, planned)).toEqual([])
    const merged = compileMerged([batches[0]!, ...batches.slice(1)])
    const states = await runtime.runPromise(aggregatesOf(batches[0]!, under(merged, profile)))
    expect(differences(states, expected, batches[0]!)).toEqual([])
  })

  it.each(forParts)("is the same for each of several experiments under %s", async (name) => {
    const shared = Shared.share(members.map(({ plan }) => plan))
    const { rows: answer } = await runtime.runPromise(
      Warehouse.use((_) => _.query(under(Shared.compileShared(shared), profiles[name]!)))
    )
    const sorted = Shared.byExperiment(answer)
    for (const [i, member] of shared.members.entries()) {
      const aggregates = Result.getOrThrow(Shared.answerOf(shared, member, sorted))
      expect(differences(aggregates, members[i]!.expected, member.plan)).toEqual([])
    }
  })

  it.each(forParts)("has the same slices and points under %s", async (name) => {
    const profile = profiles[name]!
    const usual = await usualParts()
    const whole = await runtime.runPromise(aggregatesOf(divided, under(compile(divided), profile)))
    const merged = compileMerged([slicedBatches[0]!, ...slicedBatches.slice(1)])
    const states = await runtime.runPromise(aggregatesOf(slicedBatches[0]!, under(merged, profile)))
    for (const aggregates of [whole, states]) expect(differences(aggregates, expected, divided)).toEqual([])
    expect(rounded(whole)).toEqual(usual)
    expect(rounded({ ...states, points: whole.points })).toEqual(usual)
  })
})
