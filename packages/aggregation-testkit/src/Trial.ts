/** An aggregation on trial: the tables it is tried on, and what comes out for a case. */
import {
  type Aggregates,
  type Aggregation,
  hasSources,
  levelsAround,
  type Plan,
  type PlanInput,
  type Reads
} from "@assay/aggregation"
import { decode, type Metric, type Source } from "@assay/model"
import type { Warehouse } from "@assay/warehouse"
import { Effect, type Layer, Result } from "effect"
import type * as fc from "fast-check"
import type { Case } from "./Case.ts"
import { aggregatesOf, mergedAggregatesOf, planOf, type TestMetric } from "./conformance.ts"
import { clearEvents, createEventTable, dropTable, type EventRow, insertEvents } from "./EventRow.ts"
import type { Subject } from "./neighbours.ts"
import type { ReferenceEvent, ReferenceMetric, ReferenceSource, ReferenceSources } from "./reference.ts"

/** What an author hands in about the aggregation. */
export interface AggregationSuite<Options = never> {
  /**
   * The unit columns of an identity, from its events that count, in the order of the estimand's moments; of a quantile, the values of
   * an identity, as many as it has. `options` are the decoded ones; `sources` has the events of each source by its name, one list
   * for each source of a list.
   */
  readonly reference: (
    events: ReadonlyArray<ReferenceEvent>,
    options: Options,
    sources: ReferenceSources
  ) => ReadonlyArray<number>
  /** What it reports beside, in order: a number for a mean, two for a ratio. */
  readonly reported?: (
    events: ReadonlyArray<ReferenceEvent>,
    options: Options,
    sources: ReferenceSources
  ) => ReadonlyArray<ReadonlyArray<number>>
  /** Where it is a quantile: its level. */
  readonly level?: (options: Options) => number
  /** Where it narrows windows (`within`): milliseconds after which an identity is old enough. */
  readonly matures?: (options: Options) => number
  /** Sources that may read their value, and how they do by the options: as a number (true) or as text. */
  readonly values?: Readonly<Record<string, true | "text">>
  /** How many sources a metric gives under the name of one that takes a list; the least that it takes where it is absent. */
  readonly sources?: Readonly<Record<string, number>>
  /** Options to try, as a metric would write them. */
  readonly options?: Readonly<Record<string, unknown>>
  /** More options to try: a fast-check arbitrary (`fc` is exported here). */
  readonly arbitrary?: fc.Arbitrary<Readonly<Record<string, unknown>>>
  /** Aggregations that it is fused with, beside a ratio and a maximum. */
  readonly beside?: ReadonlyArray<Subject>
  /** How many random streams are tried (15 unless told); the later properties try a part of them. */
  readonly runs?: number
  /** Where to run, such as `Warehouse.layer({ url })`; else embedded, or on the server that ASSAY_TEST_URL names. */
  readonly warehouse?: Layer.Layer<Warehouse, unknown>
  /** Where the random streams begin; a failure says it, so that it can be tried again. */
  readonly seed?: number
}

/** Tables of a trial: events, and the same split into batches with exposures apart. */
export interface Tables {
  readonly events: string
  readonly exposures: string
  readonly batches: ReadonlyArray<string>
}

/** An aggregation with its suite and its tables. */
export interface Trial {
  readonly aggregation: Aggregation
  readonly suite: AggregationSuite
  readonly tables: Tables
  /** The cap of the metric under test, where it has one. */
  readonly cap?: NonNullable<Metric["cap"]>
}

/** Makes the tables of a trial, gone at the end of the scope. `prefix` sets them apart from others on a shared server. */
export const makeTables = (prefix: string) =>
  Effect.acquireRelease(
    Effect.gen(function*() {
      const tables: Tables = {
        events: `${prefix}events`,
        exposures: `${prefix}exposures`,
        batches: [0, 1].map((i) => `${prefix}batch${i}`)
      }
      yield* Effect.forEach([tables.events, tables.exposures, ...tables.batches], (table) => createEventTable(table))
      return tables
    }),
    ({ batches, events, exposures }) => Effect.ignore(Effect.forEach([events, exposures, ...batches], dropTable))
  )

/** How many sources there are under each name. */
const counts = ({ aggregation, suite }: Trial): ReadonlyArray<readonly [name: string, count: number, reads: Reads]> =>
  Object.entries(aggregation.sources).map(([name, { list, reads }]) => [
    name,
    list === undefined ? 1 : suite.sources?.[name] ?? list.least,
    reads
  ])

/** Events that a trial's worlds have: those that its metric looks at, and at the end one that it doesn't. */
export const eventsOf = (trial: Trial): number => counts(trial).reduce((total, [, count]) => total + count, 1)

/** A source over one event, as the reference sees it; where the value may be read or not, options decide. */
const sourceOf = (event: string, reads: Reads): ReferenceSource => ({
  event,
  ...(reads === "value" || reads === "text" ? { value: (row: EventRow) => row.value, reads } : {})
})

/** The sources of the metric under test by name, each over an event of its own. */
const sourcesOf = (trial: Trial, events: ReadonlyArray<string>) => {
  let used = 0
  return counts(trial).map(([name, count, reads]) => {
    const read = trial.suite.values?.[name]
    const how = reads !== "any" ? reads : read === true ? "value" : read ?? "nothing"
    return { name, sources: Array.from({ length: count }, () => sourceOf(events[used++]!, how)) }
  })
}

/** The aggregation under test as a metric over a case's events, and what its author's reference makes of them. */
export const metricOf = (trial: Trial, { options, world }: Case): TestMetric => {
  const { aggregation, cap, suite } = trial
  const decoded = decode(aggregation.options, options ?? {})
  if (Result.isFailure(decoded)) {
    const [issue] = decoded.failure
    throw new Error(
      `its own Schema refuses the options ${JSON.stringify(options ?? {})} that the suite tries: ` +
        `${["options", ...issue!.path].join(".")}: found ${issue!.found}, expected ${issue!.expected}`
    )
  }
  const own = decoded.success as never
  const all = sourcesOf(trial, world.events)
  const { reported } = suite
  const isList = (name: string) => aggregation.sources[name]!.list !== undefined
  const definition = ({ event }: ReferenceSource): Source => ({ event })
  return {
    aggregation,
    ...(options === undefined ? {} : { options }),
    more: {
      ...(cap === undefined ? {} : { cap }),
      ...(hasSources(aggregation)
        ? {
          sources: Object.fromEntries(
            all.map(({ name, sources: [first, ...rest] }) => [
              name,
              isList(name) ? [definition(first!), ...rest.map(definition)] as const : definition(first!)
            ])
          )
        }
        : {})
    },
    reference: {
      key: aggregation.name,
      ...(cap === undefined ? {} : { cap }),
      ...all[0]!.sources[0]!,
      sources: Object.fromEntries(all.map(({ name, sources }) => [name, sources])),
      unit: (events, sources) => suite.reference(events, own, sources),
      ...(reported === undefined
        ? {}
        : { reported: (events, sources) => reported(events, own, sources) } satisfies Partial<ReferenceMetric>),
      ...(suite.level === undefined ? {} : {
        quantile: { level: suite.level(own), around: levelsAround(suite.level(own)) }
      }),
      ...(suite.matures === undefined ? {} : { matures: suite.matures(own) })
    }
  }
}

/** What came out, and the plan that it came from. */
export interface Measured {
  readonly aggregates: Aggregates
  readonly planned: Plan
}

const load = (table: string, rows: ReadonlyArray<EventRow>) =>
  clearEvents(table).pipe(Effect.andThen(insertEvents(table, rows)))

/** What comes out for a case, for the metric under test and after it those `beside` it. */
export const measure = Effect.fn("testkit.measure")(function*(
  trial: Trial,
  one: Case,
  beside: ReadonlyArray<TestMetric> = []
) {
  const planned = planOf(one.world.experiment, [metricOf(trial, one), ...beside], trial.tables.events)
  yield* load(trial.tables.events, one.rows)
  const measured: Measured = { aggregates: yield* aggregatesOf(planned), planned }
  return measured
})

/** Exposures in a table apart, in the columns that events have. */
const exposuresApart = (table: string): Partial<PlanInput["mapping"]> => ({
  exposures: {
    table,
    columns: { environment: "environment_key", feature: "feature_name", variant: "value", timestamp: "timestamp" },
    identities: { identifier: "identifier" }
  }
})

/** What comes out when the events arrive in batches, of which `batchOf` says each row's, and their states are merged. */
export const measureMerged = Effect.fn("testkit.measureMerged")(function*(
  trial: Trial,
  one: Case,
  batchOf: (row: EventRow) => number
) {
  const { batches, exposures } = trial.tables
  const { experiment } = one.world
  const metric = metricOf(trial, one)
  const isExposure = (row: EventRow) => row.event === experiment.exposureEvent
  yield* load(exposures, one.rows.filter(isExposure))
  for (const [i, table] of batches.entries()) {
    yield* load(table, one.rows.filter((row) => !isExposure(row) && batchOf(row) === i))
  }
  const plans = batches.map((table) => planOf(experiment, [metric], table, exposuresApart(exposures)))
  return yield* mergedAggregatesOf([plans[0]!, ...plans.slice(1)])
})
