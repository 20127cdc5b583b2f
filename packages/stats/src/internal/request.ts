/** Reading JSON requests: what was found and what was expected, at its place. */
import { Moments } from "@assay/model"

/** An object of a request, its fields not read yet. */
export type Fields = Readonly<Record<string, unknown>>

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const fail = (what: string, value: unknown): never => {
  throw new RangeError(value === undefined ? `${what}; it is missing` : `${what}, found ${shown(value)}`)
}

/** The fields of an object that may have the `known` ones alone. A RangeError names `name` otherwise. */
export const fields = (value: unknown, name: string, known: ReadonlyArray<string>): Fields => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fail(`${name} must be an object`, value)
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw new RangeError(`${name} has no field "${key}"; it may have ${known.join(", ")}`)
  }
  return value as Fields
}

/** A finite number, or a RangeError that names `name`. */
export const number = (value: unknown, name: string): number =>
  typeof value === "number" && Number.isFinite(value) ? value : fail(`"${name}" must be a finite number`, value)

/** Finite numbers, or a RangeError that names `name`. */
export const numbers = (value: unknown, name: string): ReadonlyArray<number> =>
  Array.isArray(value) && value.every((x) => typeof x === "number" && Number.isFinite(x))
    ? (value as ReadonlyArray<number>)
    : fail(`"${name}" must be an array of finite numbers`, value)

/** One of these words, or a RangeError that names `name`. */
export const oneOf = <const A extends string>(value: unknown, name: string, choices: ReadonlyArray<A>): A =>
  choices.includes(value as A) ? (value as A) : fail(`"${name}" must be one of ${choices.join(", ")}`, value)

/** The value where the field is absent. */
export const or = <A, const B>(value: unknown, fallback: B, read: (value: unknown) => A): A | B =>
  value === undefined ? fallback : read(value)

const matrix = (value: unknown, name: string, k: number): ReadonlyArray<ReadonlyArray<number>> => {
  const rows = Array.isArray(value) && value.length === k ? value.map((row) => numbers(row, name)) : undefined
  if (rows === undefined || rows.some((row) => row.length !== k)) {
    return fail(`"${name}" must be a ${k}×${k} array of numbers`, value)
  }
  for (const [i, row] of rows.entries()) {
    for (const [j, x] of row.entries()) {
      const y = rows[j]![i]!
      if (Math.abs(x - y) > 1e-9 * Math.max(Math.abs(x), Math.abs(y))) {
        throw new RangeError(`"${name}" must be symmetric, found ${x} at ${i},${j} and ${y} at ${j},${i}`)
      }
    }
  }
  return rows
}

/** Moments with the names of their columns; one column has none. */
export interface NamedMoments {
  readonly columns: ReadonlyArray<string> | undefined
  readonly moments: Moments.Moments
}

/** Rounding that a sum of squares may lie below its least possible value. */
const rounding = 1e-9

const forms =
  "{n, sum, sum_squares}, {n, mean, variance}, {n, columns, sum, products} or {n, columns, mean, covariance}"

const count = (value: unknown, name: string): number => {
  const n = number(value, `${name}.n`)
  return n >= 0 ? n : fail(`"${name}.n" must be at least 0`, n)
}

/** Moments in any of their forms. */
export const moments = (value: unknown, name: string): NamedMoments => {
  const read = fields(value, `"${name}"`, [
    "n",
    "sum",
    "sum_squares",
    "mean",
    "variance",
    "columns",
    "products",
    "covariance"
  ])
  const n = count(read["n"], name)
  const has = (...keys: ReadonlyArray<string>) => keys.every((key) => read[key] !== undefined)
  if (read["columns"] === undefined) {
    if (has("sum", "sum_squares")) {
      const [sum, squares] = [number(read["sum"], `${name}.sum`), number(read["sum_squares"], `${name}.sum_squares`)]
      const least = n > 0 ? (sum / n) * sum : 0
      if (squares < least * (1 - rounding)) {
        throw new RangeError(`"${name}.sum_squares" must be at least sum²/n = ${least}, found ${squares}`)
      }
      return { columns: undefined, moments: Moments.fromSums(n, sum, squares) }
    }
    if (has("mean", "variance")) {
      const variance = number(read["variance"], `${name}.variance`)
      if (variance < 0) fail(`"${name}.variance" must be at least 0`, variance)
      return {
        columns: undefined,
        moments: Moments.fromCentral(n, [number(read["mean"], `${name}.mean`)], [[variance]])
      }
    }
    throw new RangeError(`"${name}" must have the form ${forms}`)
  }
  const columns = read["columns"]
  if (!Array.isArray(columns) || columns.length === 0 || columns.some((c) => typeof c !== "string")) {
    return fail(`"${name}.columns" must be an array of names`, columns)
  }
  const k = columns.length
  if (new Set(columns).size !== k) fail(`"${name}.columns" must be different names`, columns)
  const vector = (key: string): ReadonlyArray<number> => {
    const found = numbers(read[key], `${name}.${key}`)
    return found.length === k ? found : fail(`"${name}.${key}" must have ${k} numbers, one for each column`, found)
  }
  const positive = (m: ReadonlyArray<ReadonlyArray<number>>, key: string): void => {
    for (let i = 0; i < k; i++) {
      if (m[i]![i]! < 0) throw new RangeError(`"${name}.${key}" gives ${String(columns[i])} a variance below 0`)
    }
  }
  if (has("sum", "products")) {
    const sums = vector("sum")
    const products = matrix(read["products"], `${name}.products`, k)
    const comoments = products.map((row, i) =>
      row.map((p, j) => {
        const c = n > 0 ? p - (sums[i]! / n) * sums[j]! : 0
        return i === j && c < 0 && c >= -rounding * p ? 0 : c
      })
    )
    positive(comoments, "products")
    return { columns, moments: { n, sums, products, comoments } }
  }
  if (has("mean", "covariance")) {
    const covariance = matrix(read["covariance"], `${name}.covariance`, k)
    positive(covariance, "covariance")
    return { columns, moments: Moments.fromCentral(n, vector("mean"), covariance) }
  }
  throw new RangeError(`"${name}" must have the form ${forms}`)
}
