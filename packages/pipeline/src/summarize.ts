/** From aggregates to the results summary: sample ratio, findings, inference, verdicts. Pure. */
import type { Aggregates, Plan, PlannedMetric, UndeclaredVariants } from "@assay/aggregation"
import {
  type Comparison,
  type Finding,
  Instant,
  type MetricResult,
  Moments,
  type Provenance,
  type ResultsSummary,
  schemaVersion,
  treatments,
  type VariantMoments
} from "@assay/model"
import { checkSampleRatio } from "@assay/srm"
import { checkFloors, compareToControl, type Engine, standardFloors, verdictWord } from "@assay/stats"
import { qualityFindings } from "./quality.ts"

/** What a summary is made of. `asOf` in milliseconds since 1970-01-01 UTC. */
export interface SummaryInput {
  readonly plan: Plan
  readonly aggregates: Aggregates
  readonly undeclared?: UndeclaredVariants
  readonly engine: Engine
  readonly confidence: number
  readonly asOf: number
  readonly provenance: Provenance
}

/**
 * Sums of fractions depend on the order of addition in their last digits, so they leave with 14 significant ones. Whole
 * numbers leave as they are.
 */
const stable = (x: number): number => (Number.isSafeInteger(x) ? x : Number(x.toPrecision(14)))

const wireMoments = (metric: PlannedMetric, moments: Moments.Moments): VariantMoments => ({
  n: moments.n,
  sum: stable(moments.sums[0]!),
  sum_squares: stable(moments.products[0]![0]!),
  mean: stable(Moments.mean(moments)),
  variance: stable(Moments.covariance(moments)),
  ...(metric.estimand === "ratio"
    ? {
      denominator_sum: stable(moments.sums[1]!),
      denominator_sum_squares: stable(moments.products[1]![1]!),
      sum_products: stable(moments.products[0]![1]!)
    }
    : {})
})

const wire = <A extends Comparison>(comparison: A): Omit<A, "status"> => {
  const { status: _, ...rest } = comparison
  return rest
}

const metricResult = (input: SummaryInput, m: number, trusted: boolean): MetricResult => {
  const { plan, aggregates, engine, confidence } = input
  const metric = plan.metrics[m]!
  const moments = aggregates.moments[m]!
  const { direction } = metric
  const comparisons = treatments(plan.experiment).map(({ key }): readonly [string, Comparison] => {
    const arms = { control: moments[plan.experiment.control]!, treatment: moments[key]! }
    const comparison = checkFloors([...standardFloors, ...metric.floors], arms) ??
      compareToControl(engine, { ...arms, estimand: { kind: metric.estimand }, direction, confidence })
    return [key, comparison]
  })
  return {
    metric_id: metric.key,
    ...(metric.description === undefined ? {} : { description: metric.description }),
    aggregation: metric.aggregation,
    role: metric.role,
    direction,
    estimand: metric.estimand,
    display: metric.display,
    variants: Object.fromEntries(plan.arms.map((arm) => [arm, wireMoments(metric, moments[arm]!)])),
    inference: Object.fromEntries(
      comparisons.map(([key, comparison]) => [key, comparison.status === "ok" ? wire(comparison) : null])
    ),
    withheld: Object.fromEntries(
      comparisons.flatMap(([key, comparison]) => comparison.status === "withheld" ? [[key, wire(comparison)]] : [])
    ),
    verdict: Object.fromEntries(
      comparisons.map(([key, comparison]) => [
        key,
        verdictWord({
          comparison,
          direction,
          trusted,
          ...(engine.decidesBy === "test" ? { testAt: 1 - confidence } : {})
        })
      ])
    )
  }
}

const gravity: Readonly<Record<Finding["severity"], number>> = { alarm: 0, warning: 1, info: 2 }

/** The results summary of one experiment. While an alarm stands among its findings, no verdict is given. */
export const summarize = (input: SummaryInput): ResultsSummary => {
  const { plan, aggregates, asOf } = input
  const { experiment } = plan
  const sampleRatio = checkSampleRatio({
    variants: experiment.variants.map(({ key, share }) => ({ key, share, n: aggregates.identities[key]! }))
  })
  const findings = [...sampleRatio.findings, ...qualityFindings(plan, aggregates, input.undeclared)]
    .toSorted((a, b) => gravity[a.severity] - gravity[b.severity])
  const trusted = findings.every((finding) => finding.severity !== "alarm")
  const ended = experiment.ended_at !== undefined && asOf >= Instant.toMillis(experiment.ended_at)
  return {
    schema: schemaVersion,
    experiment: experiment.key,
    ...(experiment.description === undefined ? {} : { description: experiment.description }),
    environment: experiment.environment,
    feature: experiment.feature,
    state: ended ? "ended" : "running",
    as_of: Instant.fromMillis(asOf),
    window: { from: Instant.fromMillis(plan.from), to: Instant.fromMillis(plan.to) },
    control: experiment.control,
    variants: sampleRatio.variants,
    quarantined: aggregates.quarantined,
    srm_p_value: sampleRatio.result.p_value,
    srm: sampleRatio.result,
    findings,
    engine: { name: input.engine.name, confidence: input.confidence, decides_by: input.engine.decidesBy },
    metrics: plan.metrics.map((_, m) => metricResult(input, m, trusted)),
    provenance: input.provenance
  }
}
