/** Refreshes: the same answer as over all data, whatever fails in between, and whoever else is at it. */
import { compileMerged, type Plan, plan } from "@assay/aggregation"
import { createEventTable, type EventRow, insertEvents } from "@assay/aggregation-testkit"
import { type EventMapping, type Experiment, Instant, WarehouseUnavailable } from "@assay/model"
import { Store } from "@assay/store"
import { Warehouse, type WarehouseShape } from "@assay/warehouse"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import { absorbedBy } from "../src/incremental/refresh.ts"
import { dropStates, listStates, recompute, refresh, type Refreshed, type StateContext } from "../src/index.ts"
import { contextOf, day, end, event, experimentOf, exposure, jobOf, mapping, measuring, plain, start } from "./world.ts"

const database = "states ' of `tests"
const quotedDatabase = "`states ' of \\`tests`"

const stored: EventMapping = { ...mapping, table: "arrived", columns: { ...mapping.columns, ingested: "collected_at" } }

const all = measuring(["purchased", "purchases", "revenue", "basket", "price", "refunded"])

const planAt = (asOf: number, more: Partial<Experiment> = {}): Plan => {
  const planned = plan({ ...contextOf({ asOf, mapping: stored }), experiment: experimentOf({ ...all, ...more }) })
  if (Result.isFailure(planned)) throw planned.failure
  return planned.success
}

/** A number in [0, 1) for a place in a sequence. */
const lot = (...at: ReadonlyArray<number>): number => {
  let hash = 0x811c9dc5
  for (const one of at) hash = Math.imul(hash ^ (one + 0x9e3779b9), 0x85ebca6b) >>> 0
  return ((Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ (hash >>> 13)) >>> 0) / 2 ** 32
}

/**
 * What arrives in a step: identities first seen in it, events of theirs and of earlier ones, rows that came before, exposures that move a
 * first one back or show a second variant, and values that are no numbers. Times are anywhere before `asOf`, and some after it.
 */
const arrivals = (salt: number, step: number, asOf: number): ReadonlyArray<EventRow> => {
  const time = (...at: ReadonlyArray<number>) => start + Math.floor(lot(salt, ...at) * (asOf - start) * 1.1)
  const ingested = end + step * day + Math.floor(lot(salt, step) * day)
  const variant = (i: number) => (lot(salt, i) < 0.5 ? "control" : "treatment")
  const people = Array.from({ length: 12 }, (_, i) => step * 8 + i)
  return [
    ...people.filter((i) => lot(salt, 1, i) < 0.8).map((i) =>
      exposure(`u${i}`, lot(salt, step, i) < 0.1 ? "control" : variant(i), {
        timestamp: start + Math.floor((time(2, step, i) - start) * lot(salt, 4, i)),
        ingested
      })
    ),
    ...people.flatMap((i) =>
      [0, 1, 2].map((n) =>
        event(`u${i % 3 === 0 ? i - 8 : i}`, n === 2 ? "refund" : "purchase", n === 1 && i % 5 === 0 ? "odd" : `${i}`, {
          // Few different times, so that some rows are the same as earlier ones.
          timestamp: start + Math.floor((time(3, n, i % 4) - start) / day) * day,
          ingested
        })
      )
    ),
    event("", "purchase", "1", { ingested }),
    ...(step % 2 === 0 ? [exposure("", "control", { ingested }), exposure("u1", "unknown", { ingested })] : [])
  ]
}

/** The answer of one pass over all data, in rows that count all identities as those of the stored units do. */
const whole = Effect.fn(function*(planned: Plan) {
  const warehouse = yield* Warehouse
  return (yield* warehouse.query(compileMerged([planned]))).rows
})

type Rows = ReadonlyArray<Readonly<Record<string, unknown>>>

/** The rows of an answer as they can be compared: counts, and sums that are whole numbers here, exactly; means and spreads nearly. */
const comparable = (rows: Rows) =>
  rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        Number.isInteger(Number(value)) ? Number(value) : Number(Number(value).toPrecision(9))
      ])
    )
  ).toSorted((a, b) => 100 * (a["place"]! - b["place"]!) + a["arm"]! - b["arm"]!)

const expectWhole = Effect.fn(function*(planned: Plan, refreshed: Refreshed | { readonly reason: string }) {
  if ("reason" in refreshed) return assert.fail(refreshed.reason)
  assert.deepStrictEqual(comparable(refreshed.answer.rows), comparable(yield* whole(planned)))
  return refreshed
})

const fresh = Effect.gen(function*() {
  const warehouse = yield* Warehouse
  yield* warehouse.command(plain(`DROP DATABASE IF EXISTS ${quotedDatabase}`))
  yield* warehouse.command(plain(`CREATE DATABASE ${quotedDatabase}`))
  yield* createEventTable("arrived", "MergeTree")
  return { warehouse, database, lag: 0 } satisfies StateContext
})

/** The `n`th thing that is asked of a warehouse doesn't come to an end: it isn't begun, or nobody learns that it was done. */
const failing = (warehouse: WarehouseShape, n: number, done: boolean): WarehouseShape => {
  let asked = 0
  const broken = new WarehouseUnavailable({ message: "gone", hint: "" })
  const one = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      const fails = ++asked === n
      const run: Effect.Effect<A, E | WarehouseUnavailable, R> = fails && !done ? Effect.fail(broken) : effect
      return fails && done ? Effect.andThen(run, Effect.fail(broken)) : run
    })
  return {
    ...warehouse,
    query: (...args) => one(warehouse.query(...args)),
    command: (...args) => one(warehouse.command(...args)),
    insert: (...args) => one(warehouse.insert(...args))
  }
}

/** Before the `n`th thing that is asked of a warehouse, something else happens to the end. */
const interrupted = (warehouse: WarehouseShape, n: number, other: Effect.Effect<unknown>): WarehouseShape => {
  let asked = 0
  const one = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => ++asked === n ? Effect.andThen(other, effect) : effect)
  return {
    ...warehouse,
    query: (...args) => one(warehouse.query(...args)),
    command: (...args) => one(warehouse.command(...args)),
    insert: (...args) => one(warehouse.insert(...args))
  }
}

/** Things that a refresh asks of a warehouse, at most. */
const most = 22

/** Milliseconds for many refreshes on a machine that does much else. */
const patience = 400_000

/** How many batches lie in the tables of states. */
const batches = Effect.gen(function*() {
  const { rows } = yield* Warehouse.use((_) =>
    _.query({
      text: "SELECT table, uniqExact(partition) AS n FROM system.parts WHERE active AND database = {database:String} " +
        "AND NOT endsWith(table, '_commits') GROUP BY table",
      parameters: { database },
      settings: {}
    })
  )
  return Math.max(0, ...rows.map((row) => Number(row["n"])))
})

/** Rows that the engine has read since it was started. */
const rowsRead = Effect.gen(function*() {
  const { rows } = yield* Warehouse.use((_) =>
    _.query(plain("SELECT value FROM system.events WHERE event = 'SelectedRows'"))
  )
  return Number(rows[0]!["value"])
})

const steps = [1, 2, 3, 4, 5, 6, 7].map((step) => ({ step, asOf: start + step * 3 * day, now: end + (step + 1) * day }))

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("a refresh", (it) => {
  it.effect("gives the answer over all data after a crash between any two statements", () =>
    Effect.gen(function*() {
      const context = yield* fresh
      let crash = 0
      for (const { asOf, now, step } of steps) {
        yield* insertEvents("arrived", arrivals(7, step, asOf))
        const planned = planAt(asOf)
        for (let i = 0; i < 3; i++) {
          crash = (crash % most) + 1
          const warehouse = failing(context.warehouse, crash, lot(9, crash) < 0.5)
          const broken = yield* Effect.result(refresh({ ...context, warehouse }, planned, now))
          // Where nothing was left to fail, or only the tidying up, the answer is there.
          if (Result.isSuccess(broken)) yield* expectWhole(planned, broken.success)
        }
        const { rebuilt } = yield* expectWhole(planned, yield* refresh(context, planned, now))
        if (step > 2) assert.isFalse(rebuilt)
      }
      assert.isAtMost(yield* batches, 6)
    }), patience)

  it.effect(
    "that another one overtakes, at any point, counts no row twice, and neither does the other",
    () =>
      Effect.gen(function*() {
        const context = yield* fresh
        yield* insertEvents("arrived", arrivals(3, 1, steps[0]!.asOf))
        yield* refresh(context, planAt(steps[0]!.asOf), steps[0]!.now)
        for (let n = 1; n <= most; n += 2) {
          const asOf = start + (4 + n / 2) * day
          const now = end + (n + 3) * day
          yield* insertEvents("arrived", arrivals(3, n + 1, asOf))
          const planned = planAt(asOf)
          const other = Effect.gen(function*() {
            yield* expectWhole(planned, yield* refresh(context, planned, now))
          }).pipe(Effect.provideService(Warehouse, context.warehouse), Effect.orDie)
          const warehouse = interrupted(context.warehouse, n, other)
          yield* expectWhole(planned, yield* refresh({ ...context, warehouse }, planned, now))
        }
      }),
    patience
  )

  it.effect("reads what is new alone, and tells what it can't do", () =>
    Effect.gen(function*() {
      const context = yield* fresh
      const [first, second] = steps
      yield* insertEvents("arrived", arrivals(5, 1, first!.asOf))
      const one = yield* expectWhole(planAt(first!.asOf), yield* refresh(context, planAt(first!.asOf), first!.now))
      assert.isTrue(one.rebuilt)
      const again = yield* expectWhole(planAt(first!.asOf), yield* refresh(context, planAt(first!.asOf), first!.now))
      assert.deepInclude(again, { added: 0, rebuilt: false })
      const rows = arrivals(5, 2, second!.asOf)
      yield* insertEvents("arrived", rows)
      const next = yield* expectWhole(planAt(second!.asOf), yield* refresh(context, planAt(second!.asOf), second!.now))
      assert.isFalse(next.rebuilt)
      assert.isAtMost(next.added, rows.length + 10)
      // A table that isn't asked for is read no more: rows that vanish from it stay in the answer.
      yield* context.warehouse.command(plain("TRUNCATE TABLE arrived"))
      const kept = yield* refresh(context, planAt(second!.asOf), second!.now)
      assert.deepStrictEqual("answer" in kept && comparable(kept.answer.rows), comparable(next.answer.rows))
      const anew = yield* refresh({ ...context, rebuild: true }, planAt(second!.asOf), second!.now)
      yield* expectWhole(planAt(second!.asOf), anew)
      assert.deepInclude(yield* refresh(context, planAt(first!.asOf), second!.now), {
        reason: "it is computed as of a time before what the state has read"
      })
      const cut = planAt(second!.asOf, { ended_at: Instant.fromMillis(second!.asOf - day) })
      assert.deepInclude(yield* refresh(context, cut, second!.now), {
        reason: "the end of the experiment was changed"
      })
    }))

  it.effect("tells what all of its statements have read together", () =>
    Effect.gen(function*() {
      const context = yield* fresh
      const { asOf, now } = steps[6]!
      const many = Array.from({ length: 5000 }, (_, i) => exposure(`u${i}`, "control", { ingested: end }))
      yield* insertEvents("arrived", many)
      yield* refresh(context, planAt(asOf), now)
      yield* insertEvents("arrived", many.slice(0, 2000).map((row) => ({ ...row, ingested: now + 1 })))
      const before = yield* rowsRead
      const refreshed = yield* refresh(context, planAt(asOf), now + day)
      // Whoever looks reads something, too: some hundred rows for each statement.
      const read = (yield* rowsRead) - before
      const { bytesRead, rowsRead: said } = "answer" in refreshed ? refreshed.answer.statistics : assert.fail()
      assert.isAbove(said, 20_000)
      assert.isAtMost(said, read)
      assert.isAbove(said, read - 5000)
      assert.isAbove(bytesRead, 8 * said)
    }))

  it.effect("starts afresh for another definition; the state of the old one goes, and that of the new one can be dropped", () =>
    Effect.gen(function*() {
      const context = yield* fresh
      const { asOf, now } = steps[0]!
      yield* insertEvents("arrived", arrivals(6, 1, asOf))
      for (const more of [{}, { multiple_variants: "first" }, measuring(["purchased"]), {}] as const) {
        const planned = planAt(asOf, more)
        const { rebuilt } = yield* expectWhole(planned, yield* refresh(context, planned, now))
        assert.isTrue(rebuilt)
      }
      const [only, ...others] = yield* listStates(context.warehouse, database)
      assert.lengthOf(others, 0)
      assert.deepInclude(only, { experiment: "checkout", committedAt: now, batches: 1 })
      assert.deepStrictEqual(only!.read, { ingested: now, exposures: asOf, events: asOf })
      assert.isAbove(only!.rows, 50)
      assert.isAbove(only!.bytes, 0)
      assert.strictEqual(yield* dropStates(context.warehouse, "another", database), 0)
      assert.strictEqual(yield* dropStates(context.warehouse, "checkout", database), 1)
      assert.lengthOf(yield* listStates(context.warehouse, database), 0)
    }))

  it.effect("is how a recompute comes by its answer, which its provenance tells; where it can't, all data is read", () =>
    Effect.gen(function*() {
      const context = yield* fresh
      yield* TestClock.setTime(end + 9 * day)
      yield* insertEvents("arrived", arrivals(8, 1, end))
      const run = (experiment: Partial<Experiment>, states: StateContext) =>
        Effect.map(
          recompute(jobOf({ ...all, ...experiment }), contextOf({ mapping: stored, states })),
          ({ summary: { metrics, provenance: { refresh: mode } } }) => ({ metrics, mode })
        )
      const first = yield* run({}, context)
      assert.deepInclude(first.mode, { mode: "rebuilt", ingested_until: Instant.fromMillis(end + 9 * day) })
      const second = yield* run({}, context)
      assert.deepInclude(second, { metrics: first.metrics })
      assert.deepInclude(second.mode, { mode: "incremental", rows_added: 0 })
      const sliced = yield* run({ series: true }, context)
      assert.deepStrictEqual(sliced.mode, { mode: "full", reason: "it has a series" })
      const broken = yield* run({}, { ...context, warehouse: failing(context.warehouse, 2, false) })
      assert.deepStrictEqual(broken, { metrics: first.metrics, mode: { mode: "full", reason: "gone" } })
    }).pipe(Effect.provide([Store.layerMemory, TestClock.layer()])))
})

describe("a batch", () => {
  it("absorbs those before it that are small against it, so that there are few and each row is copied a few times", () => {
    let state: { readonly live: ReadonlyArray<number>; readonly sizes: ReadonlyArray<number> } = {
      live: [0],
      sizes: [100_000]
    }
    let [copied, mostLive] = [0, 0]
    for (let batch = 1; batch <= 1000; batch++) {
      const { absorbed, rows } = absorbedBy(state, 100)
      const kept = state.live.length - absorbed.length
      copied += rows - 100
      state = { live: [...state.live.slice(0, kept), batch], sizes: [...state.sizes.slice(0, kept), rows] }
      mostLive = Math.max(mostLive, state.live.length)
    }
    assert.strictEqual(state.sizes.reduce((a, b) => a + b, 0), 200_000)
    assert.isAtMost(mostLive, 10)
    assert.isAtMost(copied, 10 * 100_000)
  })
})
