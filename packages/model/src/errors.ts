/**
 * The errors of Assay: few, tagged, each with a stable `code`, one sentence for a person (`message`) and a `hint` that says
 * what to do. None carries a secret.
 */
import { Data } from "effect"

/** One thing wrong in a definition or configuration file. `path` leads to it inside the file, `line` and `column` count from 1. */
export interface DefinitionIssue {
  readonly file: string
  readonly line?: number
  readonly column?: number
  readonly path: ReadonlyArray<string | number>
  readonly found: string
  readonly expected: string
  readonly hint?: string
}

/** Everything that is wrong in the definition files, all files at once. */
export class DefinitionError extends Data.TaggedError("DefinitionError")<{
  readonly issues: ReadonlyArray<DefinitionIssue>
}> {
  readonly code = "definition"
  readonly hint =
    "Mend the places named above; `assay schema` writes JSON Schemas that let an editor check these files."
  override get message() {
    return this.issues.map(formatIssue).join("\n")
  }
}

/** An issue as one or two lines of text: `file:line:column path: found …, expected … (hint)`. */
export const formatIssue = (issue: DefinitionIssue): string => {
  const place = [issue.file, issue.line, issue.line === undefined ? undefined : issue.column]
    .filter((part) => part !== undefined)
    .join(":")
  const path = issue.path.reduce<string>(
    (text, part) => (typeof part === "number" ? `${text}[${part}]` : text === "" ? part : `${text}.${part}`),
    ""
  )
  const hint = issue.hint === undefined ? "" : `. ${issue.hint}`
  return `${place}${path === "" ? "" : ` ${path}`}: found ${issue.found}, expected ${issue.expected}${hint}`
}

/** The definitions are well-formed, but no statement can be made of them. */
export class PlanError extends Data.TaggedError("PlanError")<{
  readonly experiment: string
  readonly message: string
  readonly hint: string
  readonly metric?: string
}> {
  readonly code = "plan"
}

/**
 * The warehouse can't be reached or doesn't answer. Worth trying again later; at once, too, unless `waited`: then a try took all
 * the time that a query may take.
 */
export class WarehouseUnavailable extends Data.TaggedError("WarehouseUnavailable")<{
  readonly message: string
  readonly hint: string
  readonly queryId?: string
  readonly waited?: true
}> {
  readonly code = "warehouse_unavailable"
}

/** ClickHouse refused the statement: its code and name, and what it said (without parameters' values or credentials). */
export class QueryRejected extends Data.TaggedError("QueryRejected")<{
  readonly clickhouseCode: number
  readonly clickhouseName: string
  readonly message: string
  readonly hint: string
  readonly queryId?: string
}> {
  readonly code = "query_rejected"
}

/** The query hit a limit: which one, and the value it was set to. */
export class QueryLimitExceeded extends Data.TaggedError("QueryLimitExceeded")<{
  readonly limit: "time" | "memory" | "rows" | "bytes" | "result" | "concurrency"
  readonly value: number | undefined
  readonly message: string
  readonly hint: string
  readonly queryId?: string
}> {
  readonly code = "query_limit"
}

/** The warehouse answered something that isn't what the statement asked for. Never replaced by a default. */
export class DecodeError extends Data.TaggedError("DecodeError")<{
  readonly message: string
  readonly hint: string
}> {
  readonly code = "decode"
}

/** A snapshot couldn't be written or read. */
export class StoreError extends Data.TaggedError("StoreError")<{
  readonly message: string
  readonly hint: string
}> {
  readonly code = "store"
}

/** Everything that can go wrong between a statement and its rows. */
export type WarehouseError = WarehouseUnavailable | QueryRejected | QueryLimitExceeded | DecodeError

/** Everything that can make a recompute of one experiment fail. */
export type AssayError = DefinitionError | PlanError | WarehouseError | StoreError
