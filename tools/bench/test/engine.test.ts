import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { makeEvents } from "../src/data.ts"
import { forgetful } from "../src/engine.ts"

const readTwice = Effect.gen(function*() {
  yield* makeEvents({ events: 50_000, identities: 5000, metrics: 2 })
  const { query } = yield* Warehouse
  const statement = { text: "SELECT count() FROM events WHERE value = 'control'", parameters: {}, settings: {} }
  const first = yield* query(statement)
  const second = yield* query(statement)
  return [first.statistics.rowsRead, second.statistics.rowsRead] as const
})

it("reads as much each time, where ClickHouse would remember what it needn't read", async () => {
  const [first, second] = await Effect.runPromise(readTwice.pipe(Effect.provide(forgetful({ embedded: {} }))))
  expect([first, second]).toEqual([55_000, 55_000])
  const [usual, remembered] = await Effect.runPromise(readTwice.pipe(Effect.provide(Warehouse.layerEmbedded())))
  expect(usual).toBe(55_000)
  expect(remembered).toBeLessThan(usual)
})
