/**
 * Containers and networks that always go: each carries the label of the process that started it, and a guard removes them once that
 * process is gone, however it ended.
 */
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { engine } from "./engine.ts"

const label = "org.assay.owner"

/** When a process started, in ticks since the machine did: numbers of processes are given out anew. `-` where it can't be known. */
const startOf = (pid: number): string => {
  try {
    // The second field is the program's name in parentheses; the 22nd of all is the start.
    return readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ")[19] ?? "-"
  } catch {
    return "-"
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

/** The name of this process among all that ever started containers: machine, number, start. */
export const owner = `${hostname()}/${process.pid}/${startOf(process.pid)}`

/** The labels of all that this process starts. */
export const ownLabels = { [label]: owner }

/** Whether an owner's process is gone. One on another machine (which shares the engine) is taken as alive. */
const isGone = (name: string): boolean => {
  const [machine, pid, start] = name.split("/")
  return machine === hostname() && (!isAlive(Number(pid)) || startOf(Number(pid)) !== start)
}

const labelled = async (filter: string) => {
  const docker = await engine()
  const filters = { label: [filter] }
  return {
    containers: await docker.listContainers({ all: true, filters }),
    networks: await docker.listNetworks({ filters })
  }
}

const ignoreGone = () => undefined

const remove = async (filter: string, which: (name: string) => boolean): Promise<number> => {
  const docker = await engine()
  const { containers, networks } = await labelled(filter)
  const mine = <A extends { readonly Labels?: { readonly [name: string]: string } | undefined }>(
    all: ReadonlyArray<A>
  ) => all.filter(({ Labels }) => which(Labels?.[label] ?? ""))
  const old = mine(containers)
  await Promise.all(old.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true }).catch(ignoreGone)))
  await Promise.all(mine(networks).map(({ Id }) => docker.getNetwork(Id).remove().catch(ignoreGone)))
  return old.length
}

/** Removes what an owner started, and says how many containers that were. */
export const removeOwned = (name: string = owner): Promise<number> => remove(`${label}=${name}`, () => true)

/** Removes what owners that are gone left behind, and says how many containers that were. */
export const removeLeftovers = (): Promise<number> => remove(label, isGone)

/** How many containers an owner has. */
export const countOwned = async (name: string = owner): Promise<number> =>
  (await labelled(`${label}=${name}`)).containers.length

let guarded = false

/** Starts the guard of this process, once. It lives until its stdin closes, which the system does when this process ends. */
export const guard = (): void => {
  if (guarded) return
  guarded = true
  const child = spawn(process.execPath, ["--conditions=@assay/source", join(import.meta.dirname, "guard.ts"), owner], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"]
  })
  child.unref()
  if (child.stdin !== null && "unref" in child.stdin && typeof child.stdin.unref === "function") child.stdin.unref()
}
