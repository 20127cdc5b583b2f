/** From definitions to a plan: which events are read, which accumulators are kept per identity, which moments come out. */
import {
  decode,
  type Direction,
  type Display,
  type EstimandKind,
  type EventMapping,
  type Experiment,
  type Floor,
  Instant,
  type Metric,
  nameList,
  PlanError,
  type Role,
  suggest,
  type ValueIssue
} from "@assay/model"
import { Result } from "effect"
import type { Aggregation } from "./Aggregation.ts"
import { checkFilter, type Condition } from "./Filter.ts"
import { type Property, resolveProperty, valueProperty } from "./Property.ts"
import { type Accumulator, accumulators, isIdempotent, type UnitColumn } from "./Unit.ts"

/** The events that one or more metrics look at: one event, the same filters, the same value. */
export interface Stream {
  readonly event: string
  readonly conditions: ReadonlyArray<Condition>
  /** The number that each event must carry, or undefined where none is read. */
  readonly value: Property | undefined
}

/** An accumulator over one stream, kept per identity. */
export interface PlannedAccumulator {
  readonly stream: number
  readonly accumulator: Accumulator
}

/** A metric with its stream and its unit columns; `accumulators[i]` lists, in order, those that unit column i is built of. */
export interface PlannedMetric {
  readonly key: string
  readonly description: string | undefined
  readonly role: Role
  readonly direction: Direction
  readonly aggregation: string
  readonly version: string
  readonly estimand: EstimandKind
  readonly floors: ReadonlyArray<Floor>
  readonly display: Display
  readonly stream: number
  readonly columns: ReadonlyArray<UnitColumn>
}

/** Everything a statement is made of: plain data. Times are milliseconds since 1970-01-01 UTC, the window is [from, to). */
export interface Plan {
  readonly experiment: Experiment
  readonly mapping: EventMapping
  readonly identity: string
  readonly from: number
  readonly to: number
  readonly arms: ReadonlyArray<string>
  readonly streams: ReadonlyArray<Stream>
  readonly accumulators: ReadonlyArray<PlannedAccumulator>
  readonly metrics: ReadonlyArray<PlannedMetric>
  /** `none` also where no metric could be changed by a repeated row. */
  readonly deduplication: EventMapping["deduplication"]
}

/** More arms than this don't fit the set of variants that is kept per identity. */
export const maximumArms = 63

/** Names that begin so belong to the statement: no mapped column may have one. */
export const ownPrefix = "assay_"

/** More different lists of filters than this don't fit the number that stands for an event whose value can't be used. */
export const maximumFilterLists = 240

/** What a plan is made of. `asOf` (milliseconds) ends the window of an experiment that hasn't ended. */
export interface PlanInput {
  readonly experiment: Experiment
  readonly metrics: ReadonlyMap<string, Metric>
  readonly mapping: EventMapping
  readonly aggregations: ReadonlyMap<string, Aggregation>
  readonly asOf: number
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

/** Everything that keeps a metric from being planned; paths start at the metric's definition. */
export const checkMetric = (
  metric: Metric,
  mapping: EventMapping,
  aggregations: ReadonlyMap<string, Aggregation>
): Result.Result<
  { readonly aggregation: Aggregation; readonly stream: Stream; readonly options: unknown },
  ReadonlyArray<ValueIssue>
> => {
  const issues: Array<ValueIssue> = [...unboundTexts({ event: metric.event, value: metric.value, where: metric.where })]
  const conditions: Array<Condition> = []
  metric.where?.forEach((filter, i) => {
    const checked = checkFilter(filter, mapping)
    if (Result.isSuccess(checked)) conditions.push(checked.success)
    else issues.push(...checked.failure.map((issue) => ({ ...issue, path: ["where", i, ...issue.path] })))
  })
  const value = resolveProperty(metric.value ?? valueProperty, mapping)
  if (Result.isFailure(value)) issues.push({ path: ["value"], found: `"${metric.value}"`, ...value.failure })
  if (metric.event === mapping.exposure_event && mapping.exposures === undefined) {
    issues.push({
      path: ["event"],
      found: `"${metric.event}"`,
      expected: "an event that isn't the exposure itself",
      hint: "An exposure's value is the variant, so it can't be measured"
    })
  }
  const aggregation = aggregations.get(metric.aggregation)
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
  if (aggregation.reads === "nothing" && metric.value !== undefined) {
    issues.push({
      path: ["value"],
      found: `"${metric.value}"`,
      expected: `nothing, since "${aggregation.name}" reads no value`,
      hint: "Leave it out, or choose an aggregation that reads one"
    })
  }
  const options = decode(aggregation.options, metric.options ?? {})
  if (Result.isFailure(options)) {
    issues.push(...options.failure.map((issue) => ({ ...issue, path: ["options", ...issue.path] })))
  }
  return issues.length > 0 || Result.isFailure(options) || Result.isFailure(value)
    ? Result.fail(issues)
    : Result.succeed({
      aggregation,
      options: options.success,
      stream: { event: metric.event, conditions, value: aggregation.reads === "value" ? value.success : undefined }
    })
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
const intern = <A>(list: Array<A>, value: A): number => {
  const text = JSON.stringify(value)
  const found = list.findIndex((other) => JSON.stringify(other) === text)
  return found >= 0 ? found : list.push(value) - 1
}

/** The position of an accumulator of a stream among those of the plan. */
export const accumulatorIndex = (
  plan: Pick<Plan, "accumulators">,
  stream: number,
  accumulator: Accumulator
): number => {
  const text = JSON.stringify(accumulator)
  return plan.accumulators.findIndex((other) => other.stream === stream && JSON.stringify(other.accumulator) === text)
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
  const to = experiment.ended_at === undefined
    ? input.asOf
    : Math.min(input.asOf, Instant.toMillis(experiment.ended_at))
  if (to <= from) {
    return fail(
      `Experiment ${experiment.key} hasn't started: it starts at ${experiment.started_at}`,
      "Run it again after the start, or mend started_at"
    )
  }
  const streams: Array<Stream> = []
  const planned: Array<PlannedAccumulator> = []
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
    const { aggregation, options } = checked.success
    const bound = Result.try(() => aggregation.bind(options))
    if (Result.isFailure(bound)) {
      return fail(
        `Metric ${metric.key}: the aggregation ${aggregation.name} ${aggregation.version} failed: ${
          String(bound.failure)
        }`,
        "Ask the authors of the aggregation",
        metric.key
      )
    }
    const stream = intern(streams, checked.success.stream)
    for (const column of bound.success.columns) {
      for (const accumulator of accumulators(column)) intern(planned, { stream, accumulator })
    }
    metrics.push({
      key: metric.key,
      description: metric.description,
      role: use.role,
      direction: metric.direction,
      aggregation: aggregation.name,
      version: aggregation.version,
      estimand: bound.success.estimand,
      floors: aggregation.floors,
      display: aggregation.display,
      stream,
      columns: bound.success.columns
    })
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
    arms: experiment.variants.map((variant) => variant.key),
    streams,
    accumulators: planned,
    metrics,
    deduplication: isIndifferent(mapping, streams, planned) ? { policy: "none" } : mapping.deduplication
  })
}
