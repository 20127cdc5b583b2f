/** The example service, asked over HTTP, on an embedded ClickHouse. */
import { jsonLines, service } from "@assay/example-service"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { Effect, Layer } from "effect"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const events = [
  `CREATE TABLE events (
     environment_key String, event String, feature_name String, identifier String, timestamp DateTime64(3, 'UTC'), value String,
     traits String, metadata String
   ) ENGINE = MergeTree PARTITION BY toDate(timestamp) ORDER BY timestamp`,
  `INSERT INTO events
   SELECT 'production', event.1, 'paywall', concat('reader ', toString(number)),
     toDateTime64('2026-03-02', 3, 'UTC') + toIntervalMinute(event.2 + number % 10000), event.3, '{}', '{}'
   FROM numbers(4000)
   ARRAY JOIN arrayFilter(event -> event.4, [
     ('$flag_exposure', 0, if(number % 2 = 0, 'after_5', 'after_3'), true),
     ('article_read', 5, toString(3 + number % 7), true),
     ('subscription', 60, '', number % 20 IN (0, 1, 3))
   ]) AS event`
]

const folder = mkdtempSync(join(tmpdir(), "assay-service-"))
const file = join(folder, "results.jsonl")
const filled = Layer.effectDiscard(
  Effect.gen(function*() {
    const warehouse = yield* Warehouse
    for (const text of events) yield* warehouse.command({ text, parameters: {}, settings: {} })
  })
).pipe(Layer.provideMerge(Warehouse.layerEmbedded()))

const { close, server } = service(Layer.merge(filled, jsonLines(file)))
let url = ""
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/experiments`
})
afterAll(async () => {
  await close()
  rmSync(folder, { recursive: true, force: true })
})

describe("the example service", () => {
  it("has no result before one is computed, and knows no other experiment", async () => {
    expect((await fetch(`${url}/paywall`)).status).toBe(404)
    expect((await fetch(`${url}/unknown`, { method: "POST" })).status).toBe(404)
    expect((await fetch(`${url}/%`)).status).toBe(404)
  })

  it("computes, keeps each result as a line of its own, and answers the latest", async () => {
    for (let i = 1; i <= 2; i++) {
      const computed = await fetch(`${url}/paywall`, { method: "POST" })
      expect(computed.status).toBe(201)
      expect(readFileSync(file, "utf8").trimEnd().split("\n")).toHaveLength(i)
    }
    const latest = await (await fetch(`${url}/paywall`)).json() as object
    expect(latest).toMatchObject({
      experiment: "paywall",
      metrics: [
        { metric_id: "subscribed", variants: { after_5: { n: 2000, sum: 200 }, after_3: { n: 2000, sum: 400 } } },
        { metric_id: "minutes_read", verdict: { after_3: "inconclusive" } }
      ]
    })
    const text = await (await fetch(`${url}/paywall`, { headers: { accept: "text/markdown" } })).text()
    expect(text).toContain("| after\\_3 | 20.0 % | +100.0 % |")
  })

  it("keeps the rules of a store: nothing is overwritten, an older result isn't the latest, damage is told", async () => {
    const rules = Effect.gen(function*() {
      const store = yield* Store
      const [newest] = yield* store.list("paywall")
      const kept = yield* store.get("paywall", newest!.id)
      if (kept._tag === "None") throw new Error("the newest isn't there")
      const again = yield* Effect.flip(store.put(kept.value))
      const older = yield* store.put({ ...kept.value, id: "older", as_of: "2026-03-03T00:00:00.000Z" })
      return {
        again: again.message,
        older: older.latest,
        newest: newest!.id,
        listed: (yield* store.list("paywall"))[0]!.id
      }
    })
    const { again, listed, newest, older } = await Effect.runPromise(rules.pipe(Effect.provide(jsonLines(file))))
    expect(again).toContain("already")
    expect(older).toBe(false)
    expect(listed).toBe(newest)
    const damaged = Effect.flatMap(Store, (store) => store.latest("paywall")).pipe(
      Effect.provide(jsonLines(join(import.meta.dirname, "service.test.ts")))
    )
    expect((await Effect.runPromise(Effect.flip(damaged)))._tag).toBe("StoreError")
  })
})
