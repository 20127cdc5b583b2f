/** Definitions with the files that they stand in. */
import type { DefinitionIssue, ValueIssue } from "@assay/model"
import type { ResolvedConfig } from "./config.ts"
import { hintFor } from "./hints.ts"
import { lookUp, type Place, placeAt, type YamlFile } from "./Yaml.ts"

/** What the definitions depend on: where events are, how they may be aggregated, and the folders for messages. */
export type DefinitionContext = Pick<ResolvedConfig, "mapping" | "aggregations" | "experiments" | "metrics">

/** A definition that was decoded and checked, with the file it stands in. */
export interface Located<A> {
  readonly value: A
  readonly yaml: YamlFile
  readonly root: Place
}

/** An issue of a value, at its place in the file. */
export const locate = ({ yaml, root }: Pick<Located<unknown>, "yaml" | "root">, issue: ValueIssue): DefinitionIssue => {
  // A metric in short form has no key "metric" in the file.
  const short = issue.path[0] === "metrics" && issue.path.length === 3 && lookUp(root, issue.path) === undefined &&
    lookUp(root, issue.path.slice(0, 2))?.entries === undefined
  const path = short ? issue.path.slice(0, 2) : issue.path
  const hint = issue.hint ?? hintFor(issue, lookUp(root, path))
  return {
    file: yaml.file,
    ...yaml.position(placeAt(root, path, issue.at)),
    path,
    found: issue.found,
    expected: issue.expected,
    ...(hint === undefined ? {} : { hint })
  }
}
