/** `assay advise` on a server: what a user may do there, what is left of it, and what the server makes of what it prints. */
import type { Statement } from "@assay/model"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest"
import { users } from "../src/index.ts"
import { at, statement } from "./asking.ts"
import { makeProject, type Project } from "./project.ts"

const url = inject("url")

const ask = (...statements: ReadonlyArray<string>) =>
  Effect.runPromise(
    at(
      url,
      (warehouse) => Effect.forEach(statements, (text) => warehouse.command(statement(text)), { discard: true }),
      {},
      users.admin
    )
  )

const query = (asked: Statement) => Effect.runPromise(at(url, (warehouse) => warehouse.query(asked), {}, users.admin))

const rowsOf = async (text: string) => (await query(statement(text))).rows

const copies = () =>
  rowsOf(
    "SELECT count() AS tables, uniqExact(database) AS databases FROM system.tables WHERE name LIKE 'assay\\_advise\\_%'"
  )

interface Told {
  readonly tables: readonly [{
    readonly table: string
    readonly advised: ReadonlyArray<{
      readonly ddl: ReadonlyArray<string>
      readonly gain: {
        readonly measured: boolean
        readonly before: { readonly rows: number }
        readonly after: { readonly rows: number }
      }
    }>
    readonly because: ReadonlyArray<string>
  }]
  readonly unmeasured?: string
}

describe("assay advise", () => {
  let project: Project

  beforeAll(async () => {
    await ask(
      "CREATE DATABASE scratch",
      "CREATE TABLE shop.unordered AS shop.events ENGINE = MergeTree ORDER BY identifier SETTINGS index_granularity = 256",
      "INSERT INTO shop.unordered SELECT * FROM shop.events",
      `INSERT INTO shop.unordered SELECT 'production', 'view', '', toString(cityHash64(number) % 600),
        toDateTime64('2026-03-02 00:00:00', 3, 'UTC') AS at, '', '', '', at FROM numbers(200000)`
    )
    project = makeProject({ url, events: { table: "unordered" } })
  })
  afterAll(async () => {
    await ask("DROP TABLE shop.unordered", "DROP DATABASE scratch")
    project.remove()
  })

  const advise = async (
    name: "admin" | "reader" | "stranger",
    args: ReadonlyArray<string> = [],
    table = "unordered"
  ) => {
    project.configure({ url, events: { table }, user: users[name] })
    const { code, stderr, stdout } = await project.run(["advise", "--json", ...args])
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^Looking at .*\n$/)])
    return JSON.parse(stdout) as Told
  }

  it("estimates where the user may only read, with the reason", async () => {
    const quiet = await advise("reader")
    expect(quiet).toMatchObject({ tables: [{ advised: [{ gain: { measured: false } }] }] })
    expect(quiet.unmeasured).toMatch(/--scratch <database>/)
    const refused = await advise("reader", ["--scratch", "scratch"])
    expect(refused).toMatchObject({ tables: [{ advised: [{ gain: { measured: false } }] }] })
    expect(refused.unmeasured).toMatch(/^a copy in scratch can't be made or tried: .*16[24]|497/)
  })

  it("says what can't be advised on", async () => {
    const reason = async (table: string) => (await advise("admin", [], table)).tables[0].because.join()
    expect(await reason("crowd")).toMatch(/a view/)
    expect(await reason("nothing")).toMatch(/no such table/)
    expect((await advise("stranger", [], "events")).tables[0].because.join()).toMatch(/497 ACCESS_DENIED/)
  })

  it("leaves nothing when it is interrupted", async () => {
    project.configure({ url, events: { table: "unordered" }, user: users.admin })
    const running = project.start(["advise", "--scratch", "scratch"])
    for (let found = 0; found === 0;) found = Number((await copies())[0]?.["tables"])
    running.signal("SIGINT")
    expect((await running.ended).code).toBe(130)
    expect(await copies()).toEqual([{ tables: "0", databases: "0" }])
  })

  it("measures on a copy that is gone afterwards, and the server uses what it prints", async () => {
    const { tables: [{ advised }], unmeasured } = await advise("admin", ["--scratch", "scratch"])
    expect(unmeasured).toBeUndefined()
    expect(await copies()).toEqual([{ tables: "0", databases: "0" }])
    const [{ ddl, gain }] = advised as [Told["tables"][0]["advised"][0]]
    expect(gain.measured).toBe(true)
    expect(gain.before.rows).toBeGreaterThan(5 * gain.after.rows)
    const { stdout } = await project.run(["explain", "alpha", "--json"])
    const { statement: recompute } = JSON.parse(stdout) as { readonly statement: Statement }
    const before = await query(recompute)
    await ask(...ddl.map((text) => `${text} SETTINGS mutations_sync = 2`))
    const after = await query(recompute)
    expect(new Set(after.rows)).toEqual(new Set(before.rows))
    expect(after.statistics.rowsRead).toBeLessThan(before.statistics.rowsRead / 5)
    const explained = await query({ ...recompute, text: `EXPLAIN ${recompute.text}` })
    const reads = explained.rows.flatMap(({ explain }) => String(explain).match(/ReadFromMergeTree \(.*\)/) ?? [])
    expect(reads).toContain("ReadFromMergeTree (assay_by_event)")
    expect((await advise("admin", ["--scratch", "scratch"])).tables[0].advised).toEqual([])
  })
})
