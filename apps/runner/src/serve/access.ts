/** Who may see and do what: tokens with scopes and environments, and the sessions that browsers get for a token. */
import { decode, DefinitionError } from "@assay/model"
import { Context, Effect, Result, Schema } from "effect"
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { readFileSync } from "node:fs"

/** What a token lets its holder do: `read` shows results, `refresh` asks for new ones. */
export const Scope = Schema.Literals(["read", "refresh"])
export type Scope = typeof Scope.Type

/** A token as it is kept: never itself, but its hash. `environments` limits it to experiments of these; without it, to none. */
export const TokenEntry = Schema.Struct({
  name: Schema.String.pipe(
    Schema.check(Schema.isPattern(/^[\w.@-]{1,100}$/, { expected: "1 to 100 letters, digits, _ . @ and -" }))
  ),
  sha256: Schema.String.pipe(
    Schema.check(Schema.isPattern(/^[0-9a-f]{64}$/, { expected: "the SHA-256 hash of a token, 64 hexadecimal digits" }))
  ),
  scopes: Schema.NonEmptyArray(Scope),
  environments: Schema.optionalKey(Schema.NonEmptyArray(Schema.NonEmptyString))
})
export interface TokenEntry extends Schema.Schema.Type<typeof TokenEntry> {}

const Tokens = Schema.Struct({ tokens: Schema.NonEmptyArray(TokenEntry) })

/** Whoever asks: a name for the audit log, and what it may do. */
export interface Reader {
  /** Absent where nobody has to show a token. */
  readonly name: string | undefined
  readonly may: (scope: Scope) => boolean
  readonly sees: (environment: string) => boolean
  /** Signs sessions and forms. Nobody else can: it is made from the token's hash, or of this process. */
  readonly secret: string
}

/** The reader of the present request. */
export class CurrentReader extends Context.Service<CurrentReader, Reader>()("@assay/runner/CurrentReader") {}

/** How readers are told apart. Where it is open, everybody is the same reader, and only this machine may ask. */
export type Access =
  | { readonly kind: "open"; readonly everybody: Reader }
  | {
    readonly kind: "tokens"
    readonly readers: ReadonlyMap<string, Reader>
    readonly byName: ReadonlyMap<string, Reader>
  }

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

/** Everybody on this machine may read; `refresh` says whether to ask for new results, too. */
export const openAccess = (refresh: boolean): Access => ({
  kind: "open",
  everybody: {
    name: undefined,
    may: (scope) => scope === "read" || refresh,
    sees: () => true,
    secret: randomBytes(32).toString("hex")
  }
})

/** Readers by their tokens. */
export const tokenAccess = (entries: ReadonlyArray<TokenEntry>): Access => {
  const readers = entries.map((entry): readonly [TokenEntry, Reader] => [entry, {
    name: entry.name,
    may: (scope) => entry.scopes.includes(scope),
    sees: (environment) => entry.environments === undefined || entry.environments.includes(environment),
    secret: entry.sha256
  }])
  return {
    kind: "tokens",
    readers: new Map(readers.map(([{ sha256 }, reader]) => [sha256, reader])),
    byName: new Map(readers.map(([{ name }, reader]) => [name, reader]))
  }
}

const issue = (file: string, path: ReadonlyArray<string | number>, found: string, expected: string, hint: string) =>
  new DefinitionError({ issues: [{ file, path, found, expected, hint }] })

const hint =
  "`assay token <name>` makes a token and the entry for it: {\"tokens\": [{\"name\", \"sha256\", \"scopes\", \"environments\"}]}"

/** Reads tokens as JSON text that came from `file`. Fails with everything that is wrong in it, and never shows a value. */
export const parseTokens = (file: string, text: string): Result.Result<ReadonlyArray<TokenEntry>, DefinitionError> => {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return Result.fail(issue(file, [], "text that isn't JSON", "a JSON document of tokens", hint))
  }
  const decoded = decode(Tokens, json)
  if (Result.isFailure(decoded)) {
    return Result.fail(
      new DefinitionError({
        issues: decoded.failure.map(({ expected, path }) => ({ file, path, found: "something else", expected, hint }))
      })
    )
  }
  const { tokens } = decoded.success
  const twice = tokens.findIndex(({ name, sha256 }, i) =>
    tokens.slice(0, i).some((other) => other.name === name || other.sha256 === sha256)
  )
  return twice === -1
    ? Result.succeed(tokens)
    : Result.fail(issue(file, ["tokens", twice], "a name or hash that is there already", "each token once", hint))
}

/** The tokens of a file, or of the environment variable ASSAY_TOKENS; none where there is neither. */
export const loadTokens = Effect.fn("access.tokens")(function*(file: string | undefined) {
  if (file === undefined) {
    const text = process.env["ASSAY_TOKENS"] ?? ""
    return text === "" ? undefined : yield* Effect.fromResult(parseTokens("$ASSAY_TOKENS", text))
  }
  const text = yield* Effect.try({
    try: () => readFileSync(file, "utf8"),
    catch: (error) =>
      issue(
        file,
        [],
        error instanceof Error && "code" in error ? String(error.code) : "a file that can't be read",
        "a JSON document of tokens",
        hint
      )
  })
  return yield* Effect.fromResult(parseTokens(file, text))
})

/** A new token of 256 random bits, and the entry to keep for it. */
export const makeToken = (
  name: string,
  scopes: TokenEntry["scopes"],
  environments: ReadonlyArray<string>
): { readonly token: string; readonly entry: TokenEntry } => {
  const token = `assay_${randomBytes(32).toString("base64url")}`
  const [first, ...others] = environments
  return {
    token,
    entry: { name, sha256: sha256(token), scopes, ...(first === undefined ? {} : { environments: [first, ...others] }) }
  }
}

/** The reader that a token belongs to. Tokens are compared by their hashes, so no time tells how much of one was right. */
export const readerOf = (access: Access, token: string): Reader | undefined =>
  access.kind === "open" ? access.everybody : access.readers.get(sha256(token))

const sign = (secret: string, ...parts: ReadonlyArray<string>): string =>
  createHmac("sha256", secret).update(JSON.stringify(parts)).digest("base64url")

const same = (a: string, b: string): boolean => {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length === y.length && timingSafeEqual(x, y)
}

/** How long a browser stays signed in. */
export const SESSION_MILLIS = 12 * 3_600_000

/** A session of a reader: who, until when, and a signature that only the token's entry can make. It ends when the entry goes. */
export const makeSession = ({ name, secret }: Reader, now: number): string => {
  const body = `${Buffer.from(name ?? "").toString("base64url")}.${now + SESSION_MILLIS}`
  return `${body}.${sign(secret, "session", body)}`
}

/** The reader of a session; none where it has ended, was made up, or its token is gone. */
export const readerOfSession = (access: Access, session: string | undefined, now: number): Reader | undefined => {
  if (access.kind === "open") return access.everybody
  const [name = "", until = "", signature = "", ...rest] = (session ?? "").split(".")
  const reader = access.byName.get(Buffer.from(name, "base64url").toString())
  return reader !== undefined && rest.length === 0 && Number(until) > now &&
      same(signature, sign(reader.secret, "session", `${name}.${until}`))
    ? reader
    : undefined
}

/** What a form has to hold, so that no other site can send it: made for this reader and this session. */
export const formProof = ({ secret }: Reader, session: string | undefined): string =>
  sign(secret, "form", session ?? "")

/** Whether a form holds what it has to. */
export const provesForm = (reader: Reader, session: string | undefined, proof: string): boolean =>
  same(proof, formProof(reader, session))
