import { defineAggregation, defineMultiSourceAggregation, NoOptions, Schema } from "@assay/aggregation"
import { formatIssue } from "@assay/model"
import { Result } from "effect"
import { parseDefinitions, resolveConfig, type ResolvedConfig } from "../src/index.ts"

export const occurrence = defineAggregation({
  name: "occurrence",
  version: "1.0.0",
  options: NoOptions,
  reads: "nothing",
  columns: ({ events }) => ({ any: events.any() }),
  estimand: { kind: "proportion", column: "any" }
})

export const sum = defineAggregation({
  name: "sum",
  version: "1.2.0",
  options: NoOptions,
  reads: "value",
  columns: ({ events }) => ({ total: events.sum(events.value) }),
  estimand: { kind: "mean", column: "total" }
})

/** An aggregation with options, one of them required. */
export const capped = defineAggregation({
  name: "capped",
  version: "0.1.0",
  options: Schema.Struct({
    cap: Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0))).annotate({ description: "The largest total." }),
    unit: Schema.optionalKey(Schema.Literals(["cents", "euros"]))
  }),
  reads: "value",
  columns: ({ events }) => ({ total: events.sum(events.value) }),
  estimand: { kind: "mean", column: "total" }
})

/** An aggregation over several sources that takes no conversion window. */
export const perVisit = defineMultiSourceAggregation({
  name: "per-visit",
  version: "1.0.0",
  options: NoOptions,
  sources: { orders: "value", visits: { reads: "nothing", least: 1, most: 2 } },
  features: ["where", "covariate"],
  columns: ({ orders, visits }) => ({ total: orders.sum(orders.value), visits: visits[0]!.count() }),
  estimand: { kind: "ratio", numerator: "total", denominator: "visits" }
})

export const standard = [occurrence, sum, capped]

export const Warehouse = Schema.Struct({
  url: Schema.optionalKey(Schema.String.pipe(Schema.check(Schema.isStartingWith("http")))),
  password: Schema.optionalKey(Schema.Struct({ env: Schema.NonEmptyString }))
})

export const resolve = (input: unknown) =>
  resolveConfig(input, { file: "assay.config.ts", warehouse: Warehouse, aggregations: standard })

export const config: ResolvedConfig = Result.getOrThrow(resolve({}))

export const experiment = `# What we try
key: new-checkout
environment: production
feature: checkout
started_at: 2026-01-01
control: control
variants:
  - key: control
    share: 50
  - key: treatment
    share: 50
metrics:
  - { metric: purchased, role: goal }
  - revenue
`

export const purchased = `key: purchased
aggregation: occurrence
event: purchase
direction: up
`

export const revenue = `key: revenue
aggregation: sum
event: purchase
direction: up
where:
  - property: metadata.currency
    op: in
    value: [EUR, CHF]
`

/** Definitions of the example, with some files replaced or added. */
export const parse = (files: Readonly<Record<string, string>> = {}, using: ResolvedConfig = config) => {
  const all = {
    "experiments/checkout.yaml": experiment,
    "metrics/purchased.yaml": purchased,
    "metrics/revenue.yaml": revenue,
    ...files
  }
  const list = Object.entries(all).map(([file, text]) => ({ file, text }))
  return parseDefinitions({
    experiments: list.filter(({ file }) => file.startsWith("experiments/")),
    metrics: list.filter(({ file }) => file.startsWith("metrics/")),
    config: using
  })
}

/** What is said about those files. */
export const complaints = (files: Readonly<Record<string, string>>, using: ResolvedConfig = config) => {
  const result = parse(files, using)
  return Result.isSuccess(result) ? [] : result.failure.issues.map(formatIssue)
}
