/**
 * How time and memory grow with events and identities, what repeated rows cost, and how many identities fit into a memory: each size in a
 * process of its own, so that no run sees what an earlier one left in memory.
 */
import { compile } from "@assay/aggregation"
import { sum } from "@assay/aggregation-sum"
import { defaultEventMapping, type EventMapping, type ResultsSummary } from "@assay/model"
import { recompute } from "@assay/pipeline"
import { engines } from "@assay/stats"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { Effect, Layer } from "effect"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { makeEvents, type Size } from "./data.ts"
import { forgetful } from "./engine.ts"
import { measure, median, table } from "./measure.ts"
import { peak, resetPeak } from "./memory.ts"
import { metricKeys, sumExperiment, sumPlan, unlikeSums } from "./metrics.ts"

type Policy = EventMapping["deduplication"]["policy"]

/** What is measured at one size. */
export interface Point {
  readonly size: Size
  readonly policies: ReadonlyArray<Policy>
  readonly rounds: number
  /** Whether there is a daily series. */
  readonly series?: boolean
  /** Whether there are metrics that aren't sums over single events, too. */
  readonly mixed?: boolean
}

/** What was found: medians of seconds, and the most memory of all rounds: what ClickHouse counts for the query, and what the process grew by since its data were made. */
export interface Found {
  readonly policy: Policy
  readonly wall: number
  readonly cpu: number
  readonly rows: number
  readonly memory: number
  readonly resident: number
}

const idColumn = { columns: { ...defaultEventMapping.columns, event_id: "event_id" } }

/** Fills a table of a size and runs the statement of each policy in turn, a round more than are counted. */
export const measurePoint = Effect.fn("bench.point")(function*(
  { mixed = false, policies, rounds, series = false, size }: Point
) {
  yield* makeEvents(size)
  const { query } = yield* Warehouse
  const runs = new Map(policies.map((policy) => [policy, new Array<Omit<Found, "policy">>()]))
  const before = resetPeak()
  for (let round = 0; round <= rounds; round++) {
    for (const policy of policies) {
      const mapping = policy === "id" ? idColumn : {}
      const statement = compile(sumPlan(metricKeys(size.metrics), policy, mapping, { series }, mixed ? unlikeSums : []))
      resetPeak()
      let [memory, rows] = [0, 0]
      const { cpuMs, wallMs } = yield* measure(
        Effect.map(query(statement, { onProgress: () => Effect.void }), ({ statistics }) => {
          memory = statistics.peakMemoryBytes ?? 0
          rows = statistics.rowsRead
        })
      )
      const resident = peak() - before
      runs.get(policy)!.push({ wall: wallMs / 1000, cpu: cpuMs / 1000, rows, memory, resident })
    }
  }
  return policies.map((policy): Found => {
    const all = runs.get(policy)!
    return {
      policy,
      wall: median(all.slice(1).map(({ wall }) => wall)),
      cpu: median(all.slice(1).map(({ cpu }) => cpu)),
      rows: all[0]!.rows,
      memory: Math.max(...all.map(({ memory }) => memory)),
      resident: Math.max(...all.map(({ resident }) => resident))
    }
  })
})

/** The exponent b of y = a·xᵇ through points, by least squares on logarithms. */
export const exponent = (points: ReadonlyArray<readonly [x: number, y: number]>): number => {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const)
  const mean = (of: 0 | 1) => logs.reduce((total, log) => total + log[of], 0) / logs.length
  const [x, y] = [mean(0), mean(1)]
  const over = logs.reduce((total, log) => total + (log[0] - x) * (log[1] - y), 0)
  return over / logs.reduce((total, log) => total + (log[0] - x) ** 2, 0)
}

/** A point in a process of its own. */
const apart = async (point: Point): Promise<ReadonlyArray<Found>> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...process.execArgv, join(import.meta.dirname, "main.ts"), "point", JSON.stringify(point)],
    { maxBuffer: 2 ** 26 }
  )
  return JSON.parse(stdout) as ReadonlyArray<Found>
}

const shown = (n: number): string => n.toLocaleString("en-US")

const megabytes = (bytes: number): string => (bytes === 0 ? "-" : (bytes / 1e6).toFixed(0))

const cells = ({ cpu, memory, resident, rows, wall }: Found): ReadonlyArray<string> => [
  shown(rows),
  wall.toFixed(2),
  cpu.toFixed(2),
  megabytes(memory),
  megabytes(resident)
]

const header = ["rows read", "wall s", "CPU s", "query MB", "process MB"]

/** Sizes from `least` to `most` in equal ratios of about 3.2. */
export const sizes = (least: number, most: number): ReadonlyArray<number> => {
  const steps = Math.max(most > least ? 1 : 0, Math.round(2 * Math.log10(most / least)))
  return Array.from(
    { length: steps + 1 },
    (_, i) => i === steps ? most : Math.round(least * (most / least) ** (i / steps))
  )
}

/** Sizes up to so many events: identities a tenth of them, and then always as many as at the smallest size. */
export const growth = async (most: number, rounds: number): Promise<string> => {
  const least = Math.min(2_000_000, most)
  const ladder = sizes(least, most)
  const series = async (identities: (events: number) => number) => {
    const found: Array<{ readonly events: number; readonly identities: number; readonly at: Found }> = []
    for (const events of ladder) {
      const size = { events, identities: identities(events), metrics: 10 }
      const [at] = await apart({ size, policies: ["none"], rounds })
      found.push({ events, identities: size.identities, at: at! })
      console.error(`${shown(events)} events, ${shown(size.identities)} identities: ${JSON.stringify(at)}`)
    }
    // One size, or what the engine doesn't tell, has no exponent.
    const grows = (of: (at: Found) => number) =>
      found.length < 2 || found.some(({ at }) => of(at) === 0)
        ? "-"
        : exponent(found.map(({ at, events }) => [events, of(at)])).toFixed(2)
    return table(
      ["events", "identities", ...header],
      found.map(({ at, events, identities }) => [shown(events), shown(identities), ...cells(at)])
    ) + `\nexponent of CPU time ${
      grows(({ cpu }) => cpu)
    }, of the query's memory ${grows(({ memory }) => memory)}, of the process's ${
      grows(({ resident }) => Math.max(1, resident))
    }`
  }
  return `10 sum metrics, ${rounds} rounds after one that isn't counted, each size in a process of its own\n` +
    `Identities a tenth of the events\n${await series((events) => Math.ceil(events / 10))}\n\n` +
    `Always as many identities\n${await series(() => Math.ceil(least / 10))}`
}

/** What a series takes where identities have few events each, and many: with each number of events as many, over fewer and fewer identities. */
export const seriesMemory = async (events: number, rounds: number): Promise<string> => {
  const rows: Array<ReadonlyArray<string>> = []
  for (const each of [10, 100, 1000, 10_000]) {
    const size: Size = { events, identities: Math.ceil(events / each), metrics: 10 }
    for (const mixed of [false, true]) {
      for (const series of [false, true]) {
        const [at] = await apart({ size, policies: ["none"], rounds, series, mixed })
        const what = `${series ? "daily" : "totals"}${mixed ? ", unique, funnel" : ""}`
        rows.push([shown(size.identities), what, ...cells(at!)])
        console.error(rows.at(-1)!.join("  "))
      }
    }
  }
  return `10 sum metrics, ${shown(events)} events; medians of ${rounds}, each in a process of its own\n` +
    table(["identities", "statement", ...header], rows)
}

/** What looking for repeated rows costs: by the row and by an id, where one row in ten is there twice. */
export const duplicates = async (events: number, rounds: number): Promise<string> => {
  const size: Size = { events, identities: Math.ceil(events / 10), metrics: 10, repeated: 0.1 }
  const found = await apart({ size, policies: ["none", "row", "id"], rounds })
  const none = found[0]!
  return `10 sum metrics, ${shown(events)} events of which a tenth is there twice, ${
    shown(size.identities)
  } identities; ` +
    `medians of ${rounds}\n` +
    table(
      ["policy", ...header, "CPU x none", "wall x none"],
      found.map((at) => [
        at.policy,
        ...cells(at),
        (at.cpu / none.cpu).toFixed(2),
        (at.wall / none.wall).toFixed(2)
      ])
    )
}

/** A recompute of so many identities with an event each, under a ceiling of memory, with the ladder that keeps it. */
export const identities = async (count: number, memoryBytes: number): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), "assay-bench-"))
  const size: Size = { events: count, identities: count, metrics: 2, narrow: true }
  const warehouse = forgetful({
    embedded: { path: join(folder, "data") },
    limits: { memory_bytes: memoryBytes, seconds: 20_000 }
  })
  try {
    return await Effect.runPromise(
      Effect.gen(function*() {
        const made = yield* measure(makeEvents(size))
        console.error(`Made in ${(made.wallMs / 1000).toFixed(0)} s`)
        const before = resetPeak()
        const { experiment, metrics } = sumExperiment(metricKeys(size.metrics))
        const { version } = yield* Warehouse
        let found: ResultsSummary | undefined
        const measured = yield* measure(
          Effect.gen(function*() {
            const { summary } = yield* recompute({ experiment, definitionHash: "bench" }, {
              metrics,
              mapping: { ...defaultEventMapping, deduplication: { policy: "none" } },
              aggregations: new Map([[sum.name, sum]]),
              engine: engines.bayesian,
              confidence: 0.95,
              asOf: Date.parse(experiment.ended_at!),
              version: "bench",
              warehouseVersion: yield* version()
            })
            found = summary
          })
        )
        const { provenance, variants } = found!
        return `${shown(count)} identities with ${shown(count)} events, ceiling ${megabytes(memoryBytes)} MB\n` +
          table(
            ["rung", "wall s", "CPU s", "query s", "rows read", "query MB", "process MB", "identities found"],
            [[
              provenance.memory === undefined
                ? "as it is"
                : `${provenance.memory.by}${
                  provenance.memory.chunks === undefined ? "" : ` ${provenance.memory.chunks}`
                }`,
              (measured.wallMs / 1000).toFixed(1),
              (measured.cpuMs / 1000).toFixed(1),
              ((provenance.query_ms ?? 0) / 1000).toFixed(1),
              shown(provenance.rows_read),
              megabytes(provenance.peak_memory_bytes ?? 0),
              megabytes(peak() - before),
              shown(variants.reduce((total, { n }) => total + n, 0))
            ]]
          )
      }).pipe(Effect.provide(Layer.merge(warehouse, Store.layerMemory)))
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
