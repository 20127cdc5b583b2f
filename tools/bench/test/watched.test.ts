import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { watchedBenchmark } from "../src/index.ts"

it(
  "many experiments on a schedule take one look and one statement together, and none where nothing is new",
  async () => {
    const found = await Effect.runPromise(
      watchedBenchmark({ experiments: 8, metrics: 4, events: 20_000 }, 2).pipe(
        Effect.provide(Warehouse.layerEmbedded())
      )
    )
    const lines = found.split("\n").slice(2).map((line) => line.trim().split(/ {2,}/))
    expect(lines.map((line) => line.slice(0, 3))).toEqual([
      ["first results", "apart", "8"],
      ["first results", "shared", "1"],
      ["nothing new", "apart", "8"],
      ["nothing new", "shared", "1"],
      ["new events", "apart", "8"],
      ["new events", "shared", "1"],
      ["index on the time of storing", "apart", "8"],
      ["index on the time of storing", "shared", "1"],
      ["nothing new, with it", "apart", "8"],
      ["nothing new, with it", "shared", "1"]
    ])
    const statements = lines.map((line) => Number(line[3]))
    expect([statements[0], ...statements.slice(2)]).toEqual([8, 0, 0, 8, 1, 8, 1, 0, 0])
    // The first time, their sizes are asked for.
    expect(statements[1]).toBe(2)
    const rows = lines.map((line) => Number(line[4]!.replaceAll(",", "")))
    for (const i of [0, 2, 4, 6]) expect(rows[i + 1]).toBeLessThan(rows[i]! / 2)
  },
  300_000
)
