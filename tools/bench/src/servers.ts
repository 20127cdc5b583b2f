/** The same recompute embedded, on one server and on three nodes; and many small experiments through one server. */
import { occurrence } from "@assay/aggregation-occurrence"
import { type Server, startCluster, startServer, users } from "@assay/containers"
import { defaultEventMapping, type Experiment, type Metric } from "@assay/model"
import { recomputeAll } from "@assay/pipeline"
import { engines } from "@assay/stats"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { Effect, Layer } from "effect"
import { makeEvents, type Size, start } from "./data.ts"
import { median, table } from "./measure.ts"
import { assayStatement } from "./metrics.ts"

const passwordVariable = "ASSAY_BENCH_PASSWORD"

const at = (server: Server) =>
  Warehouse.layer({ url: server.url, username: users.admin.name, password: { env: passwordVariable } })

interface Run {
  readonly wallMs: number
  readonly peakMemory: number | undefined
}

/** Runs the statement `rounds` times, after one that isn't counted. */
const repeat = Effect.fn("bench.repeat")(function*(statement: ReturnType<typeof assayStatement>, rounds: number) {
  const { query } = yield* Warehouse
  const runs: Array<Run> = []
  for (let round = 0; round <= rounds; round++) {
    const before = performance.now()
    const { statistics } = yield* query(statement)
    if (round > 0) runs.push({ wallMs: performance.now() - before, peakMemory: statistics.peakMemoryBytes })
  }
  return runs
})

const received = (server: Server) =>
  Effect.promise(async () =>
    Number(await server.ask("SELECT sum(value) FROM system.events WHERE event = 'NetworkReceiveBytes'"))
  )

const row = (name: string, runs: ReadonlyArray<Run>, bytes: string): ReadonlyArray<string> => {
  const memory = runs.flatMap(({ peakMemory }) => (peakMemory === undefined ? [] : [peakMemory]))
  return [
    name,
    (median(runs.map(({ wallMs }) => wallMs)) / 1000).toFixed(2),
    memory.length === 0 ? "unknown" : `${(median(memory) / 2 ** 20).toFixed(0)} MiB`,
    bytes
  ]
}

/** A table of medians: embedded in `folder`, one server, three nodes sharded by identity. Needs a container engine. */
export const serversBenchmark = async (size: Size, rounds: number, folder: string): Promise<string> => {
  process.env[passwordVariable] = users.admin.password
  const statement = assayStatement(size.metrics, "none")
  const embedded = await Effect.runPromise(
    makeEvents(size).pipe(Effect.andThen(repeat(statement, rounds)), Effect.provide(Warehouse.layerEmbedded(folder)))
  )
  const server = await startServer()
  const single = await Effect.runPromise(
    makeEvents(size).pipe(
      Effect.andThen(repeat(statement, rounds)),
      Effect.provide(at(server)),
      Effect.ensuring(Effect.promise(() => server.remove()))
    )
  )
  const cluster = await startCluster()
  try {
    for (const [index, node] of cluster.nodes.entries()) {
      await Effect.runPromise(makeEvents({ ...size, shard: { index, of: 3 } }).pipe(Effect.provide(at(node))))
    }
    const mapping = { database: "default", cluster: { name: cluster.name, identity: "identifier" } }
    const sharded = assayStatement(size.metrics, "none", mapping)
    const [first] = cluster.nodes
    const { bytes, runs } = await Effect.runPromise(
      Effect.gen(function*() {
        const before = yield* received(first)
        const all = yield* repeat(sharded, rounds)
        return { runs: all, bytes: ((yield* received(first)) - before) / (rounds + 1) }
      }).pipe(Effect.provide(at(first)))
    )
    return `${size.metrics} sum metrics, ${size.events.toLocaleString("en-US")} events, ` +
      `${size.identities.toLocaleString("en-US")} identities, median of ${rounds}\n` +
      table(["where", "wall s", "peak memory", "bytes received per run"], [
        row("embedded", embedded, ""),
        row("one server", single, ""),
        row("three nodes, sharded (memory of the first)", runs, bytes.toFixed(0))
      ])
  } finally {
    await cluster.remove()
  }
}

const experimentOf = (i: number): Experiment => ({
  key: `experiment ${i}`,
  environment: "prod",
  feature: `feature-${i}`,
  started_at: start,
  ended_at: "2026-01-15",
  control: "control",
  variants: [{ key: "control", share: 1 }, { key: "treatment", share: 1 }],
  metrics: [{ metric: "m0", role: "goal" }]
})

/** Seconds for `count` experiments of a thousand identities each, through one server, at several concurrencies. */
export const manyBenchmark = async (count: number, concurrencies: ReadonlyArray<number>): Promise<string> => {
  process.env[passwordVariable] = users.admin.password
  const server = await startServer()
  try {
    const jobs = Array.from({ length: count }, (_, i) => ({ experiment: experimentOf(i), definitionHash: String(i) }))
    const metrics = new Map<string, Metric>([[
      "m0",
      { key: "m0", aggregation: "occurrence", event: "m0", direction: "up" }
    ]])
    const seconds = await Effect.runPromise(
      Effect.gen(function*() {
        yield* makeEvents({ identities: 1000, events: 20_000, metrics: 10 })
        const warehouse = yield* Warehouse
        yield* warehouse.command({
          text:
            `INSERT INTO events SELECT environment_key, event, concat('feature-', toString(n)), identifier, timestamp, value,
            traits, metadata, collected_at
            FROM events ARRAY JOIN range({n:UInt64}) AS n WHERE event = '$flag_exposure'`,
          parameters: { n: count },
          settings: {}
        })
        const warehouseVersion = yield* warehouse.version()
        const times: Array<number> = []
        for (const concurrency of concurrencies) {
          const before = performance.now()
          const { failed } = yield* recomputeAll(
            jobs,
            {
              metrics,
              mapping: defaultEventMapping,
              aggregations: new Map([[occurrence.name, occurrence]]),
              engine: engines.bayesian,
              confidence: 0.95,
              asOf: Date.UTC(2026, 0, 20),
              version: "bench",
              warehouseVersion
            },
            concurrency
          )
          if (failed.length > 0) return yield* failed[0]!.error
          times.push((performance.now() - before) / 1000)
        }
        return times
      }).pipe(Effect.provide(Layer.merge(at(server), Store.layerMemory)))
    )
    return `${count} small experiments through one server\n` +
      table(["concurrency", "s"], seconds.map((s, i) => [String(concurrencies[i]), s.toFixed(1)]))
  } finally {
    await server.remove()
  }
}
