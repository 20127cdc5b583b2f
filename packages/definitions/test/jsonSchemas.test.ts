import { defineAggregation, Schema } from "@assay/aggregation"
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parse as parseYaml } from "yaml"
import { jsonSchemas } from "../src/index.ts"
import { experiment, parse, perVisit, purchased, resolve, revenue, sum } from "./example.ts"
import { validates } from "./validator.ts"

const config = Result.getOrThrow(resolve({ aggregations: [perVisit] }))

const { experiment: experimentSchema, metric: metricSchema } = jsonSchemas(config.aggregations.values(), config.mapping)

const asObject = (text: string): Record<string, unknown> => parseYaml(text)

/** Whether the file is accepted as the only thing that changed in the example. */
const isDefined = (folder: string, value: unknown) => {
  const files = folder === "metrics"
    ? { "metrics/revenue.yaml": JSON.stringify(value) }
    : { "experiments/checkout.yaml": JSON.stringify(value) }
  // Keys that the other files don't have would make them wrong.
  const others = folder === "metrics" ? { "experiments/checkout.yaml": experiment.replace("  - revenue\n", "") } : {}
  return Result.isSuccess(parse({ ...others, ...files }, config))
}

const scalars = [
  "",
  "up",
  "sum",
  "capped",
  "occurrence",
  "value",
  "metadata.a.b",
  "metadata.",
  "other.a",
  "purchase",
  "=",
  "in",
  "exists",
  "$flag_exposure",
  "2026-01-05",
  "2026-01-05T10:00:00Z",
  "identifier",
  "first",
  "goal",
  "treatment",
  "per-visit",
  "7d",
  "1w2h",
  "0d",
  0,
  1,
  -1,
  2.5,
  true,
  null
]
const values = fc.oneof(
  fc.constantFrom<unknown>(...scalars),
  fc.array(fc.constantFrom<unknown>(...scalars), { maxLength: 3 }),
  fc.record(
    {
      property: fc.constantFrom<unknown>("value", "metadata.a", "nope", 3),
      op: fc.constantFrom("=", "!=", "<", ">=", "in", "not in", "exists", "not exists", "=="),
      value: fc.oneof(
        fc.constantFrom<unknown>("a", 1, true, null),
        fc.array(fc.constantFrom<unknown>("a", 1, true), { maxLength: 2 })
      )
    },
    { requiredKeys: ["op"] }
  ).map((filter) => [filter]),
  fc.record({ quantile: fc.constantFrom<unknown>(0.5, 0.999, 0.4, 1, "0.9") }),
  fc.record({
    lookback: fc.constantFrom<unknown>("14d", "0d", 7),
    trait: fc.constantFrom<unknown>("traits.age", "nope", "value")
  }, { requiredKeys: [] }),
  fc.record({
    orders: fc.constantFrom<unknown>(
      { event: "order" },
      { event: "order", value: "value", where: [{ property: "value", op: "exists" }] },
      { event: "order", value: "nope" },
      [{ event: "order" }]
    ),
    visits: fc.constantFrom<unknown>(
      [{ event: "visit" }],
      [{ event: "visit", value: "value" }],
      [{ event: "visit" }, { event: "a" }],
      [{ event: "visit" }, { event: "a" }, { event: "b" }],
      { event: "visit" },
      []
    ),
    more: fc.constant({ event: "a" })
  }, { requiredKeys: ["orders", "visits"] }),
  fc.record({ cap: fc.constantFrom<unknown>(1, 0, "1"), unit: fc.constantFrom("cents", "dollars"), other: fc.nat() }, {
    requiredKeys: []
  })
)

/** A good definition with up to three of its keys changed, added or taken away. */
const changes = (good: Record<string, unknown>, keys: ReadonlyArray<string>) =>
  fc.array(fc.tuple(fc.constantFrom(...keys), fc.option(values, { nil: undefined })), { minLength: 1, maxLength: 3 })
    .map((all) => ({ ...good, ...Object.fromEntries(all) }))

describe("the JSON Schema of metrics", () => {
  it("accepts what decoding accepts, and nothing else", () => {
    const good = fc.constantFrom(
      asObject(revenue),
      { ...asObject(purchased), key: "revenue" },
      { ...asObject(revenue), aggregation: "capped", options: { cap: 3 } },
      {
        key: "revenue",
        aggregation: "per-visit",
        direction: "up",
        sources: { orders: { event: "order", value: "value" }, visits: [{ event: "visit" }] }
      }
    )
    const keys = [
      "key",
      "aggregation",
      "event",
      "direction",
      "value",
      "where",
      "sources",
      "options",
      "delay",
      "window",
      "covariate",
      "cap",
      "description",
      "bogus"
    ]
    const changed = good.chain((metric) => changes(metric, keys)).map((metric): unknown =>
      JSON.parse(JSON.stringify(metric))
    )
    fc.assert(
      fc.property(changed, (value) => {
        expect([value, validates(metricSchema, value)]).toEqual([value, isDefined("metrics", value)])
      }),
      { numRuns: 500 }
    )
    const accepted = fc.sample(changed, { seed: 1, numRuns: 1000 }).filter((value) => validates(metricSchema, value))
    expect(accepted.length).toBeGreaterThan(20)
    expect(accepted.length).toBeLessThan(980)
  })

  it("knows the options of each aggregation, named ones included", () => {
    const Money = Schema.Struct({ amount: Schema.Finite }).annotate({ identifier: "Money" })
    const priced = defineAggregation({
      name: "priced",
      version: "1.0.0",
      options: Schema.Struct({ price: Money }),
      reads: "nothing",
      columns: ({ events }) => ({ n: events.count() }),
      estimand: { kind: "mean", column: "n" }
    })
    const { metric } = jsonSchemas([sum, priced])
    const define = (aggregation: string, options?: unknown) => ({
      key: "a",
      aggregation,
      event: "e",
      direction: "up",
      ...(options === undefined ? {} : { options })
    })
    expect(validates(metric, define("priced", { price: { amount: 3 } }))).toBe(true)
    expect(validates(metric, define("priced", { price: { amount: "3" } }))).toBe(false)
    expect(validates(metric, define("priced", { price: { amount: 3, x: 1 } }))).toBe(false)
    expect(validates(metric, define("priced"))).toBe(false)
    expect(validates(metric, define("sum"))).toBe(true)
    expect(validates(metric, define("sum", { price: { amount: 3 } }))).toBe(false)
    expect(validates(metric, define("mean"))).toBe(false)
  })
})

describe("the JSON Schema of experiments", () => {
  const good = asObject(experiment)

  it("accepts whatever decoding accepts", () => {
    const keys = [
      "key",
      "environment",
      "feature",
      "started_at",
      "ended_at",
      "identity",
      "multiple_variants",
      "description"
    ]
    fc.assert(
      fc.property(changes(good, keys), (changed) => {
        const value: unknown = JSON.parse(JSON.stringify(changed))
        expect([value, isDefined("experiments", value) && !validates(experimentSchema, value)]).toEqual([value, false])
      }),
      { numRuns: 150 }
    )
    expect(validates(experimentSchema, good)).toBe(true)
    expect(isDefined("experiments", good)).toBe(true)
  })

  it.each<[string, object]>([
    ["an unknown key", { bogus: 1 }],
    ["a number as a key", { key: 2024 }],
    ["a control character", { key: "a\u0007" }],
    ["no key", { key: undefined }],
    ["a time without a zone", { started_at: "2026-01-01T10:00" }],
    ["an unknown identity", { identity: "device" }],
    ["an unknown policy", { multiple_variants: "last" }],
    ["one variant", { variants: [{ key: "control", share: 1 }] }],
    ["too many variants", { variants: Array.from({ length: 64 }, (_, i) => ({ key: `v${i}`, share: 1 })) }],
    ["a negative share", { variants: [{ key: "control", share: -1 }, { key: "b", share: 1 }] }],
    ["an unknown key of a variant", { variants: [{ key: "control", share: 1 }, { key: "b", share: 1, weight: 1 }] }],
    ["no metrics", { metrics: [] }],
    ["a number as a metric", { metrics: [1] }],
    ["a metric without a role", { metrics: [{ metric: "revenue" }] }],
    ["an unknown role", { metrics: [{ metric: "revenue", role: "main" }] }]
  ])("refuses %s, as decoding does", (_, change) => {
    const value: unknown = JSON.parse(JSON.stringify({ ...good, ...change }))
    expect(validates(experimentSchema, value)).toBe(false)
    expect(isDefined("experiments", value)).toBe(false)
  })
})

describe("both", () => {
  const fields = (schema: unknown, path = ""): ReadonlyArray<[string, unknown]> => {
    if (Array.isArray(schema)) return schema.flatMap((item) => fields(item, path))
    if (typeof schema !== "object" || schema === null) return []
    return Object.entries(schema).flatMap(([key, inner]): ReadonlyArray<[string, unknown]> => {
      if (["if", "then", "allOf", "examples"].includes(key)) return []
      if (key !== "properties") return fields(inner, path)
      return Object.entries(inner).flatMap(([name, field]): ReadonlyArray<[string, unknown]> => [
        [`${path}${name}`, field],
        ...fields(field, `${path}${name}.`)
      ])
    })
  }

  it.each([["experiments", experimentSchema], ["metrics", metricSchema]])("describe every field: %s", (_, schema) => {
    const all = fields(schema)
    expect(all.length).toBeGreaterThan(8)
    expect(all.filter(([, field]) => typeof Reflect.get(Object(field), "description") !== "string")).toEqual([])
  })

  it("give examples that they accept", () => {
    const examples = [...fields(experimentSchema), ...fields(metricSchema)].flatMap(([name, field]) => {
      const given: unknown = Reflect.get(Object(field), "examples")
      return Array.isArray(given) ? given.map((example: unknown) => ({ name, field, example })) : []
    })
    expect(examples.length).toBeGreaterThan(10)
    expect(examples.filter(({ field, example }) => !validates(field, example))).toEqual([])
  })

  it("are draft 7, plain JSON, and can be made without a mapping", () => {
    for (const schema of [experimentSchema, metricSchema, ...Object.values(jsonSchemas([sum]))]) {
      expect(schema["$schema"]).toBe("http://json-schema.org/draft-07/schema#")
      expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
    }
    expect(validates(jsonSchemas([sum]).metric, asObject(revenue))).toBe(true)
  })
})
