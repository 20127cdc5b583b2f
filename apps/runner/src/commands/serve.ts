/** `assay serve`: the page and the API. */
import { Effect, Layer, Option } from "effect"
import { createServer } from "node:http"
import { hostname } from "node:os"
import { join } from "node:path"
import { UsageError } from "../Failed.ts"
import { say } from "../output.ts"
import { loadDefinitions, shown, warningLines } from "../project.ts"
import { loadTokens, openAccess, tokenAccess } from "../serve/access.ts"
import { Catalog, makeAhead } from "../serve/catalog.ts"
import { serverLayer } from "../serve/server.ts"
import { worker } from "../serve/worker.ts"
import { runsLayer } from "../store.ts"
import { type LogFormat, type LogLevel, telemetry } from "../telemetry.ts"

/** What `assay serve` was asked for. */
export interface ServeInput {
  readonly config: Option.Option<string>
  readonly host: string
  readonly port: number
  readonly tokens: Option.Option<string>
  readonly refresh: boolean
  readonly throttle: number
  readonly publicUrl: Option.Option<string>
  readonly audit: Option.Option<string>
  readonly worker: boolean
  readonly logFormat: LogFormat
  readonly logLevel: LogLevel
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host)

/** Serves until it is interrupted. */
export const runServe = Effect.fn("command.serve")(function*(input: ServeInput) {
  const config = Option.getOrUndefined(input.config)
  const project = yield* loadDefinitions(config)
  for (const line of warningLines(project)) yield* say(line)
  const entries = yield* loadTokens(Option.getOrUndefined(input.tokens))
  if (entries === undefined && !isLoopback(input.host)) {
    return yield* new UsageError({
      message: `Without tokens, results are shown to this machine only, and --host is ${input.host}`,
      hint: "Make a token with `assay token <name>` and give the file with --tokens"
    })
  }
  const publicUrl = Option.getOrUndefined(input.publicUrl)
  if (publicUrl !== undefined && !URL.canParse(publicUrl)) {
    return yield* new UsageError({
      message: `--public-url is ${JSON.stringify(publicUrl)}, which isn't a URL`,
      hint: "Write the address that browsers see, such as https://assay.example.com"
    })
  }
  const { store } = project.config
  const server = createServer()
  const options = {
    access: entries === undefined ? openAccess(input.refresh) : tokenAccess(entries),
    host: input.host,
    port: input.port,
    publicUrl,
    throttleMillis: input.throttle * 1000,
    audit: Option.getOrElse(input.audit, () => ("folder" in store ? join(store.folder, "audit.jsonl") : undefined))
  }
  const catalog = Catalog.layer(config).pipe(Layer.provideMerge(runsLayer(project)))
  return yield* Effect.gen(function*() {
    yield* Layer.build(serverLayer(options, () => server))
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : input.port
    const host = input.host.includes(":") ? `[${input.host}]` : input.host
    yield* say(
      `Serving ${shown(project.file)} on http://${host}:${port}/ (${
        entries === undefined ? "to this machine" : `${entries.length} ${entries.length === 1 ? "token" : "tokens"}`
      }). Ctrl-C stops it.`
    )
    yield* Effect.forkScoped(makeAhead())
    const asks = entries === undefined ? input.refresh : entries.some(({ scopes }) => scopes.includes("refresh"))
    return yield* input.worker && asks
      ? worker({ project, runner: `${hostname()}-${process.pid}-serve` })
      : Effect.never
  }).pipe(
    Effect.provide(catalog),
    Effect.scoped,
    Effect.provide(telemetry(input.logFormat, input.logLevel)),
    Effect.catchTag("ServeError", (error) =>
      Effect.fail(
        new UsageError({
          message: `The server can't listen on ${input.host}:${input.port}: ${String(error.cause)}`,
          hint: "Give another --port, or stop what uses this one"
        })
      ))
  )
})
