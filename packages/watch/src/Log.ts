/** Log lines: a message that is always the same, and what it is about as fields of its own. */
import { Effect } from "effect"

type About = Readonly<Record<string, string | number | boolean | undefined>>

const about = (fields: About) =>
  Effect.annotateLogs(Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)))

export const debug = (message: string, fields: About = {}): Effect.Effect<void> =>
  Effect.logDebug(message).pipe(about(fields))
export const info = (message: string, fields: About = {}): Effect.Effect<void> =>
  Effect.logInfo(message).pipe(about(fields))
export const warning = (message: string, fields: About = {}): Effect.Effect<void> =>
  Effect.logWarning(message).pipe(about(fields))
export const error = (message: string, fields: About = {}): Effect.Effect<void> =>
  Effect.logError(message).pipe(about(fields))
