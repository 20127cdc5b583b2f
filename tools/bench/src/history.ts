/** What benchmarks found, a line of JSON each, in a file that git doesn't keep: `.cache/history.ndjson`. */
import { appendFileSync, mkdirSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"

const folder = join(import.meta.dirname, "..", ".cache")

/** Appends what a benchmark found, with the time and the machine. */
export const keep = (found: Readonly<Record<string, unknown>>): void => {
  mkdirSync(folder, { recursive: true })
  const [cpu] = cpus()
  const line = { at: new Date().toISOString(), cpu: cpu?.model, cores: cpus().length, ...found }
  appendFileSync(join(folder, "history.ndjson"), `${JSON.stringify(line)}\n`)
}
