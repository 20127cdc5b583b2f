/** Experiments that are read together, as a user sees it. */
import type { ResultsSummary } from "@assay/model"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { assay, folder, type Outcome } from "./assay.ts"

describe("assay with several experiments", () => {
  const root = join(folder(), "project")
  const here = { cwd: root }
  const json = ({ stdout }: Outcome) => JSON.parse(stdout) as Readonly<Record<string, unknown>>
  const results = (outcome: Outcome) => json(outcome)["results"] as ReadonlyArray<ResultsSummary>

  beforeAll(async () => {
    await assay(["init", root])
    const definition = readFileSync(join(root, "experiments/checkout_button.yaml"), "utf8")
    const add = (key: string, more = "") =>
      writeFileSync(
        join(root, `experiments/${key}.yaml`),
        `${definition.replace("key: checkout_button", `key: ${key}`)}\n${more}`
      )
    add("again")
    add("daily", "series: true\n")
  })

  it("says before the first run that it doesn't know yet how large they are", async () => {
    const text = await assay(["explain", "--all"], here)
    expect(text.stdout).toMatch(
      /\n2 experiments have no results yet: a run asks the exposures first how many .* 500,000 or more alone\.\n/
    )
  })

  it("says so where there is nothing to read", async () => {
    const early = join(folder(), "early")
    await assay(["init", early])
    const file = join(early, "experiments/checkout_button.yaml")
    const definition = readFileSync(file, "utf8")
    writeFileSync(file, definition.replace(/started_at: .*/, "started_at: 2190-01-01").replace(/ended_at: .*/, ""))
    const text = await assay(["explain", "--all"], { cwd: early })
    expect(text).toMatchObject({ code: 0, stderr: "" })
    expect(text.stdout).toBe(
      "No experiment has started, so `assay recompute --all` would read nothing.\nNot yet     checkout_button hasn't started\n"
    )
  })

  it("reads those together that read the same, and says so", async () => {
    const outcome = await assay(["recompute", "--all"], here)
    expect(outcome.code).toBe(0)
    expect(outcome.stdout.split("\n").filter((line) => line.includes("20,000 identities"))).toHaveLength(3)
    expect(outcome.stderr).toMatch(
      /\n2 of 3 experiments were read together, by 1 statement instead of 2: [\d,]+ rows, [\d.]+ MB\.\n/
    )
    const cost = await assay(["results", "again", "--cost"], here)
    expect(cost.stdout).toMatch(/Shared read +one statement for 2 experiments: .*an equal part of\n +[\d,]+ rows/)
  })

  it("doesn't where it is told not to, and says the same then", async () => {
    const apart = await assay(["recompute", "--all", "--no-shared-reads", "--json"], here)
    const together = await assay(["recompute", "--all", "--json"], here)
    expect(apart.stderr).not.toContain("together")
    expect(results(apart).map(({ provenance }) => provenance.shared_read)).toEqual([undefined, undefined, undefined])
    expect(results(together).map(({ provenance }) => provenance.shared_read?.experiments)).toEqual([2, 2, undefined])
    const said = (all: ReadonlyArray<ResultsSummary>) =>
      all.map(({ metrics, provenance, variants }) => ({
        statement: provenance.statement_hash,
        variants,
        n: metrics.map((metric) => Object.values(metric.variants).map(({ n }) => n))
      }))
    expect(said(results(together))).toEqual(said(results(apart)))
    const { provenance } = results(together)[0]!
    const replayed = await assay(["replay", provenance.run_id], here)
    expect(replayed).toMatchObject({ code: 0 })
    expect(replayed.stdout).toMatch(
      /Read +by one statement for 2 experiments then; this is the experiment's own, which says the same\n/
    )
  })

  it("tells beforehand with explain --all who is read with whom, why others are read alone, and what it saves", async () => {
    const text = await assay(["explain", "--all"], here)
    expect(text).toMatchObject({ code: 0, stderr: "" })
    expect(text.stdout).toMatch(/reads 3 experiments by 2 statements: about [\d,]+ rows \(.*\) instead of [\d,]+ rows/)
    expect(text.stdout).toMatch(/\nTogether +2 experiments \(again, checkout_button\): about .* instead of /)
    expect(text.stdout).toMatch(/\nAlone +daily, since it has a series: about /)
    expect(text.stdout).not.toContain("no results yet")
    const one = await assay(["explain", "daily"], here)
    expect(one.stdout).toMatch(/\nTogether +with no other experiment, since it has a series\n/)
    const machine = json(await assay(["explain", "--all", "--json"], here))
    expect(machine).toMatchObject({
      schema: "assay.explain-reads/1",
      experiments: 3,
      reads: [{ experiments: ["again", "checkout_button"] }, { experiments: ["daily"], because: "it has a series" }]
    })
    const [rows, apart] = ["estimate", "estimate_apart"].map((key) => (machine[key] as { readonly rows: number }).rows)
    expect(rows).toBeLessThan(apart!)
    const neither = await assay(["explain"], here)
    expect(neither).toMatchObject({ code: 2, stdout: "" })
    expect(neither.stderr).toMatch(/No experiment was named\n.*--all/)
  })

  it("can be told so by the configuration", async () => {
    const file = join(root, "assay.config.ts")
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace("defineConfig({", "defineConfig({ defaults: { shared_reads: false },")
    )
    const text = await assay(["explain", "--all"], here)
    expect(text.stdout).toMatch(/reads 3 experiments by 3 statements: about [\d,]+ rows \(\S+ \S+\)\.\n/)
    expect(text.stdout).toMatch(/\nAlone +again, since defaults\.shared_reads is false/)
    const outcome = await assay(["recompute", "--all"], here)
    expect(outcome.stderr).not.toContain("together")
  })
})
