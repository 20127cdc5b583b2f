/** What a network does to a server: never a wrong or partial result, and always an end. */
import { QueryRejected, WarehouseUnavailable } from "@assay/model"
import { type WarehouseConfig } from "@assay/warehouse"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { inject } from "vitest"
import { type Fault, faultyProxy } from "../src/index.ts"
import { at, failure, queriesAmong, statement } from "./asking.ts"

const port = inject("port")

const through = (fault: Fault) =>
  Effect.acquireRelease(
    Effect.promise(() => faultyProxy(port, fault)),
    (proxy) => Effect.promise(() => proxy.close())
  )

/** About a megabyte of numbers. */
const large = statement("SELECT number, toString(cityHash64(number)) AS text FROM numbers(30000)")

const ask = (url: string, config: Partial<WarehouseConfig> = {}) => at(url, ({ query }) => query(large), config)

describe("a connection", () => {
  it.live("to nothing: told after all tries", () =>
    Effect.gen(function*() {
      const { url } = yield* Effect.scoped(through({ kind: "none" }))
      const error = yield* failure(ask(url, { retries: 1 }))
      assert.instanceOf(error, WarehouseUnavailable)
      assert.match(error.message, /ECONNREFUSED/)
    }))

  it.live("that is reset in the middle of each result: told after all tries, each under an id of its own", () =>
    Effect.gen(function*() {
      for (const afterBytes of [0, 100, 5_000, 200_000]) {
        const proxy = yield* through({ kind: "cut", afterBytes })
        const error = yield* failure(ask(proxy.url, { retries: 2 }))
        assert.instanceOf(error, WarehouseUnavailable, `after ${afterBytes} bytes`)
        const ids = queriesAmong(proxy.requests())
        assert.strictEqual(ids.length, 3)
        assert.strictEqual(new Set(ids).size, 3)
      }
    }))

  it.live("that is reset once: the next try has the whole result", () =>
    Effect.gen(function*() {
      const proxy = yield* through({ kind: "cut", afterBytes: 5_000 })
      const mended = Effect.promise(async () => {
        while (proxy.requests().length === 0) await new Promise((done) => setTimeout(done, 10))
        proxy.become({ kind: "none" })
      })
      const [{ rows }] = yield* Effect.all([ask(proxy.url, { retries: 2 }), mended], { concurrency: 2 })
      assert.strictEqual(rows.length, 30_000)
      assert.strictEqual(rows.at(-1)?.["number"], "29999")
    }))

  it.live("that is slow: the whole result, later", () =>
    Effect.gen(function*() {
      const proxy = yield* through({ kind: "slow", bytesPerSecond: 1_000_000 })
      const { rows } = yield* ask(proxy.url)
      assert.strictEqual(rows.length, 30_000)
    }))
})

describe("a result that fails after HTTP 200", () => {
  // The service asks for whole answers; here a proxy takes that wish away, so the server sends as it goes.
  const unbuffered = { kind: "rewrite", from: "wait_end_of_query=1", to: "wait_end_of_query=0" } as const

  it.live("is the error that ClickHouse wrote into the body", () =>
    Effect.gen(function*() {
      const proxy = yield* through(unbuffered)
      const text = "SELECT number, throwIf(number = 300000, 'too far') AS bad FROM numbers(400000)"
      const error = yield* failure(
        at(proxy.url, ({ query }) => query(statement(text, {}, { max_block_size: 10_000, max_threads: 1 })))
      )
      assert.instanceOf(error, QueryRejected)
      assert.strictEqual(error.clickhouseCode, 395)
    }))

  it.live("tells a limit that was hit on the way", () =>
    Effect.gen(function*() {
      const proxy = yield* through(unbuffered)
      const text = "SELECT number, sleepEachRow(0.0001) AS slept FROM numbers(100000)"
      const error = yield* failure(
        at(proxy.url, ({ query }) => query(statement(text, {}, { max_block_size: 100, max_threads: 1 })), {
          limits: { seconds: 1 }
        })
      )
      assert.deepInclude(error, { _tag: "QueryLimitExceeded", limit: "time", value: 1 })
    }))
})
