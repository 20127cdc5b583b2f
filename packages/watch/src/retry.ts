/** Which failures may pass, and when to try again. Pure. */
import type { AssayError } from "@assay/model"
import type { RunError } from "@assay/store"
import { isTransient } from "@assay/warehouse"

/** A run that failed so often by what may pass has failed. */
export const ATTEMPTS = 6

/** A run that took so many runners with it isn't given to another one. */
export const LOST_ATTEMPTS = 20

/** From five seconds, four times as long each time, to ten minutes. */
const FIRST_MILLIS = 5000
const LONGEST_MILLIS = 600_000

/** Whether the same run may succeed at another time, without anybody doing anything: the warehouse or the store was away, or full. */
export const mayPass = (error: AssayError): boolean => {
  switch (error._tag) {
    case "StoreError":
      return true
    case "WarehouseUnavailable":
    case "QueryLimitExceeded":
      return isTransient(error)
    default:
      return false
  }
}

/**
 * When the next attempt may begin, in milliseconds since 1970-01-01 UTC; undefined where there is none. `attempt` counts from 1, `random` is in
 * [0, 1) and spreads runs that failed together over half of their pause.
 */
export const retryAt = (error: AssayError, attempt: number, now: number, random: number): number | undefined =>
  mayPass(error) && attempt < ATTEMPTS
    ? now + Math.round(Math.min(FIRST_MILLIS * 4 ** (attempt - 1), LONGEST_MILLIS) * (0.5 + random / 2))
    : undefined

/** An error as a run keeps it. */
export const runError = ({ code, hint, message }: AssayError): RunError => ({ code, hint, message })
