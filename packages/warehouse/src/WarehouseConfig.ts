/** Where the warehouse is, as `assay.config.ts` says it: plain data, no secrets. */
import { Schema } from "effect"

const Positive = Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0)))
const PositiveInt = Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0)))

/** Limits of one query. What is absent is left to the server's profile, but for the time (600 s). */
export const WarehouseLimits = Schema.Struct({
  seconds: Schema.optionalKey(Positive),
  memory_bytes: Schema.optionalKey(PositiveInt),
  rows: Schema.optionalKey(PositiveInt),
  bytes: Schema.optionalKey(PositiveInt)
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
 * The warehouse of `assay.config.ts`: a server where there is a `url`, else ClickHouse embedded in the process, in memory
 * or in the data directory `embedded.path`. `retries` counts the tries after the first one.
 */
export const WarehouseConfig = Schema.Struct({
  embedded: Schema.optionalKey(Schema.Struct({ path: Schema.optionalKey(Schema.NonEmptyString) })),
  url: Schema.optionalKey(Url),
  username: Schema.optionalKey(Schema.NonEmptyString),
  password: Schema.optionalKey(SecretSource),
  database: Schema.optionalKey(Schema.NonEmptyString),
  limits: Schema.optionalKey(WarehouseLimits),
  retries: Schema.optionalKey(Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 20 }))))
}).pipe(Schema.check(Schema.makeFilter((config: { readonly [key: string]: unknown }) => {
  if (config["url"] !== undefined && config["embedded"] !== undefined) {
    return "Expected either url (a server) or embedded (ClickHouse in this process), not both"
  }
  const lonely = ["username", "password", "database"].filter((key) => config[key] !== undefined)
  return config["url"] === undefined && lonely.length > 0
    ? `Expected a url beside ${lonely.join(", ")}: the embedded ClickHouse has no users and one database`
    : undefined
})))
export interface WarehouseConfig extends Schema.Schema.Type<typeof WarehouseConfig> {}
