/** Aggregations that use the rest of the contract: several sources, windows of their own, texts, days, order, steps. */
import { defineAggregation, defineMultiSourceAggregation, NoOptions, Unit } from "@assay/aggregation"
import type { Aggregation } from "@assay/aggregation"
import type { ReferenceEvent, ReferenceMetric } from "../src/index.ts"

const common = { version: "1.0.0", options: NoOptions } as const

/** An aggregation, and what the reference makes of the same events. */
export interface Rich {
  readonly aggregation: Aggregation
  readonly reference: Pick<ReferenceMetric, "unit" | "reported" | "before" | "matures">
  readonly reads?: "value" | "text"
  /** Names of sources, and how many there are under each. */
  readonly sources?: Readonly<Record<string, number>>
}

const sum = (events: ReadonlyArray<ReferenceEvent>) => events.reduce((total, { value }) => total + value, 0)

const day = ({ timestamp }: ReferenceEvent) => Math.floor(timestamp / 86_400_000)

const ends = (events: ReadonlyArray<ReferenceEvent>) =>
  events.toSorted((a, b) => a.timestamp - b.timestamp || a.value - b.value)

const uniques: Rich = {
  aggregation: defineAggregation({
    ...common,
    name: "uniques",
    reads: "text",
    columns: ({ events }) => ({
      texts: events.unique(events.text),
      days: Unit.add(events.unique(events.day), events.unique(events.text, "approximate"))
    }),
    estimand: { kind: "ratio", numerator: "texts", denominator: "days" }
  }),
  reads: "text",
  reference: {
    unit: (events) => {
      const texts = new Set(events.map(({ text }) => text)).size
      return [texts, texts + new Set(events.map(day)).size]
    }
  }
}

const order: Rich = {
  aggregation: defineAggregation({
    ...common,
    name: "order",
    reads: "value",
    columns: ({ events }) => ({ first: events.first(events.value), last: events.last(events.value) }),
    estimand: { kind: "ratio", numerator: "first", denominator: "last" }
  }),
  reads: "value",
  reference: { unit: (events) => [ends(events).at(0)?.value ?? 0, ends(events).at(-1)?.value ?? 0] }
}

/** Money over visits, of two sources; whether there was money is reported beside. */
const perVisit: Rich = {
  aggregation: defineMultiSourceAggregation({
    ...common,
    name: "per-visit",
    sources: { orders: "any", visits: "any" },
    columns: ({ orders, visits }) => ({ money: orders.valued.sum(orders.valued.value), visits: visits.count() }),
    reported: ({ orders, visits }) => ({
      orders: orders.valued.count(),
      "money per order": { numerator: orders.valued.sum(orders.valued.value), denominator: visits.any() }
    }),
    estimand: { kind: "ratio", numerator: "money", denominator: "visits" }
  }),
  reads: "value",
  sources: { orders: 1, visits: 1 },
  reference: {
    unit: (_, { orders, visits }) => [sum(orders![0]!), visits![0]!.length],
    reported: (_, { orders, visits }) => [[orders![0]!.length], [sum(orders![0]!), visits![0]!.length > 0 ? 1 : 0]]
  }
}

export const furthest = (
  steps: ReadonlyArray<ReadonlyArray<ReferenceEvent>>,
  within: number,
  strictness: Unit.Strictness
): number => {
  const all = steps.flatMap((events, step) => events.map(({ timestamp }) => ({ step, timestamp })))
    .toSorted((a, b) => a.timestamp - b.timestamp || a.step - b.step)
  const chains: Array<{ readonly begun: number; readonly at: number } | undefined> = steps.map(() => undefined)
  let begun = false
  for (const { step, timestamp } of all) {
    if (step === 0) {
      chains[0] = { begun: timestamp, at: timestamp }
      begun = true
      continue
    }
    const before = chains[step - 1]
    if (strictness === "strict_order" && begun && before === undefined) break
    if (before === undefined || timestamp > before.begun + within) continue
    if (strictness === "strict_increase" && timestamp <= before.at) continue
    chains[step] = { begun: before.begun, at: timestamp }
    if (step === steps.length - 1) break
  }
  return chains.findLastIndex((one) => one !== undefined) + 1
}

const funnel = (strictness: Unit.Strictness): Rich => {
  const within = 6 * 3_600_000
  const name = `funnel-${strictness.replace("_", "-")}`
  const reach = (events: ReadonlyArray<ReadonlyArray<ReferenceEvent>>) => furthest(events, within, strictness)
  return {
    aggregation: defineMultiSourceAggregation({
      ...common,
      name,
      sources: { steps: { reads: "nothing", least: 2, most: 5 } },
      columns: ({ steps }) => ({
        done: Unit.atLeast(Unit.funnel(steps, { within, strictness }), Unit.constant(steps.length))
      }),
      reported: ({ steps }) => ({ reached: Unit.funnel(steps, { within, strictness }) }),
      estimand: { kind: "proportion", column: "done" }
    }),
    sources: { steps: 3 },
    reference: {
      unit: (_, { steps }) => [reach(steps!) === 3 ? 1 : 0],
      reported: (_, { steps }) => [[reach(steps!)]]
    }
  }
}

/** Back in [from, to) milliseconds. */
const back = (from: number, to: number): Rich => ({
  aggregation: defineAggregation({
    ...common,
    name: `back-${from}`,
    reads: "nothing",
    columns: ({ events }) => ({ back: events.within(from, to).any() }),
    estimand: { kind: "proportion", column: "back" }
  }),
  reference: {
    unit: (events) => [events.some(({ elapsed }) => elapsed >= from && elapsed < to) ? 1 : 0],
    before: (events) => [events.length > 0 ? 1 : 0],
    matures: to
  }
})

export const rich: ReadonlyArray<Rich> = [
  uniques,
  order,
  perVisit,
  funnel("default"),
  funnel("strict_order"),
  funnel("strict_increase"),
  back(9_600_000, 28_800_000),
  back(1, 1000)
]
