/**
 * Aggregations that are broken on purpose: each must be caught by the property that it breaks, in words that say what is wrong,
 * with an example of a few rows.
 *
 * The contract lets an author write few of them: the first kind are mistakes that he can make, the second values that he tampered
 * with, and the third an engine that runs another statement than the contract made, as a mistake in the contract itself would.
 */
import {
  type Aggregation,
  defineAggregation,
  defineQuantileAggregation,
  NoOptions,
  Schema,
  Unit
} from "@assay/aggregation"
import type { Statement } from "@assay/model"
import { Warehouse, type WarehouseShape } from "@assay/warehouse"
import { Layer, ManagedRuntime } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { usualPatience } from "../src/Case.ts"
import { examine } from "../src/checkAggregation.ts"
import { type AggregationSuite, checkAggregation, fc } from "../src/index.ts"
import { properties } from "../src/properties.ts"

const common = { version: "1.0.0", options: NoOptions } as const

type Events = Parameters<AggregationSuite["reference"]>[0]

const total = (events: Events) => events.reduce((sum, { value }) => sum + value, 0)

/** A right one: mean value per event. */
const perEvent: Broken = {
  aggregation: defineAggregation({
    ...common,
    name: "per-event",
    reads: "value",
    columns: ({ events }) => ({ total: events.sum(events.value), events: events.count() }),
    estimand: { kind: "ratio", numerator: "total", denominator: "events" }
  }),
  suite: { reference: (events) => [total(events), events.length] }
}

interface Broken {
  readonly aggregation: Aggregation
  readonly suite: AggregationSuite
}

/**
 * What breaks an aggregation: its property (a part of the name), what must be said, and how many rows the example may have. Making an example
 * small is dear and the same for all: most are taken `asFound`.
 */
type Case = readonly [what: string, property: string, says: RegExp, rows: number, broken: () => Broken]

const proportion = (columns: "any" | "count", floors?: Aggregation["floors"]): Aggregation =>
  defineAggregation({
    ...common,
    name: "converted",
    reads: "nothing",
    columns: ({ events }) => ({ converted: events[columns]() }),
    estimand: { kind: "proportion", column: "converted" },
    ...(floors === undefined ? {} : { floors })
  })

const conversions = [{ kind: "conversions", need: 5 }] as const

/** An example isn't made smaller. */
const asFound = Infinity

const written: ReadonlyArray<Case> = [
  ["forgets its own window", "equals its reference", /count in \w+: sum of column 0 is 1 instead of 0/, 2, () => ({
    aggregation: defineAggregation({
      ...common,
      name: "count",
      options: Schema.Struct({ seconds: Schema.Finite }),
      reads: "nothing",
      columns: ({ events }) => ({ count: events.count() }),
      estimand: { kind: "mean", column: "count" }
    }),
    suite: {
      options: { seconds: 60 },
      reference: (events, { seconds }: { readonly seconds: number }) => [
        events.filter(({ elapsed }) => elapsed < seconds * 1000).length
      ]
    }
  })],
  ["counts twice", "equals its reference", /sum of column 0 is \d+ instead of \d+/, asFound, () => ({
    aggregation: defineAggregation({
      ...common,
      name: "count",
      reads: "nothing",
      columns: ({ events }) => ({ count: Unit.add(events.count(), events.count()) }),
      estimand: { kind: "mean", column: "count" }
    }),
    suite: { reference: (events) => [events.length] }
  })],
  ["swaps numerator and denominator", "equals its reference", /sum of column 0 is .* instead of/, asFound, () => ({
    aggregation: perEvent.aggregation,
    suite: { reference: (events) => [events.length, total(events)] }
  })],
  [
    "counts events where a proportion counts identities",
    "equals its reference",
    /column is 0 or 1 for each identity/,
    asFound,
    () => ({
      aggregation: proportion("count", conversions),
      suite: { reference: (events) => [events.length] }
    })
  ],
  [
    "has a proportion without a floor",
    "value of the contract",
    /no such floor: add floors: \[\{ kind: "conversions"/,
    0,
    () => ({
      aggregation: proportion("any"),
      suite: { reference: (events) => [events.length > 0 ? 1 : 0] }
    })
  ],
  [
    "is a quantile of totals, not of the values that it says",
    "equals its reference",
    /middle in \w+: sum of column 1 is 1 instead of 0/,
    5,
    () => ({
      aggregation: defineQuantileAggregation({
        ...common,
        name: "middle",
        reads: "value",
        of: ({ events }) => events.sum(events.value),
        level: () => 0.5,
        floors: [{ kind: "values", need: 5 }]
      }),
      suite: { level: () => 0.5, reference: (events) => events.map(({ value }) => value) }
    })
  ],
  [
    "has a quantile without a floor",
    "value of the contract",
    /no such floor: add floors: \[\{ kind: "values"/,
    0,
    () => ({
      aggregation: defineQuantileAggregation({
        ...common,
        name: "middle",
        reads: "value",
        of: ({ events }) => events.each(events.value),
        level: () => 0.5
      }),
      suite: { level: () => 0.5, reference: (events) => events.map(({ value }) => value) }
    })
  ],
  ["ignores an option", "equals its reference", /options \{"cap":/, 5, () => ({
    aggregation: defineAggregation({
      ...common,
      name: "capped",
      options: Schema.Struct({ cap: Schema.optionalKey(Schema.Finite) }),
      reads: "nothing",
      columns: ({ events }) => ({ count: events.count() }),
      estimand: { kind: "mean", column: "count" }
    }),
    suite: {
      options: {},
      arbitrary: fc.record({ cap: fc.constantFrom(0, 1, 2) }),
      reference: (events, { cap = Infinity }: { readonly cap?: number }) => [Math.min(events.length, cap)]
    }
  })],
  ["takes a threshold for the first number beyond it", "equals its reference", /is 1 instead of 0/, 2, () => ({
    aggregation: defineAggregation({
      ...common,
      name: "spender",
      options: Schema.Struct({ amount: Schema.Finite }),
      reads: "value",
      columns: ({ events, options: { amount } }) => ({
        reached: Unit.atLeast(events.sum(events.value), Unit.constant(amount))
      }),
      estimand: { kind: "proportion", column: "reached" },
      floors: conversions
    }),
    suite: {
      options: { amount: 80 },
      reference: (events, { amount }: { readonly amount: number }) => [total(events) > amount ? 1 : 0]
    }
  })],
  ["fails for some options", "value of the contract", /it failed: no such size: 3/, 0, () => ({
    aggregation: defineAggregation({
      ...common,
      name: "sized",
      options: Schema.Struct({ size: Schema.Int }),
      reads: "nothing",
      columns: ({ events, options: { size } }) => {
        if (size === 3) throw new Error("no such size: 3")
        return { count: events.count() }
      },
      estimand: { kind: "mean", column: "count" }
    }),
    suite: {
      arbitrary: fc.record({ size: fc.constantFrom(2, 3) }),
      reference: (events) => [events.length]
    }
  })],
  ["takes any option", "value of the contract", /accept "no such option"/, 0, () => ({
    aggregation: defineAggregation({
      ...common,
      name: "loose",
      options: Schema.Record(Schema.String, Schema.Unknown),
      reads: "nothing",
      columns: ({ events }) => ({ count: events.count() }),
      estimand: { kind: "mean", column: "count" }
    }),
    suite: { reference: (events) => [events.length] }
  })],
  [
    "has another smallest value where there are no events",
    "equals its reference",
    /gives \[Infinity\] for an identity/,
    1,
    () => ({
      aggregation: defineAggregation({
        ...common,
        name: "smallest",
        reads: "value",
        columns: ({ events }) => ({ smallest: events.min(events.value) }),
        estimand: { kind: "mean", column: "smallest" }
      }),
      suite: { reference: (events) => [Math.min(...events.map(({ value }) => value))] }
    })
  ],
  ["gives other columns at each call", "value of the contract", /differ from one call to the next/, 0, () => {
    let calls = 0
    return {
      aggregation: defineAggregation({
        ...common,
        name: "moody",
        reads: "nothing",
        columns: ({ events }) => ({ count: Unit.multiply(events.count(), Unit.constant(++calls)) }),
        estimand: { kind: "mean", column: "count" }
      }),
      suite: { reference: (events) => [events.length] }
    }
  }]
]

/** The right one with other columns, past the types. */
const tampered = (column: unknown, reference: AggregationSuite["reference"]): Broken => {
  const aggregation = defineAggregation({
    ...common,
    name: "tampered",
    reads: "value",
    columns: ({ events }) => ({ column: events.sum(events.value) }),
    estimand: { kind: "mean", column: "column" }
  })
  return {
    aggregation: Object.freeze({
      ...aggregation,
      bind: () => ({ ...aggregation.bind({}), columns: [column as never] })
    }),
    suite: { reference }
  }
}

/** One event column by an aggregate function of ClickHouse that the contract doesn't have. */
const functionOf = (kind: string, of: "value" | "elapsed" = "value") => {
  const column = JSON.stringify(perEvent.aggregation.bind({}).columns[0])
  return JSON.parse(
    column.replace("\"kind\":\"sum\"", `"kind":${JSON.stringify(kind)}`).replace("\"kind\":\"value\"", `"kind":"${of}"`)
  ) as unknown
}

const tampers: ReadonlyArray<Case> = [
  [
    "isn't a number where there are no events",
    "equals its reference",
    /isn't a finite number/,
    2,
    () => tampered(functionOf("avg"), (events) => [events.length === 0 ? 0 : total(events) / events.length])
  ],
  [
    "is not a number at all",
    "equals its reference",
    /nan|NaN|finite/,
    2,
    () =>
      tampered(
        { kind: "add", left: functionOf("sum"), right: { kind: "constant", value: NaN } },
        (events) => [total(events)]
      )
  ],
  [
    "takes the last event that arrives",
    "order in which rows arrive",
    /instead of/,
    4,
    () => tampered(functionOf("anyLast"), (events) => [events.at(-1)?.value ?? 0])
  ],
  [
    "puts text into the statement",
    "equals its reference",
    /Not a plain word: "sum\(1\)/,
    asFound,
    () => tampered(functionOf("sum(1)) FROM events; --"), (events) => [total(events)])
  ],
  [
    "has a floor that withholds nothing",
    "value of the contract",
    /floor of 0 conversions withholds nothing/,
    0,
    () => ({
      aggregation: Object.freeze({ ...proportion("any"), floors: [{ kind: "conversions" as const, need: 0 }] }),
      suite: { reference: (events) => [events.length > 0 ? 1 : 0] }
    })
  ],
  [
    "says that it is a mean and is a ratio",
    "value of the contract",
    /bound as a ratio, and says that it is a mean/,
    0,
    () => ({
      aggregation: Object.freeze({ ...perEvent.aggregation, estimand: "mean" as const }),
      suite: perEvent.suite
    })
  ],
  ["can be changed by anybody", "value of the contract", /isn't frozen/, 0, () => ({
    aggregation: { ...perEvent.aggregation },
    suite: perEvent.suite
  })],
  ["is for another contract", "value of the contract", /isn't an aggregation of contract/, 0, () => ({
    aggregation: Object.freeze({ ...perEvent.aggregation, contract: 99 as never }),
    suite: perEvent.suite
  })]
]

/** One engine for all, which doesn't compile what runs over a few rows: that took a third of the time. */
const engine = ManagedRuntime.make(Warehouse.layerEmbedded())
let real: WarehouseShape
beforeAll(async () => {
  real = await engine.runPromise(Warehouse)
})
afterAll(() => engine.dispose())

const uncompiled = { compile_expressions: 0, compile_aggregate_expressions: 0, compile_sort_description: 0 }

/** The engine, but each query is another one. */
const engineThat = (change: (text: string) => string): Layer.Layer<Warehouse> =>
  Layer.succeed(
    Warehouse,
    Warehouse.of({
      ...real,
      query: ({ text, ...rest }: Statement, options) =>
        real.query({ ...rest, text: change(text), settings: { ...rest.settings, ...uncompiled } }, options)
    })
  )

/** The part of a statement that is replaced, and what by. */
type Sabotage = readonly [
  what: string,
  property: string,
  says: RegExp,
  rows: number,
  pattern: RegExp,
  replacement: string
]

const sabotages: ReadonlyArray<Sabotage> = [
  [
    "counts events before the exposure",
    "equals its reference",
    /sum of column 1 is \d+ instead of \d+/,
    asFound,
    /if\(events\.assay_t >= bitShiftRight\(exposures\.pack, 8\), /g,
    "if(1 = 1, "
  ],
  [
    "counts events after the window",
    "equals its reference",
    /instead of/,
    asFound,
    /(`timestamp` < \{p\d+:DateTime64\(3, 'UTC'\)\})/g,
    "$1 + toIntervalDay(1)"
  ],
  [
    "counts other events",
    "equals its reference",
    /sum of column 1 is \d+ instead of \d+|unusable values: \d+ instead of \d+/,
    asFound,
    /`event` IN \([^)]*\)/g,
    "1 = 1"
  ],
  [
    "has a wrong product",
    "equals its reference",
    /product 0,1 is .* instead of/,
    asFound,
    /sumKahan\(u0_0 \* u0_1\)/g,
    "sumKahan(u0_0 * u0_0)"
  ],
  [
    "can't be merged",
    "batches whose states are merged",
    /after two batches/,
    3,
    /sumIfMerge\((a\d)\)/g,
    "max(finalizeAggregation($1))"
  ],
  [
    "counts rows delivered twice",
    "delivered twice",
    /is 3 instead of 1 once rows come twice/,
    3,
    /cityHash64\(tuple\(/g,
    "cityHash64(tuple(rand(), "
  ],
  [
    "mixes up the metrics of a statement",
    "among other metrics",
    /among other metrics/,
    asFound,
    /sumKahan\(u0_0\)( AS s0_0[\s\S]*u2_0)/g,
    "sumKahan(u2_0)$1"
  ]
]

/** What keeps a failure from being told well. */
const unclear = (message: string | undefined, rows: number, says: RegExp): ReadonlyArray<string> => {
  if (message === undefined) return ["it wasn't caught"]
  const found = /The smallest case found: (one|\d+) row/.exec(message)?.[1] ?? "none"
  return [
    ...(says.test(message) ? [] : [`${String(says)} isn't said`]),
    ...((found === "one" ? 1 : Number(found)) <= rows ? [] : [`its example has ${found} rows`]),
    ...(message.includes("seed 5") ? [] : ["the seed isn't told"])
  ].map((line) => `${line}: ${message}`)
}

/** What a property says of an aggregation. */
const failureOf = async (
  name: string,
  { aggregation, suite }: Broken,
  rows: number,
  change = (text: string) => text
) => {
  const property = properties.find((one) => one.name.includes(name))!
  const warehouse = engineThat(change)
  const examination = await examine(
    aggregation,
    { ...suite, runs: 6, seed: 5, warehouse },
    rows === asFound ? 0 : usualPatience
  )
  try {
    return await examination.fails(property)
  } finally {
    await examination.end()
  }
}

describe("an aggregation that", () => {
  it.each([...written, ...tampers])("%s is caught", async (_, property, says, rows, broken) => {
    expect(unclear(await failureOf(property, broken(), rows), rows, says)).toEqual([])
  })

  it.each(sabotages)("%s, were the contract to let it, is caught", async (_, property, says, rows, pattern, by) => {
    let changed = 0
    const failure = await failureOf(property, perEvent, rows, (text) => {
      const other = text.replace(pattern, by)
      if (other !== text) changed += 1
      return other
    })
    expect(changed).toBeGreaterThan(0)
    expect(unclear(failure, rows, says)).toEqual([])
  })

  it("is wrong fails at its first property, and one that is right at none", async () => {
    const warehouse = engineThat((text) => text)
    const wrong = { reference: (events: Events) => [events.length, total(events)], runs: 2, seed: 6, warehouse }
    expect((await checkAggregation(perEvent.aggregation, wrong))?.property).toMatch(/equals its reference/)
    const right = { ...perEvent.suite, runs: 3, seed: 5, warehouse }
    expect(await checkAggregation(perEvent.aggregation, right)).toBeUndefined()
  })
})
