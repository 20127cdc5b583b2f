/** Cells of an answer: every one by its column, every number checked. */

/** A row of an answer, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>

/** What is wrong with an answer. */
export class Unexpected extends Error {}

/** What stands in a column. */
export const cell = (row: Row, column: string): unknown => {
  if (!Object.hasOwn(row, column)) throw new Unexpected(`the column ${column} is missing`)
  return row[column]
}

/** A count that can be held exactly. */
export const count = (row: Row, column: string): number => {
  const value = cell(row, column)
  const number = typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value)) ? Number(value) : NaN
  if (!Number.isSafeInteger(number) || number < 0) {
    throw new Unexpected(`${column} is ${JSON.stringify(value)}, which isn't a count that can be held exactly`)
  }
  return number
}

/** A finite number; never the negative zero. */
export const real = (row: Row, column: string): number => {
  const value = cell(row, column)
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new Unexpected(`${column} is ${JSON.stringify(value)}, which isn't a finite number`)
  }
  return value === 0 ? 0 : value
}

/** A list of so many finite numbers. */
export const reals = (row: Row, column: string, length: number): ReadonlyArray<number> => {
  const values = cell(row, column)
  if (!Array.isArray(values) || values.length !== length) {
    throw new Unexpected(`${column} is ${JSON.stringify(values)}, which isn't a list of ${length} numbers`)
  }
  return values.map((value: unknown) => real({ [column]: value }, column))
}
