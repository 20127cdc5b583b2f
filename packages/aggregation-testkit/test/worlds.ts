/** Random metrics, with filters and values of all kinds, and rows that have something for them to read. */
import type { Filter, Metric } from "@assay/model"
import * as fc from "fast-check"
import {
  type EventRow,
  propertyText,
  rows,
  satisfies,
  type Subject,
  type TestMetric,
  valueText,
  type World,
  world
} from "../src/index.ts"
import { six } from "./aggregations.ts"

// Shrinking a scene runs hundreds of statements and takes minutes; the seed and the whole scene are printed instead.
fc.configureGlobal({ endOnFailure: true })

const json = fc.oneof(
  { weight: 2, arbitrary: fc.constant("{}") },
  { weight: 1, arbitrary: fc.constantFrom("", "not json", "null", "[1]", "{\"cart\": 5}", "{\"cart\": null}") },
  {
    weight: 8,
    arbitrary: fc.record({
      plan: fc.constantFrom("pro", "free", "", null, "l'été \"x\"\\ 日本", 5, true),
      paid: fc.constantFrom(true, false, null, "true", 0, 1, "yes"),
      cart: fc.record({
        amount: fc.constantFrom(0, 5, -2.5, "12", "12.5", "abc", "nan", "inf", null, true, 1000),
        "odd key'": fc.constantFrom("a", "b")
      }, { requiredKeys: [] })
    }, { requiredKeys: [] }).map((value) => JSON.stringify(value))
  }
)

const enrich = (row: EventRow): fc.Arbitrary<EventRow> =>
  fc.record({
    metadata: json,
    country: fc.constantFrom("SE", "DE", "", "x'; --", undefined),
    amount: fc.constantFrom(0, 1, 2.5, -7, 1e9, undefined),
    member: fc.constantFrom(true, false, undefined)
  }).map(({ amount, country, member, metadata }) => ({
    ...row,
    metadata,
    ...(country === undefined ? {} : { country }),
    ...(amount === undefined ? {} : { amount }),
    ...(member === undefined ? {} : { member })
  }))

const texts = ["SE", "DE", "", "x'; --", "pro", "free", "5", "true", "12", "l'été \"x\"\\ 日本", "0"] as const
const numbers = [0, 1, 5, 12, -2.5, 2.5, 12.5, 1000] as const
const properties = [
  "value",
  "country",
  "amount",
  "member",
  "metadata.plan",
  "metadata.paid",
  "metadata.cart",
  "metadata.cart.amount",
  "metadata.cart.odd key'",
  "metadata.missing.path"
] as const

const property = fc.constantFrom(...properties)
const order = fc.constantFrom("=" as const, "!=" as const, "<" as const, "<=" as const, ">" as const, ">=" as const)
const list = fc.constantFrom("in" as const, "not in" as const)

/** Any filter that definitions allow. */
export const filter: fc.Arbitrary<Filter> = fc.oneof(
  fc.record({ property, op: order, value: fc.constantFrom(...texts) }),
  fc.record({ property, op: order, value: fc.constantFrom(...numbers) }),
  fc.record({ property, op: fc.constantFrom("=" as const, "!=" as const), value: fc.boolean() }),
  fc.record({ property, op: list, value: fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 3 }) }),
  fc.record({ property, op: list, value: fc.array(fc.constantFrom(...numbers), { minLength: 1, maxLength: 3 }) }),
  fc.record({ property, op: fc.constantFrom("exists" as const, "not exists" as const) })
) as fc.Arbitrary<Filter>

/** A metric for both sides: what the planner gets, and what the reference gets. */
export const testMetric = (
  { aggregation, unit }: Subject,
  { event, key, value, where }: {
    readonly key: string
    readonly event: string
    readonly value?: string
    readonly where?: Metric["where"]
  }
): TestMetric => ({
  aggregation,
  ...(where === undefined || where.length === 0 ? {} : { where }),
  ...(value === undefined || aggregation.reads === "nothing" ? {} : { valueProperty: value }),
  reference: {
    key,
    event,
    unit,
    matches: (row) => (where ?? []).every((one) => satisfies(row, one)),
    ...(aggregation.reads === "nothing" ? {} : { value: (row: EventRow) => propertyText(row, value ?? "value") })
  }
})

const subjects = Object.values(six)

const metrics = ({ events }: World): fc.Arbitrary<ReadonlyArray<TestMetric>> =>
  fc.array(
    fc.record({
      subject: fc.constantFrom(...subjects),
      event: fc.constantFrom(...events),
      value: fc.constantFrom("value", "value", "amount", "metadata.cart.amount", "metadata.paid"),
      where: fc.array(filter, { maxLength: 2 })
    }),
    { minLength: 0, maxLength: 6 }
  ).map((more) => [
    ...subjects.map((subject, i) => testMetric(subject, { key: `plain ${i}`, event: events[i % events.length]! })),
    ...more.map(({ subject, ...one }, i) => testMetric(subject, { key: `metric ${i}`, ...one }))
  ])

/** Rows of a world whose events carry properties; copies of an event may differ in them. At least `least` events. */
export const richRows = (one: World, least = 0): fc.Arbitrary<ReadonlyArray<EventRow>> =>
  rows(one, { least }).chain((stream) => fc.tuple(...stream.map(enrich))).chain((stream) =>
    fc.array(fc.tuple(fc.nat(), json, valueText, fc.integer({ min: -2, max: 2 })), { maxLength: 6 }).map((copies) => [
      ...stream,
      ...copies.flatMap(([i, metadata, value, shift]) => {
        const row = stream[i % Math.max(1, stream.length)]
        if (row === undefined || row.event === one.experiment.exposureEvent) return []
        return row.id === "" ? [{ ...row, metadata }] : [{ ...row, metadata, value, timestamp: row.timestamp + shift }]
      })
    ])
  )

/** A world, metrics in it (all six aggregations, and some more with filters and values of their own), and rows. */
export const scene = world(3).chain((one) =>
  fc.record({ world: fc.constant(one), metrics: metrics(one), rows: richRows(one) })
)
