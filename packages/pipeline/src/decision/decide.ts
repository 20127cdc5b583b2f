/** From judged metrics and findings to a decision, with its reasons in plain words. Pure. */
import type {
  Decision,
  DecisionPolicy,
  DecisionWord,
  Finding,
  Reason,
  ResultsSummary,
  TreatmentDecision
} from "@assay/model"
import type { Judged } from "./judge.ts"
import type { Reading } from "./reading.ts"

/** What a decision is made of. */
export interface DecideInput {
  readonly judged: ReadonlyArray<Judged>
  /** The treatments, in the order of the definition. */
  readonly treatments: ReadonlyArray<string>
  readonly findings: ReadonlyArray<Finding>
  readonly srm: Pick<ResultsSummary["srm"], "status" | "withheld">
  readonly reading: Reading
  readonly policy: DecisionPolicy
  /** The error that the decision may make; see `levelOf`. */
  readonly level: number
  /** The decision of the last snapshot of the same definition, which stands between planned looks. */
  readonly before?: Decision
}

const list = (parts: ReadonlyArray<string>): string =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`

const pText = (
  p: number
): string => (p < 0.0001 ? "p < 0.0001" : `p = ${p < 0.001 ? p.toPrecision(1) : p.toFixed(p < 0.1 ? 3 : 2)}`)

/** A lift or a difference, with its sign. */
const amount = (value: number, on: "relative" | "absolute"): string =>
  on === "relative"
    ? `${Number((Math.abs(value) * 100).toPrecision(3))} %`
    : String(Number(Math.abs(value).toPrecision(3)))

const about = (
  code: string,
  one: Pick<Judged, "metric" | "variant">,
  sentence: string
): Reason => ({ code, sentence, metric_id: one.metric.key, variant: one.variant })

const signed = (lift: number): string => `${lift > 0 ? "+" : lift < 0 ? "−" : ""}${amount(lift, "relative")}`

const wins = (one: Judged, level: number): boolean =>
  one.evidence !== undefined && one.evidence.better === true && one.evidence.adjustedP <= level

const loses = (one: Judged, level: number): boolean =>
  one.evidence !== undefined && one.evidence.better === false && one.evidence.p <= level

/** What the metrics of a role and treatment say, one by one. */
const goalReasons = (goals: ReadonlyArray<Judged>, level: number): ReadonlyArray<Reason> =>
  goals.map((one) => {
    const { evidence, margin, metric, wire } = one
    if (evidence === undefined || wire === null) {
      const why = one.comparison.status === "withheld" ? one.comparison.sentence : "It has no result."
      return about("goal_withheld", one, `The goal ${metric.key} can't be judged yet: ${why}`)
    }
    const lift = signed(wire.lift)
    const corrected = wire.adjusted !== undefined && wire.adjusted.comparisons > 1
      ? `, corrected for ${wire.adjusted.comparisons} comparisons`
      : ""
    if (wins(one, level)) {
      return about(
        "goal_improved",
        one,
        margin === undefined
          ? `The goal ${metric.key} improved (${lift}, ${pText(evidence.adjustedP)}${corrected}).`
          : `The goal ${metric.key} improved by more than ${amount(margin.value, margin.on)} (${lift}, ${
            pText(evidence.adjustedP)
          }${corrected}).`
      )
    }
    if (loses(one, level)) {
      return about("goal_worse", one, `The goal ${metric.key} got worse (${lift}, ${pText(evidence.p)}).`)
    }
    return about(
      "goal_inconclusive",
      one,
      margin === undefined
        ? `The goal ${metric.key} shows no clear change (${lift}, ${pText(evidence.adjustedP)}${corrected}).`
        : `The goal ${metric.key} isn't shown to improve by more than ${amount(margin.value, margin.on)} (${lift}, ${
          pText(evidence.adjustedP)
        }${corrected}).`
    )
  })

type Guard = "fine" | "harmed" | "open" | "withheld"

/** How a guardrail stands: fine, shown to be harmed, not yet shown to be within its margin, or without enough data. */
const guardOf = (one: Judged, level: number): Guard => {
  const { evidence, margin } = one
  if (evidence === undefined) return "withheld"
  if (margin === undefined) return loses(one, level) ? "harmed" : "fine"
  return evidence.margin?.holds === true ? "fine" : evidence.margin?.fails === true ? "harmed" : "open"
}

const guardReason = (one: Judged, guard: Guard): Reason => {
  const { evidence, margin, metric, wire } = one
  const figures = wire === null || evidence === undefined ? "" : ` (${signed(wire.lift)}, ${pText(evidence.p)})`
  const bound = margin === undefined ? "" : amount(margin.value, margin.on)
  switch (guard) {
    case "withheld":
      return about(
        "guardrail_withheld",
        one,
        `The guardrail ${metric.key} can't be judged yet: ${
          one.comparison.status === "withheld" ? one.comparison.sentence : "it has no result."
        }`
      )
    case "harmed":
      return about(
        "guardrail_harmed",
        one,
        margin === undefined
          ? `The guardrail ${metric.key} got worse${figures}.`
          : `The guardrail ${metric.key} got worse by more than the ${bound} that are borne${figures}.`
      )
    case "open":
      return about(
        "guardrail_open",
        one,
        `The guardrail ${metric.key} isn't shown to lose less than the ${bound} that are borne${figures}.`
      )
    case "fine":
      return about(
        "guardrail_fine",
        one,
        margin === undefined
          ? `The guardrail ${metric.key} shows no harm${figures}.`
          : `The guardrail ${metric.key} loses less than the ${bound} that are borne${figures}.`
      )
  }
}

const nonEmpty = (reasons: ReadonlyArray<Reason>): TreatmentDecision["reasons"] => {
  const [first, ...rest] = reasons
  return [first ?? { code: "nothing", sentence: "There is nothing to say yet." }, ...rest]
}

/** The decision about one treatment whose data are sound. What decided stands first among the reasons. */
const decideTreatment = (variant: string, input: DecideInput): TreatmentDecision => {
  const { judged, level, policy, reading, srm } = input
  const own = judged.filter((one) => one.variant === variant && one.metric.direction !== "informational")
  const goals = own.filter(({ metric }) => metric.role === "goal")
  const guards = own.filter(({ metric }) => metric.role === "guardrail").map((one) => ({
    one,
    guard: guardOf(one, level)
  }))
  const ofGoals = goalReasons(goals, level)
  const ofGuards = guards.map(({ guard, one }) => guardReason(one, guard))
  const are = (...codes: ReadonlyArray<string>) => (one: Reason): boolean => codes.includes(one.code)
  const all = [...ofGoals, ...ofGuards]
  const answer = (decision: DecisionWord, because: (one: Reason) => boolean, more: ReadonlyArray<Reason> = []) => ({
    variant,
    decision,
    reasons: nonEmpty([...all.filter(because), ...more, ...all.filter((one) => !because(one)), ...reading.reasons])
  })
  const no = (because: (one: Reason) => boolean, more: ReadonlyArray<Reason> = []) =>
    answer(reading.final ? "do not ship" : "keep running", because, more)

  const small = srm.status === "withheld" && srm.withheld !== undefined
    ? [{ code: "sample_ratio_unchecked", sentence: srm.withheld.sentence }]
    : []
  if (all.some(are("goal_withheld", "guardrail_withheld")) || small.length > 0) {
    const ended = reading.plan.information !== null && reading.plan.information >= 1
      ? [{
        code: "too_little_data",
        sentence:
          "The experiment is at its end without enough data for an answer: run it longer, or again with more traffic."
      }]
      : []
    return answer("keep running", are("goal_withheld", "guardrail_withheld", "goal_worse", "guardrail_harmed"), [
      ...small,
      ...ended
    ])
  }
  const harmed = guards.some(({ guard }) => guard === "harmed")
  if (harmed || goals.some((one) => loses(one, level))) {
    return answer("do not ship", are("guardrail_harmed", "goal_worse"))
  }
  if (goals.length === 0) {
    return no(() => false, [{
      code: "no_goal",
      sentence: "No metric in the role goal says which way is good, so nothing can speak for shipping."
    }])
  }
  const winning = goals.filter((one) => wins(one, level))
  const enough = policy.goals === "all" ? winning.length === goals.length : winning.length > 0
  if (!enough) return no(are("goal_inconclusive"))
  if (guards.some(({ guard }) => guard === "open")) return no(are("guardrail_open"))
  if (!reading.mayShip) return answer("keep running", () => false, reading.reasons)
  return answer("ship", are("goal_improved"))
}

/** Of treatments that could all ship, the one whose first goal is the best. */
const preferred = (candidates: ReadonlyArray<string>, judged: ReadonlyArray<Judged>): string => {
  const goal = judged.find(({ metric }) => metric.role === "goal" && metric.direction !== "informational")?.metric
  const sign = goal?.direction === "down" ? -1 : 1
  const gain = (variant: string): number =>
    sign * (judged.find((one) => one.variant === variant && one.metric === goal)?.wire?.lift ?? -Infinity)
  return candidates.reduce((best, one) => (gain(one) > gain(best) ? one : best))
}

const uniqueReasons = (reasons: ReadonlyArray<Reason>): ReadonlyArray<Reason> => {
  const seen = new Set<string>()
  return reasons.filter(({ code, metric_id, variant }) => {
    const key = JSON.stringify([code, metric_id, variant])
    return !seen.has(key) && seen.add(key) !== undefined
  })
}

/**
 * The decision about each treatment and the experiment.
 *
 * - An alarm among the findings: `do not trust`, whatever the numbers say.
 * - A floor that isn't met, or a sample ratio that can't be checked yet: `keep running`. What got worse all the same is told first.
 * - A goal or a guardrail that got worse (each at the whole level, two-sided): `do not ship`, at any time.
 * - One goal improved (or all, as the policy says) after correction for all goals × treatments, and no guardrail harmed or, where it has a
 *   margin, all shown to lose less: `ship`, if the plan lets results be read now.
 * - Else `keep running`, and at the end of the plan `do not ship`.
 *
 * Between planned looks the decision of the last look stands. The experiment ships the treatment that ships, of several the one whose
 * first goal is the best; it doesn't ship when no treatment does, and else keeps running.
 */
export const decide = (input: DecideInput): Decision => {
  const { before, findings, judged, reading, treatments } = input
  const { plan } = reading
  const alarms = findings.filter(({ severity }) => severity === "alarm")
  if (alarms.length > 0) {
    const reasons = nonEmpty(alarms.map(({ code, metric_id, sentence, variant }): Reason => ({
      code,
      sentence,
      ...(metric_id === undefined ? {} : { metric_id }),
      ...(variant === undefined ? {} : { variant })
    })))
    return {
      decision: "do not trust",
      variant: null,
      reasons,
      treatments: treatments.map((variant) => ({ variant, decision: "do not trust", reasons })),
      plan
    }
  }
  if (reading.stands && before !== undefined && before.decision !== "do not trust") {
    const renew = (reasons: ReadonlyArray<Reason>) =>
      nonEmpty([
        ...reasons.filter(({ code }) => code !== "planned_look" && code !== "plan_overrun"),
        ...reading.reasons
      ])
    return {
      ...before,
      reasons: renew(before.reasons),
      treatments: before.treatments.map((one) => ({ ...one, reasons: renew(one.reasons) })),
      plan
    }
  }
  const decided = treatments.map((variant) => decideTreatment(variant, input))
  const shipping = decided.filter(({ decision }) => decision === "ship").map(({ variant }) => variant)
  if (shipping.length > 0) {
    const variant = preferred(shipping, judged)
    const others = shipping.filter((one) => one !== variant)
    const chosen = decided.find((one) => one.variant === variant)!
    return {
      decision: "ship",
      variant,
      reasons: others.length === 0 ? chosen.reasons : nonEmpty([
        ...chosen.reasons,
        {
          code: "several_could_ship",
          sentence: `${list(others)} could ship, too; ${variant} has the better estimate on the first goal.`
        }
      ]),
      treatments: decided,
      plan
    }
  }
  const decision = decided.length > 0 && decided.every((one) => one.decision === "do not ship")
    ? "do not ship"
    : "keep running"
  const because = decided.filter((one) => one.decision === decision)
  return {
    decision,
    variant: null,
    reasons: nonEmpty(uniqueReasons(because.flatMap(({ reasons }) => reasons))),
    treatments: decided,
    plan
  }
}
