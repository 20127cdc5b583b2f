/** `assay plan`: how long an experiment still takes, from what was measured so far. */
import { type EffectSize, Instant, type OutlookTraffic, type ResultsSummary } from "@assay/model"
import { type ExpectedBaseline, outlookOf, trafficOf } from "@assay/pipeline"
import { outlookText } from "@assay/report"
import { Store } from "@assay/store"
import { Clock, Effect, Option, Result } from "effect"
import { UsageError } from "../Failed.ts"
import { print, printJson, scorecardOptions } from "../output.ts"
import { loadDefinitions, type LoadedProject } from "../project.ts"
import { storeLayer } from "../store.ts"
import { chooseExperiments } from "./recompute.ts"

/** What `assay plan` was asked for. */
export interface PlanInput {
  readonly experiment: string
  readonly config: Option.Option<string>
  readonly baselines: ReadonlyArray<string>
  readonly effects: ReadonlyArray<string>
  readonly power: Option.Option<number>
  readonly traffic: Option.Option<number>
  readonly json: boolean
}

const wrong = (flag: string, found: string, expected: string, hint: string) =>
  Result.fail(new UsageError({ message: `--${flag} ${found}: expected ${expected}`, hint }))

/** A number or a percentage above 0: `0.05`, `5%`. */
const amountOf = (text: string): number | undefined => {
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(%?)\s*$/.exec(text)
  const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === "%" ? 100 : 1)
  return value > 0 ? value : undefined
}

/** What the project knows of an experiment's metrics. */
const metricsOf = ({ config, definitions }: LoadedProject, experiment: string) =>
  new Map(
    definitions.experiments.get(experiment)!.metrics.map(({ metric }) => {
      const { aggregation, direction } = definitions.metrics.get(metric)!
      return [metric, { direction, estimand: config.aggregations.get(aggregation)!.estimand }] as const
    })
  )

type Metrics = ReturnType<typeof metricsOf>

const baselineHint =
  "A rate as purchased=0.1 or purchased=10%; a mean with the standard deviation of one identity as revenue=12.5,30"

const parseBaseline = (
  text: string,
  metrics: Metrics
): Result.Result<readonly [string, ExpectedBaseline], UsageError> => {
  const at = text.lastIndexOf("=")
  const key = text.slice(0, Math.max(0, at))
  const metric = metrics.get(key)
  if (at < 0) return wrong("baseline", text, "metric=value", baselineHint)
  if (metric === undefined) {
    return wrong("baseline", text, "a metric of the experiment", `They are: ${[...metrics.keys()].join(", ")}`)
  }
  const [first = "", second, ...rest] = text.slice(at + 1).split(",")
  const value = amountOf(first)
  if (metric.estimand === "proportion") {
    return value !== undefined && value < 1 && second === undefined
      ? Result.succeed([key, { value }])
      : wrong("baseline", text, `the rate of ${key}, between 0 and 1`, baselineHint)
  }
  const standardDeviation = second === undefined ? undefined : amountOf(second)
  return value !== undefined && standardDeviation !== undefined && rest.length === 0
    ? Result.succeed([key, { value, standardDeviation }])
    : wrong("baseline", text, `mean and standard deviation of ${key}, both above 0`, baselineHint)
}

const effectHint = "5% (or 0.05) of the control on all goals, or revenue=3% on one metric"

const parseEffect = (
  text: string,
  metrics: Metrics
): Result.Result<readonly [string | undefined, EffectSize], UsageError> => {
  const at = text.lastIndexOf("=")
  const key = at < 0 ? undefined : text.slice(0, at)
  const value = amountOf(text.slice(at + 1))
  if (key !== undefined && !metrics.has(key)) {
    return wrong("effect", text, "a metric of the experiment", `They are: ${[...metrics.keys()].join(", ")}`)
  }
  return value === undefined
    ? wrong("effect", text, "a part of the control's value above 0", effectHint)
    : Result.succeed([key, { value, on: "relative" }])
}

const day = 86_400_000

/** Earlier summaries that traffic can be measured against: the newest that is a week older than the latest, and the oldest. */
const earlierOf = Effect.fn("plan.earlier")(function*(experiment: string, latest: ResultsSummary) {
  const store = yield* Store
  const listed = (yield* store.list(experiment)).filter(({ as_of }) =>
    Instant.toMillis(as_of) <= Instant.toMillis(latest.as_of) - day
  )
  const week = listed.find(({ as_of }) => Instant.toMillis(as_of) <= Instant.toMillis(latest.as_of) - 7 * day)
  const ids = new Set([week, listed.at(-1)].flatMap((one) => (one === undefined ? [] : [one.id])))
  const found = yield* Effect.forEach(ids, (id) =>
    // A snapshot that can't be read is none: another one or the window tells the traffic, too.
    store.get(experiment, id).pipe(Effect.orElseSucceed(() => Option.none())))
  return found.flatMap((one) => (Option.isNone(one) ? [] : [one.value.summary]))
})

/** What the store knows: the latest summary, and the traffic by it. */
const storedOf = Effect.fn("plan.stored")(function*(experiment: string) {
  const store = yield* Store
  const latest = Option.getOrUndefined(yield* store.latest(experiment))?.summary
  if (latest === undefined) return {}
  const traffic = trafficOf(latest, latest.series === undefined ? yield* earlierOf(experiment, latest) : [])
  return { latest, ...(traffic === undefined ? {} : { traffic }) }
})

/** Prints how long the experiment still takes, from the stored results, and from what is expected where there are none. */
export const runPlan = Effect.fn("command.plan")(function*(input: PlanInput) {
  const project = yield* loadDefinitions(Option.getOrUndefined(input.config))
  const [name] = yield* Effect.fromResult(chooseExperiments(project, [input.experiment], false))
  const { config, definitions } = project
  const metrics = metricsOf(project, name!)
  const baselines = yield* Effect.forEach(input.baselines, (text) => Effect.fromResult(parseBaseline(text, metrics)))
  const effects = yield* Effect.forEach(input.effects, (text) => Effect.fromResult(parseEffect(text, metrics)))
  const given: { readonly traffic?: OutlookTraffic } = Option.isNone(input.traffic)
    ? {}
    : { traffic: { per_day: input.traffic.value, source: "given" } }
  const outlook = outlookOf({
    experiment: definitions.experiments.get(name!)!,
    metrics,
    engine: config.defaults.engine,
    confidence: config.defaults.confidence,
    policy: config.decision,
    multiplicity: config.multiplicity,
    ...(yield* storedOf(name!).pipe(Effect.provide(storeLayer(project)))),
    ...given,
    baselines: new Map(baselines),
    effects: new Map(effects),
    ...(Option.isNone(input.power) ? {} : { power: input.power.value }),
    now: yield* Clock.currentTimeMillis
  })
  yield* input.json ? printJson(outlook) : print(outlookText(outlook, scorecardOptions()))
})
