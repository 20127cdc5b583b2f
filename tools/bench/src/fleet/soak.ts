/** One runner with hundreds of experiments for a while: its memory, and whether any of them waits too long. */
import { Runs } from "@assay/store"
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { readJournal, startWorker } from "./Fleet.ts"
import { definitionsOf, keyOf, recordAnswer } from "./scenario.ts"

const MEGA = 1024 * 1024

/** The slope of a line through points (least squares), per unit of x. */
const slope = (points: ReadonlyArray<readonly [x: number, y: number]>): number => {
  const n = points.length
  const [mx, my] = [0, 1].map((i) => points.reduce((sum, point) => sum + point[i as 0 | 1], 0) / n) as [number, number]
  const above = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0)
  return above / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0)
}

const quantile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0

/** How often a reader looks at a page. */
const READ_MILLIS = 500

const command = new URL("../../../../apps/runner/src/main.ts", import.meta.url).pathname

/** Reads pages of a project, one after another, until it is told to stop; answers how long each took, in milliseconds. */
const readPages = async (folder: string, experiments: number, stop: AbortSignal) => {
  const server = spawn(
    process.execPath,
    [
      "--conditions=@assay/source",
      "--disable-warning=ExperimentalWarning",
      command,
      "serve",
      "--config",
      folder,
      "--port",
      "0"
    ],
    { stdio: ["ignore", "ignore", "pipe"] }
  )
  const millis: Array<number> = []
  try {
    let said = ""
    for await (const text of server.stderr.setEncoding("utf8")) {
      said += String(text)
      if (said.includes("Ctrl-C")) break
    }
    const url = /http:\/\/[^/]+\//.exec(said)?.[0]
    if (url === undefined) throw new Error(`assay serve doesn't start:\n${said}`)
    for (let i = 0; !stop.aborted; i++) {
      await setTimeout(READ_MILLIS)
      const begun = performance.now()
      const answer = await fetch(`${url}experiments/${encodeURIComponent(keyOf(i % experiments))}`)
      await answer.text()
      // In the first minute, not every experiment has results yet.
      if (answer.status === 200) millis.push(performance.now() - begun)
      else if (answer.status !== 404) throw new Error(`${answer.url} answered ${answer.status}`)
    }
  } finally {
    server.kill("SIGKILL")
  }
  return millis
}

/** Watches so many experiments for so many minutes, each refreshed every minute, of whose looks one in four finds new data. */
export const soakBenchmark = async (experiments: number, minutes: number): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), "assay-soak-"))
  const [journal, answer, file] = ["journal.jsonl", "answer.json", "store.sqlite"].map((name) =>
    join(folder, name)
  ) as [
    string,
    string,
    string
  ]
  writeFileSync(journal, "")
  writeFileSync(answer, JSON.stringify(await Effect.runPromise(recordAnswer)))
  const worker = startWorker({
    file,
    runner: "soak",
    journal,
    answer,
    experiments,
    refresh: { every: "1m" },
    concurrency: 4,
    millis: [50, 400],
    changing: 0.25,
    sampleMillis: 5000
  })
  for (const [name, text] of definitionsOf(experiments, file)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const enough = new AbortController()
  try {
    const reading = readPages(folder, experiments, enough.signal)
    await Promise.race([setTimeout(minutes * 60_000), reading])
    enough.abort()
    worker.child.kill("SIGTERM")
    await worker.ended
    const pages = await reading
    const entries = readJournal(journal)
    const memory = entries.filter(({ event }) => event === "memory")
    // Warm-up counts for nothing: the first third is left out.
    const settled = memory.slice(Math.floor(memory.length / 3))
    const perMinute = (pick: (entry: (typeof settled)[number]) => number) =>
      slope(settled.map((entry) => [entry.at / 60_000, pick(entry) / MEGA])).toFixed(2)
    const begins = Map.groupBy(entries.filter(({ event }) => event === "begin"), ({ experiment }) => experiment ?? "")
    const gaps = [...begins.values()].flatMap((all) => all.slice(1).map(({ at }, i) => (at - all[i]!.at) / 1000))
    const runs = await Effect.runPromise(
      Runs.use((all) => all.list({ limit: 1_000_000 })).pipe(Effect.provide(Runs.layerFile(file)))
    )
    const states = Map.groupBy(runs, ({ result, state }) => result ?? state)
    return [
      `${experiments} experiments, refreshed every minute, for ${minutes} minutes`,
      `runs       ${[...states].map(([state, all]) => `${all.length} ${state}`).join(", ")}`,
      `started    ${begins.size} of ${experiments} experiments`,
      `between two looks at one experiment: median ${quantile(gaps, 0.5).toFixed(1)} s, p95 ${
        quantile(gaps, 0.95).toFixed(1)
      } s, ` +
      `longest ${Math.max(...gaps).toFixed(1)} s`,
      `pages      ${pages.length} read, median ${quantile(pages, 0.5).toFixed(0)} ms, p95 ${
        quantile(pages, 0.95).toFixed(0)
      } ms`,
      `heap       ${
        (quantile(settled.map(({ heapUsed = 0 }) => heapUsed), 0.5) / MEGA).toFixed(0)
      } MB after collection, ` +
      `${perMinute(({ heapUsed = 0 }) => heapUsed)} MB per minute`,
      `resident   ${(quantile(settled.map(({ rss = 0 }) => rss), 0.5) / MEGA).toFixed(0)} MB, ` +
      `${perMinute(({ rss = 0 }) => rss)} MB per minute`
    ].join("\n")
  } finally {
    enough.abort()
    worker.child.kill("SIGKILL")
    rmSync(folder, { recursive: true, force: true })
  }
}
