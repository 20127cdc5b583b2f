import { describe, expect, it } from "vitest"
import {
  defineAggregation,
  defineMultiSourceAggregation,
  defineQuantileAggregation,
  type Feature,
  features,
  isAggregation,
  levelsAround,
  NoOptions,
  Unit
} from "../src/index.ts"
import { sum } from "./fixtures.ts"

const base = { name: "probe", version: "1.0.0", options: NoOptions } as const

describe("defineAggregation", () => {
  it("gives a frozen value that the planner knows as an aggregation", () => {
    expect(isAggregation(sum)).toBe(true)
    expect(Object.isFrozen(sum)).toBe(true)
    expect(isAggregation({ ...sum, contract: 2 })).toBe(false)
    expect(isAggregation(null)).toBe(false)
    expect(sum.bind({}).columns).toEqual([
      {
        kind: "accumulator",
        events: [{ source: "events", position: 0, reads: "value", window: { from: 0, to: null } }],
        accumulator: { kind: "sum", of: { kind: "value" } }
      }
    ])
  })

  const columns = ({ events }: { readonly events: Unit.Events }) => ({ count: events.count() })
  const estimand = { kind: "mean", column: "count" } as const

  it.each(["", "Sum", "my sum", "1st", "sum'", "a".repeat(51)])("refuses the name %j", (name) => {
    expect(() => defineAggregation({ ...base, name, reads: "nothing", columns, estimand })).toThrow(
      /name is 1 to 50 lower-case letters, digits and dashes/
    )
  })

  it.each(["", "1", "one", "v1.0.0"])("refuses the version %j", (version) => {
    expect(() => defineAggregation({ ...base, version, reads: "nothing", columns, estimand })).toThrow(
      /needs a version such as 1\.0\.0/
    )
  })

  it("doesn't let an estimand name a column that columns() doesn't give", () => {
    const wrong = defineAggregation({
      ...base,
      reads: "nothing",
      columns,
      // @ts-expect-error: there is no column "total"
      estimand: { kind: "mean", column: "total" }
    })
    expect(() => wrong.bind({})).toThrow(/needs the unit column "total", which columns\(\) doesn't give/)
  })

  it("doesn't show a value to an aggregation that reads none", () => {
    const wrong = defineAggregation({
      ...base,
      reads: "nothing",
      // @ts-expect-error: Property 'value' does not exist on type 'Events'
      columns: ({ events }) => ({ total: events.sum(events.value) }),
      estimand: { kind: "mean", column: "total" }
    })
    expect(wrong.reads).toBe("nothing")
  })

  it("refuses a unit column that no event can change", () => {
    const constant = defineAggregation({
      ...base,
      reads: "nothing",
      columns: () => ({ one: Unit.constant(1) }),
      estimand: { kind: "mean", column: "one" }
    })
    expect(() => constant.bind({})).toThrow(/"one" doesn't depend on any event/)
  })

  it("puts a ratio's numerator before its denominator, whatever columns() says first", () => {
    const ratio = defineAggregation({
      ...base,
      reads: "value",
      columns: ({ events }) => ({ below: events.count(), above: events.sum(events.value) }),
      estimand: { kind: "ratio", numerator: "above", denominator: "below" }
    })
    expect(ratio.bind({}).columns.map((column) => Unit.accumulators(column)[0]!.accumulator.kind)).toEqual([
      "sum",
      "count"
    ])
  })

  it("takes caps unless it says otherwise, but for proportions, which have nothing to cap", () => {
    const of = (kind: "mean" | "proportion", more: { readonly features?: ReadonlyArray<Feature> } = {}) =>
      defineAggregation({
        ...base,
        ...more,
        reads: "nothing",
        columns: ({ events }) => ({ one: events.any() }),
        estimand: { kind, column: "one" }
      })
    expect(of("mean").features).toEqual(features)
    expect(of("proportion").features).toEqual(features.filter((feature) => feature !== "cap"))
    expect(of("mean", { features: ["where"] }).features).toEqual(["where"])
    expect(() => of("proportion", { features: ["cap"] })).toThrow(/nothing to cap in a proportion/)
  })

  it.each([NaN, Infinity, -Infinity])("has no constant %d", (value) => {
    expect(() => Unit.constant(value)).toThrow(/must be a finite number/)
  })
})

describe("defineQuantileAggregation", () => {
  const common = { ...base, reads: "value", level: () => 0.9 } as const

  it("binds what it is a quantile of, and which, and has no columns", () => {
    const ofValues = defineQuantileAggregation({ ...common, of: ({ events }) => events.each(events.value) })
    const ofTotals = defineQuantileAggregation({ ...common, of: ({ events }) => events.sum(events.value) })
    expect(
      [ofValues, ofTotals].map((one) => one.bind({})).map(({ columns, estimand, quantile }) => [
        columns,
        estimand,
        quantile?.level,
        quantile?.of.kind
      ])
    ).toEqual([[[], "quantile", 0.9, "values"], [[], "quantile", 0.9, "accumulator"]])
  })

  it("takes filters and windows, neither a covariate nor a cap", () => {
    expect(defineQuantileAggregation({ ...common, of: ({ events }) => events.each(events.value) }).features).toEqual([
      "where",
      "window"
    ])
  })

  it("refuses a quantile of what doesn't depend on events", () => {
    const constant = defineQuantileAggregation({ ...common, of: () => Unit.constant(1) })
    expect(() => constant.bind({})).toThrow(/the number that it is a quantile of doesn't depend on any event/)
  })
})

describe("the levels around a quantile", () => {
  it.each([0.001, 0.05, 0.333333, 0.5, 0.9, 0.999])(
    "rise from 0 to 1 by way of %d, and lie closer the nearer",
    (level) => {
      const levels = levelsAround(level)
      expect([levels[0], levels.at(-1), levels.includes(level)]).toEqual([0, 1, true])
      expect(levels.every((one, i) => i === 0 || one > levels[i - 1]!)).toBe(true)
      const apart = levels.filter((one) => one > level).map((one) => one - level)
      const factors = apart.slice(1).map((distance, i) => distance / apart[i]!)
      expect(Math.max(...factors.filter((_, i) => apart[i]! > 1e-4))).toBeLessThan(1.19)
      expect(apart[0]).toBeLessThan(2e-6)
    }
  )

  it.each([0, 0.0009, 1, NaN, 0.1234567])("aren't there for %d", (level) => {
    expect(() => levelsAround(level)).toThrow(RangeError)
  })
})

describe("defineMultiSourceAggregation", () => {
  const sources = { orders: "any", visits: { reads: "nothing", least: 1, most: 3 } } as const

  it("binds each source by its name, as many as there are, to a window", () => {
    const two = defineMultiSourceAggregation({
      ...base,
      sources,
      columns: ({ orders, visits }) => ({
        money: orders.valued.sum(orders.valued.value),
        visits: visits.map((one) => one.count()).reduce(Unit.add)
      }),
      estimand: { kind: "ratio", numerator: "money", denominator: "visits" }
    })
    const window = { from: 1000, to: 5000 }
    const bound = two.bind({}, { sources: { orders: ["order"], visits: ["visit", "return"] }, window })
    expect(bound.columns.flatMap(Unit.accumulators).flatMap(({ events }) => events)).toEqual([
      { source: "orders", position: 0, reads: "value", window },
      { source: "visits", position: 0, reads: "nothing", window },
      { source: "visits", position: 1, reads: "nothing", window }
    ])
  })

  it("narrows the metric's window, and takes all of the time before the exposure", () => {
    const back = defineAggregation({
      ...base,
      reads: "nothing",
      columns: ({ events }) => ({ back: events.within(2000, 9000).any() }),
      estimand: { kind: "proportion", column: "back" }
    })
    const windowOf = (from: number, to: number | null) =>
      Unit.accumulators(back.bind({}, { sources: { events: ["visit"] }, window: { from, to } }).columns[0]!)[0]!
        .events[0]!
        .window
    expect(windowOf(0, null)).toEqual({ from: 2000, to: 9000 })
    expect(windowOf(3000, 7000)).toEqual({ from: 3000, to: 7000 })
    expect(windowOf(-1000, 0)).toEqual({ from: -1000, to: 0 })
  })

  it("doesn't compile over events of another aggregation, nor over a source that it doesn't name", () => {
    const stolen = Unit.plainEvents("a", { source: "elsewhere", position: 0, reads: "nothing", window: Unit.always })
    const wrong = [
      defineMultiSourceAggregation({
        ...base,
        sources,
        // @ts-expect-error: Type '"elsewhere"' is not assignable to type '"orders" | "visits"'
        columns: () => ({ n: stolen.count() }),
        estimand: { kind: "mean", column: "n" }
      }),
      defineMultiSourceAggregation({
        ...base,
        sources,
        // @ts-expect-error: Property 'clicks' does not exist
        columns: ({ clicks }) => ({ n: clicks.count() }),
        estimand: { kind: "mean", column: "n" }
      }),
      defineMultiSourceAggregation({
        ...base,
        sources,
        columns: ({ orders }) => ({ n: orders.count() }),
        // @ts-expect-error: Type '"m"' is not assignable to type '"n"'
        estimand: { kind: "ratio", numerator: "n", denominator: "m" }
      }),
      defineAggregation({
        ...base,
        reads: "value",
        columns: ({ events }) => ({
          // @ts-expect-error: an accumulator of which no merge is known: Type '"median"' is not assignable to type '"any" | "count" | …
          n: { kind: "accumulator", events: [events.ref], accumulator: { kind: "median" } } as const
        }),
        estimand: { kind: "mean", column: "n" }
      })
    ]
    expect(new Set(wrong.map(({ name }) => name))).toEqual(new Set(["probe"]))
  })

  it.each<readonly [sentence: RegExp, make: () => unknown]>([
    [
      /needs sources/,
      () =>
        defineMultiSourceAggregation({
          ...base,
          sources: {},
          columns: () => ({}),
          estimand: { kind: "mean", column: "n" as never }
        })
    ],
    [/lower-case letters/, () =>
      defineMultiSourceAggregation({
        ...base,
        sources: { "a b": "nothing" },
        columns: (scope) => ({ n: scope["a b"].count() }),
        estimand: { kind: "mean", column: "n" }
      })],
    [/1 ≤ least ≤ most/, () =>
      defineMultiSourceAggregation({
        ...base,
        sources: { a: { reads: "nothing", least: 3, most: 2 } },
        columns: ({ a }) => ({ n: a[0]!.count() }),
        estimand: { kind: "mean", column: "n" }
      })],
    [
      /0 ≤ from < to/,
      () => Unit.plainEvents("a", { source: "a", position: 0, reads: "nothing", window: Unit.always }).within(5, 5)
    ],
    [/2 to 32 steps/, () => Unit.funnel([], { within: 1 })]
  ])("refuses what can't be used: %s", (sentence, make) => {
    expect(make).toThrow(sentence)
  })
})
