/** The real `assay serve`, as a process of its own. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"

/** A server that answers, the milliseconds that its start took, and its end. */
export interface Serving {
  readonly url: string
  readonly startMillis: number
  readonly close: () => Promise<void>
}

const bin = join(import.meta.dirname, "../../../apps/runner/bin/assay.js")

/** Starts `assay serve` on the project in `root`, on a free port, and waits until it answers. Fails with what it wrote where it ends before. */
export const serving = async (root: string, args: ReadonlyArray<string> = []): Promise<Serving> => {
  const start = performance.now()
  const child = spawn(process.execPath, [bin, "serve", "--port", "0", ...args], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"]
  })
  const ended = once(child, "close")
  let said = ""
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text
      const [, found] = /on (http:\S+)\/ /.exec(said) ?? []
      if (found !== undefined) resolve(found)
    })
    child.on("error", reject)
    child.on("close", () => reject(new Error(`assay serve ended: ${said}`)))
  })
  await fetch(`${url}/healthz`)
  return {
    url,
    startMillis: performance.now() - start,
    close: async () => {
      child.kill("SIGINT")
      await ended
    }
  }
}
