/** A name for everything that decides the numbers of an experiment. */
import {
  type DecisionPolicy,
  defaultDecisionPolicy,
  defaultMultiplicity,
  dimensionsOf,
  type EventMapping,
  type Experiment,
  Instant,
  type Metric,
  type Multiplicity
} from "@assay/model"
import { createHash } from "node:crypto"
import type { Defaults } from "./config.ts"

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** JSON with sorted keys, so that equal values have equal text. Keys that hold undefined are left out, as in JSON. */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`
  if (!isMapping(value)) return JSON.stringify(value ?? null)
  const entries = Object.keys(value).toSorted().filter((key) => value[key] !== undefined)
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)
  return `{${entries.join(",")}}`
}

/** What is computed beside the totals, left out where that is nothing. */
const parts = (experiment: Experiment, defaults: PartsDefaults) => {
  const slices = dimensionsOf(experiment, defaults.slices)
  return {
    slices: slices.length === 0 ? undefined : slices,
    series: (experiment.series ?? defaults.series) === true ? true : undefined
  }
}

type PartsDefaults = Partial<Pick<Defaults, "slices" | "series">>

/** What of an experiment decides its numbers: times as milliseconds, defaults written out, no descriptions, no schedule. */
const essentials = (experiment: Experiment, mapping: EventMapping, defaults: PartsDefaults) => ({
  ...experiment,
  ...parts(experiment, defaults),
  description: undefined,
  refresh: undefined,
  started_at: Instant.toMillis(experiment.started_at),
  ended_at: experiment.ended_at === undefined ? null : Instant.toMillis(experiment.ended_at),
  identity: experiment.identity ?? Object.keys(mapping.identities)[0],
  multiple_variants: experiment.multiple_variants ?? "quarantine",
  variants: experiment.variants.map(({ key, share }) => ({ key, share }))
})

/** A policy where it isn't the default one, so that results of before there was one can still be compared. */
const changed = <A>(policy: A | undefined, byDefault: A): A | undefined =>
  policy === undefined || canonicalJson(policy) === canonicalJson(byDefault) ? undefined : policy

const metricEssentials = (metric: Metric) => ({
  ...metric,
  description: undefined,
  where: metric.where ?? [],
  options: metric.options ?? {}
})

/**
 * SHA-256, in hexadecimal, of what decides an experiment's numbers: the experiment, the metrics that it uses, the mapping,
 * the versions of their aggregations, engine, confidence, slices and series, and what a decision takes. The order of keys, comments, descriptions, other metrics and
 * the ways to write one moment don't matter; the order of lists does.
 *
 * @param input.metrics metrics by key; those that the experiment doesn't use are ignored
 * @param input.aggregations aggregations by name; those that its metrics don't use are ignored
 */
export const definitionHash = (input: {
  readonly experiment: Experiment
  readonly metrics: ReadonlyMap<string, Metric>
  readonly mapping: EventMapping
  readonly aggregations: ReadonlyMap<string, { readonly version: string }>
  readonly defaults: Pick<Defaults, "engine" | "confidence"> & PartsDefaults
  readonly decision?: DecisionPolicy
  readonly multiplicity?: Multiplicity
}): string => {
  const { experiment, mapping, defaults } = input
  const metrics = experiment.metrics.map(({ metric }) => input.metrics.get(metric)).filter((metric) =>
    metric !== undefined
  )
  const text = canonicalJson({
    experiment: essentials(experiment, mapping, defaults),
    metrics: metrics.map(metricEssentials),
    mapping,
    aggregations: Object.fromEntries(
      metrics.map(({ aggregation }) => [aggregation, input.aggregations.get(aggregation)?.version ?? null])
    ),
    engine: typeof defaults.engine === "object" && Object.keys(defaults.engine).length === 1
      ? defaults.engine.name
      : defaults.engine,
    confidence: defaults.confidence,
    decision: changed(input.decision, defaultDecisionPolicy),
    multiplicity: changed(input.multiplicity, defaultMultiplicity)
  })
  return createHash("sha256").update(text).digest("hex")
}
