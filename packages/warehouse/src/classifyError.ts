/** From what the client throws to the errors of Assay. Pure, so that it can be tested case by case. */
import { QueryLimitExceeded, QueryRejected, type WarehouseError, WarehouseUnavailable } from "@assay/model"
import { receiveSeconds } from "./limits.ts"
import type { WarehouseLimits } from "./WarehouseConfig.ts"

/**
 * What is known about the query that failed. `secrets` are texts that must not appear in a message, `values` what was bound:
 * these are left out where they are quoted or stand as words of their own.
 */
export interface FailureContext {
  /** The address that was asked, where there is one: scheme, host and port. */
  readonly origin?: string
  readonly queryId?: string
  readonly limits?: WarehouseLimits
  readonly secrets?: ReadonlyArray<string>
  readonly values?: ReadonlyArray<string>
}

/**
 * What ClickHouse itself said. Known by its shape, since the embedded engine's errors come from a second copy of the
 * client's classes.
 */
interface ClickHouseFailure extends Error {
  readonly code: string
  readonly type?: string
}

const isClickHouseFailure = (cause: unknown): cause is ClickHouseFailure =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" && /^\d+$/.test(cause.code)

type Limit = QueryLimitExceeded["limit"]

/** ClickHouse's codes for a limit that was hit: which one, and the key of the configuration that holds its value. */
const limitCodes: Readonly<Record<number, readonly [Limit, keyof WarehouseLimits | undefined]>> = {
  159: ["time", "seconds"],
  160: ["time", "seconds"],
  241: ["memory", "memory_bytes"],
  158: ["rows", "rows"],
  191: ["rows", undefined],
  307: ["bytes", "bytes"],
  396: ["result", undefined]
}

/** Codes after which the same statement may well succeed: sockets between servers, shutdowns, lost sessions, full pools. */
const transientCodes: ReadonlySet<number> = new Set([
  32,
  95,
  96,
  198,
  203,
  209,
  210,
  225,
  236,
  279,
  364,
  439,
  519,
  999
])

/** Codes whose sentence quotes a value that couldn't be read: a bound one, or one from the data. */
const valueCodes: ReadonlySet<number> = new Set([
  6,
  25,
  26,
  27,
  38,
  41,
  69,
  72,
  117,
  130,
  321,
  376,
  407,
  441,
  457,
  467,
  675,
  676,
  691
])

const hints: Readonly<Record<number, string>> = {
  16: "Check the columns of the event table in assay.config.ts.",
  33: "The server's disk for temporary files may be full; look at its log.",
  36: "Compare the statement with `assay explain`.",
  46: "This ClickHouse doesn't know the function; check its version with `assay doctor`.",
  47: "Check the column mapping of the event table in assay.config.ts.",
  60: "Check events.table in assay.config.ts, and that the user may see it.",
  62: "Compare the statement with `assay explain`; if Assay made it, please report it.",
  81: "Check the database in assay.config.ts.",
  115: "This ClickHouse doesn't know the setting; check its version with `assay doctor`.",
  164: "The user is read-only. Assay needs a profile with readonly = 2 (or 0), because it sets limits on each query: " +
    "ALTER USER … SETTINGS readonly = 2 still lets it read only.",
  192: "Check username in assay.config.ts.",
  193: "Check the password in the environment variable or file that assay.config.ts names.",
  194: "Set password: { env: \"NAME\" } in assay.config.ts and put the password into that variable.",
  243: "The server's disk is full: ask for space, or read less.",
  394: "Someone stopped the query (KILL QUERY). Run it again.",
  452: "The user's profile forbids this setting; ask for its constraints to be widened.",
  457: "Check the type of the value in the definition files.",
  497: "Grant the user what ClickHouse names above.",
  516: "Check username, and the password in the environment variable or file that assay.config.ts names.",
  701: "Check events.cluster.name in assay.config.ts: the cluster isn't in the server's remote_servers."
}

const limitHints: Readonly<Record<Limit, string>> = {
  time: "Raise warehouse.limits.seconds in assay.config.ts, or shorten the window.",
  memory: "Raise warehouse.limits.memory_bytes in assay.config.ts, or ask for more memory on the server.",
  rows: "Raise warehouse.limits.rows in assay.config.ts, or shorten the window.",
  bytes: "Raise warehouse.limits.bytes in assay.config.ts, or shorten the window.",
  result: "The server's profile limits results; ask for a higher max_result_rows and max_result_bytes.",
  concurrency: "Too many queries run at the same time. Try again, or lower the concurrency."
}

const escapes: Readonly<Record<string, string>> = { "\0": "0", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t" }

/** How ClickHouse writes a text between quotes: `'` for strings, a backtick for identifiers. */
const escaped = (text: string, quote: string): string =>
  Array.from(text, (c) => (c === "\\" || c === quote ? `\\${c}` : escapes[c] === undefined ? c : `\\${escapes[c]}`))
    .join(
      ""
    )

/** A text in all forms in which ClickHouse may repeat it. */
const formsOf = (text: string): ReadonlyArray<string> => {
  const forms = ["'", "`", ""].map((quote) => escaped(text, quote))
  return [text, ...forms, ...forms.map((form) => escaped(form, "`"))]
}

/** Finds a text where it isn't a part of a longer word. */
const asWord = (text: string): RegExp => {
  const escapedText = text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
  const before = /^[\p{L}\p{N}_]/u.test(text) ? "(?<![\\p{L}\\p{N}_])" : ""
  const after = /[\p{L}\p{N}_]$/u.test(text) ? "(?![\\p{L}\\p{N}_])" : ""
  return new RegExp(`${before}${escapedText}${after}`, "gu")
}

/**
 * Replaces each secret and each value by an ellipsis: where it is quoted, and, from four characters on, secrets wherever they
 * stand and values where they aren't part of a longer word.
 */
const redact = (text: string, { secrets = [], values = [] }: FailureContext): string =>
  [
    ...secrets.flatMap(formsOf).map((form) => ({ form, find: form })),
    ...values.flatMap(formsOf).map((form) => ({ form, find: asWord(form) }))
  ]
    .filter(({ form }) => form !== "")
    .toSorted((a, b) => b.form.length - a.form.length)
    .reduce(
      (rest, { find, form }) =>
        form.length >= 4
          ? rest.replaceAll(find, "…")
          : rest.replaceAll(`'${form}'`, "'…'").replaceAll(`\`${form}\``, "`…`"),
      text
    )

/** ClickHouse's sentence without its version, its stack trace, and the statement's own text (where values stand). */
const sentence = (message: string): string =>
  message
    .split(/\s*Stack trace:|[:.]?\s+(?:In scope|in scope|[Ww]hile (?:executing|processing)) /)[0]!
    .replaceAll(/\s*\((?:version|official build)[^)]*\)+/g, "")
    .replaceAll(/\s+/g, " ")
    .replace(/[\s:.]*$/, ".")

const parameterOf = (message: string): string => {
  const [, type, name] = /cannot be parsed as (\S+) for query parameter '([A-Za-z0-9_]+)'/.exec(message) ?? []
  return name === undefined ? "." : `: the parameter ${name} as ${type}.`
}

/** Whether a server waited for another one as long as it may. */
const waitedForNode = (message: string, { limits }: FailureContext): boolean => {
  const [, millis] = /receive timeout (\d+) ms/.exec(message) ?? []
  return millis !== undefined && limits?.seconds !== undefined &&
    Number(millis) >= receiveSeconds(limits.seconds) * 1000
}

const byCode = (error: ClickHouseFailure, context: FailureContext): WarehouseError => {
  const code = Number(error.code)
  const name = error.type ?? "UNKNOWN"
  const said = valueCodes.has(code)
    ? `A value couldn't be read as the type that the statement asks for${parameterOf(error.message)}`
    : sentence(redact(error.message, context))
  const message = `ClickHouse said ${code} ${name}: ${said}`
  const id = context.queryId === undefined ? {} : { queryId: context.queryId }
  if (code === 202) {
    return new QueryLimitExceeded({
      limit: "concurrency",
      value: undefined,
      message,
      hint: limitHints.concurrency,
      ...id
    })
  }
  const limit = limitCodes[code]
  if (limit !== undefined) {
    const value = limit[1] === undefined ? undefined : context.limits?.[limit[1]]
    return new QueryLimitExceeded({ limit: limit[0], value, message, hint: limitHints[limit[0]], ...id })
  }
  if (transientCodes.has(code)) {
    return new WarehouseUnavailable({
      message,
      hint: "Try again; if it stays, check the servers of the cluster.",
      ...(code === 209 && waitedForNode(error.message, context) ? { waited: true } : {}),
      ...id
    })
  }
  const hint = hints[code] ?? "`assay explain` shows the statement; ClickHouse's documentation lists the code."
  return new QueryRejected({ clickhouseCode: code, clickhouseName: name, message, hint, ...id })
}

const sockets: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens at the address",
  ENOTFOUND: "the host name is unknown",
  EAI_AGAIN: "the host name can't be looked up now",
  ETIMEDOUT: "it didn't answer in time",
  ECONNRESET: "the connection was cut",
  EPIPE: "the connection was cut",
  EHOSTUNREACH: "the host can't be reached",
  ENETUNREACH: "the network can't be reached"
}

/** Why TLS failed, and what to do about it, by what OpenSSL or Node calls it. */
const tlsFailures: ReadonlyArray<readonly [RegExp, string, string]> = [
  [
    /SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)/,
    "its certificate isn't trusted",
    "Name the file of the authority that signed it as warehouse.tls.ca in assay.config.ts."
  ],
  [/CERT_HAS_EXPIRED/, "its certificate has expired", "Renew the server's certificate."],
  [
    /CERT_NOT_YET_VALID/,
    "its certificate isn't valid yet",
    "Check the clock of this machine, and the server's certificate."
  ],
  [
    /ALTNAME/,
    "its certificate is for another host",
    "Write warehouse.url in assay.config.ts with a host that the certificate names."
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/,
    "it doesn't speak TLS",
    "Write http:// in warehouse.url, or the port for HTTPS (8443)."
  ],
  [
    /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|ALERT/,
    "it refuses this client's certificate",
    "Set warehouse.tls.cert and warehouse.tls.key in assay.config.ts to a certificate that the server trusts."
  ],
  [
    /CERT|SSL|TLS|SIGNATURE|EPROTO/,
    "TLS failed",
    "Check warehouse.tls in assay.config.ts, and the server's certificate."
  ]
]

/** Where Node says no more than EPROTO, OpenSSL's own words are in the message. */
const tlsFailure = (cause: unknown, code: string) => {
  const words = code === "EPROTO" && cause instanceof Error ? cause.message.toUpperCase().replaceAll(" ", "_") : code
  return tlsFailures.find(([pattern]) => pattern.test(words)) ?? tlsFailures.find(([pattern]) => pattern.test(code))
}

/** Node hides the reasons of a failed connect to several addresses (IPv4 and IPv6) inside an AggregateError. */
const socketCode = (cause: unknown): string | undefined => {
  if (cause instanceof AggregateError) return cause.errors.map(socketCode).find((code) => code !== undefined)
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  return typeof code === "string" ? code : undefined
}

/**
 * The error of Assay for what the client threw.
 *
 * ClickHouse's codes decide: limits, transient failures and the rest. Anything else is the way to the server, and is
 * {@link WarehouseUnavailable}; its own text isn't repeated, since it may be a proxy's page.
 */
export const classifyError = (cause: unknown, context: FailureContext = {}): WarehouseError => {
  if (isClickHouseFailure(cause)) return byCode(cause, context)
  const id = context.queryId === undefined ? {} : { queryId: context.queryId }
  if (cause instanceof Error && cause.message.includes("Field value too long")) {
    return new QueryRejected({
      clickhouseCode: 1000,
      clickhouseName: "POCO_EXCEPTION",
      message: "A bound value is longer than the server takes over HTTP.",
      hint: "Shorten the list, or raise http_max_field_value_size (128 KiB) in the user's profile.",
      ...id
    })
  }
  const code = socketCode(cause)
  const known = code === undefined ? undefined : sockets[code]
  const timeout = cause instanceof Error && cause.message.startsWith("Timeout error")
  const [, tlsWhy, tlsHint] = known === undefined && code !== undefined ? tlsFailure(cause, code) ?? [] : []
  const proxy = code === "ERR_PROXY_TUNNEL"
  const why = known ?? tlsWhy ??
    (timeout
      ? sockets.ETIMEDOUT
      : proxy
      ? "the proxy didn't open a way to it"
      : code ?? "the answer isn't one of a ClickHouse server")
  return new WarehouseUnavailable({
    message: `ClickHouse can't be reached${context.origin === undefined ? "" : ` at ${context.origin}`}: ${why}${
      why === code || code === undefined ? "" : ` (${code})`
    }.`,
    hint: tlsHint ?? (proxy
      ? "Check warehouse.proxy in assay.config.ts, and whether the proxy lets this machine through to the server."
      : "Check warehouse.url in assay.config.ts (ClickHouse's HTTP interface, port 8123 or 8443) and that the server runs."),
    ...(timeout ? { waited: true } : {}),
    ...id
  })
}

/**
 * Whether the same statement is worth another try. A limit that was hit isn't, but for too many queries at once; nor is a server
 * that said nothing for all the time that the statement may take.
 */
export const isTransient = (error: WarehouseError): boolean =>
  (error instanceof WarehouseUnavailable && error.waited !== true) ||
  (error instanceof QueryLimitExceeded && error.limit === "concurrency")
