import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { median, metricsBenchmark, table } from "../src/index.ts"

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

describe("the metrics benchmark", () => {
  it("measures every shape on a small stream", async () => {
    const text = await Effect.runPromise(
      metricsBenchmark({ events: 2000, identities: 200, metrics: 3 }, 1).pipe(Effect.provide(Warehouse.layerEmbedded()))
    )
    expect(text.split("\n").slice(2).map((line) => line.split(/\s{2,}/)[0])).toEqual([
      "plain",
      "floor",
      "assay, dedup none",
      "assay, dedup row"
    ])
  })
})
