/** Real servers, as they are reached, asked, paid for and written to: by users of few rights. */
import { QueryLimitExceeded } from "@assay/model"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createServer, request as send, type Server } from "node:http"
import { afterAll, beforeAll, describe as group, expect, inject, it as test } from "vitest"
import { users } from "../src/index.ts"
import { at, failure, statement } from "./asking.ts"
import { type Ended, makeProject, type Project } from "./project.ts"

const url = inject("url")

/** Sends a statement as the administrator, and gives the answer's text. */
const ask = async (text: string): Promise<string> => {
  const answer = await fetch(url, {
    method: "POST",
    body: text,
    headers: { "X-ClickHouse-User": users.admin.name, "X-ClickHouse-Key": users.admin.password }
  })
  const said = (await answer.text()).trimEnd()
  if (!answer.ok) throw new Error(said)
  return said
}

describe("a server", () => {
  it.live("behind a gateway's path is reached, and its answers are compressed", () =>
    Effect.gen(function*() {
      const encodings: Array<string | undefined> = []
      const gateway = yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          const server = createServer((incoming, outgoing) => {
            if (incoming.url?.startsWith("/gate/ch/") !== true) return void outgoing.writeHead(404).end()
            const onward = send(
              new URL(incoming.url.slice("/gate/ch".length), url),
              { method: incoming.method!, headers: incoming.headers },
              (answer) => {
                encodings.push(answer.headers["content-encoding"])
                outgoing.writeHead(answer.statusCode!, answer.headers)
                answer.pipe(outgoing)
              }
            )
            incoming.pipe(onward)
          })
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close().closeAllConnections())
      )
      const address = gateway.address()
      const path = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/gate/ch/`
      const { rows } = yield* at(
        path,
        ({ query }) => query(statement("SELECT count() AS n, currentDatabase() AS d FROM events")),
        { compression: { response: true } }
      )
      assert.deepInclude(rows[0], { d: "shop" })
      assert.isAbove(Number(rows[0]!["n"]), 0)
      assert.deepStrictEqual(encodings, ["gzip"])
    }))

  it.live("tells the peak of memory, and what a statement would read, to a user who may only read", () =>
    Effect.gen(function*() {
      const heavy = statement("SELECT uniqExact(identifier, timestamp) AS n FROM events WHERE event = 'purchase'")
      const { statistics } = yield* at(url, ({ query }) => query(heavy))
      assert.isAbove(statistics.peakMemoryBytes!, 1000)
      const estimate = yield* at(url, (warehouse) => warehouse.estimate(heavy))
      assert.strictEqual(estimate.tables[0]?.table, "shop.events")
      assert.isAtLeast(estimate.rows, statistics.rowsRead)
      assert.isAbove(estimate.bytes!, 0)
      const refused = yield* failure(at(url, (warehouse) => warehouse.admit(heavy), { limits: { rows: 1 } }))
      assert.instanceOf(refused, QueryLimitExceeded)
      assert.match(refused.message, /rows of shop\.events, and may read 1; it didn't run/)
    }))

  it.live("goes on on its disk where a query takes more memory than it may keep", () =>
    Effect.gen(function*() {
      const groups = statement(
        "SELECT sum(k) AS k FROM (SELECT k FROM (SELECT number % 1000000 AS k, count() AS n FROM numbers(2000000) GROUP BY k) " +
          "AS a RIGHT JOIN (SELECT number AS k FROM numbers(1000000)) AS b USING (k))",
        {},
        { max_threads: 2, max_block_size: 8192 }
      )
      const limits = { memory_bytes: 100_000_000 }
      const refused = yield* failure(at(url, ({ query }) => query(groups), { limits }))
      assert.deepInclude(refused, { _tag: "QueryLimitExceeded", limit: "memory" })
      // The disk for temporary files of the shared server is full: that it is used is told by its name.
      const spilled = yield* Effect.result(
        at(url, ({ query }) => query(groups), { limits: { ...limits, spill_bytes: 10_000_000 } }, users.admin)
      )
      if (spilled._tag === "Failure") assert.match(spilled.failure.message, /243|space|write/i)
      else assert.deepStrictEqual(spilled.success.rows, [{ k: "499999500000" }])
    }))
})

group("assay", () => {
  let project: Project
  const writing = (database: string) => ({
    url,
    username: users.admin.name,
    password: { env: "ADMIN_PASSWORD" },
    database
  })
  const env = { ADMIN_PASSWORD: users.admin.password }
  const run = (args: ReadonlyArray<string>): Promise<Ended> => project.run(args, { env })

  beforeAll(() => {
    project = makeProject({ url })
  })
  afterAll(() => project.remove())

  test("doctor finds all well for a user who may only read, and says what stopping queries takes", async () => {
    project.configure({ url })
    const { code, stdout } = await run(["doctor"])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ok {5}Credentials: as reader\nok {5}Database: shop\nok {5}Settings: /m)
    expect(stdout).toMatch(/^ok {5}Events: events, all \d+ mapped columns/m)
    expect(stdout).toMatch(/^warn {3}Stopping: .*\n +GRANT SELECT ON system\.processes TO `reader`$/m)
  })

  test("doctor names what a user lacks, with the statement that gives it", async () => {
    project.configure({ url, user: users.frozen })
    const frozen = await run(["doctor"])
    expect(frozen.code).toBe(1)
    expect(frozen.stdout).toMatch(/BROKEN Settings: .*164.*\n.*readonly = 2/)
    project.configure({ url, user: users.stranger })
    const stranger = await run(["doctor"])
    expect(stranger.code).toBe(1)
    expect(stranger.stdout).toMatch(
      /BROKEN Events: .*497.*\n.*GRANT SELECT\(.*`identifier`.*\) ON `shop`\.`events` TO `stranger`/
    )
    project.configure({ url, warehouse: { database: "nowhere" } })
    expect((await run(["doctor"])).stdout).toMatch(/BROKEN Database: .*81/)
    project.configure({ url, results: { ...writing("shop"), username: "reader", password: { env: "SHOP_PASSWORD" } } })
    expect((await run(["doctor"])).stdout).toMatch(/BROKEN Results: recompute can't write them: .*(60|164)/)
  })

  test("reads as one user and writes as another, each run once, and a reader may ask for it", async () => {
    await ask("CREATE DATABASE IF NOT EXISTS results_of_tests")
    project.configure({ url, results: writing("results_of_tests") })
    expect(await run(["init", "--warehouse"])).toMatchObject({ code: 0 })
    expect(await ask("SELECT count() FROM system.tables WHERE database = 'results_of_tests'")).toBe("0")
    expect((await run(["init", "--warehouse", "--yes"])).code).toBe(0)
    expect((await run(["doctor"])).stdout).toMatch(/^ok {5}Results: may be written/m)
    const ended = await run(["recompute", "--all", "--as-of", "2026-04-01T00:00:00Z"])
    expect(ended.code).toBe(0)
    expect(
      await ask(
        "SELECT experiment, state, peak_memory_bytes > 0 FROM results_of_tests.assay_summaries ORDER BY experiment"
      )
    )
      .toBe("alpha\tended\t1\nbeta\tended\t1")
    expect(await ask("SELECT count() FROM results_of_tests.assay_moments")).toBe("8")
    expect(await ask("SELECT count() FROM results_of_tests.assay_inference WHERE lift IS NOT NULL")).toBe("4")
    const cost = await run(["results", "alpha", "--cost", "--json"])
    expect(JSON.parse(cost.stdout)).toMatchObject({ schema: "assay.cost/1", peak_memory_bytes: expect.any(Number) })
  })

  test("keeps a result that can't be written, and says why", async () => {
    const before = Object.keys(project.stored()).length
    project.configure({ url, results: writing("nowhere") })
    const { code, stderr } = await run(["recompute", "alpha"])
    expect(code).toBe(1)
    expect(stderr).toMatch(/alpha: kept in the store, but not written to ClickHouse: .*81/)
    expect(Object.keys(project.stored()).length).toBe(before + 1)
  })
})
