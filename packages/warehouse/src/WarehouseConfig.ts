/** Where the warehouse is, as `assay.config.ts` says it: plain data, no secrets. */
import { Result, Schema } from "effect"

const Positive = Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0)))
const PositiveInt = Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0)))

/**
 * Limits of one query. What is absent is left to the server's profile, but for the time (600 s).
 *
 * `rows` and `bytes` are what a query may read: one that is expected to read more is refused before it runs, and one that
 * comes to read more is stopped. Above `spill_bytes` in memory (10 MB or more: each spilled part needs buffers), groups, sorts and joins go on
 * on the server's disk.
 */
export const WarehouseLimits = Schema.Struct({
  seconds: Schema.optionalKey(Positive.pipe(Schema.check(Schema.isLessThanOrEqualTo(1_000_000)))),
  memory_bytes: Schema.optionalKey(PositiveInt),
  rows: Schema.optionalKey(PositiveInt),
  bytes: Schema.optionalKey(PositiveInt),
  spill_bytes: Schema.optionalKey(Schema.Int.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(10_000_000))))
})
export interface WarehouseLimits extends Schema.Schema.Type<typeof WarehouseLimits> {}

/** Where a secret is: the name of an environment variable, or the path of a file that holds nothing else. */
export const SecretSource = Schema.Union([
  Schema.Struct({ env: Schema.NonEmptyString }),
  Schema.Struct({ file: Schema.NonEmptyString })
])
export type SecretSource = typeof SecretSource.Type

/**
 * Says what is wrong with a server's URL, or `undefined`. The sentence never repeats the URL, because it may hold a
 * password.
 */
export const urlProblem = (url: string): string | undefined => {
  if (!URL.canParse(url)) return "an address such as http://localhost:8123 (this one can't be read as a URL)"
  const { password, protocol, search, username } = new URL(url)
  if (protocol !== "http:" && protocol !== "https:") {
    return "an address that starts with http:// or https:// (ClickHouse's HTTP interface, port 8123 or 8443)"
  }
  if (username !== "" || password !== "") {
    return "an address without a user name or password in it: write username: \"…\" and password: { env: \"NAME\" } " +
      "beside it, and put the password into that environment variable"
  }
  return search === "" ? undefined : "an address without a query string; settings belong to the server's profile"
}

const Url = Schema.String.pipe(Schema.check(Schema.makeFilter((url: string) => {
  const problem = urlProblem(url)
  return problem === undefined ? undefined : `Expected ${problem}`
})))

/**
 * Says what is wrong with the URL of an HTTP proxy, or `undefined`, without repeating it. Only a secret one (`secret`) may
 * hold a user name and a password.
 */
export const proxyProblem = (url: string, secret: boolean): string | undefined => {
  if (!URL.canParse(url)) return "an address such as http://proxy.example.com:3128 (this one can't be read as a URL)"
  const { password, protocol, username } = new URL(url)
  if (protocol !== "http:" && protocol !== "https:") return "an address that starts with http:// or https://"
  if (Result.isFailure(Result.try(() => decodeURIComponent(username + password)))) {
    return "an address whose user name and password are escaped: a % is written as %25"
  }
  return secret || (username === "" && password === "")
    ? undefined
    : "an address without a user name or password in it: put the whole address into an environment variable and write " +
      "proxy: { env: \"NAME\" }"
}

const Proxy = Schema.Union([
  Schema.String.pipe(Schema.check(Schema.makeFilter((url: string) => {
    const problem = proxyProblem(url, false)
    return problem === undefined ? undefined : `Expected ${problem}`
  }))),
  SecretSource
])

/** PEM files: the authorities to trust instead of those of Node, and the certificate and key to show to the server. */
export const TlsFiles = Schema.Struct({
  ca: Schema.optionalKey(Schema.NonEmptyString),
  cert: Schema.optionalKey(Schema.NonEmptyString),
  key: Schema.optionalKey(Schema.NonEmptyString)
}).pipe(
  Schema.check(
    Schema.makeFilter((tls: { readonly [key: string]: unknown }) =>
      (tls["cert"] === undefined) === (tls["key"] === undefined)
        ? undefined
        : "Expected cert and key together: a certificate is of no use without its key"
    )
  )
)
export interface TlsFiles extends Schema.Schema.Type<typeof TlsFiles> {}

/** Which bodies are compressed (gzip): answers, requests, both or, as the default, none. */
export const Compression = Schema.Struct({
  response: Schema.optionalKey(Schema.Boolean),
  request: Schema.optionalKey(Schema.Boolean)
})

/** The keys that need a `url` beside them. */
const serverKeys = [
  "username",
  "password",
  "access_token",
  "database",
  "tls",
  "proxy",
  "compression",
  "connections",
  "keep_alive_seconds"
]

/**
 * The warehouse of `assay.config.ts`: a server where there is a `url`, else ClickHouse embedded in the process, in memory
 * or in the data directory `embedded.path`.
 *
 * The path of the `url` is that of a proxy in front of ClickHouse (`https://gateway/clickhouse/`), never a database.
 * `connections` is how many requests run at the same time (10), `keep_alive_seconds` how long an idle connection is kept
 * (2.5; 0 closes each after its request), `retries` counts the tries after the first one.
 */
export const WarehouseConfig = Schema.Struct({
  embedded: Schema.optionalKey(Schema.Struct({ path: Schema.optionalKey(Schema.NonEmptyString) })),
  url: Schema.optionalKey(Url),
  username: Schema.optionalKey(Schema.NonEmptyString),
  password: Schema.optionalKey(SecretSource),
  access_token: Schema.optionalKey(SecretSource),
  database: Schema.optionalKey(Schema.NonEmptyString),
  tls: Schema.optionalKey(TlsFiles),
  proxy: Schema.optionalKey(Proxy),
  compression: Schema.optionalKey(Compression),
  connections: Schema.optionalKey(PositiveInt),
  keep_alive_seconds: Schema.optionalKey(
    Schema.Finite.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 3600 })))
  ),
  limits: Schema.optionalKey(WarehouseLimits),
  retries: Schema.optionalKey(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 20 }))))
}).pipe(Schema.check(Schema.makeFilter((config: { readonly [key: string]: unknown }) => {
  if (config["url"] !== undefined && config["embedded"] !== undefined) {
    return "Expected either url (a server) or embedded (ClickHouse in this process), not both"
  }
  const lonely = serverKeys.filter((key) => config[key] !== undefined)
  if (config["url"] === undefined && lonely.length > 0) {
    return `Expected a url beside ${lonely.join(", ")}: the embedded ClickHouse has no users and one database`
  }
  if (config["access_token"] !== undefined && (config["username"] !== undefined || config["password"] !== undefined)) {
    return "Expected either access_token or username and password, not both"
  }
  return config["tls"] !== undefined && typeof config["url"] === "string" && !config["url"].startsWith("https:")
    ? "Expected a url that starts with https:// beside tls"
    : undefined
})))
export interface WarehouseConfig extends Schema.Schema.Type<typeof WarehouseConfig> {}
