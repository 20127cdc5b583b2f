/** What a metric's result says beside its moments: who is too young, who lacks the covariate, what the cap did, what is reported beside. */
import type { Aggregates } from "@assay/aggregation"
import { Duration, type MetricResult, type Moments, treatments } from "@assay/model"
import { comparerOf, type ComparingInput, questionsOf } from "./compareArms.ts"
import { stable } from "./stable.ts"
import { wireInference, wireMoments } from "./wire.ts"

/** What the extras are made of. */
export interface ExtrasInput extends ComparingInput {
  readonly aggregates: Aggregates
}

/** A mean, or a ratio of two; null where there is none. To 14 digits, since sums depend on the order of addition. */
const valueOf = (moments: Moments.Moments): number | null => {
  const [above, below = moments.n] = moments.sums
  return below === 0 || above === undefined ? null : stable(above / below)
}

/** The cap of metric `m`, and what the results are without it. */
const capOf = (input: ExtrasInput, m: number): MetricResult["cap"] => {
  const { arms, experiment, metrics } = input.plan
  const found = input.aggregates.caps[m]
  if (found === undefined) return undefined
  const metric = metrics[m]!
  const { capped, uncapped, value } = found
  const quantile = metric.cap?.quantile
  const [compare, questionOf] = [comparerOf(input, m), questionsOf(input, m, uncapped)]
  return {
    value: stable(value),
    ...(quantile === undefined ? {} : { quantile }),
    capped,
    uncapped: Object.fromEntries(arms.map((arm) => [arm, wireMoments(metric, uncapped[arm]!)])),
    uncapped_inference: Object.fromEntries(
      treatments(experiment).map(({ key }) => {
        const comparison = compare(questionOf(key))
        return [key, comparison.status === "ok" ? wireInference(comparison) : null]
      })
    )
  }
}

/** The further keys of the result of metric `m` of a plan. */
export const metricExtras = (
  input: ExtrasInput,
  m: number
): Pick<MetricResult, "immature" | "covariate" | "cap" | "reported"> => {
  const { arms, metrics } = input.plan
  const { immature, moments, reported } = input.aggregates
  const { covariate, reported: names, ripeUntil } = metrics[m]!
  const cap = capOf(input, m)
  const missing = (arm: string) => {
    const { n, sums } = moments[m]![arm]!
    return covariate !== undefined && "trait" in covariate.of ? n - sums[covariate.columns.numerator + 1]! : 0
  }
  return {
    ...(ripeUntil === undefined ? {} : { immature: immature[m]! }),
    ...(covariate === undefined ? {} : {
      covariate: {
        source: "trait" in covariate.of
          ? `trait ${covariate.of.trait}`
          : `${Duration.fromMillis(covariate.of.lookback)} before exposure`,
        missing: Object.fromEntries(arms.map((arm) => [arm, missing(arm)]))
      }
    }),
    ...(cap === undefined ? {} : { cap }),
    ...(names.length === 0 ? {} : {
      reported: names.map(({ name }, i) => ({
        name,
        values: Object.fromEntries(arms.map((arm) => [arm, valueOf(reported[m]![i]![arm]!)]))
      }))
    })
  }
}
