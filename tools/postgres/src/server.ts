import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chownSync, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { binaries } from "./binaries.ts"
import { listens } from "./listens.ts"

/** A server that runs. */
export interface PostgresServer {
  /** Where the user `assay` reaches the database `postgres`, without a password. */
  readonly url: string
  /** Stops it as after a power cut, and starts it again on the same port and data. */
  readonly restart: () => Promise<void>
  /** Stops it as after a power cut; `restart` brings it back. */
  readonly crash: () => Promise<void>
  /** Stops it for good and removes its data. */
  readonly stop: () => Promise<void>
}

/** Whom the server runs as: PostgreSQL refuses to be root. */
const unprivileged = (): { readonly uid?: number; readonly gid?: number } =>
  process.getuid?.() === 0
    ? { uid: Number(execFileSync("id", ["-u", "nobody"])), gid: Number(execFileSync("id", ["-g", "nobody"])) }
    : {}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  if (address === null || typeof address === "string") throw new Error("no port is free")
  return address.port
}

/** How long a start may take, in steps of a tenth of a second. */
const PATIENCE = 600

/** Waits until the server accepts connections on its port. */
const accepting = async (port: number, child: ChildProcess, said: () => string): Promise<void> => {
  for (let i = 0; i < PATIENCE; i++) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended at its start:\n${said()}`)
    if (said().includes("database system is ready to accept connections")) {
      if (await listens(port)) return
    }
    await setTimeout(100)
  }
  throw new Error(`PostgreSQL doesn't accept connections:\n${said()}`)
}

/** Waits until its standard input closes, then ends the server of a folder and removes the folder. */
const afterwards = `trap "" INT TERM HUP
cat > /dev/null
pid=$(head -n 1 "$0/data/postmaster.pid")
ps -o args= -p "$pid" | grep -qF "$0/data" && kill -QUIT "$pid"
for i in 1 2 3 4 5 6 7 8 9 10; do [ -e "$0/data/postmaster.pid" ] && sleep 1; done
rm -rf "$0"`

/** Watches over a folder: what lies and runs there goes with this process, also where that is killed. The answer ends it at once. */
const guarded = (folder: string): () => void => {
  const guard = spawn("sh", ["-c", afterwards, folder], { detached: true, stdio: ["pipe", "ignore", "ignore"] })
  guard.unref()
  if ("unref" in guard.stdin && typeof guard.stdin.unref === "function") guard.stdin.unref()
  return () => guard.stdin.end()
}

/**
 * Starts a server with an empty database in a temporary folder, as an unprivileged user. It goes with this process, however that ends. Its
 * data survive a crash of the server alone: nothing is synced to the disk.
 *
 * @throws Error where PostgreSQL's programs aren't installed, or it doesn't start
 */
export const startPostgres = async (): Promise<PostgresServer> => {
  const bin = binaries()
  if (bin === undefined) {
    throw new Error("PostgreSQL's programs aren't installed: apt-get install postgresql, or set POSTGRES_BIN")
  }
  const user = unprivileged()
  const folder = mkdtempSync(join(tmpdir(), "assay-postgres-"))
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid ?? user.uid)
  const release = guarded(folder)
  const data = join(folder, "data")
  const options = { ...user, cwd: folder, env: { ...process.env, LC_ALL: "C" } }
  execFileSync(
    join(bin, "initdb"),
    ["-D", data, "-U", "assay", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
    { ...options, stdio: ["ignore", "ignore", "pipe"] }
  )
  const port = await freePort()
  const settings = [
    "listen_addresses=127.0.0.1",
    `unix_socket_directories=${folder}`,
    "fsync=off",
    "max_connections=200"
  ]
  let child: ChildProcess | undefined
  const start = async () => {
    let said = ""
    child = spawn(
      join(bin, "postgres"),
      ["-D", data, "-p", String(port), ...settings.flatMap((setting) => ["-c", setting])],
      { ...options, stdio: ["ignore", "ignore", "pipe"] }
    )
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-10_000)
    })
    await accepting(port, child, () => said)
  }
  const end = async (signal: NodeJS.Signals) => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    child.kill(signal)
    await ended
  }
  await start()
  return {
    url: `postgres://assay@127.0.0.1:${port}/postgres`,
    crash: () => end("SIGQUIT"),
    restart: async () => {
      await end("SIGQUIT")
      await start()
    },
    stop: async () => {
      await end("SIGQUIT")
      rmSync(folder, { recursive: true, force: true })
      release()
    }
  }
}
