/** A run: one recompute of one experiment, from the wish for it to its end, over all its attempts. */
import { Instant } from "@assay/model"
import { Schema } from "effect"
import { createHash } from "node:crypto"

/**
 * `queued` (also while it waits for its next attempt, then with the last error), `running`, and the three ends: `succeeded`, `failed`
 * with a code, `cancelled`.
 */
export const RunState = Schema.Literals(["queued", "running", "succeeded", "failed", "cancelled"])
export type RunState = typeof RunState.Type

/** Why there is a run: the first one, the schedule, a definition that changed, the end of the experiment, or somebody asked. */
export const RunReason = Schema.Literals(["first", "schedule", "definition", "final", "request"])
export type RunReason = typeof RunReason.Type

/** What went wrong in an attempt: a stable code, a sentence for people, and what to do. */
export const RunError = Schema.Struct({ code: Schema.String, message: Schema.String, hint: Schema.String })
export interface RunError extends Schema.Schema.Type<typeof RunError> {}

/** How far a running one is: the stage, and of the query the rows read, those expected where the warehouse says, milliseconds. */
export const RunProgress = Schema.Struct({
  stage: Schema.Literals(["query", "publish"]),
  rows_read: Schema.Finite,
  total_rows: Schema.optionalKey(Schema.Finite),
  elapsed_ms: Schema.Finite
})
export interface RunProgress extends Schema.Schema.Type<typeof RunProgress> {}

/**
 * A run as it is shown. Instants are the store's own clock, in UTC.
 *
 * `attempt` counts the attempts that began. `failures` counts the runs of this experiment that failed in a row before this one.
 * `next_at` is when a queued run may begin. `together` is the same for runs that were taken at once, to be read together. `result` says whether the run made a new snapshot or found nothing changed; `fingerprint`
 * names the data that it saw; `snapshot` is the id of the result that holds after it.
 */
export const Run = Schema.Struct({
  id: Schema.String,
  experiment: Schema.String,
  state: RunState,
  reason: RunReason,
  requested_by: Schema.optionalKey(Schema.String),
  definition_hash: Schema.String,
  attempt: Schema.Int,
  failures: Schema.Int,
  queued_at: Instant.Instant,
  next_at: Schema.optionalKey(Instant.Instant),
  started_at: Schema.optionalKey(Instant.Instant),
  finished_at: Schema.optionalKey(Instant.Instant),
  runner: Schema.optionalKey(Schema.String),
  together: Schema.optionalKey(Schema.String),
  error: Schema.optionalKey(RunError),
  result: Schema.optionalKey(Schema.Literals(["new", "unchanged"])),
  snapshot: Schema.optionalKey(Schema.String),
  fingerprint: Schema.optionalKey(Schema.String),
  progress: Schema.optionalKey(RunProgress)
})
export interface Run extends Schema.Schema.Type<typeof Run> {}

/** Whether a run is still to end. */
export const isOpen = (run: Run): boolean => run.state === "queued" || run.state === "running"

/**
 * The id of the run that follows another one (or none) of its experiment, as a UUID (version 8, RFC 9562). Whoever decides that an
 * experiment needs a run after the same one names the same run, so several schedulers can't make two of it.
 */
export const idAfter = (experiment: string, follows: string | undefined): string => {
  const hash = createHash("sha256").update(JSON.stringify([experiment, follows ?? null])).digest("hex")
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}
