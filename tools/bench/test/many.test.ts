import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { manyBenchmark } from "../src/index.ts"

describe("many experiments over one table", () => {
  const folder = mkdtempSync(join(tmpdir(), "assay-bench-test-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it("take fewer statements and rows with shared reads, and say the same", async () => {
    const found = await Effect.runPromise(
      manyBenchmark({ experiments: 8, metrics: 4, events: 20_000 }, 1, [1, 2], folder).pipe(
        Effect.provide(Warehouse.layerEmbedded())
      )
    )
    const lines = found.split("\n").slice(2).map((line) => line.trim().split(/ {2,}/))
    expect(lines.map(([reads, concurrency]) => [reads, concurrency])).toEqual([
      ["apart", "1"],
      ["shared", "1"],
      ["apart", "2"],
      ["shared", "2"]
    ])
    const [apart, shared] = lines.map((line) => ({
      statements: Number(line[6]),
      rows: Number(line[7]!.replaceAll(",", ""))
    }))
    expect(apart!.statements).toBe(8)
    expect(shared!.statements).toBeLessThan(5)
    expect(shared!.rows).toBeLessThan(apart!.rows / 2)
  }, 300_000)
})
