/** Experiments that share a read: each gets what its own statement says. */
import { type Aggregates, type Plan, Shared, strategyOf } from "@assay/aggregation"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime, Result } from "effect"
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
import { alike, references, type Scene, sceneWith } from "./scenes.ts"
import { filter, testMetric } from "./worlds.ts"

const scene = sceneWith(45)

/** One of several experiments over the same rows. */
interface Part {
  readonly experiment: ReferenceExperiment
  readonly metrics: ReadonlyArray<TestMetric>
}

const features = ["another feature", "a third {feature:String}"]

/** Exposures to the scene's feature, a part of them to others, too: to the same variants in another order. */
const withFeatures = ({ experiment: { exposureEvent, feature, variants }, rows }: Scene): ReadonlyArray<EventRow> =>
  rows.flatMap((row, i) => {
    if (row.event !== exposureEvent || row.feature !== feature) return [row]
    const place = variants.indexOf(row.value)
    return [
      row,
      ...(i % 2 === 0 ? [{ ...row, feature: features[0]! }] : []),
      ...(i % 3 === 0
        ? [{ ...row, feature: features[1]!, value: variants[place < 0 ? 5 : (place + i) % 3] ?? row.value }]
        : [])
    ]
  })

/** Experiments on a scene's features, in stretches of its window, with some of its variants and metrics. */
const partsOf = (
  { experiment, metrics }: Scene,
  dealt: ReadonlyArray<{
    readonly feature: number
    readonly from: number
    readonly to: number
    readonly variants: number
    readonly metrics: ReadonlyArray<number>
  }>
): ReadonlyArray<Part> =>
  dealt.map((one) => {
    const ninth = (experiment.to - experiment.from) / 9
    const arms = one.variants === 0 ? experiment.variants : experiment.variants.slice(0, 2)
    return {
      experiment: {
        ...experiment,
        feature: [experiment.feature, ...features][one.feature]!,
        from: experiment.from + Math.floor(one.from * ninth),
        to: experiment.to - Math.floor(one.to * ninth),
        variants: one.variants === 1 ? arms.toReversed() : arms,
        asOf: experiment.asOf ?? experiment.to + 1
      },
      metrics: one.metrics.map((m) => metrics[m % metrics.length]!)
    }
  })

/** How six experiments are made of a scene; each takes some of so many metrics. */
const deal = (metrics: number, least: number, most: number) =>
  fc.array(
    fc.record({
      feature: fc.nat(2),
      from: fc.constantFrom(0, 0, 1, 3),
      to: fc.constantFrom(0, 0, 2, 4),
      variants: fc.nat(2),
      metrics: fc.uniqueArray(fc.nat(metrics - 1), { minLength: least, maxLength: most })
    }),
    { minLength: 6, maxLength: 6 }
  )

/** Scenes whose metrics are alike, over twelve events. */
const alikeScene = scene.chain(({ experiment, rows }) =>
  fc.array(filter, { maxLength: 1 }).map((where): Scene => {
    const names = [...new Set(rows.map(({ event }) => event))].filter((event) => event !== experiment.exposureEvent)
    const seconds = Math.ceil((experiment.to - experiment.from) / 3000)
    const twelve = [...names, ...Array.from({ length: 12 }, (_, i) => `e${i}`)].slice(0, 12)
    return { experiment, rows, metrics: [...alike(twelve, seconds, where)] }
  })
)

const counts = ({ moments, reported, ...rest }: Aggregates) => ({
  ...rest,
  caps: [],
  n: [moments, ...reported].map((of) => of.map((byArm) => Object.values(byArm).map(({ n }) => n)))
})

const none = { shared: 0, identities: 0, quarantined: 0, nameless: 0, early: 0, repeated: 0, unusable: 0, immature: 0 }
type Seen = typeof none

const add = (a: Seen, b: Seen): Seen =>
  Object.fromEntries(Object.entries(a).map(([key, n]) => [key, n + b[key as keyof Seen]])) as unknown as Seen

const missing = (seen: Seen) => Object.entries(seen).flatMap(([key, n]) => (n === 0 ? [key] : []))

describe("experiments that share a read", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  beforeAll(() => runtime.runPromise(createEventTable("events")))
  afterAll(() => runtime.dispose())

  const load = (rows: ReadonlyArray<EventRow>) =>
    runtime.runPromise(clearEvents("events").pipe(Effect.andThen(insertEvents("events", rows))))

  /** Holds what each gets to the reference, and to what its own statement says. */
  const held = async (plans: ReadonlyArray<Plan>, parts: ReadonlyArray<Part>, rows: ReadonlyArray<EventRow>) => {
    const shared = Shared.share(plans)
    const answer = await runtime.runPromise(Warehouse.use((_) => _.query(Shared.compileShared(shared))))
    const sorted = Shared.byExperiment(answer.rows)
    let seen = { ...none, shared: plans.length > 1 ? 1 : 0 }
    for (const [i, member] of shared.members.entries()) {
      const { experiment, metrics } = parts[i]!
      const found = Shared.answerOf(shared, member, sorted)
      if (Result.isFailure(found)) throw found.failure
      const aggregates = found.success
      expect(differences(aggregates, reference(experiment, references(metrics), rows), member.plan)).toEqual([])
      const own = await runtime.runPromise(aggregatesOf(member.plan))
      expect(counts(aggregates)).toEqual(counts(own))
      const total = (of: Readonly<Record<string, number>>) => Object.values(of).reduce((a, b) => a + b, 0)
      seen = add(seen, {
        shared: 0,
        identities: total(aggregates.identities),
        quarantined: aggregates.quarantined,
        nameless: aggregates.namelessEvents,
        early: aggregates.earlyEvents,
        repeated: aggregates.repeatedEvents ?? 0,
        unusable: aggregates.unusableValues.reduce((a, b) => a + b, 0),
        immature: aggregates.immature.map(total).reduce((a, b) => a + b, 0)
      })
    }
    return { seen, strategy: strategyOf(shared.plan) }
  }

  const all = async (scenes: ReadonlyArray<readonly [Scene, Parameters<typeof partsOf>[1]]>) => {
    let seen: Seen = none
    let long = 0
    for (const [one, dealt] of scenes) {
      const rows = withFeatures(one)
      await load(rows)
      const planned = partsOf(one, dealt).map((part) => ({
        part,
        plan: planOf(part.experiment, part.metrics, "events")
      })).filter(({ plan }) => Shared.refusal(plan) === undefined)
      for (const group of Map.groupBy(planned, ({ plan }) => Shared.kinship(plan)).values()) {
        const found = await held(group.map(({ plan }) => plan), group.map(({ part }) => part), rows)
        seen = add(seen, found.seen)
        if (found.strategy.long !== undefined) long += 1
      }
    }
    return { seen, long }
  }

  it("get what the reference says, and in counts what their own statements say", async () => {
    const { seen } = await all(fc.sample(fc.tuple(scene, deal(7, 1, 4)), { seed: 21, numRuns: 6 }))
    expect(missing(seen)).toEqual([])
  })

  it("do so where columns of the table are called what the statement calls its own", async () => {
    const names = { feature_name: "experiment", value: "slot", timestamp: "t", event: "pack", identifier: "k" }
    const renamed = Object.entries(names).map(([column, name]) => `${column} AS ${name}`).join(", ")
    await runtime.runPromise(Warehouse.use((_) =>
      _.command({
        text: `CREATE VIEW renamed AS SELECT * EXCEPT (${Object.keys(names).join(", ")}), ${renamed} FROM events`,
        parameters: {},
        settings: {}
      })
    ))
    let shared = 0
    for (const [one, dealt] of fc.sample(fc.tuple(scene, deal(7, 1, 3)), { seed: 21, numRuns: 2 })) {
      const rows = withFeatures(one)
      await load(rows)
      const planned = partsOf(one, dealt).map((part) => {
        const { mapping } = planOf(part.experiment, part.metrics, "renamed")
        const columns = { ...mapping.columns, feature: "experiment", value: "slot", timestamp: "t", event: "pack" }
        return { part, plan: planOf(part.experiment, part.metrics, "renamed", { columns, identities: { k: "k" } }) }
      }).filter(({ plan }) => Shared.refusal(plan) === undefined)
      for (const group of Map.groupBy(planned, ({ plan }) => Shared.kinship(plan)).values()) {
        await held(group.map(({ plan }) => plan), group.map(({ part }) => part), rows)
        if (group.length > 1) shared += 1
      }
    }
    expect(shared).toBeGreaterThan(0)
  })

  it("do so with a row per identity and event, too", async () => {
    const { long, seen } = await all(fc.sample(fc.tuple(alikeScene, deal(36, 8, 12)), { seed: 12, numRuns: 3 }))
    expect(missing(seen)).toEqual([])
    expect(long).toBeGreaterThan(0)
  })

  it("do so where two measures have one time of being old enough in one of them, and two in another", async () => {
    const hour = 3_600_000
    const from = Date.UTC(2026, 0, 1)
    const experiment: ReferenceExperiment = {
      environment: "prod",
      feature: "f",
      exposureEvent: "$flag_exposure",
      from,
      to: from + 24 * hour,
      variants: ["control", "treatment"],
      multipleVariants: "quarantine",
      deduplication: "row",
      asOf: from + 24 * hour
    }
    const within = (key: string, event: string, hours: number): TestMetric => {
      const metric = testMetric(six.count, { key, event })
      return {
        ...metric,
        more: { window: `${hours}h` },
        reference: { ...metric.reference, window: { from: 0, to: hours * hour } }
      }
    }
    const [a, b, c] = [within("a", "a", 2), within("b", "b", 1), within("c", "c", 1)]
    const parts = [{ experiment, metrics: [a, b] }, { experiment: { ...experiment, feature: "g" }, metrics: [c, b] }]
    const row = { environment: "prod", metadata: "{}", id: "" }
    const rows = [0, 10, 22.5, 23.5].flatMap((at, i) => {
      const one = { ...row, identity: `u${i}`, timestamp: from + at * hour }
      return [
        ...["f", "g"].map((feature) => ({ ...one, feature, event: "$flag_exposure", value: "control" })),
        ...["a", "b", "c"].map((event) => ({ ...one, feature: "", event, value: "1" }))
      ]
    })
    await load(rows)
    const plans = parts.map((part) => planOf(part.experiment, part.metrics, "events"))
    expect(Shared.share(plans).plan.metrics.map(({ ripeUntil }) => ripeUntil)).toEqual([0, 1, 0])
    const { seen } = await held(plans, parts, rows)
    expect(seen.immature).toBe(2 + 1 + 1 + 1)
  })
})
