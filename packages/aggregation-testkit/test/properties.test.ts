/** What must hold of any answer: disjoint identities add up, the order of rows is nothing, size changes nothing. */
import { Moments } from "@assay/model"
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
  reference,
  type ReferenceExperiment,
  type TestMetric
} from "../src/index.ts"
import { six } from "./aggregations.ts"
import { scene, testMetric } from "./worlds.ts"

const from = Date.UTC(2026, 0, 1)

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

const experimentOf = (variants: ReadonlyArray<string>): ReferenceExperiment => ({
  environment: "production",
  feature: "checkout",
  exposureEvent: "$flag_exposure",
  from,
  to: from + 86_400_000,
  variants,
  multipleVariants: "quarantine",
  deduplication: "row"
})

const close = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>, scale: number) => {
  expect(actual.length).toBe(expected.length)
  actual.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThanOrEqual(1e-9 * Math.max(1, scale)))
}

describe("an answer", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  beforeAll(() => runtime.runPromise(createEventTable("events")))
  afterAll(() => runtime.dispose())

  const measure = (
    experiment: ReferenceExperiment,
    metrics: ReadonlyArray<TestMetric>,
    rows: ReadonlyArray<EventRow>
  ) =>
    runtime.runPromise(
      Effect.gen(function*() {
        yield* clearEvents("events")
        yield* insertEvents("events", rows)
        return yield* aggregatesOf(planOf(experiment, metrics, "events"))
      })
    )

  const agrees = async (
    experiment: ReferenceExperiment,
    metrics: ReadonlyArray<TestMetric>,
    rows: ReadonlyArray<EventRow>
  ) => {
    const aggregates = await measure(experiment, metrics, rows)
    const expected = reference(experiment, metrics.map((metric) => metric.reference), rows)
    expect(differences(aggregates, expected, planOf(experiment, metrics, "events"))).toEqual([])
    return aggregates
  }

  it("about two disjoint sets of identities adds up to that about their union", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async ({ metrics, rows, world: { experiment } }) => {
        const isFirst = (one: EventRow) => /[0-4]/.test(one.identity)
        const a = await measure(experiment, metrics, rows.filter(isFirst))
        const b = await measure(experiment, metrics, rows.filter((one) => !isFirst(one)))
        const both = await measure(experiment, metrics, rows)
        metrics.forEach((_, m) =>
          experiment.variants.forEach((arm) => {
            const merged = Moments.merge(a.moments[m]![arm]!, b.moments[m]![arm]!)
            const whole = both.moments[m]![arm]!
            const scale = Math.max(0, ...whole.products.flat())
            expect(merged.n).toBe(whole.n)
            close(merged.sums, whole.sums, Math.sqrt(scale))
            close(merged.products.flat(), whole.products.flat(), scale)
            close(merged.comoments.flat(), whole.comoments.flat(), scale)
          })
        )
        expect(a.quarantined + b.quarantined).toBe(both.quarantined)
        expect(a.earlyEvents + b.earlyEvents).toBe(both.earlyEvents)
      }),
      { numRuns: 8 }
    )
  })

  it("doesn't hang on the order of rows", async () => {
    const shuffled = scene.chain((one) =>
      fc.record({
        one: fc.constant(one),
        rows: fc.shuffledSubarray([...one.rows], { minLength: one.rows.length, maxLength: one.rows.length })
      })
    )
    await fc.assert(
      fc.asyncProperty(shuffled, async ({ one: { metrics, rows, world: { experiment } }, rows: others }) => {
        const planned = planOf(experiment, metrics, "events")
        const expected = reference(experiment, metrics.map((metric) => metric.reference), rows)
        expect(differences(await measure(experiment, metrics, others), expected, planned)).toEqual([])
      }),
      { numRuns: 8 }
    )
  })

  it("takes the smallest usable value of the copies of an event, also where an unusable one is smaller", async () => {
    const copies = [["-inf", "-inf"], ["-998", "-1e200"], ["5", "7"], ["abc", "nan"]] as const
    const rows = [
      row("$flag_exposure", "u", 0, "control"),
      ...copies.map(([value, amount]) =>
        row("purchase", "u", 1000, value, { id: "one", metadata: JSON.stringify({ amount }) })
      ),
      row("purchase", "u", 2000, "-inf", { id: "two" })
    ]
    const taken = async (deduplication: "id" | "row", value: string) => {
      const metric = testMetric(six.sum, { key: "sum", event: "purchase", value })
      const same = rows.map((one) => (deduplication === "id" || one.id !== "one" ? one : { ...one, value: "1" }))
      const { moments, unusableValues } = await agrees(
        { ...experimentOf(["control", "treatment"]), deduplication },
        [metric],
        same
      )
      return [...moments[0]!["control"]!.sums, ...unusableValues]
    }
    expect(await taken("id", "value")).toEqual([-998, 1])
    expect(await taken("row", "metadata.amount")).toEqual([7, 1])
  })

  it("holds for 100 metrics in one statement, most of them with a stream and unusable values of their own", async () => {
    const subjects = Object.values(six)
    const metrics = Array.from({ length: 100 }, (_, i) =>
      testMetric(subjects[i % 6]!, {
        key: `metric ${i}`,
        event: `event ${i % 10}`,
        ...(i % 3 === 0 ? {} : { value: "metadata.amount" }),
        where: [
          { property: "metadata.step", op: "<", value: i },
          { property: "country", op: i % 2 === 0 ? "not in" : "in", value: ["SE", `land ${i}`] }
        ]
      }))
    const rows = Array.from({ length: 40 }, (_, i) => i).flatMap((i) => [
      row("$flag_exposure", `u${i}`, i % 5, i % 2 === 0 ? "control" : "blue"),
      ...Array.from(
        { length: 20 },
        (_, j) =>
          row(`event ${(i + j) % 10}`, `u${i}`, j, j % 7 === 0 ? "nan" : `${(i * j) % 11}`, {
            metadata: JSON.stringify({ step: (i * 7 + j) % 120, amount: j % 5 === 0 ? "n/a" : j / 2 }),
            ...(j % 3 === 0 ? {} : { country: j % 3 === 1 ? "SE" : "DE" })
          })
      )
    ])
    const aggregates = await agrees(experimentOf(["control", "blue"]), metrics, rows)
    const planned = planOf(experimentOf(["control", "blue"]), metrics, "events")
    expect(planned.streams.filter((stream) => stream.value !== undefined).length).toBeGreaterThan(64)
    expect(aggregates.unusableValues.filter((n) => n > 0).length).toBeGreaterThan(50)
    expect(aggregates.unusableValues.slice(97).some((n) => n > 0)).toBe(true)
  })

  it("holds for 63 arms; 64 are refused", async () => {
    const variants = Array.from({ length: 63 }, (_, i) => `arm ${i}`)
    const metrics = [testMetric(six.sum, { key: "sum", event: "purchase" })]
    const rows = variants.flatMap((variant, i) => [
      ...Array.from({ length: 2 }, (_, j) => row("$flag_exposure", `u${i} ${j}`, i, variant)),
      row("purchase", `u${i} 0`, 100, `${i}`),
      row("$flag_exposure", "everywhere", 200 + i, variant),
      row("$flag_exposure", `last ${i % 2}`, 300, variants[62 - (i % 2)]!)
    ])
    const aggregates = await agrees(experimentOf(variants), metrics, [...rows, row("$flag_exposure", "x", 1, "arm 63")])
    expect(aggregates.quarantined).toBe(1)
    expect(aggregates.undeclaredExposed).toBe(1)
    await agrees({ ...experimentOf(variants), multipleVariants: "first" }, metrics, rows)
    expect(() => planOf(experimentOf([...variants, "arm 63"]), metrics, "events")).toThrow(/found 64, expected 2 to 63/)
  })

  it("is all zeros where there are no rows at all", async () => {
    const metrics = Object.entries(six).map(([key, subject]) => testMetric(subject, { key, event: "e" }))
    const aggregates = await agrees(experimentOf(["control", "blue"]), metrics, [])
    expect(aggregates.identities).toEqual({ control: 0, blue: 0 })
    expect(aggregates.latestEvent).toBeUndefined()
  })
})
