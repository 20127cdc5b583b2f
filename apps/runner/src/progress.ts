/** How a run goes, for people: one line that changes on a terminal, plain lines elsewhere. On stderr. */
import type { RunEvent, Watcher } from "@assay/pipeline"
import { Effect } from "effect"

const number = (count: number): string => Math.round(count).toLocaleString("en-US")

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** The line that an event ends with: an experiment that is done or has failed. Why it failed is said once all are done. */
const finished = (event: RunEvent): string | undefined => {
  if (event.kind === "failed") return `${event.experiment}: failed`
  if (event.kind !== "succeeded") return undefined
  const { provenance } = event.result.summary
  const rows = provenance.rows_read
  return `${event.experiment}: ${number(rows)} ${rows === 1 ? "row" : "rows"} read in ${
    seconds(provenance.duration_ms)
  }`
}

/** Writes plain lines: one when an experiment is done or has failed. */
export const plainProgress = (write: (text: string) => void): Watcher => (event) =>
  Effect.sync(() => {
    const line = finished(event)
    if (line !== undefined) write(`${line}\n`)
  })

/** Keeps one line up to date on a terminal: how many are done of `total`, and how far the running ones are. */
export const terminalProgress = (write: (text: string) => void, total: number, columns: number): Watcher => {
  const running = new Map<string, string>()
  let done = 0
  const clear = "\r\u001b[2K"
  const draw = () => {
    const line = `${done}/${total}  ${[...running].map(([name, state]) => `${name} ${state}`).join("  ")}`
    write(`${clear}${running.size === 0 ? "" : line.replaceAll(/\p{Cc}/gu, "?").slice(0, columns - 1)}`)
  }
  return (event) =>
    Effect.sync(() => {
      const { experiment } = event
      if (event.kind === "started") running.set(experiment, "…")
      if (event.kind === "progress") {
        const { rowsRead, totalRows, elapsedMs } = event.progress
        const part = totalRows === undefined || totalRows === 0
          ? ""
          : ` ${Math.min(100, Math.floor((100 * rowsRead) / totalRows))} %`
        running.set(experiment, `${number(rowsRead)} rows${part} ${seconds(elapsedMs)}`)
      }
      const line = finished(event)
      if (line !== undefined) {
        running.delete(experiment)
        done += 1
        write(`${clear}${line}\n`)
      }
      draw()
    })
}
