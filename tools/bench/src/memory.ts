/** How much memory this process takes at most, as Linux counts it. */
import { readFileSync, writeFileSync } from "node:fs"

const bytesOf = (name: string): number => {
  const [, kilobytes] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8")) ?? []
  return 1024 * Number(kilobytes)
}

/** Begins to look for the peak anew, and gives what is taken now, in bytes. Linux alone. */
export const resetPeak = (): number => {
  writeFileSync("/proc/self/clear_refs", "5")
  return bytesOf("VmRSS")
}

/** The most that was taken since {@link resetPeak}, in bytes. */
export const peak = (): number => bytesOf("VmHWM")
