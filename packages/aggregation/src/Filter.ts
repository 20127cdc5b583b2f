/** `where` filters: checked against the mapping, then compiled to a condition with bound values. */
import type { EventMapping, Filter, FilterOperator, Scalar, ValueIssue } from "@assay/model"
import { and, type Fragment, join, parameter, sql } from "@assay/sql"
import { Result } from "effect"
import { asBoolean, asNumber, asText, isPresent, type Property, resolveProperty } from "./Property.ts"

/** A filter whose property is resolved and whose values are of one type. */
export interface Condition {
  readonly property: Property
  readonly op: FilterOperator
  readonly values: ReadonlyArray<Scalar>
}

const isList = (value: Filter["value"]): value is readonly [Scalar, ...Array<Scalar>] => Array.isArray(value)

/** The condition that a filter means, or what is wrong with it; paths start at the filter. */
export const checkFilter = (
  filter: Filter,
  mapping: EventMapping
): Result.Result<Condition, ReadonlyArray<ValueIssue>> => {
  const { op, value } = filter
  const issues: Array<ValueIssue> = []
  const property = resolveProperty(filter.property, mapping)
  if (Result.isFailure(property)) {
    issues.push({ path: ["property"], found: `"${filter.property}"`, ...property.failure })
  }
  const values: ReadonlyArray<Scalar> = value === undefined ? [] : isList(value) ? value : [value]
  const types = new Set(values.map((one) => typeof one))
  const wrong = (found: string, expected: string) => issues.push({ path: ["value"], found, expected })
  if (op === "exists" || op === "not exists") {
    if (value !== undefined) wrong("a value", `none, since "${op}" compares with nothing`)
  } else if (op === "in" || op === "not in") {
    if (!isList(value)) wrong(value === undefined ? "nothing" : "a single value", `a list of values for "${op}"`)
    else if (types.size > 1) wrong("values of several types", "values of one type: all text or all numbers")
    else if (types.has("boolean")) wrong("a list of booleans", `text or numbers; compare a boolean with "="`)
  } else if (value === undefined) {
    wrong("nothing", `a value to compare with "${op}"`)
  } else if (isList(value)) {
    wrong("a list", `a single value for "${op}"; for several use "in"`)
  } else if (typeof value === "boolean" && op !== "=" && op !== "!=") {
    wrong(String(value), `text or a number for "${op}"`)
  }
  return issues.length > 0 || Result.isFailure(property)
    ? Result.fail(issues)
    : Result.succeed({ property: property.success, op, values })
}

const positive = ({ property, op, values }: Condition): Fragment => {
  if (op === "exists" || op === "not exists") return isPresent(property)
  const [first] = values
  if (typeof first === "boolean") return asBoolean(property, first)
  const isNumber = typeof first === "number"
  const read = isNumber ? asNumber(property) : asText(property)
  const bind = (value: Scalar) => parameter(isNumber ? "Float64" : "String", String(value))
  if (op === "in" || op === "not in") return sql`has([${join(values.map(bind))}], ${read})`
  const operand = bind(first!)
  switch (op) {
    case "=":
    case "!=":
      return sql`${read} = ${operand}`
    case "<":
      return sql`${read} < ${operand}`
    case "<=":
      return sql`${read} <= ${operand}`
    case ">":
      return sql`${read} > ${operand}`
    case ">=":
      return sql`${read} >= ${operand}`
  }
}

/**
 * A condition as SQL, 0 or 1, never NULL. An event that lacks the property satisfies none but the negations `!=`, `not in`
 * and `not exists`, which are the exact complements of `=`, `in` and `exists`.
 */
export const compileCondition = (condition: Condition): Fragment => {
  const holds = sql`ifNull(${positive(condition)}, 0)`
  return condition.op === "!=" || condition.op === "not in" || condition.op === "not exists" ? sql`NOT ${holds}` : holds
}

/** All of the conditions at once. */
export const compileConditions = (conditions: ReadonlyArray<Condition>): Fragment =>
  and(conditions.map(compileCondition))
