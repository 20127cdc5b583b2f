/** The server: API and pages behind one set of headers and rules. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Cause, Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { randomUUID } from "node:crypto"
import { createServer, type Server } from "node:http"
import type { Access } from "./access.ts"
import { Api } from "./api.ts"
import { authorization, type Counts, defaultRates, handlers, type Rates } from "./handlers.ts"
import { pages } from "./pages.ts"
import type { RefreshOptions } from "./refresh.ts"

/** Where and how is served. */
export interface ServeOptions extends RefreshOptions {
  readonly access: Access
  readonly host: string
  readonly port: number
  /** The address that browsers see, where a proxy with TLS stands in front. */
  readonly publicUrl: string | undefined
  readonly rates?: Rates
}

/** How long answers may still take once the server is to stop: streams of events, which have no end, are cut off then. */
const LEAVING_MILLIS = 2000

/** What every answer carries: nothing may be loaded, framed, sent or sniffed but what the page itself needs. */
const headers = {
  "content-security-policy": [
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'"
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY"
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

const plain = (status: number, code: string, message: string) =>
  HttpServerResponse.jsonUnsafe({ code, message }, { status })

/**
 * Whether another site's page sends this request: what changes something must come from the server's own pages, or from no browser at
 * all. Browsers say so in Sec-Fetch-Site, older ones in Origin.
 */
const fromElsewhere = (
  { headers, method }: HttpServerRequest.HttpServerRequest,
  origins: ReadonlyArray<string>
): boolean => {
  if (method === "GET" || method === "HEAD" || method === "OPTIONS") return false
  const site = headers["sec-fetch-site"]
  if (site !== undefined) return site !== "same-origin" && site !== "none"
  const { host, origin } = headers
  return origin !== undefined && ![...origins, `http://${host ?? ""}`, `https://${host ?? ""}`].includes(origin)
}

const rules = (options: ServeOptions, counts: Counts) =>
  HttpRouter.middleware(
    (effect) =>
      Effect.gen(function*() {
        const request = yield* HttpServerRequest.HttpServerRequest
        const { host } = request.headers
        const origins = options.publicUrl === undefined ? [] : [new URL(options.publicUrl).origin]
        // Where nobody has to sign in, a page of another site could reach us under a name of its own (DNS rebinding).
        const answer = options.access.kind === "open" && !loopback.test(host ?? "")
          ? plain(421, "wrong_host", "Without tokens, only this machine is answered.")
          : fromElsewhere(request, origins)
          ? plain(403, "cross_site", "This request comes from another site.")
          : yield* effect.pipe(
            Effect.catchCause((cause) => {
              if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
              return answerOf(cause)
            })
          )
        const status = String(answer.status)
        counts.set(status, (counts.get(status) ?? 0) + 1)
        return answer.pipe(
          HttpServerResponse.setHeaders({
            "cache-control": "private, no-cache",
            ...headers,
            ...answer.headers,
            ...(answer.status === 401 ? { "www-authenticate": "Bearer" } : {})
          })
        )
      }),
    { global: true }
  )

/** The answer to what went wrong on the way: bad input is told, everything else only logged, with an id to find it by. */
const answerOf = (cause: Cause.Cause<unknown>) =>
  Effect.gen(function*() {
    const [reason] = cause.reasons
    const error = reason === undefined
      ? undefined
      : Cause.isFailReason(reason)
      ? reason.error
      : Cause.isDieReason(reason)
      ? reason.defect
      : undefined
    const tag = typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : ""
    if (tag === "HttpApiSchemaError" || tag === "RequestError") {
      return plain(400, "bad_request", "The request doesn't fit; /openapi.json says what does.")
    }
    if (tag === "HttpApiPayloadTooLarge") return plain(413, "too_large", "The request is too large.")
    if (tag === "HttpServerError" && JSON.stringify(error).includes("RouteNotFound")) {
      return plain(404, "not_found", "There is nothing here.")
    }
    const id = randomUUID()
    yield* Effect.logError("an answer failed").pipe(Effect.annotateLogs({ id, cause: Cause.pretty(cause) }))
    return plain(500, "internal", `Something went wrong; the log has it under ${id}.`)
  })

/** Everything that is answered, as one layer; `server` takes the connections. */
export const serverLayer = (options: ServeOptions, server: () => Server = createServer) => {
  const counts: Counts = new Map()
  const rates = options.rates ?? defaultRates
  const api = HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
    Layer.provide(handlers(options, counts)),
    Layer.provide(authorization(options.access, rates))
  )
  const all = Layer.mergeAll(
    api,
    pages(options.access, options, { rates, secureCookies: options.publicUrl?.startsWith("https:") === true }),
    rules(options, counts)
  )
  return HttpRouter.serve(all, { disableListenLog: true, disableLogger: true }).pipe(
    Layer.provide(
      NodeHttpServer.layer(server, {
        host: options.host,
        port: options.port,
        gracefulShutdownTimeout: LEAVING_MILLIS
      })
    )
  )
}
