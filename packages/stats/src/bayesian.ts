/** The default engine: a normal posterior of the effect, under a flat or a normal prior. */
import type { Comparison, Withheld } from "@assay/model"
import * as analysis from "./analysis.ts"
import { compareBy, statisticOf, towards } from "./analysis.ts"
import { type Analysis, type Arms, type ComparisonInput, type Engine, prepare, type Question } from "./comparison.ts"
import { deltaLift, difference, standardised } from "./contrast.ts"
import { normalCdf } from "./distributions.ts"
import { inference, intervalUnbounded, plain } from "./internal/inference.ts"
import { expectedPositivePart, normalRule } from "./rule.ts"

/** What is believed of the effect beforehand: normal, on the difference or on the lift (0.1 = 10 %). */
export interface Prior {
  readonly mean: number
  readonly sd: number
  readonly on: "relative" | "absolute"
}

interface Posterior {
  readonly mean: number
  readonly sd: number
}

/** The estimate of a contrast with its standard error. */
const likelihood = (arms: Arms, contrast: Question["contrast"]): Posterior => {
  const absolute = difference(arms)
  if (contrast === "absolute") return { mean: absolute.value, sd: absolute.standardError }
  const lift = deltaLift(arms, absolute)
  return { mean: lift.value, sd: lift.standardError }
}

/** A prior on one scale, said on the other: the control's estimate is the exchange rate. */
const onScale = ({ mean, on, sd }: Prior, contrast: Question["contrast"], control: number): Posterior => {
  const rate = on === contrast ? 1 : on === "relative" ? control : 1 / control
  return { mean: mean * rate, sd: sd * Math.abs(rate) }
}

/** Precisions add; the mean is weighted by them. */
const update = (prior: Posterior, data: Posterior): Posterior => {
  if (data.sd === 0) return data
  // Neither weight as 1 minus the other, which would lose a small one.
  const believed = 1 / (1 + (prior.sd / data.sd) ** 2)
  const seen = 1 / (1 + (data.sd / prior.sd) ** 2)
  return { mean: seen * data.mean + believed * prior.mean, sd: data.sd * Math.sqrt(seen) }
}

const posteriorOf = (arms: Arms, contrast: Question["contrast"], prior: Prior | undefined): Posterior => {
  const data = likelihood(arms, contrast)
  return prior === undefined ? data : update(onScale(prior, contrast, arms.control.value), data)
}

const lossOf = ({ mean, sd }: Posterior, direction: Question["direction"]) => {
  const good = towards(direction, mean)
  return { control: expectedPositivePart(good, sd), treatment: expectedPositivePart(-good, sd) }
}

/** P(effect beyond the margin), by the posterior, or under a flat prior by the statistic of the margin's own test. */
const beyond = (arms: Arms, question: Question, prior: Prior | undefined): number | undefined => {
  const { direction, margin } = question
  if (margin === undefined) return undefined
  if (prior === undefined) return normalCdf(towards(direction, statisticOf(arms, question)))
  const { mean, sd } = posteriorOf(arms, margin.on, prior)
  return normalCdf(towards(direction, standardised(mean - margin.value, sd)))
}

const analyse = (question: Question, prior: Prior | undefined): Analysis | Withheld => {
  const { alternative = "two-sided", confidence, contrast, direction } = question
  const arms = prepare(
    question,
    contrast === "relative" || prior?.on === "relative" || question.margin?.on === "relative"
  )
  if ("status" in arms) return arms
  const rule = normalRule(confidence, alternative)
  const answer = analysis.analyse(arms, question, rule, { interval: prior === undefined ? "fieller" : "delta" })
  if (answer.status === "withheld") return answer
  const posterior = posteriorOf(arms, contrast, prior)
  const chance = beyond(arms, question, prior)
  const reach = rule.critical * posterior.sd
  return {
    ...answer,
    ...(prior === undefined ? {} : {
      ci_low: alternative === "less" ? null : plain(posterior.mean - reach),
      ci_high: alternative === "greater" ? null : plain(posterior.mean + reach),
      statistic: finiteOrNull(statisticOf(arms, question)),
      p_value: rule.pValue(statisticOf(arms, question)),
      chance_to_win: normalCdf(towards(direction, standardised(posterior.mean, posterior.sd)))
    }),
    posterior: { mean: plain(posterior.mean), standard_deviation: posterior.sd },
    expected_loss: lossOf(posterior, direction),
    ...(chance === undefined ? {} : { chance_beyond_margin: chance })
  }
}

const finiteOrNull = (x: number): number | null => (Number.isFinite(x) ? plain(x) : null)

/** Both contrasts under a proper prior: each by its own posterior. */
const compareWithPrior = (input: ComparisonInput, prior: Prior): Comparison => {
  const arms = prepare(input, true)
  if ("status" in arms) return arms
  const rule = normalRule(input.confidence, "two-sided")
  const absolute = difference(arms)
  const [lift, shift] = [posteriorOf(arms, "relative", prior), posteriorOf(arms, "absolute", prior)]
  const around = ({ mean, sd }: Posterior, value: number) => ({
    value,
    low: mean - rule.critical * sd,
    high: mean + rule.critical * sd
  })
  if (!Number.isFinite(lift.sd)) return intervalUnbounded(arms, rule.critical)
  const chosen = prior.on === "relative" ? lift : shift
  return inference(
    around(lift, absolute.value / arms.control.value),
    absolute,
    around(shift, absolute.value),
    rule.pValue(absolute.z),
    normalCdf(towards(input.direction, standardised(chosen.mean, chosen.sd)))
  )
}

const requirePrior = (prior: Prior): void => {
  if (!Number.isFinite(prior.mean)) throw new RangeError(`The prior's mean is a number, found ${prior.mean}`)
  if (!(prior.sd > 0 && prior.sd < Infinity)) {
    throw new RangeError(`The prior's sd is a number above 0, found ${prior.sd}; leave the prior out for a flat one`)
  }
}

/**
 * The Bayesian engine. Under a flat prior (none given) and a normal likelihood the posterior of the difference is normal around its
 * estimate, and the chance to win is Φ(difference/SE) (`down`: its complement). Swapping the arms mirrors it exactly. The lift's
 * interval is Fieller's. The p-value is the two-sided test of the same difference, and both intervals exclude 0 exactly when it is
 * below `1 - confidence`. Where there is no variance, the chance is 0, ½ or 1, the p-value 0 or 1, and the intervals are points.
 *
 * Under a normal prior the posterior is normal with the sum of the precisions, on the scale of the contrast (the lift's likelihood by
 * the delta method; a prior on the other scale is exchanged at the control's estimate). Interval, chance and losses are then the
 * posterior's, while lift, difference, standard error and p-value remain those of the data.
 *
 * A prior without a positive finite sd is a RangeError.
 */
export const bayesianWith = (options: { readonly prior?: Prior }): Engine => {
  const { prior } = options
  if (prior !== undefined) requirePrior(prior)
  return {
    name: "bayesian",
    decidesBy: "chance to win",
    compare: (input) => {
      if (prior !== undefined) return compareWithPrior(input, prior)
      const arms = prepare(input, true)
      return "status" in arms
        ? arms
        : compareBy(arms, normalRule(input.confidence, "two-sided"), input.confidence, input.direction)
    },
    analyse: (question) => analyse(question, prior)
  }
}

/** {@link bayesianWith} a flat prior: the default engine. */
export const bayesian: Engine = bayesianWith({})
