/** The scheduler: when experiments are computed anew, by one runner or several. */
export { DEAD_AFTER, type Due, due, type DueInput, finalAt, isDead } from "./due.ts"
export * as Metrics from "./metrics.ts"
export { ATTEMPTS, LOST_ATTEMPTS, mayPass, retryAt, runError } from "./retry.ts"
export { BEAT_MILLIS, isTimeless, type Outcome, type Report, runClaims, type Work } from "./runClaims.ts"
export { watch, type Watched, type WatchOptions } from "./watch.ts"
