/** From nothing to results, as a new user goes. */
import type { ResultsSummary } from "@assay/model"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { assay, filesIn, folder, type Outcome, snapshots } from "./assay.ts"

const root = folder()
const here = { cwd: root }
const ansi = "\u001b"

/** One document, and nothing else. */
const json = ({ stdout }: Outcome): Record<string, unknown> => {
  expect(stdout.endsWith("}\n")).toBe(true)
  return JSON.parse(stdout) as Record<string, unknown>
}

describe("a new user", () => {
  let init: Outcome
  let recompute: Outcome
  beforeAll(async () => {
    init = await assay(["init"], here)
    recompute = await assay(["recompute", "--all"], here)
  })

  it("makes a starter project with init, and is told what to type next", () => {
    expect(init).toMatchObject({ code: 0, stderr: "" })
    expect(init.stdout).toMatch(/assay\.config\.ts\n(.*\n)*.*assay recompute --all\n/)
    expect(Object.keys(filesIn(root)).filter((file) => !file.startsWith(".assay/"))).toEqual([
      ".gitignore",
      "assay.config.ts",
      "experiments/checkout_button.yaml",
      "metrics/purchased.yaml",
      "metrics/revenue.yaml",
      "schemas/experiment.schema.json",
      "schemas/metric.schema.json"
    ])
  })

  it("can't overwrite anything with a second init, not even in part", async () => {
    const before = filesIn(root)
    expect(await assay(["init"], here)).toMatchObject({ code: 2, stdout: "" })
    expect(filesIn(root)).toEqual(before)
    const other = folder()
    writeFileSync(join(other, ".gitignore"), "mine\n")
    const refused = await assay(["init", other])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/\.gitignore is there already; nothing was written\n {2}Choose an empty folder/)
    expect(filesIn(other)).toEqual({ ".gitignore": "mine\n" })
  })

  it("finds the files well-formed with validate", async () => {
    expect(await assay(["validate"], here)).toEqual({
      code: 0,
      stdout: "assay.config.ts: 1 experiment and 2 metrics are well-formed.\n",
      stderr: ""
    })
    const outcome = await assay(["validate", "--json"], here)
    expect(json(outcome)).toEqual({
      schema: "assay.validate/1",
      experiments: ["checkout_button"],
      metrics: ["purchased", "revenue"],
      warnings: []
    })
  })

  it("sees plan, statement and what will be read with explain", async () => {
    const [text, machine] = await Promise.all([
      assay(["explain", "checkout_button"], here),
      assay(["explain", "checkout_button", "--json"], here)
    ])
    expect(text).toMatchObject({ code: 0, stderr: "" })
    expect(text.stdout).toMatch(/purchased: occurrence 1\.0\.0 over event "purchase"/)
    expect(text.stdout).toMatch(/Reads +about [\d,]+ rows \([\d.]+ \w+\) in \d+ part/)
    expect(text.stdout).toMatch(/\nSELECT /)
    expect(text.stdout).toMatch(/\nParameters\n {2}/)
    const explained = json(machine)
    expect(explained).toMatchObject({ schema: "assay.explain/1", experiment: "checkout_button" })
    expect(explained["statement_hash"]).toMatch(/^[0-9a-f]{64}$/)
    expect(text.stdout).toContain(`sha256 ${String(explained["statement_hash"])}`)
    expect(explained["estimate"]).not.toBeNull()
  })

  it("gets a scorecard on stdout with recompute, the news on stderr, and no colour outside a terminal", () => {
    expect(recompute.code).toBe(0)
    expect(recompute.stdout).toMatch(/^checkout_button +ended\n/)
    expect(recompute.stdout).toMatch(/Decision {2}SHIP green\n/)
    expect(recompute.stdout.split("\n").every((line) => [...line].length <= 80)).toBe(true)
    expect(recompute.stderr).toMatch(/^checkout_button: [\d,]+ rows read in \d+\.\d s\n/)
    expect(recompute.stderr).toContain(`Kept as ${snapshots(root)[0]!}`)
    expect(recompute.stdout + recompute.stderr).not.toContain(ansi)
    expect(recompute.stderr).not.toContain("\r")
  })

  it("sees the same scorecard again with results", async () => {
    expect(await assay(["results", "checkout_button"], here)).toEqual({ code: 0, stdout: recompute.stdout, stderr: "" })
  })

  it("finds older results by their ids, and the newest without", async () => {
    const again = await assay(["recompute", "checkout_button", "--as-of", "2026-01-07T00:00:00Z", "--json"], here)
    expect(again.code).toBe(0)
    const [older] = json(again)["results"] as ReadonlyArray<ResultsSummary>
    expect(older).toMatchObject({ state: "running", as_of: "2026-01-07T00:00:00.000Z" })
    const id = older!.provenance.run_id

    const list = await assay(["results", "checkout_button", "--list"], here)
    const lines = list.stdout.trimEnd().split("\n")
    expect(lines).toHaveLength(2)
    expect(lines[1]).toMatch(new RegExp(`^2026-01-07T00:00:00.000Z  ${id}  \\.assay/`))
    const listed = json(await assay(["results", "checkout_button", "--list", "--json"], here))
    expect(listed).toMatchObject({ schema: "assay.snapshots/1", experiment: "checkout_button" })
    expect(listed["snapshots"]).toHaveLength(2)

    const [latest, one] = await Promise.all([
      assay(["results", "checkout_button", "--json"], here),
      assay(["results", "checkout_button", "--snapshot", id, "--json"], here)
    ])
    expect(json(latest)).toMatchObject({ schema: "assay.results/1", state: "ended" })
    expect(json(one)).toEqual(older)
    const wrong = await assay(["results", "checkout_button", "--snapshot", "nope"], here)
    expect(wrong).toMatchObject({ code: 2, stdout: "" })
    expect(wrong.stderr).toMatch(/no snapshot "nope" of "checkout_button"\n.*--list/)
  })

  it("says that an older as_of didn't become the latest", async () => {
    const { code, stderr } = await assay(["recompute", "checkout_button", "--as-of", "2026-01-08"], here)
    expect(code).toBe(0)
    expect(stderr).toMatch(/a newer result than this one is there already/)
  })

  it("writes schemas for editors, the same that init wrote, or prints them", async () => {
    const before = filesIn(join(root, "schemas"))
    expect((await assay(["schema"], here)).stdout).toMatch(/Wrote schemas\/experiment\.schema\.json\n/)
    expect(filesIn(join(root, "schemas"))).toEqual(before)
    const out = folder()
    expect((await assay(["schema", "--out", out], here)).code).toBe(0)
    expect(filesIn(out)).toEqual(before)
    const printed = json(await assay(["schema", "--json"], here))
    expect(printed["metric"]).toEqual(JSON.parse(before["metric.schema.json"]!))
  })

  it("hears from doctor that all is well", async () => {
    const [text, machine] = await Promise.all([assay(["doctor"], here), assay(["doctor", "--json"], here)])
    expect(text).toMatchObject({ code: 0, stderr: "" })
    expect(text.stdout.trimEnd().split("\n").every((line) => line.startsWith("ok "))).toBe(true)
    expect(text.stdout).toMatch(/Warehouse: embedded, ClickHouse \d+\.\d+/)
    expect(text.stdout).toMatch(/Events: events, all \d+ mapped columns are there/)
    expect(json(machine)).toMatchObject({ schema: "assay.doctor/1", ok: true })
  })

  it("gets help that says what the exit codes mean", async () => {
    const [help, none, version] = await Promise.all([assay(["--help"]), assay([]), assay(["--version"])])
    expect(help).toMatchObject({ code: 0, stderr: "" })
    expect(help.stdout).toMatch(/Exit codes: 0 .*; 1 .*; 2 .*; 130 interrupted/)
    expect(none.stdout).toMatch(/SUBCOMMANDS/)
    const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
    expect(version.stdout).toContain((manifest as { readonly version: string }).version)
  })
})
