import { readFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { assay, folder } from "./assay.ts"

const root = folder()

beforeAll(async () => {
  for (const args of [["init", root], ["recompute", "--all", "--config", root]]) {
    const { code, stderr } = await assay(args)
    if (code !== 0) throw new Error(stderr)
  }
})

const report = (...args: ReadonlyArray<string>) => assay(["report", "checkout_button", "--config", root, ...args])

describe("assay report", () => {
  it("writes a page that needs nothing else", async () => {
    const file = join(root, "out.html")
    const { code, stderr, stdout } = await report("--out", file)
    expect([code, stdout]).toEqual([0, ""])
    expect(stderr).toContain("Written to")
    const html = readFileSync(file, "utf8")
    expect(html).toContain("<!doctype html>")
    expect(html).not.toMatch(/<(link|img|script src)/)
  })

  it("prints Markdown, JSON and CSV, of the same numbers", async () => {
    const [md, json, csv] = [await report("--md"), await report("--json"), await report("--csv")]
    expect([md.code, json.code, csv.code]).toEqual([0, 0, 0])
    const summary = JSON.parse(json.stdout) as { readonly metrics: ReadonlyArray<{ readonly metric_id: string }> }
    expect(md.stdout).toContain("# checkout\\_button")
    const rows = csv.stdout.trimEnd().split("\r\n").slice(1)
    expect(rows.length).toBe(summary.metrics.length * 2)
    const inference = JSON.stringify(summary.metrics[0])
    expect(inference).toContain(rows[1]!.split(",")[14]!)
  })

  it("chooses the format by the file's ending, and refuses two at once", async () => {
    const file = join(root, "out.csv")
    expect((await report("--out", file)).code).toBe(0)
    expect(readFileSync(file, "utf8")).toMatch(/^experiment,as_of,metric/)
    expect((await report("--md", "--csv")).code).toBe(2)
    const unknown = await report("--out", join(root, "out.pdf"))
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining(".pdf")])
    expect((await report("--md", "--out", join(root, "out.txt"))).code).toBe(0)
  })

  it("refuses an experiment that there isn't, and a file that can't be written", async () => {
    const { code, stderr } = await assay(["report", "chekout_button", "--config", root])
    expect([code, stderr]).toEqual([2, expect.stringContaining("checkout_button")])
    expect((await report("--out", join(root, "no/such/folder.html"))).code).toBe(2)
  })
})
