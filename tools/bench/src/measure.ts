/** Times of an effect, and tables of them. */
import { Effect } from "effect"

/** Wall time, and CPU time of the whole process (the embedded engine works in it). */
export interface Measured {
  readonly wallMs: number
  readonly cpuMs: number
}

/** Runs an effect and times it. */
export const measure = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Measured, E, R> =>
  Effect.suspend(() => {
    const wall = performance.now()
    const cpu = process.cpuUsage()
    return Effect.map(effect, () => {
      const { system, user } = process.cpuUsage(cpu)
      return { wallMs: performance.now() - wall, cpuMs: (user + system) / 1000 }
    })
  })

/** The middle value; the mean of the two middle ones where there is an even number. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Rows below a header, columns aligned. */
export const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const all = [header, ...rows]
  const widths = header.map((_, i) => Math.max(...all.map((row) => row[i]!.length)))
  return all.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")
  )
    .join("\n")
}
