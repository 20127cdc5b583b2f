/** Properties and `where` filters of rows in plain TypeScript, as the reference reads them. */
import type { Filter, Scalar } from "@assay/model"
import type { EventRow } from "./EventRow.ts"

type Json = string | number | boolean | null | ReadonlyArray<Json> | { readonly [key: string]: Json }

const parse = (text: string): Json => {
  try {
    return JSON.parse(text) as Json
  } catch {
    return null
  }
}

const inside = (json: Json, path: ReadonlyArray<string>): Json =>
  path.reduce<Json>(
    (value, key) =>
      typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
        ? (value as { readonly [key: string]: Json })[key]!
        : null,
    json
  )

/** A property of a row as text, as definitions name it (`value`, `country`, `metadata.path.to.it`); undefined where it is missing. */
export const propertyText = (row: EventRow, property: string): string | undefined => {
  const [head, ...path] = property.split(".")
  switch (head) {
    case "value":
      return row.value
    case "country":
      return row.country
    case "amount":
      return row.amount?.toString()
    case "member":
      return row.member?.toString()
    default: {
      const found = inside(parse(row.metadata), path)
      return found === null ? undefined : typeof found === "string" ? found : JSON.stringify(found)
    }
  }
}

/** A text as the number that a filter compares: infinities and NaN are numbers there. */
const filterNumber = (text: string): number | undefined => {
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text)
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity
  return /^[+-]?nan$/i.test(text) ? NaN : undefined
}

const compare = (a: string | number, b: Scalar): number =>
  typeof a === "number" ? a - Number(b) : Buffer.compare(Buffer.from(a), Buffer.from(String(b)))

/** Whether a row satisfies a filter: what it lacks satisfies none but `!=`, `not in` and `not exists`. */
export const satisfies = (row: EventRow, { op, property, value }: Filter): boolean => {
  const text = propertyText(row, property)
  if (op === "exists" || op === "not exists") {
    const exists = text !== undefined && (text !== "" || property.includes("."))
    return exists === (op === "exists")
  }
  const values: ReadonlyArray<Scalar> = Array.isArray(value) ? (value as ReadonlyArray<Scalar>) : [value as Scalar]
  const negated = op === "!=" || op === "not in"
  if (text === undefined) return negated
  if (typeof values[0] === "boolean") {
    return (values[0] ? ["true", "1"] : ["false", "0"]).includes(text) !== negated
  }
  const own = typeof values[0] === "number" ? filterNumber(text) : text
  if (own === undefined) return negated
  if (typeof own === "number" && Number.isNaN(own)) return negated
  const signs = values.map((one) => (own === one ? 0 : compare(own, one)))
  switch (op) {
    case "<":
      return signs[0]! < 0
    case "<=":
      return signs[0]! <= 0
    case ">":
      return signs[0]! > 0
    case ">=":
      return signs[0]! >= 0
    default:
      return signs.includes(0) !== negated
  }
}
