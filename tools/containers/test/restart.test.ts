/** A server that goes away and comes back between two experiments of one run. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { faultyProxy, type Server, startServer } from "../src/index.ts"
import { makeProject, type Project } from "./project.ts"
import { load } from "./shop.ts"

describe("between two experiments of one run", () => {
  let server: Server
  let project: Project
  beforeAll(async () => {
    server = await startServer()
    await load(server)
    project = makeProject({ url: server.url })
  })
  afterAll(async () => {
    project.remove()
    await server.remove()
  })

  /** A run whose second experiment finds that something happened to the server before its first statement. */
  const run = async (happens: () => Promise<void>, retries: number) => {
    let happened = false
    const proxy = await faultyProxy(server.port, {
      kind: "before",
      happens: async (path) => {
        if (happened || !decodeURIComponent(path).includes("\"experiment\":\"beta\"")) return
        happened = true
        await happens()
      }
    })
    try {
      project.configure({ url: proxy.url, warehouse: { retries } })
      const { code, stdout } = await project.run([
        "recompute",
        "--all",
        "--no-shared-reads",
        "--concurrency",
        "1",
        "--json"
      ])
      expect(happened).toBe(true)
      const told = JSON.parse(stdout) as {
        readonly results: ReadonlyArray<{ readonly experiment: string }>
        readonly failed: ReadonlyArray<{ readonly experiment: string; readonly code: string }>
      }
      return {
        code,
        good: told.results.map(({ experiment }) => experiment),
        failed: told.failed.map(({ code, experiment }) => [experiment, code])
      }
    } finally {
      await proxy.close()
    }
  }

  it("the server is started again: another try has the result", async () => {
    const restart = () => server.kill().then(() => server.start())
    expect(await run(restart, 2)).toEqual({ code: 0, good: ["alpha", "beta"], failed: [] })
  })

  it("the server stays away: the first result is kept, the second experiment has its last good one", async () => {
    const before = project.stored()
    expect(await run(() => server.kill(), 2)).toEqual({
      code: 1,
      good: ["alpha"],
      failed: [["beta", "warehouse_unavailable"]]
    })
    const of = (experiment: string, files: Readonly<Record<string, string>>) =>
      Object.fromEntries(Object.entries(files).filter(([name]) => name.includes(experiment)))
    expect(of("beta", project.stored())).toEqual(of("beta", before))
    expect(of("alpha", project.stored())).not.toEqual(of("alpha", before))
  })

  it("and the next run on the server that is back works", async () => {
    await server.start()
    project.configure({ url: server.url })
    expect((await project.run(["recompute", "--all"])).code).toBe(0)
  })
})
