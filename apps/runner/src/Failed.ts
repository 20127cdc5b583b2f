/** How commands end when they don't succeed. */
import { type AssayError, DefinitionError } from "@assay/model"
import { Data } from "effect"

/** 1: some experiment failed; 2: a usage or definition error. 0 is success, 130 an interruption. */
export type ExitCode = 1 | 2

/** A command that failed after it said why. */
export class Failed extends Data.TaggedError("Failed")<{ readonly exitCode: ExitCode }> {}

/** What a person asked for that can't be done: a sentence, and a hint where there is one. */
export class UsageError extends Data.TaggedError("UsageError")<{
  readonly message: string
  readonly hint: string
}> {
  readonly code = "usage"
}

/** An error as machines read it. */
export const errorJson = (error: AssayError | UsageError) => ({
  code: error.code,
  message: error.message,
  hint: error.hint,
  ...(error instanceof DefinitionError ? { issues: error.issues } : {})
})

/** An error as people read it, a hint below where no line has one of its own. */
export const errorText = (error: AssayError | UsageError): string =>
  error instanceof DefinitionError && error.issues.every((issue) => issue.hint !== undefined)
    ? `error: ${error.message}`
    : `error: ${error.message}\n  ${error.hint}`

/** The exit code that an error leads to. */
export const exitCodeOf = (error: AssayError | UsageError): ExitCode =>
  error._tag === "UsageError" || error._tag === "DefinitionError" || error._tag === "PlanError" ? 2 : 1
