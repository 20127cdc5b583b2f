/** Refreshes that `assay serve` runs itself: the built command, asked as a user asks it. */
import type { Run } from "@assay/store"
import { describe, expect, it } from "vitest"
import { isWanted } from "../src/serve/worker.ts"
import { assay, config, type Outcome, project } from "./assay.ts"

interface Server {
  readonly url: string
  /** Stops it as Ctrl-C does, and answers how it ended. */
  readonly stop: () => Promise<Outcome>
}

const serve = (root: string, ...args: ReadonlyArray<string>): Promise<Server> =>
  new Promise((resolve, reject) => {
    let isUp = false
    const ended = assay(["serve", "--refresh", "--port", "0", ...args], {
      cwd: root,
      watch: ({ kill, stderr }) => {
        const [, url] = /on (http:\S+)\//.exec(stderr) ?? []
        if (isUp || url === undefined) return
        isUp = true
        resolve({
          url,
          stop: () => {
            kill("SIGINT")
            return ended
          }
        })
      }
    })
    ended.then(({ stderr }) => reject(new Error(`ended: ${stderr}`)), reject)
  })

const of = ({ url }: Server) => `${url}/api/v1/experiments/checkout`

const refresh = (server: Server) => fetch(`${of(server)}/refresh`, { method: "POST" })

/** All events of a refresh, to its end, as `[event, data]`. */
const followed = async (server: Server): Promise<ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>]>> =>
  (await (await fetch(`${of(server)}/progress`)).text()).trim().split("\n\n").map((block) => [
    /^event: (.*)$/m.exec(block)?.[1] ?? "",
    JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "null") as Readonly<Record<string, unknown>>
  ])

describe("a refresh, where no `assay watch` runs", () => {
  it("is run by the server, followed to its end, and makes the next one wait", async () => {
    const root = project()
    const server = await serve(root, "--throttle", "3600")
    expect((await fetch(`${of(server)}/results`)).status).toBe(404)
    const accepted = await refresh(server)
    expect([accepted.status, accepted.headers.get("retry-after")]).toEqual([202, "1"])
    const events = await followed(server)
    expect(events.at(-1)?.[0]).toBe("succeeded")
    expect(await (await fetch(`${of(server)}/results`)).json()).toMatchObject({
      experiment: "checkout",
      metrics: [{ metric_id: "purchased", variants: { grey: { n: 200 }, green: { n: 200 } } }]
    })
    const hasty = await refresh(server)
    expect(hasty.status).toBe(429)
    expect(Number(hasty.headers.get("retry-after"))).toBeGreaterThan(0)

    // Between refreshes the store is free for a scheduler.
    const watched = await assay(["watch", "--once"], { cwd: root })
    expect(watched).toMatchObject({ code: 0 })
    const { code, stderr } = await server.stop()
    expect(code).toBe(0)
    expect(stderr).toMatch(/message=succeeded .*reason=request .*result=new/)
  })

  it("may be asked for again at once when it failed, and says why it did", async () => {
    const server = await serve(project({ "assay.config.ts": config("events: { table: \"nowhere\" }") }))
    for (let i = 0; i < 2; i++) {
      expect((await refresh(server)).status).toBe(202)
      const [event, data] = (await followed(server)).at(-1)!
      expect([event, data["code"]]).toEqual(["failed", "query_rejected"])
    }
    await server.stop()
  })
})

describe("a run that waits", () => {
  const run: Run = {
    id: "r",
    experiment: "checkout",
    state: "queued",
    reason: "request",
    definition_hash: "d",
    attempt: 0,
    failures: 0,
    queued_at: "2026-01-05T00:00:00.000Z",
    next_at: "2026-01-05T00:00:05.000Z"
  }
  const at = Date.parse("2026-01-05T00:00:05.000Z")

  it("is for the server from when it may begin, if somebody asked for it", () => {
    expect(isWanted(run, "me", false, at)).toBe(true)
    expect(isWanted(run, "me", false, at - 1)).toBe(false)
    expect(isWanted({ ...run, reason: "schedule" }, "me", false, at)).toBe(false)
    expect(isWanted({ ...run, state: "failed" }, "me", false, at)).toBe(false)
  })

  it("is for it too while it runs: its own, or any where there can be one runner alone", () => {
    const running: Run = { ...run, state: "running", runner: "another" }
    expect(isWanted(running, "me", true, at)).toBe(false)
    expect(isWanted({ ...running, runner: "me" }, "me", true, at)).toBe(true)
    expect(isWanted(running, "me", false, at)).toBe(true)
  })
})
