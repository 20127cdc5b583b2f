/**
 * SQL as data: text that only template literals can write, values that are always bound, identifiers that are always quoted.
 */

/** Types that a bound value may have on the server. */
export type ParameterType =
  | "String"
  | "Float64"
  | "Int64"
  | "UInt64"
  | "UInt32"
  | "UInt16"
  | "UInt8"
  | "Bool"
  | "DateTime64(3, 'UTC')"
  | "Array(String)"
  | "Array(Float64)"
  | "Array(Int64)"
  | "Array(UInt8)"
  | "Array(UInt16)"

type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "parameter"; readonly type: ParameterType; readonly value: unknown }

/** A piece of a statement. Only this module can make one. */
export interface Fragment {
  readonly parts: ReadonlyArray<Part>
}

const fragments = new WeakSet<Fragment>()

const make = (parts: ReadonlyArray<Part>): Fragment => {
  const fragment = Object.freeze({ parts: Object.freeze([...parts]) })
  fragments.add(fragment)
  return fragment
}

const text = (value: string): Fragment => make([{ kind: "text", text: value }])

/**
 * A fragment from a template literal. What stands between `${}` must be fragments; a plain string there is a type error
 * and, from untyped code, a TypeError.
 *
 * @example sql`SELECT count() FROM ${identifier("events")} WHERE ${identifier("event")} = ${parameter("String", "signup")}`
 */
export const sql = (strings: TemplateStringsArray, ...values: ReadonlyArray<Fragment>): Fragment => {
  if (!Array.isArray(strings) || !Array.isArray(strings.raw)) {
    throw new TypeError("sql is a template tag: write sql`…`, not sql(…)")
  }
  return make(
    strings.flatMap((string, i) => [
      ...(string === "" ? [] : [{ kind: "text" as const, text: string }]),
      ...(i < values.length ? checked(values[i]).parts : [])
    ])
  )
}

const checked = (value: Fragment | undefined): Fragment => {
  if (value === undefined || !fragments.has(value)) {
    throw new TypeError(
      "Only fragments can stand in a statement: bind a value with parameter(), name a column with identifier()"
    )
  }
  return value
}

/** A value bound on the server as `{name:Type}`; its text never becomes part of the statement. */
export const parameter = (type: ParameterType, value: unknown): Fragment => make([{ kind: "parameter", type, value }])

/**
 * A quoted name of a column, table or database.
 *
 * @throws RangeError for an empty name or one with a NUL character, which ClickHouse can't hold.
 */
export const identifier = (name: string): Fragment => {
  if (name === "" || name.includes("\0")) {
    throw new RangeError("A name in SQL can be neither empty nor hold a NUL character")
  }
  return text(`\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``)
}

/**
 * A name of a function or an alias that the program itself made: letters, digits and underscores, unquoted.
 *
 * @throws RangeError for anything else.
 */
export const word = (name: string): Fragment => {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new RangeError(`Not a plain word: ${JSON.stringify(name)}`)
  return text(name)
}

/**
 * A whole number written into the statement, for places where ClickHouse takes no parameter (such as an aggregate
 * function's own parameters).
 *
 * @throws RangeError when it isn't a safe integer.
 */
export const integer = (value: number): Fragment => {
  if (!Number.isSafeInteger(value)) throw new RangeError(`Not a safe integer: ${value}`)
  return text(String(value))
}

/**
 * A number from 0 up written into the statement as a decimal fraction, for places where ClickHouse takes no parameter (such as the
 * level of a quantile).
 *
 * @throws RangeError when it can't be written so: negative, not finite, or below 1e-6.
 */
export const decimal = (value: number): Fragment => {
  if (!/^\d+(\.\d+)?$/.test(String(value))) throw new RangeError(`Not a plain decimal fraction: ${value}`)
  return text(String(value))
}

/** Fragments one after another with a separator between them. */
export const join = (parts: ReadonlyArray<Fragment>, separator: Fragment = text(", ")): Fragment =>
  make(parts.flatMap((part, i) => [...(i === 0 ? [] : checked(separator).parts), ...checked(part).parts]))

/** Nothing. */
export const empty: Fragment = make([])

/** Fragments joined by AND; `1` when there are none. */
export const and = (
  parts: ReadonlyArray<Fragment>
): Fragment => (parts.length === 0 ? sql`1` : join(parts, text(" AND ")))

/**
 * A fragment as text with placeholders and the values bound to them. Parameters are numbered in order of appearance, and
 * equal values of one type share a placeholder, so equal fragments give equal text.
 */
export const render = (
  fragment: Fragment
): { readonly text: string; readonly parameters: Readonly<Record<string, unknown>> } => {
  const names = new Map<string, string>()
  const parameters: Record<string, unknown> = {}
  const pieces = checked(fragment).parts.map((part) => {
    if (part.kind === "text") return part.text
    const key = `${part.type} ${keyOf(part.value)}`
    const name = names.get(key) ?? `p${names.size}`
    names.set(key, name)
    parameters[name] = part.value
    return `{${name}:${part.type}}`
  })
  return { text: pieces.join(""), parameters }
}

/** Equal for equal values and for no others: unlike JSON it tells NaN, the infinities, -0 and null apart, and takes a bigint. */
const keyOf = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(keyOf).join(",")}]`
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value)
  if (typeof value === "bigint") return `${value}n`
  return JSON.stringify(value) ?? "undefined"
}
