/** Properties of events: a mapped column, or a path into a column of JSON text. Names come from the mapping, never from text. */
import { type EventMapping, nameList, suggest } from "@assay/model"
import { type Fragment, identifier, join, parameter, sql } from "@assay/sql"
import { Result } from "effect"

/** Where a property is: a column, and the path inside it when the column holds JSON text. */
export interface Property {
  readonly column: string
  readonly path: ReadonlyArray<string>
}

/** The name of the mapped value column, as definitions call it. */
export const valueProperty = "value"

/**
 * The property that a definition names: `value`, a name under the mapping's `properties`, or `<json name>.path.to.field`.
 * Fails with what is expected instead.
 */
export const resolveProperty = (
  name: string,
  mapping: EventMapping
): Result.Result<Property, { readonly expected: string; readonly hint?: string }> => {
  if (Object.hasOwn(mapping.properties, name)) return Result.succeed({ column: mapping.properties[name]!, path: [] })
  if (name === valueProperty) return Result.succeed({ column: mapping.columns.value, path: [] })
  const dot = name.indexOf(".")
  const head = dot < 0 ? name : name.slice(0, dot)
  const path = dot < 0 ? [] : name.slice(dot + 1).split(".")
  if (Object.hasOwn(mapping.json, head) && path.length > 0 && path.every((part) => part !== "")) {
    return Result.succeed({ column: mapping.json[head]!, path })
  }
  const names = [
    valueProperty,
    ...Object.keys(mapping.properties),
    ...Object.keys(mapping.json).map((json) => `${json}.…`)
  ]
  const near = Object.hasOwn(mapping.json, head)
    ? `${head} is JSON: name a field in it, such as ${head}.country`
    : suggest(head, [valueProperty, ...Object.keys(mapping.properties), ...Object.keys(mapping.json)])
  return Result.fail({
    expected: `a property of the events: ${nameList(names)}`,
    ...(near === undefined ? {} : { hint: near })
  })
}

const keys = (path: ReadonlyArray<string>): Fragment => join(path.map((key) => parameter("String", key)))

/** The property as `Nullable(String)`: NULL where the event doesn't have it. JSON numbers and booleans as they are written. */
export const asText = ({ column, path }: Property): Fragment =>
  path.length === 0
    ? sql`CAST(toString(${identifier(column)}), 'Nullable(String)')`
    : sql`JSONExtract(${identifier(column)}, ${keys(path)}, 'Nullable(String)')`

/** The property's text for reading it as a number or a boolean: quotes of a JSON string removed. */
const rawText = ({ column, path }: Property): Fragment =>
  path.length === 0
    ? sql`toString(${identifier(column)})`
    : sql`trim(BOTH '"' FROM JSONExtractRaw(${identifier(column)}, ${keys(path)}))`

/** The property as `Nullable(Float64)`: NULL where it is missing or isn't a number. May be infinite or NaN. */
export const asNumber = (property: Property): Fragment => sql`toFloat64OrNull(${rawText(property)})`

/** Whether the property is that boolean, as `Nullable(UInt8)`: `true` and `1` are true, `false` and `0` are false. */
export const asBoolean = (property: Property, value: boolean): Fragment =>
  sql`${rawText(property)} IN (${value ? sql`'true', '1'` : sql`'false', '0'`})`

/** Whether the event has the property at all: not NULL, not JSON null, not empty text in a column. */
export const isPresent = ({ column, path }: Property): Fragment =>
  path.length === 0
    ? sql`ifNull(toString(${identifier(column)}), '') != ''`
    : sql`JSONExtractRaw(${identifier(column)}, ${keys(path)}) NOT IN ('', 'null')`
