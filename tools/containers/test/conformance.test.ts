/** The aggregations and bound values on a real server: the same properties as on the embedded engine. */
import { count } from "@assay/aggregation-count"
import { mean } from "@assay/aggregation-mean"
import { occurrence } from "@assay/aggregation-occurrence"
import { sum } from "@assay/aggregation-sum"
import {
  aggregatesOf,
  clearEvents,
  createEventTable,
  differences,
  type EventRow,
  hostileText,
  insertEvents,
  planOf,
  reference,
  type ReferenceMetric,
  rows,
  type TestMetric,
  type World,
  world
} from "@assay/aggregation-testkit"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime } from "effect"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest"
import { users } from "../src/index.ts"
import { statement } from "./asking.ts"

process.env["CONTAINER_PASSWORD"] = users.admin.password
const warehouse = Warehouse.layer({
  url: inject("url"),
  username: users.admin.name,
  password: { env: "CONTAINER_PASSWORD" }
})

const runtime = ManagedRuntime.make(warehouse)
afterAll(() => runtime.dispose())

const total = (events: ReadonlyArray<{ readonly value: number }>) => events.reduce((all, { value }) => all + value, 0)

const units: ReadonlyArray<readonly [TestMetric["aggregation"], ReferenceMetric["unit"]]> = [
  [occurrence, (events) => [events.length > 0 ? 1 : 0]],
  [count, (events) => [events.length]],
  [sum, (events) => [total(events)]],
  [mean, (events) => [events.length === 0 ? 0 : total(events) / events.length]]
]

const metrics = ({ events }: World): ReadonlyArray<TestMetric> =>
  units.map(([aggregation, unit], i) => ({
    aggregation,
    reference: {
      key: aggregation.name,
      event: events[i % events.length]!,
      unit,
      ...(aggregation.reads === "value" ? { value: (row: EventRow) => row.value } : {})
    }
  }))

describe("on a server", () => {
  beforeAll(() => runtime.runPromise(createEventTable("conformance", "MergeTree")))

  it("the standard aggregations, in one statement, equal their references on random event streams", async () => {
    const streams = world(4).chain((one) => fc.tuple(fc.constant(one), rows(one)))
    await fc.assert(
      fc.asyncProperty(streams, async ([one, stream]) => {
        const all = metrics(one)
        const planned = planOf(one.experiment, all, "conformance")
        const aggregates = await runtime.runPromise(
          clearEvents("conformance").pipe(
            Effect.andThen(insertEvents("conformance", stream)),
            Effect.andThen(aggregatesOf(planned))
          )
        )
        const expected = reference(one.experiment, all.map((metric) => metric.reference), stream)
        expect(differences(aggregates, expected, planned)).toEqual([])
      }),
      { numRuns: 20, endOnFailure: true }
    )
  })

  const echo = (type: string, value: unknown) =>
    runtime.runPromise(
      Warehouse.use(({ query }) => query(statement(`SELECT {value:${type}} AS value`, { value })))
    ).then((result) => result.rows[0]?.["value"])

  it("bound text arrives byte for byte, whatever it holds", async () => {
    const text = fc.oneof(
      hostileText,
      fc.string({ unit: "binary" }).filter((each) => each.isWellFormed()),
      fc.constantFrom(
        "'; DROP TABLE conformance; --",
        "\\'",
        "\0\b\t\r\n\f",
        "{value:String}",
        "\\N",
        "日本 🦉",
        "+ %2B&="
      )
    )
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 5 }), async (all) => {
        expect(await echo("Array(String)", all)).toEqual(all)
        for (const one of all) expect(await echo("String", one)).toBe(one)
      }),
      { numRuns: 40, endOnFailure: true }
    )
  })

  it("so do lists that are too long for an address, whole numbers beyond 2^53, and nothing at all", async () => {
    const long = Array.from({ length: 3000 }, (_, i) => `identity ${i}'`)
    expect(await echo("Array(String)", long)).toEqual(long)
    expect(await echo("UInt64", 18446744073709551615n)).toBe("18446744073709551615")
    expect(await echo("Float64", 0.1)).toBe(0.1)
    expect(await echo("Nullable(String)", null)).toBe(null)
  })
})
