/** The same recompute embedded, on one server and on three nodes; and many small experiments through one server. */
import { type Server, startCluster, startServer, users } from "@assay/containers"
import { Warehouse } from "@assay/warehouse"
import { Effect } from "effect"
import { makeEvents, type Size } from "./data.ts"
import { forgetful } from "./engine.ts"
import { manyBenchmark } from "./many.ts"
import { median, table } from "./measure.ts"
import { assayStatement } from "./metrics.ts"

const passwordVariable = "ASSAY_BENCH_PASSWORD"

const at = (server: Server) =>
  forgetful({ url: server.url, username: users.admin.name, password: { env: passwordVariable } })

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
    makeEvents(size).pipe(
      Effect.andThen(repeat(statement, rounds)),
      Effect.provide(forgetful({ embedded: { path: folder } }))
    )
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

/** {@link manyBenchmark} through one server; CPU seconds are then those of the runner alone. */
export const manyOnServer = async (
  ...input: Parameters<typeof manyBenchmark>
): Promise<string> => {
  process.env[passwordVariable] = users.admin.password
  const server = await startServer()
  try {
    return await Effect.runPromise(manyBenchmark(...input).pipe(Effect.provide(at(server))))
  } finally {
    await server.remove()
  }
}
