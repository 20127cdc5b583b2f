/** `assay aggregations`: what metrics may be made of, and what each aggregation is told. */
import { type Aggregation, type DeclaredSource, hasSources, type Reads } from "@assay/aggregation"
import { optionsSchema } from "@assay/definitions"
import type { Floor } from "@assay/model"
import { standardFloors } from "@assay/stats"
import { Effect, Option } from "effect"
import { standardAggregations } from "../config.ts"
import { print, printJson } from "../output.ts"
import { loadProject, shown } from "../project.ts"

type Json = Readonly<Record<string, unknown>>

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

const alternatives = (values: ReadonlyArray<string>): string =>
  values.length < 2 ? values.join("") : `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`

/** What an option may be, in words, from its JSON Schema. */
const kindOf = (schema: Json): string => {
  if ("const" in schema) return JSON.stringify(schema["const"])
  if (Array.isArray(schema["enum"])) return alternatives(schema["enum"].map((value) => JSON.stringify(value)))
  const several = schema["anyOf"] ?? schema["oneOf"]
  if (Array.isArray(several)) return alternatives([...new Set(several.filter(isJson).map(kindOf))])
  const all = [schema, ...(Array.isArray(schema["allOf"]) ? schema["allOf"].filter(isJson) : [])]
  // Every whole number of a Schema has these bounds: they say nothing.
  const isBound = (value: unknown) => typeof value !== "number" || Math.abs(value) < Number.MAX_SAFE_INTEGER
  const limit = (key: string): ReadonlyArray<unknown> =>
    all.flatMap((one) => (key in one && isBound(one[key]) ? [one[key]] : []))
  const { items, type } = schema
  const base = type === "array"
    ? isJson(items) ? `list, each ${kindOf(items)}` : "list"
    : type === "integer"
    ? "whole number"
    : type === "object"
    ? "mapping"
    : typeof type === "string"
    ? type
    : "anything"
  return [
    base,
    ...limit("minimum").map((value) => `at least ${String(value)}`),
    ...limit("exclusiveMinimum").map((value) => `above ${String(value)}`),
    ...limit("maximum").map((value) => `at most ${String(value)}`),
    ...limit("exclusiveMaximum").map((value) => `below ${String(value)}`)
  ].join(", ")
}

/** An option of an aggregation, from the JSON Schema of all of them. */
interface OptionLine {
  readonly name: string
  readonly kind: string
  readonly required: boolean
  readonly description: string | undefined
  readonly default: unknown
}

const optionLines = (schema: Json): ReadonlyArray<OptionLine> => {
  const properties = isJson(schema["properties"]) ? schema["properties"] : {}
  const required = Array.isArray(schema["required"]) ? schema["required"] : []
  return Object.entries(properties).map(([name, one]): OptionLine => {
    const own = isJson(one) ? one : {}
    return {
      name,
      kind: kindOf(own),
      required: required.includes(name),
      description: typeof own["description"] === "string" ? own["description"] : undefined,
      default: own["default"]
    }
  })
}

const optionText = ({ default: value, description, kind, name, required }: OptionLine): string =>
  `${name}: ${kind}${required ? ", required" : value === undefined ? "" : `, ${JSON.stringify(value)} unless told`}` +
  (description === undefined ? "" : `. ${description}`)

/** What inference asks for, the most of each kind. */
const floorsOf = (aggregation: Aggregation): ReadonlyArray<Floor> => {
  const needs = new Map<Floor["kind"], number>()
  for (const { kind, need } of [...standardFloors, ...aggregation.floors]) {
    needs.set(kind, Math.max(need, needs.get(kind) ?? 0))
  }
  return [...needs].map(([kind, need]) => ({ kind, need }))
}

const readsText: Readonly<Record<Reads, string>> = {
  nothing: "no value",
  value: "a number from each event",
  text: "a text from each event",
  any: "a number or a text from each event, or no value, as the options say"
}

const sourceText = ([name, { list, reads }]: readonly [string, DeclaredSource]): string =>
  `${name}${list === undefined ? "" : `, ${list.least} to ${list.most} of them`}: ${readsText[reads]}`

/** The parts of an aggregation that people ask for, a line or several each. */
const lines = (aggregation: Aggregation): ReadonlyArray<readonly [label: string, ...text: ReadonlyArray<string>]> => {
  const options = optionLines(optionsSchema(aggregation))
  const { columns, display, features, reads, sources } = aggregation
  return [
    hasSources(aggregation) ? ["sources", ...Object.entries(sources).map(sourceText)] : ["reads", readsText[reads]],
    ...(columns.length === 0 ? [] : [["of", columns.join(" over ")] as const]),
    ["takes", features.length === 0 ? "nothing beside options" : features.join(", ")],
    ["options", ...(options.length === 0 ? ["none"] : options.map(optionText))],
    [
      "withheld",
      `below ${floorsOf(aggregation).map(({ kind, need }) => `${need} ${kind}`).join(" or ")} in an arm`
    ],
    ["contract", String(aggregation.contract)],
    ["shown", display.unit === undefined ? `as a ${display.format}` : `as a ${display.format} of ${display.unit}`]
  ]
}

const widest = 10

const paragraph = (aggregation: Aggregation, from: string): string =>
  [
    `${aggregation.name} ${aggregation.version}, ${from}: a ${aggregation.estimand}`,
    ...lines(aggregation).flatMap(([label, ...text]) =>
      text.map((line, i) => `  ${(i === 0 ? label : "").padEnd(widest)}${line}`)
    )
  ].join("\n")

/** Lists the aggregations that the configuration has: the standard ones, and its own. */
export const runAggregations = Effect.fn("command.aggregations")(
  function*(input: { readonly config: Option.Option<string>; readonly json: boolean }) {
    const project = yield* loadProject(Option.getOrUndefined(input.config))
    const aggregations = [...project.config.aggregations.values()]
    const isStandard = (aggregation: Aggregation) => standardAggregations.includes(aggregation)
    if (input.json) {
      return yield* printJson({
        schema: "assay.aggregations/1",
        aggregations: aggregations.map((aggregation) => ({
          name: aggregation.name,
          version: aggregation.version,
          contract: aggregation.contract,
          standard: isStandard(aggregation),
          estimand: aggregation.estimand,
          reads: aggregation.reads,
          sources: aggregation.sources,
          columns: aggregation.columns,
          features: aggregation.features,
          floors: floorsOf(aggregation),
          display: aggregation.display,
          options: optionsSchema(aggregation)
        }))
      })
    }
    yield* print(
      aggregations.map((aggregation) =>
        paragraph(aggregation, isStandard(aggregation) ? "standard" : `from ${shown(project.file)}`)
      ).join("\n\n")
    )
  }
)
