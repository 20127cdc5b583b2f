import { describe, expect, it } from "vitest"
import { defineAggregation, isAggregation, NoOptions, Unit } from "../src/index.ts"
import { sum } from "./fixtures.ts"

const base = { name: "probe", version: "1.0.0", options: NoOptions } as const

describe("defineAggregation", () => {
  it("gives a frozen value that the planner knows as an aggregation", () => {
    expect(isAggregation(sum)).toBe(true)
    expect(Object.isFrozen(sum)).toBe(true)
    expect(isAggregation({ ...sum, contract: 2 })).toBe(false)
    expect(isAggregation(null)).toBe(false)
    expect(sum.bind({}).columns).toEqual([
      { kind: "accumulator", accumulator: { kind: "sum", of: { kind: "value" } } }
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
    expect(ratio.bind({}).columns.map((column) => Unit.accumulators(column)[0]!.kind)).toEqual(["sum", "count"])
  })

  it.each([NaN, Infinity, -Infinity])("has no constant %d", (value) => {
    expect(() => Unit.constant(value)).toThrow(/must be a finite number/)
  })
})
