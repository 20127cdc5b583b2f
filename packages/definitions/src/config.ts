/** The configuration: what `assay.config.ts` may say, and what it means once the defaults are filled in. */
import type { Aggregation } from "@assay/aggregation"
import {
  DecisionPolicy,
  decode,
  defaultDecisionPolicy,
  defaultEventMapping,
  defaultMultiplicity,
  defaultRefresh,
  DefinitionError,
  type DefinitionIssue,
  describe,
  Duration,
  EngineChoice,
  EngineName,
  EventMapping,
  Multiplicity,
  nameList,
  Refresh,
  type ValueIssue
} from "@assay/model"
import { Result, Schema, Struct } from "effect"
import { type Fields, gatherAggregations, isFields, isModule } from "./plugins.ts"

/** The engine that draws inferences from moments: its name, or its name with its options. */
export type Engine = EngineName | EngineChoice

/** How results are computed where an experiment doesn't say otherwise. */
export interface Defaults {
  readonly engine: Engine
  /** Level of intervals, between 0.5 and 1. */
  readonly confidence: number
  /** Experiments that are recomputed at the same time, by however many runners. */
  readonly concurrency: number
  /** Whether experiments of one `assay recompute` that read the same are read together. */
  readonly shared_reads: boolean
  /** When `assay watch` computes an experiment anew. */
  readonly refresh: Refresh
  /** Properties of the exposures to break results down by. */
  readonly slices: ReadonlyArray<string>
  /** Whether the results over time are computed, too: a point per day, or per hour for up to three days. */
  readonly series: boolean
}

/**
 * Where results and runs are kept: a folder (its name alone means the same), one SQLite file, or a PostgreSQL database that several runners
 * share. `postgres` names where its connection URL is found, which is a secret; `schema` is `assay` where it is absent.
 */
export type StoreConfig =
  | { readonly folder: string }
  | { readonly file: string }
  | {
    readonly postgres: { readonly env: string } | { readonly file: string }
    readonly schema?: string
  }

/** What the configuration says about events; what is left out keeps its default. */
export interface EventsConfig extends Partial<Omit<EventMapping, "columns" | "deduplication">> {
  /** Merged with the default columns. */
  readonly columns?: Partial<EventMapping["columns"]>
  /** Merged with the default policy. */
  readonly deduplication?: Partial<EventMapping["deduplication"]>
}

/** A statement with typed parameters (`{name:Type}`) bound to it. */
export interface SetupStatement {
  readonly text: string
  readonly parameters?: Readonly<Record<string, unknown>>
}

/**
 * States: tables of Assay's own in which it keeps what it has read, so that a recompute reads what is new alone. They lie in `database`
 * (that of the connection for results where it is absent). `lag` is how long after its time of storage a row may still become visible.
 */
export const Incremental = Schema.Struct({
  database: Schema.optionalKey(Schema.NonEmptyString),
  lag: Schema.optionalKey(Duration.Duration)
})
export interface Incremental extends Schema.Schema.Type<typeof Incremental> {}

/** Rows become visible within this time where the configuration doesn't say another one. */
export const defaultLag = "5m"

/** The configuration as people write it. Everything is optional. */
export interface AssayConfig<Warehouse = unknown> {
  /** Where ClickHouse is. */
  readonly warehouse?: Warehouse
  /** Where results are written besides the store: `true` for the warehouse itself, or a connection of its own. */
  readonly results?: Warehouse | true
  /** Whether a recompute reads what is new alone (`true`, or where states lie); needs `results`, whose connection keeps them. */
  readonly incremental?: true | Incremental
  /**
   * Statements that fill the embedded ClickHouse before its first query: demos, trials, files read with `file()`. A
   * function is called only when there is a query, so commands that ask nothing need not what it needs.
   */
  readonly setup?: ReadonlyArray<SetupStatement> | (() => ReadonlyArray<SetupStatement>)
  /** Where the events are, and what their columns mean. */
  readonly events?: EventsConfig
  /** Aggregations beside the standard ones. */
  readonly aggregations?: ReadonlyArray<Aggregation>
  /** The folder of experiment files; `experiments` by default. */
  readonly experiments?: string
  /** The folder of metric files; `metrics` by default. */
  readonly metrics?: string
  /** Where results and runs are kept; the folder `.assay` by default. */
  readonly store?: string | StoreConfig
  readonly defaults?: Partial<Defaults>
  /** What a decision takes: chances to win of the words, level, goals, floors, the level of the sample-ratio alarm. */
  readonly decision?: Partial<DecisionPolicy>
  /** The correction for many tests, for goals and for secondary metrics. */
  readonly multiplicity?: Partial<Multiplicity>
}

/** The configuration with everything filled in and checked. */
export interface ResolvedConfig<Warehouse = unknown> {
  readonly warehouse: Warehouse
  /** Where results are written besides the store; absent where they aren't. */
  readonly results?: Warehouse | true
  /** How states are kept; absent where they aren't. `lag` in milliseconds. */
  readonly incremental?: { readonly database?: string; readonly lag: number }
  /** The statements, checked; a function in the configuration is called here. */
  readonly setup: () => Result.Result<ReadonlyArray<SetupStatement>, DefinitionError>
  readonly mapping: EventMapping
  /** By name, the standard ones first. */
  readonly aggregations: ReadonlyMap<string, Aggregation>
  readonly experiments: string
  readonly metrics: string
  readonly store: StoreConfig
  readonly defaults: Omit<Defaults, "engine"> & { readonly engine: EngineChoice }
  readonly decision: DecisionPolicy
  readonly multiplicity: Multiplicity
}

/** What a configuration that says nothing means. */
export const defaultDefaults: Defaults = {
  engine: "bayesian",
  confidence: 0.95,
  concurrency: 4,
  shared_reads: true,
  refresh: defaultRefresh,
  slices: [],
  series: false
}

/** Returns its argument: gives `assay.config.ts` types and completion. */
export const defineConfig = <Warehouse = unknown>(config: AssayConfig<Warehouse>): AssayConfig<Warehouse> => config

const Config = Schema.Struct({
  warehouse: Schema.optionalKey(Schema.Unknown),
  results: Schema.optionalKey(Schema.Unknown),
  incremental: Schema.optionalKey(Schema.Unknown),
  setup: Schema.optionalKey(Schema.Unknown),
  events: Schema.optionalKey(Schema.Unknown),
  aggregations: Schema.optionalKey(Schema.Unknown),
  experiments: Schema.optionalKey(Schema.NonEmptyString),
  metrics: Schema.optionalKey(Schema.NonEmptyString),
  store: Schema.optionalKey(Schema.Unknown),
  defaults: Schema.optionalKey(
    Schema.Struct({
      engine: Schema.optionalKey(Schema.Unknown),
      confidence: Schema.optionalKey(
        Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0.5), Schema.isLessThan(1)))
      ),
      concurrency: Schema.optionalKey(Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0)))),
      shared_reads: Schema.optionalKey(Schema.Boolean),
      refresh: Schema.optionalKey(Refresh),
      slices: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
      series: Schema.optionalKey(Schema.Boolean)
    })
  ),
  decision: Schema.optionalKey(Schema.Unknown),
  multiplicity: Schema.optionalKey(Schema.Unknown)
})

const optional = Struct.map(Schema.optionalKey)

const Policy = Schema.Struct(optional(Struct.omit(DecisionPolicy.fields, ["level"]))).pipe(
  Schema.fieldsAssign({ level: DecisionPolicy.fields.level })
)

const Corrections = Schema.Struct(optional(Multiplicity.fields))

/** Which engine has each option. */
const engineOptions = {
  prior: "bayesian",
  tuning: "sequential",
  variance: "frequentist",
  interval: "frequentist"
} as const

/** The engine by its name, or with its options; those of another engine are a mistake. */
const decodeEngine = (value: unknown): Result.Result<EngineChoice, ReadonlyArray<ValueIssue>> => {
  if (value === undefined) return Result.succeed({ name: defaultDefaults.engine as EngineName })
  if (!isFields(value)) return Result.map(decode(EngineName, value), (name) => ({ name }))
  const decoded = decode(EngineChoice, value)
  if (Result.isFailure(decoded)) return decoded
  const { name } = decoded.success
  const strange = Object.entries(engineOptions).filter(([option, owner]) =>
    Object.hasOwn(value, option) && owner !== name
  )
  return strange.length === 0 ? decoded : Result.fail(strange.map(([option, owner]) => ({
    path: [option],
    at: "key",
    found: `${option} of the engine ${name}`,
    expected: "an option of that engine",
    hint: `${option} belongs to the engine ${owner}`
  })))
}

/** What the Schemas of decision and multiplicity can't say. */
const checkPolicy = (
  policy: DecisionPolicy,
  multiplicity: Multiplicity,
  engine: EngineName
): ReadonlyArray<ValueIssue> => [
  ...(policy.losing < policy.winning ? [] : [{
    path: ["decision", "losing"],
    found: `${policy.losing} beside winning: ${policy.winning}`,
    expected: "a chance to win below that of winning"
  }]),
  ...Object.entries(multiplicity).flatMap(([family, method]) =>
    method === "e-bh" && engine !== "sequential"
      ? [{
        path: ["multiplicity", family],
        found: `"e-bh" with the engine ${engine}`,
        expected: "the engine sequential, which gives the e-values that e-bh reads",
        hint: "Write defaults: { engine: \"sequential\" }, or take \"benjamini-hochberg\" or \"holm\""
      }]
      : []
  )
]

const Setup = Schema.Array(Schema.Struct({
  text: Schema.NonEmptyString,
  parameters: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
}))

const Secret = Schema.Union([
  Schema.Struct({ env: Schema.NonEmptyString }),
  Schema.Struct({ file: Schema.NonEmptyString })
])

/** What a store may say, by the key that tells which one it is. */
const stores: Readonly<Record<string, Schema.Codec<StoreConfig, unknown>>> = {
  folder: Schema.Struct({ folder: Schema.NonEmptyString }),
  file: Schema.Struct({ file: Schema.NonEmptyString }),
  postgres: Schema.Struct({
    postgres: Secret,
    schema: Schema.optionalKey(
      Schema.String.pipe(
        Schema.check(
          Schema.isPattern(/^[a-z_][a-z0-9_]{0,47}$/, { expected: "a name of lower-case letters, digits and _" })
        )
      )
    )
  })
}

/** Where results are kept. A connection URL in the place of its name may hold a password, so it isn't repeated. */
const decodeStore = (value: unknown): Result.Result<StoreConfig, ReadonlyArray<ValueIssue>> => {
  if (value === undefined) return Result.succeed({ folder: ".assay" })
  if (typeof value !== "string") {
    const kind = isFields(value) ? Object.keys(stores).find((key) => Object.hasOwn(value, key)) : undefined
    if (kind !== undefined) return Result.mapError(decode(stores[kind]!, value), (issues) => issues.map(redacted))
    return Result.fail([{ path: [], found: describe(value), expected: "a folder, { file: … }, or { postgres: … }" }])
  }
  if (value === "" || /^[a-z]+:\/\//i.test(value)) {
    return Result.fail([{
      path: [],
      found: value === "" ? "an empty text" : "a URL",
      expected: "a folder, { file: … }, or { postgres: … }",
      hint: "A database is named by where its URL is found: { postgres: { env: \"DATABASE_URL\" } }"
    }])
  }
  return Result.succeed({ folder: value })
}

/** The statements of `setup`, or what is wrong with them. */
const decodeSetup = (value: unknown): Result.Result<ReadonlyArray<SetupStatement>, ReadonlyArray<ValueIssue>> => {
  if (typeof value !== "function") return decode(Setup, value ?? [])
  const made = Result.try(() => value() as unknown)
  return Result.isSuccess(made) ? decode(Setup, made.success) : Result.fail([{
    path: [],
    found: "a function that failed",
    expected: "statements",
    hint: made.failure instanceof Error ? made.failure.message : String(made.failure)
  }])
}

/** Where results are written besides the store: nowhere, the warehouse itself (`true`), or another connection. */
const decodeResults = <Warehouse>(
  schema: Schema.Codec<Warehouse, unknown>,
  value: unknown
): Result.Result<Warehouse | true | undefined, ReadonlyArray<ValueIssue>> => {
  if (value === undefined || value === true) return Result.succeed(value)
  const decoded: Result.Result<Warehouse | true | undefined, ReadonlyArray<ValueIssue>> = decode(schema, value)
  return decoded
}

/** How states are kept. Their connection is that for results. */
const decodeIncremental = (
  value: unknown,
  results: unknown,
  events: EventMapping | undefined
): Result.Result<Incremental | undefined, ReadonlyArray<ValueIssue>> => {
  if (value === undefined) return Result.succeed(undefined)
  const decoded = value === true ? Result.succeed<Incremental>({}) : decode(Incremental, value)
  if (Result.isFailure(decoded)) return decoded
  if (results === undefined) {
    return Result.fail([{
      path: [],
      found: "no results beside it",
      expected: "a connection that may write: results: true, or one of its own",
      hint: "States are kept through the connection for results"
    }])
  }
  if (results === true || events === undefined) return decoded
  const missing = events.database === undefined
    ? "events"
    : events.exposures !== undefined && events.exposures.database === undefined
    ? "events.exposures"
    : undefined
  return missing === undefined ? decoded : Result.fail([{
    path: [],
    found: `no ${missing}.database beside it`,
    expected: `the database of ${
      missing === "events" ? "the events" : "the exposures"
    }, since states are filled through the connection for results`
  }])
}

const below = (key: string, issues: ReadonlyArray<ValueIssue>): ReadonlyArray<ValueIssue> =>
  issues.map((issue) => ({ ...issue, path: [key, ...issue.path] }))

/** What a configuration file exported that isn't a configuration. */
const notConfig = (input: unknown): ValueIssue | undefined => {
  const issue = (hint: string, found = describe(input)): ValueIssue => ({
    path: [],
    found,
    expected: "a configuration",
    hint
  })
  const ending = "End the file with: export default defineConfig({ … })"
  if (typeof input === "function") return issue("Export the configuration itself, not a function that makes it")
  if (!isFields(input)) return issue(ending)
  if (typeof input["then"] === "function") {
    return issue("Export the configuration itself: put await before what makes it", "a promise")
  }
  return isModule(input) ? issue(ending, "a module without a configuration in it") : undefined
}

const merge = (base: Fields, over: unknown): unknown => (isFields(over) ? { ...base, ...over } : over)

/** The default mapping with what the configuration says; `columns` and `deduplication` are merged, all else is replaced. */
const mergeEvents = (events: unknown): unknown => {
  const defaults: Fields = { ...defaultEventMapping }
  const merged = merge(defaults, events)
  if (!isFields(events) || !isFields(merged)) return merged
  return {
    ...merged,
    ...(Object.hasOwn(events, "columns")
      ? { columns: merge({ ...defaultEventMapping.columns }, events["columns"]) }
      : {}),
    ...(Object.hasOwn(events, "deduplication")
      ? { deduplication: merge({ ...defaultEventMapping.deduplication }, events["deduplication"]) }
      : {})
  }
}

/** What a mapping's Schema can't say. */
const checkMapping = (mapping: EventMapping): ReadonlyArray<ValueIssue> => {
  const issues: Array<ValueIssue> = []
  const identities = Object.keys(mapping.identities)
  if (identities.length === 0) {
    issues.push({
      path: ["identities"],
      found: "an empty mapping",
      expected: "at least one identity",
      hint: "Write { user: \"user_id\" }: a name, and the column that holds the identity"
    })
  }
  if (mapping.exposures !== undefined && identities.length > 0) {
    const exposed = Object.keys(mapping.exposures.identities)
    if (!exposed.some((name) => identities.includes(name))) {
      issues.push({
        path: ["exposures", "identities"],
        found: exposed.length === 0 ? "an empty mapping" : nameList(exposed),
        expected: `at least one of the identities of events: ${nameList(identities)}`,
        hint: "Events and exposures are joined by an identity of the same name; the columns may differ"
      })
    }
  }
  const { cluster } = mapping
  if (cluster?.identity !== undefined && !identities.includes(cluster.identity)) {
    issues.push({
      path: ["cluster", "identity"],
      found: describe(cluster.identity),
      expected: `the identity that the tables are sharded by: ${nameList(identities)}`,
      hint: "Leave it out if they are sharded by anything else"
    })
  }
  for (const [path, at] of [[[], mapping], [["exposures"], mapping.exposures]] as const) {
    if (cluster !== undefined && at !== undefined && at.database === undefined) {
      issues.push({
        path: [...path, "database"],
        found: "nothing",
        expected: "the database of the table on the shards, since there is a cluster"
      })
    }
  }
  if (mapping.deduplication.policy === "id" && mapping.columns.event_id === undefined) {
    issues.push({
      path: ["columns", "event_id"],
      found: "nothing",
      expected: "the column of event ids, since deduplication.policy is \"id\""
    })
  }
  for (const name of Object.keys(mapping.json)) {
    if (name === "" || name.includes(".")) {
      issues.push({
        path: ["json", name],
        at: "key",
        found: `the name ${describe(name)}`,
        expected: "a name without dots",
        hint: "In definitions, the name ends at the first dot: name.path.to.field"
      })
    }
  }
  return issues
}

/** A folder's name, the same for `./metrics/` and `metrics`. */
const folder = (path: string): string => path.replace(/^(\.\/)+/, "").replace(/\/+$/, "")

/** Texts of the warehouse may be secrets that were put into the wrong place, so none is repeated. */
const redacted = (issue: ValueIssue): ValueIssue => (issue.found.startsWith("\"") ? { ...issue, found: "text" } : issue)

const withConfigHint = (issue: ValueIssue, value: unknown): ValueIssue =>
  issue.path.join(".") === "defaults.confidence" && typeof value === "number" && value > 50 && value < 100
    ? { ...issue, hint: `Write ${value / 100}` }
    : issue

/**
 * Fills in what a configuration leaves out and checks the whole, as it was exported by the file `context.file`. The
 * warehouse is decoded by the caller's Schema, from `{}` where there is none; `context.aggregations` are the standard ones,
 * to which the configuration adds. Fails with everything that is wrong. Messages don't repeat texts of the warehouse.
 */
export const resolveConfig = <Warehouse>(
  input: unknown,
  context: {
    readonly file: string
    readonly warehouse: Schema.Codec<Warehouse, unknown>
    readonly aggregations: ReadonlyArray<Aggregation>
  }
): Result.Result<ResolvedConfig<Warehouse>, DefinitionError> => {
  const located = (...at: ReadonlyArray<string>) => ({ path, found, expected, hint }: ValueIssue): DefinitionIssue => ({
    file: context.file,
    path: [...at, ...path],
    found,
    expected,
    ...(hint === undefined ? {} : { hint })
  })
  const fail = (issues: ReadonlyArray<ValueIssue>) =>
    Result.fail(new DefinitionError({ issues: issues.map(located()) }))
  const refused = notConfig(input)
  if (refused !== undefined) return fail([refused])
  const given: Fields = isFields(input) ? input : {}
  const config = decode(Config, given)
  const warehouse = decode(context.warehouse, given["warehouse"] ?? {})
  const store = decodeStore(given["store"])
  const results = decodeResults(context.warehouse, given["results"])
  const events = decode(EventMapping, mergeEvents(given["events"] ?? {}))
  const incremental = decodeIncremental(
    given["incremental"],
    given["results"],
    Result.isSuccess(events) ? events.success : undefined
  )
  const gathered = gatherAggregations(context.aggregations, given["aggregations"])
  const defaults = isFields(given["defaults"]) ? given["defaults"] : {}
  const engine = decodeEngine(defaults["engine"])
  const policy = decode(Policy, given["decision"] ?? {})
  const corrections = decode(Corrections, given["multiplicity"] ?? {})
  const { setup } = given
  const listed = typeof setup === "function" ? Result.succeed([]) : decodeSetup(setup)
  const issues = [
    ...(Result.isFailure(config)
      ? config.failure.map((issue) => withConfigHint(issue, defaults["confidence"]))
      : []),
    ...(Result.isFailure(engine) ? below("defaults", below("engine", engine.failure)) : []),
    ...(Result.isFailure(policy) ? below("decision", policy.failure) : []),
    ...(Result.isFailure(corrections) ? below("multiplicity", corrections.failure) : []),
    ...(Result.isFailure(warehouse) ? below("warehouse", warehouse.failure.map(redacted)) : []),
    ...(Result.isFailure(results) ? below("results", results.failure.map(redacted)) : []),
    ...(Result.isFailure(incremental) ? below("incremental", incremental.failure) : []),
    ...(Result.isFailure(store) ? below("store", store.failure) : []),
    ...below("events", Result.isFailure(events) ? events.failure : checkMapping(events.success)),
    ...(Result.isFailure(listed) ? below("setup", listed.failure) : []),
    ...below("aggregations", gathered.issues)
  ]
  if (
    Result.isFailure(config) || Result.isFailure(warehouse) || Result.isFailure(results) || Result.isFailure(events) ||
    Result.isFailure(incremental) || Result.isFailure(store) || Result.isFailure(engine) || Result.isFailure(policy) ||
    Result.isFailure(corrections)
  ) {
    return fail(issues)
  }
  const decision: DecisionPolicy = { ...defaultDecisionPolicy, ...policy.success }
  const multiplicity: Multiplicity = { ...defaultMultiplicity, ...corrections.success }
  issues.push(...checkPolicy(decision, multiplicity, engine.success.name))
  if (setup !== undefined && isFields(given["warehouse"]) && Object.hasOwn(given["warehouse"], "url")) {
    issues.push({
      path: ["setup"],
      found: "statements beside warehouse.url",
      expected: "none: they fill the embedded ClickHouse only, never a server",
      hint: "Take setup out, or take warehouse.url out to run embedded"
    })
  }
  const { experiments = "experiments", metrics = "metrics" } = config.success
  if (folder(experiments) === folder(metrics)) {
    issues.push({
      path: ["metrics"],
      found: `${describe(metrics)}, the folder of the experiments`,
      expected: "a folder of its own for each kind of definition"
    })
  }
  return issues.length > 0 ? fail(issues) : Result.succeed({
    warehouse: warehouse.success,
    ...(results.success === undefined ? {} : { results: results.success }),
    ...(incremental.success === undefined ? {} : {
      incremental: {
        ...(incremental.success.database === undefined ? {} : { database: incremental.success.database }),
        lag: Duration.toMillis(incremental.success.lag ?? defaultLag)
      }
    }),
    setup: () =>
      Result.mapError(decodeSetup(setup), (found) => new DefinitionError({ issues: found.map(located("setup")) })),
    mapping: events.success,
    aggregations: gathered.aggregations,
    experiments,
    metrics,
    store: store.success,
    defaults: { ...defaultDefaults, ...config.success.defaults, engine: engine.success },
    decision,
    multiplicity
  })
}
