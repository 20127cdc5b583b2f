/** What definitions may say but probably don't mean. */
import { resolveProperty } from "@assay/aggregation"
import {
  type DefinitionIssue,
  describe,
  type Experiment,
  type Metric,
  type Source,
  type ValueIssue
} from "@assay/model"
import { Result } from "effect"
import { type DefinitionContext, locate, type Located } from "./Located.ts"

const isMany = (source: Source | ReadonlyArray<Source>): source is ReadonlyArray<Source> => Array.isArray(source)

/** The properties that a metric reads from its events, each with the path to it. */
const valuesOf = (metric: Metric): ReadonlyArray<readonly [path: ReadonlyArray<string | number>, value: string]> => [
  ...(metric.value === undefined ? [] : [[["value"], metric.value] as const]),
  ...Object.entries(metric.sources ?? {}).flatMap(([name, sources]) => {
    const isList = isMany(sources)
    return (isList ? sources : [sources]).flatMap(({ value }, i) =>
      value === undefined ? [] : [[["sources", name, ...(isList ? [i] : []), "value"], value] as const]
    )
  })
]

/** Under the policy `row`, events that differ only in a column that isn't compared count as one. */
const lostValues = (metric: Metric, { mapping }: DefinitionContext): ReadonlyArray<ValueIssue> =>
  mapping.deduplication.policy !== "row" ? [] : valuesOf(metric).flatMap(([path, value]) => {
    const property = resolveProperty(value, mapping)
    if (Result.isFailure(property)) return []
    const { column } = property.success
    const compared = [mapping.columns.value, ...(mapping.deduplication.columns ?? [])]
    return compared.includes(column) ? [] : [{
      path,
      found: `${describe(value)} from the column ${describe(column)}, which doesn't tell repeated rows from events`,
      expected: `${describe(column)} in events.deduplication.columns`,
      hint: "Without it, two events of one identity in the same millisecond that differ only there count as one; " +
        "or map an event id and use the policy \"id\""
    }]
  })

const unused = (metric: Metric, used: ReadonlySet<string>): ReadonlyArray<ValueIssue> =>
  used.has(metric.key)
    ? []
    : [{
      path: ["key"],
      found: `${describe(metric.key)}, which no experiment uses`,
      expected: "an experiment that does"
    }]

const goals = (
  experiment: Experiment,
  metrics: ReadonlyMap<string, Located<Metric>>
): ReadonlyArray<ValueIssue> => {
  if (experiment.metrics.every(({ role }) => role !== "goal")) {
    return [{
      path: ["metrics"],
      found: "no metric in the role goal",
      expected: "one that decides",
      hint: "Write { metric: …, role: goal } for it; text alone is secondary"
    }]
  }
  return experiment.metrics.flatMap(({ metric, role }, i) =>
    role === "goal" && metrics.get(metric)?.value.direction === "informational"
      ? [{
        path: ["metrics", i, "role"],
        found: `the goal ${describe(metric)}, whose direction is informational`,
        expected: "a goal with the direction up or down",
        hint: "Neither arm can win by it: say which way is good in the metric, or make it secondary here"
      }]
      : []
  )
}

/** A margin has no side where no way is good. */
const margins = (
  experiment: Experiment,
  metrics: ReadonlyMap<string, Located<Metric>>
): ReadonlyArray<ValueIssue> =>
  experiment.metrics.flatMap(({ margin, metric }, i) =>
    margin !== undefined && metrics.get(metric)?.value.direction === "informational"
      ? [{
        path: ["metrics", i, "margin"],
        found: `a margin of ${describe(metric)}, whose direction is informational`,
        expected: "a metric with the direction up or down",
        hint: "Without a good way there is neither a loss to bear nor a gain to ask for: the margin is ignored"
      }]
      : []
  )

/** Warnings about good definitions, at their places in the files. */
export const warningsOf = (
  experiments: ReadonlyMap<string, Located<Experiment>>,
  metrics: ReadonlyMap<string, Located<Metric>>,
  context: DefinitionContext
): ReadonlyArray<DefinitionIssue> => {
  const used = new Set([...experiments.values()].flatMap(({ value }) => value.metrics.map(({ metric }) => metric)))
  return [
    ...[...experiments.values()].flatMap((located) =>
      [...goals(located.value, metrics), ...margins(located.value, metrics)].map((issue) => locate(located, issue))
    ),
    ...[...metrics.values()].flatMap((located) =>
      [...lostValues(located.value, context), ...unused(located.value, used)].map((issue) => locate(located, issue))
    )
  ]
}
