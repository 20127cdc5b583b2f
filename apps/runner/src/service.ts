/** Commands that run until they are stopped, and how that is told to whoever stopped them. */
import { Effect } from "effect"

/** A terminal, npm and `bin/assay.js` may each pass the same Ctrl-C on; what comes so soon after the first is no second wish. */
const ECHO_MILLIS = 500

let askedAt: number | undefined

const onSignal = (signal: NodeJS.Signals): void => {
  const now = performance.now()
  askedAt ??= now
  if (now - askedAt <= ECHO_MILLIS) return
  // By the signal itself: an exit would wait for a query of the embedded engine.
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/**
 * A command that is meant to run until it is stopped: SIGTERM and SIGINT, by which systemd, Docker, Kubernetes and people stop what is
 * well, end it well (exit code 0), after it has let go of its work. A second signal ends it at once, as if nobody had listened.
 */
export const service = <A, E, R>(command: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    process.on("SIGTERM", onSignal).on("SIGINT", onSignal)
    return command
  })

/** Whether a service was asked to stop. */
export const wasAskedToStop = (): boolean => askedAt !== undefined
