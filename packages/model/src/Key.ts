/** Keys of experiments, metrics and variants. */
import { Schema } from "effect"

/**
 * What people call an experiment, a metric or a variant: any text of 1 to 200 characters without control characters. It is
 * never part of a statement's text, nor of a file's path as it stands.
 */
export const Key = Schema.String.pipe(
  Schema.check(
    Schema.isPattern(/^[^\p{Cc}]{1,200}$/u, { expected: "text of 1 to 200 characters without control characters" })
  )
)
