/** `assay explain`: what a recompute would do, and what it would read. */
import {
  compile,
  compileConstants,
  isSharded,
  type Plan,
  type PlannedMetric,
  Shared,
  Stored,
  strategyOf,
  type Stream,
  tableName,
  withConstants
} from "@assay/aggregation"
import type { ResolvedConfig } from "@assay/definitions"
import { Duration, formatIssue, Instant, type Statement } from "@assay/model"
import { type Saving, savingsOf, statementHash } from "@assay/pipeline"
import { overLimit, Warehouse } from "@assay/warehouse"
import { Clock, Effect, Option, Result } from "effect"
import { bytesText } from "../cost.ts"
import { warehouseLayer } from "../engine.ts"
import { print, printJson } from "../output.ts"
import { planOf } from "../planning.ts"
import { loadDefinitions } from "../project.ts"
import { explainReads } from "./explainReads.ts"
import { chooseExperiments } from "./recompute.ts"

const counted = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`

const clusterLine = (planned: Plan): ReadonlyArray<string> => {
  const { cluster } = planned.mapping
  if (cluster === undefined) return []
  return [
    isSharded(planned)
      ? `Cluster     ${cluster.name}, sharded by ${planned.identity}: each shard works on its own part, and only ${
        planned.constants.length === 0 ? "sums travel" : "sums and the values that quantiles are of travel"
      }`
      : `Cluster     ${cluster.name}, not sharded by ${planned.identity}: every exposure and metric event of the window travels ` +
        "(about 20 bytes each) to the node that answers"
  ]
}

const windowText = ({ from, to }: Stream["window"]): string =>
  from === 0 && to === null
    ? ""
    : ` from ${from === 0 ? "exposure" : `${Duration.fromMillis(from)} after exposure`} ${
      to === null ? "on" : `to ${Duration.fromMillis(to)} after it`
    }`

const streamText = ({ conditions, event, reads, value, window }: Stream): string => {
  const of = value === undefined
    ? ""
    : `${reads === "text" ? "text of " : ""}${[value.column, ...value.path].join(".")} of `
  const filters = conditions.length === 0 ? "" : `, ${counted(conditions.length, "filter")}`
  return `${of}event ${JSON.stringify(event)}${filters}${windowText(window)}`
}

const covariateText = (covariate: PlannedMetric["covariate"]): string =>
  covariate === undefined
    ? ""
    : "trait" in covariate.of
    ? `, adjusted for the trait ${covariate.of.trait}`
    : `, adjusted for the ${Duration.fromMillis(covariate.of.lookback)} before exposure`

/** How a recompute comes by its answer where states are kept; nothing where they aren't. */
const refreshLines = (planned: Plan, incremental: ResolvedConfig["incremental"]): ReadonlyArray<string> => {
  if (incremental === undefined) return []
  const refused = Stored.refusal(planned)
  const { exposures, columns } = planned.mapping
  const by = columns.ingested === undefined || (exposures !== undefined && exposures.columns.ingested === undefined)
    ? "an event's own time, since not all tables map columns.ingested"
    : columns.ingested
  return [
    refused === undefined
      ? `Refresh     from its state and what is new by ${by}, ${Duration.fromMillis(incremental.lag)} ago and before`
      : `Refresh     reads all data, since ${refused}`
  ]
}

/** Whether an experiment may be read together with others; nothing where that isn't done. */
const togetherLines = (planned: Plan, { defaults, incremental }: ResolvedConfig): ReadonlyArray<string> => {
  if (incremental !== undefined || !defaults.shared_reads) return []
  const refused = Shared.refusal(planned)
  return [
    refused === undefined
      ? "Together    with experiments that read the same, where that saves reads; `assay explain --all` says which"
      : `Together    with no other experiment, since ${refused}`
  ]
}

const capText = (cap: PlannedMetric["cap"]): string =>
  cap === undefined
    ? ""
    : cap.quantile !== undefined
    ? `, capped at the ${cap.quantile} quantile of the values other than 0`
    : cap.limit.kind === "constant"
    ? `, capped at ${cap.limit.value}`
    : ""

const describePlan = (planned: Plan): ReadonlyArray<string> => {
  const { experiment, mapping } = planned
  const exposures = mapping.exposures === undefined
    ? `event ${JSON.stringify(mapping.exposure_event)} in ${tableName(mapping)}`
    : `table ${tableName(mapping.exposures)}`
  const policy = planned.deduplication.policy
  const strategy = strategyOf(planned)
  return [
    `Experiment  ${experiment.key} (feature ${experiment.feature}, environment ${experiment.environment})`,
    `Window      [${Instant.fromMillis(planned.from)}, ${Instant.fromMillis(planned.to)})`,
    `Identity    ${planned.identity}, column ${mapping.identities[planned.identity]}`,
    `Arms        ${
      experiment.variants.map(({ key, share }) => `${key}${key === experiment.control ? " (control)" : ""} ${share}`)
        .join(", ")
    }`,
    `Exposures   ${exposures}; seen in several variants: ${experiment.multiple_variants ?? "quarantine"}`,
    `Repeats     ${
      policy === "none"
        ? mapping.deduplication.policy === "none"
          ? "every row counts"
          : "not looked for: no metric here could change by them"
        : `policy ${policy}`
    }`,
    ...clusterLine(planned),
    "Metrics",
    ...planned.metrics.map((metric) => {
      const waits = metric.ripeUntil === undefined
        ? ""
        : `, identities exposed by ${Instant.fromMillis(metric.ripeUntil)}`
      return `  ${metric.key}: ${metric.aggregation} ${metric.version} over ${
        metric.streams.map((stream) => streamText(planned.streams[stream]!)).join(" and ")
      }; ${metric.estimand}${metric.quantile === undefined ? "" : ` at ${metric.quantile.level}`}${
        covariateText(metric.covariate)
      }${capText(metric.cap)}${waits}, ${metric.role}, ${metric.direction}`
    }),
    ...(planned.breakdowns.length === 0
      ? []
      : [`Slices      by ${planned.breakdowns.map(({ dimension }) => dimension).join(", ")}`]),
    ...(experiment.stratify === undefined
      ? []
      : [`Stratified  by ${experiment.stratify}: all arms are compared with the same mix of it`]),
    ...(planned.series === undefined
      ? []
      : [`Series      a point per ${planned.series.period}: ${strategy.because.series}`]),
    ...(planned.constants.length === 0
      ? []
      : [
        `First, a statement of its own finds ${
          counted(planned.constants.length, "quantile")
        }; it reads the exposures and the ` +
        "events that they are of."
      ]),
    `Strategy    exposures are read ${strategy.exposures}: ${strategy.because.exposures};`,
    `            units are ${strategy.long === undefined ? "wide" : "long"}: ${strategy.because.columns}`,
    `One statement: one read of the metric events; ${
      counted(planned.accumulators.length, "accumulator")
    } per identity ` +
    `for ${counted(planned.metrics.length, "metric")}.`
  ]
}

const statementLines = ({ parameters, settings, text }: Statement): ReadonlyArray<string> => [
  "",
  text,
  "",
  "Parameters",
  ...Object.entries(parameters).map(([key, value]) => `  ${key} = ${JSON.stringify(value)}`),
  "Settings",
  ...Object.entries(settings).map(([key, value]) => `  ${key} = ${value}`)
]

/** What another order of the tables would spare; nothing where theirs serves. */
const savingLines = (savings: ReadonlyArray<Saving>): ReadonlyArray<string> =>
  savings.flatMap(({ needed, order, rows, table }) => [
    `Needed      about ${needed.toLocaleString("en-US")} of these ${
      rows.toLocaleString("en-US")
    } rows of ${table}: a projection or a`,
    `            sort key by ${order.join(", ")} would spare most others; \`assay advise\` measures it`
  ])

/** What `assay explain` was asked for: one experiment, or all of them and how they are read. */
export interface ExplainInput {
  readonly experiment: Option.Option<string>
  readonly all: boolean
  readonly config: Option.Option<string>
  readonly json: boolean
}

/** Prints plan, estimate, statement and parameters. Without a warehouse that answers, the estimate says why it is missing. */
export const runExplain = Effect.fn("command.explain")(
  function*(input: ExplainInput) {
    const project = yield* loadDefinitions(Option.getOrUndefined(input.config))
    const [name, ...others] = yield* Effect.fromResult(
      chooseExperiments(project, Option.toArray(input.experiment), input.all)
    )
    if (input.all) return yield* explainReads(project, [name!, ...others], input.json)
    const { config, definitions } = project
    const planned = yield* Effect.fromResult(planOf(project, name!, yield* Clock.currentTimeMillis))
    const first = compileConstants(planned)
    const statement = compile(withConstants(planned, []))
    const estimated = yield* Effect.result(
      Effect.gen(function*() {
        const warehouse = yield* Warehouse
        const estimate = yield* warehouse.estimate(statement)
        const savings = planned.mapping.cluster === undefined ? yield* savingsOf(warehouse, planned, estimate) : []
        return { ...estimate, savings }
      }).pipe(Effect.provide(warehouseLayer(project)))
    )
    if (input.json) {
      return yield* printJson({
        schema: "assay.explain/1",
        experiment: name,
        plan: planned,
        ...(first === undefined ? {} : { first_statement: first }),
        statement,
        statement_hash: statementHash(statement),
        estimate: Result.isSuccess(estimated) ? estimated.success.tables : null,
        ...(Result.isSuccess(estimated)
          ? {
            savings: estimated.success.savings.map(({ looked, needed, order, rows, table }) => ({
              table,
              rows,
              rows_needed: needed,
              rows_looked_at: looked,
              order
            }))
          }
          : {})
      })
    }
    const reads = Result.isFailure(estimated)
      ? [`Reads       unknown: ${estimated.failure.message}`, `            ${estimated.failure.hint}`]
      : estimated.success.tables.length === 0
      ? [
        "Reads       nothing: no part of the table has rows in the window, or it tells nothing beforehand (a view, a cluster)"
      ]
      : estimated.success.tables.map(({ bytes, parts, rows, table }) =>
        `Reads       about ${rows.toLocaleString("en-US")} rows${
          bytes === undefined ? "" : ` (${bytesText(bytes)})`
        } in ${counted(parts, "part")} of ${table}`
      )
    const refused = Result.isSuccess(estimated)
      ? overLimit(estimated.success, config.warehouse.limits ?? {})
      : undefined
    yield* print(
      [
        ...describePlan(planned),
        ...refreshLines(planned, config.incremental),
        ...togetherLines(planned, config),
        ...reads,
        ...(Result.isSuccess(estimated) ? savingLines(estimated.success.savings) : []),
        ...(refused === undefined ? [] : [`Refused     ${refused.message}`]),
        ...(first === undefined ? [] : [`First       sha256 ${statementHash(first)}`, ...statementLines(first), ""]),
        `Statement   sha256 ${statementHash(statement)}${
          first === undefined ? "" : " with 0 in place of what the first one finds"
        }`,
        ...statementLines(statement)
      ].join("\n")
    )
    for (const warning of definitions.warnings) yield* print(`warning: ${formatIssue(warning)}`)
  }
)
