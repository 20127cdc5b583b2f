/** The guard: waits until the process that started it is gone, then removes the containers and networks of that process. */
import { once } from "node:events"
import { removeOwned } from "./removal.ts"

const [, , name = ""] = process.argv

// A terminal's Ctrl-C goes to the whole group; the guard outlives it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {})

await once(process.stdin.resume(), "close")
// A container that was being made when its owner died appears a little later.
for (const wait of [0, 1000, 3000]) {
  await new Promise((done) => setTimeout(done, wait))
  await removeOwned(name)
}
process.exit(0)
