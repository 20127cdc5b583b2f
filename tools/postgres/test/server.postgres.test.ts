import { startPostgres } from "@assay/postgres"
import { once } from "node:events"
import { connect } from "node:net"
import { assert, describe, it } from "vitest"

/** Whether something listens where a URL points to. */
const listens = async (url: string): Promise<boolean> => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const answer = await Promise.race([once(socket, "connect").then(() => true), once(socket, "error").then(() => false)])
  socket.destroy()
  return answer
}

describe("a server of one's own", () => {
  it("starts, crashes, comes back on its port, and leaves nothing", async () => {
    const server = await startPostgres()
    const answers = [await listens(server.url)]
    await server.crash()
    answers.push(await listens(server.url))
    await server.restart()
    answers.push(await listens(server.url))
    await server.stop()
    answers.push(await listens(server.url))
    assert.deepStrictEqual(answers, [true, false, true, false])
  })
})
