/** JSON Schema draft 7, as far as our Schemas go. Refuses a keyword that it doesn't know, so that none goes unchecked. */

type Json = Readonly<Record<string, unknown>>

const annotations = new Set(["$schema", "title", "description", "examples", "default", "definitions", "then"])

const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)
const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

const hasType = (type: unknown, value: unknown): boolean => {
  switch (type) {
    case "object":
      return isRecord(value)
    case "array":
      return Array.isArray(value)
    case "integer":
      return Number.isInteger(value)
    case "null":
      return value === null
    case "string":
    case "number":
    case "boolean":
      return typeof value === type
    default:
      throw new Error(`Unknown type ${String(type)}`)
  }
}

/** Whether `value` satisfies `schema`; references are looked up in `root`. */
export const validates = (schema: unknown, value: unknown, root: unknown = schema): boolean => {
  if (typeof schema === "boolean") return schema
  if (!isRecord(schema)) throw new Error("A schema is an object or a boolean")
  const holds = (inner: unknown, of: unknown = value) => validates(inner, of, root)
  return Object.entries(schema).every(([keyword, rule]): boolean => {
    if (annotations.has(keyword)) return true
    switch (keyword) {
      case "type":
        return Array.isArray(rule) ? rule.some((type) => hasType(type, value)) : hasType(rule, value)
      case "enum":
        return list(rule).some((one) => same(one, value))
      case "const":
        return same(rule, value)
      case "not":
        return !holds(rule)
      case "anyOf":
        return list(rule).some((one) => holds(one))
      case "allOf":
        return list(rule).every((one) => holds(one))
      case "if":
        return !holds(rule) || holds(schema["then"])
      case "pattern":
        return typeof value !== "string" || new RegExp(String(rule)).test(value)
      case "minLength":
        return typeof value !== "string" || value.length >= Number(rule)
      case "minimum":
        return typeof value !== "number" || value >= Number(rule)
      case "maximum":
        return typeof value !== "number" || value <= Number(rule)
      case "exclusiveMinimum":
        return typeof value !== "number" || value > Number(rule)
      case "exclusiveMaximum":
        return typeof value !== "number" || value < Number(rule)
      case "minProperties":
        return !isRecord(value) || Object.keys(value).length >= Number(rule)
      case "minItems":
        return !Array.isArray(value) || value.length >= Number(rule)
      case "maxItems":
        return !Array.isArray(value) || value.length <= Number(rule)
      case "items":
        return !Array.isArray(value) || value.every((item) => holds(rule, item))
      case "required":
        return !isRecord(value) || list(rule).every((key) => Object.hasOwn(value, String(key)))
      case "properties":
        return !isRecord(value) || !isRecord(rule) ||
          Object.entries(rule).every(([key, inner]) => !Object.hasOwn(value, key) || holds(inner, value[key]))
      case "additionalProperties":
        return !isRecord(value) ||
          Object.keys(value).every((key) =>
            (isRecord(schema["properties"]) && Object.hasOwn(schema["properties"], key)) || holds(rule, value[key])
          )
      case "$ref":
        return holds(
          String(rule).replace("#/", "").split("/").reduce<unknown>(
            (found, key) => (isRecord(found) ? found[key] : undefined),
            root
          )
        )
      default:
        throw new Error(`Unknown keyword ${keyword}`)
    }
  })
}
