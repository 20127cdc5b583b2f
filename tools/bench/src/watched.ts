/** Many experiments that are refreshed on a schedule: what `assay watch` asks of the warehouse, apart and with shared reads. */
import { occurrence } from "@assay/aggregation-occurrence"
import { sum } from "@assay/aggregation-sum"
import { defaultEventMapping, type Metric } from "@assay/model"
import { engines } from "@assay/stats"
import { Runs, type Store } from "@assay/store"
import { Warehouse, type WarehouseShape } from "@assay/warehouse"
import { watch, type Watched } from "@assay/watch"
import { Clock, type Context, Effect, Layer, Logger } from "effect"
import { catalogue, day, days, experimentOf, makeEvents, type ManySize, plain, start } from "./many.ts"
import { measure, type Measured, table } from "./measure.ts"

const hour = 3_600_000

/** What a pass asked for. */
interface Pass extends Measured {
  readonly looks: number
  readonly statements: number
  readonly rows: number
}

const withoutWindow = (metric: Metric): Metric => {
  const { window: _, ...rest } = metric
  return rest
}

/** Experiments without an end, so that there is something to look for, and metrics without a window, so that time alone changes nothing. */
const watchedOf = (size: ManySize, sharedReads: boolean, stored: boolean): Watched => ({
  jobs: new Map(
    Array.from({ length: size.experiments }, (_, i) => {
      const { ended_at: __, ...experiment } = experimentOf(i, size.metrics)
      return [experiment.key, { experiment, definitionHash: "bench" }] as const
    })
  ),
  context: {
    metrics: new Map([...catalogue].map(([key, metric]) => [key, withoutWindow(metric)])),
    mapping: stored
      ? { ...defaultEventMapping, columns: { ...defaultEventMapping.columns, ingested: "collected_at" } }
      : defaultEventMapping,
    aggregations: new Map([occurrence, sum].map((one) => [one.name, one])),
    engine: engines.bayesian,
    confidence: 0.95,
    version: "bench",
    sharedReads
  },
  refresh: { every: "1h" }
})

/** A clock that stands `skew` apart from the machine's. */
const shifted = (skew: number) =>
  Effect.map(Clock.Clock, (real): Clock.Clock => {
    const now = () => Date.now() + skew
    return {
      currentTimeMillisUnsafe: now,
      currentTimeMillis: Effect.sync(now),
      currentTimeNanosUnsafe: () => BigInt(now()) * 1_000_000n,
      currentTimeNanos: Effect.sync(() => BigInt(now()) * 1_000_000n),
      monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
      monotonicTimeNanos: real.monotonicTimeNanos,
      sleep: (duration) => real.sleep(duration)
    }
  })

/** Metric events of all names, and no exposures, within the last hour before `at`. */
const addEvents = Effect.fn("bench.addEvents")(function*(events: number, at: number) {
  const { command } = yield* Warehouse
  yield* command(plain(
    `INSERT INTO events SELECT 'prod', concat('m', toString(number % 40)), '',
      concat('user-', toString(cityHash64(number, 'who') % {events:UInt64})),
      fromUnixTimestamp64Milli({at:Int64} - toInt64(cityHash64(number, 'late') % ${hour}), 'UTC') AS at, '1', '', '{}', at
    FROM numbers({events:UInt64})`,
    { events, at }
  ))
})

/**
 * A table: the first results of all experiments, later without new data, and with some; then with a column that says when rows were stored, and an
 * index on it. Each pass to its end with `concurrency` runs at a time, apart and with shared reads.
 */
export const watchedBenchmark = Effect.fn("bench.watched")(function*(size: ManySize, concurrency: number) {
  yield* makeEvents(size)
  const warehouse = yield* Warehouse
  const stores = [
    { shared: false, store: yield* Layer.build(Layer.fresh(Runs.layerMemory)) },
    { shared: true, store: yield* Layer.build(Layer.fresh(Runs.layerMemory)) }
  ]
  const pass = Effect.fnUntraced(function*(
    { at, stored }: { readonly at: number; readonly stored: boolean },
    shared: boolean,
    store: Context.Context<Runs | Store>
  ) {
    let [looks, statements, rows] = [0, 0, 0]
    const counting: WarehouseShape = {
      ...warehouse,
      query: (statement, options) =>
        Effect.tap(warehouse.query(statement, options), ({ statistics }) =>
          Effect.sync(() => {
            if (options?.comment?.["assay"] === "fingerprint") looks += 1
            else statements += 1
            rows += statistics.rowsRead
          }))
    }
    const measured = yield* measure(
      watch({ load: Effect.succeed(watchedOf(size, shared, stored)), runner: "bench", concurrency, once: true }).pipe(
        Effect.flatMap((failed) => (failed === 0 ? Effect.void : Effect.die(new Error(`${failed} runs failed`)))),
        Effect.provideService(Warehouse, counting),
        Effect.provideService(Clock.Clock, yield* shifted(at - Date.now())),
        Effect.provide(store),
        Effect.provide(Logger.layer([]))
      )
    )
    const found: Pass = { ...measured, looks, statements, rows }
    return found
  })
  const first = start + (days + 1) * day
  const steps = [
    { name: "first results", at: first, added: 0, stored: false },
    { name: "nothing new", at: first + 2 * hour, added: 0, stored: false },
    { name: "new events", at: first + 4 * hour, added: Math.ceil(size.events / 100), stored: false },
    { name: "index on the time of storing", at: first + 6 * hour, added: 0, stored: true },
    { name: "nothing new, with it", at: first + 8 * hour, added: 0, stored: true }
  ]
  const lines: Array<ReadonlyArray<string>> = []
  for (const { added, at, name, stored } of steps) {
    if (added > 0) yield* addEvents(added, at)
    if (stored) {
      yield* warehouse.command(plain("ALTER TABLE events ADD INDEX IF NOT EXISTS stored collected_at TYPE minmax"))
      yield* warehouse.command(plain("ALTER TABLE events MATERIALIZE INDEX stored SETTINGS mutations_sync = 1"))
    }
    for (const { shared, store } of stores) {
      const { cpuMs, looks, rows, statements, wallMs } = yield* pass({ at, stored }, shared, store)
      lines.push([
        name,
        shared ? "shared" : "apart",
        String(looks),
        String(statements),
        rows.toLocaleString("en-US"),
        (cpuMs / 1000).toFixed(2),
        (wallMs / 1000).toFixed(1)
      ])
    }
  }
  return `${size.experiments} experiments, ${size.metrics} metrics each, ${
    size.events.toLocaleString("en-US")
  } events, ${concurrency} runs at a time\n` +
    table(["pass", "reads", "looks", "statements", "rows read", "CPU s", "wall s"], lines)
}, Effect.scoped)
