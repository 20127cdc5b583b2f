/** Runners on one PostgreSQL, killed, paused, and their database restarted: what is left at the end. */
import { startPostgres } from "@assay/postgres"
import { migratePostgres, type Run, Runs, Store } from "@assay/store"
import { Effect, ManagedRuntime, Option } from "effect"
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import {
  type Death,
  overlaps,
  readJournal,
  type Stage,
  stages,
  startWorker,
  stretchesOf,
  type Worker
} from "./Fleet.ts"
import { keyOf, recordAnswer } from "./scenario.ts"

/**
 * What is done to the fleet, `after` so many milliseconds of peace: a runner is killed, as soon as it gets to a stage of a run or wherever it
 * is; one is paused beyond its lease; or the database is restarted as after a power cut.
 */
export type Fault =
  | { readonly after: number; readonly kind: "kill"; readonly at?: Death }
  | { readonly after: number; readonly kind: "pause" }
  | { readonly after: number; readonly kind: "restart" }

/** The faults in their order, and the fleet. */
export interface KillsInput {
  readonly faults: ReadonlyArray<Fault>
  readonly runners: number
  readonly experiments: number
}

/** What happened, and every rule that was broken, a sentence each. */
export interface KillsReport {
  readonly killed: number
  readonly killedAtWork: number
  readonly killedWhenTaken: number
  readonly killedWhenAsked: number
  readonly killedWhenAnswered: number
  readonly paused: number
  /** Times that the machine didn't let a runner on for seconds. */
  readonly stalled: number
  readonly restarted: number
  readonly runs: number
  /** Runs that succeeded together with others. */
  readonly together: number
  readonly results: number
  readonly attemptsAfterLoss: number
  readonly droppedResults: number
  readonly seconds: number
  readonly broken: ReadonlyArray<string>
}

/** Longer than the lease, the look-out for lost runs, and a look of the runner at its clock. */
const PAUSE_MILLIS = 16_000

/** How long the fleet may take to recompute everything once it is left alone. */
const SETTLE_MILLIS = 240_000

/** How long a runner may take to get to the stage at which it is to die; then it is killed wherever it is. */
const REACH_MILLIS = 60_000

const any = <A>(all: ReadonlyArray<A>): A => all[Math.floor(Math.random() * all.length)]!

/** Longer than the end of a run takes. */
const WRITING_MILLIS = 15

/** So many kills by chance, a quarter of them anywhere, and pauses and restarts among them. */
export const faultsByChance = (kills: number): ReadonlyArray<Fault> => {
  const after = () => 100 + Math.random() * 1000
  const kill = (): Fault => {
    const stage = any([...stages, undefined])
    const at = stage === undefined ? {} : { at: { stage, millis: Math.random() * WRITING_MILLIS } }
    return { kind: "kill", after: after(), ...at }
  }
  return [
    ...Array.from({ length: kills }, kill),
    ...Array.from({ length: Math.max(1, Math.round(kills / 40)) }, (): Fault => ({ kind: "pause", after: after() })),
    ...Array.from({ length: Math.max(1, Math.round(kills / 50)) }, (): Fault => ({ kind: "restart", after: after() }))
  ].map((fault) => ({ fault, place: Math.random() })).toSorted((a, b) => a.place - b.place).map(({ fault }) => fault)
}

/** Each stage, at instants through it; a runner paused beyond its lease at the start, the database restarted in the middle. */
export const faultsInOrder: ReadonlyArray<Fault> = [
  { kind: "pause", after: 0 },
  ...[0, 5, 12].flatMap((millis): ReadonlyArray<Fault> => [
    ...stages.map((stage): Fault => ({ kind: "kill", after: 500, at: { stage, millis } })),
    ...(millis === 5 ? [{ kind: "restart", after: 300 } as const] : [])
  ])
]

/** Does all of it to a fleet of its own, and looks at what is left. */
export const killRunners = async (input: KillsInput): Promise<KillsReport> => {
  const begun = performance.now()
  const folder = mkdtempSync(join(tmpdir(), "assay-kills-"))
  const journal = join(folder, "journal.jsonl")
  const answer = join(folder, "answer.json")
  writeFileSync(journal, "")
  writeFileSync(answer, JSON.stringify(await Effect.runPromise(recordAnswer)))
  const server = await startPostgres()
  await Effect.runPromise(migratePostgres({ url: server.url, leaseSeconds: 10 }))
  const runtime = ManagedRuntime.make(Runs.layerPostgres({ url: server.url, leaseSeconds: 10 }))
  const keys = Array.from({ length: input.experiments }, (_, i) => keyOf(i))
  let count = 0
  const start = (): Worker =>
    startWorker({
      postgres: server.url,
      runner: `runner ${count++}`,
      journal,
      answer,
      experiments: input.experiments,
      refresh: { every: "1s" },
      concurrency: input.experiments,
      millis: [50, 600],
      changing: 1
    })
  const note = (event: string, { child: { pid } }: Worker) =>
    appendFileSync(journal, `${JSON.stringify({ at: Date.now(), pid, event })}\n`)
  const isUp = ({ child: { pid } }: Worker) =>
    readJournal(journal).some((entry) => entry.pid === pid && entry.text === "watching")
  const die = async (victim: Worker, at: Death | undefined) => {
    if (at !== undefined) {
      while (victim.child.exitCode === null && !isUp(victim)) await setTimeout(100)
      victim.child.send(at, () => undefined)
      const reached = await Promise.race([victim.ended.then(() => true), setTimeout(REACH_MILLIS, false)])
      if (reached) killedWhen[at.stage] += 1
    }
    victim.child.kill("SIGKILL")
    await victim.ended
    note("killed", victim)
  }
  const broken: Array<string> = []
  const killedWhen: Record<Stage, number> = { taken: 0, asked: 0, answered: 0 }

  // The newest result of each experiment, looked at all the time: it must never get older.
  const newest = new Map<string, string>()
  const looking = new AbortController()
  const latest = async () => {
    for (const key of keys) {
      const listed = await runtime.runPromise(Store.use((store) => store.list(key)))
      const asOf = listed[0]?.as_of ?? ""
      const before = newest.get(key) ?? ""
      if (asOf < before) broken.push(`the newest result of ${key} went from ${before} back to ${asOf}`)
      newest.set(key, asOf)
    }
  }
  const looker = (async () => {
    while (!looking.signal.aborted) {
      await latest()
      await setTimeout(500)
    }
  })()

  const fleet: Array<Worker> = Array.from({ length: input.runners }, start)
  const pausing: Array<Promise<void>> = []
  const dying: Array<Promise<void>> = []
  try {
    await setTimeout(2000)
    for (const fault of input.faults) {
      await setTimeout(fault.after)
      if (fault.kind === "restart") {
        await server.restart()
        continue
      }
      // The eldest, out of the fleet now; another one takes its place.
      const victim = fleet.shift()!
      if (fault.kind === "pause") {
        fleet.push(start())
        victim.child.kill("SIGSTOP")
        note("paused", victim)
        pausing.push(
          setTimeout(PAUSE_MILLIS).then(async () => {
            note("resumed", victim)
            victim.child.kill("SIGCONT")
            await setTimeout(3000)
            victim.child.kill("SIGKILL")
            await victim.ended
            note("killed", victim)
          })
        )
        continue
      }
      fleet.push(start())
      dying.push(die(victim, fault.at))
    }
    await Promise.all(dying)
    await Promise.all(pausing)

    // Left alone, every experiment gets a result of a run that was queued from now on.
    const calm = new Date().toISOString()
    const until = performance.now() + SETTLE_MILLIS
    const isBack = (run: Run | undefined) => run?.state === "succeeded" && run.queued_at > calm
    let waiting = keys
    while (waiting.length > 0 && performance.now() < until) {
      await setTimeout(500)
      const standings = await runtime.runPromise(Runs.use((runs) => runs.standings))
      waiting = waiting.filter((key) => !isBack(standings.get(key)?.succeeded))
    }
    for (const key of waiting) broken.push(`${key} was lost: no run of it succeeded after the faults`)

    for (const { child } of fleet) child.kill("SIGTERM")
    await Promise.all(fleet.map(({ ended }) => ended))
    looking.abort()
    await looker
    await latest()
    return await runtime.runPromise(Effect.gen(function*() {
      const runs = yield* Runs
      const store = yield* Store
      const all = yield* runs.list({ limit: 1_000_000 })
      for (const run of all.filter(({ state }) => state === "running")) {
        broken.push(`${run.experiment} is still running, though all runners were stopped gently`)
      }
      for (const run of all.filter(({ state }) => state === "failed")) {
        broken.push(`${run.experiment} failed: ${run.error?.code} ${run.error?.message}`)
      }
      let results = 0
      for (const key of keys) {
        const mine = all.filter(({ experiment }) => experiment === key)
        const made = mine.flatMap((
          { snapshot, state }
        ) => (state === "succeeded" && snapshot !== undefined ? [snapshot] : []))
        const listed = yield* store.list(key)
        results += listed.length
        const ids = listed.map(({ id }) => id)
        if (ids.toSorted().join() !== made.toSorted().join()) {
          broken.push(`${key} has ${ids.length} results of ${made.length} runs that succeeded, not one each`)
        }
        if (ids[0] !== made[0]) broken.push(`the newest result of ${key} isn't that of its last run`)
        if (Option.isNone(yield* store.latest(key))) broken.push(`${key} has no result that can be read`)
      }
      const entries = readJournal(journal)
      const stretches = stretchesOf(entries)
      for (const [one, other] of overlaps(stretches)) {
        broken.push(
          `${one.experiment} was run by ${one.pid} and ${other.pid} at the same time, from ${other.from} to ${
            Math.min(one.to, other.to)
          }`
        )
      }
      const killed = entries.filter(({ event }) => event === "killed")
      return {
        killed: killed.length,
        killedAtWork: killed.filter(({ at, pid }) => stretches.some((one) => one.pid === pid && one.to === at)).length,
        killedWhenTaken: killedWhen.taken,
        killedWhenAsked: killedWhen.asked,
        killedWhenAnswered: killedWhen.answered,
        paused: entries.filter(({ event }) => event === "paused").length,
        stalled: entries.filter(({ event }) => event === "stalled").length,
        restarted: input.faults.filter(({ kind }) => kind === "restart").length,
        runs: all.filter(({ state }) => state === "succeeded").length,
        together: all.filter(({ state, together }) => state === "succeeded" && together !== undefined).length,
        results,
        attemptsAfterLoss: all.reduce((sum, { attempt }) => sum + Math.max(0, attempt - 1), 0),
        droppedResults: entries.filter(({ how }) => how?.startsWith("dropped") === true).length,
        seconds: Math.round((performance.now() - begun) / 1000),
        broken
      }
    }))
  } finally {
    looking.abort()
    await looker.catch(() => undefined)
    for (const { child } of fleet) child.kill("SIGKILL")
    await Promise.allSettled([...pausing, ...dying])
    await runtime.dispose()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Kills runners and says what is left; fails where a rule was broken. */
export const killsBenchmark = async (kills: number): Promise<string> => {
  const { broken, ...report } = await killRunners({
    faults: faultsByChance(kills),
    runners: 4,
    experiments: 12
  })
  const text = Object.entries(report).map(([name, value]) => `${name.padEnd(20)} ${value}`).join("\n")
  if (broken.length > 0) throw new Error(`${text}\n\n${broken.length} rules were broken:\n${broken.join("\n")}`)
  return `${text}\nno rule was broken`
}
