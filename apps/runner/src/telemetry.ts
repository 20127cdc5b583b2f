/** Where a long-running command tells what it does: log lines on stderr, and over OTLP where the environment names a collector. */
import { Effect, Layer, Logger, References, Result } from "effect"
import { FetchHttpClient } from "effect/http"
import { Otlp } from "effect/observability"
import { UsageError } from "./Failed.ts"
import { version } from "./version.ts"

/** How lines look: `text` for people (logfmt), `json` for machines. */
export type LogFormat = "text" | "json"

const levels = { debug: "Debug", info: "Info", warn: "Warn", error: "Error" } as const

/** From which level on lines are logged. */
export type LogLevel = keyof typeof levels

const endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"

/** How long a collector may take for what it gets at the end: all of a short run. */
const LAST_MILLIS = 10_000

const headers = "OTEL_EXPORTER_OTLP_HEADERS"

/** `a=b,c=d` as the environment has headers; values are percent-encoded, and are secrets. */
const headersOf = (text: string): Result.Result<Readonly<Record<string, string>>, UsageError> =>
  Result.try({
    try: () =>
      Object.fromEntries(
        text.split(",").filter((part) => part.includes("=")).map((part) => {
          const at = part.indexOf("=")
          return [part.slice(0, at).trim(), decodeURIComponent(part.slice(at + 1).trim())]
        })
      ),
    catch: () =>
      new UsageError({ message: `${headers} has a % that begins no escape`, hint: "Write % in a value as %25" })
  })

/** Traces, metrics and logs over OTLP (HTTP, JSON) where `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector; nothing elsewhere. */
const otlp = Layer.unwrap(Effect.gen(function*() {
  const baseUrl = (process.env[endpoint] ?? "").replace(/\/+$/, "")
  if (baseUrl === "") return Layer.empty
  if (!URL.canParse(baseUrl)) {
    return yield* new UsageError({
      message: `${endpoint} isn't a URL`,
      hint: "Name the collector as in http://localhost:4318, without /v1/traces"
    })
  }
  return Otlp.layerJson({
    baseUrl,
    headers: yield* Effect.fromResult(headersOf(process.env[headers] ?? "")),
    resource: { serviceName: process.env["OTEL_SERVICE_NAME"] ?? "assay", serviceVersion: version },
    loggerMergeWithExisting: true,
    shutdownTimeout: LAST_MILLIS
  }).pipe(Layer.provide(FetchHttpClient.layer))
}))

/** Log lines of at least this level on stderr, in this format; and OTLP. */
export const telemetry = (format: LogFormat, level: LogLevel) =>
  Layer.provideMerge(
    otlp,
    Layer.mergeAll(
      Logger.layer([Logger.withConsoleError(format === "json" ? Logger.formatJson : Logger.formatLogFmt)]),
      Layer.succeed(References.MinimumLogLevel, levels[level])
    )
  )
