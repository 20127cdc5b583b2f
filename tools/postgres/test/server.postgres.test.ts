import { listens, startPostgres } from "@assay/postgres"
import { fork } from "node:child_process"
import { once } from "node:events"
import { setTimeout } from "node:timers/promises"
import { assert, describe, it } from "vitest"

const portOf = (url: string): number => Number(new URL(url).port)

describe("a server of one's own", () => {
  it("starts, crashes, comes back on its port, and leaves nothing", async () => {
    const server = await startPostgres()
    const port = portOf(server.url)
    const answers = [await listens(port)]
    await server.crash()
    answers.push(await listens(port))
    await server.restart()
    answers.push(await listens(port))
    await server.stop()
    answers.push(await listens(port))
    assert.deepStrictEqual(answers, [true, false, true, false])
  })

  it("goes with its process, also where that is killed", async () => {
    const owner = fork(new URL("owner.ts", import.meta.url), [], { execArgv: ["--conditions=@assay/source"] })
    const [url] = await once(owner, "message") as [string]
    assert.isTrue(await listens(portOf(url)))
    owner.kill("SIGKILL")
    while (await listens(portOf(url))) await setTimeout(100)
  })
})
