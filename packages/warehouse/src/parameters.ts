/**
 * Values for `{name:Type}` placeholders.
 *
 * The HTTP client and the embedded engine write values each in their own way. They agree, and ClickHouse reads back
 * exactly what was bound, for text, safe integers, bigints, other finite numbers, null, and arrays of these; a top-level
 * boolean agrees as 0 or 1. What they would mangle (a Date's milliseconds, digits beyond 2^53, half of a surrogate pair)
 * is refused here.
 */
import { QueryRejected } from "@assay/model"
import { Result } from "effect"

/** Says why a value can't be bound, without repeating it, or `undefined`. */
const problem = (value: unknown): string | undefined => {
  if (value === null || typeof value === "bigint" || typeof value === "boolean") return undefined
  if (typeof value === "string") {
    return value.isWellFormed() ? undefined : "text with half of a surrogate pair, which UTF-8 can't hold"
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return "a number that isn't finite"
    return Number.isInteger(value) && !Number.isSafeInteger(value)
      ? "a whole number beyond 2^53, which has lost digits; bind a bigint, or text for a Float64"
      : undefined
  }
  if (Array.isArray(value)) return value.map(problem).find((found) => found !== undefined)
  if (value instanceof Date) return "a Date, whose milliseconds get lost; bind UTC text or epoch milliseconds"
  return `a value of type ${typeof value}; bind text, numbers, bigints, booleans, null or arrays of them`
}

const refused = (message: string, hint: string) =>
  new QueryRejected({ clickhouseCode: 457, clickhouseName: "BAD_QUERY_PARAMETER", message, hint })

/**
 * The parameters of a statement in the form that both engines bind exactly.
 *
 * Fails with `QueryRejected` (457 BAD_QUERY_PARAMETER), naming the parameter and never its value.
 */
export const encodeParameters = (
  parameters: Readonly<Record<string, unknown>>
): Result.Result<Record<string, unknown>, QueryRejected> => {
  const entries: Array<[string, unknown]> = []
  for (const [name, value] of Object.entries(parameters)) {
    const found = problem(value)
    if (found !== undefined) {
      return Result.fail(refused(`The parameter ${name} can't be bound: it is ${found}.`, "Bind another form of it."))
    }
    entries.push([name, typeof value === "boolean" ? Number(value) : value])
  }
  return Result.succeed(Object.fromEntries(entries))
}

/** The texts and numbers among the values, those in arrays too: what no message may repeat. */
export const valuesOf = (parameters: Readonly<Record<string, unknown>>): ReadonlyArray<string> => {
  const texts = (value: unknown): ReadonlyArray<string> => {
    if (Array.isArray(value)) return value.flatMap(texts)
    return typeof value === "string" || typeof value === "number" || typeof value === "bigint" ? [String(value)] : []
  }
  return [...new Set(Object.values(parameters).flatMap(texts))]
}
