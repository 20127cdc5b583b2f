/** From definitions to a plan: which events are read, which accumulators are kept per identity, which moments come out. */
import {
  type Cap,
  decode,
  dimensionsOf,
  type Direction,
  type Display,
  Duration,
  type EstimandKind,
  type EventMapping,
  type Experiment,
  type Floor,
  Instant,
  type Metric,
  nameList,
  PlanError,
  type Role,
  type Source,
  suggest,
  type ValueIssue
} from "@assay/model"
import { Cause, Result } from "effect"
import {
  type Aggregation,
  type BoundAggregation,
  type Feature,
  hasSources,
  onlySource,
  type Outcome,
  type Reads
} from "./Aggregation.ts"
import type { PlannedConstant } from "./Constants.ts"
import { checkFilter, type Condition } from "./Filter.ts"
import { levelsAround } from "./levels.ts"
import { mostValues, type PlannedBreakdown, type PlannedSeries, seriesOf } from "./Parts.ts"
import { type Property, resolveProperty, valueProperty } from "./Property.ts"
import {
  type Accumulated,
  type Accumulator,
  accumulators,
  always,
  type Expression,
  isIdempotent,
  mapAccumulators,
  type UnitColumn,
  type UnitValues,
  type Window
} from "./Unit.ts"

/** The events that one or more metrics look at: one event, the same filters, the same value, the same window. */
export interface Stream {
  readonly event: string
  readonly conditions: ReadonlyArray<Condition>
  /** What each event must carry, as a number or as text; undefined where nothing is read. */
  readonly value: Property | undefined
  readonly reads: "nothing" | "value" | "text"
  /** Milliseconds relative to the identity's first exposure; negative before it. */
  readonly window: Window
}

/** An accumulator over one stream (or one for each step of a funnel), kept per identity. */
export interface PlannedAccumulator {
  readonly streams: ReadonlyArray<number>
  readonly accumulator: Accumulator
}

/**
 * What unit columns are made of: an accumulator of the plan, a trait of the exposure (0 without it), whether it is there; a constant of the
 * plan, and once it is found, where it differs by arm, the value of the identity's arm (in the order of their ranks); of an accumulator
 * that is a list, how many values it has, or how many of them are at most a limit.
 */
export type PlannedLeaf =
  | { readonly kind: "planned" | "trait" | "hasTrait" | "found"; readonly index: number }
  | { readonly kind: "ofArm"; readonly values: ReadonlyArray<number> }
  | { readonly kind: "list" | "size"; readonly index: number }
  | { readonly kind: "atMost"; readonly index: number; readonly limit: Expression<PlannedLeaf> }

/** A unit column over the accumulators and traits of a plan. */
export type PlannedColumn = Expression<PlannedLeaf>

/**
 * Where a metric's covariate stands among its unit columns, and what it is: the metric over the time before the exposure
 * (`lookback` in milliseconds), or a trait. A trait's columns are its values, 0 where it is missing, and whether it is there:
 * their ratio is its mean over those that have it, and an identity without it adjusts nothing.
 */
export interface PlannedCovariate {
  readonly columns: { readonly numerator: number; readonly denominator?: number }
  readonly of: { readonly lookback: number } | { readonly trait: string }
}

/** Unit columns whose moments are taken over the same identities. */
export interface Measure {
  readonly columns: ReadonlyArray<PlannedColumn>
  /**
   * Only identities exposed by then (milliseconds since 1970-01-01 UTC) are old enough; all where it is undefined. In a shared plan the place of
   * that time among those of each sharer.
   */
  readonly ripeUntil: number | undefined
  /** Milliseconds after its first exposure until an identity is old enough. */
  readonly age: number
}

/**
 * The cap of a metric: its first column is the smaller of what it would be and `limit` (or 0, where that is more), a constant of the plan or
 * a number. `uncapped` are the columns without it, and at the end whether an identity's value is above it.
 */
export interface PlannedCap {
  readonly quantile: number | undefined
  readonly limit: PlannedColumn
  readonly uncapped: Measure
}

/**
 * The quantile of a metric, a constant of the plan by arm: its level and those around it, and, once they are found, the quantiles at these by
 * arm, empty without values. The metric's columns are how many values of an identity are at most its arm's quantile, and how many it has.
 */
export interface PlannedQuantile {
  readonly level: number
  readonly around: ReadonlyArray<number>
  readonly constant: number
  readonly values?: ReadonlyArray<ReadonlyArray<number>>
}

/** A metric with its streams and its unit columns: those of the estimand first, then those of the covariate. */
export interface PlannedMetric extends Measure {
  readonly key: string
  readonly description: string | undefined
  readonly role: Role
  readonly direction: Direction
  readonly aggregation: string
  readonly version: string
  readonly estimand: EstimandKind
  readonly floors: ReadonlyArray<Floor>
  readonly display: Display
  /** Those that its values are made of, without those of the covariate. */
  readonly streams: ReadonlyArray<number>
  readonly covariate: PlannedCovariate | undefined
  readonly cap: PlannedCap | undefined
  readonly quantile: PlannedQuantile | undefined
  /** Further means (one column) and ratios (two) that are shown beside its value. */
  readonly reported: ReadonlyArray<{ readonly name: string; readonly measure: Measure }>
  readonly findings: (outcome: Outcome) => ReturnType<Aggregation["findings"]>
}

/** Identities whose salted hash leaves `from` or more, and less than `to`, when it is divided by `of`: parts of these make the whole. */
export interface IdentityPart {
  readonly of: number
  readonly from: number
  readonly to: number
}

/** What an experiment of a shared plan has of its own; times in milliseconds since 1970-01-01 UTC. */
export interface Sharer {
  readonly feature: string
  readonly from: number
  readonly to: number
  readonly reads: { readonly from: number; readonly to: number }
  readonly arms: ReadonlyArray<string>
  /** The names of the events that it looks at. */
  readonly events: ReadonlyArray<string>
  /** By when identities must have been exposed to be old enough; null where all are. */
  readonly ripe: ReadonlyArray<number | null>
}

/**
 * Everything a statement is made of. Times are milliseconds since 1970-01-01 UTC; exposures are read in [from, to), metric
 * events in `reads`, which is wider where a metric looks back or has a conversion window.
 */
export interface Plan {
  readonly experiment: Experiment
  readonly mapping: EventMapping
  readonly identity: string
  readonly from: number
  readonly to: number
  readonly reads: { readonly from: number; readonly to: number }
  readonly arms: ReadonlyArray<string>
  readonly streams: ReadonlyArray<Stream>
  readonly accumulators: ReadonlyArray<PlannedAccumulator>
  readonly traits: ReadonlyArray<Property>
  /** What must be found before the statement can be written; none once it is. */
  readonly constants: ReadonlyArray<PlannedConstant>
  /** By which traits of the first exposure results are broken down. */
  readonly breakdowns: ReadonlyArray<PlannedBreakdown>
  /** How the results came about over time, where that is asked for. */
  readonly series: PlannedSeries | undefined
  readonly metrics: ReadonlyArray<PlannedMetric>
  /** Which identities are read at all; all of them where it is absent. */
  readonly part?: IdentityPart
  /** In the long form: the events, each of which every stream looks at by itself; see Long. */
  readonly together?: ReadonlyArray<string>
  /** In a shared plan: the experiments that are read together, each by its number, from 1; see Shared. */
  readonly sharers?: ReadonlyArray<Sharer>
  /** `none` also where no metric could be changed by a repeated row. */
  readonly deduplication: EventMapping["deduplication"]
}

/** Everything that moments are taken of: the metrics in their order, then what they report beside, then those with a cap without it. */
export const measures = (plan: Pick<Plan, "metrics">): ReadonlyArray<Measure> => [
  ...plan.metrics,
  ...plan.metrics.flatMap(({ reported }) => reported.map(({ measure }) => measure)),
  ...plan.metrics.flatMap(({ cap }) => (cap === undefined ? [] : [cap.uncapped]))
]

/** More arms than this don't fit the set of variants that is kept per identity. */
export const maximumArms = 63

/** Names that begin so belong to the statement: no mapped column may have one. */
export const ownPrefix = "assay_"

/** More different lists of filters than this don't fit the number that stands for an event whose value can't be used. */
export const maximumFilterLists = 240

/** A metric of more accumulators than this doesn't fit the number that stands for an event in a series. */
export const maximumAccumulators = 4096

/** What a plan is made of. `asOf` (milliseconds) ends the window of an experiment that hasn't ended. */
export interface PlanInput {
  readonly experiment: Experiment
  readonly metrics: ReadonlyMap<string, Metric>
  readonly mapping: EventMapping
  readonly aggregations: ReadonlyMap<string, Aggregation>
  readonly asOf: number
  /** What experiments are broken down by that don't say it themselves: properties of their exposures. */
  readonly slices?: ReadonlyArray<string>
  /** Whether to compute how the results came about over time, too. */
  readonly series?: boolean
}

/** The columns that a mapping names, each with the path to it. */
const mappedColumns = (mapping: EventMapping): ReadonlyArray<readonly [path: ReadonlyArray<string>, name: string]> => {
  const under = (path: ReadonlyArray<string>, columns: Readonly<Record<string, string | undefined>>) =>
    Object.entries(columns).flatMap(([key, name]): ReadonlyArray<readonly [ReadonlyArray<string>, string]> =>
      name === undefined ? [] : [[[...path, key], name]]
    )
  const { exposures } = mapping
  return [
    ...under(["columns"], mapping.columns),
    ...under(["identities"], mapping.identities),
    ...under(["json"], mapping.json),
    ...under(["properties"], mapping.properties),
    ...(mapping.deduplication.columns ?? []).map((name, i) => [["deduplication", "columns", `${i}`], name] as const),
    ...(exposures === undefined ? [] : [
      ...under(["exposures", "columns"], exposures.columns),
      ...under(["exposures", "identities"], exposures.identities)
    ])
  ]
}

/** Everything that keeps a mapping from being used; paths start at the mapping. */
export const checkMapping = (mapping: EventMapping): ReadonlyArray<ValueIssue> => {
  const issues: Array<ValueIssue> = []
  const { exposures } = mapping
  const tables = [
    [["database"], mapping.database],
    [["table"], mapping.table],
    [["exposures", "database"], exposures?.database],
    [["exposures", "table"], exposures?.table]
  ] as const
  const columns = mappedColumns(mapping)
  for (const [path, name] of [...tables, ...columns]) {
    if (name !== undefined && (name === "" || name.includes("\0") || !name.isWellFormed())) {
      issues.push({
        path,
        found: JSON.stringify(name),
        expected: "a name of at least one character, without NUL and without halves of surrogate pairs"
      })
    }
  }
  for (const [path, name] of columns) {
    if (name.startsWith(ownPrefix)) {
      issues.push({
        path,
        found: `"${name}"`,
        expected: `a column whose name doesn't begin with ${ownPrefix}`,
        hint: "Read the table through a view that calls the column something else"
      })
    }
  }
  const first = Object.keys(mapping.identities)
  if (first.length === 0) issues.push({ path: ["identities"], found: "none", expected: "at least one identity" })
  if (mapping.deduplication.policy === "id" && mapping.columns.event_id === undefined) {
    issues.push({
      path: ["deduplication", "policy"],
      found: `"id"`,
      expected: `the column of the event's id under columns.event_id, or the policy "row"`
    })
  }
  return issues
}

/** Texts in a definition that can't be bound, since UTF-8 doesn't have them. */
const unboundTexts = (value: unknown, path: ReadonlyArray<string | number> = []): ReadonlyArray<ValueIssue> => {
  if (typeof value === "string") {
    return value.isWellFormed()
      ? []
      : [{ path, found: JSON.stringify(value), expected: "text without halves of surrogate pairs" }]
  }
  if (Array.isArray(value)) return value.flatMap((one: unknown, i) => unboundTexts(one, [...path, i]))
  return typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, one]) => unboundTexts(one, [...path, key]))
    : []
}

/** A source of a metric whose filters and value are resolved. */
export interface ResolvedSource {
  readonly event: string
  readonly conditions: ReadonlyArray<Condition>
  readonly value: Property
}

/** A metric that can be planned. `sources` by the names that its aggregation gives them. */
export interface CheckedMetric {
  readonly aggregation: Aggregation
  readonly options: unknown
  readonly sources: Readonly<Record<string, ReadonlyArray<ResolvedSource>>>
  readonly trait: Property | undefined
  /** The aggregation bound to the metric's options and windows; `before` to the time that its covariate looks back on. */
  readonly bound: {
    readonly outcome: BoundAggregation
    readonly before: BoundAggregation["columns"]
    /** Milliseconds. */
    readonly lookback: number | undefined
  }
}

const checkSource = (
  source: Source,
  reads: { readonly of: Reads; readonly by: string } | undefined,
  mapping: EventMapping
): Result.Result<ResolvedSource, ReadonlyArray<ValueIssue>> => {
  const { event } = source
  const issues: Array<ValueIssue> = [...unboundTexts({ event, value: source.value, where: source.where })]
  const conditions: Array<Condition> = []
  source.where?.forEach((filter, i) => {
    const checked = checkFilter(filter, mapping)
    if (Result.isSuccess(checked)) conditions.push(checked.success)
    else issues.push(...checked.failure.map((issue) => ({ ...issue, path: ["where", i, ...issue.path] })))
  })
  const value = resolveProperty(source.value ?? valueProperty, mapping)
  if (Result.isFailure(value)) issues.push({ path: ["value"], found: `"${source.value}"`, ...value.failure })
  if (event === mapping.exposure_event && mapping.exposures === undefined) {
    issues.push({
      path: ["event"],
      found: `"${event}"`,
      expected: "an event that isn't the exposure itself",
      hint: "An exposure's value is the variant, so it can't be measured"
    })
  }
  if (reads?.of === "nothing" && source.value !== undefined) {
    issues.push({
      path: ["value"],
      found: `"${source.value}"`,
      expected: `nothing, since ${reads.by} reads no value`,
      hint: "Leave it out, or choose an aggregation that reads one"
    })
  }
  return issues.length > 0 || Result.isFailure(value)
    ? Result.fail(issues)
    : Result.succeed({ event, conditions, value: value.success })
}

type SourceChecks = Result.Result<CheckedMetric["sources"], ReadonlyArray<ValueIssue>>

const under = (path: ReadonlyArray<string | number>, issues: ReadonlyArray<ValueIssue>): ReadonlyArray<ValueIssue> =>
  issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] }))

const isMany = (source: Source | ReadonlyArray<Source>): source is ReadonlyArray<Source> => Array.isArray(source)

/** The only source of a metric, which stands beside its aggregation. */
const checkOnlySource = (metric: Metric, aggregation: Aggregation | undefined, mapping: EventMapping): SourceChecks => {
  const { event, value, where } = metric
  const issues: Array<ValueIssue> = []
  if (metric.sources !== undefined && aggregation !== undefined) {
    issues.push({
      path: ["sources"],
      at: "key",
      found: "sources",
      expected: `none, since "${aggregation.name}" looks at one`,
      hint: "Write event, value and where beside the aggregation"
    })
  }
  if (event === undefined) {
    if (aggregation !== undefined) {
      issues.push({ path: ["event"], found: "nothing", expected: "text: the event that is measured" })
    }
    return Result.fail(issues)
  }
  const checked = checkSource(
    { event, ...(value === undefined ? {} : { value }), ...(where === undefined ? {} : { where }) },
    aggregation === undefined ? undefined : { of: aggregation.reads, by: `"${aggregation.name}"` },
    mapping
  )
  if (Result.isFailure(checked)) issues.push(...checked.failure)
  return issues.length > 0 || Result.isFailure(checked)
    ? Result.fail(issues)
    : Result.succeed({ [onlySource]: [checked.success] })
}

/** The sources of a metric by name. */
const checkSources = (metric: Metric, aggregation: Aggregation, mapping: EventMapping): SourceChecks => {
  const names = Object.keys(aggregation.sources)
  const issues: Array<ValueIssue> = []
  for (const key of ["event", "value", "where"] as const) {
    if (metric[key] !== undefined) {
      issues.push({
        path: [key],
        at: "key",
        found: `the key "${key}"`,
        expected: `it under each of the sources of "${aggregation.name}": ${nameList(names)}`
      })
    }
  }
  const written = metric.sources ?? {}
  for (const name of Object.keys(written)) {
    if (!names.includes(name)) {
      const hint = suggest(name, names)
      issues.push({
        path: ["sources", name],
        at: "key",
        found: `the unknown source "${name}"`,
        expected: `one of the sources of "${aggregation.name}": ${nameList(names)}`,
        ...(hint === undefined ? {} : { hint })
      })
    }
  }
  const resolved: Record<string, ReadonlyArray<ResolvedSource>> = {}
  for (const [name, { list, reads }] of Object.entries(aggregation.sources)) {
    const source = Object.hasOwn(written, name) ? written[name] : undefined
    const path = ["sources", name]
    const length = list === undefined ? "" : `a list of ${list.least} to ${list.most} sources`
    if (source === undefined) {
      issues.push({
        path: metric.sources === undefined ? ["sources"] : path,
        found: metric.sources === undefined ? `no source "${name}"` : "nothing",
        expected: `${list === undefined ? "a source" : length}: the event of "${name}", with its value and where`
      })
    } else if (isMany(source) !== (list !== undefined)) {
      issues.push({
        path,
        found: isMany(source) ? `a list of ${source.length}` : "a single source",
        expected: list === undefined ? "a single source" : length
      })
    } else {
      const all = isMany(source) ? source : [source]
      if (list !== undefined && (all.length < list.least || all.length > list.most)) {
        issues.push({ path, found: `${all.length}`, expected: length })
      }
      resolved[name] = all.flatMap((one, i) => {
        const checked = checkSource(one, { of: reads, by: `"${name}" of "${aggregation.name}"` }, mapping)
        if (Result.isSuccess(checked)) return [checked.success]
        issues.push(...under(list === undefined ? path : [...path, i], checked.failure))
        return []
      })
    }
  }
  return issues.length > 0 ? Result.fail(issues) : Result.succeed(resolved)
}

/** The features that a metric asks for, each with the keys that ask. */
const asked = (metric: Metric): ReadonlyArray<readonly [feature: Feature, path: ReadonlyArray<string | number>]> => [
  ...(metric.where === undefined ? [] : [["where", ["where"]] as const]),
  ...Object.entries(metric.sources ?? {}).flatMap(([name, source]) =>
    (isMany(source) ? source : [source]).flatMap((one, i) =>
      one.where === undefined
        ? []
        : [["where", ["sources", name, ...(isMany(source) ? [i] : []), "where"]] as const]
    )
  ),
  ...(metric.delay === undefined ? [] : [["window", ["delay"]] as const]),
  ...(metric.window === undefined ? [] : [["window", ["window"]] as const]),
  ...(metric.covariate === undefined ? [] : [["covariate", ["covariate"]] as const]),
  ...(metric.cap === undefined ? [] : [["cap", ["cap"]] as const])
]

/** An aggregation bound to a metric, after the exposure and, where the metric looks back, before it. */
const bindTo = (
  metric: Metric,
  aggregation: Aggregation,
  options: unknown,
  sources: CheckedMetric["sources"]
): CheckedMetric["bound"] => {
  const bind = (window: Window): BoundAggregation =>
    aggregation.bind(options, {
      window,
      sources: Object.fromEntries(Object.entries(sources).map(([name, all]) => [name, all.map(({ event }) => event)]))
    })
  const lookback = metric.covariate !== undefined && "lookback" in metric.covariate
    ? Duration.toMillis(metric.covariate.lookback)
    : undefined
  return {
    outcome: bind(windowOf(metric)),
    before: lookback === undefined ? [] : bind({ from: -lookback, to: 0 }).columns,
    lookback
  }
}

/** What was thrown in an aggregation, as a text; a Schema wraps what its checks throw. */
const told = (thrown: unknown): string =>
  String(thrown instanceof Error && Cause.isCause(thrown.cause) ? Cause.squash(thrown.cause) : thrown)

/** What an aggregation does with a metric, or what is to be told when it throws. */
const asking = <A>({ name, version }: Aggregation, what: () => A): Result.Result<A, ReadonlyArray<ValueIssue>> =>
  Result.mapError(Result.try(what), (thrown) => [{
    path: ["aggregation"],
    found: `${name} ${version}, which failed: ${told(thrown)}`,
    expected: "an aggregation that can be computed with these options",
    hint: "Mend the options, or ask the authors of the aggregation"
  }])

/** Everything that keeps a metric from being planned; paths start at the metric's definition. */
export const checkMetric = (
  metric: Metric,
  mapping: EventMapping,
  aggregations: ReadonlyMap<string, Aggregation>
): Result.Result<CheckedMetric, ReadonlyArray<ValueIssue>> => {
  const aggregation = aggregations.get(metric.aggregation)
  const sources = aggregation !== undefined && hasSources(aggregation)
    ? checkSources(metric, aggregation, mapping)
    : checkOnlySource(metric, aggregation, mapping)
  const issues: Array<ValueIssue> = Result.isFailure(sources) ? [...sources.failure] : []
  const named = metric.covariate !== undefined && "trait" in metric.covariate ? metric.covariate.trait : undefined
  const trait = named === undefined ? undefined : resolveProperty(named, mapping)
  if (trait !== undefined && Result.isFailure(trait)) {
    issues.push({ path: ["covariate", "trait"], found: `"${named}"`, ...trait.failure })
  }
  if (aggregation === undefined) {
    const hint = suggest(metric.aggregation, aggregations.keys())
    issues.push({
      path: ["aggregation"],
      found: `"${metric.aggregation}"`,
      expected: `one of the configured aggregations: ${nameList(aggregations.keys())}`,
      ...(hint === undefined ? {} : { hint })
    })
    return Result.fail(issues)
  }
  for (const [feature, path] of asked(metric)) {
    if (!aggregation.features.includes(feature)) {
      issues.push({
        path,
        at: "key",
        found: `the key "${path.at(-1)}"`,
        expected: `no such key, since "${aggregation.name}" takes no ${feature}`
      })
    }
  }
  const options = Result.flatMap(
    asking(aggregation, () => decode(aggregation.options, metric.options ?? {})),
    Result.mapError((wrong) => under(["options"], wrong))
  )
  if (Result.isFailure(options)) issues.push(...options.failure)
  if (
    issues.length > 0 || Result.isFailure(options) || Result.isFailure(sources) ||
    (trait !== undefined && Result.isFailure(trait))
  ) return Result.fail(issues)
  return Result.map(
    asking(aggregation, () => bindTo(metric, aggregation, options.success, sources.success)),
    (bound) => ({ aggregation, options: options.success, sources: sources.success, trait: trait?.success, bound })
  )
}

/** Everything that is wrong with an experiment by itself; paths start at its definition. */
export const checkExperiment = (
  experiment: Experiment,
  metrics: Iterable<string>,
  mapping: EventMapping
): ReadonlyArray<ValueIssue> => {
  const { environment, feature, variants } = experiment
  const issues: Array<ValueIssue> = [...unboundTexts({ environment, feature, variants })]
  const keys = experiment.variants.map((variant) => variant.key)
  const known = [...metrics]
  keys.forEach((key, i) => {
    if (keys.indexOf(key) !== i) {
      issues.push({ path: ["variants", i, "key"], found: `"${key}" a second time`, expected: "a key for each variant" })
    }
  })
  if (keys.length < 2 || keys.length > maximumArms) {
    issues.push({ path: ["variants"], found: `${keys.length}`, expected: `2 to ${maximumArms} variants` })
  }
  if (!keys.includes(experiment.control)) {
    const hint = suggest(experiment.control, keys)
    issues.push({
      path: ["control"],
      found: `"${experiment.control}"`,
      expected: `one of the variants: ${nameList(keys)}`,
      ...(hint === undefined ? {} : { hint })
    })
  }
  if (experiment.variants.every((variant) => variant.share === 0)) {
    issues.push({
      path: ["variants"],
      found: "shares that are all 0",
      expected: "a positive share of at least one variant"
    })
  }
  if (
    experiment.ended_at !== undefined &&
    Instant.toMillis(experiment.ended_at) <= Instant.toMillis(experiment.started_at)
  ) {
    issues.push({
      path: ["ended_at"],
      found: `"${experiment.ended_at}"`,
      expected: `a time after started_at (${experiment.started_at})`
    })
  }
  const slices = checkSlices(experiment.slices ?? [], mapping)
  if (Result.isFailure(slices)) issues.push(...slices.failure)
  const strata = checkSlices(experiment.stratify === undefined ? [] : [experiment.stratify], mapping)
  if (Result.isFailure(strata)) issues.push(...strata.failure.map((issue) => ({ ...issue, path: ["stratify"] })))
  experiment.metrics.forEach(({ metric }, i) => {
    if (!known.includes(metric)) {
      const hint = suggest(metric, known)
      issues.push({
        path: ["metrics", i, "metric"],
        found: `"${metric}"`,
        expected: known.length === 0
          ? "the key of a defined metric; there is none"
          : `the key of a defined metric: ${nameList(known)}`,
        ...(hint === undefined ? {} : { hint })
      })
    } else if (experiment.metrics.findIndex((use) => use.metric === metric) !== i) {
      issues.push({ path: ["metrics", i, "metric"], found: `"${metric}" a second time`, expected: "each metric once" })
    }
  })
  const identities = Object.keys(mapping.identities).filter(
    (name) => mapping.exposures === undefined || Object.hasOwn(mapping.exposures.identities, name)
  )
  if (experiment.identity !== undefined && !identities.includes(experiment.identity)) {
    const hint = suggest(experiment.identity, identities)
    issues.push({
      path: ["identity"],
      found: `"${experiment.identity}"`,
      expected: `an identity that events and exposures have: ${nameList(identities)}`,
      ...(hint === undefined ? {} : { hint })
    })
  }
  return issues
}

/** The position of a value in a list, by structure; it is put at the end when it isn't there yet. */
export const intern = <A>(list: Array<A>, value: A): number => {
  const text = JSON.stringify(value)
  const found = list.findIndex((other) => JSON.stringify(other) === text)
  return found >= 0 ? found : list.push(value) - 1
}

/**
 * Whether repeated rows can't change a thing, so that they needn't be looked for: no accumulator counts them, and nothing
 * is read in which two rows of the same event may differ. Else what a metric gets would hang on the others of its statement.
 */
const isIndifferent = (
  { columns, deduplication }: EventMapping,
  streams: ReadonlyArray<Stream>,
  planned: ReadonlyArray<PlannedAccumulator>
): boolean => {
  const same = new Set([columns.event, columns.timestamp, columns.value, ...(deduplication.columns ?? [])])
  return deduplication.policy !== "id" &&
    planned.every(({ accumulator }) => isIdempotent(accumulator)) &&
    streams.every(({ conditions, value }) =>
      value === undefined && conditions.every(({ property }) => same.has(property.column))
    )
}

/** Where the conversion window of a metric lies. */
const windowOf = ({ delay, window }: Metric): Window => {
  const from = delay === undefined ? 0 : Duration.toMillis(delay)
  return { from, to: window === undefined ? null : from + Duration.toMillis(window) }
}

/** Whether events count from the first exposure to the end of the experiment. */
export const isAlways = ({ from, to }: Window): boolean => from === always.from && to === always.to

/** The lists that a plan is put together in. */
interface Lists {
  readonly streams: Array<Stream>
  readonly accumulators: Array<PlannedAccumulator>
  readonly traits: Array<Property>
  readonly constants: Array<PlannedConstant>
}

/** Puts the accumulators of a metric into the lists, and gives their places in its columns. */
const planColumns = (lists: Lists, sources: CheckedMetric["sources"]) => {
  const stream = ({ position, reads, source, window }: Accumulated["events"][number]): number => {
    const { conditions, event, value } = sources[source]![position]!
    return intern(lists.streams, { event, conditions, value: reads === "nothing" ? undefined : value, reads, window })
  }
  return (column: UnitColumn): PlannedColumn =>
    mapAccumulators<PlannedLeaf>(column, ({ accumulator, events }) => ({
      kind: "planned",
      index: intern(lists.accumulators, { streams: events.map(stream), accumulator })
    }))
}

/** Unit values above a constant by no more than so many times it aren't: they are sums, whose last digits depend on the order of addition. */
const tolerance = 1e-12

const number = (value: number): PlannedColumn => ({ kind: "constant", value })

/**
 * The columns of a metric's `measure` with a cap on the first of its own and of its covariate's (which is at `before`), and what it would be without.
 */
const capped = (
  lists: Lists,
  cap: Cap,
  measure: Measure,
  before: number | undefined
): { readonly columns: Measure["columns"]; readonly cap: PlannedCap } => {
  const { columns, ripeUntil } = measure
  const quantile = typeof cap === "number" ? undefined : cap.quantile
  const limit: PlannedColumn = typeof cap === "number" ? number(cap) : {
    kind: "found",
    index: intern(lists.constants, {
      kind: "quantile",
      level: cap.quantile,
      column: columns[0]!,
      ripeUntil,
      of: "nonzero",
      over: "arms"
    })
  }
  const most: PlannedColumn = quantile === undefined ? limit : { kind: "greatest", left: limit, right: number(0) }
  const bound: PlannedColumn = { kind: "multiply", left: most, right: number(1 + tolerance) }
  const isWithin: PlannedColumn = { kind: "atLeast", left: bound, right: columns[0]! }
  return {
    columns: columns.map((column, i) =>
      i === 0 || i === before ? { kind: "least", left: column, right: most } : column
    ),
    cap: {
      quantile,
      limit,
      uncapped: { ...measure, columns: [...columns, { kind: "subtract", left: number(1), right: isWithin }] }
    }
  }
}

/** What a quantile is taken of: a column, or the list of an accumulator. */
const placeWhole = (place: (column: UnitColumn) => PlannedColumn, of: UnitColumn | UnitValues): PlannedColumn => {
  if (of.kind !== "values") return place(of)
  const placed = place(of.of)
  return placed.kind === "planned" ? { kind: "list", index: placed.index } : placed
}

/** The columns of a quantile of what identities have: a number each, or any number of them. */
const planQuantile = (
  { constants }: Lists,
  level: number,
  column: PlannedColumn,
  ripeUntil: number | undefined
): { readonly quantile: PlannedQuantile; readonly columns: ReadonlyArray<PlannedColumn> } => {
  const around = levelsAround(level)
  const constant = intern(constants, {
    kind: "quantile",
    level,
    around,
    column,
    ripeUntil,
    of: "all",
    over: "arm"
  })
  const limit: PlannedColumn = { kind: "found", index: constant }
  const times = (factor: number): PlannedColumn => ({ kind: "multiply", left: limit, right: number(factor) })
  const most: PlannedColumn = { kind: "greatest", left: times(1 - tolerance), right: times(1 + tolerance) }
  return {
    quantile: { level, around, constant },
    columns: column.kind === "list"
      ? [{ kind: "atMost", index: column.index, limit }, { kind: "size", index: column.index }]
      : [{ kind: "atLeast", left: most, right: column }, number(1)]
  }
}

/** The accumulator of the plan that a leaf is of. */
export const accumulatorOf = (leaf: PlannedLeaf): number | undefined => {
  switch (leaf.kind) {
    case "planned":
    case "list":
    case "size":
    case "atMost":
      return leaf.index
    default:
      return undefined
  }
}

/** The leaves that a planned column is built of. */
export const leaves = (column: PlannedColumn): ReadonlyArray<PlannedLeaf> =>
  column.kind === "constant"
    ? []
    : "left" in column
    ? [...leaves(column.left), ...leaves(column.right)]
    : [column]

/** The streams that columns look at. */
const streamsOf = (lists: Lists, columns: ReadonlyArray<PlannedColumn>): ReadonlyArray<number> => [
  ...new Set(
    columns.flatMap(leaves).flatMap((leaf) => {
      const index = accumulatorOf(leaf)
      return index === undefined ? [] : lists.accumulators[index]!.streams
    })
  )
]

/**
 * The latest first exposure whose identity is old enough for columns over these windows: each is over by `asOf`, or, where it
 * runs to the end of the experiment, has begun before that end.
 */
const ripeUntil = (windows: ReadonlyArray<Window>, to: number, asOf: number): number | undefined => {
  const latest = Math.min(...windows.map((window) => (window.to === null ? to - 1 - window.from : asOf - window.to)))
  return latest >= to - 1 ? undefined : latest
}

/** How long after its first exposure an identity is old enough for columns over these windows, in milliseconds. */
const ageOf = (windows: ReadonlyArray<Window>): number =>
  Math.max(0, ...windows.map(({ from, to }) => to ?? (from > 0 ? from + 1 : 0)))

/** What an experiment is broken down by, or what is wrong with it; paths start at the experiment's definition. */
const checkSlices = (
  slices: ReadonlyArray<string>,
  mapping: EventMapping
): Result.Result<ReadonlyArray<PlannedBreakdown>, ReadonlyArray<ValueIssue>> => {
  const issues: Array<ValueIssue> = []
  const breakdowns: Array<PlannedBreakdown> = []
  slices.forEach((dimension, i) => {
    const property = resolveProperty(dimension, mapping)
    if (Result.isFailure(property)) {
      issues.push({ path: ["slices", i], found: `"${dimension}"`, ...property.failure })
    } else if (slices.indexOf(dimension) !== i) {
      issues.push({ path: ["slices", i], found: `"${dimension}" a second time`, expected: "each property once" })
    } else {
      breakdowns.push({ dimension, property: property.success, values: [], distinct: 0 })
    }
  })
  return issues.length > 0 ? Result.fail(issues) : Result.succeed(breakdowns)
}

/** So many identities are told apart by a part of them. */
const sampleOf = 10_000

/** The plan of a part of whole identities: `share` of them, 0.0001 to 1, drawn by their hashes and so the same every time. */
export const sampled = (plan: Plan, share: number): Plan => ({
  ...plan,
  part: { of: sampleOf, from: 0, to: Math.min(sampleOf, Math.max(1, Math.round(share * sampleOf))) }
})

/** The plans of so many parts of the identities, which make the whole: their answers' rows together are an answer to the plan. */
export const chunked = (plan: Plan, chunks: number): ReadonlyArray<Plan> =>
  Array.from({ length: chunks }, (_, i) => ({ ...plan, part: { of: chunks, from: i, to: i + 1 } }))

/** The plan with the values of its breakdowns that get a slice of their own, largest first, and how many there are. */
export const withSliceValues = (
  plan: Plan,
  found: ReadonlyArray<Pick<PlannedBreakdown, "values" | "distinct">>
): Plan => ({
  ...plan,
  breakdowns: plan.breakdowns.map((breakdown, i) => ({
    ...breakdown,
    values: found[i]?.values.slice(0, mostValues) ?? [],
    distinct: found[i]?.distinct ?? 0
  }))
})

/**
 * Plans an experiment: metrics that look at the same events share a stream, and equal accumulators of a stream are kept
 * once. Fails with a PlanError that names the experiment and the metric.
 */
export const plan = (input: PlanInput): Result.Result<Plan, PlanError> => {
  const { experiment, mapping } = input
  const fail = (message: string, hint: string, metric?: string) =>
    Result.fail(
      new PlanError({ experiment: experiment.key, message, hint, ...(metric === undefined ? {} : { metric }) })
    )
  const sentence = (issue: ValueIssue) => `${issue.path.join(".")}: found ${issue.found}, expected ${issue.expected}`
  const [unmapped] = checkMapping(mapping)
  if (unmapped !== undefined) {
    return fail(`The event table's mapping: ${sentence(unmapped)}`, unmapped.hint ?? "Mend it in the configuration")
  }
  const [issue] = checkExperiment(experiment, input.metrics.keys(), mapping)
  if (issue !== undefined) {
    return fail(`Experiment ${experiment.key}: ${sentence(issue)}`, issue.hint ?? "Mend the experiment's definition")
  }
  const from = Instant.toMillis(experiment.started_at)
  const ended = experiment.ended_at === undefined ? input.asOf : Instant.toMillis(experiment.ended_at)
  const to = Math.min(input.asOf, ended)
  if (to <= from) {
    return fail(
      `Experiment ${experiment.key} hasn't started: it starts at ${experiment.started_at}`,
      "Run it again after the start, or mend started_at"
    )
  }
  const lists: Lists = { streams: [], accumulators: [], traits: [], constants: [] }
  const metrics: Array<PlannedMetric> = []
  for (const use of experiment.metrics) {
    const metric = input.metrics.get(use.metric)!
    const checked = checkMetric(metric, mapping, input.aggregations)
    if (Result.isFailure(checked)) {
      const [first] = checked.failure
      return fail(
        `Metric ${metric.key}: ${sentence(first!)}`,
        first!.hint ?? "Mend the metric's definition",
        metric.key
      )
    }
    const { aggregation, bound: { before, lookback, outcome }, options, sources } = checked.success
    const made = new Set([...outcome.columns, ...before].flatMap(accumulators).map((one) => JSON.stringify(one))).size
    if (made > maximumAccumulators) {
      return fail(
        `Metric ${metric.key}: "${aggregation.name}" makes its value of ${made} aggregates of events, more than the ` +
          `${maximumAccumulators} that one metric may have`,
        "Split it into several metrics, or ask the authors of the aggregation",
        metric.key
      )
    }
    const place = planColumns(lists, sources)
    const whole = outcome.quantile === undefined ? undefined : placeWhole(place, outcome.quantile.of)
    const counted = whole === undefined ? outcome.columns.map(place) : [whole]
    const reported = outcome.reported.map(({ columns, name }) => ({ name, columns: columns.map(place) }))
    const streams = streamsOf(lists, [...counted, ...reported.flatMap(({ columns }) => columns)])
    const trait = checked.success.trait === undefined ? undefined : intern(lists.traits, checked.success.trait)
    const extra: ReadonlyArray<PlannedColumn> = trait === undefined
      ? before.map(place)
      : [{ kind: "trait", index: trait }, { kind: "hasTrait", index: trait }]
    const windows = streams.map((stream) => lists.streams[stream]!.window)
    const [ripe, age] = [ripeUntil(windows, to, input.asOf), ageOf(windows)]
    const planned = whole === undefined ? undefined : planQuantile(lists, outcome.quantile!.level, whole, ripe)
    const own = planned?.columns ?? counted
    const measure: Measure = { columns: [...own, ...extra], ripeUntil: ripe, age }
    const { cap, columns } = metric.cap === undefined
      ? { cap: undefined, columns: measure.columns }
      : capped(lists, metric.cap, measure, lookback === undefined ? undefined : own.length)
    metrics.push({
      ...measure,
      key: metric.key,
      description: metric.description,
      role: use.role,
      direction: metric.direction,
      aggregation: aggregation.name,
      version: aggregation.version,
      estimand: outcome.estimand,
      floors: aggregation.floors,
      display: aggregation.display,
      streams,
      columns,
      cap,
      covariate: metric.covariate === undefined ? undefined : {
        columns: {
          numerator: own.length,
          ...(extra.length > 1 ? { denominator: own.length + 1 } : {})
        },
        of: lookback === undefined ? { trait: (metric.covariate as { readonly trait: string }).trait } : { lookback }
      },
      quantile: planned?.quantile,
      reported: reported.map(({ columns, name }) => ({ name, measure: { columns, ripeUntil: ripe, age } })),
      findings: (of) =>
        Result.getOrThrowWith(
          Result.try(() => aggregation.findings(of, options)),
          (cause) =>
            new Error(
              `the aggregation ${aggregation.name} ${aggregation.version} fails where it tells its findings about the metric ` +
                `${metric.key}: ${String(cause)}`
            )
        )
    })
  }
  const { constants, streams, traits } = lists
  const breakdowns = checkSlices(dimensionsOf(experiment, input.slices), mapping)
  if (Result.isFailure(breakdowns)) {
    const [first] = breakdowns.failure
    return fail(`Slices: ${sentence(first!)}`, first!.hint ?? "Mend it in the configuration")
  }
  if (new Set(streams.map(({ conditions }) => JSON.stringify(conditions))).size > maximumFilterLists) {
    return fail(
      `Experiment ${experiment.key}: its metrics have more than ${maximumFilterLists} different lists of filters`,
      "Split the metrics over several experiments on the same feature"
    )
  }
  return Result.succeed({
    experiment,
    mapping,
    identity: experiment.identity ?? Object.keys(mapping.identities)[0]!,
    from,
    to,
    reads: {
      from: from + Math.min(0, ...streams.map(({ window }) => window.from)),
      to: Math.min(input.asOf, Math.max(to, ...streams.map(({ window }) => ended + (window.to ?? 0))))
    },
    arms: experiment.variants.map((variant) => variant.key),
    streams,
    accumulators: lists.accumulators,
    traits,
    constants,
    breakdowns: breakdowns.success,
    series: experiment.series ?? input.series ?? false ? seriesOf(from, to) : undefined,
    metrics,
    deduplication: isIndifferent(mapping, streams, lists.accumulators) ? { policy: "none" } : mapping.deduplication
  })
}
