/** What every new aggregation begins with: its module, its test and a metric of it. */
import { exportedName, metricKey } from "./name.ts"

/** The module: an option, a unit column, an estimand and a floor. */
export const moduleText = (name: string): string =>
  `/** \`${name}\`: whether an identity has at least so many events. */
import { defineAggregation, Schema, Unit } from "@assay/aggregation"

/** What a metric may say under \`options\`. */
const Options = Schema.Struct({
  times: Schema.optionalKey(
    Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0))).annotate({
      description: "How many events it takes. 2."
    })
  )
})

/** Per identity 1 where it has at least \`times\` of the metric's events after its first exposure, else 0. */
export const ${exportedName(name)} = defineAggregation({
  name: "${name}",
  version: "0.1.0",
  options: Options,
  reads: "nothing",
  columns: ({ events, options: { times = 2 } }) => ({
    reached: Unit.atLeast(events.count(), Unit.constant(times))
  }),
  estimand: { kind: "proportion", column: "reached" },
  floors: [{ kind: "conversions", need: 5 }]
})
`

/** The test: the conformance suite against a reference in plain TypeScript. */
export const testText = (name: string): string =>
  `import { describeAggregation, fc } from "@assay/aggregation-testkit"
import { ${exportedName(name)} } from "../src/index.ts"

describeAggregation<{ readonly times?: number }>(${exportedName(name)}, {
  // Options that metrics may write: these, and random ones.
  options: { times: 3 },
  arbitrary: fc.record({ times: fc.integer({ min: 1, max: 5 }) }, { requiredKeys: [] }),
  // The same number for one identity, in plain TypeScript: from its events that count, and the options.
  reference: (events, { times = 2 }) => [events.length >= times ? 1 : 0]
})
`

/** The definition file of a metric. */
export const metricText = (name: string): string =>
  `key: ${metricKey(name)}
aggregation: ${name}
event: purchase
direction: up
options: { times: 2 }
`

/** What the aggregation does, for a README. */
export const summary =
  "Per identity 1 where it has at least `times` of the metric's events after its first exposure, else 0."

/** Its options as a table, for a README. */
export const optionsTable = `| option | default | |
| --- | --- | --- |
| \`times\` | 2 | how many events it takes: a whole number, 1 or more |
`

/** An object as the text of a JSON file. */
export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
