/** A treatment against the control, by one metric. */
import type { Plan, PlannedMetric } from "@assay/aggregation"
import { type Comparison, type DecisionPolicy, Moments } from "@assay/model"
import {
  checkFloors,
  compareToControl,
  type ComparisonInput,
  type Engine,
  type Estimand,
  identitiesFloor,
  postStratify
} from "@assay/stats"

/** What comparisons are made with. */
export interface ComparingInput {
  readonly plan: Plan
  readonly engine: Engine
  readonly confidence: number
  readonly policy: DecisionPolicy
}

/** What is estimated, with the covariate where the plan has one. */
export const estimandOf = (metric: PlannedMetric): Estimand => ({
  kind: metric.estimand,
  ...(metric.covariate === undefined ? {} : { covariate: metric.covariate.columns })
})

/**
 * The question about each treatment by a plan's metric (by its place), from the metric's moments per arm. What is the same for all treatments is
 * found once.
 */
export const questionsOf = (
  { confidence, plan }: Pick<ComparingInput, "plan" | "confidence">,
  m: number,
  moments: Readonly<Record<string, Moments.Moments>>
): (treatment: string) => ComparisonInput => {
  const metric = plan.metrics[m]!
  const shared = {
    control: moments[plan.experiment.control]!,
    estimand: estimandOf(metric),
    direction: metric.direction,
    confidence,
    // Only the adjustment for a covariate looks at all arms.
    ...(metric.covariate === undefined ? {} : { pooled: plan.arms.map((arm) => moments[arm]!).reduce(Moments.merge) })
  }
  return (treatment) => ({ ...shared, treatment: moments[treatment]! })
}

/** What the engine says to questions of a metric, withheld below the floors of the policy and the metric. */
export const comparerOf = (
  { engine, plan, policy }: ComparingInput,
  m: number
): (question: ComparisonInput) => Comparison => {
  const floors = [
    { ...identitiesFloor, need: policy.identities },
    ...plan.metrics[m]!.floors.map((floor) =>
      floor.kind === "conversions" ? { ...floor, need: policy.conversions } : floor
    )
  ]
  return (question) => checkFloors(floors, question) ?? compareToControl(engine, question)
}

/** Parts of the identities that don't depend on the arm: what they are parts by, and the moments of each metric and arm in them. */
export interface Strata {
  readonly by: string
  readonly parts: ReadonlyArray<ReadonlyArray<Readonly<Record<string, Moments.Moments>>>>
}

/**
 * A question with both arms in the mix that they have together (see `postStratify`), and in how many strata; undefined for a quantile, which is no mean
 * of its strata's, and where nobody is in a stratum.
 */
export const stratify = (
  plan: Plan,
  m: number,
  question: ComparisonInput,
  { parts }: Strata,
  treatment: string
): { readonly question: ComparisonInput; readonly strata: number } | undefined => {
  const { estimand } = plan.metrics[m]!
  const strata = parts.map((part) => ({ control: part[m]![plan.experiment.control]!, treatment: part[m]![treatment]! }))
    .filter(({ control, treatment }) => control.n + treatment.n > 0)
  if (estimand === "quantile" || strata.length === 0) return undefined
  const mixed = postStratify(strata)
  return { question: { ...question, control: mixed.control, treatment: mixed.treatment }, strata: mixed.strata }
}
