/** Where output goes: results to stdout, everything else to stderr. */
import type { AssayError } from "@assay/model"
import type { ScorecardOptions } from "@assay/report"
import { Console, Effect } from "effect"
import { errorJson, errorText, exitCodeOf, Failed, type UsageError } from "./Failed.ts"

/** A result, on stdout. */
export const print = (text: string): Effect.Effect<void> => Console.log(text)

/** A result for machines, on stdout. */
export const printJson = (value: unknown): Effect.Effect<void> => Console.log(JSON.stringify(value, null, 2))

/** News for people, on stderr. */
export const say = (text: string): Effect.Effect<void> => Console.error(text)

/** How wide and colourful the terminal is; 80 columns and no colour where there is none. */
export const scorecardOptions = (): ScorecardOptions => ({
  width: Math.max(60, process.stdout.isTTY ? process.stdout.columns : 80),
  color: process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb"
})

/**
 * Says what went wrong, and fails with the exit code for it. With `json`, stdout gets it as an object, too.
 */
export const reporting =
  (json: boolean) =>
  <A, R>(effect: Effect.Effect<A, AssayError | UsageError | Failed, R>): Effect.Effect<A, Failed, R> =>
    effect.pipe(
      Effect.catch((error) =>
        error._tag === "Failed"
          ? Effect.fail(error)
          : (json ? printJson({ schema: "assay.error/1", error: errorJson(error) }) : Effect.void).pipe(
            Effect.andThen(say(errorText(error))),
            Effect.andThen(Effect.fail(new Failed({ exitCode: exitCodeOf(error) })))
          )
      )
    )
