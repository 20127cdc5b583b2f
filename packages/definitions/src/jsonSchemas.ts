/** JSON Schemas of the definition files, so that an editor completes and checks them. */
import { type Aggregation, type Feature, hasSources, maximumArms } from "@assay/aggregation"
import { type EventMapping, Experiment, Metric, Source } from "@assay/model"
import { JsonSchema, Result, Schema } from "effect"

type Json = JsonSchema.JsonSchema

/** Draft 7: the newest one that the YAML language server knows all of. */
const dialect = JsonSchema.META_SCHEMA_URI_DRAFT_07

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * What editors read more easily: a list of at least one as `items` and `minItems`, and control characters written out, since
 * not every editor compiles patterns with the Unicode flag. References lead to definitions below `prefix`.
 */
const tidy = (value: unknown, prefix: string): unknown => {
  if (Array.isArray(value)) return value.map((item) => tidy(item, prefix))
  if (!isJson(value)) return value
  const { items, additionalItems, ...rest } = value
  const isUniform = Array.isArray(items) && items.length === 1 &&
    JSON.stringify(items[0]) === JSON.stringify(additionalItems)
  const list = isUniform
    ? { items: additionalItems }
    : { ...(items === undefined ? {} : { items }), ...(additionalItems === undefined ? {} : { additionalItems }) }
  return Object.fromEntries(
    Object.entries({ ...rest, ...list }).map(([key, inner]) => {
      if (key === "$ref" && typeof inner === "string") {
        return [key, inner.replace("#/definitions/", `#/definitions/${prefix}.`)]
      }
      if (key === "pattern" && typeof inner === "string") {
        return [key, inner.replaceAll("\\p{Cc}", "\\u0000-\\u001F\\u007F-\\u009F")]
      }
      return [key, tidy(inner, prefix)]
    })
  )
}

/** A Schema as draft 7; its own definitions are put below `prefix`, and references lead there. */
const toJson = (
  schema: Schema.Codec<unknown, unknown>,
  prefix: string
): { readonly schema: Json; readonly definitions: Json } => {
  const document = JsonSchema.toDocumentDraft07(Schema.toJsonSchemaDocument(schema, { onExcessProperty: "error" }))
  // Effect's empty Struct accepts everything but null; decoding takes it for a mapping without keys.
  const isEmptyStruct = JSON.stringify(document.schema["not"]) === "{\"type\":\"null\"}"
  const own = isEmptyStruct ? { type: "object", additionalProperties: false } : tidy(document.schema, prefix)
  return {
    schema: isJson(own) ? own : {},
    definitions: Object.fromEntries(
      Object.entries(document.definitions).map(([name, inner]) => [`${prefix}.${name}`, tidy(inner, prefix)])
    )
  }
}

const inner = (schema: Json, ...path: ReadonlyArray<string>): Json =>
  path.reduce<Json>((value, key) => {
    const next = value[key]
    return isJson(next) ? next : {}
  }, schema)

/** `schema` with `changes` laid over what it says of some of its properties. */
const withProperties = (schema: Json, changes: Readonly<Record<string, Json>>): Json => ({
  ...schema,
  properties: {
    ...inner(schema, "properties"),
    ...Object.fromEntries(
      Object.entries(changes).map(([name, change]) => [name, { ...inner(schema, "properties", name), ...change }])
    )
  }
})

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, (char) => `\\${char}`)

/** Names of properties under a mapping: those to choose from, and paths into JSON columns. */
const propertyNames = (mapping: EventMapping): Json => {
  const json = Object.keys(mapping.json)
  return {
    anyOf: [
      { enum: [...new Set(["value", ...Object.keys(mapping.properties)])] },
      ...(json.length === 0 ? [] : [{ type: "string", pattern: `^(?:${json.map(escaped).join("|")})(?:\\.[^.]+)+$` }])
    ]
  }
}

// oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
const when = (condition: Json, then: Json): Json => ({ if: condition, then })

const is = (property: string, ...values: ReadonlyArray<string>): Json => ({
  properties: { [property]: { enum: values } },
  required: [property]
})

/** Which values an operator takes. */
const filterRules: ReadonlyArray<Json> = [
  when(is("op", "exists", "not exists"), { properties: { value: false } }),
  when(is("op", "in", "not in"), {
    properties: {
      value: {
        anyOf: [{ type: "array", items: { type: "string" } }, { type: "array", items: { type: "number" } }]
      }
    },
    required: ["value"]
  }),
  when(is("op", "=", "!="), {
    properties: { value: { type: ["string", "number", "boolean"] } },
    required: ["value"]
  }),
  when(is("op", "<", "<=", ">", ">="), {
    properties: { value: { type: ["string", "number"] } },
    required: ["value"]
  })
]

const experimentSchema = (mapping: EventMapping | undefined): Json => {
  const { schema, definitions } = toJson(Experiment, "experiment")
  const use = inner(schema, "properties", "metrics", "items")
  const key = inner(use, "properties", "metric")
  const identities = mapping === undefined ? [] : Object.keys(mapping.identities).filter(
    (name) => mapping.exposures === undefined || Object.hasOwn(mapping.exposures.identities, name)
  )
  return {
    $schema: dialect,
    title: "Experiment",
    description: "An experiment of Assay: one per file.",
    ...withProperties(schema, {
      variants: { minItems: 2, maxItems: maximumArms },
      metrics: {
        items: { anyOf: [{ ...key, description: "The key of a metric, in the role secondary." }, use] }
      },
      ...(identities.length === 0 ? {} : { identity: { enum: identities, examples: identities.slice(0, 1) } })
    }),
    ...(Object.keys(definitions).length === 0 ? {} : { definitions })
  }
}

/** The keys of a metric that ask for a feature. */
const keysOf: Readonly<Record<Feature, ReadonlyArray<string>>> = {
  where: ["where"],
  window: ["delay", "window"],
  covariate: ["covariate"],
  cap: ["cap"]
}

const without = (keys: ReadonlyArray<string>): Json => Object.fromEntries(keys.map((key) => [key, false]))

/** What a metric says of the events of an aggregation: beside it, or under the names of its sources. */
const eventRules = (aggregation: Aggregation, source: Json): Json => {
  const refused = aggregation.features.includes("where") ? [] : ["where"]
  if (!hasSources(aggregation)) {
    return {
      properties: without(["sources", ...(aggregation.reads === "nothing" ? ["value"] : [])]),
      required: ["event"]
    }
  }
  const names = Object.entries(aggregation.sources)
  return {
    properties: {
      ...without(["event", "value", "where"]),
      sources: {
        type: "object",
        properties: Object.fromEntries(
          names.map(([name, { list, reads }]) => {
            const own = {
              allOf: [source, { properties: without([...refused, ...(reads === "nothing" ? ["value"] : [])]) }]
            }
            return [
              name,
              list === undefined ? own : { type: "array", items: own, minItems: list.least, maxItems: list.most }
            ]
          })
        ),
        required: names.map(([name]) => name),
        additionalProperties: false
      }
    },
    required: ["sources"]
  }
}

const metricSchema = (aggregations: ReadonlyArray<Aggregation>, mapping: EventMapping | undefined): Json => {
  const { schema, definitions } = toJson(Metric, "metric")
  const properties = mapping === undefined ? {} : propertyNames(mapping)
  const where = {
    items: {
      ...withProperties(inner(schema, "properties", "where", "items"), { property: properties }),
      allOf: filterRules
    }
  }
  const event = mapping === undefined || mapping.exposures !== undefined
    ? {}
    : { event: { not: { const: mapping.exposure_event } } }
  const source = {
    ...withProperties(toJson(Source, "source").schema, { value: properties, where, ...event })
  }
  const covariate = inner(schema, "properties", "covariate")
  const options = aggregations.map((aggregation) => {
    const converted = Result.try(() => toJson(aggregation.options, aggregation.name))
    return {
      aggregation,
      ...(Result.isSuccess(converted) ? converted.success : { schema: { type: "object" }, definitions: {} })
    }
  })
  const all = Object.assign({}, definitions, ...options.map((option) => option.definitions))
  return {
    $schema: dialect,
    title: "Metric",
    description: "A metric of Assay: one per file.",
    ...withProperties(schema, {
      aggregation: {
        enum: aggregations.map(({ name }) => name),
        examples: aggregations.slice(0, 1).map(({ name }) => name)
      },
      value: properties,
      where,
      covariate: {
        anyOf: (Array.isArray(covariate["anyOf"]) ? covariate["anyOf"] : []).map((one: unknown) =>
          isJson(one) && Object.hasOwn(inner(one, "properties"), "trait")
            ? withProperties(one, { trait: properties })
            : one
        )
      },
      ...event
    }),
    allOf: options.map(({ aggregation, schema: own }) => {
      const events = eventRules(aggregation, source)
      const refused = Object.entries(keysOf).flatMap(([feature, keys]) =>
        aggregation.features.some((one) => one === feature) ? [] : keys
      )
      const needsOptions = Array.isArray(own["required"]) && own["required"].length > 0
      return when(is("aggregation", aggregation.name), {
        properties: { options: own, ...inner(events, "properties"), ...without(refused) },
        required: [
          ...(Array.isArray(events["required"]) ? events["required"] : []),
          ...(needsOptions ? ["options"] : [])
        ]
      })
    }),
    ...(Object.keys(all).length === 0 ? {} : { definitions: all })
  }
}

/** An aggregation's options as a JSON Schema (draft 7); any mapping where its Schema can't be told so. */
export const optionsSchema = (aggregation: Aggregation): Json => {
  const converted = Result.try(() => toJson(aggregation.options, aggregation.name))
  if (Result.isFailure(converted)) return { type: "object" }
  const { definitions, schema } = converted.success
  return Object.keys(definitions).length === 0 ? schema : { ...schema, definitions }
}

/**
 * JSON Schemas (draft 7) of experiment and metric files, descriptions and examples included. They refuse what decoding
 * refuses, but for what a Schema of one file can't say: whether a metric exists, whether the control is one of the variants,
 * and the like. `options` are those of the aggregation that the file names.
 *
 * @param aggregations the configured aggregations
 * @param mapping the event-table mapping; with it, identities and properties are checked and completed, too
 */
export const jsonSchemas = (
  aggregations: Iterable<Aggregation>,
  mapping?: EventMapping
): { readonly experiment: Json; readonly metric: Json } => ({
  experiment: experimentSchema(mapping),
  metric: metricSchema([...aggregations], mapping)
})
