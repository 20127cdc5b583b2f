/** The entry of the `assay` command. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect, Exit } from "effect"
import { CliError } from "effect/cli"
import { run } from "./cli.ts"
import { Failed } from "./Failed.ts"
import { wasAskedToStop } from "./service.ts"
import { version } from "./version.ts"

// A configuration may lie beside a package.json without "type": Node reads it all the same, and nobody needs the advice. Nor that
// SQLite in Node is still called experimental: what is used of it is tested here.
process.removeAllListeners("warning")
process.on("warning", (warning) => {
  const isKnown = "code" in warning && warning.code === "MODULE_TYPELESS_PACKAGE_JSON" ||
    warning.name === "ExperimentalWarning" && warning.message.startsWith("SQLite")
  if (!isKnown) {
    console.error(`${warning.name}: ${warning.message}`)
  }
})

// `assay … | head` closes our stdout early; that isn't an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0)
  throw error
})

/**
 * 0 for success, for help that was asked for, and for a service that was asked to stop; what `Failed` says; 2 for arguments that don't fit;
 * 130 interrupted.
 */
const exitCode = (exit: Exit.Exit<void, unknown>): number => {
  if (Exit.isSuccess(exit)) return 0
  if (Cause.hasInterruptsOnly(exit.cause)) return wasAskedToStop() ? 0 : 130
  const failure = exit.cause.reasons.find(Cause.isFailReason)?.error
  if (failure instanceof Failed) return failure.exitCode
  if (CliError.isCliError(failure)) return failure._tag === "ShowHelp" && failure.errors.length === 0 ? 0 : 2
  return 1
}

const main = run(process.argv.slice(2), version).pipe(
  Effect.provide(NodeServices.layer),
  Effect.tapCause((cause) => {
    const mistake = cause.reasons.find(Cause.isDieReason)
    return mistake === undefined
      ? Effect.void
      : Effect.sync(() => console.error(`error: a mistake in the program: ${Cause.pretty(cause)}\n  Please report it.`))
  })
)

NodeRuntime.runMain(main, {
  disableErrorReporting: true,
  teardown: (exit, done) => done(exitCode(exit as Exit.Exit<void, unknown>))
})
