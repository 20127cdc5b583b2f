/** A server that accepts connections and never says anything: the wait has an end, and Ctrl-C ends it at once. */
import { WarehouseUnavailable } from "@assay/model"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { faultyProxy } from "../src/index.ts"
import { at, failure, queriesAmong, statement } from "./asking.ts"
import { makeProject } from "./project.ts"

const silent = Effect.acquireRelease(
  Effect.promise(() => faultyProxy(1, { kind: "silent" })),
  (proxy) => Effect.promise(() => proxy.close())
)

describe("a server that never answers", { concurrent: true }, () => {
  it.live("is given up half a minute after the query's own limit, and not asked again", () =>
    Effect.gen(function*() {
      const proxy = yield* silent
      const error = yield* failure(
        at(proxy.url, ({ query }) => query(statement("SELECT 1")), { limits: { seconds: 1 }, retries: 2 })
      )
      assert.instanceOf(error, WarehouseUnavailable)
      assert.match(error.message, /didn't answer in time/)
      assert.strictEqual(queriesAmong(proxy.requests()).length, 1)
    }))

  it.live("doesn't hold back Ctrl-C", () =>
    Effect.gen(function*() {
      const proxy = yield* silent
      const project = yield* Effect.acquireRelease(
        Effect.sync(() => makeProject({ url: proxy.url })),
        ({ remove }) => Effect.sync(remove)
      )
      const { code, stdout } = yield* Effect.promise(async () => {
        const running = project.start(["recompute", "alpha"])
        while (proxy.requests().length === 0) await new Promise((done) => setTimeout(done, 20))
        running.signal("SIGINT")
        return await running.ended
      })
      assert.strictEqual(code, 130)
      assert.strictEqual(stdout, "")
      assert.deepStrictEqual(project.stored(), {})
    }))
})
