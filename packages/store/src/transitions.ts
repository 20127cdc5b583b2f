/** How a run gets from one state to the next. Pure; the same in every store. Times in milliseconds since 1970-01-01 UTC. */
import { Instant, StoreError } from "@assay/model"
import { idAfter, type Run, type RunError } from "./Run.ts"
import type { RunRequest } from "./Runs.ts"

/** Those that somebody waits for come first, then those that show something new for certain. */
export const priorities: Readonly<Record<Run["reason"], number>> = {
  request: 2,
  final: 1,
  first: 1,
  definition: 1,
  schedule: 0
}

/** The run that a request asks for, after the last one of its experiment. */
export const queued = (request: RunRequest, last: Run | undefined, now: number): Run => ({
  id: idAfter(request.experiment, request.follows === undefined ? last?.id : request.follows ?? undefined),
  experiment: request.experiment,
  state: "queued",
  reason: request.reason,
  ...(request.requestedBy === undefined ? {} : { requested_by: request.requestedBy }),
  definition_hash: request.definitionHash,
  attempt: 0,
  failures: last?.state === "failed" ? last.failures + 1 : last?.state === "cancelled" ? last.failures : 0,
  queued_at: Instant.fromMillis(now),
  next_at: Instant.fromMillis(now)
})

/** The run as a runner takes it; `together` names what it is taken with. */
export const taken = (run: Run, runner: string, at: number, together?: string): Run => {
  const { next_at: _, together: __, ...rest } = run
  return {
    ...rest,
    state: "running",
    attempt: run.attempt + 1,
    started_at: Instant.fromMillis(at),
    runner,
    ...(together === undefined ? {} : { together })
  }
}

/** Why a run is in the queue again whose runner was stopped. */
export const interrupted: RunError = {
  code: "interrupted",
  message: "The runner was stopped.",
  hint: "The run goes to the next runner"
}

/**
 * Whether a run may be taken along with others. Nobody waits for it, and no attempt of it has failed: what failed, be it with its runner, is tried
 * again alone, so that no run fails again and again for another one's sake.
 */
export const mayGoTogether = ({ attempt, error, reason }: Run): boolean =>
  reason !== "request" && (attempt === 0 || error?.code === interrupted.code)

/** How many are running: places that are taken (runs that go together have one), and whether any of them go together. */
export interface Running {
  readonly places: number
  readonly together: boolean
}

/**
 * Which runs may be taken where so many places may be: all, none, or only those that somebody waits for. These don't wait for runs that go
 * together: beside such there is a place more for them.
 */
export const admitted = ({ places, together }: Running, atMost: number): "all" | "requests" | "none" =>
  places < atMost ? "all" : together && places < atMost + 1 ? "requests" : "none"

/** The run between two attempts, of which the last ended with `error`. */
export const waiting = (run: Run, error: RunError, until: number): Run => {
  const { progress: _, ...rest } = run
  return { ...rest, state: "queued", error, next_at: Instant.fromMillis(until) }
}

const ended = (run: Run, at: number, more: Partial<Run>): Run => {
  const { error: _, next_at: __, progress: ___, ...rest } = run
  return { ...rest, finished_at: Instant.fromMillis(at), ...more }
}

/** The run with its result: the snapshot that holds after it, and the name of the data that it was made of. */
export const succeeded = (
  run: Run,
  at: number,
  result: "new" | "unchanged",
  snapshot: string,
  fingerprint: string
): Run => ended(run, at, { state: "succeeded", result, snapshot, fingerprint })

export const failed = (run: Run, at: number, error: RunError): Run => ended(run, at, { state: "failed", error })

export const cancelled = (run: Run, at: number): Run => ended(run, at, { state: "cancelled" })

/** Why a run is in the queue again that nobody failed. */
export const lostRunner = (runner: string | undefined): RunError => ({
  code: "runner_lost",
  message: `The runner ${runner ?? "of this run"} ended, or gave no sign of life for too long.`,
  hint: "The run is tried again. If this repeats, look at that runner's memory and logs"
})

/** Why a snapshot is refused whose runner has been overtaken. */
export const overtaken = (run: Run): StoreError =>
  new StoreError({
    message: `The run ${run.id} of ${
      JSON.stringify(run.experiment)
    } was cancelled or given to another runner; its result is dropped.`,
    hint: "Nothing was written. The newer run's result holds"
  })

/** Why a snapshot is refused whose id is another one's. */
export const idTaken = (id: string): StoreError =>
  new StoreError({
    message: `The snapshot ${id} exists already.`,
    hint: "Snapshots are never overwritten; give the new one an id of its own."
  })
