/** Runs on PostgreSQL: what all stores do, and what several runners on one database do. */
import { type PostgresServer, startPostgres } from "@assay/postgres"
import { type Claim, migratePostgres, Runs, Store } from "@assay/store"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option } from "effect"
import { readFileSync } from "node:fs"
import { Client } from "pg"
import { afterAll, beforeAll } from "vitest"
import { snapshot } from "./example.ts"
import { checkNewest } from "./newest.ts"
import { checkRuns, day, failure, request, start, take } from "./runs.ts"

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

let count = 0

/** A store of its own in a schema of its own. */
const fresh = Layer.unwrap(Effect.gen(function*() {
  const options = { url: server.url, schema: `test_${count++}`, leaseSeconds: 10 }
  yield* migratePostgres(options)
  return Runs.layerPostgres(options)
}))

checkRuns("PostgreSQL", fresh)

describe("a store in PostgreSQL", () => {
  it.live("keeps snapshots as every store does", () =>
    Effect.gen(function*() {
      const store = yield* Store
      assert.deepStrictEqual(yield* store.latest("checkout"), Option.none())
      const two = snapshot("b", day(2))
      assert.isTrue((yield* store.put(two)).latest)
      assert.isFalse((yield* store.put(snapshot("a", day(1)))).latest)
      assert.include((yield* Effect.flip(store.put(snapshot("a", day(5))))).message, "a exists already")
      yield* store.put(snapshot("other", day(9), "Checkout"))
      assert.deepStrictEqual(yield* store.latest("checkout"), Option.some(two))
      assert.deepStrictEqual((yield* store.list("checkout")).map(({ as_of, id }) => [id, as_of]), [["b", day(2)], [
        "a",
        day(1)
      ]])
      assert.deepStrictEqual(yield* store.get("checkout", "b"), Option.some(two))
      assert.deepStrictEqual(yield* store.get("checkout", "other"), Option.none())
    }).pipe(Effect.provide(fresh, { local: true })))

  it.live("tells the newest of several experiments as their lists do", () =>
    Effect.gen(function*() {
      yield* checkNewest(yield* Store)
    }).pipe(Effect.provide(fresh, { local: true })))

  it.live("is made by migrating, twice without harm, and refused before", () =>
    Effect.gen(function*() {
      const options = { url: server.url, schema: "made" }
      const error = yield* Effect.flip(Effect.provide(Effect.void, Runs.layerPostgres(options)))
      assert.include(`${error.message} ${error.hint}`, "assay store migrate")
      assert.deepStrictEqual(yield* migratePostgres(options), { from: 0, to: 1 })
      yield* Effect.provide(start(), Runs.layerPostgres(options))
      assert.deepStrictEqual(yield* migratePostgres(options), { from: 1, to: 1 })
      const listed = yield* Effect.provide(Runs.use((runs) => runs.list()), Runs.layerPostgres(options))
      assert.deepStrictEqual(listed.map(({ state }) => state), ["running"])
    }))

  it.live("may lie in a schema whose name is a word of SQL", () =>
    Effect.gen(function*() {
      const options = { url: server.url, schema: "order" }
      assert.deepStrictEqual(yield* migratePostgres(options), { from: 0, to: 1 })
      const held = yield* Effect.provide(
        Effect.gen(function*() {
          yield* (yield* start()).store("p").put(snapshot("s", day(1)))
          return [
            (yield* (yield* Runs).list()).map(({ state }) => state),
            (yield* (yield* Store).list("checkout")).length
          ]
        }),
        Runs.layerPostgres(options)
      )
      assert.deepStrictEqual(held, [["succeeded"], 1])
    }))

  it.live("needs no more rights than the documentation lists, once its tables are made", () =>
    Effect.gen(function*() {
      yield* migratePostgres({ url: server.url })
      const documented = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8")
      const grants = /```sql\n((?:GRANT [^\n]* TO assay_runner;\n)+)```/.exec(documented)?.[1] ?? ""
      assert.strictEqual(grants.split("\n").length, 4)
      yield* Effect.promise(async () => {
        const client = new Client({ connectionString: server.url })
        await client.connect()
        await client.query(`CREATE ROLE assay_runner LOGIN; ${grants}`)
        await client.end()
      })
      const url = server.url.replace("//assay@", "//assay_runner@")
      yield* Effect.gen(function*() {
        const runs = yield* Runs
        yield* Effect.scoped(runs.enter(Effect.void))
        const one = yield* start()
        assert.isTrue(yield* one.beat({ stage: "query", rows_read: 1, elapsed_ms: 1 }))
        yield* one.store("p").put(snapshot("s", day(1)))
        yield* (yield* start()).fail(failure, 0)
        yield* (yield* take()).fail(failure)
        const { run } = yield* runs.enqueue(request())
        assert.isTrue(yield* runs.cancel(run.id))
        yield* runs.prune({ before: Date.UTC(2190, 0, 1), keep: 1 })
        assert.deepStrictEqual((yield* runs.list()).map(({ state }) => state), ["cancelled", "succeeded"])
      }).pipe(Effect.provide(Runs.layerPostgres({ url })))
      const refused = yield* Effect.flip(migratePostgres({ url, schema: "another" }))
      assert.include(refused.hint, "rights")
    }))

  it.live("says what is wrong with a connection, without its password", () =>
    Effect.gen(function*() {
      const { port } = new URL(server.url)
      for (
        const [url, said] of [
          [`postgres://assay:hunter2@127.0.0.1:${port}/nowhere`, "Make the database"],
          ["mysql://assay:hunter2@127.0.0.1/x", "postgres://"]
        ] as const
      ) {
        const error = yield* Effect.flip(Effect.provide(Effect.void, Runs.layerPostgres({ url })))
        assert.include(error.hint, said)
        assert.notInclude(error.message + error.hint, "hunter2")
      }
    }))

  it.live("gives a run whose runner is silent to another one, and takes nothing from the first any more", () =>
    Effect.gen(function*() {
      const runs = yield* Runs
      const lost = yield* start("checkout", "first")
      yield* Effect.scoped(Effect.gen(function*() {
        yield* runs.enter(Effect.void)
        const found = yield* Effect.suspend(() => runs.claim({ runner: "second", atMost: 5 })).pipe(
          Effect.delay(500),
          Effect.repeat({ until: (all) => all.length > 0 })
        )
        const again = found[0]!
        assert.deepStrictEqual([again.run.id, again.run.attempt, again.run.error?.code], [
          lost.run.id,
          2,
          "runner_lost"
        ])
        assert.isFalse(yield* lost.beat())
        assert.include((yield* Effect.flip(lost.store("p").put(snapshot("old", day(9))))).message, "dropped")
        yield* again.store("p").put(snapshot("new", day(2)))
        assert.deepStrictEqual((yield* (yield* Store).list("checkout")).map(({ id }) => id), ["new"])
      }))
    }).pipe(Effect.provide(fresh, { local: true })))

  it.live("goes on after the database was away", () =>
    Effect.gen(function*() {
      const runs = yield* Runs
      const claim = yield* start()
      yield* Effect.promise(() => server.crash())
      const put = yield* Effect.forkChild(claim.store("p").put(snapshot("s", day(1))))
      yield* Effect.promise(() => server.restart())
      const { latest } = yield* Fiber.join(put)
      assert.isTrue(latest)
      yield* runs.enqueue(request())
      assert.strictEqual((yield* take()).run.attempt, 1)
      assert.deepStrictEqual((yield* runs.list()).map(({ state }) => state), ["running", "succeeded"])
    }).pipe(Effect.provide(fresh, { local: true })))

  it.live("outlives the end of the database in the middle of transactions", () =>
    Effect.gen(function*() {
      const runs = yield* Runs
      const claim = yield* start()
      for (let time = 0; time < 3; time++) {
        // Between the queries of a transaction nothing waits for an answer, so that nobody is told when the connection breaks.
        const busy = yield* Effect.forEach(
          Array.from({ length: 8 }),
          () =>
            Effect.forkChild(
              Effect.forever(Effect.ignore(claim.beat({ stage: "query", rows_read: time, elapsed_ms: 1 })))
            )
        )
        yield* Effect.sleep(300)
        yield* Effect.promise(() => server.crash())
        yield* Fiber.interruptAll(busy)
        yield* Effect.promise(() => server.restart())
      }
      assert.isTrue(yield* claim.beat())
      assert.strictEqual((yield* runs.list()).length, 1)
    }).pipe(Effect.provide(fresh, { local: true })))

  it.live("hands each run to one runner, however many ask at once", () =>
    Effect.gen(function*() {
      const runs = yield* Runs
      for (let i = 0; i < 12; i++) yield* runs.enqueue(request(`e${i}`))
      const claims = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, i) => `r${i}`),
        (runner) => runs.claim({ runner, atMost: 7 }),
        { concurrency: "unbounded" }
      )
      const taken = claims.flat().map(({ run }) => run.experiment)
      assert.strictEqual(taken.length, 7)
      assert.strictEqual(new Set(taken).size, 7)
      const asked = yield* Effect.forEach(
        Array.from({ length: 20 }),
        () => runs.enqueue(request("together")),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(asked.filter(({ queued }) => queued).length, 1)
      assert.strictEqual(new Set(asked.map(({ run }) => run.id)).size, 1)
    }).pipe(Effect.provide(fresh, { local: true })))

  it.live("hands runs that go together to one runner, whatever groups others ask for at once", () =>
    Effect.gen(function*() {
      const runs = yield* Runs
      const keys = Array.from({ length: 30 }, (_, i) => `e${i}`)
      for (const key of keys) yield* runs.enqueue(request(key))
      const dealt = (n: number) => Array.from({ length: n }, (_, i) => keys.filter((_, j) => j % n === i))
      const claims = yield* Effect.forEach(
        Array.from({ length: 30 }, (_, i) => i),
        (i) => runs.claim({ runner: `r${i}`, atMost: 20, groups: dealt(2 + i % 5) }),
        { concurrency: "unbounded" }
      )
      const taken = claims.flat().map(({ run }) => run.experiment)
      assert.strictEqual(new Set(taken).size, taken.length)
      assert.deepStrictEqual(taken.toSorted(), keys.toSorted())
      for (const together of claims) {
        assert.strictEqual(
          new Set(together.map(({ at, run }) => `${at} ${run.runner} ${run.together}`)).size,
          Math.min(1, together.length)
        )
      }
      assert.isBelow(claims.filter(({ length }) => length > 0).length, 16)
    }).pipe(Effect.provide(fresh, { local: true })))

  it.live(
    "gives runs that were together to others one by one when their runner is silent, and each but once",
    () =>
      Effect.gen(function*() {
        const runs = yield* Runs
        const keys = ["a", "b", "c"]
        for (const key of keys) yield* runs.enqueue(request(key))
        const claims = yield* runs.claim({ runner: "first", atMost: 1, groups: [keys] })
        const lost = claims.toSorted((a, b) => (a.run.experiment < b.run.experiment ? -1 : 1))
        assert.deepStrictEqual(lost.map(({ run }) => run.experiment), keys)
        yield* Effect.scoped(Effect.gen(function*() {
          yield* runs.enter(Effect.void)
          // One of the three lives on.
          const beating = yield* Effect.forkChild(lost[1]!.beat().pipe(Effect.delay(1000), Effect.forever))
          const found: Array<Claim> = []
          while (found.length < 2) {
            yield* Effect.sleep(500)
            found.push(...(yield* runs.claim({ runner: "second", atMost: 5, groups: [keys] })))
          }
          assert.deepStrictEqual(
            found.map(({ run }) => `${run.experiment} ${run.attempt} ${run.error?.code} ${run.together}`).toSorted(),
            ["a 2 runner_lost undefined", "c 2 runner_lost undefined"]
          )
          assert.deepStrictEqual(yield* Effect.forEach(lost, (one) => one.beat()), [false, true, false])
          yield* Fiber.interrupt(beating)
          yield* lost[1]!.store("p").put(snapshot("s", day(1), "b"))
          assert.include((yield* Effect.flip(lost[0]!.store("p").put(snapshot("s", day(1), "a")))).message, "dropped")
        }))
      }).pipe(Effect.provide(fresh, { local: true })),
    60_000
  )
})
