/** Slices and series on the wire: what every metric says within a part of the identities, or up to a moment. Pure. */
import type { Aggregates, Plan } from "@assay/aggregation"
import {
  type Breakdown,
  type DecisionPolicy,
  defaultDecisionPolicy,
  Instant,
  type Moments,
  type PartialMetric,
  recordOf,
  type Series,
  treatments
} from "@assay/model"
import { checkSampleRatio } from "@assay/srm"
import type { Engine } from "@assay/stats"
import { comparerOf, questionsOf } from "./compareArms.ts"
import { wireInference, wireMoments, wireWithheld } from "./wire.ts"

/** What parts are made of. */
export interface PartsInput {
  readonly plan: Plan
  readonly aggregates: Pick<Aggregates, "slices" | "points">
  readonly engine: Engine
  readonly confidence: number
  /** Below whose floors nothing is inferred; the default one where it is absent. */
  readonly policy?: DecisionPolicy
}

type ByArm = Readonly<Record<string, Moments.Moments>>

const partialMetric = (input: PartsInput, m: number, moments: ByArm): PartialMetric => {
  const { plan } = input
  const metric = plan.metrics[m]!
  const compare = comparerOf({ ...input, policy: input.policy ?? defaultDecisionPolicy }, m)
  const questionOf = questionsOf(input, m, moments)
  const keys = treatments(plan.experiment).map(({ key }) => key)
  const compared = recordOf(keys, (key) => compare(questionOf(key)))
  return {
    metric_id: metric.key,
    variants: recordOf(plan.arms, (arm) => wireMoments(metric, moments[arm]!)),
    inference: recordOf(keys, (key) => {
      const comparison = compared[key]!
      return comparison.status === "ok" ? wireInference(comparison) : null
    }),
    withheld: Object.fromEntries(
      keys.flatMap((key) => {
        const comparison = compared[key]!
        return comparison.status === "withheld" ? [[key, wireWithheld(comparison)]] : []
      })
    )
  }
}

const sampleRatioOf = ({ experiment }: Plan, identities: Readonly<Record<string, number>>): number | null =>
  checkSampleRatio({
    variants: experiment.variants.map(({ key, share }) => ({ key, share, n: identities[key]! }))
  }).result.p_value

const partialMetrics = (
  input: PartsInput,
  moments: ReadonlyArray<ByArm | undefined>
): ReadonlyArray<PartialMetric> =>
  moments.flatMap((byArm, m) => (byArm === undefined ? [] : [partialMetric(input, m, byArm)]))

/** Whether a metric is known of the whole of an arm alone: a quantile. */
const isOfWhole = ({ plan }: PartsInput, m: number): boolean => plan.metrics[m]!.quantile !== undefined

/** The breakdowns of an experiment, without its quantiles: none where it isn't broken down by anything. */
export const breakdownsOf = (input: PartsInput): ReadonlyArray<Breakdown> =>
  input.plan.breakdowns.map(({ dimension, distinct }, b) => ({
    dimension,
    values: distinct,
    slices: input.aggregates.slices[b]!.map(({ identities, moments, other, value }) => ({
      value,
      ...(other ? { other } : {}),
      identities,
      srm_p_value: sampleRatioOf(input.plan, identities),
      metrics: partialMetrics(input, moments.map((byArm, m) => (isOfWhole(input, m) ? undefined : byArm)))
    }))
  }))

/** The series of an experiment, undefined where none was asked for. A metric whose spread can't be told at a time isn't there. */
export const seriesOf = (input: PartsInput): Series | undefined =>
  input.plan.series === undefined ? undefined : {
    period: input.plan.series.period,
    points: input.aggregates.points.map(({ identities, moments, quarantined, until }) => ({
      until: Instant.fromMillis(until),
      identities,
      quarantined,
      srm_p_value: sampleRatioOf(input.plan, identities),
      metrics: partialMetrics(input, moments)
    }))
  }
