/** What a result cost, for people and machines. */
import type { ResultsSummary } from "@assay/model"

const shown = (n: number): string => Math.round(n).toLocaleString("en-US")

const units = ["B", "kB", "MB", "GB", "TB", "PB"]

/** Bytes with three digits, in powers of 1000: `1.23 MB`. */
export const bytesText = (bytes: number): string => {
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  return `${power === 0 ? bytes : Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`

/** Lines with what the query of a summary read and took. What isn't known is said to be unknown. */
export const costText = (summary: ResultsSummary): string => {
  const { provenance } = summary
  const { bytes_read, duration_ms, peak_memory_bytes, query_id, query_ms, rows_read, shared_read } = provenance
  return [
    `${summary.experiment} as of ${summary.as_of}`,
    `  Rows read    ${shown(rows_read)}`,
    `  Bytes read   ${bytesText(bytes_read)}`,
    `  Peak memory  ${peak_memory_bytes === undefined ? "unknown" : bytesText(peak_memory_bytes)}`,
    `  Query        ${query_ms === undefined ? "unknown" : seconds(query_ms)}`,
    `  Whole run    ${seconds(duration_ms)}`,
    `  Query id     ${query_id}`,
    ...(shared_read === undefined ? [] : [
      `  Shared read  one statement for ${shared_read.experiments} experiments: rows, bytes and query are an equal part of`,
      `               ${shown(shared_read.rows_read)} rows, ${bytesText(shared_read.bytes_read)}, ${
        seconds(shared_read.query_ms)
      }${peak_memory_bytes === undefined ? "" : "; the memory is that of the whole statement"}`
    ])
  ].join("\n")
}

/** The same for machines; what isn't known is left out. */
export const costJson = (summary: ResultsSummary) => {
  const { bytes_read, duration_ms, peak_memory_bytes, query_id, query_ms, rows_read, run_id, shared_read } =
    summary.provenance
  return {
    schema: "assay.cost/1",
    experiment: summary.experiment,
    as_of: summary.as_of,
    run_id,
    query_id,
    rows_read,
    bytes_read,
    ...(peak_memory_bytes === undefined ? {} : { peak_memory_bytes }),
    ...(query_ms === undefined ? {} : { query_ms }),
    duration_ms,
    ...(shared_read === undefined ? {} : { shared_read })
  }
}
