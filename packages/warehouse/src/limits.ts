/** What a query may cost, and how long this package waits. */

/** Seconds that a query may run where the configuration says nothing. */
export const DEFAULT_SECONDS = 600

/** How often a query is tried again after a transient failure where the configuration says nothing: three tries in all. */
export const DEFAULT_RETRIES = 2

/** The wait before the second try; it doubles from try to try, with jitter, up to {@link MAX_BACKOFF_MILLIS}. */
export const FIRST_BACKOFF_MILLIS = 200

/** The longest wait between two tries. */
export const MAX_BACKOFF_MILLIS = 5_000

/** How often a running query is asked how far it is. */
export const PROGRESS_MILLIS = 500

/** How long an interrupted fiber waits for ClickHouse to confirm that its query has stopped. */
export const KILL_MILLIS = 5_000

/** How long the embedded engine may take to let go of a killed query before it is killed again. */
export const SETTLE_MILLIS = 25

/** What the client waits beyond a query's own time limit before it takes the connection for dead. */
export const GRACE_MILLIS = 30_000

/** How long a server waits for another one that says nothing, at most; one that works says so ten times a second. */
export const RECEIVE_SECONDS = 300

/** How long a server waits for another one under such a limit of a query's time. */
export const receiveSeconds = (seconds: number): number => Math.min(RECEIVE_SECONDS, Math.ceil(seconds))
