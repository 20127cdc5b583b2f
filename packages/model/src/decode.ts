/** Decoding what people wrote, with errors that say where, what was found, what is expected, and what was perhaps meant. */
import { Result, Schema, SchemaIssue } from "effect"

/** One thing wrong in a value; `path` leads to it. `at: "key"` says that the key itself is wrong, not what it holds. */
export interface ValueIssue {
  readonly path: ReadonlyArray<string | number>
  readonly at?: "key"
  readonly found: string
  readonly expected: string
  readonly hint?: string
}

/** Edits (insertions, deletions, substitutions, swaps of neighbours) that lead from one text to the other. */
const distance = (a: string, b: string): number => {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => i + j))
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      rows[i]![j] = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        rows[i]![j] = Math.min(rows[i]![j]!, rows[i - 2]![j - 2]! + 1)
      }
    }
  }
  return rows[a.length]![b.length]!
}

const folded = (text: string): string => text.toLowerCase().replaceAll(/[-_ ]/g, "")

/**
 * "Did you mean …?" for a misspelt name (Damerau-Levenshtein, case ignored) or for the beginning of one name alone, such as
 * `start` for `started_at`; undefined when no candidate is near.
 */
export const suggest = (name: string, candidates: Iterable<string>): string | undefined => {
  const wanted = folded(name).slice(0, 200)
  const begun: Array<string> = []
  let best: { readonly candidate: string; readonly edits: number } | undefined
  for (const candidate of candidates) {
    const edits = distance(wanted, folded(candidate).slice(0, 200))
    if (edits <= Math.max(1, Math.floor(wanted.length / 3)) && (best === undefined || edits < best.edits)) {
      best = { candidate, edits }
    }
    if (wanted.length >= 3 && folded(candidate).startsWith(wanted)) begun.push(candidate)
  }
  const near = best?.candidate ?? (begun.length === 1 ? begun[0] : undefined)
  return near === undefined ? undefined : `Did you mean "${near}"?`
}

/** So many names are told of a longer list. A single one more costs no more than to say that there is one. */
const mostNames = 12

/** Names as a list for people, the first dozen of them. */
export const nameList = (names: Iterable<string>): string => {
  const all = [...names]
  return all.length > mostNames + 1
    ? `${all.slice(0, mostNames).join(", ")}, … (${all.length} in all)`
    : all.join(", ")
}

/** A value as a person would recognise it, shortened. */
export const describe = (value: unknown): string => {
  if (value === undefined || value === null) return "nothing"
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`
  if (typeof value === "object") return "a mapping"
  if (typeof value === "function") return "a function"
  const text = typeof value === "number" || typeof value === "symbol" || typeof value === "bigint"
    ? String(value)
    : JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

const at = (input: unknown, path: ReadonlyArray<PropertyKey>): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? Reflect.get(value, key)
        : undefined,
    input
  )

/** Keys that a mapping may have, read off the Schema that refused one. */
const knownKeys = (issue: SchemaIssue.UnexpectedKey): ReadonlyArray<string> =>
  "propertySignatures" in issue.ast
    ? issue.ast.propertySignatures.map((signature: { readonly name: PropertyKey }) => String(signature.name))
    : []

const unknownKey = "\u0000"
const missing = "a value"

const formatter = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    if (issue._tag === "MissingKey") return missing
    if (issue._tag === "UnexpectedKey") return [unknownKey, ...knownKeys(issue)].join("\n")
    return SchemaIssue.defaultLeafHook(issue)
  }
})

const names: ReadonlyMap<string, string> = new Map([
  ["string", "text"],
  ["object", "a mapping"],
  ["array", "a list"],
  ["number", "a number"],
  ["boolean", "true or false"],
  ["an integer", "a whole number"],
  ["a value with a length of at least 1", "text that isn't empty"]
])

const plain = (expectation: string): string =>
  names.get(expectation) ??
    expectation
      .replace(/^a string matching the RegExp/, "text matching")
      .replace(/^a value (greater|less) than/, "a number $1 than")

/** Alternatives as people say them: several names in quotes as "one of …", else joined with "or". */
const alternatives = (parts: Iterable<string>): string => {
  const all = [...new Set(parts)]
  return all.length > 2 && all.every((part) => part.startsWith("\""))
    ? `one of ${all.join(", ")}`
    : all.join(" or ")
}

/** What a Schema expects where there must be nothing. */
const never = "never"

const NoKeys = Schema.Record(Schema.String, Schema.Never)

/** Effect's empty Struct accepts everything but null; here it means a mapping without keys, like any Struct. */
const isEmptyStruct = ({ ast }: Schema.Codec<unknown, unknown>): boolean =>
  "propertySignatures" in ast && Array.isArray(ast.propertySignatures) && ast.propertySignatures.length === 0 &&
  "indexSignatures" in ast && Array.isArray(ast.indexSignatures) && ast.indexSignatures.length === 0

const splitUnion = (message: string): ReadonlyArray<string> => message.replace(/^Expected /, "").split(" | ").map(plain)

interface Complaint {
  readonly path: ReadonlyArray<string | number>
  readonly message: string
}

const complaints = (schema: Schema.Codec<unknown, unknown>, input: unknown): ReadonlyArray<Complaint> => {
  const result = Schema.decodeUnknownResult(schema)(input, { errors: "all", onExcessProperty: "error" })
  if (Result.isSuccess(result)) return []
  return formatter(result.failure.issue).issues.map(({ path = [], message }) => ({
    message,
    path: path.map((key) => (typeof key === "number" ? key : String(typeof key === "object" ? key.key : key)))
  }))
}

/** `input` with `null` at each of the paths, whose last step it lacks. */
const withNulls = (input: unknown, paths: ReadonlyArray<ReadonlyArray<string | number>>): unknown => {
  const copy = structuredClone(input)
  for (const path of paths) {
    const parent = at(copy, path.slice(0, -1))
    if (typeof parent === "object" && parent !== null) {
      Object.defineProperty(parent, path.at(-1)!, { value: null, enumerable: true })
    }
  }
  return copy
}

/**
 * What is expected at keys that are missing, which a Schema's complaint doesn't say: what it expects instead of a null
 * there. Nothing where the input can't be copied (functions in it) or null would do.
 */
const expectedOfMissing = (
  schema: Schema.Codec<unknown, unknown>,
  input: unknown,
  all: ReadonlyArray<Complaint>
): ReadonlyMap<string, string> => {
  const paths = all.filter(({ message }) => message === missing).map(({ path }) => path)
  const filled = paths.length === 0 ? Result.fail(undefined) : Result.try(() => withNulls(input, paths))
  if (Result.isFailure(filled)) return new Map()
  const places = new Set(paths.map((path) => JSON.stringify(path)))
  const found = new Map<string, Array<string>>()
  for (const { path, message } of complaints(schema, filled.success)) {
    const place = JSON.stringify(path)
    if (places.has(place) && !message.startsWith(unknownKey) && message !== missing) {
      found.set(place, [...(found.get(place) ?? []), ...splitUnion(message)])
    }
  }
  return new Map([...found].map(([place, parts]) => [place, alternatives(parts)]))
}

/**
 * Decodes `input`, which must have no keys that the Schema doesn't know, and reports everything that is wrong with it.
 * Complaints about one place are joined with "or", since they are the members of a union.
 */
export const decode = <A>(
  schema: Schema.Codec<A, unknown>,
  input: unknown
): Result.Result<A, ReadonlyArray<ValueIssue>> => {
  if (isEmptyStruct(schema)) {
    const none = decode(NoKeys, input)
    if (Result.isFailure(none)) return Result.fail(none.failure)
  }
  const result = Schema.decodeUnknownResult(schema)(input, { errors: "all", onExcessProperty: "error" })
  if (Result.isSuccess(result)) return Result.succeed(result.success)
  const all = complaints(schema, input)
  const expectedThere = expectedOfMissing(schema, input, all)
  const unknown: Array<ValueIssue> = []
  const expected = new Map<string, { readonly path: Complaint["path"]; readonly parts: Array<string> }>()
  for (const { path, message } of all) {
    if (message.startsWith(unknownKey)) {
      unknown.push(unknownKeyIssue(path, message.split("\n").slice(1)))
      continue
    }
    if (message === `Expected ${never}` && path.length > 0) {
      unknown.push(unknownKeyIssue(path, []))
      continue
    }
    const emptyList = message === missing && typeof path.at(-1) === "number"
    const place = emptyList ? path.slice(0, -1) : path
    const parts = emptyList
      ? ["a list of at least one"]
      : message === missing
      ? [expectedThere.get(JSON.stringify(path)) ?? missing]
      : splitUnion(message)
    const before = expected.get(JSON.stringify(place))
    if (before === undefined) expected.set(JSON.stringify(place), { path: place, parts: [...parts] })
    else before.parts.push(...parts)
  }
  const wrong = [...expected.values()].map(({ path, parts }) =>
    withLiteralHint({ path, found: describe(at(input, path)), expected: alternatives(parts) }, input)
  )
  return Result.fail([...unknown, ...wrong])
}

const unknownKeyIssue = (path: ReadonlyArray<string | number>, known: ReadonlyArray<string>): ValueIssue => {
  const key = String(path.at(-1))
  const hint = suggest(key, known)
  return {
    path,
    at: "key",
    found: `the unknown key ${describe(key)}`,
    expected: known.length === 0 ? "no such key" : `one of ${nameList(known)}`,
    ...(hint === undefined ? {} : { hint })
  }
}

/** A misspelt literal gets a suggestion, too: the expectation lists the literals in quotes. */
const withLiteralHint = (issue: ValueIssue, input: unknown): ValueIssue => {
  const value = at(input, issue.path)
  if (typeof value !== "string") return issue
  const literals = [...issue.expected.matchAll(/"([^"]+)"/g)].map((match) => match[1]!)
  const hint = literals.length === 0 ? undefined : suggest(value, literals)
  return hint === undefined ? issue : { ...issue, hint }
}
