import { listens, startPostgres } from "@assay/postgres"
import { assert, describe, it } from "vitest"

describe("a server of one's own", () => {
  it("starts, crashes, comes back on its port, and leaves nothing", async () => {
    const server = await startPostgres()
    const port = Number(new URL(server.url).port)
    const answers = [await listens(port)]
    await server.crash()
    answers.push(await listens(port))
    await server.restart()
    answers.push(await listens(port))
    await server.stop()
    answers.push(await listens(port))
    assert.deepStrictEqual(answers, [true, false, true, false])
  })
})
