/** Containers go with the process that started them, however it ends. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { countOwned, removeLeftovers } from "../src/index.ts"

const source = join(import.meta.dirname, "../src/index.ts")

/** A process that starts a server, says by which name it owns it, and waits. */
const program = `
  import { startServer } from ${JSON.stringify(source)}
  import { owner } from ${JSON.stringify(source.replace("index.ts", "removal.ts"))}
  await startServer()
  console.log(owner)
  setInterval(() => {}, 1000)
`

const startOne = async () => {
  const child = spawn(process.execPath, ["--conditions=@assay/source", "--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  const owner = await new Promise<string>((done, fail) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => done(text.trim()))
    child.on("exit", (code) => fail(new Error(`ended with ${code}`)))
  })
  return { child, owner }
}

describe("containers", () => {
  it.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)("are removed after %s", async (signal) => {
    const { child, owner } = await startOne()
    expect(await countOwned(owner)).toBe(1)
    // Those of processes that are there aren't left over.
    await removeLeftovers()
    expect(await countOwned(owner)).toBe(1)
    child.kill(signal)
    const deadline = Date.now() + 60_000
    while (await countOwned(owner) > 0 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 100))
    expect(await countOwned(owner)).toBe(0)
  })
})
