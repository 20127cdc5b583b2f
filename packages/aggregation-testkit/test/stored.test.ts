/** Answers from what is stored of an experiment's data, batch by batch, against those of the plan's own statement over all of it. */
import {
  type Aggregates,
  beginTotals,
  carryTotals,
  compileConstants,
  decodeAggregates,
  decodeConstants,
  isAsOld,
  type Plan,
  shapeOf,
  Stored,
  type Totals,
  withConstants
} from "@assay/aggregation"
import type { Statement } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime, Result } from "effect"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { aggregatesOf, createEventTable, type EventRow, insertEvents, planOf } from "../src/index.ts"
import { six } from "./aggregations.ts"
import { additiveScene, type Scene, scene } from "./scenes.ts"

const state: Stored.StateName = { name: "state" }

/** A number in [0, 1) for a place in a sequence. */
const lot = (salt: number, ...at: ReadonlyArray<number>): number => {
  let hash = salt >>> 0
  for (const one of at) hash = Math.imul(hash ^ (one + 0x9e3779b9), 0x85ebca6b) >>> 0
  return ((Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ (hash >>> 13)) >>> 0) / 2 ** 32
}

/** All numbers of some aggregates, by where they stand; sums apart, with what they are small against. */
const numbersOf = (aggregates: Aggregates) => {
  const { moments, reported, points: _, slices: __, ...counts } = aggregates
  const all = [...moments, ...reported.flat()].flatMap((byArm) => Object.values(byArm))
  return {
    counts: [counts, all.map(({ n }) => n)],
    sums: all.flatMap(({ comoments, n, products, sums }) => [
      ...sums.map((sum, i) => [sum, Math.sqrt(n * products[i]![i]!)] as const),
      ...[products, comoments].flatMap((matrix) =>
        matrix.flatMap((line, i) =>
          line.map((value, j) => [value, Math.sqrt(products[i]![i]! * products[j]![j]!)] as const)
        )
      )
    ])
  }
}

const expectSame = (actual: Aggregates, expected: Aggregates) => {
  const [ours, theirs] = [numbersOf(actual), numbersOf(expected)]
  expect(ours.counts).toEqual(theirs.counts)
  expect(ours.sums.length).toBe(theirs.sums.length)
  const apart = ours.sums.flatMap(([sum], i) => {
    const [wanted, scale] = theirs.sums[i]!
    return sum === wanted || Math.abs(sum - wanted) <= 1e-9 * scale ? [] : [{ i, sum, wanted, scale }]
  })
  expect(apart).toEqual([])
}

const arrivedColumns = {
  environment: "environment_key",
  event: "event",
  feature: "feature_name",
  timestamp: "timestamp",
  value: "value",
  event_id: "event_id",
  ingested: "collected_at"
}

/** A scene whose rows arrive in some order, in some steps, some rows again in later ones; times at which it is looked at between. */
const arriving = ({ experiment, metrics, rows }: Scene, salt: number, steps: number) => {
  const asOf = experiment.asOf ?? experiment.to + 1
  const looks = Array.from({ length: steps - 1 }, (_, i) => lot(salt, 1, i)).toSorted((a, b) => a - b)
    .map((share) => experiment.from + 1 + Math.floor(share * (asOf - experiment.from - 1)))
  const again = rows.filter((_, i) => lot(salt, 2, i) < 0.1)
  const stepOf = (i: number) => Math.floor(lot(salt, 3, i) * steps)
  const stored = (step: number) => asOf + step * 1000
  const arrivals = [...rows, ...again].map((row, i): readonly [number, EventRow] => {
    const step = stepOf(i)
    return [step, { ...row, ingested: stored(step) + Math.floor(lot(salt, 4, i) * 1000) }]
  })
  return Array.from({ length: steps }, (_, step) => {
    const at = looks[step] ?? asOf
    return {
      plan: planOf({ ...experiment, asOf: at }, metrics, "arrived", { columns: arrivedColumns }),
      rows: arrivals.filter(([one]) => one === step).map(([, row]) => row),
      ingested: stored(step + 1)
    }
  })
}

const { maximum: _, ratio: __, ...additive } = six

const hour = 3_600_000
const started = Date.UTC(2026, 0, 1)

/** A row about one of ten identities or none, at one of few times and with one of few values, so that rows often repeat others. */
const happening = fc.record({
  who: fc.integer({ min: 0, max: 10 }),
  what: fc.constantFrom("purchase", "purchase", "purchase", "purchase", "refund", "exposed"),
  at: fc.integer({ min: 0, max: 23 }),
  value: fc.constantFrom("1", "2", "3", "none"),
  other: fc.constantFrom(false, false, false, true),
  id: fc.integer({ min: 0, max: 40 })
})

/** A step for each list of rows; most identities are exposed in the first, and an earlier row comes again in every other one. */
const trickle = fc.record({
  steps: fc.array(fc.array(happening, { minLength: 1, maxLength: 5 }), { minLength: 7, maxLength: 7 }),
  deduplication: fc.constantFrom("row", "row", "id", "none"),
  multipleVariants: fc.constantFrom("quarantine", "first"),
  trait: fc.boolean()
})

/** The steps of a {@link trickle}, as of a later time each. */
const trickling = (
  { deduplication, multipleVariants, steps, trait }: typeof trickle extends fc.Arbitrary<infer A> ? A : never
): ReturnType<typeof arriving> => {
  const experiment = {
    environment: "production",
    feature: "checkout",
    exposureEvent: "$flag_exposure",
    from: started,
    to: started + 24 * hour,
    variants: ["control", "treatment"],
    multipleVariants,
    deduplication
  }
  const metrics = Object.entries({ ...additive, largest: six.maximum }).map(([key, { aggregation, unit }], i) => ({
    aggregation,
    ...(trait && i === 0 ? { more: { covariate: { trait: "amount" } } } : {}),
    reference: { key, event: key === "largest" ? "refund" : "purchase", unit }
  }))
  const variantOf = (who: number) => experiment.variants[who % 2]!
  const rowOf = ({ at, id, other, value, what, who }: typeof happening extends fc.Arbitrary<infer A> ? A : never) => ({
    environment: experiment.environment,
    event: what === "exposed" ? experiment.exposureEvent : what,
    feature: what === "exposed" ? experiment.feature : "",
    identity: who === 10 ? "" : `u${who}`,
    timestamp: started + at * hour,
    value: what !== "exposed" ? value : !other ? variantOf(who) : at % 2 === 0 ? variantOf(who + 1) : "unknown",
    metadata: "{}",
    id: `${id}`,
    amount: at % 3
  })
  const first = Array.from(
    { length: 8 },
    (_, who) => rowOf({ who, what: "exposed", at: who % 4, value: "1", other: false, id: 0 })
  )
  return steps.map((some, step) => {
    const earlier = steps.slice(0, step).flat()
    const again = step % 2 === 0 ? [] : earlier.slice(some[0]!.id % earlier.length).slice(0, 1)
    const ingested = experiment.to + (step + 1) * hour
    return {
      plan: planOf({ ...experiment, asOf: started + (4 + 3 * step) * hour }, metrics, "arrived", {
        columns: arrivedColumns
      }),
      rows: [...(step === 0 ? first : []), ...[...some, ...again].map(rowOf)].map((row): EventRow => ({
        ...row,
        ingested: ingested - 1
      })),
      ingested
    }
  })
}

/** How many units a batch has remade, and how many it replaces. */
const howMany = (batch: number): Statement => ({
  text: `SELECT (SELECT count() FROM state_remade WHERE batch = {batch:UInt64}) AS remade,
    (SELECT count() FROM state_replaced WHERE batch = {batch:UInt64}) AS replaced`,
  parameters: { batch },
  settings: {}
})

describe("answers from what is stored", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  const run = <A, E>(effect: Effect.Effect<A, E, Warehouse>) => runtime.runPromise(effect)
  beforeAll(() => run(createEventTable("arrived", "MergeTree")))
  afterAll(() => runtime.dispose())

  const renew = Effect.fn(function*(planned: Plan) {
    const { command } = yield* Warehouse
    yield* createEventTable("arrived", "MergeTree")
    yield* Effect.forEach([...Stored.drop(state), ...Stored.create(planned, state)], (one) => command(one))
  })

  /** What a run of {@link follow} came by. */
  const nothingSeen = () => ({ absorbed: 0, late: 0, batches: 0, remade: 0, goneOn: 0, carried: 0, ripened: 0 })

  /** Reads step by step what arrives, and holds every answer against that over all data; some batches are begun twice, some absorb others. */
  const follow = Effect.fn(function*(
    all: ReturnType<typeof arriving>,
    salt: number,
    seen: ReturnType<typeof nothingSeen>
  ) {
    const { command, query } = yield* Warehouse
    const runAll = (statements: ReadonlyArray<Statement>) => Effect.forEach(statements, (one) => command(one))
    yield* renew(all[0]!.plan)
    let live: ReadonlyArray<number> = []
    let before: Stored.Region | undefined
    let known: { readonly totals: Totals; readonly shape: string } | undefined
    for (const [step, { ingested, plan, rows }] of all.entries()) {
      yield* insertEvents("arrived", rows)
      const batch = step + 1
      const until = { ingested, exposures: plan.to, events: plan.reads.to }
      const absorbed = lot(salt, 5, step) < 0.4 ? live.slice(Math.floor(lot(salt, 6, step) * live.length)) : []
      const add = [
        Stored.addExposures(plan, state, { batch, before, until }),
        Stored.addEvents(plan, state, { batch, before, until }),
        ...Stored.addUnits(plan, state, batch, live)
      ]
      const absorb = Stored.absorb(plan, state, batch, absorbed)
      // A batch that wasn't finished, or came too late, counts for nothing.
      if (lot(salt, 7, step) < 0.3) {
        const write = [...add, ...absorb]
        yield* runAll(write.slice(0, Math.floor(lot(salt, 8, step) * (write.length + 1))))
        yield* runAll(Stored.forget(state, [batch]))
      }
      yield* runAll(add)
      const difference = yield* query(Stored.difference(plan, state, batch, live, known?.totals.ripe ?? []))
      const [{ remade, replaced }] = (yield* query(howMany(batch))).rows as [Record<string, string>]
      yield* runAll(absorb)
      live = [...live.filter((other) => !absorbed.includes(other)), batch]
      before = until
      const whole = yield* aggregatesOf(plan)
      const answer = yield* query(Stored.answer(plan, state, live))
      expectSame(Result.getOrThrow(decodeAggregates(plan, answer.rows)), whole)
      const carried = known === undefined || known.shape !== shapeOf(plan)
        ? undefined
        : Result.getOrThrow(carryTotals(plan, known.totals, difference.rows))
      if (carried !== undefined) expectSame(Result.getOrThrow(decodeAggregates(plan, carried.rows)), whole)
      seen.absorbed += absorbed.length
      seen.batches += live.length > 1 ? 1 : 0
      seen.late += rows.some((row) => row.timestamp < plan.to - 1000) && step > 0 ? 1 : 0
      seen.remade += step > 0 ? Number(remade) : 0
      seen.goneOn += Math.max(0, Number(replaced) - Number(remade))
      seen.carried += carried === undefined ? 0 : 1
      seen.ripened += carried === undefined || isAsOld(plan, known!.totals) ? 0 : 1
      known = { totals: carried ?? Result.getOrThrow(beginTotals(plan, answer.rows)), shape: shapeOf(plan) }
    }
  })

  it(
    "equal those over all data, however it arrives, is split, repeated, late, and whatever a batch absorbs",
    async () => {
      const seen = nothingSeen()
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(scene, additiveScene),
          fc.nat(),
          fc.integer({ min: 2, max: 5 }),
          (one, salt, steps) => run(follow(arriving(one, salt, steps), salt, seen))
        ),
        { numRuns: 3, seed: 11 }
      )
      expect(Object.entries(seen).filter(([, n]) => n === 0)).toEqual([])
    },
    400_000
  )

  it(
    "equal those over all data where few rows come to identities that are known: units go on, unless something in these rows forbids it",
    async () => {
      const seen = nothingSeen()
      await fc.assert(
        fc.asyncProperty(trickle, fc.nat(), (one, salt) => run(follow(trickling(one), salt, seen))),
        { numRuns: 4, seed: 5 }
      )
      expect(seen.goneOn).toBeGreaterThan(seen.remade)
      expect(seen.remade).toBeGreaterThan(10)
      expect(seen.carried).toBeGreaterThan(10)
    },
    400_000
  )

  it("are the same on the old analyzer, and as ClickHouse 24.8 behaves", async () => {
    const older = { compatibility: "24.8", allow_experimental_analyzer: 0 }
    await fc.assert(
      fc.asyncProperty(scene, async (one) => {
        await run(Effect.gen(function*() {
          const { command } = yield* Warehouse
          const run = (statements: ReadonlyArray<Statement>) =>
            Effect.forEach(
              statements,
              (statement) => command({ ...statement, settings: { ...statement.settings, ...older } })
            )
          const all = arriving(one, 3, 3)
          yield* renew(all[0]!.plan)
          let before: Stored.Region | undefined
          for (const [step, { ingested, plan, rows }] of all.entries()) {
            yield* insertEvents("arrived", rows)
            const until = { ingested, exposures: plan.to, events: plan.reads.to }
            const live = [1, 2].slice(0, step)
            yield* run([
              Stored.addExposures(plan, state, { batch: step + 1, before, until }),
              Stored.addEvents(plan, state, { batch: step + 1, before, until }),
              ...Stored.addUnits(plan, state, step + 1, live),
              ...Stored.absorb(plan, state, step + 1, live.slice(1))
            ])
            before = until
          }
          const { plan } = all.at(-1)!
          const answer = Stored.answer(plan, state, [1, 3])
          const stored = yield* aggregatesOf(plan, { ...answer, settings: { ...answer.settings, ...older } })
          expectSame(stored, yield* aggregatesOf(plan))
        }))
      }),
      { numRuns: 1, seed: 4 }
    )
  })

  it("find the constants of a plan", async () => {
    await fc.assert(
      fc.asyncProperty(scene, async (one) => {
        const [{ ingested, plan: planned, rows }] = arriving(one, 1, 1) as [ReturnType<typeof arriving>[number]]
        const asking: Plan = {
          ...planned,
          constants: planned.metrics.map(({ columns, ripeUntil }, m) => ({
            kind: "quantile",
            level: 0.5,
            column: columns[0]!,
            ripeUntil,
            of: "all",
            over: m % 2 === 0 ? "arm" : "arms"
          })),
          metrics: planned.metrics.map((metric, index) => ({
            ...metric,
            columns: [{ kind: "subtract", left: metric.columns[0]!, right: { kind: "found", index } }]
          }))
        }
        await run(Effect.gen(function*() {
          const { command, query } = yield* Warehouse
          yield* renew(asking)
          yield* insertEvents("arrived", rows)
          const batch = {
            batch: 1,
            before: undefined,
            until: { ingested, exposures: asking.to, events: asking.reads.to }
          }
          yield* Effect.forEach([
            Stored.addExposures(asking, state, batch),
            Stored.addEvents(asking, state, batch),
            ...Stored.addUnits(asking, state, 1, [])
          ], (statement) => command(statement))
          const find = (statement: ReturnType<typeof compileConstants>) =>
            Effect.flatMap(query(statement!), (found) => Effect.fromResult(decodeConstants(asking, found.rows)))
          const constants = yield* find(Stored.answerConstants(asking, state, [1]))
          expect(constants).toEqual(yield* find(compileConstants(asking)))
          const known = withConstants(asking, constants)
          expectSame(yield* aggregatesOf(known, Stored.answer(known, state, [1])), yield* aggregatesOf(known))
        }))
      }),
      { numRuns: 1, seed: 2 }
    )
  })
})
