/** `npm run bench -- <name> …` */
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { aggregations } from "./aggregations.ts"
import { calibration } from "./calibration.ts"
import { decisions } from "./decisions.ts"
import { forgetful } from "./engine.ts"
import { duplicates, growth, identities, measurePoint, type Point, seriesMemory } from "./growth.ts"
import { keep } from "./history.ts"
import { manyBenchmark } from "./many.ts"
import { metricsBenchmark, partsBenchmark } from "./metrics.ts"
import { quantiles } from "./quantiles.ts"
import { refreshBenchmark } from "./refresh.ts"
import { summaryBenchmark } from "./summary.ts"
import { watchedBenchmark } from "./watched.ts"

const usage = `Usage: npm run bench -- <name>
  metrics [events] [rounds] [metrics]  one recompute against the plain statement, one query per metric and the floor (20000000, 5, 10)
  parts [events] [rounds]     slices by 0, 1 and 5 dimensions, with and without the daily series (20000000, 5)
  series [events] [rounds]    time and memory of the daily series, by how many events identities have (4000000, 3)
  summary [metrics] [variants] [slices]  from the rows of an answer to the encoded summary (100, 10, 50)
  refresh [events] [rounds]   from a state against reading everything, after 1, 5, 20 % more events and in 30 steps (20000000, 5)
  growth [most events] [rounds]  time and memory from 2000000 events on, and their exponents (20000000, 3)
  duplicates [events] [rounds]  what looking for repeated rows costs, by the row and by an id (20000000, 5)
  identities [number] [MB]    a recompute of so many identities under a ceiling of memory (50000000, 8000)
  servers [events] [rounds]   embedded, one server, three nodes; needs a container engine (20000000, 5)
  many [experiments] [metrics] [rounds] [events]  small experiments over one table, apart and with shared reads, at concurrency 1, 2, 4, 8 (500, 10, 1, 2000000)
  many-server …               the same through one server; needs a container engine
  watched [experiments] [metrics] [events] [concurrency]  the same experiments on a schedule: first results, nothing new, new events (100, 10, 1000000, 4)
  calibration [runs]          false positives, coverage and speed of every engine by simulation (50000)
  aggregations [runs]         coverage of the intervals of ratio, retention and caps by simulation (20000)
  quantiles [runs]            coverage of the intervals of quantiles by simulation (20000)
  decisions [runs]            how often a decision that is looked at every day is wrong, and finds what is there (2000)
  kills [number]              runners on one PostgreSQL, killed at random, paused, their database restarted (200)
  page [metrics] [arms] [experiments]  a page and the list in Chromium: weight, load, latency, start of serve (100, 5, 300)
  soak [experiments] [minutes]  one runner: memory, and how long experiments wait (300, 10)`

const [name, ...rest] = process.argv.slice(2)

/** The i-th number after the name, or the default. */
const number = (i: number, byDefault: number): number => {
  const value = Number(rest[i] ?? byDefault)
  if (Number.isSafeInteger(value) && value >= 1) return value
  console.error(usage)
  process.exit(2)
}

const sizeOf = (events: number) => ({ events, identities: Math.ceil(events / 10), metrics: 10 })

const many = (): Parameters<typeof manyBenchmark> => [
  { experiments: number(0, 500), metrics: number(1, 10), events: number(3, 2_000_000) },
  number(2, 1),
  [1, 2, 4, 8],
  join(folder, "results")
]

const folder = mkdtempSync(join(tmpdir(), "assay-bench-"))

const benchmarks: Readonly<Record<string, () => Promise<string> | string>> = {
  metrics: () =>
    Effect.runPromise(
      metricsBenchmark({ ...sizeOf(number(0, 20_000_000)), metrics: number(2, 10) }, number(1, 5)).pipe(
        Effect.provide(forgetful({ embedded: { path: join(folder, "data") } }))
      )
    ),
  parts: () =>
    Effect.runPromise(
      partsBenchmark(sizeOf(number(0, 20_000_000)), number(1, 5)).pipe(
        Effect.provide(forgetful({ embedded: { path: join(folder, "data") } }))
      )
    ),
  growth: () => growth(number(0, 20_000_000), number(1, 3)),
  series: () => seriesMemory(number(0, 4_000_000), number(1, 3)),
  duplicates: () => duplicates(number(0, 20_000_000), number(1, 5)),
  identities: () => identities(number(0, 50_000_000), 1e6 * number(1, 8000)),
  summary: () => summaryBenchmark({ metrics: number(0, 100), variants: number(1, 10), slices: number(2, 50) }, 9),
  refresh: () =>
    Effect.runPromise(
      refreshBenchmark(sizeOf(number(0, 20_000_000)), number(1, 5)).pipe(
        Effect.provide(forgetful({ embedded: { path: join(folder, "data") } }))
      )
    ),
  servers: async () => {
    const { serversBenchmark } = await import("./servers.ts")
    return serversBenchmark(sizeOf(number(0, 20_000_000)), number(1, 5), join(folder, "data"))
  },
  many: () =>
    Effect.runPromise(
      manyBenchmark(...many()).pipe(Effect.provide(forgetful({ embedded: { path: join(folder, "data") } })))
    ),
  "many-server": async () => (await import("./servers.ts")).manyOnServer(...many()),
  watched: () =>
    Effect.runPromise(
      watchedBenchmark(
        { experiments: number(0, 100), metrics: number(1, 10), events: number(2, 1_000_000) },
        number(3, 4)
      ).pipe(Effect.provide(forgetful({ embedded: { path: join(folder, "data") } })))
    ),
  kills: async () => (await import("./fleet/kills.ts")).killsBenchmark(number(0, 200)),
  soak: async () => (await import("./fleet/soak.ts")).soakBenchmark(number(0, 300), number(1, 10)),
  page: async () => (await import("./page.ts")).pageBenchmark(folder, number(0, 100), number(1, 5), number(2, 300)),
  calibration: () => calibration(number(0, 50_000)),
  aggregations: () => aggregations(number(0, 20_000)),
  quantiles: () => quantiles(number(0, 20_000)),
  decisions: () => decisions(number(0, 2000))
}

/** One size of a benchmark that measures each in a process of its own: what was found, as JSON. */
const point = (given: string): Promise<string> =>
  Effect.runPromise(
    measurePoint(JSON.parse(given) as Point).pipe(
      // Making the data of the largest sizes takes longer than a query usually may.
      Effect.provide(forgetful({ embedded: { path: join(folder, "data") }, limits: { seconds: 20_000 } }))
    )
  ).then((found) => JSON.stringify(found))

const benchmark = name !== undefined && Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined
try {
  if (name === "point") {
    console.log(await point(rest[0] ?? ""))
  } else if (benchmark === undefined) {
    console.error(usage)
    process.exitCode = 2
  } else {
    const found = await benchmark()
    keep({ benchmark: name, arguments: rest, found: found.split("\n") })
    console.log(found)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
