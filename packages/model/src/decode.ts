/** Decoding what people wrote, with errors that say where, what was found, what is expected, and what was perhaps meant. */
import { Result, Schema, SchemaIssue } from "effect"

/** One thing wrong in a value; `path` leads to it. */
export interface ValueIssue {
  readonly path: ReadonlyArray<string | number>
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

/** "Did you mean …?" for a misspelt name, or undefined when no candidate is near (Damerau-Levenshtein, case ignored). */
export const suggest = (name: string, candidates: Iterable<string>): string | undefined => {
  const wanted = folded(name).slice(0, 200)
  let best: { readonly candidate: string; readonly edits: number } | undefined
  for (const candidate of candidates) {
    const edits = distance(wanted, folded(candidate).slice(0, 200))
    if (edits <= Math.max(1, Math.floor(wanted.length / 3)) && (best === undefined || edits < best.edits)) {
      best = { candidate, edits }
    }
  }
  return best === undefined ? undefined : `Did you mean "${best.candidate}"?`
}

/** Names as a list for people, the first dozen of them. */
export const nameList = (names: Iterable<string>): string => {
  const all = [...names]
  const shown = all.slice(0, 12).join(", ")
  return all.length > 12 ? `${shown}, … (${all.length} in all)` : shown
}

/** A value as a person would recognise it, shortened. */
export const describe = (value: unknown): string => {
  if (value === undefined || value === null) return "nothing"
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === "object") return "a mapping"
  if (typeof value === "function") return "a function"
  const text = typeof value === "string" ? JSON.stringify(value) : String(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

const at = (input: unknown, path: ReadonlyArray<PropertyKey>): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    input
  )

/** Keys that a mapping may have, read off the Schema that refused one. */
const knownKeys = (issue: SchemaIssue.UnexpectedKey): ReadonlyArray<string> =>
  "propertySignatures" in issue.ast
    ? issue.ast.propertySignatures.map((signature: { readonly name: PropertyKey }) => String(signature.name))
    : []

const formatter = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    if (issue._tag === "MissingKey") return "a value"
    if (issue._tag === "UnexpectedKey") return `\u0000${JSON.stringify(knownKeys(issue))}`
    return SchemaIssue.defaultLeafHook(issue)
  }
})

const names: Readonly<Record<string, string>> = {
  string: "text",
  object: "a mapping",
  array: "a list",
  number: "a number",
  boolean: "true or false"
}

const plain = (message: string): string =>
  message
    .replace(/^Expected /, "")
    .replace(/^a string matching the RegExp/, "text matching")
    .replaceAll(/\b(string|object|array|number|boolean)\b/g, (type) => names[type]!)
    .replaceAll(" | ", " or ")

/**
 * Decodes `input`, which must have no keys that the Schema doesn't know, and reports everything that is wrong with it.
 * Complaints about one place are joined with "or", since they are the members of a union.
 */
export const decode = <A>(
  schema: Schema.Codec<A, unknown>,
  input: unknown
): Result.Result<A, ReadonlyArray<ValueIssue>> => {
  const result = Schema.decodeUnknownResult(schema)(input, { errors: "all", onExcessProperty: "error" })
  if (Result.isSuccess(result)) return Result.succeed(result.success)
  const issues = new Map<string, ValueIssue>()
  for (const { path = [], message } of formatter(result.failure.issue).issues) {
    const keys = path.map((key) => (typeof key === "number" ? key : String(typeof key === "object" ? key.key : key)))
    const place = JSON.stringify(keys)
    if (message.startsWith("\u0000")) {
      const known = JSON.parse(message.slice(1)) as ReadonlyArray<string>
      const key = String(keys.at(-1))
      const hint = suggest(key, known)
      issues.set(place, {
        path: keys,
        found: `the unknown key "${key}"`,
        expected: known.length === 0 ? "no such key" : `one of ${nameList(known)}`,
        ...(hint === undefined ? {} : { hint })
      })
      continue
    }
    const before = issues.get(place)
    const expected = plain(message)
    const found = describe(at(input, keys))
    const joined = before === undefined || before.expected.split(" or ").includes(expected)
      ? (before?.expected ?? expected)
      : `${before.expected} or ${expected}`
    issues.set(place, { path: keys, found, expected: joined })
  }
  return Result.fail([...issues.values()].map((issue) => withLiteralHint(issue, input)))
}

/** A misspelt literal gets a suggestion, too: the expectation lists the literals in quotes. */
const withLiteralHint = (issue: ValueIssue, input: unknown): ValueIssue => {
  const value = at(input, issue.path)
  if (issue.hint !== undefined || typeof value !== "string") return issue
  const literals = [...issue.expected.matchAll(/"([^"]+)"/g)].map((match) => match[1]!)
  const hint = literals.length === 0 ? undefined : suggest(value, literals)
  return hint === undefined ? issue : { ...issue, hint }
}
