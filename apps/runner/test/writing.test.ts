/** Results in ClickHouse: the tables are shown before they are made, and a result that can't be written is still kept. */
import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { assay, config, project, snapshots } from "./assay.ts"

/** The project's events, made again by each command, since the data directory stays. */
const again = config("warehouse: { embedded: { path: \"data\" } }, results: true")
  .replace("CREATE TABLE", "CREATE OR REPLACE TABLE")

const ask = (root: string, text: string) =>
  Effect.runPromise(
    Warehouse.use((_) => _.query({ text, parameters: {}, settings: {} })).pipe(
      Effect.map(({ rows }) => rows),
      Effect.provide(Warehouse.layerEmbedded(join(root, "data")))
    )
  )

describe("writing results to ClickHouse", () => {
  it("shows the tables, makes them when told to, and fills them with each run", async () => {
    const root = project({ "assay.config.ts": again })
    const shown = await assay(["init", "--warehouse"], { cwd: root })
    expect(shown.code).toBe(0)
    expect(shown.stdout.match(/CREATE TABLE IF NOT EXISTS `assay_\w+`/g)).toHaveLength(4)
    expect(shown.stderr).toMatch(/Nothing was made\. Add --yes/)

    const early = await assay(["recompute", "--all"], { cwd: root })
    expect(early.code).toBe(1)
    expect(early.stdout).toMatch(/^checkout /)
    expect(early.stderr).toMatch(/checkout: kept in the store, but not written to ClickHouse: .*60 UNKNOWN_TABLE/)
    expect(early.stderr).toMatch(/assay init --warehouse/)
    expect(early.stderr).not.toMatch(/events\.table|error:/)
    expect(snapshots(root)).toHaveLength(1)

    expect(await assay(["init", "--warehouse", "--yes"], { cwd: root })).toMatchObject({
      code: 0,
      stdout: shown.stdout
    })
    const json = await assay(["recompute", "--all", "--json"], { cwd: root })
    expect(json.code).toBe(0)
    expect(JSON.parse(json.stdout)).toMatchObject({ results: [{ experiment: "checkout" }], failed: [] })
    expect(JSON.parse(json.stdout)).not.toHaveProperty("unpublished")
    const rows = await ask(root, "SELECT experiment, verdict, lift FROM assay_inference")
    expect(rows).toMatchObject([{ experiment: "checkout", verdict: "winning", lift: 1 }])
    expect(await ask(root, "SELECT count() AS n FROM assay_summaries")).toEqual([{ n: "1" }])
  })

  it("is asked for in the configuration", async () => {
    const refused = await assay(["init", "--warehouse"], { cwd: project() })
    expect(refused).toMatchObject({ code: 2, stdout: "" })
    expect(refused.stderr).toMatch(/doesn't say that results are written.*\n.*`results: true`/)
    expect((await assay(["init", "--yes"], { cwd: project() })).stderr).toMatch(/--yes was given without --warehouse/)
  })

  it("by a connection whose secret is missing says whose key it is", async () => {
    const results = "results: { url: \"http://127.0.0.1:1\", password: { env: \"ASSAY_NOT_SET\" } }"
    const { code, stderr } = await assay(["recompute", "checkout"], {
      cwd: project({ "assay.config.ts": config(results) })
    })
    expect(code).toBe(1)
    expect(stderr).toMatch(/ASSAY_NOT_SET, which should hold the results connection's password.*\n.*results\.password/)
  })

  it("by another connection that doesn't answer keeps the results, and names the key of that connection", async () => {
    const root = project({ "assay.config.ts": config("results: { url: \"http://127.0.0.1:1\", retries: 0 }") })
    const { code, stderr } = await assay(["recompute", "checkout"], { cwd: root })
    expect(code).toBe(1)
    expect(stderr).toMatch(/not written to ClickHouse: .*ECONNREFUSED.*\n.*results\.url/)
    expect(snapshots(root)).toHaveLength(1)
  })
})

describe("what a result cost", () => {
  it("is shown by results --cost, for people and machines", async () => {
    const root = project()
    expect((await assay(["recompute", "--all"], { cwd: root })).code).toBe(0)
    const { code, stdout } = await assay(["results", "checkout", "--cost"], { cwd: root })
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^checkout as of \S+Z\n {2}Rows read +[\d,]+\n {2}Bytes read +[\d.]+ k?B\n {2}Peak memory +(unknown|[\d.]+ \wB)\n {2}Query +[\d.]+ s\n/
    )
    const cost: unknown = JSON.parse((await assay(["results", "checkout", "--cost", "--json"], { cwd: root })).stdout)
    expect(cost).toMatchObject({ schema: "assay.cost/1", experiment: "checkout", rows_read: expect.any(Number) })
    expect(cost).not.toHaveProperty("peak_memory_bytes", 0)
  })

  it("is refused before the query where it is over a limit, with the figures", async () => {
    const root = project({ "assay.config.ts": config("warehouse: { limits: { rows: 450 } }") })
    const { code, stderr } = await assay(["recompute", "--all"], { cwd: root })
    expect(code).toBe(1)
    expect(stderr).toMatch(/would read about [\d,]+ rows of default\.events, and may read 450; it didn't run/)
    expect(snapshots(root)).toHaveLength(0)
  })
})
