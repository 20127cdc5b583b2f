/** Runners as processes, and the journal of what they did. */
import type { Refresh } from "@assay/model"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"

/** What a runner of the fleet is told. Times in milliseconds; `changing` is the share of looks at the data that find it changed. */
export interface WorkerInput {
  readonly postgres?: string
  readonly file?: string
  readonly runner: string
  readonly journal: string
  readonly answer: string
  readonly experiments: number
  readonly refresh: Refresh
  readonly concurrency: number
  readonly millis: readonly [number, number]
  readonly changing: number
  readonly sampleMillis?: number
}

/** Where a runner is in a run: it has taken it, it has asked the warehouse, or it has the answer and writes the result. */
export type Stage = "taken" | "asked" | "answered"

export const stages: ReadonlyArray<Stage> = ["taken", "asked", "answered"]

/** Told to a runner: end yourself as by kill -9, so many milliseconds after you next get to this stage of a run. */
export interface Death {
  readonly stage: Stage
  readonly millis: number
}

/** A line of the journal. */
export interface Entry {
  readonly at: number
  readonly pid: number
  readonly event:
    | "started"
    | "begin"
    | "end"
    | "ended"
    | "said"
    | "memory"
    | "killed"
    | "paused"
    | "resumed"
    | "stalled"
  readonly experiment?: string
  readonly how?: string
  readonly text?: string
  readonly error?: string
  readonly rss?: number
  readonly heapUsed?: number
}

/** A process that runs. */
export interface Worker {
  readonly child: ChildProcess
  readonly ended: Promise<unknown>
}

/** Starts a runner. */
export const startWorker = (input: WorkerInput): Worker => {
  const child = spawn(
    process.execPath,
    [
      "--conditions=@assay/source",
      "--disable-warning=ExperimentalWarning",
      "--expose-gc",
      new URL("worker.ts", import.meta.url).pathname,
      JSON.stringify(input)
    ],
    {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      // Its start is most of what a runner of a fleet costs.
      env: { ...process.env, NODE_COMPILE_CACHE: new URL("../../.cache/compile", import.meta.url).pathname }
    }
  )
  return { child, ended: once(child, "exit") }
}

/** The journal so far; a line that is being written isn't in it yet. */
export const readJournal = (file: string): ReadonlyArray<Entry> => {
  const text = readFileSync(file, "utf8")
  return text.slice(0, text.lastIndexOf("\n") + 1).split("\n").filter((line) => line !== "").map((line) =>
    JSON.parse(line) as Entry
  )
}

/** A stretch of time in which a process was at a run. */
export interface Stretch {
  readonly experiment: string
  readonly pid: number
  readonly from: number
  readonly to: number
}

/**
 * Who was at which experiment when. A killed process ends at its death; one that is paused, or that its machine
 * stalls, ends there, too, since what it does after it goes on is dropped: it no longer has its runs.
 */
export const stretchesOf = (journal: ReadonlyArray<Entry>): ReadonlyArray<Stretch> => {
  const open = new Map<string, Stretch>()
  const done: Array<Stretch> = []
  const close = (key: string, at: number) => {
    const found = open.get(key)
    if (found === undefined) return
    done.push({ ...found, to: at })
    open.delete(key)
  }
  for (const { at, event, experiment, pid } of journal.toSorted((a, b) => a.at - b.at)) {
    if (experiment !== undefined && event === "begin") {
      open.set(`${pid} ${experiment}`, { experiment, pid, from: at, to: Number.POSITIVE_INFINITY })
    } else if (experiment !== undefined && event === "end") {
      close(`${pid} ${experiment}`, at)
    } else if (event === "killed" || event === "paused" || event === "stalled" || event === "ended") {
      for (const key of open.keys()) if (key.startsWith(`${pid} `)) close(key, at)
    }
  }
  return [...done, ...open.values()]
}

/** Pairs of stretches of one experiment that overlap: two runners at the same time. */
export const overlaps = (stretches: ReadonlyArray<Stretch>): ReadonlyArray<readonly [Stretch, Stretch]> =>
  [...Map.groupBy(stretches, ({ experiment }) => experiment).values()].flatMap((all) => {
    const sorted = all.toSorted((a, b) => a.from - b.from)
    return sorted.flatMap((one, i) => {
      const next = sorted[i + 1]
      return next !== undefined && next.from < one.to ? [[one, next] as const] : []
    })
  })
