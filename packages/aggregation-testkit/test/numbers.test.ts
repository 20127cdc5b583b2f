/** Numbers that others lose: large offsets, texts that aren't numbers, exact counts. */
import { largestValue } from "@assay/aggregation"
import { Moments } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  aggregatesOf,
  clearEvents,
  createEventTable,
  differences,
  type EventRow,
  insertEvents,
  oddNumbers,
  planOf,
  reference,
  type ReferenceExperiment,
  type TestMetric
} from "../src/index.ts"
import { six } from "./aggregations.ts"
import { testMetric } from "./worlds.ts"

const from = Date.UTC(2026, 0, 1)

const experiment: ReferenceExperiment = {
  environment: "production",
  feature: "checkout",
  exposureEvent: "$flag_exposure",
  from,
  to: from + 86_400_000,
  variants: ["control", "blue"],
  multipleVariants: "quarantine",
  deduplication: "row"
}

const row = (event: string, identity: string, at: number, value: string, more: Partial<EventRow> = {}): EventRow => ({
  environment: "production",
  event,
  feature: event === "$flag_exposure" ? "checkout" : "",
  identity,
  timestamp: from + at,
  value,
  metadata: "{}",
  id: "",
  ...more
})

const exposed = (identity: string, arm = "control") => row("$flag_exposure", identity, 0, arm)

describe("numbers", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  beforeAll(() => runtime.runPromise(createEventTable("events")))
  afterAll(() => runtime.dispose())

  const measure = async (metrics: ReadonlyArray<TestMetric>, rows: ReadonlyArray<EventRow>) => {
    const planned = planOf(experiment, metrics, "events")
    const aggregates = await runtime.runPromise(
      Effect.gen(function*() {
        yield* clearEvents("events")
        yield* insertEvents("events", rows)
        return yield* aggregatesOf(planned)
      })
    )
    return {
      aggregates,
      found: differences(aggregates, reference(experiment, metrics.map((metric) => metric.reference), rows), planned)
    }
  }

  it.each([1e6, 1e9, 1e10])("near %d that differ by 1 keep their variance to 1e-6", async (offset) => {
    const n = 2000
    const rows = Array.from({ length: n }, (_, i) => String(i)).flatMap((id, i) => [
      exposed(id, i % 4 < 2 ? "control" : "blue"),
      row("purchase", id, 1 + i, String(offset + (i % 2)))
    ])
    const { aggregates } = await measure([
      testMetric(six.sum, { key: "sum", event: "purchase" }),
      testMetric(six.mean, { key: "mean", event: "purchase" }),
      testMetric(six.maximum, { key: "maximum", event: "purchase" }),
      testMetric(six.ratio, { key: "ratio", event: "purchase" })
    ], rows)
    const exact = (n / 2) * 0.25 / (n / 2 - 1)
    for (const moments of aggregates.moments) {
      for (const arm of experiment.variants) {
        expect(Math.abs(Moments.covariance(moments[arm]!) / exact - 1)).toBeLessThan(1e-6)
      }
      const both = Moments.merge(moments["control"]!, moments["blue"]!)
      expect(Math.abs(Moments.covariance(both) / (n * 0.25 / (n - 1)) - 1)).toBeLessThan(1e-6)
    }
    expect(aggregates.moments[3]!["blue"]!.comoments[0]![1]).toBe(0)
  })

  it.each([1e6, 1e9])("of a trait near %d keep its variance, whoever of its identities has events", async (offset) => {
    const n = 2000
    for (const eventful of [1, 10, n / 2, n - 2, n]) {
      const rows = Array.from({ length: n }, (_, i) => String(i)).flatMap((id, i) => [
        { ...exposed(id, i % 4 < 2 ? "control" : "blue"), amount: offset + (i % 2) },
        ...(i < eventful ? [row("purchase", id, 1 + i, String(i % 7))] : [])
      ])
      const adjusted = testMetric(six.sum, { key: "sum", event: "purchase" })
      const { aggregates } = await measure([{
        ...adjusted,
        more: { covariate: { trait: "amount" } },
        reference: { ...adjusted.reference, trait: ({ amount }: EventRow) => amount?.toString() }
      }], rows)
      const exact = (n / 2) * 0.25 / (n / 2 - 1)
      for (const arm of experiment.variants) {
        const moments = aggregates.moments[0]![arm]!
        expect(moments.n).toBe(n / 2)
        expect(Math.abs(Moments.covariance(moments, 1) / exact - 1)).toBeLessThan(1e-6)
      }
    }
  })

  it("that aren't numbers are left out and counted, and poison no arm", async () => {
    const rows = oddNumbers.flatMap((text, i) => [
      exposed(`odd ${i}`),
      row("purchase", `odd ${i}`, 5, text, { metadata: JSON.stringify({ amount: text }) }),
      row("purchase", `odd ${i}`, 6, "2", { metadata: JSON.stringify({ amount: 2 }) })
    ])
    const metrics = [six.sum, six.mean, six.ratio, six.maximum].flatMap((subject, i) => [
      testMetric(subject, { key: `column ${i}`, event: "purchase" }),
      testMetric(subject, { key: `json ${i}`, event: "purchase", value: "metadata.amount" })
    ])
    const { aggregates, found } = await measure(metrics, rows)
    expect(found).toEqual([])
    const bad = [
      "nan",
      "NaN",
      "inf",
      "-inf",
      "1e400",
      "-1e400",
      "1e200",
      "",
      " 5",
      "5 ",
      "1,000",
      "0x10",
      "5abc",
      "true",
      "1e",
      "NULL",
      "\u0661"
    ]
    expect(aggregates.unusableValues).toEqual(metrics.map(() => bad.length))
    expect(aggregates.moments[0]!["control"]!.n).toBe(oddNumbers.length)
  })

  it("are usable up to the largest value, on both sides", async () => {
    const texts = [`${largestValue}`, `-${largestValue}`, "1.0000001e100", "-1.0000001e100"]
    const { aggregates, found } = await measure(
      [testMetric(six.sum, { key: "sum", event: "purchase" }), testMetric(six.ratio, { key: "r", event: "purchase" })],
      texts.flatMap((text, i) => [exposed(`${i}`), row("purchase", `${i}`, 5, text)])
    )
    expect(found).toEqual([])
    expect(aggregates.unusableValues).toEqual([2, 2])
  })

  it("an empty identity is nobody, an empty variant no arm", async () => {
    const { aggregates, found } = await measure([testMetric(six.count, { key: "count", event: "visit" })], [
      exposed(""),
      exposed("", "blue"),
      exposed("", "nonsense"),
      row("visit", "", 10, "1"),
      row("visit", "", 11, "1"),
      exposed("nobody's arm", ""),
      row("visit", "nobody's arm", 10, "1"),
      exposed("somebody", "blue"),
      row("visit", "somebody", 10, "1")
    ])
    expect(found).toEqual([])
    expect(aggregates).toMatchObject({
      identities: { control: 0, blue: 1 },
      namelessExposures: 3,
      namelessEvents: 2,
      undeclaredIdentities: 1,
      undeclaredExposed: 1
    })
  })

  it("rows delivered again change no moment, and what fell out is counted exactly", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => String(i)).flatMap((id, i) => [
      exposed(id, i % 2 === 0 ? "control" : "blue"),
      row("purchase", id, 10, "3"),
      row("purchase", id, 10, "4"),
      row("purchase", id, 11, "3")
    ])
    const metrics = Object.entries(six).map(([key, subject]) => testMetric(subject, { key, event: "purchase" }))
    const once = await measure(metrics, rows)
    const thrice = await measure(metrics, [...rows, ...rows, ...rows.toReversed()])
    expect([...once.found, ...thrice.found]).toEqual([])
    expect(thrice.aggregates.moments).toEqual(once.aggregates.moments)
    expect(once.aggregates.repeatedEvents).toBe(0)
    expect(thrice.aggregates.repeatedEvents).toBe(300)
  })

  it("windows longer than 49 days keep milliseconds", async () => {
    const long = { ...experiment, to: from + 400 * 86_400_000 }
    const at = 399 * 86_400_000
    const rows = [
      row("$flag_exposure", "a", at, "control"),
      row("visit", "a", at - 1, "1"),
      row("visit", "a", at, "1"),
      row("visit", "a", at + 2 ** 32 % 86_400_000, "1"),
      row("$flag_exposure", "b", 0, "blue"),
      row("visit", "b", 400 * 86_400_000 - 1, "1"),
      row("visit", "b", 400 * 86_400_000, "1")
    ]
    const metrics = [testMetric(six.count, { key: "count", event: "visit" })]
    const planned = planOf(long, metrics, "events")
    const aggregates = await runtime.runPromise(
      Effect.gen(function*() {
        yield* clearEvents("events")
        yield* insertEvents("events", rows)
        return yield* aggregatesOf(planned)
      })
    )
    expect(differences(aggregates, reference(long, metrics.map((metric) => metric.reference), rows), planned)).toEqual(
      []
    )
    expect(aggregates.latestEvent).toBe(from + 400 * 86_400_000 - 1)
  })
})
