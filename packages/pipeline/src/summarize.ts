/** From aggregates to the results summary: sample ratio, findings, inference, verdicts. Pure. */
import type { Aggregates, Plan, UndeclaredVariants } from "@assay/aggregation"
import {
  type Breakdown,
  type DecisionPolicy,
  defaultDecisionPolicy,
  defaultMultiplicity,
  type Finding,
  Instant,
  type MetricResult,
  type Multiplicity,
  type Provenance,
  type ResultsSummary,
  schemaVersion,
  type Series,
  treatments
} from "@assay/model"
import { type Engine, verdictWord } from "@assay/stats"
import { decide } from "./decision/decide.ts"
import { judge, type Judged, type JudgeInput, levelOf } from "./decision/judge.ts"
import { type Course, readingOf } from "./decision/reading.ts"
import { dependenceFindings } from "./dependence.ts"
import { metricExtras } from "./metricExtras.ts"
import { qualityFindings } from "./quality.ts"
import { sampleRatioOf } from "./sampleRatio.ts"
import { wireMoments, wireWithheld } from "./wire.ts"

/** What a summary is made of. `asOf` in milliseconds since 1970-01-01 UTC. */
export interface SummaryInput {
  readonly plan: Plan
  readonly aggregates: Aggregates
  readonly undeclared?: UndeclaredVariants
  readonly engine: Engine
  readonly confidence: number
  /** What a decision takes, and how many tests are corrected for; the defaults where they are absent. */
  readonly policy?: DecisionPolicy
  readonly multiplicity?: Multiplicity
  readonly asOf: number
  readonly provenance: Provenance
  /** Counts over time and by dimension: where they are there, they tell when and where a mismatch of the sample ratio is. */
  readonly series?: Series
  readonly breakdowns?: ReadonlyArray<Breakdown>
  /** The newest earlier summary of the experiment: what was seen and decided at earlier looks. */
  readonly before?: ResultsSummary
}

const metricResult = (
  input: SummaryInput,
  m: number,
  judged: ReadonlyArray<Judged>,
  trusted: boolean
): MetricResult => {
  const { aggregates, confidence, engine, plan } = input
  const metric = plan.metrics[m]!
  const moments = aggregates.moments[m]!
  const { direction } = metric
  const own = judged.filter((one) => one.metric === metric)
  return {
    metric_id: metric.key,
    ...(metric.description === undefined ? {} : { description: metric.description }),
    aggregation: metric.aggregation,
    role: metric.role,
    direction,
    estimand: metric.estimand,
    display: metric.display,
    variants: Object.fromEntries(plan.arms.map((arm) => [arm, wireMoments(metric, moments[arm]!)])),
    inference: Object.fromEntries(own.map(({ variant, wire }) => [variant, wire])),
    withheld: Object.fromEntries(
      own.flatMap(({ comparison, variant }) =>
        comparison.status === "withheld" ? [[variant, wireWithheld(comparison)]] : []
      )
    ),
    verdict: Object.fromEntries(
      own.map(({ comparison, variant }) => [
        variant,
        verdictWord({
          comparison,
          direction,
          trusted,
          thresholds: policyOf(input),
          ...(engine.decidesBy === "test" ? { testAt: 1 - confidence } : {})
        })
      ])
    ),
    ...metricExtras({ ...input, policy: policyOf(input) }, m)
  }
}

const policyOf = ({ policy }: SummaryInput): DecisionPolicy => policy ?? defaultDecisionPolicy

/** The earlier summary where it looked at the same experiment: the same definition, no later data. */
const earlierLook = ({ asOf, before, provenance }: SummaryInput): ResultsSummary | undefined =>
  before !== undefined && before.provenance.definition_hash === provenance.definition_hash &&
    Instant.toMillis(before.as_of) <= asOf
    ? before
    : undefined

/** What the definition stratifies by, as slices of the same read. */
const strataOf = ({ breakdowns, experiment }: Plan, { slices }: Aggregates): Pick<JudgeInput, "strata"> => {
  const b = breakdowns.findIndex(({ dimension }) => dimension === experiment.stratify)
  return b < 0
    ? {}
    : { strata: { by: breakdowns[b]!.dimension, parts: slices[b]!.map(({ moments }) => moments) } }
}

/** The last look that showed anything, whatever the definition was then. */
const lookedAt = ({ asOf, before }: SummaryInput): Pick<Course, "looked"> =>
  before?.decision !== undefined && Instant.toMillis(before.as_of) <= asOf && before.variants.some(({ n }) => n > 0)
    ? {
      looked: {
        asOf: Instant.toMillis(before.as_of),
        ended: before.state === "ended",
        plan: before.decision.plan
      }
    }
    : {}

const gravity: Readonly<Record<Finding["severity"], number>> = { alarm: 0, warning: 1, info: 2 }

/** The results summary of one experiment. While an alarm stands among its findings, no verdict is given. */
export const summarize = (input: SummaryInput): ResultsSummary => {
  const { plan, aggregates, asOf } = input
  const { experiment } = plan
  const policy = policyOf(input)
  const before = earlierLook(input)
  const sampleRatio = sampleRatioOf({
    experiment,
    from: plan.from,
    to: plan.to,
    identities: aggregates.identities,
    alarmBelow: policy.srm,
    ...(input.series === undefined ? {} : { series: input.series }),
    ...(input.breakdowns === undefined ? {} : { breakdowns: input.breakdowns }),
    ...(before === undefined ? {} : { before })
  })
  const findings = [
    ...sampleRatio.findings,
    ...dependenceFindings(plan, aggregates),
    ...qualityFindings(plan, aggregates, input.undeclared)
  ].toSorted((a, b) => gravity[a.severity] - gravity[b.severity])
  const trusted = findings.every((finding) => finding.severity !== "alarm")
  const ended = experiment.ended_at !== undefined && asOf >= Instant.toMillis(experiment.ended_at)
  const reading = readingOf({
    experiment,
    from: plan.from,
    asOf,
    identities: Object.values(aggregates.identities).reduce((a, b) => a + b, 0),
    ...(before?.decision === undefined ? {} : { before: before.decision.plan }),
    ...lookedAt(input)
  })
  const judged = judge({
    plan,
    moments: aggregates.moments,
    ...strataOf(plan, aggregates),
    engine: input.engine,
    confidence: input.confidence,
    test: reading.test,
    policy,
    multiplicity: input.multiplicity ?? defaultMultiplicity
  })
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
    decision: decide({
      judged,
      treatments: treatments(experiment).map(({ key }) => key),
      findings,
      srm: sampleRatio.result,
      reading,
      policy,
      level: levelOf(policy, input.confidence),
      ...(before?.decision === undefined ? {} : { before: before.decision })
    }),
    metrics: plan.metrics.map((_, m) => metricResult(input, m, judged, trusted)),
    ...(input.breakdowns === undefined ? {} : { breakdowns: input.breakdowns }),
    ...(input.series === undefined ? {} : { series: input.series }),
    provenance: input.provenance
  }
}
