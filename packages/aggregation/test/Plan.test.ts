import type { EventMapping, Experiment, Metric } from "@assay/model"
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import {
  checkExperiment,
  checkMapping,
  checkMetric,
  defineAggregation,
  NoOptions,
  plan,
  type PlanInput,
  Unit
} from "../src/index.ts"
import { aggregations, experiment, input, mapping, metric, planned } from "./fixtures.ts"

const metricIssues = (one: Metric, on: EventMapping = mapping) => {
  const checked = checkMetric(one, on, aggregations)
  return Result.isFailure(checked) ? checked.failure : []
}

describe("a metric", () => {
  it.each<readonly [path: string, expected: string, more: Partial<Metric>]>([
    ["aggregation", "one of the configured aggregations", { aggregation: "summ" }],
    ["event", "an event that isn't the exposure itself", { event: "$flag_exposure" }],
    ["event", "text without halves of surrogate pairs", { event: "\uD800" }],
    ["value", "a property of the events", { value: "price" }],
    ["value", "nothing, since \"count\" reads no value", { aggregation: "count", value: "country" }],
    ["options.weight", "", { aggregation: "count", options: { weight: "heavy" } }],
    ["where.0.property", "a property of the events", { where: [{ property: "land", op: "=", value: "SE" }] }],
    ["where.0.property", "a property of the events", { where: [{ property: "metadata", op: "exists" }] }],
    ["where.0.property", "a property of the events", { where: [{ property: "metadata.a..b", op: "exists" }] }],
    ["where.0.value", "none, since \"exists\" compares with nothing", {
      where: [{ property: "country", op: "exists", value: 1 }]
    }],
    ["where.0.value", "a list of values for \"in\"", { where: [{ property: "country", op: "in", value: "SE" }] }],
    ["where.0.value", "a list of values for \"in\"", { where: [{ property: "country", op: "in" }] }],
    ["where.0.value", "values of one type", { where: [{ property: "country", op: "in", value: ["SE", 1] }] }],
    ["where.0.value", "text or numbers; compare a boolean", {
      where: [{ property: "country", op: "not in", value: [true, false] }]
    }],
    ["where.0.value", "a value to compare with \"<\"", { where: [{ property: "country", op: "<" }] }],
    ["where.0.value", "a single value for \"=\"", { where: [{ property: "country", op: "=", value: ["SE"] }] }],
    ["where.1.value", "text or a number for \">\"", {
      where: [{ property: "country", op: "exists" }, { property: "country", op: ">", value: true }]
    }]
  ])("is refused at %s: %s", (path, expected, more) => {
    const [first, ...others] = metricIssues(metric("m", more))
    expect(first?.path.join(".")).toBe(path)
    expect(first?.expected).toContain(expected)
    expect(others).toEqual([])
  })

  it("gets a suggestion for a misspelt name", () => {
    expect(metricIssues(metric("m", { aggregation: "summ" }))[0]?.hint).toContain("sum")
    expect(metricIssues(metric("m", { value: "contry" }))[0]?.hint).toContain("country")
    expect(metricIssues(metric("m", { value: "metadata" }))[0]?.hint).toBe(
      "metadata is JSON: name a field in it, such as metadata.country"
    )
  })

  it("may count the exposure event where exposures have a table of their own", () => {
    const apart: EventMapping = {
      ...mapping,
      exposures: {
        table: "exposures",
        columns: { feature: "f", variant: "v", timestamp: "t" },
        identities: { user: "u" }
      }
    }
    expect(metricIssues(metric("m", { event: "$flag_exposure" }), apart)).toEqual([])
  })
})

describe("an experiment", () => {
  const variant = (key: string, share = 1) => ({ key, share })
  it.each<readonly [path: string, expected: string, more: Partial<Experiment>]>([
    ["variants.1.key", "a key for each variant", { variants: [variant("control"), variant("control"), variant("b")] }],
    ["variants", "2 to 63 variants", { variants: [variant("control")] }],
    ["control", "one of the variants", { control: "controll" }],
    ["variants", "a positive share", { variants: [variant("control", 0), variant("blue", 0)] }],
    ["ended_at", "a time after started_at", { ended_at: "2026-01-01T00:00:00Z" }],
    ["metrics.0.metric", "the key of a defined metric", { metrics: [{ metric: "revenu", role: "goal" }] }],
    ["metrics.1.metric", "each metric once", {
      metrics: [{ metric: "revenue", role: "goal" }, { metric: "revenue", role: "guardrail" }]
    }],
    ["identity", "an identity that events and exposures have", { identity: "device" }],
    ["environment", "text without halves of surrogate pairs", { environment: "\uDC00" }]
  ])("is refused at %s: %s", (path, expected, more) => {
    const issues = checkExperiment({ ...experiment, ...more }, ["revenue"], mapping)
    expect(issues.map((issue) => issue.path.join("."))).toEqual([path])
    expect(issues[0]!.expected).toContain(expected)
  })

  it("is named in the error, with the metric where it is one's fault", () => {
    const failure = (of: PlanInput) => Result.getOrThrow(Result.flip(plan(of)))
    expect(failure(input([metric("revenue")], { asOf: Date.UTC(2025, 0, 1) }))).toMatchObject({
      experiment: "checkout",
      message: "Experiment checkout hasn't started: it starts at 2026-01-01"
    })
    expect(failure(input([metric("revenue", { aggregation: "nope" })]))).toMatchObject({
      experiment: "checkout",
      metric: "revenue"
    })
    const broken = defineAggregation({
      name: "broken",
      version: "0.1.0",
      options: NoOptions,
      reads: "nothing",
      columns: (): never => {
        throw new Error("out of order")
      },
      estimand: { kind: "mean", column: "x" }
    })
    const thrown = failure(
      input([metric("m", { aggregation: "broken" })], { aggregations: new Map([["broken", broken]]) })
    )
    expect(thrown.message).toContain("aggregation: found broken 0.1.0, which failed: Error: out of order")
    const wide = defineAggregation({
      name: "wide",
      version: "0.1.0",
      options: NoOptions,
      reads: "nothing",
      columns: ({ events }) => ({
        all: Array.from({ length: 4097 }, (_, i) => events.within(i, i + 1).count()).reduce(Unit.add)
      }),
      estimand: { kind: "mean", column: "all" }
    })
    const large = failure(input([metric("m", { aggregation: "wide" })], { aggregations: new Map([["wide", wide]]) }))
    expect(large).toMatchObject({ metric: "m" })
    expect(large.message).toContain(`"wide" makes its value of 4097 aggregates of events, more than the 4096`)
  })
})

describe("a mapping", () => {
  it.each<readonly [path: string, more: Partial<EventMapping>]>([
    ["table", { table: "a\0" }],
    ["columns.event", { columns: { ...mapping.columns, event: "assay_k" } }],
    ["identities", { identities: {} }],
    ["json.metadata", { json: { metadata: "" } }]
  ])("is refused at %s", (path, more) => {
    expect(checkMapping({ ...mapping, ...more }).map((issue) => issue.path.join("."))).toEqual([path])
  })

  it("needs the column of the id that its policy goes by", () => {
    const { event_id: _, ...columns } = mapping.columns
    expect(checkMapping({ ...mapping, columns, deduplication: { policy: "id" } })[0]?.path).toEqual([
      "deduplication",
      "policy"
    ])
  })
})

describe("a plan", () => {
  it("shares streams and accumulators among metrics that look at the same events", () => {
    const of = planned([
      metric("revenue"),
      metric("basket", { aggregation: "ratio" }),
      metric("large", { where: [{ property: "value", op: ">", value: 100 }] }),
      metric("orders", { aggregation: "count" })
    ])
    expect(of.metrics.map((one) => one.streams)).toEqual([[0], [0], [1], [2]])
    expect(of.accumulators.map(({ accumulator, streams }) => [...streams, accumulator.kind])).toEqual([
      [0, "sum"],
      [0, "count"],
      [1, "sum"],
      [2, "count"]
    ])
  })

  it("ends at the end of the experiment, or now where that is earlier", () => {
    expect(planned([metric("m")]).to).toBe(Date.UTC(2026, 1, 1))
    expect(planned([metric("m")], { asOf: Date.UTC(2026, 0, 9, 1) }).to).toBe(Date.UTC(2026, 0, 9, 1))
  })

  it("looks for repeated rows unless they can't change anything, other metrics or not", () => {
    const policy = (metrics: ReadonlyArray<Metric>, deduplication: EventMapping["deduplication"] = { policy: "row" }) =>
      planned(metrics, { mapping: { ...mapping, deduplication } }).deduplication.policy
    const occurred = metric("m", { aggregation: "occurrence" })
    expect(policy([occurred])).toBe("none")
    expect(policy([{ ...occurred, where: [{ property: "value", op: "exists" }] }])).toBe("none")
    expect(policy([{ ...occurred, where: [{ property: "country", op: "exists" }] }])).toBe("row")
    expect(policy([{ ...occurred, where: [{ property: "country", op: "exists" }] }], {
      policy: "row",
      columns: ["country"]
    })).toBe("none")
    expect(policy([occurred], { policy: "id" })).toBe("id")
    expect(policy([occurred, metric("revenue")])).toBe("row")
  })
})
