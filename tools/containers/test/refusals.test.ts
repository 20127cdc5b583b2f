/** What a server refuses: each is told by its code, once, with what to do about it. */
import { QueryLimitExceeded, QueryRejected, type WarehouseError } from "@assay/model"
import { type WarehouseConfig } from "@assay/warehouse"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule } from "effect"
import { inject } from "vitest"
import { faultyProxy, type User, users } from "../src/index.ts"
import { at, failure, queriesAmong, statement } from "./asking.ts"

const [url, port] = [inject("url"), inject("port")]

/** The error of a statement, and how often it was sent when two more tries are allowed. */
const refused = (
  text: string,
  { config = {}, settings = {}, user }: {
    readonly config?: Partial<WarehouseConfig>
    readonly settings?: Readonly<Record<string, number>>
    readonly user?: User
  } = {}
) =>
  Effect.gen(function*() {
    const proxy = yield* Effect.acquireRelease(
      Effect.promise(() => faultyProxy(port, { kind: "none" })),
      (opened) => Effect.promise(() => opened.close())
    )
    const error: WarehouseError = yield* failure(
      at(proxy.url, ({ query }) => query(statement(text, {}, settings)), { retries: 2, ...config }, user)
    )
    return { error, tries: queriesAmong(proxy.requests()).length }
  }).pipe(Effect.scoped)

describe("a server refuses", () => {
  it.live.each(
    [
      ["a wrong password", 516, { user: { name: "reader", password: "not-Th1s" } }, "SELECT 1", /password/],
      ["an unknown user", 516, { user: { name: "nobody", password: "not-Th1s" } }, "SELECT 1", /username/],
      ["a missing database", 81, { config: { database: "nowhere" } }, "SELECT 1", /database/],
      ["a missing table", 60, {}, "SELECT 1 FROM nowhere", /events\.table/],
      ["a missing column", 47, {}, "SELECT worth FROM events", /column mapping/],
      ["a missing right", 497, { user: users.stranger }, "SELECT value FROM events", /Grant the user/],
      ["writing as a reader", 497, {}, "CREATE TABLE shop.mine (a Int8) ENGINE = Memory", /Grant the user/],
      ["settings under readonly = 1", 164, { user: users.frozen }, "SELECT 1", /readonly = 2/],
      ["a statement that isn't one", 62, {}, "SELEC 1", /explain/]
    ] as const
  )("%s: code %i, tried once", ([, code, options, text, hint]) =>
    Effect.gen(function*() {
      const { error, tries } = yield* refused(text, options)
      assert.instanceOf(error, QueryRejected)
      assert.strictEqual(error.clickhouseCode, code)
      assert.match(error.hint, hint)
      assert.strictEqual(tries, 1)
    }))
})

describe("a server stops a query at a limit", () => {
  it.live.each(
    [
      ["time", { seconds: 1 }, 1, "SELECT count() FROM endless WHERE environment_key = 'x'", {}],
      ["memory", { memory_bytes: 50_000_000 }, 50_000_000, "SELECT uniqExact(identifier) FROM crowd", {}],
      ["rows", { rows: 500 }, 500, "SELECT count(), max(value) FROM events", {}],
      ["bytes", { bytes: 500 }, 500, "SELECT count(), max(value) FROM events", {}],
      ["result", {}, undefined, "SELECT number FROM numbers(1000)", { max_result_rows: 10 }]
    ] as const
  )("%s: told with its value, tried once", ([limit, limits, value, text, settings]) =>
    Effect.gen(function*() {
      const { error, tries } = yield* refused(text, { config: { limits }, settings })
      assert.instanceOf(error, QueryLimitExceeded)
      assert.deepInclude(error, { limit, value })
      assert.strictEqual(tries, 1)
    }))

  it.live("and says so in whole words", () =>
    Effect.gen(function*() {
      const text = "SELECT count(), max(value) FROM events WHERE value != {arm:String}"
      const error = yield* failure(
        at(url, ({ query }) => query(statement(text, { arm: "control" })), { limits: { rows: 500 } })
      )
      assert.include(error.message, "controlled by")
    }))

  it.live("a full disk for temporary files is a refusal, not a result", () =>
    Effect.gen(function*() {
      const { error, tries } = yield* refused("SELECT identifier, count() FROM crowd GROUP BY identifier LIMIT 1", {
        user: users.spiller
      })
      assert.instanceOf(error, QueryRejected)
      assert.match(error.hint, /disk/)
      assert.strictEqual(tries, 1)
    }))
})

describe("too many simultaneous queries", () => {
  const long = statement("SELECT sleepEachRow(0.1) FROM numbers(15)", {}, { max_block_size: 1 })

  /** Another query of this user, which may have one, runs while `effect` does. */
  const besides = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.gen(function*() {
      const other = yield* Effect.forkChild(at(url, ({ query }) => query(long), { retries: 5 }, users.lonely))
      const running = at(
        url,
        ({ query }) => query(statement("SELECT count() AS n FROM system.processes WHERE user = 'lonely'")),
        {},
        users.admin
      )
      yield* running.pipe(
        Effect.repeat({ until: ({ rows }) => rows[0]?.["n"] === "1", schedule: Schedule.spaced(50) })
      )
      const result = yield* effect
      yield* Fiber.join(other)
      return result
    })

  it.live("is code 202 where no further try is allowed", () =>
    Effect.gen(function*() {
      const { error } = yield* besides(refused("SELECT 1", { user: users.lonely, config: { retries: 0 } }))
      assert.deepInclude(error, { _tag: "QueryLimitExceeded", limit: "concurrency" })
    }))

  it.live("is waited for where tries are left", () =>
    Effect.gen(function*() {
      const proxy = yield* Effect.acquireRelease(
        Effect.promise(() => faultyProxy(port, { kind: "none" })),
        (opened) => Effect.promise(() => opened.close())
      )
      const { rows } = yield* besides(
        at(proxy.url, ({ query }) => query(statement("SELECT 7 AS seven")), { retries: 8 }, users.lonely)
      )
      assert.deepStrictEqual(rows, [{ seven: 7 }])
      const ids = queriesAmong(proxy.requests())
      assert.isAbove(ids.length, 1)
      assert.strictEqual(new Set(ids).size, ids.length)
    }))
})
