/** Runners on one PostgreSQL, killed, paused, and their database restarted: what is left at the end. */
import { startPostgres } from "@assay/postgres"
import { migratePostgres, type Run, Runs, Store } from "@assay/store"
import { Effect, ManagedRuntime, Option } from "effect"
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { overlaps, readJournal, startWorker, stretchesOf, type Worker } from "./Fleet.ts"
import { keyOf, recordAnswer } from "./scenario.ts"

/** How much is done to the fleet. */
export interface KillsInput {
  readonly kills: number
  /** Each beyond its lease. */
  readonly pauses: number
  readonly restarts: number
  readonly runners: number
  readonly experiments: number
}

/** What happened, and every rule that was broken, a sentence each. */
export interface KillsReport {
  readonly killed: number
  readonly killedAtWork: number
  readonly paused: number
  readonly restarted: number
  readonly runs: number
  readonly results: number
  readonly attemptsAfterLoss: number
  readonly droppedResults: number
  readonly seconds: number
  readonly broken: ReadonlyArray<string>
}

/** Longer than the lease, the look-out for lost runs, and a look of the runner at its clock. */
const PAUSE_MILLIS = 16_000

/** How long the fleet may take to recompute everything once it is left alone. */
const SETTLE_MILLIS = 120_000

const any = <A>(all: ReadonlyArray<A>): A => all[Math.floor(Math.random() * all.length)]!

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
  const broken: Array<string> = []

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
      await setTimeout(200)
    }
  })()

  const fleet: Array<Worker> = Array.from({ length: input.runners }, start)
  const pausing: Array<Promise<void>> = []
  try {
    await setTimeout(2000)
    const events = [
      ...Array.from({ length: input.kills }, () => "kill" as const),
      ...Array.from({ length: input.pauses }, () => "pause" as const),
      ...Array.from({ length: input.restarts }, () => "restart" as const)
    ].map((event) => ({ event, place: Math.random() })).toSorted((a, b) => a.place - b.place)
    for (const { event } of events) {
      await setTimeout(100 + Math.random() * 1500)
      if (event === "restart") {
        await server.restart()
        continue
      }
      const victim = any(fleet)
      if (event === "pause") {
        // Out of the fleet while it is paused, so that nobody kills it; another one takes its place.
        fleet.splice(fleet.indexOf(victim), 1, start())
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
      fleet.splice(fleet.indexOf(victim), 1)
      victim.child.kill("SIGKILL")
      await victim.ended
      note("killed", victim)
      fleet.push(start())
    }
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
        paused: entries.filter(({ event }) => event === "paused").length,
        restarted: input.restarts,
        runs: all.filter(({ state }) => state === "succeeded").length,
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
    await Promise.allSettled(pausing)
    await runtime.dispose()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Kills runners and says what is left; fails where a rule was broken. */
export const killsBenchmark = async (kills: number): Promise<string> => {
  const { broken, ...report } = await killRunners({
    kills,
    pauses: Math.max(1, Math.round(kills / 40)),
    restarts: Math.max(1, Math.round(kills / 50)),
    runners: 4,
    experiments: 12
  })
  const text = Object.entries(report).map(([name, value]) => `${name.padEnd(18)} ${value}`).join("\n")
  if (broken.length > 0) throw new Error(`${text}\n\n${broken.length} rules were broken:\n${broken.join("\n")}`)
  return `${text}\nno rule was broken`
}
