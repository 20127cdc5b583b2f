/** Looks at data whose table says when rows were stored. */
import { type Plan, plan } from "@assay/aggregation"
import { insertEvents } from "@assay/aggregation-testkit"
import type { EventMapping } from "@assay/model"
import { Instant } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as fc from "fast-check"
import { fingerprint, look } from "../src/index.ts"
import { contextOf, day, event, experimentOf, exposure, load, mapping, metric, plain, start, table } from "./world.ts"

const hour = day / 24
const minute = hour / 60

const stored: EventMapping = { ...mapping, columns: { ...mapping.columns, ingested: "collected_at" } }

const wide = metric("wide", "occurrence", { covariate: { lookback: "1d" } })

const planAt = (asOf: number, feature: string, key: string, from: number): Plan => {
  const context = contextOf({ mapping: stored, asOf, metrics: new Map([...contextOf().metrics, [wide.key, wide]]) })
  return Result.getOrThrow(
    plan({
      ...context,
      experiment: experimentOf({
        feature,
        key: `${feature} ${key} ${from}`,
        started_at: Instant.fromMillis(start + from * day),
        ended_at: Instant.fromMillis(start + 20 * day),
        metrics: [{ metric: key, role: "goal" }]
      })
    })
  )
}

const drop = Effect.fn("test.drop")(function*(identity: string) {
  const { command } = yield* Warehouse
  yield* command(plain(`ALTER TABLE ${table} DELETE WHERE identifier = '${identity}' SETTINGS mutations_sync = 1`))
})

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("a look", (it) => {
  it.effect(
    "finds whatever was stored since the last one, however late, as a look at everything does",
    () =>
      Effect.gen(function*() {
        /** A row, so long before it was stored, which was so long before it became visible. */
        const row = fc.record({
          age: fc.integer({ min: -30, max: 5 * 24 * 60 }),
          hidden: fc.integer({ min: 0, max: 50 }),
          feature: fc.constantFrom("checkout", "banner", "other"),
          name: fc.constantFrom("$flag_exposure", "purchase", "refund", "else")
        })
        const step = fc.record({
          passed: fc.constantFrom(1, 20, 61, 300, 26 * 60),
          rows: fc.array(row, { maxLength: 3, size: "-1" }),
          seen: fc.constantFrom("all", "some")
        })
        let [same, other] = [0, 0]
        for (const steps of fc.sample(fc.array(step, { minLength: 12, maxLength: 12 }), { numRuns: 6, seed: 11 })) {
          yield* load(Array.from({ length: 30 }, (_, i) => exposure(`u${i}`, "control")))
          let now = start + 3 * day
          const known = new Map<string, { readonly print: string; readonly whole: string }>()
          for (const { passed, rows, seen } of steps) {
            now += passed * minute
            yield* insertEvents(
              table,
              rows.map(({ age, feature, hidden, name }) => {
                const ingested = now - hidden * minute
                const timestamp = ingested - age * minute
                return name === "$flag_exposure"
                  ? exposure("x", "control", { feature, timestamp, ingested })
                  : event("x", name, "1", { timestamp, ingested })
              })
            )
            const all = ["checkout", "banner"].flatMap((feature) =>
              ["purchased", "refunded", "wide"].map((key, i) => planAt(now, feature, key, i))
            )
            // So that those that are looked at together were looked at at several times before.
            const plans = seen === "all" ? all : all.slice(2, 5)
            const looks = yield* look(
              plans.map((one) => ({ plan: one, before: known.get(one.experiment.key)?.print })),
              now
            )
            for (const [i, one] of plans.entries()) {
              const { key } = one.experiment
              const whole = yield* fingerprint(one)
              assert.strictEqual(looks[i]!.same, known.get(key)?.whole === whole, key)
              if (looks[i]!.same) same += 1
              else other += 1
              known.set(key, { print: looks[i]!.print, whole })
            }
          }
        }
        assert.isAbove(Math.min(same, other), 50)
      }),
    240_000
  )

  it.effect(
    "reads what is new alone where an index leads there, and everything where none does; and once a day",
    () =>
      Effect.gen(function*() {
        const { command } = yield* Warehouse
        const warehouse = yield* Warehouse
        let read = 0
        const counting: typeof warehouse = {
          ...warehouse,
          query: (statement, options) =>
            Effect.tap(warehouse.query(statement, options), ({ statistics }) =>
              Effect.sync(() => {
                read = statistics.rowsRead
              }))
        }
        const counted: Array<ReadonlyArray<number>> = []
        for (const index of ["", ", INDEX stored collected_at TYPE minmax GRANULARITY 1"]) {
          yield* command(
            plain(`CREATE OR REPLACE TABLE ${table} (environment_key String, event String, feature_name String,
          identifier String, timestamp DateTime64(3, 'UTC'), value String, collected_at DateTime64(3, 'UTC')${index})
          ENGINE = MergeTree ORDER BY (environment_key, event, timestamp) SETTINGS index_granularity = 1024`)
          )
          yield* command(
            plain(`INSERT INTO ${table} SELECT 'production', ['$flag_exposure', 'purchase'][1 + number % 2], 'checkout',
          toString(intDiv(number, 2)), toDateTime64('2026-01-01', 3, 'UTC') + toIntervalSecond(intDiv(number, 2)) AS at, 'control', at
          FROM numbers(200000)`)
          )
          let print: string | undefined
          const reads: Array<number> = []
          let now = start + 3 * day
          for (const passed of [0, hour, hour, hour, 20 * hour, hour]) {
            now += passed
            const [found] = yield* look([{ plan: planAt(now, "checkout", "purchased", 0), before: print }], now).pipe(
              Effect.provideService(Warehouse, counting)
            )
            assert.strictEqual(found!.same, print !== undefined)
            print = found!.print
            reads.push(read)
          }
          // What was taken away is seen by the next look at everything.
          yield* drop("7")
          now += day
          const [last] = yield* look([{ plan: planAt(now, "checkout", "purchased", 0), before: print }], now)
          assert.isFalse(last!.same)
          counted.push(reads)
        }
        const [without, withIndex] = counted
        assert.deepStrictEqual(without!.map((n) => n > 150_000), [true, true, true, true, true, true])
        assert.deepStrictEqual(withIndex!.map((n) => n > 150_000), [true, false, false, false, false, true])
        assert.isBelow(Math.max(...withIndex!.slice(1, 5)), 10_000)
      }),
    120_000
  )
})
