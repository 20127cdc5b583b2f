/** When the next run of an experiment is due, and why. Pure. */
import { Duration, type Experiment, Instant, type Refresh } from "@assay/model"
import { isOpen, type RunReason, type Standing } from "@assay/store"
import { Cron } from "effect"

/** How an experiment stands at `now`, in milliseconds since 1970-01-01 UTC; `standing` is absent before its first run. */
export interface DueInput {
  readonly now: number
  readonly experiment: Experiment
  readonly refresh: Refresh
  readonly definitionHash: string
  readonly standing: Standing | undefined
}

/**
 * When (milliseconds since 1970-01-01 UTC) and why; `from` where it may come as soon as that, so that it is read together with others that
 * are due then.
 */
export interface Due {
  readonly at: number
  readonly reason: RunReason
  readonly from?: number
}

/** How long late events are waited for where nothing is said. */
const DEFAULT_GRACE = "1d"

/** With `after_data`: how soon data is looked for again after there was none. */
const LOOK_AGAIN_MILLIS = 60_000

/** After a run that failed for good: a minute, then twice as long each time, a day at most. */
const FIRST_RECOVERY_MILLIS = 60_000
const LONGEST_RECOVERY_MILLIS = 86_400_000

/** What comes again after a while may come so much of it sooner, five minutes at most, where that saves a read. */
const SOONER = 0.1
const SOONEST_MILLIS = 300_000

/** So many failed runs in a row make an experiment dead: it is reported until one succeeds. */
export const DEAD_AFTER = 3

/** Whether the last runs of an experiment failed so often that somebody has to look at it. */
export const isDead = ({ last }: Standing): boolean => last.state === "failed" && last.failures + 1 >= DEAD_AFTER

/** When the result of an ended experiment is final; undefined while it has no end. */
export const finalAt = (experiment: Experiment, refresh: Refresh): number | undefined =>
  experiment.ended_at === undefined
    ? undefined
    : Instant.toMillis(experiment.ended_at) +
      Duration.toMillis(refresh === "never" ? DEFAULT_GRACE : refresh.grace ?? DEFAULT_GRACE)

/** The next time by the schedule, after the last run. */
const scheduled = (refresh: Exclude<Refresh, "never">, experiment: Experiment, { last }: Standing): number => {
  const finished = Instant.toMillis(last.finished_at ?? last.queued_at)
  const started = Instant.toMillis(last.started_at ?? last.queued_at)
  if ("cron" in refresh) {
    return Cron.next(Cron.parseUnsafe(refresh.cron, refresh.zone ?? "UTC"), new Date(finished)).getTime()
  }
  if ("after_data" in refresh) {
    const interval = Duration.toMillis(refresh.after_data)
    return last.result === "unchanged" ? finished + Math.min(interval, LOOK_AGAIN_MILLIS) : started + interval
  }
  const shortest = Duration.toMillis(refresh.every)
  const grown = (refresh.grows ?? 0) * Math.max(0, started - Instant.toMillis(experiment.started_at))
  const longest = refresh.up_to === undefined ? Number.POSITIVE_INFINITY : Duration.toMillis(refresh.up_to)
  return Math.max(finished, started + Math.max(shortest, Math.min(grown, longest)))
}

/**
 * The next run of an experiment; undefined where there is none: it is never refreshed, a run is open, or the final one is done. A time in the
 * past is due now.
 */
export const due = ({ definitionHash, experiment, now, refresh, standing }: DueInput): Due | undefined => {
  if (refresh === "never") return undefined
  const start = Instant.toMillis(experiment.started_at)
  if (standing === undefined) return { at: start, reason: "first" }
  const { last, succeeded } = standing
  if (isOpen(last)) return undefined
  const finished = Instant.toMillis(last.finished_at ?? last.queued_at)
  // What failed with these definitions isn't tried at once again, whatever the reason.
  const rested = last.state === "failed" && last.definition_hash === definitionHash
    ? finished + Math.min(FIRST_RECOVERY_MILLIS * 2 ** Math.min(last.failures, 20), LONGEST_RECOVERY_MILLIS)
    : finished
  const soonest = Math.max(start, rested)
  if (last.definition_hash !== definitionHash) return { at: soonest, reason: "definition" }
  if (succeeded === undefined) return { at: soonest, reason: "first" }
  const final = finalAt(experiment, refresh)
  if (final !== undefined && Instant.toMillis(succeeded.started_at ?? succeeded.queued_at) >= final) return undefined
  const next = Math.max(soonest, scheduled(refresh, experiment, standing))
  // One that nobody came to in time is the final one, too: none follows it.
  if (final !== undefined && Math.max(next, now) >= final) return { at: Math.max(soonest, final), reason: "final" }
  const sooner = "cron" in refresh ? 0 : Math.min(SOONER * (next - finished), SOONEST_MILLIS)
  return { at: next, reason: "schedule", ...(sooner > 0 ? { from: Math.max(soonest, next - sooner) } : {}) }
}
