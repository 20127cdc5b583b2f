/** How long still: sample sizes, power and detectable effects of an experiment, from its definition and what was measured so far. Pure. */
import {
  type DecisionPolicy,
  type EffectSize,
  type EngineChoice,
  type EstimandKind,
  type Experiment,
  horizonMillis,
  Instant,
  lookFractions,
  type Metric,
  type MetricResult,
  type MetricUse,
  type Moments,
  type Multiplicity,
  type Outlook,
  type OutlookAnswer,
  type OutlookFigures,
  type OutlookMetric,
  type OutlookPoint,
  type OutlookTarget,
  type OutlookTraffic,
  outlookVersion,
  type ResultsSummary,
  treatments
} from "@assay/model"
import {
  type Baseline,
  baselineOf,
  type Design,
  minimumDetectableEffect,
  type PlannedSize,
  powerOf,
  proportionBaseline,
  type Reading,
  sampleSize,
  smallestMargin,
  type TargetEffect
} from "@assay/stats"
import { levelOf, marginOf } from "../decision/judge.ts"
import { identitiesOf } from "./traffic.ts"

/** What a metric of the control is expected to be: a rate, or a mean with the standard deviation of one identity. */
export interface ExpectedBaseline {
  readonly value: number
  readonly standardDeviation?: number
}

/** What an outlook is made of. Times in milliseconds since 1970-01-01 UTC. */
export interface OutlookInput {
  readonly experiment: Experiment
  /** The definition of each metric of the experiment, and what its aggregation estimates. */
  readonly metrics: ReadonlyMap<string, Pick<Metric, "direction"> & { readonly estimand: EstimandKind }>
  readonly engine: EngineChoice
  readonly confidence: number
  readonly policy: DecisionPolicy
  readonly multiplicity: Multiplicity
  /** The latest results; absent before the first. */
  readonly latest?: ResultsSummary
  readonly traffic?: OutlookTraffic
  /** By metric: taken instead of what was measured. */
  readonly baselines?: ReadonlyMap<string, ExpectedBaseline>
  /** The effect worth finding by metric, instead of the plan's; `undefined` stands for all goals. */
  readonly effects?: ReadonlyMap<string | undefined, EffectSize>
  /** The wanted chance, instead of the plan's (0.8 without one). */
  readonly power?: number
  readonly now: number
}

const day = 86_400_000

/** More days than this are no answer: nobody runs an experiment for so long. */
const longest = 3 * 365

const date = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

const count = (n: number): string => n.toLocaleString("en-US")

const percent = (x: number): string => `${Number((x * 100).toPrecision(3))} %`

const days = (n: number): string => {
  const whole = Math.ceil(n - 1e-9)
  return `${count(whole)} day${whole === 1 ? "" : "s"}`
}

const targetWith = (
  kind: OutlookTarget["kind"],
  { on = "relative", value }: EffectSize,
  direction: Metric["direction"]
): OutlookTarget => {
  const size = on === "relative" ? percent(value) : String(Number(value.toPrecision(4)))
  return {
    kind,
    value,
    on,
    text: kind === "effect"
      ? `${direction === "down" ? "−" : "+"}${size}`
      : `${direction === "down" ? "a rise" : "a loss"} below ${size}`
  }
}

/** The split that new identities are assigned by: of the last change before `at`. */
const sharesOf = ({ control, split_changes = [], variants }: Experiment, at: number) => {
  const changed = split_changes.findLast(({ from }) => Instant.toMillis(from) <= at)
  const shares = variants.map(({ key, share }) => ({
    key,
    share: changed === undefined ? share : Object.hasOwn(changed.shares, key) ? changed.shares[key]! : 0
  })).filter(({ share }) => share > 0)
  return [...shares.filter(({ key }) => key === control), ...shares.filter(({ key }) => key !== control)]
}

interface Course {
  readonly design: Outlook["reading"]["design"]
  readonly reading: Reading
  readonly looks?: ReadonlyArray<number>
  readonly endsAt: number | undefined
  readonly identities: number | undefined
}

/** How the experiment will be read in the end. Without a plan it is read once at its end, or always-valid where it has none. */
const courseOf = ({ confidence, engine, experiment, policy }: OutlookInput): Course => {
  const { ended_at, plan, started_at } = experiment
  const identities = typeof plan?.horizon === "object" ? plan.horizon.identities : undefined
  const endsAt = identities !== undefined
    ? undefined
    : (plan === undefined ? undefined : horizonMillis(plan, Instant.toMillis(started_at))) ??
      (ended_at === undefined ? undefined : Instant.toMillis(ended_at))
  const sequential: Reading = {
    kind: "sequential",
    level: 1 - levelOf(policy, confidence),
    ...(engine.tuning === undefined ? {} : { tuning: engine.tuning })
  }
  const design = plan?.design ?? (endsAt === undefined ? "always-valid" : "fixed")
  const end = { endsAt, identities }
  if (engine.name === "sequential" || design === "always-valid" || (endsAt === undefined && identities === undefined)) {
    return { design: "always-valid", reading: sequential, ...end }
  }
  if (design === "fixed") return { design, reading: { kind: "fixed" }, ...end }
  const looks = lookFractions(plan!)
  return {
    design,
    reading: {
      kind: "group-sequential",
      fractions: looks.at(-1) === 1 ? looks : [...looks, 1],
      spending: plan!.spending ?? "obrien-fleming"
    },
    looks,
    ...end
  }
}

interface Found {
  readonly baseline: Baseline
  readonly source: "measured" | "given"
  readonly reduction?: number
  readonly fallback?: string
}

const momentsOf = (
  { denominator_sum, denominator_sum_squares, n, sum, sum_products, sum_squares, variance }:
    MetricResult["variants"][string]
): Moments.Moments => {
  const below = denominator_sum ?? 0
  const [squares, cross] = [denominator_sum_squares ?? 0, sum_products ?? 0]
  const comoment = (raw: number, a: number, b: number): number => (n > 0 ? raw - (a / n) * b : 0)
  const own = variance * Math.max(0, n - 1)
  const shared = comoment(cross, sum, below)
  return {
    n,
    sums: [sum, below],
    products: [[sum_squares, cross], [cross, squares]],
    comoments: [[own, shared], [shared, Math.max(0, comoment(squares, below, below))]]
  }
}

const identitiesIn = (
  summary: ResultsSummary | undefined
): number => (summary === undefined ? 0 : identitiesOf(summary))

/** The baseline of a metric: as given, or the control's, with the part of the variance that covariate and strata have taken away in all comparisons. */
const baselineFor = (
  { baselines, experiment, latest }: OutlookInput,
  key: string,
  estimand: EstimandKind
): Found | string => {
  const given = baselines?.get(key)
  const result = latest?.metrics.find(({ metric_id }) => metric_id === key)
  const inferences = Object.values(result?.inference ?? {}).flatMap((one) => (one === null ? [] : [one]))
  const explained = inferences.flatMap(({ adjustment, stratified }) =>
    adjustment === undefined && stratified === undefined
      ? []
      : [1 - (1 - (adjustment?.variance_reduction ?? 0)) * (1 - (stratified?.variance_reduction ?? 0))]
  ).map((part) => Math.min(0.999, Math.max(0, part)))
  const [fallback] = inferences.flatMap(({ adjustment }) =>
    adjustment?.fallback === undefined ? [] : [adjustment.fallback]
  )
  const covariate = explained.length === 0
    ? {}
    : { reduction: Math.min(...explained), ...(fallback === undefined ? {} : { fallback }) }
  if (given !== undefined) {
    return estimand === "proportion"
      ? { baseline: proportionBaseline(given.value), source: "given", ...covariate }
      : {
        baseline: { value: given.value, variance: given.standardDeviation! ** 2 },
        source: "given",
        ...covariate
      }
  }
  if (estimand === "quantile" && identitiesIn(latest) === 0) {
    return "Nothing was measured yet, and how uncertain a quantile is has to be measured."
  }
  const flag = `--baseline ${key}=${
    estimand === "proportion" ? "0.1 (its rate)" : "12.5,30 (mean, standard deviation)"
  }`
  if (result === undefined || identitiesIn(latest) === 0) {
    return `Nothing was measured yet. Say what is expected: ${flag}.`
  }
  const [withheld] = Object.values(result.withheld)
  const control = result.variants[experiment.control]
  const found = withheld !== undefined || control === undefined
    ? undefined
    : baselineOf({ kind: estimand }, momentsOf(control))
  if (found === undefined || !(found.variance > 0)) {
    const why = withheld?.sentence ?? "The control has no spread to plan with."
    return `${why} Until then, say what is expected: ${flag}.`
  }
  return {
    baseline: estimand === "proportion" && found.value > 0 && found.value < 1
      ? proportionBaseline(found.value)
      : found,
    source: "measured",
    ...covariate
  }
}

const targetOf = (
  { effects, experiment }: OutlookInput,
  use: MetricUse,
  direction: Metric["direction"]
): OutlookTarget | null => {
  if (direction === "informational") return null
  if (use.role === "guardrail" && use.margin !== undefined) {
    return targetWith("margin", use.margin, direction)
  }
  const effect = effects?.get(use.metric) ??
    (use.role === "goal" ? effects?.get(undefined) ?? experiment.plan?.effect : undefined)
  return effect === undefined ? null : targetWith("effect", effect, direction)
}

/** What is asked of a metric in terms of the kernel: a design, and the effect that is to be found with it. */
interface Question {
  readonly design: Design
  /** Undefined without a target. */
  readonly effect: TargetEffect | undefined
  readonly good: 1 | -1
  /** Whether a margin is to be shown to hold. */
  readonly guards: boolean
}

const questionOf = (
  use: MetricUse,
  direction: Metric["direction"],
  target: OutlookTarget | null,
  level: number,
  found: Found,
  rest: Pick<Design, "allocation" | "reading">
): Question => {
  const good = direction === "down" ? -1 : 1
  const base = {
    ...rest,
    baseline: found.baseline,
    ...(found.reduction === undefined ? {} : { varianceReduction: found.reduction })
  }
  const margin = marginOf(use.margin, { direction, role: use.role })
  const effect = target === null
    ? undefined
    : target.kind === "margin"
    ? { value: 0, on: "absolute" } as const
    : { value: good * target.value, on: target.on }
  return margin === undefined
    ? { design: { ...base, confidence: 1 - level }, effect, good, guards: false }
    : {
      design: { ...base, confidence: 1 - level / 2, alternative: good > 0 ? "greater" : "less", margin },
      effect,
      good,
      guards: use.role === "guardrail"
    }
}

/** Whether an effect can be there at all: no rate leaves [0, 1]. */
const isPossible = ({ design: { baseline }, effect }: Question): boolean => {
  if (effect === undefined || baseline.proportion !== true) return true
  const rate = baseline.value + (effect.on === "relative" ? effect.value * baseline.value : effect.value)
  return rate >= 0 && rate <= 1
}

const withReading = ({ design, ...rest }: Question, reading: Reading): Question => ({
  ...rest,
  design: { ...design, reading }
})

const sizeFor = (question: Question, power: number): PlannedSize | undefined =>
  question.effect === undefined || !isPossible(question)
    ? undefined
    : sampleSize(question.design, question.effect, power)

const detectableWith = (
  { design, good, guards }: Question,
  n: number,
  power: number
): OutlookPoint["detectable"] => {
  const { alternative, baseline, margin } = design
  if (guards && margin !== undefined && (alternative === "greater" || alternative === "less")) {
    const found = smallestMargin({ ...design, alternative }, n, power, margin.on)
    if (found === undefined) return null
    const absolute = margin.on === "relative" ? found * baseline.value : found
    return { absolute, relative: baseline.value === 0 ? null : absolute / Math.abs(baseline.value) }
  }
  const found = minimumDetectableEffect(design, n, power, good > 0 ? "above" : "below")
  return found === undefined
    ? null
    : { absolute: Math.abs(found.absolute), relative: found.relative === null ? null : Math.abs(found.relative) }
}

/** Below so many identities nothing is told: an arm has none. */
const least = 4

const pointAt = (question: Question, n: number, power: number): OutlookPoint | null =>
  n < least ? null : {
    n: Math.round(n),
    power: question.effect === undefined || !isPossible(question)
      ? null
      : powerOf(question.design, question.effect, n),
    detectable: detectableWith(question, n, power)
  }

/** What a metric's figures are computed from: identities that it counts now and at the planned end. */
interface Progress {
  readonly state: Outlook["state"]
  readonly counted: number
  readonly atEnd: number | undefined
  readonly perDay: number | undefined
}

const figuresOf = (
  question: Question,
  found: Found,
  target: OutlookTarget | null,
  power: number,
  arms: ReadonlyArray<{ readonly key: string }>,
  { atEnd, counted, perDay, state }: Progress,
  sequential: Reading
): OutlookFigures => {
  const { baseline, fallback, reduction, source } = found
  const size = sizeFor(question, power)
  const missing = size === undefined ? undefined : Math.max(0, size.n - counted)
  const daysLeft = missing === undefined
    ? null
    : missing === 0
    ? 0
    : state === "ended" || perDay === undefined
    ? null
    : missing / perDay
  return {
    status: "ok",
    baseline: { value: baseline.value, standard_deviation: Math.sqrt(baseline.variance), source },
    ...(reduction === undefined ? {} : { variance_reduction: reduction }),
    ...(fallback === undefined ? {} : { covariate_fallback: fallback }),
    target,
    now: pointAt(question, counted, power),
    at_end: atEnd === undefined ? null : pointAt(question, atEnd, power),
    needed: size === undefined ? null : {
      n: size.n,
      per_arm: Object.fromEntries(arms.map(({ key }, i) => [key, size.perArm[i]!]))
    },
    needed_fixed: sizeFor(withReading(question, { kind: "fixed" }), power)?.n ?? null,
    needed_always_valid: sizeFor(withReading(question, sequential), power)?.n ?? null,
    ...(reduction === undefined || reduction === 0 ? {} : {
      needed_unadjusted: sizeFor({ ...question, design: { ...question.design, varianceReduction: 0 } }, power)?.n ??
        null
    }),
    days: daysLeft
  }
}

type Known = OutlookMetric & OutlookFigures

const isKnown = (metric: OutlookMetric): metric is Known => metric.status === "ok"

const saying = ({ metric_id, target }: Known): string =>
  target!.kind === "margin" ? `show ${target!.text} of ${metric_id}` : `find ${target!.text} on ${metric_id}`

interface Answering {
  readonly state: Outlook["state"]
  readonly course: Course
  readonly metrics: ReadonlyArray<OutlookMetric>
  readonly identities: number
  readonly perDay: number | undefined
  /** Where the counting starts: the time of the data, or the start of what hasn't started. */
  readonly at: number
}

const answerOf = ({ at, course, identities, metrics, perDay, state }: Answering): OutlookAnswer => {
  const none = { days: null, until: null }
  const asked = metrics.filter(isKnown).filter(({ target }) => target !== null)
  const open = asked.filter(({ days: left }) => left !== 0)
  const unknown = metrics.filter(({ role, status }) => role === "goal" && status === "unknown")
  const longestOpen = open.reduce<Known | undefined>(
    (most, one) =>
      most === undefined ||
        (one.needed?.n ?? Infinity) - (one.now?.n ?? 0) > (most.needed?.n ?? Infinity) - (most.now?.n ?? 0)
        ? one
        : most,
    undefined
  )
  const lacks = (one: Known): string =>
    one.needed === null
      ? `no number of identities can ${saying(one)}`
      : `it takes ${count(one.needed.n)} identities to ${saying(one)} with a chance of ${percent(one.power)}, and ${
        count(one.now?.n ?? 0)
      } are counted`
  if (state === "ended") {
    return {
      code: "ended",
      sentence: identities === 0
        ? "The experiment has ended, and no identity is known of it."
        : longestOpen === undefined
        ? asked.length === 0
          ? "The experiment has ended: no more identities come."
          : "The experiment has ended, with enough identities for all its targets."
        : `The experiment has ended too early: ${
          lacks(longestOpen)
        }. Run it again for longer or with more traffic, or take a larger effect as the target.`,
      days: 0,
      until: null
    }
  }
  if (metrics.every((metric) => metric.status === "unknown")) {
    return { code: "no_data", sentence: "Nobody knows yet: no metric has a baseline.", ...none }
  }
  const end = course.endsAt ?? (course.identities === undefined || perDay === undefined
    ? undefined
    : at + (Math.max(0, course.identities - identities) / perDay) * day)
  const planned = course.design !== "always-valid" && end !== undefined && end > at
  const also = unknown.length === 0
    ? ""
    : ` Nothing is known yet of ${unknown.map(({ metric_id }) => metric_id).join(" and ")}.`
  if (planned) {
    const left = (end - at) / day
    const late = asked.filter(({ at_end, power }) => at_end !== null && !((at_end.power ?? 0) >= power))
    const worst = late.reduce<Known | undefined>(
      (most, one) => (most === undefined || one.at_end!.power! < most.at_end!.power! ? one : most),
      undefined
    )
    const then = asked.length === 0
      ? " Nothing says which effect is worth finding: say it as `effect` of the plan, or by --effect 5%."
      : worst === undefined
      ? asked.some(({ at_end }) => at_end === null) ? "" : " By then there are enough identities for all targets."
      : ` That is too early: the chance to ${saying(worst)} is then ${percent(worst.at_end!.power ?? 0)} instead of ${
        percent(worst.power)
      }${worst.days === null ? "" : `, for which it takes ${days(worst.days)} from now`}.`
    return {
      code: "planned_end",
      sentence: `${days(left)}, to the planned end on ${date(end)}.${then}${also}`,
      days: left,
      until: Instant.fromMillis(Math.round(end))
    }
  }
  if (asked.length === 0) {
    return {
      code: "no_target",
      sentence:
        "Nothing says which effect is worth finding: say it as `effect` of the plan in the experiment's file, or by " +
        `--effect 5%.${also}`,
      ...none
    }
  }
  if (longestOpen === undefined) {
    return {
      code: "enough",
      sentence: `Nothing is missing: there are enough identities for all targets.${also}`,
      days: 0,
      until: Instant.fromMillis(at)
    }
  }
  if (longestOpen.needed !== null && longestOpen.days === null) {
    return {
      code: "no_traffic",
      sentence: `${lacks(longestOpen)}. Nobody knows how many come: say it by --traffic 5000 (identities a day).`
        .replace(/^./, (first) => first.toUpperCase()),
      ...none
    }
  }
  if (longestOpen.days === null || longestOpen.days > longest) {
    return {
      code: "too_long",
      sentence: `Longer than anybody runs an experiment${
        longestOpen.days === null ? "" : ` (${days(longestOpen.days)})`
      }: ${lacks(longestOpen)}. Take a larger effect as the target, or a metric that varies less.${also}`,
      days: longestOpen.days,
      until: null
    }
  }
  const until = at + longestOpen.days * day
  return {
    code: "days",
    sentence: `About ${days(longestOpen.days)}, to ${date(until)}: ${lacks(longestOpen)}.${also}`,
    days: longestOpen.days,
    until: Instant.fromMillis(Math.round(until))
  }
}

/** The level of each family of tests after correction, and of how many comparisons. */
const familyOf = (
  { confidence, experiment, metrics, multiplicity, policy }: OutlookInput,
  role: MetricUse["role"]
): { readonly level: number; readonly comparisons: number } => {
  const level = levelOf(policy, confidence)
  const method = role === "goal" ? multiplicity.goals : role === "secondary" ? multiplicity.secondary : "none"
  const judged = experiment.metrics.filter((use) =>
    use.role === role && metrics.get(use.metric)?.direction !== "informational"
  )
  const comparisons = method === "none" ? 1 : Math.max(1, judged.length * treatments(experiment).length)
  // 1 − 0.95 is 0.05 and a hair, which nobody wants to read.
  return { level: Number((level / comparisons).toPrecision(12)), comparisons }
}

const notesOf = ({ experiment, latest, now }: OutlookInput, answer: OutlookAnswer): ReadonlyArray<string> => {
  const alarms = (latest?.findings ?? []).filter(({ severity }) => severity === "alarm")
  return [
    ...(latest === undefined && Instant.toMillis(experiment.started_at) <= now
      ? [`There are no results yet: \`assay recompute ${experiment.key}\` computes them.`]
      : []),
    ...(alarms.length === 0 ? [] : [
      `The data aren't to be trusted, and neither are these figures: ${
        alarms.map(({ sentence }) => sentence).join(" ")
      }`
    ]),
    ...(latest?.state === "running" && now - Instant.toMillis(latest.as_of) > day
      ? [
        `The data are ${days((now - Instant.toMillis(latest.as_of)) / day)} old${
          answer.until !== null && answer.code === "days" && Instant.toMillis(answer.until) < now
            ? "; by now they should be enough"
            : ""
        }: \`assay recompute\` brings them up to date.`
      ]
      : [])
  ]
}

/**
 * "How long still?": for each metric what its target takes and what can be found by now and at the planned end, and for the experiment the days
 * that are left. Targets are the effect of the plan on goals and the margins of guardrails. The two-sided level of goals is divided by goals ×
 * treatments (Bonferroni; the correction that decides is no less powerful), that of secondary metrics by theirs; guardrails keep theirs, and
 * where some have a margin the power of each test that must succeed is 1 − (1 − power)/(their number + 1), so that all succeed together with
 * the wanted one (Schultzberg, Ankargren and Frånberg 2024, "Risk-aware product decisions in A/B tests with multiple metrics"). A prior of
 * the engine is left out of account. A baseline or an effect out of range is a RangeError.
 */
export const outlookOf = (input: OutlookInput): Outlook => {
  const { experiment, latest, now, traffic } = input
  const from = Instant.toMillis(experiment.started_at)
  const ends = experiment.ended_at === undefined ? undefined : Instant.toMillis(experiment.ended_at)
  const asOf = latest === undefined ? now : Instant.toMillis(latest.as_of)
  const state = ends !== undefined && asOf >= ends ? "ended" : asOf < from ? "not started" : "running"
  const at = Math.max(from, asOf)
  const course = courseOf(input)
  const sequential: Reading = course.reading.kind === "sequential"
    ? course.reading
    : { kind: "sequential", level: 1 - levelOf(input.policy, input.confidence) }
  const arms = sharesOf(experiment, at)
  const allocation = arms.map(({ share }) => share)
  const identities = latest === undefined ? 0 : identitiesOf(latest)
  const perDay = traffic === undefined || !(traffic.per_day > 0) ? undefined : traffic.per_day
  const wanted = input.power ?? experiment.plan?.power ?? 0.8
  const guards = experiment.metrics.filter((use) =>
    use.role === "guardrail" && use.margin !== undefined &&
    input.metrics.get(use.metric)?.direction !== "informational"
  ).length
  const together = 1 - (1 - wanted) / (guards + 1)
  const comparable = allocation.length >= 2 && arms[0]!.key === experiment.control
  const metrics = experiment.metrics.map((use): OutlookMetric => {
    const { direction, estimand } = input.metrics.get(use.metric)!
    const family = familyOf(input, use.role)
    const power = use.role === "goal" || (use.role === "guardrail" && use.margin !== undefined) ? together : wanted
    const base = { metric_id: use.metric, role: use.role, direction, estimand, ...family, power }
    const found = comparable
      ? baselineFor(input, use.metric, estimand)
      : "No identities come into the control and a treatment by the present split, so nothing can be compared."
    if (typeof found === "string") return { ...base, status: "unknown", sentence: found }
    const aim = targetOf(input, use, direction)
    const question = questionOf(use, direction, aim, family.level, found, { allocation, reading: course.reading })
    const result = latest?.metrics.find(({ metric_id }) => metric_id === use.metric)
    const counted = result === undefined ? 0 : Object.values(result.variants).reduce((total, { n }) => total + n, 0)
    const more = course.endsAt !== undefined
      ? perDay === undefined ? undefined : (Math.max(0, course.endsAt - at) / day) * perDay
      : course.identities !== undefined
      ? Math.max(0, course.identities - identities)
      : undefined
    const atEnd = more === undefined || state === "ended" ? undefined : counted + more
    return { ...base, ...figuresOf(question, found, aim, power, arms, { state, counted, atEnd, perDay }, sequential) }
  })
  const answer = answerOf({ state, course, metrics, identities, perDay, at })
  return {
    schema: outlookVersion,
    experiment: experiment.key,
    state,
    as_of: Instant.fromMillis(asOf),
    window: { from: Instant.fromMillis(from) },
    reading: {
      design: course.design,
      recorded: experiment.plan !== undefined,
      ...(course.looks === undefined ? {} : { looks: course.looks }),
      ends_at: course.endsAt === undefined ? null : Instant.fromMillis(course.endsAt),
      ...(course.identities === undefined ? {} : { identities: course.identities })
    },
    answer,
    notes: notesOf(input, answer),
    identities,
    traffic: traffic ?? null,
    metrics
  }
}
