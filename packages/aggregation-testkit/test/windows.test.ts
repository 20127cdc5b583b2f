/** Several sources, conversion windows, delays and covariates, fused and merged: equal to the reference. */
import { compileMerged } from "@assay/aggregation"
import { Duration } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime } from "effect"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  aggregatesOf,
  clearEvents,
  createEventTable,
  differences,
  type EventRow,
  insertEvents,
  planOf,
  propertyText,
  reference,
  type ReferenceExperiment,
  type ReferenceSource,
  satisfies,
  type TestMetric,
  type World,
  world
} from "../src/index.ts"
import { six } from "./aggregations.ts"
import { type Rich, rich } from "./many.ts"
import { filter, richRows } from "./worlds.ts"

const plain: ReadonlyArray<Rich> = Object.values(six).map(({ aggregation, unit }) => ({
  aggregation,
  reference: { unit },
  ...(aggregation.reads === "value" ? { reads: "value" as const } : {})
}))

const source = ({ events }: World, reads: Rich["reads"]) =>
  fc.record({
    event: fc.constantFrom(...events),
    value: fc.constantFrom("value", "amount", "metadata.cart.amount"),
    where: fc.array(filter, { maxLength: 1 })
  }).map(({ event, value, where }) => ({
    definition: { event, ...(reads === undefined ? {} : { value }), ...(where.length === 0 ? {} : { where }) },
    reference: {
      event,
      matches: (row: EventRow) => where.every((one) => satisfies(row, one)),
      ...(reads === undefined ? {} : { value: (row: EventRow) => propertyText(row, value), reads })
    } satisfies ReferenceSource
  }))

/** A metric of one of the aggregations, with whatever a definition may say. */
const metricOf = (one: World, subject: Rich, key: string): fc.Arbitrary<TestMetric> => {
  const step = Math.max(1000, (one.experiment.to - one.experiment.from) / 9)
  const stretch = fc.option(fc.integer({ min: 1, max: 6 }).map((n) => n * step), { nil: undefined })
  const duration = (millis: number | undefined) => millis === undefined ? undefined : Duration.fromMillis(millis)
  const names = Object.entries(subject.sources ?? { events: 1 })
  const count = names.reduce((total, [, n]) => total + n, 0)
  // Only the first of several sources may read: two that read the same would count what neither can use once.
  const all = fc.tuple(...Array.from({ length: count }, (_, i) => source(one, i === 0 ? subject.reads : undefined)))
  const own = subject.reference.matures !== undefined
  return fc.record({
    all,
    delay: own ? fc.constant(undefined) : stretch,
    window: own ? fc.constant(undefined) : stretch,
    covariate: fc.oneof(
      { weight: 1, arbitrary: fc.constant(undefined) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 6 }).map((n) => ({ lookback: n * step })) },
      {
        weight: 2,
        arbitrary: fc.constantFrom("amount", "metadata.cart.amount", "value").map((trait) => ({ trait }))
      }
    )
  }).map(({ all, covariate, delay, window }) => {
    const parts = names.map(([, n], i) => {
      const before = names.slice(0, i).reduce((total, [, m]) => total + m, 0)
      return all.slice(before, before + n)
    })
    const lookback = covariate !== undefined && "lookback" in covariate ? covariate.lookback : undefined
    const trait = covariate !== undefined && "trait" in covariate ? covariate.trait : undefined
    const { value, where } = all[0]!.definition
    const single = subject.sources === undefined
    return {
      aggregation: subject.aggregation,
      ...(single && value !== undefined ? { valueProperty: value } : {}),
      ...(single && where !== undefined ? { where } : {}),
      more: {
        ...(single ? {} : {
          sources: Object.fromEntries(
            names.map(([name, n], i) => [
              name,
              n === 1 ? parts[i]![0]!.definition : parts[i]!.map(({ definition }) => definition)
            ])
          ) as NonNullable<TestMetric["more"]>["sources"] & object
        }),
        ...(delay === undefined ? {} : { delay: duration(delay)! }),
        ...(window === undefined ? {} : { window: duration(window)! }),
        ...(trait !== undefined
          ? { covariate: { trait } }
          : lookback !== undefined
          ? { covariate: { lookback: duration(lookback)! } }
          : {})
      },
      reference: {
        key,
        ...all[0]!.reference,
        ...subject.reference,
        ...(single ? {} : {
          sources: Object.fromEntries(names.map(([name], i) => [name, parts[i]!.map((part) => part.reference)]))
        }),
        window: { from: delay ?? 0, to: window === undefined ? null : (delay ?? 0) + window },
        ...(lookback === undefined ? {} : { lookback }),
        ...(trait === undefined ? {} : { trait: (row: EventRow) => propertyText(row, trait) })
      }
    }
  })
}

/** Rows of a world, some of its events before the experiment and some after it. */
const wideRows = (one: World) =>
  richRows(one).chain((stream) => {
    const length = one.experiment.to - one.experiment.from
    const shift = fc.constantFrom(0, 0, 0, -length / 9, -length / 3, length / 9, length / 2, -1)
    return fc.array(shift, { minLength: 7, maxLength: 7 }).map((shifts) =>
      stream.map((row, i): EventRow =>
        row.event === one.experiment.exposureEvent
          ? row
          : { ...row, timestamp: row.timestamp + Math.trunc(shifts[(row.timestamp + i) % 7]!) }
      )
    )
  })

const scene = world(3).chain((one) =>
  fc.record({
    rows: wideRows(one),
    metrics: fc.shuffledSubarray([...rich, ...plain], { minLength: 7, maxLength: 7 }).chain((subjects) =>
      fc.tuple(...subjects.map((subject, i) => metricOf(one, subject, `${subject.aggregation.name} ${i}`)))
    ),
    late: fc.constantFrom(0, 1, 2, 20)
  }).map(({ late, metrics, rows }) => {
    const { from, to } = one.experiment
    const experiment: ReferenceExperiment = { ...one.experiment, asOf: to + Math.trunc((late * (to - from)) / 9) }
    return { experiment, metrics, rows }
  })
)

type Scene = typeof scene extends fc.Arbitrary<infer A> ? A : never

const references = (metrics: ReadonlyArray<TestMetric>) => metrics.map((metric) => metric.reference)

const tables = ["events", "batch0", "batch1", "exposures"] as const

describe("metrics with sources, windows and covariates", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  beforeAll(() => runtime.runPromise(Effect.forEach(tables, (table) => createEventTable(table))))
  afterAll(() => runtime.dispose())

  const load = (table: (typeof tables)[number], rows: ReadonlyArray<EventRow>) =>
    clearEvents(table).pipe(Effect.andThen(insertEvents(table, rows)))

  /** Holds a scene's aggregates to the reference, and gives the plan with them. */
  const held = async ({ experiment, metrics, rows }: Scene) => {
    const planned = planOf(experiment, metrics, "events")
    const aggregates = await runtime.runPromise(load("events", rows).pipe(Effect.andThen(aggregatesOf(planned))))
    expect(differences(aggregates, reference(experiment, references(metrics), rows), planned)).toEqual([])
    return { planned, aggregates }
  }

  it("equal the reference, all in one statement", async () => {
    await fc.assert(fc.asyncProperty(scene, async (one) => void (await held(one))), { numRuns: 6 })
  })

  it("equal it where identities are too young, have earlier events, and have traits", async () => {
    const seen = { immature: 0, ripe: 0, before: 0, traits: 0 }
    for (const one of fc.sample(scene, { seed: 7, numRuns: 10 })) {
      const { planned, aggregates } = await held(one)
      planned.metrics.forEach(({ covariate }, m) => {
        for (const arm of planned.arms) {
          const { n, sums } = aggregates.moments[m]![arm]!
          seen.immature += aggregates.immature[m]![arm]!
          seen.ripe += n
          if (covariate === undefined) continue
          if ("trait" in covariate.of) seen.traits += sums.at(-1)!
          else if (sums.at(-1) !== 0) seen.before += 1
        }
      })
    }
    expect(Object.entries(seen).filter(([, count]) => count === 0)).toEqual([])
  })

  it("equal each metric alone", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ experiment, metrics, rows }) => {
        // Copies of an event at different times may lie on both sides of what one metric reads and another doesn't.
        const exact = { ...experiment, deduplication: "row" as const }
        await runtime.runPromise(load("events", rows))
        const fused = await runtime.runPromise(aggregatesOf(planOf(exact, metrics, "events")))
        for (const [i, metric] of metrics.entries()) {
          const alone = await runtime.runPromise(aggregatesOf(planOf(exact, [metric], "events")))
          expect(alone.moments).toEqual([fused.moments[i]])
          expect(alone.reported).toEqual([fused.reported[i]])
          expect(alone.unusableValues).toEqual([fused.unusableValues[i]])
          expect(alone.earlyEvents).toBeLessThanOrEqual(fused.earlyEvents)
        }
      }),
      { numRuns: 1 }
    )
  })

  it("equal one pass when they are merged from batches of events", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ experiment, metrics, rows }) => {
        const exact = { ...experiment, deduplication: "row" as const }
        const mapping = {
          exposures: {
            table: "exposures",
            columns: {
              environment: "environment_key",
              feature: "feature_name",
              variant: "value",
              timestamp: "timestamp"
            },
            identities: { identifier: "identifier" }
          }
        }
        const isExposure = (row: EventRow) => row.event === exact.exposureEvent
        const events = rows.filter((row) => !isExposure(row))
        const half = (row: EventRow) => (row.timestamp + row.value.length) % 2
        const plans = [0, 1].map((i) => planOf(exact, metrics, `batch${i}`, mapping))
        await runtime.runPromise(
          Effect.gen(function*() {
            yield* load("exposures", rows.filter(isExposure))
            yield* load("batch0", events.filter((row) => half(row) === 0))
            yield* load("batch1", events.filter((row) => half(row) === 1))
          })
        )
        const merged = await runtime.runPromise(aggregatesOf(plans[0]!, compileMerged([plans[0]!, plans[1]!])))
        expect(differences(merged, reference(exact, references(metrics), rows), plans[0]!)).toEqual([])
      }),
      { numRuns: 4 }
    )
  })
})
