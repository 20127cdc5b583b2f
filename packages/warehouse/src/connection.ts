/** How to reach a server: secrets and certificates read, and the agent that opens the connections. */
import { WarehouseUnavailable } from "@assay/model"
import { Effect, Redacted } from "effect"
import { readFile } from "node:fs/promises"
import * as Http from "node:http"
import * as Https from "node:https"
import type { SecureContextOptions } from "node:tls"
import { proxyProblem, type SecretSource, urlProblem, type WarehouseConfig } from "./WarehouseConfig.ts"

/** A way to a server that is ready to be used. `secrets` are texts that no message may repeat. */
export interface Connection {
  /** The address without its path. */
  readonly origin: string
  /** The path of a proxy in front of ClickHouse; `/` where there is none. */
  readonly path: string
  readonly username: string | undefined
  readonly password: Redacted.Redacted | undefined
  readonly token: Redacted.Redacted | undefined
  readonly tls: SecureContextOptions
  readonly proxy: Redacted.Redacted | undefined
  /** The user is known by the certificate alone. */
  readonly byCertificate: boolean
  readonly secrets: ReadonlyArray<Redacted.Redacted>
}

const unavailable = (message: string, hint: string) => new WarehouseUnavailable({ message, hint })

const readSecret = Effect.fn("Warehouse.readSecret")(function*(source: SecretSource, key: string, what: string) {
  const place = "env" in source ? `environment variable ${source.env}` : `file ${source.file}`
  const text = "env" in source
    ? process.env[source.env]
    : yield* Effect.tryPromise(() => readFile(source.file, "utf8")).pipe(Effect.orElseSucceed(() => undefined))
  const secret = text?.replace(/\r?\n$/, "")
  if (secret === undefined || secret === "") {
    return yield* unavailable(
      `The ${place}, which should hold the warehouse's ${what}, is ${secret === "" ? "empty" : "missing"}.`,
      `Set it, or change warehouse.${key} in assay.config.ts.`
    )
  }
  return Redacted.make(secret)
})

const readPem = (path: string, key: string) =>
  Effect.tryPromise({
    try: () => readFile(path, "utf8"),
    catch: () =>
      unavailable(
        `The file ${path}, which should hold what warehouse.tls.${key} in assay.config.ts is for, can't be read.`,
        "Check its path and rights."
      )
  }).pipe(Effect.flatMap((text) =>
    text.includes("-----BEGIN ")
      ? Effect.succeed(text)
      : Effect.fail(unavailable(
        `The file ${path} of warehouse.tls.${key} in assay.config.ts isn't in PEM form.`,
        "It should have lines that start with -----BEGIN; convert it with openssl."
      ))
  ))

const base64 = (text: string): string => Buffer.from(text).toString("base64")

/** A secret, and the forms in which it travels in headers. */
const formsOf = (secret: Redacted.Redacted, username: string | undefined): ReadonlyArray<Redacted.Redacted> => [
  secret,
  Redacted.make(base64(`${username ?? "default"}:${Redacted.value(secret)}`))
]

const proxyForms = (proxy: Redacted.Redacted): ReadonlyArray<Redacted.Redacted> => {
  const { password, username } = new URL(Redacted.value(proxy))
  return password === ""
    ? [proxy]
    : [
      proxy,
      Redacted.make(password),
      ...formsOf(Redacted.make(decodeURIComponent(password)), decodeURIComponent(username))
    ]
}

/**
 * Reads what a configuration names: secrets from the environment or files, certificates from files. Nothing is sent yet.
 * Fails with `WarehouseUnavailable`, naming the place and never what is in it.
 */
export const readConnection = Effect.fn("Warehouse.readConnection")(
  function*(config: WarehouseConfig, url: string): Effect.fn.Return<Connection, WarehouseUnavailable> {
    const found = urlProblem(url)
    if (found !== undefined) {
      return yield* unavailable("warehouse.url in assay.config.ts can't be used.", `It should be ${found}.`)
    }
    const { origin, pathname } = new URL(url)
    const password = config.password === undefined
      ? undefined
      : yield* readSecret(config.password, "password", "password")
    const token = config.access_token === undefined
      ? undefined
      : yield* readSecret(config.access_token, "access_token", "access token")
    const proxy = config.proxy === undefined
      ? undefined
      : typeof config.proxy === "string"
      ? Redacted.make(config.proxy)
      : yield* readSecret(config.proxy, "proxy", "proxy")
    const wrongProxy = proxy === undefined ? undefined : proxyProblem(Redacted.value(proxy), true)
    if (wrongProxy !== undefined) {
      return yield* unavailable("warehouse.proxy in assay.config.ts can't be used.", `It should be ${wrongProxy}.`)
    }
    const { ca, cert, key } = config.tls ?? {}
    return {
      origin,
      path: pathname,
      username: config.username,
      password,
      token,
      tls: {
        ...(ca === undefined ? {} : { ca: yield* readPem(ca, "ca") }),
        ...(cert === undefined ? {} : { cert: yield* readPem(cert, "cert") }),
        ...(key === undefined ? {} : { key: yield* readPem(key, "key") })
      },
      proxy,
      byCertificate: cert !== undefined && password === undefined && token === undefined,
      secrets: [
        ...(password === undefined ? [] : formsOf(password, config.username)),
        ...(token === undefined ? [] : [token]),
        ...(proxy === undefined || typeof config.proxy === "string" ? [] : proxyForms(proxy))
      ]
    }
  }
)

/**
 * The agent that opens connections: at most `sockets` at a time, kept open between requests where `keepAlive` says so,
 * through the proxy where there is one. Proxies of the environment (HTTPS_PROXY, …) are used only where Node was told to
 * (NODE_USE_ENV_PROXY=1), since that is how Node itself behaves.
 */
export const makeAgent = (
  { origin, proxy, tls }: Connection,
  { keepAlive, sockets }: { readonly keepAlive: boolean; readonly sockets: number }
): Http.Agent => {
  const at = proxy === undefined ? undefined : Redacted.value(proxy)
  const proxyEnv = at !== undefined
    ? { HTTP_PROXY: at, HTTPS_PROXY: at }
    : process.env["NODE_USE_ENV_PROXY"] === "1"
    ? process.env
    : undefined
  const options = { keepAlive, maxSockets: sockets, ...(proxyEnv === undefined ? {} : { proxyEnv }) }
  return origin.startsWith("https:") ? new Https.Agent({ ...options, ...tls }) : new Http.Agent(options)
}
