/** `assay watch`, `assay runs` and `assay store`, as somebody types them who operates them. */
import { states } from "@assay/example-summaries"
import { type Run, Runs, Store } from "@assay/store"
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import {
  assay,
  background,
  config,
  endless,
  experimentFile,
  folder,
  metricFile,
  project,
  snapshots,
  write
} from "./assay.ts"
import { snapshot, summaryOf } from "./served.ts"

/** Longer than signals that are copies of each other are apart. */
const LATER = 1000

const running = (cwd: string, more: ReadonlyArray<string> = []) =>
  background(["watch", "--runner", "one", ...more], { cwd })

const layerOf = (cwd: string) => Runs.layerFolder(join(cwd, ".assay"))

/** Does something with a project's store, which others may use at the same time. */
const inStore = <A, E>(cwd: string, effect: Effect.Effect<A, E, Runs | Store>): Promise<A> =>
  Effect.runPromise(Effect.provide(effect, layerOf(cwd)))

/** All runs of a project, newest first, as its store has them now. */
const runsOf = (cwd: string): Promise<ReadonlyArray<Run>> => inStore(cwd, Runs.use((runs) => runs.list()))

/** Waits until the newest run of a project is in a state. */
const inState = async (cwd: string, state: Run["state"]): Promise<Run> => {
  while (true) {
    const [run] = await runsOf(cwd)
    if (run?.state === state) return run
    await setTimeout(100)
  }
}

const broken = { "metrics/purchased.yaml": metricFile("purchased", { aggregation: "ocurrence" }) }

describe("a service that is asked to stop", () => {
  it("ends with 0 when it has nothing to do", async () => {
    const cwd = project()
    const watching = running(cwd)
    await watching.says("succeeded")
    watching.kill("SIGTERM")
    const { code, stderr, stdout } = await watching.ended
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" })
    expect(stderr).toMatch(/message=stopping runner=one running=0\n.*message=stopped/)
    expect((await runsOf(cwd)).map(({ runner, state }) => [state, runner])).toEqual([["succeeded", "one"]])
  })

  it("gives back what it can't finish, which the next runner takes; a second signal ends it at once", async () => {
    const cwd = endless()
    const first = running(cwd, ["--stop-seconds", "1"])
    const { id } = await inState(cwd, "running")
    first.kill("SIGTERM")
    await first.says("message=stopping runner=one running=1")
    expect((await first.ended).code).toBe(0)
    expect(await runsOf(cwd)).toMatchObject([{ id, state: "queued", attempt: 1, error: { code: "interrupted" } }])
    expect(snapshots(cwd).filter((file) => file.endsWith(".json"))).toEqual([])

    const second = background(["watch", "--runner", "two"], { cwd })
    expect(await inState(cwd, "running")).toMatchObject({ id, attempt: 2, runner: "two" })
    second.kill("SIGINT")
    await second.says("stopping")
    await setTimeout(LATER)
    second.kill("SIGINT")
    expect((await second.ended).code).toBe(130)
    expect(await runsOf(cwd)).toMatchObject([{ id, state: "running" }])
  })

  it("cuts off streams, and ends with 0", async () => {
    const cwd = project()
    const serving = background(["serve", "--port", "0", "--refresh", "--no-worker"], { cwd })
    const said = await serving.says("Ctrl-C stops it")
    const api = `${/http:[^ ]+/.exec(said)![0]}api/v1/experiments/checkout`
    expect((await fetch(`${api}/refresh`, { method: "POST" })).status).toBe(202)
    const stream = await fetch(`${api}/progress`)
    expect(stream.status).toBe(200)
    const cut = stream.text().then(() => "ended", () => "cut")
    serving.kill("SIGINT")
    expect((await serving.ended).code).toBe(0)
    expect(await cut).toBeOneOf(["ended", "cut"])
  })
})

describe("assay watch --once", () => {
  it("computes what is due, and then has nothing to do", async () => {
    const cwd = project({
      "experiments/later.yaml": experimentFile("later", { started_at: "2190-01-01", ended_at: "2190-02-01" })
    })
    expect((await assay(["watch", "--once"], { cwd })).code).toBe(0)
    const again = await assay(["watch", "--once"], { cwd })
    expect([again.code, again.stderr.includes("succeeded")]).toEqual([0, false])
    expect((await runsOf(cwd)).map(({ experiment, reason, result }) => [experiment, reason, result])).toEqual([
      ["checkout", "first", "new"]
    ])
  })

  it("reads together what is due at once, and keeps to the defaults of the configuration, as recompute does", async () => {
    const shared = { "experiments/again.yaml": experimentFile("again") }
    const cwd = project(shared)
    const states = async (at: string) =>
      (await runsOf(at)).map(({ state, together }) => [state, together !== undefined])
    expect((await assay(["watch", "--once"], { cwd })).code).toBe(0)
    expect(await states(cwd)).toEqual([["succeeded", true], ["succeeded", true]])
    const cost = await assay(["results", "again", "--cost"], { cwd })
    expect(cost.stdout).toMatch(/Shared read +one statement for 2 experiments/)

    const apart = project({ ...shared, "assay.config.ts": config("defaults: { shared_reads: false, series: true }") })
    expect((await assay(["watch", "--once"], { cwd: apart })).code).toBe(0)
    expect(await states(apart)).toEqual([["succeeded", false], ["succeeded", false]])
    const { stdout } = await assay(["results", "again", "--json"], { cwd: apart })
    expect(JSON.parse(stdout)).toHaveProperty("series")
  })

  it("ends with 1 where something failed, which the others don't suffer from", async () => {
    const cwd = project({
      "assay.config.ts": config("events: { properties: { country: \"country\" } }"),
      "experiments/abroad.yaml": experimentFile("abroad", { metrics: "[abroad]" }),
      "metrics/abroad.yaml": metricFile("abroad", { where: "[{ property: country, op: \"=\", value: SE }]" })
    })
    const outcome = await assay(["watch", "--once", "--log-format", "json"], { cwd })
    expect(outcome.code).toBe(1)
    expect(outcome.stderr).toMatch(/1 attempt failed; `assay runs` shows which\n$/)
    const lines = outcome.stderr.split("\n").filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as { readonly message: string; readonly annotations: object })
    expect(lines.find(({ message }) => message === "failed")?.annotations).toMatchObject({
      experiment: "abroad",
      code: "query_rejected",
      attempt: 1
    })
    const runs = (await runsOf(cwd)).map((
      { attempt, error, experiment, state }
    ) => [experiment, state, attempt, error?.code])
    expect(new Set(runs)).toEqual(
      new Set([["abroad", "failed", 1, "query_rejected"], ["checkout", "succeeded", 1, undefined]])
    )
    // What failed isn't shown as what isn't there yet.
    const nothing = await assay(["results", "abroad"], { cwd })
    expect(nothing.code).toBe(2)
    expect(nothing.stderr).toMatch(
      /There are no results of "abroad": its last run failed\. .*UNKNOWN_IDENTIFIER.*\n {2}.+/
    )
  })

  it("tries again later what may pass, and says when", async () => {
    const cwd = project({
      "assay.config.ts": "export default { warehouse: { url: \"http://127.0.0.1:1\", retries: 0 } }\n"
    })
    const outcome = await assay(["watch", "--once"], { cwd })
    expect(outcome.code).toBe(1)
    const [run] = await runsOf(cwd)
    expect(run).toMatchObject({ state: "queued", attempt: 1, error: { code: "warehouse_unavailable" } })
    expect(outcome.stderr).toContain(`next_at=${run!.next_at}`)
    const { stdout } = await assay(["runs"], { cwd })
    expect(stdout).toMatch(/queued +checkout +first +again at .+, after warehouse_unavailable/)
  })
})

describe("assay watch", () => {
  it("goes on with the last good definitions while new ones are wrong, and computes anew once they are right", async () => {
    const cwd = project()
    const watching = running(cwd)
    await watching.says("succeeded")
    write(cwd, broken)
    await watching.says("the definitions can't be used; the last good ones are")
    write(cwd, { "metrics/purchased.yaml": metricFile("purchased", { aggregation: "count" }) })
    await watching.says("reason=definition")
    watching.kill("SIGTERM")
    const { code, stderr } = await watching.ended
    expect(code).toBe(0)
    expect(stderr).toContain("all right again")
    expect((await runsOf(cwd)).map(({ reason }) => reason)).toEqual(["definition", "first"])
  })

  it("waits for its turn while another one has the store, and takes it when that one is killed", async () => {
    const cwd = endless()
    const first = running(cwd)
    await inState(cwd, "running")
    const second = background(["watch", "--runner", "two", "--stop-seconds", "0"], { cwd })
    await second.says("another runner has this store")
    first.kill("SIGKILL")
    await second.says("watching")
    expect(await inState(cwd, "running")).toMatchObject({ attempt: 2, runner: "two", error: { code: "runner_lost" } })
    second.kill("SIGTERM")
    expect((await second.ended).code).toBe(0)
  })

  it("refuses to wait less than not at all", async () => {
    const { code, stderr } = await assay(["watch", "--stop-seconds", "-1"], { cwd: project() })
    expect(code).toBe(2)
    expect(stderr).toContain("--stop-seconds is -1; it must be 0 or more")
  })
})

describe("assay runs", () => {
  it("shows runs of all or one, in a state, so many, newest first", async () => {
    const cwd = project()
    const none = await assay(["runs"], { cwd })
    expect([none.code, none.stdout]).toEqual([0, ""])
    expect(none.stderr).toContain("No runs yet")
    const failed = await assay(["runs", "nobody", "--state", "failed"], { cwd })
    expect(failed.stderr).toContain("There are no runs of \"nobody\" that are failed")
    const error = { code: "query_limit", message: "The query took longer than 600 s.", hint: "Raise limits.seconds" }
    await inStore(
      cwd,
      Effect.gen(function*() {
        const runs = yield* Runs
        for (const experiment of ["checkout", "other", "asked"]) {
          yield* runs.enqueue({ experiment, reason: "first", definitionHash: "d" })
        }
        for (const end of ["fail", "keep"] as const) {
          const [claim] = yield* runs.claim({ runner: "r", atMost: 9 })
          yield* end === "fail" ? claim!.fail(error) : claim!.beat({ stage: "query", rows_read: 1500, elapsed_ms: 10 })
        }
      })
    )
    const { stdout } = await assay(["runs"], { cwd })
    expect(stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/).slice(1, 5))).toEqual([
      ["queued", "asked", "first", expect.stringMatching(/^due /)],
      ["running", "other", "first", "by r, 1,500 rows read"],
      ["failed", "checkout", "first", "query_limit: The query took longer than 600 s."]
    ])
    const one = await assay(["runs", "checkout", "--state", "failed", "--limit", "1", "--json"], { cwd })
    expect(JSON.parse(one.stdout)).toEqual({ schema: "assay.runs/1", runs: [(await runsOf(cwd))[2]] })
  })

  it("cancels one that is open, whose runner drops it; and no other", async () => {
    const cwd = endless()
    const watching = running(cwd)
    const { id } = await inState(cwd, "running")
    expect((await assay(["runs", "--cancel", id], { cwd })).stderr).toContain(`Cancelled ${id}`)
    await watching.says("dropped: the run was cancelled")
    watching.kill("SIGKILL")
    await watching.ended
    expect((await runsOf(cwd)).find((run) => run.id === id)?.state).toBe("cancelled")
    const again = await assay(["runs", "--cancel", id], { cwd })
    expect(again.code).toBe(2)
    expect(again.stderr).toMatch(/There is no open run .*\n {2}.*--state queued/)
  })
})

describe("assay store", () => {
  const results = (root: string) => Store.use((store) => store.list("checkout")).pipe(Effect.provide(layerOf(root)))

  it("migrates what needs nothing, and says so", async () => {
    const cwd = project({ "assay.config.ts": config("store: { file: \"results/assay.sqlite\" }") })
    const { code, stderr } = await assay(["store", "migrate"], { cwd })
    expect(code).toBe(0)
    expect(stderr).toContain("results/assay.sqlite is ready")
    expect(existsSync(join(cwd, "results/assay.sqlite"))).toBe(true)
  })

  it("is backed up while it is used, so that everything can be brought back; and overwrites nothing", async () => {
    const cwd = project()
    const watching = running(cwd)
    await watching.says("succeeded")
    const target = join(folder(), ".assay")
    const backup = await assay(["store", "backup", target], { cwd })
    expect([backup.code, backup.stderr]).toEqual([0, `Wrote ${target}\n`])
    const refused = await assay(["store", "backup", target], { cwd })
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain(`There is something at ${target} already`)
    watching.kill("SIGTERM")
    await watching.ended
    const there = dirname(target)
    expect(await runsOf(there)).toEqual(await runsOf(cwd))
    expect((await Effect.runPromise(results(there))).map(({ id }) => id)).toEqual([(await runsOf(cwd))[0]?.snapshot])
  })

  it("forgets old results, but never the newest; and asks for a length of time", async () => {
    const cwd = project()
    const days = ["2026-01-10", "2026-01-11", "2026-01-12"]
    for (const day of days) {
      await inStore(cwd, snapshot(summaryOf("checkout", states["shipping"]!, `${day}T00:00:00.000Z`)))
    }
    const nothing = await assay(["store", "prune", "--older-than", "1d"], { cwd })
    expect([nothing.code, nothing.stderr]).toEqual([0, "Forgot 0 runs and 0 results\n"])
    const { code, stderr } = await assay(["store", "prune", "--older-than", "1d", "--keep", "1"], { cwd })
    expect([code, stderr]).toEqual([0, "Forgot 0 runs and 2 results\n"])
    expect((await Effect.runPromise(results(cwd))).map(({ as_of }) => as_of)).toEqual(["2026-01-12T00:00:00.000Z"])
    const refused = await assay(["store", "prune", "--older-than", "soon"], { cwd })
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/--older-than is "soon".*\n {2}Write 90d/)
  })
})
