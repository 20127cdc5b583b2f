/** Every comparison of an experiment in full: inference, correction for many, margins, shrinkage, the best arm. Pure. */
import type { Plan, PlannedMetric } from "@assay/aggregation"
import {
  type Comparison,
  type Correction,
  type DecisionPolicy,
  type EffectSize,
  type Inference,
  Moments,
  type Multiplicity,
  treatments,
  type WireInference,
  type Withheld
} from "@assay/model"
import {
  adjustedConfidence,
  adjustLogE,
  adjustmentOf,
  adjustPValues,
  type Analysis,
  chanceToBeBest,
  compareToControl,
  type ComparisonInput,
  type Engine,
  estimate,
  groupSequentialWith,
  type Margin,
  sequential,
  shrink
} from "@assay/stats"
import { comparerOf, estimandOf, questionsOf, type Strata, stratify } from "../compareArms.ts"
import { wireInference } from "../wire.ts"
import type { DecisiveTest } from "./reading.ts"

/** What the test that decides says of one treatment and one metric: two-sided p-values, after and before correction. */
export interface Evidence {
  /** Towards the metric's good direction; null where nothing is known. */
  readonly better: boolean | null
  readonly p: number
  readonly adjustedP: number
  /** Against the metric's margin, where it has one: whether it is shown to hold, or shown not to. */
  readonly margin?: { readonly holds: boolean; readonly fails: boolean }
}

/** One metric and one treatment. */
export interface Judged {
  readonly metric: PlannedMetric
  readonly variant: string
  readonly comparison: Comparison
  readonly wire: WireInference | null
  /** Undefined where the inference is withheld. */
  readonly evidence: Evidence | undefined
  readonly margin: Margin | undefined
}

/** What metrics are judged by. */
export interface JudgeInput {
  readonly plan: Plan
  /** Per metric of the plan and arm. */
  readonly moments: ReadonlyArray<Readonly<Record<string, Moments.Moments>>>
  /** What both arms get the same mix of, with the moments of each part. */
  readonly strata?: Strata
  /** The engine of the configuration. */
  readonly engine: Engine
  readonly confidence: number
  readonly test: DecisiveTest
  readonly policy: DecisionPolicy
  readonly multiplicity: Multiplicity
}

/** The margin of a metric's use as the effect under the null: a loss on a guardrail, a gain elsewhere. */
export const marginOf = (
  margin: EffectSize | undefined,
  { direction, role }: Pick<PlannedMetric, "direction" | "role">
): Margin | undefined => {
  if (margin === undefined || direction === "informational") return undefined
  const good = direction === "down" ? -1 : 1
  return { value: (role === "guardrail" ? -good : good) * margin.value, on: margin.on ?? "relative" }
}

/** The error that a decision may make, over both sides. */
export const levelOf = (policy: DecisionPolicy, confidence: number): number => policy.level ?? 1 - confidence

/** The engine that decides now. An always-valid engine of the configuration is one at any time. */
const decisiveEngine = ({ engine, test }: Pick<JudgeInput, "engine" | "test">): Engine =>
  test.kind === "fixed" || engine.name === "sequential"
    ? engine
    : test.kind === "always-valid"
    ? sequential
    : groupSequentialWith(test)

/**
 * The two-sided p-value that an engine's word rests on: of its test, or twice the smaller chance. The chance to lose is the chance to win of the
 * opposite direction, which the engine finds in the tail: 1 − chance is 0 from 1e-16 on.
 */
const twoSided = (engine: Engine, question: ComparisonInput, { chance_to_win, p_value }: Inference): number => {
  if (engine.decidesBy === "test") return p_value
  if (chance_to_win <= 0.5) return 2 * chance_to_win
  const opposite = compareToControl(engine, { ...question, direction: question.direction === "down" ? "up" : "down" })
  return 2 * (opposite.status === "ok" ? opposite.chance_to_win : 1 - chance_to_win)
}

interface Asked {
  readonly m: number
  readonly metric: PlannedMetric
  readonly variant: string
  readonly input: ComparisonInput
  readonly comparison: Comparison
  readonly stratified: WireInference["stratified"]
  readonly analysis: Analysis | undefined
  /** By the test that decides. */
  readonly decisive: Inference | undefined
  /** Two-sided, by that test; 1 where it says nothing. */
  readonly p: number
  readonly logE: number | undefined
  readonly margin: Margin | undefined
  readonly marginP: { readonly holds: number; readonly fails: number } | undefined
}

const okAnalysis = (answer: Analysis | Withheld): Analysis | undefined => (answer.status === "ok" ? answer : undefined)

const ask = (input: JudgeInput, decider: Engine, m: number, variant: string, plain: ComparisonInput): Asked => {
  const { confidence, engine, plan, policy } = input
  const metric = plan.metrics[m]!
  const mixed = input.strata === undefined ? undefined : stratify(plan, m, plain, input.strata, variant)
  const question = mixed?.question ?? plain
  const floored = comparerOf(input, m)(plain)
  const comparison = mixed === undefined || floored.status === "withheld" ? floored : compareToControl(engine, question)
  const use = plan.experiment.metrics.find(({ metric: key }) => key === metric.key)
  const margin = marginOf(use?.margin, metric)
  const stratified = mixed === undefined || floored.status === "withheld" || comparison.status === "withheld"
    ? undefined
    : {
      by: input.strata!.by,
      strata: mixed.strata,
      variance_reduction: 1 - (comparison.standard_error / (floored.standard_error || 1)) ** 2
    }
  const base = { m, metric, variant, input: question, comparison, margin, stratified }
  if (comparison.status === "withheld") {
    return { ...base, analysis: undefined, decisive: undefined, p: 1, logE: undefined, marginP: undefined }
  }
  const relative = { ...question, contrast: "relative" } as const
  const analysis = okAnalysis(engine.analyse(relative))
  const found = decider === engine ? comparison : compareToControl(decider, question)
  const half = 1 - levelOf(policy, confidence) / 2
  const oneSided = (alternative: "greater" | "less") => {
    const answer = margin === undefined
      ? undefined
      : okAnalysis(decider.analyse({ ...question, contrast: margin.on, confidence: half, margin, alternative }))
    return answer?.p_value ?? 1
  }
  const good = metric.direction === "down" ? "less" : "greater"
  const logE = decider === engine ? analysis?.log_e : okAnalysis(decider.analyse(relative))?.log_e
  return {
    ...base,
    analysis,
    decisive: found.status === "ok" ? found : undefined,
    p: found.status === "ok" ? twoSided(decider, question, found) : 1,
    logE: logE ?? analysis?.log_e,
    marginP: margin === undefined
      ? undefined
      : { holds: oneSided(good), fails: oneSided(good === "greater" ? "less" : "greater") }
  }
}

/** The p-value of a comparison within its family: where a gain is asked for, that of the margin, on both sides. */
const familyP = ({ decisive, marginP, metric, p }: Asked): number =>
  decisive !== undefined && marginP !== undefined && metric.role !== "guardrail"
    ? Math.min(1, 2 * marginP.holds)
    : p

/** Adjusted p-values of a family, and the confidence that intervals need to agree with them. */
const correct = (
  method: Exclude<Correction, "none">,
  p: ReadonlyArray<number>,
  logE: ReadonlyArray<number | undefined>,
  level: number
): { readonly p: ReadonlyArray<number>; readonly confidence: number } => {
  if (method !== "e-bh") return { p: adjustPValues(method, p), confidence: adjustedConfidence(method, p, level) }
  const evidence = logE.map((x) => x ?? -Infinity)
  return {
    p: adjustLogE(evidence),
    confidence: adjustedConfidence(method, evidence.map((x) => Math.min(1, Math.exp(-x))), level)
  }
}

/** An e-BH needs e-values, which only the always-valid test has. */
const usableMethod = (method: Correction, family: ReadonlyArray<Asked>): Correction =>
  method === "e-bh" && family.some(({ decisive, logE }) => decisive !== undefined && logE === undefined)
    ? "holm"
    : method

/** The chance of every arm to be the best by a metric; undefined where an arm has no estimate, or two arms leave no question. */
const bestArms = (
  { plan }: JudgeInput,
  metric: PlannedMetric,
  moments: Readonly<Record<string, Moments.Moments>>
): ReadonlyMap<string, number> | undefined => {
  if (plan.arms.length < 3 || metric.direction === "informational") return undefined
  const estimand = estimandOf(metric)
  const pooled = plan.arms.map((arm) => moments[arm]!).reduce(Moments.merge)
  const adjustment = estimand.covariate === undefined ? undefined : adjustmentOf(estimand, pooled)
  const estimates = plan.arms.map((arm) => estimate(estimand, moments[arm]!, adjustment))
  if (estimates.some((one) => one === undefined)) return undefined
  const chances = chanceToBeBest(estimates.map((one) => one!), metric.direction)
  return new Map(plan.arms.map((arm, i) => [arm, chances[i]!]))
}

const finite = (
  x: number | null | undefined
): number | null => (x === undefined || x === null || !Number.isFinite(x) ? null : x)

/**
 * Every metric × treatment of an experiment, in the order of the plan. Goals × treatments are one family of tests, secondary metrics ×
 * treatments another; what is withheld counts as a test without evidence. Guardrails are corrected in their power when an experiment is
 * planned, not here: each of them keeps the whole level, so that harm isn't overlooked.
 */
export const judge = (input: JudgeInput): ReadonlyArray<Judged> => {
  const { confidence, engine, multiplicity, plan, policy } = input
  const level = levelOf(policy, confidence)
  const decider = decisiveEngine(input)
  const held = decider.heldAt?.(confidence) ?? decider
  const asked = plan.metrics.flatMap((_, m) => {
    const questionOf = questionsOf(input, m, input.moments[m]!)
    return treatments(plan.experiment).map(({ key }) => ask(input, decider, m, key, questionOf(key)))
  })
  const families = (["goal", "secondary"] as const).map((role) => {
    const family = asked.filter(({ metric }) => metric.role === role && metric.direction !== "informational")
    const method = usableMethod(role === "goal" ? multiplicity.goals : multiplicity.secondary, family)
    const p = family.map(familyP)
    const corrected = method === "none" || family.length === 0
      ? undefined
      : correct(method, p, family.map(({ logE }) => logE), level)
    return { family, method, p, corrected }
  })
  const correctedOf = (one: Asked) => {
    for (const { corrected, family, method } of families) {
      const i = family.indexOf(one)
      if (i >= 0 && corrected !== undefined) {
        return { method, p: corrected.p[i]!, confidence: corrected.confidence, comparisons: family.length }
      }
    }
    return undefined
  }
  const shrinkable = asked.filter(({ analysis, metric }) =>
    metric.direction !== "informational" && analysis?.lift !== undefined && analysis.lift !== null &&
    analysis.standard_error < Number.MAX_VALUE
  )
  const shrunk = shrink(
    shrinkable.map(({ analysis }) => ({ value: analysis!.lift!, standardError: analysis!.standard_error }))
  )
  const best = plan.metrics.map((metric, m) => bestArms(input, metric, input.moments[m]!))
  return asked.map((one): Judged => {
    const { analysis, comparison, decisive, margin, marginP, metric, variant } = one
    const base = { metric, variant, comparison, margin }
    if (comparison.status === "withheld") return { ...base, wire: null, evidence: undefined }
    const corrected = correctedOf(one)
    const interval = corrected === undefined || decisive === undefined
      ? undefined
      : compareToControl(held, { ...one.input, confidence: corrected.confidence })
    const shrunkLift = shrunk[shrinkable.indexOf(one)]?.value
    const chance = best[one.m]?.get(variant)
    const evidence: Evidence = {
      better: decisive === undefined || decisive.difference === 0
        ? null
        : (decisive.difference > 0) === (metric.direction !== "down"),
      p: one.p,
      adjustedP: corrected?.p ?? familyP(one),
      ...(marginP === undefined
        ? {}
        : { margin: { holds: marginP.holds <= level / 2, fails: marginP.fails <= level / 2 } })
    }
    return {
      ...base,
      evidence,
      wire: {
        ...wireInference(comparison),
        ...(one.logE === undefined ? {} : { log_e: one.logE }),
        ...(corrected === undefined ? {} : {
          adjusted: {
            ...(decider === engine ? {} : { engine: decider.name }),
            method: corrected.method,
            comparisons: corrected.comparisons,
            p_value: corrected.p,
            confidence: corrected.confidence,
            ci_low: interval?.status === "ok" ? finite(interval.ci_low) : null,
            ci_high: interval?.status === "ok" ? finite(interval.ci_high) : null
          }
        }),
        ...(shrunkLift === undefined ? {} : { shrunk_lift: shrunkLift + 0 }),
        ...(analysis?.expected_loss === undefined ? {} : { expected_loss: analysis.expected_loss }),
        ...(chance === undefined ? {} : { chance_to_be_best: chance }),
        ...(margin === undefined || marginP === undefined
          ? {}
          : { margin: { value: margin.value, on: margin.on, p_value: marginP.holds, holds: evidence.margin!.holds } }),
        ...(one.stratified === undefined ? {} : { stratified: one.stratified }),
        ...(analysis?.adjustment === undefined ? {} : { adjustment: analysis.adjustment })
      }
    }
  })
}
