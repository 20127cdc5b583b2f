import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { median, metricsBenchmark, partsBenchmark, summaryBenchmark, table } from "../src/index.ts"

describe("median", () => {
  it("is the middle value, or the mean of the two middle ones", () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
  })
})

describe("table", () => {
  it("aligns the first column left and numbers right", () => {
    expect(table(["shape", "s"], [["plain", "1.25"], ["assay, dedup row", "0.5"]])).toBe(
      "shape                s\nplain             1.25\nassay, dedup row   0.5"
    )
  })
})

describe("a benchmark of shapes", () => {
  const size = { events: 2000, identities: 200, metrics: 3 }
  const shapesOf = (text: string) => text.split("\n").slice(2).map((line) => line.split(/\s{2,}/)[0])

  it("measures every shape of the statement on a small stream", async () => {
    const text = await Effect.runPromise(metricsBenchmark(size, 1).pipe(Effect.provide(Warehouse.layerEmbedded())))
    expect(shapesOf(text)).toEqual([
      "floor",
      "plain",
      "one query per metric",
      "assay, all identities",
      "assay, dedup none",
      "assay, dedup row"
    ])
  })

  it("measures parts of it", async () => {
    const text = await Effect.runPromise(partsBenchmark(size, 1).pipe(Effect.provide(Warehouse.layerEmbedded())))
    expect(shapesOf(text)).toEqual(
      ["0 dimensions", "1 dimensions", "5 dimensions", "0 dimensions, unique, funnel"].flatMap((shape) => [
        shape,
        `${shape}, daily`
      ])
    )
  })

  it("measures what comes after it", () => {
    const text = summaryBenchmark({ metrics: 3, variants: 3, slices: 4 }, 1)
    expect(text).toMatch(/^30 comparisons/)
    expect(shapesOf(text)).toEqual(["decode", "slices", "summarize", "encode", "whole"])
  })
})
