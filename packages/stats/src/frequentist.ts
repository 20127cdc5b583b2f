/** Student's t tests of two arms, and an exact test where proportions have few counts. */
import type { Comparison, Moments } from "@assay/model"
import * as analysis from "./analysis.ts"
import { compareBy, type LiftInterval, towards } from "./analysis.ts"
import { type Arms, type ComparisonInput, type Engine, prepare, type Question } from "./comparison.ts"
import { difference, type Drawing, given } from "./contrast.ts"
import { normalQuantile } from "./distributions.ts"
import { outcomeOf } from "./estimand.ts"
import { inference } from "./internal/inference.ts"
import { type Rule, studentRule } from "./rule.ts"
import { type Count, fisherExact, newcombe, scoreLift } from "./small-counts.ts"

/** How the frequentist engine estimates variances and makes intervals. */
export interface FrequentistOptions {
  /** `welch` (default): a variance per arm, Satterthwaite's degrees of freedom; `pooled`: one variance, n − 2 of them. */
  readonly variance?: "welch" | "pooled"
  /** `fieller` (default): agrees with the absolute test; `delta`: the linear delta method, interval and p-value alike. */
  readonly interval?: LiftInterval
}

/** Below this many expected successes or failures in an arm, a proportion is tested exactly (Cochran 1954). */
export const exactBelow = 5

/** (vt+vc)²/(vt²/(nt−1) + vc²/(nc−1)), v the variance of the mean (Welch 1938, Satterthwaite 1946); Infinity without variance. */
const satterthwaite = (vt: number, nt: number, vc: number, nc: number): number => {
  const total = vt + vc
  if (total === 0) return Infinity
  const [t, c] = [vt / total, vc / total]
  return 1 / ((t * t) / (nt - 1) + (c * c) / (nc - 1))
}

/** Both arms with one variance of an identity. */
const pool = (arms: Arms, nt: number, nc: number): Arms => {
  const spread = (arms.treatment.variance * nt * ((nt - 1) / (nt + nc - 2))) +
    arms.control.variance * nc * ((nc - 1) / (nt + nc - 2))
  return {
    ...arms,
    treatment: { value: arms.treatment.value, variance: spread / nt },
    control: { value: arms.control.value, variance: spread / nc }
  }
}

/** Successes of a proportion; undefined where its values aren't 0 and 1. */
const countOf = (moments: Moments.Moments, column: number): Count | undefined => {
  const successes = moments.sums[column]!
  const { n } = moments
  if (!Number.isSafeInteger(successes) || successes < 0 || successes > n || !Number.isSafeInteger(n)) return undefined
  const spread = (successes / n) * (n - successes)
  return Math.abs(moments.comoments[column]![column]! - spread) <= 1e-9 * Math.max(1, spread)
    ? { n, successes }
    : undefined
}

/** Both arms' counts where a normal approximation isn't to be trusted: fewer expected successes or failures than 5. */
const smallCounts = ({ control, estimand, treatment }: ComparisonInput) => {
  if (estimand.kind !== "proportion" || estimand.covariate !== undefined) return undefined
  const { numerator } = outcomeOf(estimand)
  const [c, t] = [countOf(control, numerator), countOf(treatment, numerator)]
  if (c === undefined || t === undefined) return undefined
  const rate = (c.successes + t.successes) / (c.n + t.n)
  return Math.min(rate, 1 - rate) * Math.min(c.n, t.n) < exactBelow ? { control: c, treatment: t } : undefined
}

const zOf = (confidence: number, alternative: Question["alternative"]): number =>
  alternative === "greater" || alternative === "less"
    ? confidence > 0.5 ? normalQuantile(confidence) : 0
    : -normalQuantile((1 - confidence) / 2)

/**
 * The frequentist engine: Welch's t test, or the pooled one. Lifts get Fieller's interval with the same critical t, or the delta
 * method's. Chance to win is the t distribution's P(T ≤ t), the posterior under a flat prior where the variance, too, is unknown.
 *
 * Proportions with an expected count below {@link exactBelow} get Fisher's exact test and Newcombe's score interval (of the lift: the
 * same scores by Donner and Zou). Fisher rather than Barnard: it needs no search over the unknown rate, so it is exact and fast at
 * any n, and errs on the safe side. A test of a margin stays with t.
 */
export const frequentistWith = (options: FrequentistOptions): Engine => {
  const { interval = "fieller", variance = "welch" } = options
  const set = (
    input: ComparisonInput,
    arms: Arms,
    alternative: Question["alternative"]
  ): { readonly arms: Arms; readonly rule: Rule } => {
    const [nt, nc] = [input.treatment.n, input.control.n]
    const used = variance === "pooled" ? pool(arms, nt, nc) : arms
    const none = used.treatment.variance + used.control.variance === 0
    const df = none
      ? Infinity
      : variance === "pooled"
      ? nt + nc - 2
      : satterthwaite(arms.treatment.variance, nt, arms.control.variance, nc)
    return { arms: used, rule: studentRule(df, input.confidence, alternative ?? "two-sided") }
  }
  return {
    name: "frequentist",
    decidesBy: "test",
    compare: (input): Comparison => {
      const prepared = prepare(input, true)
      if ("status" in prepared) return prepared
      const { arms, rule } = set(input, prepared, "two-sided")
      const counts = smallCounts(input)
      if (counts !== undefined) {
        const pValue = fisherExact(counts.control, counts.treatment, "two-sided")
        const z = zOf(input.confidence, "two-sided")
        const drawing: Drawing = {
          critical: z,
          alternative: "two-sided",
          rejected: pValue < 1 - input.confidence,
          nothing: 0
        }
        const lift = given(scoreLift(counts.control, counts.treatment, z), drawing)
        const absolute = difference(arms)
        if (Number.isFinite(lift.high)) {
          return inference(
            lift,
            absolute,
            given(newcombe(counts.control, counts.treatment, z), drawing),
            pValue,
            rule.chance(towards(input.direction, absolute.z))
          )
        }
      }
      if (interval === "fieller") return compareBy(arms, rule, input.confidence, input.direction)
      const { confidence, direction } = input
      const ask = (contrast: Question["contrast"]) =>
        analysis.analyse(arms, { ...input, contrast, confidence, direction }, rule, { interval })
      const [lift, absolute] = [ask("relative"), ask("absolute")]
      if (lift.status === "withheld") return lift
      if (absolute.status === "withheld") return absolute
      return {
        status: "ok",
        lift: lift.lift!,
        ci_low: lift.ci_low!,
        ci_high: lift.ci_high!,
        chance_to_win: absolute.chance_to_win,
        difference: absolute.difference,
        difference_ci_low: absolute.ci_low!,
        difference_ci_high: absolute.ci_high!,
        standard_error: absolute.standard_error,
        p_value: lift.p_value
      }
    },
    analyse: (question) => {
      const relative = question.contrast === "relative"
      const prepared = prepare(question, relative || question.margin?.on === "relative")
      if ("status" in prepared) return prepared
      const { arms, rule } = set(question, prepared, question.alternative)
      const counts = question.margin === undefined ? smallCounts(question) : undefined
      if (counts === undefined) return analysis.analyse(arms, question, rule, { interval })
      const { control, treatment } = counts
      const { alternative = "two-sided", confidence } = question
      const z = zOf(confidence, alternative)
      return analysis.analyse(arms, question, rule, {
        interval,
        instead: {
          method: "Fisher's exact test, score interval",
          pValue: fisherExact(control, treatment, alternative),
          interval: (drawing) => given((relative ? scoreLift : newcombe)(control, treatment, z), drawing)
        }
      })
    }
  }
}

/** {@link frequentistWith} Welch's variances and Fieller's interval. */
export const frequentist: Engine = frequentistWith({})
