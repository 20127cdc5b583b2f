/** From definition files to experiments and metrics. */
import { checkExperiment, checkMetric } from "@assay/aggregation"
import {
  decode,
  DefinitionError,
  type DefinitionIssue,
  describe,
  Experiment,
  Metric,
  Role,
  type ValueIssue
} from "@assay/model"
import { Result, Schema } from "effect"
import { checkReading } from "./checks.ts"
import { type DefinitionContext, locate, type Located } from "./Located.ts"
import { warningsOf } from "./warnings.ts"
import { lookUp, type Place, readYaml, type SourceFile, type YamlFile } from "./Yaml.ts"

/** What the definition files say. */
export interface Definitions {
  /** By key, in the order of their files' names. */
  readonly experiments: ReadonlyMap<string, Experiment>
  /** By key, in the order of their files' names. */
  readonly metrics: ReadonlyMap<string, Metric>
  /** The file that each key was defined in. */
  readonly files: {
    readonly experiments: ReadonlyMap<string, string>
    readonly metrics: ReadonlyMap<string, string>
  }
  /** What is allowed but probably not meant; shown with `formatIssue`. */
  readonly warnings: ReadonlyArray<DefinitionIssue>
}

type Kind = "experiment" | "metric"

/** What stands in for required keys that are wrong, so that the rest of a definition can be checked all the same. */
const placeholders: Readonly<Record<string, unknown>> = {
  key: "?",
  environment: "?",
  feature: "?",
  started_at: "1970-01-01",
  control: "?",
  variants: [{ key: "a", share: 1 }, { key: "b", share: 1 }],
  metrics: ["?"].map((metric) => ({ metric, role: "secondary" })),
  aggregation: "?",
  event: "?",
  direction: "up"
}

/** The same inside variants and metrics. */
const innerPlaceholders: Readonly<Record<string, unknown>> = { key: "?", share: 1, metric: "?", role: "secondary" }

const isRole = Schema.is(Role)

const eitherForm = "the key of a metric, or a mapping with metric and role"

/**
 * The metrics of an experiment as its Schema knows them: text alone is a metric in the role `secondary`. `key: role` is a
 * mistake that can be understood.
 */
const normaliseMetrics = (value: unknown): { readonly value: unknown; readonly issues: ReadonlyArray<ValueIssue> } => {
  if (!isMapping(value) || !Array.isArray(value["metrics"])) return { value, issues: [] }
  const issues: Array<ValueIssue> = []
  const metrics = value["metrics"].map((item: unknown, i) => {
    if (!isMapping(item)) {
      return item === null || Array.isArray(item) ? item : { metric: item, role: "secondary" }
    }
    const [entry, ...others] = Object.entries(item)
    if (entry === undefined || others.length > 0 || entry[0] === "metric" || !isRole(entry[1])) return item
    const [metric, role] = entry
    issues.push({
      path: ["metrics", i, metric],
      at: "key",
      found: `the unknown key ${describe(metric)}`,
      expected: eitherForm,
      hint: `Write { metric: ${JSON.stringify(metric)}, role: ${role} }`
    })
    return { metric, role }
  })
  return { value: { ...value, metrics }, issues }
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** `value` with something harmless at each path: a placeholder for a required key, else nothing. */
const withoutWrong = (value: unknown, paths: ReadonlyArray<ReadonlyArray<string | number>>): unknown => {
  const copy: unknown = structuredClone(value)
  for (const path of paths) {
    const parent = path.slice(0, -1).reduce<unknown>(
      (inner, step) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, step) : undefined),
      copy
    )
    const last = path.at(-1)
    if (!isMapping(parent) || typeof last !== "string") continue
    const known = path.length === 1 ? placeholders : innerPlaceholders
    const placeholder = Object.hasOwn(known, last) ? known[last] : undefined
    const written = parent[last]
    if (placeholder === undefined) Reflect.deleteProperty(parent, last)
    // A number where text is expected most likely means its text.
    else Reflect.set(parent, last, placeholder === "?" && typeof written === "number" ? String(written) : placeholder)
  }
  return copy
}

/**
 * Decodes a value and checks what was decoded. Where decoding fails, what is right is checked all the same, so that
 * mending one mistake doesn't bring up the next: first without the wrong places, then without the wrong keys of the top
 * level.
 */
const decodeAndCheck = <A>(
  schema: Schema.Codec<A, unknown>,
  value: unknown,
  check: (value: A) => ReadonlyArray<ValueIssue>
): Result.Result<A, ReadonlyArray<ValueIssue>> => {
  const decoded = decode(schema, value)
  if (Result.isSuccess(decoded)) {
    const issues = check(decoded.success)
    return issues.length > 0 ? Result.fail(issues) : decoded
  }
  const wrong = decoded.failure.map(({ path }) => path)
  const more = (paths: ReadonlyArray<ReadonlyArray<string | number>>): ReadonlyArray<ValueIssue> | undefined => {
    const rest = decode(schema, withoutWrong(value, paths))
    if (Result.isFailure(rest)) return undefined
    const left = new Set(paths.map((path) => JSON.stringify(path)))
    // Whether the control is one of the variants can't be said of variants that are wrong.
    const variants = paths.some(([key]) => key === "variants")
    return check(rest.success).filter(({ path }) =>
      !path.some((_, i) => left.has(JSON.stringify(path.slice(0, i + 1)))) && !(variants && path[0] === "control")
    )
  }
  return Result.fail([...decoded.failure, ...(more(wrong) ?? more(wrong.map((path) => path.slice(0, 1))) ?? [])])
}

const looksLike = (place: Place): Kind | undefined => {
  const has = (...keys: ReadonlyArray<string>) => keys.some((key) => place.entries?.has(key))
  const metric = has("aggregation", "direction", "event")
  const experiment = has("variants", "feature", "control")
  return metric === experiment ? undefined : metric ? "metric" : "experiment"
}

/** What keeps a file from being looked into, before any Schema. */
const checkShape = (root: Place, kind: Kind, context: DefinitionContext): ValueIssue | undefined => {
  const definition = kind === "metric" ? "a metric" : "an experiment"
  if (root.entries === undefined) {
    return {
      path: [],
      found: describe(root.value),
      expected: `a mapping that defines ${definition}`,
      ...(root.items === undefined ? {} : { hint: "Put each definition into a file of its own, without a dash" })
    }
  }
  const other = looksLike(root)
  if (other === undefined || other === kind) return undefined
  return {
    path: [],
    found: other === "metric" ? "a metric" : "an experiment",
    expected: definition,
    hint: `Move the file to ${other === "metric" ? context.metrics : context.experiments}/`
  }
}

/** A key that a file claims, readable also where the rest of the file is broken. */
const claimedKey = (yaml: YamlFile): string | undefined => {
  const key = yaml.root === undefined ? undefined : lookUp(yaml.root, ["key"])?.value
  return typeof key === "string" ? key : undefined
}

/** The name of a file without folders and ending: what the key of an unreadable definition probably is. */
const stem = (file: string): string => file.replace(/^.*[\\/]/, "").replace(/\.ya?ml$/i, "")

const byFile = (a: SourceFile, b: SourceFile): number => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0)

const byPlace = (a: DefinitionIssue, b: DefinitionIssue): number =>
  byFile({ ...a, text: "" }, { ...b, text: "" }) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)

const read = (files: ReadonlyArray<SourceFile>): ReadonlyArray<YamlFile> => files.toSorted(byFile).map(readYaml)

/** Everything of one kind: the good definitions, and the issues of the others. */
const gather = <A extends { readonly key: string }>(
  files: ReadonlyArray<YamlFile>,
  kind: Kind,
  context: DefinitionContext,
  define: (value: unknown) => Result.Result<A, ReadonlyArray<ValueIssue>>
): { readonly found: ReadonlyMap<string, Located<A>>; readonly issues: ReadonlyArray<DefinitionIssue> } => {
  const found = new Map<string, Located<A>>()
  const issues: Array<DefinitionIssue> = []
  const owners = new Map<string, string>()
  for (const yaml of files) {
    issues.push(...yaml.issues)
    const { root } = yaml
    if (root === undefined) continue
    const here = (wrong: ReadonlyArray<ValueIssue>) => {
      // What YAML refused was left out of the value, so complaints about its place only repeat that.
      const places = new Set(yaml.issues.map(({ line, column }) => `${line}:${column}`))
      issues.push(
        ...wrong.map((issue) => locate({ yaml, root }, issue))
          .filter(({ line, column }) => !places.has(`${line}:${column}`))
      )
    }
    const shape = yaml.isBroken ? undefined : checkShape(root, kind, context)
    if (shape !== undefined) {
      here([shape])
      continue
    }
    const key = claimedKey(yaml)
    const owner = key === undefined ? undefined : owners.get(key)
    if (key !== undefined && owner === undefined) owners.set(key, yaml.file)
    if (owner !== undefined) {
      here([{
        path: ["key"],
        found: `${describe(key)} a second time`,
        expected: `a key of its own: ${owner} has this one`
      }])
    }
    if (yaml.isBroken) continue
    const defined = define(root.value)
    if (Result.isFailure(defined)) here(defined.failure)
    else if (owner === undefined) found.set(defined.success.key, { value: defined.success, yaml, root })
  }
  return { found, issues }
}

const values = <A>(located: ReadonlyMap<string, Located<A>>): ReadonlyMap<string, A> =>
  new Map([...located].map(([key, { value }]) => [key, value]))

const filesOf = (located: ReadonlyMap<string, Located<unknown>>): ReadonlyMap<string, string> =>
  new Map([...located].map(([key, { yaml }]) => [key, yaml.file]))

/**
 * Reads, decodes and checks all definition files, without touching the file system. Fails with everything that is wrong in
 * any of them, sorted by file and line; never throws. An experiment may use a metric whose file is broken: that file alone
 * is reported. `unread` is what kept files or folders from being read: it is reported among the rest, and since a metric may
 * be there, none is called unknown.
 */
export const parseDefinitions = (input: {
  readonly experiments: ReadonlyArray<SourceFile>
  readonly metrics: ReadonlyArray<SourceFile>
  readonly unread?: ReadonlyArray<DefinitionIssue>
  readonly config: DefinitionContext
}): Result.Result<Definitions, DefinitionError> => {
  const { config, unread = [] } = input
  const metricFiles = read(input.metrics)
  const metrics = gather(metricFiles, "metric", config, (value) =>
    decodeAndCheck(Metric, value, (metric) => {
      const checked = checkMetric(metric, config.mapping, config.aggregations)
      return Result.isSuccess(checked) ? [] : checked.failure
    }))
  const known = new Set([
    ...metrics.found.keys(),
    ...metricFiles.flatMap((yaml) => claimedKey(yaml) ?? (yaml.issues.length > 0 ? stem(yaml.file) : []))
  ])
  const experiments = gather(read(input.experiments), "experiment", config, (raw) => {
    const { value, issues } = normaliseMetrics(raw)
    const defined = decodeAndCheck(
      Experiment,
      value,
      (experiment) => [
        ...checkExperiment(
          experiment,
          unread.length > 0 ? [...known, ...experiment.metrics.map(({ metric }) => metric)] : known,
          config.mapping
        ),
        ...checkReading(experiment)
      ]
    )
    const wrong = [...issues, ...(Result.isFailure(defined) ? defined.failure.map(inWordsOfFiles) : [])]
    return wrong.length > 0 ? Result.fail(wrong) : defined
  })
  const issues = [...unread, ...metrics.issues, ...experiments.issues].toSorted(byPlace)
  if (issues.length > 0) return Result.fail(new DefinitionError({ issues }))
  return Result.succeed({
    experiments: values(experiments.found),
    metrics: values(metrics.found),
    files: { experiments: filesOf(experiments.found), metrics: filesOf(metrics.found) },
    warnings: warningsOf(experiments.found, metrics.found, config).toSorted(byPlace)
  })
}

/** What the Schema of an experiment expects, in the words of its files. */
const inWordsOfFiles = (issue: ValueIssue): ValueIssue =>
  issue.path[0] === "metrics" && issue.path.length === 2 && issue.expected === "a mapping"
    ? { ...issue, expected: eitherForm }
    : String(issue.path[0]).endsWith("_at") && issue.expected === "text"
    ? { ...issue, expected: "a date, or a date and time with its zone" }
    : issue
