/** The way to a server, step by step, so that the first thing that is wrong has a name. */
import { Clock, Effect } from "effect"
import { lookup } from "node:dns/promises"
import * as Http from "node:http"
import * as Https from "node:https"
import { connect } from "node:net"
import { TLSSocket } from "node:tls"
import { classifyError } from "./classifyError.ts"
import { makeAgent, readConnection } from "./connection.ts"
import type { WarehouseConfig } from "./WarehouseConfig.ts"

/** One step, and what was found: in a sentence, with what to do about it where it is wrong. */
export interface ProbeStep {
  readonly step: "secrets" | "name" | "connection" | "tls" | "http"
  readonly ok: boolean
  readonly said: string
  readonly mend?: string
}

/** How long each step may take. */
const STEP_MILLIS = 10_000

const slow = Object.assign(new Error("Timeout error"), { code: "ETIMEDOUT" })

/** Runs a step; what it throws, or that it takes too long, is told like a query's failure. */
const attempt = (step: ProbeStep["step"], run: (signal: AbortSignal) => Promise<string>): Effect.Effect<ProbeStep> =>
  Effect.tryPromise({ try: run, catch: (cause) => classifyError(cause) }).pipe(
    Effect.timeoutOrElse({ duration: STEP_MILLIS, orElse: () => Effect.fail(classifyError(slow)) }),
    Effect.match({
      onSuccess: (said): ProbeStep => ({ step, ok: true, said }),
      onFailure: ({ hint, message }): ProbeStep => ({ step, ok: false, said: message, mend: hint })
    })
  )

const opened = (host: string, port: number, signal: AbortSignal): Promise<void> =>
  new Promise((done, fail) => {
    const socket = connect({ host, port, signal })
    socket.on("error", fail).on("connect", () => {
      socket.destroy()
      done()
    })
  })

const portOf = (url: URL): number => Number(url.port === "" ? (url.protocol === "https:" ? 443 : 80) : url.port)

interface Pinged {
  readonly status: number
  readonly server: string
  readonly tls: string | undefined
}

const pinged = (url: URL, agent: Http.Agent, signal: AbortSignal): Promise<Pinged> =>
  new Promise((done, fail) => {
    const get = url.protocol === "https:" ? Https.get : Http.get
    get(url, { agent, signal }, (response) => {
      const { socket } = response
      const tls = socket instanceof TLSSocket
        ? `${socket.getProtocol()}, certificate valid until ${socket.getPeerCertificate().valid_to ?? "?"}`
        : undefined
      const name = response.headers["x-clickhouse-server-display-name"]
      response.resume().on("end", () => done({ status: response.statusCode ?? 0, server: String(name ?? ""), tls }))
    }).on("error", fail)
  })

/**
 * Looks up the name, opens a connection, makes TLS, and asks for `/ping`, each under a limit of ten seconds and up to the first
 * that fails. With a proxy, name and connection are those of the proxy. No credentials are sent. Nothing for the embedded
 * engine.
 */
export const probe = Effect.fn("Warehouse.probe")(function*(config: WarehouseConfig) {
  if (config.url === undefined) return []
  const read = yield* Effect.result(readConnection(config, config.url))
  if (read._tag === "Failure") {
    const { hint, message } = read.failure
    const step: ProbeStep = { step: "secrets", ok: false, said: message, mend: hint }
    return [step]
  }
  const connection = read.success
  const server = new URL(connection.origin)
  const steps: Array<ProbeStep> = []
  const passed = (step: ProbeStep): boolean => {
    steps.push(step)
    return step.ok
  }
  // What stands behind a proxy that holds a password is told by the server's name alone.
  const first = typeof config.proxy === "string"
    ? new URL(config.proxy)
    : config.proxy === undefined
    ? server
    : undefined
  if (first !== undefined) {
    const host = first.hostname.replaceAll(/^\[|\]$/g, "")
    const through = first === server ? "" : "the proxy "
    const named = yield* attempt("name", async () => `${through}${host} is ${(await lookup(host)).address}`)
    if (!passed(named)) return steps
    const before = yield* Clock.currentTimeMillis
    const connected = yield* attempt("connection", async (signal) => {
      await opened(host, portOf(first), signal)
      return `${through}${first.host} answers`
    })
    const took = (yield* Clock.currentTimeMillis) - before
    if (!passed(connected.ok ? { ...connected, said: `${connected.said} in ${Math.round(took)} ms` } : connected)) {
      return steps
    }
  }
  const agent = makeAgent(connection, { keepAlive: false, sockets: 1 })
  const ping = new URL(`${connection.origin}${connection.path.replace(/\/$/, "")}/ping`)
  let found: Pinged | undefined
  const asked = yield* attempt("http", async (signal) => {
    found = await pinged(ping, agent, signal)
    return `ClickHouse${found.server === "" ? "" : ` ${found.server}`} answers`
  })
  agent.destroy()
  if (server.protocol === "https:") {
    const tls = asked.ok
      ? { ...asked, step: "tls" as const, said: found?.tls ?? "" }
      : { ...asked, step: "tls" as const }
    if (!passed(tls)) return steps
  }
  passed(
    asked.ok && found?.status !== 200
      ? {
        step: "http",
        ok: false,
        said: `${ping.pathname} answered HTTP ${found?.status}, which isn't what ClickHouse says`,
        mend: "Check the port and the path of the url: something else may answer there (a proxy, a login page)."
      }
      : asked
  )
  return steps
})
