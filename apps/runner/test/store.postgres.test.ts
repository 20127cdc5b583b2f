/** A store in PostgreSQL, as somebody types the commands who operates it. */
import { type PostgresServer, startPostgres } from "@assay/postgres"
import { Runs } from "@assay/store"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assay, background, config, experimentFile, project, write } from "./assay.ts"

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop())

const keys = ["a", "b", "c", "d"]

const shared = () =>
  project({
    "assay.config.ts": config("store: { postgres: { env: \"STORE_URL\" } }"),
    ...Object.fromEntries(keys.map((key) => [`experiments/${key}.yaml`, experimentFile(key)]))
  })

/** The URL with a password, which this server doesn't look at. */
const secret = "hunter2"
const environment = () => ({ STORE_URL: server.url.replace("//assay@", `//assay:${secret}@`) })

describe("a store in PostgreSQL", () => {
  it("is refused before it is migrated, migrated twice without harm, and shared by runners", async () => {
    const cwd = shared()
    const env = environment()
    const early = await assay(["watch", "--once"], { cwd, env })
    expect(early.code).toBe(1)
    expect(early.stderr).toMatch(/holds no store\..*\n {2}Make it ready with `assay store migrate`/)
    const migrated = [
      await assay(["store", "migrate"], { cwd, env }),
      await assay(["store", "migrate"], { cwd, env })
    ]
    expect(migrated.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, "PostgreSQL ($STORE_URL): format 1, before nothing\n"],
      [0, "PostgreSQL ($STORE_URL): format 1 already\n"]
    ])

    const runners = ["one", "two"].map((name) =>
      background(["watch", "--runner", name, "--log-level", "debug"], { cwd, env })
    )
    await Promise.all(runners.map((runner) => runner.says("watching")))
    const runs = () =>
      Effect.runPromise(
        Runs.use((all) => all.list()).pipe(Effect.provide(Runs.layerPostgres({ url: server.url })))
      )
    while ((await runs()).filter(({ state }) => state === "succeeded").length < keys.length + 1) {
      await new Promise((done) => setTimeout(done, 200))
    }
    for (const runner of runners) runner.kill("SIGTERM")
    const ended = await Promise.all(runners.map((runner) => runner.ended))
    expect(ended.map(({ code }) => code)).toEqual([0, 0])
    // Each once, by either of them.
    expect((await runs()).map(({ experiment, reason }) => `${experiment} ${reason}`).toSorted()).toEqual(
      ["a first", "b first", "c first", "checkout first", "d first"]
    )
    expect((await assay(["results", "checkout"], { cwd, env })).stdout).toContain("SHIP green")

    const backup = await assay(["store", "backup", "copy"], { cwd, env })
    expect(backup.code).toBe(1)
    expect(backup.stderr).toContain("pg_dump --schema='assay*'")
    for (const { stderr, stdout } of [early, backup, ...migrated, ...ended]) {
      expect(stdout + stderr).not.toContain(secret)
    }
  })

  it("is refreshed by the servers that share it: what both were asked for is done once, by either, and shown by both", async () => {
    const cwd = shared()
    const env = environment()
    const schema = "served"
    write(cwd, { "assay.config.ts": config(`store: { postgres: { env: "STORE_URL" }, schema: "${schema}" }`) })
    expect((await assay(["store", "migrate"], { cwd, env })).code).toBe(0)
    const servers = ["one", "two"].map(() => background(["serve", "--refresh", "--port", "0"], { cwd, env }))
    const urls = await Promise.all(
      servers.map(async (server) => /on (http:\S+)\/ /.exec(await server.says("Ctrl-C"))?.[1])
    )
    const ask = async (url: string | undefined, key: string) => {
      const answer = await fetch(`${url}/api/v1/experiments/${key}/refresh`, { method: "POST" })
      const { queued, run } = await answer.json() as { readonly queued: boolean; readonly run: { readonly id: string } }
      return { status: answer.status, queued, id: run.id }
    }
    const asked = await Promise.all(keys.map((key) => Promise.all(urls.map((url) => ask(url, key)))))
    for (const answers of asked) {
      expect(answers.map(({ status }) => status)).toEqual([202, 202])
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
      expect(answers.filter(({ queued }) => queued).length).toBe(1)
    }
    // Each stream of events ends with its run.
    const follow = async (key: string) =>
      (await (await fetch(`${urls[0]}/api/v1/experiments/${key}/progress`)).text()).trim().split("\n\n").at(-1)
    for (const event of await Promise.all(keys.map(follow))) expect(event).toContain("event: succeeded")
    for (const key of keys) {
      const seen = await Promise.all(
        urls.map(async (url) => (await fetch(`${url}/api/v1/experiments/${key}/history`)).text())
      )
      expect(seen[1]).toBe(seen[0])
      expect(JSON.parse(seen[0]!).snapshots.length).toBe(1)
    }
    for (const server of servers) server.kill("SIGTERM")
    expect((await Promise.all(servers.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([0, 0])
    const runs = await Effect.runPromise(
      Runs.use((all) => all.list()).pipe(Effect.provide(Runs.layerPostgres({ url: server.url, schema })))
    )
    expect(
      runs.map(({ attempt, experiment, reason, state }) => `${experiment} ${reason} ${state} ${attempt}`).toSorted()
    )
      .toEqual(keys.map((key) => `${key} request succeeded 1`))
  })

  it("that can't be found is told with the place of its URL, which is kept to itself", async () => {
    const cwd = shared()
    const missing = await assay(["runs"], { cwd })
    expect(missing.code).toBe(1)
    expect(missing.stderr).toContain("the environment variable STORE_URL is empty or not set")
    const away = await assay(["store", "migrate"], {
      cwd,
      env: { STORE_URL: `postgres://assay:${secret}@127.0.0.1:1/x` }
    })
    expect(away.code).toBe(1)
    expect(away.stderr).toMatch(/127\.0\.0\.1:1.*\n {2}Check that the database runs/)
    expect(away.stderr).not.toContain(secret)
  })
})
