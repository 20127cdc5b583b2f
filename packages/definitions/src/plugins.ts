/** Aggregations that a configuration lists: each is looked at before it is used, since it may be anybody's value. */
import { type Aggregation, contractVersion, isAggregation } from "@assay/aggregation"
import { describe, nameList, type ValueIssue } from "@assay/model"
import { Result, Schema } from "effect"

export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const isModule = (value: object): boolean => Object.prototype.toString.call(value) === "[object Module]"

/** A value as an error names it that says it is an aggregation: with its name and version where it has them. */
const called = ({ name, version }: Fields): string =>
  (typeof name === "string" ? `the aggregation ${describe(name)}` : "an aggregation without a name") +
  (typeof version === "string" ? ` ${version}` : "")

/** The parts of an aggregation of this contract that a value lacks or has wrong, by name. */
const missingParts = (value: Fields): ReadonlyArray<string> => {
  const parts: Readonly<Record<string, boolean>> = {
    name: typeof value["name"] === "string" && /^[a-z][a-z0-9-]*$/.test(value["name"]),
    version: typeof value["version"] === "string" && value["version"] !== "",
    options: Schema.isSchema(value["options"]),
    reads: typeof value["reads"] === "string",
    sources: isFields(value["sources"]),
    estimand: typeof value["estimand"] === "string",
    columns: Array.isArray(value["columns"]),
    features: Array.isArray(value["features"]),
    floors: Array.isArray(value["floors"]),
    display: isFields(value["display"]),
    bind: typeof value["bind"] === "function"
  }
  return Object.keys(parts).filter((part) => parts[part] === false)
}

/** Why an item of `aggregations` can't be used, in a sentence of its own for each usual mistake; undefined where it can. */
const notAggregation = (value: unknown): Omit<ValueIssue, "path"> | undefined => {
  const wrong = (found: string, hint?: string, expected = "an aggregation"): Omit<ValueIssue, "path"> => ({
    found,
    expected,
    ...(hint === undefined ? {} : { hint })
  })
  if (value === undefined || value === null) {
    return wrong("nothing", "Is its import misspelt? A name that a package doesn't export is undefined")
  }
  if (typeof value === "function") {
    return wrong("a function", "List the aggregation itself: what defineAggregation returns")
  }
  if (typeof value === "string") return wrong(describe(value), "Import the aggregation, and list it without quotes")
  if (Array.isArray(value)) return wrong(describe(value), "List its items instead: put ... before it")
  if (!isFields(value)) return wrong(describe(value))
  if (isModule(value)) {
    const names = Object.keys(value).filter((name) => isAggregation(value[name])).toSorted()
    return wrong(
      "a whole module",
      names.length === 0
        ? "It exports no aggregation"
        : `Import from it by name: import { ${
          nameList(names.map((name) => name === "default" ? "default as …" : name))
        } }`
    )
  }
  if (typeof value["then"] === "function") return wrong("a promise", "Put await before it")
  const { contract } = value
  if (typeof contract === "number" && contract !== contractVersion) {
    return wrong(
      `${called(value)}, made for contract ${contract}`,
      contract > contractVersion
        ? "It is newer than this Assay: update Assay, or install an older version of it"
        : "It is older than this Assay: install a newer version of it",
      `one made for contract ${contractVersion}`
    )
  }
  if (contract !== contractVersion) return wrong("a mapping", "Make it with defineAggregation")
  const missing = missingParts(value)
  return missing.length === 0 ? undefined : wrong(
    `${called(value)}, which has no usable ${nameList(missing)}`,
    "Make it with defineAggregation, and list what that returns",
    "a whole aggregation"
  )
}

/** What is wrong with an item, even where looking at it fails. */
const problemOf = (item: unknown): Omit<ValueIssue, "path"> | undefined => {
  const looked = Result.try(() => notAggregation(item))
  return Result.isSuccess(looked) ? looked.success : {
    found: `a value that fails when it is looked at: ${
      looked.failure instanceof Error ? looked.failure.message : String(looked.failure)
    }`,
    expected: "an aggregation",
    hint: "Make it with defineAggregation"
  }
}

/** Two aggregations of one name, and what to do about it. */
const clash = (item: Aggregation, other: Aggregation, isStandard: boolean): Omit<ValueIssue, "path"> => {
  const found = `${describe(item.name)} ${item.version} beside ${describe(other.name)} ${other.version}`
  return isStandard
    ? {
      found: `${found}, which is standard`,
      expected: "one aggregation of each name",
      hint: "Give your own another name, or take it away"
    }
    : {
      found,
      expected: "one aggregation of each name",
      hint: item.version === other.version
        ? "If they are two copies of one package, `npm ls` tells who installs each; else take one of them away"
        : "If they are two versions of one package, list the newer one alone (`npm ls` tells who installs each); else " +
          "take one of them away, or rename your own"
    }
}

/** Aggregations by name. The same value twice is fine; two of one name aren't. */
export const gatherAggregations = (
  standard: ReadonlyArray<Aggregation>,
  listed: unknown
): { readonly aggregations: ReadonlyMap<string, Aggregation>; readonly issues: ReadonlyArray<ValueIssue> } => {
  const aggregations = new Map(standard.map((aggregation) => [aggregation.name, aggregation]))
  if (listed === undefined) return { aggregations, issues: [] }
  if (!Array.isArray(listed)) {
    return { aggregations, issues: [{ path: [], found: describe(listed), expected: "a list of aggregations" }] }
  }
  const issues: Array<ValueIssue> = []
  // Array.from, since forEach would step over the holes of a list.
  for (const [i, item] of Array.from<unknown>(listed).entries()) {
    const problem = problemOf(item)
    if (problem !== undefined || !isAggregation(item)) {
      issues.push({ path: [i], ...(problem ?? { found: describe(item), expected: "an aggregation" }) })
      continue
    }
    const other = aggregations.get(item.name)
    if (other === undefined) aggregations.set(item.name, item)
    else if (other !== item) issues.push({ path: [i], ...clash(item, other, standard.includes(other)) })
  }
  return { aggregations, issues }
}
