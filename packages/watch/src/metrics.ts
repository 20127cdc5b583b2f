/** What a runner counts: names, units and meaning of its metrics. No name of an experiment is in them but where a gauge is about one. */
import { Metric } from "effect"

/** Runs that ended, with `outcome`: new, unchanged, failed or lost. */
export const runs = Metric.counter("assay_runs_total", { description: "Runs that ended", incremental: true })

/** Attempts that will be tried again, with the `code` of what went wrong. */
export const retries = Metric.counter("assay_retries_total", {
  description: "Attempts that are tried again",
  incremental: true
})

/** Milliseconds from taking a run to its end. */
export const duration = Metric.histogram("assay_run_duration_milliseconds", {
  description: "From taking a run to its end",
  boundaries: [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000]
})

/** Milliseconds from when a run could begin to when it was taken. */
export const waiting = Metric.histogram("assay_run_wait_milliseconds", {
  description: "From when a run could begin to when it was taken",
  boundaries: [100, 500, 1000, 5000, 15_000, 60_000, 300_000, 900_000, 3_600_000]
})

/** Rows read in the warehouse. */
export const rowsRead = Metric.counter("assay_rows_read_total", {
  description: "Rows read in the warehouse",
  incremental: true
})
/** Bytes read in the warehouse, uncompressed. */
export const bytesRead = Metric.counter("assay_bytes_read_total", {
  description: "Bytes read in the warehouse, uncompressed",
  incremental: true
})

/** Seconds since the data of an experiment was last looked at with success, with `experiment`. */
export const age = Metric.gauge("assay_result_age_seconds", {
  description: "Since the data of the experiment was last looked at with success"
})

/** Runs in the queue. */
export const queued = Metric.gauge("assay_runs_queued", { description: "Runs in the queue" })
/** Runs under way, by all runners. */
export const running = Metric.gauge("assay_runs_running", { description: "Runs under way, by all runners" })

/** Experiments whose last three runs or more failed. */
export const dead = Metric.gauge("assay_experiments_dead", {
  description: "Experiments whose last three runs or more failed"
})

/** 0 while the definition files can't be read or are wrong, and the last good ones are used. */
export const definitionsOk = Metric.gauge("assay_definitions_ok", {
  description: "1 while all definition files are good"
})
