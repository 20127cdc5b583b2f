/** Experiments with metrics that have whatever a definition may say, and rows for them: some events lie outside the experiment. */
import { Duration } from "@assay/model"
import * as fc from "fast-check"
import {
  type EventRow,
  propertyText,
  type ReferenceExperiment,
  type ReferenceSource,
  satisfies,
  type TestMetric,
  type World,
  world
} from "../src/index.ts"
import { six } from "./aggregations.ts"
import { type Rich, rich } from "./many.ts"
import { filter, richRows, testMetric } from "./worlds.ts"

const plain: ReadonlyArray<Rich> = Object.values(six).map(({ aggregation, unit }) => ({
  aggregation,
  reference: { unit },
  ...(aggregation.reads === "value" ? { reads: "value" as const } : {})
}))

const additive = new Set(["count", "mean", "occurrence", "sum"])

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
const wideRows = (one: World, least: number) =>
  richRows(one, least).chain((stream) => {
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

/** An experiment, so many metrics of some aggregations, and rows with at least so many events. */
const sceneOf = (some: ReadonlyArray<Rich>, length: number, least = 0) =>
  world(3).chain((one) =>
    fc.record({
      rows: wideRows(one, least),
      metrics: fc.shuffledSubarray([...some], { minLength: length, maxLength: length }).chain((subjects) =>
        fc.tuple(...subjects.map((subject, i) => metricOf(one, subject, `${subject.aggregation.name} ${i}`)))
      ),
      late: fc.constantFrom(0, 1, 2, 20)
    }).map(({ late, metrics, rows }) => {
      const { from, to } = one.experiment
      const experiment: ReferenceExperiment = { ...one.experiment, asOf: to + Math.trunc((late * (to - from)) / 9) }
      return { experiment, metrics, rows }
    })
  )

/** An experiment, seven of the metrics, and rows. */
export const scene = sceneOf([...rich, ...plain], 7)

/** The same with at least so many events. */
export const sceneWith = (least: number) => sceneOf([...rich, ...plain], 7, least)

/** An experiment with metrics whose values add up over events, and rows. */
export const additiveScene = sceneOf(plain.filter(({ aggregation }) => additive.has(aggregation.name)), additive.size)

/** What the property draws. */
export type Scene = typeof scene extends fc.Arbitrary<infer A> ? A : never

export const references = (metrics: ReadonlyArray<TestMetric>) => metrics.map((metric) => metric.reference)

/** Three ways to aggregate over each of many events, one of them within a window of so many seconds. */
export const alike = (
  events: ReadonlyArray<string>,
  seconds: number,
  where: NonNullable<TestMetric["where"]>
): ReadonlyArray<TestMetric> =>
  events.flatMap((event, i): ReadonlyArray<TestMetric> => {
    const late = testMetric(six.count, { key: `late ${i}`, event })
    return [
      testMetric(six.sum, { key: `sum ${i}`, event, value: "amount" }),
      testMetric(six.maximum, { key: `maximum ${i}`, event, value: "value", where }),
      {
        ...late,
        more: { window: `${seconds}s` },
        reference: { ...late.reference, window: { from: 0, to: seconds * 1000 } }
      }
    ]
  })

/** How many events {@link many} looks at. */
const events = 12

/** An experiment whose metrics are {@link alike}, and rows. */
export const many = world(events).chain((one) =>
  fc.record({
    rows: richRows(one, 50),
    where: fc.array(filter, { maxLength: 1 }),
    seconds: fc.integer({ min: 1, max: Math.ceil((one.experiment.to - one.experiment.from) / 1000) })
  }).map(({ rows, seconds, where }): Scene => ({
    experiment: one.experiment,
    rows: [...rows],
    metrics: [...alike(one.events, seconds, where)]
  }))
)
