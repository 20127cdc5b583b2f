/** The rights that the documentation asks for: users that have exactly these do all that they are for. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Server, startServer } from "../src/index.ts"
import { makeProject, type Project } from "./project.ts"
import { load } from "./shop.ts"

const reader = { name: "assay", password: "r1ghts-Passw0rd" }
const writer = { name: "assay_writer", password: "wr1ter-Passw0rd" }

/** The statements of a document that make these two users and give them rights, in its order. */
const documented = (file: string): ReadonlyArray<string> =>
  [...readFileSync(resolve(import.meta.dirname, "../../../docs", file), "utf8").matchAll(/```sql\n(.*?)```/gs)]
    .flatMap(([, block]) => block!.split("\n"))
    .map((line) => line.replace(/;.*$/, ""))
    .filter((line) => /^CREATE USER assay|^GRANT .* TO assay(_writer)?$/.test(line))

const statements = [...documented("operations.md"), ...documented("incremental.md")]

/** Users as their statements make them, for users.d: not every server takes the statements. */
const usersXml = `<clickhouse>
  <profiles><documented_reader><readonly>2</readonly></documented_reader></profiles>
  <users>${
  [reader, writer].map(({ name, password }) => `
    <${name}>
      <password>${password}</password>
      <networks><ip>::/0</ip></networks>
      <profile>${
    statements.includes(`CREATE USER ${name} IDENTIFIED BY '…' SETTINGS readonly = 2`) ? "documented_reader" : "default"
  }</profile>
      <quota>default</quota>
      <grants>${
    statements.filter((line) => line.startsWith("GRANT") && line.endsWith(` TO ${name}`))
      .map((line) => `<query>${line.slice(0, -` TO ${name}`.length)}</query>`).join("")
  }</grants>
    </${name}>`).join("")
}
  </users>
</clickhouse>
`

/** No right that nobody gave. */
const strictXml = `<clickhouse>
  <access_control_improvements>
    <table_engines_require_grant>true</table_engines_require_grant>
    <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
    <select_from_information_schema_requires_grant>true</select_from_information_schema_requires_grant>
  </access_control_improvements>
</clickhouse>
`

interface Recomputed {
  readonly results: ReadonlyArray<{
    readonly metrics: unknown
    readonly variants: unknown
    readonly provenance: {
      readonly rows_read: number
      readonly refresh: { readonly mode: string; readonly reason?: string; readonly rows_added?: number }
    }
  }>
}

/** The same without the last digits of numbers, which come of the order of adding. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === "number" ? Number(one.toPrecision(9)) : one)))

describe("the documented rights", () => {
  let project: Project
  let server: Server
  const ask = (statement: string) => server.ask(statement)

  beforeAll(async () => {
    server = await startServer({
      files: {
        "/etc/clickhouse-server/config.d/strict.xml": strictXml,
        "/etc/clickhouse-server/users.d/documented.xml": usersXml
      }
    })
    await load(server)
    await ask("CREATE DATABASE product")
    await ask("CREATE DATABASE experiments")
    await ask("CREATE TABLE product.events AS shop.events")
    await ask("INSERT INTO product.events SELECT * FROM shop.events")
    project = makeProject({
      url: server.url,
      user: reader,
      warehouse: { database: "product" },
      events: { database: "product", columns: { ingested: "collected_at" } },
      results: { url: server.url, username: writer.name, password: { env: "ASSAY_WRITE" }, database: "experiments" },
      incremental: { lag: "1m" }
    })
  })
  afterAll(async () => {
    project.remove()
    await server.remove()
  })

  const run = async (...args: ReadonlyArray<string>) => {
    const { code, stderr, stdout } = await project.run(args, { env: { ASSAY_WRITE: writer.password } })
    expect({ code, said: code === 0 ? "" : stdout + stderr }).toEqual({ code: 0, said: "" })
    return stdout
  }

  const recomputed = async (...args: ReadonlyArray<string>) => {
    const [result] = (JSON.parse(await run("recompute", "alpha", "--json", ...args)) as Recomputed).results
    return result!
  }

  const states = () =>
    ask("SELECT count() FROM system.tables WHERE database = 'experiments' AND name LIKE 'assay\\_state\\_%'")

  it("are found in the documents, for both users", () => {
    expect(documented("operations.md")).toContain("GRANT SELECT ON product.events TO assay")
    expect(documented("operations.md").filter((line) => line.startsWith("CREATE USER"))).toHaveLength(2)
    expect(documented("incremental.md")).toContain("GRANT SELECT ON product.events TO assay_writer")
  })

  it(
    "suffice to make the tables of results, and a state that refreshes, absorbs batches, is rebuilt and is dropped",
    async () => {
      await run("init", "--warehouse", "--yes")
      expect((await recomputed()).provenance.refresh).toMatchObject({ mode: "rebuilt" })
      for (let i = 0; i < 7; i++) {
        // Stored since the last refresh and longer ago than the lag.
        await ask(`INSERT INTO product.events SELECT 'production', 'purchase', '', toString(number),
        toDateTime64('2026-03-04 00:00:0${i}', 3, 'UTC'), '${i}', '{}', '{}', now64(3, 'UTC') - toIntervalMinute(1) FROM numbers(100)`)
        const { provenance: { refresh, rows_read } } = await recomputed()
        expect(refresh).toMatchObject({ mode: "incremental", rows_added: 100 })
        expect(rows_read).toBeGreaterThan(500)
      }
      const absorbed = await ask(
        `SELECT max(length(live)), count() > 0 FROM merge('experiments', '^assay_state_.*_commits$') WHERE kind != 'begun'`
      )
      expect(absorbed).toBe("5\t1")
      const batches = await ask(
        `SELECT uniqExact(partition) FROM system.parts WHERE active AND database = 'experiments' AND table LIKE '%\\_units'`
      )
      const live = await ask(
        `SELECT length(argMax(live, seq)) FROM merge('experiments', '^assay_state_.*_commits$') WHERE kind = 'committed'`
      )
      expect(batches).toBe(live)
      const [last, whole] = [await recomputed(), await recomputed("--full")]
      expect(last.provenance.refresh).toMatchObject({ mode: "incremental", rows_added: 0 })
      expect(whole.provenance.refresh).toMatchObject({ mode: "rebuilt" })
      expect(rounded([last.variants, last.metrics])).toEqual(rounded([whole.variants, whole.metrics]))
      expect(Number(await ask("SELECT count() FROM experiments.assay_summaries"))).toBe(10)
      expect(await states()).toBe("6")
      expect(await run("state")).toMatch(/alpha/)
      await run("state", "drop", "alpha")
      expect(await states()).toBe("0")
    },
    300_000
  )
})
