/** How long still: targets, readings, traffic, and what is said where there is nothing to say. */
import {
  defaultDecisionPolicy,
  defaultMultiplicity,
  type Experiment,
  Instant,
  type Metric,
  type MetricUse,
  Moments,
  type Outlook,
  type OutlookFigures,
  type OutlookMetric,
  type ResultsSummary
} from "@assay/model"
import { engines, powerOf, proportionBaseline, sampleSize } from "@assay/stats"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type OutlookInput, outlookOf, summarize, trafficOf } from "../src/index.ts"
import { aggregatesOf, conversions, planOf, provenance } from "./plans.ts"
import { day, experimentOf, start } from "./world.ts"

const goal: MetricUse = { metric: "purchased", role: "goal" }
const guardrail: MetricUse = { metric: "refunded", role: "guardrail", margin: { value: 0.05 } }
const half = start + 7 * day

const metrics: OutlookInput["metrics"] = new Map(
  [
    ["purchased", { direction: "up", estimand: "proportion" }],
    ["revenue", { direction: "up", estimand: "mean" }],
    ["price", { direction: "up", estimand: "ratio" }],
    ["refunded", { direction: "down", estimand: "proportion" }]
  ] satisfies ReadonlyArray<
    readonly [string, Pick<Metric, "direction"> & { readonly estimand: OutlookMetric["estimand"] }]
  >
)

/** A plan of this length in days from the start, for an effect of 5 %. */
const planFor = (length: number, design: "fixed" | "always-valid" = "fixed"): Partial<Experiment> => ({
  plan: { design, horizon: `${length}d`, effect: { value: 0.05 } }
})

const running = (experiment: Partial<Experiment>): Experiment => {
  const { ended_at: _, ...rest } = experimentOf(experiment)
  return rest
}

/** Halfway, with 20,000 identities in each arm, of which a tenth did what each metric asks for. */
const measured = (
  experiment: Partial<Experiment>,
  asOf = half,
  arm: (metric: number) => Moments.Moments = () => conversions(20_000, 2000)
): ResultsSummary => {
  const planned = planOf(experiment, asOf)
  const moments = planned.metrics.map((_, m) => ({ control: arm(m), treatment: arm(m) }))
  return summarize({
    plan: { ...planned, experiment: running(experiment), to: asOf },
    aggregates: aggregatesOf(planned, {
      identities: { control: moments[0]!.control.n, treatment: moments[0]!.control.n },
      moments
    }),
    engine: engines.bayesian,
    confidence: 0.95,
    asOf,
    provenance
  })
}

const ask = (experiment: Partial<Experiment>, more: Partial<OutlookInput> = {}): Outlook =>
  outlookOf({
    experiment: running(experiment),
    metrics,
    engine: { name: "bayesian" },
    confidence: 0.95,
    policy: defaultDecisionPolicy,
    multiplicity: defaultMultiplicity,
    now: half,
    ...more
  })

const figures = (outlook: Outlook, m = 0): OutlookMetric & OutlookFigures => {
  const metric = outlook.metrics[m]!
  if (metric.status !== "ok") throw new Error(metric.sentence)
  return metric
}

/** As it stands halfway, with the traffic so far. */
const halfway = (experiment: Partial<Experiment>, more: Partial<OutlookInput> = {}): Outlook => {
  const latest = measured(experiment)
  return ask(experiment, { latest, traffic: trafficOf(latest)!, ...more })
}

const fivePercent = { value: 0.05, on: "relative" } as const
const design = { baseline: proportionBaseline(0.1), confidence: 0.95 }

describe("an outlook", () => {
  it("answers from the kernel's sizes and powers, and the traffic so far", () => {
    const outlook = halfway(planFor(21))
    const wanted = sampleSize(design, fivePercent, 0.8)!.n
    const perDay = 40_000 / 7
    const metric = figures(outlook)
    expect(metric).toMatchObject({
      level: 0.05,
      comparisons: 1,
      power: 0.8,
      baseline: { value: 0.1, standard_deviation: expect.closeTo(0.3, 12), source: "measured" },
      target: { kind: "effect", value: 0.05, on: "relative", text: "+5 %" },
      needed: { n: wanted, per_arm: { control: wanted / 2, treatment: wanted / 2 } },
      needed_fixed: wanted,
      now: { n: 40_000, power: expect.closeTo(powerOf(design, fivePercent, 40_000), 12) },
      at_end: { n: 120_000, power: expect.closeTo(powerOf(design, fivePercent, 120_000), 12) },
      days: expect.closeTo((wanted - 40_000) / perDay, 9)
    })
    expect(metric.needed_always_valid).toBeGreaterThan(2 * wanted)
    // What is findable is found with the wanted chance.
    for (const point of [metric.now!, metric.at_end!]) {
      const effect = { value: point.detectable!.relative!, on: "relative" } as const
      expect(powerOf(design, effect, point.n)).toBeCloseTo(0.8, 6)
    }
    expect(outlook).toMatchObject({
      state: "running",
      identities: 40_000,
      traffic: { per_day: expect.closeTo(perDay, 9), source: "window" },
      reading: { design: "fixed", recorded: true, ends_at: Instant.fromMillis(start + 21 * day) },
      answer: {
        code: "planned_end",
        days: 14,
        sentence: "14 days, to the planned end on 2026-01-22. By then there are enough identities for all targets."
      },
      notes: []
    })
  })

  it("says that the planned end is too early, and how long it takes instead", () => {
    expect(halfway(planFor(14)).answer.sentence).toBe(
      "7 days, to the planned end on 2026-01-15. That is too early: the chance to find +5 % on purchased is then 64.5 % " +
        "instead of 80 %, for which it takes 14 days from now."
    )
  })

  it("counts the days of what is read at any time, and is done where enough are in", () => {
    expect(halfway(planFor(60, "always-valid")).answer).toMatchObject({
      code: "days",
      sentence: expect.stringMatching(
        /^About 42 days, to 2026-02-18: it takes 274,672 identities to find \+5 % on purchased with a chance of 80 %, and 40,000 are counted\.$/
      )
    })
    expect(halfway({}, { effects: new Map([[undefined, { value: 0.3 }]]) }).answer).toMatchObject({
      code: "enough",
      days: 0
    })
    expect(halfway({}, { effects: new Map([[undefined, { value: 0.0005 }]]) }).answer).toMatchObject({
      code: "too_long"
    })
    expect(halfway({}).answer).toMatchObject({ code: "no_target", days: null, until: null })
  })

  it("takes the experiment without a plan as it will be read: once at its end, or always-valid without one", () => {
    expect(halfway({}).reading).toEqual({ design: "always-valid", recorded: false, ends_at: null })
    const ends = experimentOf()
    expect(halfway({}, { experiment: ends }).reading).toMatchObject({ design: "fixed", recorded: false })
    expect(halfway({}, { experiment: ends, engine: { name: "sequential" } }).reading.design).toBe("always-valid")
    const looks = halfway({
      plan: { design: "group-sequential", horizon: { identities: 150_000 }, looks: 4, effect: { value: 0.05 } }
    })
    expect(looks.reading).toEqual({
      design: "group-sequential",
      recorded: true,
      looks: [0.25, 0.5, 0.75, 1],
      ends_at: null,
      identities: 150_000
    })
    const { needed, needed_always_valid, needed_fixed } = figures(looks)
    expect(needed!.n / needed_fixed!).toBeGreaterThan(1)
    expect(needed!.n / needed_fixed!).toBeLessThan(1.05)
    expect(needed_always_valid!).toBeGreaterThan(needed!.n)
    expect(looks.answer).toMatchObject({ code: "planned_end", days: expect.closeTo(110_000 / (40_000 / 7), 6) })
  })

  it("divides the level by the comparisons of goals, and gives guardrails with a margin their part of the power", () => {
    const three = {
      ...planFor(21),
      variants: ["control", "treatment", "other"].map((key) => ({
        key,
        share: 1
      })) as unknown as Experiment["variants"],
      metrics: [goal, guardrail, { metric: "revenue", role: "secondary" }] as unknown as Experiment["metrics"]
    }
    const outlook = ask(three, {
      baselines: new Map([["purchased", { value: 0.1 }], ["refunded", { value: 0.05 }], ["revenue", {
        value: 10,
        standardDeviation: 40
      }]])
    })
    expect(outlook.metrics).toMatchObject([
      { metric_id: "purchased", level: 0.025, comparisons: 2, power: 0.9 },
      {
        metric_id: "refunded",
        level: 0.05,
        comparisons: 1,
        power: 0.9,
        target: { kind: "margin", text: "a rise below 5 %" }
      },
      { metric_id: "revenue", level: 0.025, comparisons: 2, power: 0.8, target: null }
    ])
    const expected = sampleSize({ ...design, confidence: 0.975, allocation: [1, 1, 1] }, fivePercent, 0.9)!
    expect(figures(outlook).needed!.n).toBe(expected.n)
    // Non-inferiority by hand: n per arm = 2 (z₀.₉₇₅ + z₀.₉)² p(1−p)-ish / (0.05 p)², with ρ = 1.05 on the control.
    const p = 0.05
    const perArm = ((1.959963984540054 + 1.2815515655446004) / (0.05 * p)) ** 2 * p * (1 - p) * (1 + 1.05 ** 2)
    const guarded = figures(outlook, 1)
    expect(guarded.needed!.per_arm["control"]).toBe(Math.ceil(perArm))
    expect(guarded.now).toBeNull()
  })

  it("tells which loss a guardrail rules out with the wanted chance", () => {
    const experiment = { ...planFor(21), metrics: [goal, guardrail] as unknown as Experiment["metrics"] }
    const { now, power } = figures(halfway(experiment), 1)
    const rises = now!.detectable!.relative!
    expect(powerOf(
      { ...design, confidence: 0.975, alternative: "less", margin: { value: rises, on: "relative" } },
      { value: 0, on: "absolute" },
      now!.n
    )).toBeCloseTo(power, 6)
    expect(now!.power! >= power).toBe(rises <= 0.05)
  })

  it("follows the direction: where down is good, a fall is the target", () => {
    const experiment = {
      plan: planFor(21).plan!,
      metrics: [{ metric: "refunded", role: "goal" }] as unknown as Experiment["metrics"]
    }
    const outlook = halfway(experiment)
    expect(figures(outlook)).toMatchObject({
      target: { text: "−5 %" },
      needed: { n: sampleSize(design, { value: -0.05, on: "relative" }, 0.8)!.n }
    })
  })

  it("uses what the covariate has taken away so far", () => {
    const experiment = {
      ...planFor(21),
      metrics: [{ metric: "revenue", role: "goal" }] as unknown as Experiment["metrics"]
    }
    const latest = measured(experiment, half, () => Moments.fromCentral(20_000, [10], [[1600]]))
    const reduced: ResultsSummary = {
      ...latest,
      metrics: latest.metrics.map((metric) => ({
        ...metric,
        inference: {
          treatment: { ...metric.inference["treatment"]!, adjustment: { theta: 1, variance_reduction: 0.4 } }
        }
      }))
    }
    const [plain, adjusted] = [latest, reduced].map((one) =>
      figures(ask(experiment, { latest: one, traffic: trafficOf(one)! }))
    )
    expect(adjusted).toMatchObject({ variance_reduction: 0.4, needed_unadjusted: plain!.needed!.n })
    expect(adjusted!.needed!.n / plain!.needed!.n).toBeCloseTo(0.6, 3)
    expect(plain).not.toHaveProperty("variance_reduction")
  })

  it("reads a ratio's spread from the moments on the wire", () => {
    const experiment = {
      ...planFor(21),
      metrics: [{ metric: "price", role: "goal" }] as unknown as Experiment["metrics"]
    }
    const latest = measured(experiment, half, () => Moments.fromCentral(20_000, [20, 2], [[90, 6], [6, 1]]))
    const { baseline } = figures(ask(experiment, { latest }))
    expect(baseline.value).toBeCloseTo(10, 10)
    // Var(Y − RX)/x̄² = (90 − 2·10·6 + 100·1)/4.
    expect(baseline.standard_deviation ** 2).toBeCloseTo(17.5, 6)
  })

  it("says what is missing before there are data, and takes what is expected", () => {
    const early = {
      now: start - day,
      experiment: { ...running(planFor(21)), metrics: [goal, { metric: "revenue", role: "secondary" }] }
    } as Partial<OutlookInput>
    expect(ask({}, early)).toMatchObject({
      state: "not started",
      answer: { code: "no_data" },
      notes: [],
      metrics: [
        {
          status: "unknown",
          sentence: "Nothing was measured yet. Say what is expected: --baseline purchased=0.1 (its rate)."
        },
        {
          status: "unknown",
          sentence: expect.stringContaining("--baseline revenue=12.5,30 (mean, standard deviation)")
        }
      ]
    })
    const baselines = new Map([["purchased", { value: 0.1 }]])
    const always = running(planFor(100, "always-valid"))
    expect(ask({}, { ...early, experiment: always, baselines }).answer).toMatchObject({
      code: "no_traffic",
      sentence: expect.stringMatching(/^It takes 2\d\d,\d{3} identities.*--traffic 5000/)
    })
    const told = ask({}, { ...early, baselines, traffic: { per_day: 10_000, source: "given" } })
    // 21 days from the start, not from today.
    expect(told).toMatchObject({
      answer: { code: "planned_end", days: 21 },
      metrics: [{ baseline: { source: "given" }, at_end: { n: 210_000 } }, {}]
    })
  })

  it("doesn't ask for what nobody can say: how uncertain a quantile is", () => {
    const uses = [{ metric: "wait", role: "goal" }] as unknown as Experiment["metrics"]
    const quantile = new Map([...metrics, ["wait", { direction: "down", estimand: "quantile" }] as const])
    const [metric] = ask({ metrics: uses }, { metrics: quantile, now: start - day }).metrics
    expect(metric).toMatchObject({ status: "unknown", sentence: expect.stringContaining("has to be measured") })
  })

  it("says what is withheld, and when it takes what is expected instead", () => {
    const experiment = planFor(21)
    const latest = measured(experiment, half, () => conversions(2000, 2))
    const [metric] = ask(experiment, { latest }).metrics
    expect(metric).toMatchObject({
      status: "unknown",
      sentence: expect.stringMatching(/conversions.*Until then, say what is expected: --baseline purchased=0\.1/)
    })
    expect(figures(ask(experiment, { latest, baselines: new Map([["purchased", { value: 0.002 }]]) })).now!.n).toBe(
      4000
    )
  })

  it("has no days left for what has ended, and says whether it was enough", () => {
    const latest = measured({}, half)
    const ended = { experiment: experimentOf({ ended_at: Instant.fromMillis(half) }), latest }
    const at = (value: number) => ask({}, { ...ended, effects: new Map([[undefined, { value }]]) })
    expect(at(0.05)).toMatchObject({
      state: "ended",
      answer: { code: "ended", days: 0, sentence: expect.stringContaining("ended too early") }
    })
    expect(at(0.3).answer.sentence).toBe("The experiment has ended, with enough identities for all its targets.")
    expect(ask({}, { experiment: ended.experiment }).answer.sentence).toBe(
      "The experiment has ended, and no identity is known of it."
    )
  })

  it("warns of alarms and of old data", () => {
    const latest = measured(planFor(21))
    const alarmed: ResultsSummary = {
      ...latest,
      findings: [{ code: "x", severity: "alarm", sentence: "The arms are off." }]
    }
    expect(ask(planFor(21), { latest: alarmed, now: half + 3 * day }).notes).toEqual([
      "The data aren't to be trusted, and neither are these figures: The arms are off.",
      "The data are 3 days old: `assay recompute` brings them up to date."
    ])
  })

  it("can't plan an effect beyond what a rate can be, nor a split without a treatment", () => {
    const outlook = ask({}, {
      baselines: new Map([["purchased", { value: 0.9 }]]),
      effects: new Map([[undefined, { value: 0.5 }]])
    })
    expect(figures(outlook)).toMatchObject({ needed: null, days: null })
    expect(outlook.answer.code).toBe("too_long")
    const alone = ask({ split_changes: [{ from: Instant.fromMillis(start + day), shares: { control: 1 } }] }, {
      baselines: new Map([["purchased", { value: 0.1 }]])
    })
    expect(alone.metrics[0]).toMatchObject({ status: "unknown", sentence: expect.stringContaining("present split") })
  })

  it("more identities never need more days, and a higher power never fewer", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.02, max: 0.3, noNaN: true }),
        fc.double({ min: 0.5, max: 0.95, noNaN: true }),
        (value, power) => {
          const at = (more: Partial<OutlookInput>) =>
            figures(halfway({}, { effects: new Map([[undefined, { value }]]), power, ...more })).days!
          expect(at({ traffic: { per_day: 20_000, source: "given" } })).toBeLessThanOrEqual(at({}))
          expect(at({ power: Math.min(0.99, power + 0.04) })).toBeGreaterThanOrEqual(at({}))
        }
      ),
      { numRuns: 10 }
    )
  })
})

describe("the traffic", () => {
  const summary = measured({})
  const at = (days: number, n: number): ResultsSummary => ({
    ...summary,
    window: { from: Instant.fromMillis(start), to: Instant.fromMillis(start + days * day) },
    variants: summary.variants.map((variant) => ({ ...variant, n: n / 2 }))
  })
  const withSeries = (counts: ReadonlyArray<number>): ResultsSummary => ({
    ...at(counts.length, counts.at(-1)!),
    series: {
      period: "day",
      points: counts.map((n, i) => ({
        until: Instant.fromMillis(start + (i + 1) * day),
        identities: { control: n / 2, treatment: n / 2 },
        quarantined: 0,
        srm_p_value: null,
        metrics: []
      }))
    }
  })

  it("is that of the last week in the series, or since the first exposure", () => {
    const counts = Array.from({ length: 14 }, (_, i) => (i < 7 ? 1000 * (i + 1) : 7000 + 400 * (i - 6)))
    expect(trafficOf(withSeries(counts))).toEqual({
      per_day: 400,
      source: "series",
      since: Instant.fromMillis(start + 7 * day)
    })
    expect(trafficOf(withSeries([0, 0, 0, 600, 1200]))).toEqual({
      per_day: 600,
      source: "series",
      since: Instant.fromMillis(start + 3 * day)
    })
    expect(trafficOf(withSeries([500]))).toMatchObject({ per_day: 500 })
  })

  it("is that between snapshots, or over the whole window, and none where nobody came", () => {
    expect(trafficOf(at(14, 9800), [at(12, 9000), at(6, 7000), at(1, 1000)])).toEqual({
      per_day: 350,
      source: "snapshots",
      since: Instant.fromMillis(start + 6 * day)
    })
    expect(trafficOf(at(3, 900), [at(2.5, 800)])).toEqual({
      per_day: 300,
      source: "window",
      since: Instant.fromMillis(start)
    })
    expect(trafficOf(at(3, 0))).toBeUndefined()
  })
})
