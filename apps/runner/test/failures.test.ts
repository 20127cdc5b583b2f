/** What goes wrong around a recompute: the warehouse, the store, an interruption. Nothing is left half-done. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import {
  assay,
  assayLine,
  config,
  endless,
  execute,
  experimentFile,
  filesIn,
  metricFile,
  type Outcome,
  project,
  snapshots
} from "./assay.ts"

const server = (more = "") => `export default { warehouse: { url: "http://127.0.0.1:1", retries: 0, ${more} } }\n`

interface Recomputed {
  readonly schema: string
  readonly skipped: ReadonlyArray<string>
  readonly results: ReadonlyArray<{ readonly experiment: string; readonly as_of: string }>
  readonly failed: ReadonlyArray<{ readonly experiment: string; readonly code: string; readonly hint: string }>
}

const parsed = ({ stdout }: Outcome): Recomputed => JSON.parse(stdout) as Recomputed

describe("an experiment that fails", () => {
  const files = {
    "assay.config.ts": config("events: { properties: { country: \"country\" } }"),
    "experiments/abroad.yaml": experimentFile("abroad", { metrics: "[abroad]" }),
    "experiments/later.yaml": experimentFile("later", { started_at: "2190-01-01", ended_at: "2190-02-01" }),
    "metrics/abroad.yaml": metricFile("abroad", { where: "[{ property: country, op: \"=\", value: SE }]" })
  }

  it("doesn't stop the others; the exit code is 1, and each reason is told once", async () => {
    const cwd = project(files)
    const outcome = await assay(["recompute", "--all"], { cwd })
    expect(outcome.code).toBe(1)
    expect(outcome.stdout).toMatch(/^checkout {2}ended, 400 identities: ship green\n$/)
    expect(outcome.stderr).toMatch(/^abroad: failed$/m)
    expect(outcome.stderr).toMatch(/1 of 2 failed\. Their last good results are untouched\./)
    expect(outcome.stderr.match(/UNKNOWN_IDENTIFIER/g)).toHaveLength(1)
    expect(snapshots(cwd)).toHaveLength(1)
  })

  it("isn't one that hasn't started: with --all it is skipped, by its name it is told", async () => {
    const cwd = project({ "experiments/later.yaml": files["experiments/later.yaml"] })
    const all = await assay(["recompute", "--all"], { cwd })
    expect(all.code).toBe(0)
    expect(all.stderr).toMatch(/^later: skipped, it starts at 2190-01-01$/m)
    const named = await assay(["recompute", "later"], { cwd })
    expect(named.code).toBe(1)
    expect(named.stderr).toMatch(/later: error: Experiment later hasn't started: it starts at 2190-01-01/)
  })

  it("stands beside the results in one JSON document, all of one as_of", async () => {
    const cwd = project(files)
    const outcome = await assay(["recompute", "--all", "--json", "--concurrency", "1"], { cwd })
    expect(outcome.code).toBe(1)
    const { failed, results, schema, skipped } = parsed(outcome)
    expect(schema).toBe("assay.recompute/1")
    expect(results.map((one) => one.experiment)).toEqual(["checkout"])
    expect(failed.map(({ code, experiment }) => [experiment, code])).toEqual([["abroad", "query_rejected"]])
    expect(skipped).toEqual(["later"])
    expect(failed.every(({ hint }) => hint.length > 0)).toBe(true)
  })

  it("says which table is missing and where its name is set", async () => {
    const cwd = project({ "assay.config.ts": "export default { events: { table: \"evnts\" } }\n" })
    const outcome = await assay(["recompute", "checkout"], { cwd })
    expect(outcome).toMatchObject({ code: 1, stdout: "" })
    expect(outcome.stderr).toMatch(/60 UNKNOWN_TABLE: .*evnts/)
    expect(outcome.stderr).toMatch(/Check events\.table in assay\.config\.ts/)
    expect(snapshots(cwd)).toEqual([])
    const doctor = await assay(["doctor"], { cwd })
    expect(doctor.code).toBe(1)
    expect(doctor.stdout).toMatch(/BROKEN Events: there is no table evnts.*\n +Set events\.table/)
  })
})

describe("a server that isn't there", () => {
  it("is told with the setting to look at: exit code 1, nothing written", async () => {
    const cwd = project({ "assay.config.ts": server() })
    const [text, machine, doctor, explain] = await Promise.all([
      assay(["recompute", "--all"], { cwd }),
      assay(["recompute", "--all", "--json"], { cwd }),
      assay(["doctor", "--json"], { cwd }),
      assay(["explain", "checkout"], { cwd })
    ])
    expect(text).toMatchObject({ code: 1, stdout: "" })
    expect(text.stderr).toMatch(/can't be reached.*\n.*warehouse\.url/)
    expect(machine.code).toBe(1)
    expect(JSON.parse(machine.stdout)).toMatchObject({ error: { code: "warehouse_unavailable" } })
    expect(doctor.code).toBe(1)
    expect(JSON.parse(doctor.stdout)).toMatchObject({ ok: false })
    expect(explain.code).toBe(0)
    expect(explain.stdout).toMatch(/Reads +unknown: ClickHouse can't be reached/)
    expect(snapshots(cwd)).toEqual([])
  })

  it("isn't asked without the password's environment variable, and the password is never shown", async () => {
    const cwd = project({ "assay.config.ts": server("password: { env: \"CLICKHOUSE_PASSWORD\" }") })
    const [without, withIt] = await Promise.all([
      assay(["recompute", "--all"], { cwd }),
      assay(["recompute", "--all", "--json"], { cwd, env: { CLICKHOUSE_PASSWORD: "pa55-word" } })
    ])
    expect(without.code).toBe(1)
    expect(without.stderr).toMatch(/environment variable CLICKHOUSE_PASSWORD.*missing/)
    expect(withIt.code).toBe(1)
    expect(withIt.stderr).toMatch(/can't be reached/)
    expect(withIt.stdout + withIt.stderr).not.toContain("pa55-word")
  })
})

describe("a store that can't be written", () => {
  it("fails the experiment with the reason, exit code 1, and leaves what is there as it was", async () => {
    const cwd = project({ "assay.config.ts": config("store: \"results\"") })
    // A file where a folder should be stops every user, also one who may write everywhere.
    mkdirSync(join(cwd, "results"))
    writeFileSync(join(cwd, "results/snapshots"), "taken")
    const before = filesIn(cwd)
    const outcome = await assay(["recompute", "checkout", "--json"], { cwd })
    expect(outcome.code).toBe(1)
    expect(parsed(outcome)).toMatchObject({ results: [], failed: [{ experiment: "checkout", code: "store" }] })
    expect(outcome.stderr).toMatch(/Could not write the snapshot .*\n {2}.+/)
    expect(filesIn(cwd)).toEqual(before)
  })
})

describe("an interruption", () => {
  const cwd = endless()

  /** Sends a signal once the configuration is loaded, a while later so that the query runs. */
  const interrupted = (signal: NodeJS.Signals, wait: number) => {
    let sent = false
    return assay(["recompute", "--all"], {
      cwd,
      watch: ({ kill, stderr }) => {
        if (sent || !stderr.includes("loaded")) return
        sent = true
        setTimeout(() => kill(signal), wait)
      }
    })
  }

  it("ends with 130 and writes nothing, in the middle of a query or before it", async () => {
    const [late, early] = await Promise.all([interrupted("SIGINT", 3000), interrupted("SIGTERM", 50)])
    for (const { code, stderr, stdout } of [late, early]) {
      expect({ code, stdout }).toEqual({ code: 130, stdout: "" })
      expect(stderr).not.toMatch(/error|at .*:\d+:\d+/)
    }
    expect(snapshots(cwd)).toEqual([])
  })
})

describe("a reader that goes away", () => {
  it("isn't an error", async () => {
    const line = `{ ${assayLine("schema --json")}; echo "ended with $?" >&2; } | true`
    const outcome = await execute("sh", ["-c", line], { cwd: project() })
    expect(outcome.stderr).toBe("ended with 0\n")
  })
})
