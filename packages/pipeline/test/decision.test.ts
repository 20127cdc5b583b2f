/** What to do, by plan and evidence: the rules of a decision, as cases and as properties. */
import type { Aggregates } from "@assay/aggregation"
import {
  defaultDecisionPolicy,
  type Experiment,
  Instant,
  type MetricUse,
  type Moments,
  ResultsSummary
} from "@assay/model"
import { engines } from "@assay/stats"
import { Schema } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { readingOf, summarize, type SummaryInput } from "../src/index.ts"
import { aggregatesOf, conversions, planOf, provenance } from "./plans.ts"
import { day, end, start } from "./world.ts"

type Arms = Readonly<Record<string, Moments.Moments>>

const goal: MetricUse = { metric: "purchased", role: "goal" }
const guardrail: MetricUse = { metric: "refunded", role: "guardrail" }

interface World {
  readonly experiment?: Partial<Experiment>
  readonly arms: ReadonlyArray<Arms>
  readonly asOf?: number
  readonly more?: Partial<SummaryInput>
  readonly aggregates?: Partial<Aggregates>
}

const running = (experiment: Experiment): Experiment => {
  const { ended_at: _, ...rest } = experiment
  return rest
}

/** A summary of an experiment whose metrics have these moments; it runs on where `asOf` isn't given. */
const summaryOf = ({ aggregates, arms, asOf = end + day, experiment, more }: World): ResultsSummary => {
  const planned = planOf(experiment, asOf)
  return summarize({
    plan: experiment !== undefined && "ended_at" in experiment && experiment.ended_at === undefined
      ? { ...planned, experiment: running(planned.experiment) }
      : planned,
    aggregates: aggregatesOf(planned, {
      identities: Object.fromEntries(planned.arms.map((arm) => [arm, arms[0]![arm]!.n])),
      moments: arms,
      ...aggregates
    }),
    engine: engines.bayesian,
    confidence: 0.95,
    asOf,
    provenance,
    ...more
  })
}

const pair = (n: number, control: number, treatment: number): Arms => ({
  control: conversions(n, control),
  treatment: conversions(n, treatment)
})

const decisionOf = (world: World) => summaryOf(world).decision!
const codes = (world: World) => decisionOf(world).reasons.map(({ code }) => code)

const better = pair(10_000, 1000, 1150)
const same = pair(10_000, 1000, 1003)
const worse = pair(10_000, 1000, 850)

describe("the decision at the end", () => {
  it("ships what improved a goal, with its reasons", () => {
    const decision = decisionOf({ arms: [better] })
    expect(decision).toMatchObject({ decision: "ship", variant: "treatment" })
    expect(decision.reasons.map(({ sentence }) => sentence)).toEqual([
      "The goal purchased improved (+15 %, p = 0.0006).",
      "The experiment ended on 2026-01-15 and is read once, at its end."
    ])
    expect(decision.plan).toEqual({
      recorded: false,
      design: "fixed",
      information: 1,
      ends_at: Instant.fromMillis(end)
    })
  })

  it("doesn't ship what didn't, what got worse, or what harms a guardrail", () => {
    expect(decisionOf({ arms: [same] })).toMatchObject({
      decision: "do not ship",
      variant: null,
      reasons: [{ code: "goal_inconclusive", metric_id: "purchased" }, { code: "ended" }]
    })
    expect(codes({ arms: [worse] })[0]).toBe("goal_worse")
    const harmed = decisionOf({ experiment: { metrics: [goal, guardrail] }, arms: [better, better] })
    expect(harmed.decision).toBe("do not ship")
    expect(harmed.reasons.map(({ code }) => code)).toEqual(["guardrail_harmed", "goal_improved", "ended"])
  })

  it("doesn't recommend anything under an alarm, below a floor, or without a check of the sample ratio", () => {
    expect(decisionOf({ arms: [better], aggregates: { identities: { control: 10_000, treatment: 9000 } } }))
      .toMatchObject({
        decision: "do not trust",
        variant: null,
        reasons: [{ code: "sample_ratio_mismatch" }]
      })
    expect(decisionOf({ arms: [pair(10_000, 3, 40)] })).toMatchObject({
      decision: "keep running",
      reasons: [{ code: "goal_withheld" }, { code: "too_little_data" }, { code: "ended" }]
    })
    expect(decisionOf({ experiment: { metrics: [goal, guardrail] }, arms: [better, pair(10_000, 1, 2)] }))
      .toMatchObject({
        decision: "keep running",
        reasons: [{ code: "guardrail_withheld" }, { code: "too_little_data" }, { code: "goal_improved" }, {
          code: "ended"
        }]
      })
  })

  it("rests on a p as small as the data say, whichever arm is better and whichever way is good", () => {
    const far = [pair(10_000, 1000, 2000), pair(10_000, 2000, 1000)]
    for (const arms of [far, far.toReversed()]) {
      const { metrics } = summaryOf({ experiment: { metrics: [goal, { ...guardrail, role: "goal" }] }, arms })
      expect(metrics.map(({ direction }) => direction)).toEqual(["up", "down"])
      for (const { inference } of metrics) {
        const { adjusted, p_value } = inference["treatment"]!
        expect(p_value).toBeLessThan(1e-80)
        expect(p_value).toBeGreaterThan(1e-100)
        expect([1, 2].some((n) => Math.abs(adjusted!.p_value / (n * p_value) - 1) < 1e-9)).toBe(true)
      }
    }
  })

  it("asks for all goals where the policy does, and corrects for their number", () => {
    const experiment: Partial<Experiment> = { metrics: [goal, { metric: "purchases", role: "goal" }] }
    expect(decisionOf({ experiment, arms: [better, same] })).toMatchObject({ decision: "ship" })
    expect(
      decisionOf({ experiment, arms: [better, same], more: { policy: { ...defaultDecisionPolicy, goals: "all" } } })
    )
      .toMatchObject({
        decision: "do not ship",
        reasons: [{ code: "goal_inconclusive", metric_id: "purchases" }, {}, {}]
      })
    // p = 0.031 alone, 0.063 of two.
    const slight = pair(10_000, 1000, 1094)
    expect(decisionOf({ arms: [slight] }).decision).toBe("ship")
    const two = summaryOf({ experiment, arms: [slight, same] })
    expect(two.decision!.decision).toBe("do not ship")
    const adjusted = two.metrics[0]!.inference["treatment"]!.adjusted!
    expect(adjusted).toMatchObject({ method: "holm", comparisons: 2, confidence: 0.975 })
    expect(adjusted.ci_low).toBeLessThan(0)
    expect(two.metrics[0]!.inference["treatment"]!.ci_low).toBeGreaterThan(0)
  })

  it("holds guardrails to their margin: the loss must be shown to be smaller than what is borne", () => {
    const at = (value: number, arms: Arms) =>
      decisionOf({
        experiment: { metrics: [goal, { ...guardrail, margin: { value } }] },
        arms: [better, arms]
      })
    expect(at(0.2, same)).toMatchObject({ decision: "ship" })
    expect(at(0.01, same)).toMatchObject({ decision: "do not ship", reasons: [{ code: "guardrail_open" }, {}, {}] })
    expect(at(0.05, better)).toMatchObject({ decision: "do not ship", reasons: [{ code: "guardrail_harmed" }, {}, {}] })
  })

  it("holds goals to their margin: the gain must be shown to be larger", () => {
    const at = (value: number) =>
      summaryOf({ experiment: { metrics: [{ ...goal, margin: { value, on: "absolute" } }] }, arms: [better] })
    expect(at(0.005).decision).toMatchObject({ decision: "ship" })
    expect(at(0.005).metrics[0]!.inference["treatment"]!.margin).toMatchObject({
      value: 0.005,
      on: "absolute",
      holds: true
    })
    expect(at(0.01).decision).toMatchObject({
      decision: "do not ship",
      reasons: [{
        code: "goal_inconclusive",
        sentence: expect.stringContaining("isn't shown to improve by more than 0.01")
      }, {}]
    })
  })

  it("ships the better of two, and tells which could, too", () => {
    const variants = ["control", "treatment", "other"].map((key) => ({
      key,
      share: 1
    })) as unknown as Experiment["variants"]
    const summary = summaryOf({
      experiment: { variants },
      arms: [{
        control: conversions(10_000, 1000),
        treatment: conversions(10_000, 1150),
        other: conversions(10_000, 1200)
      }]
    })
    expect(summary.decision).toMatchObject({ decision: "ship", variant: "other" })
    expect(summary.decision!.reasons.at(-1)!.sentence).toContain("treatment could ship, too")
    const best = ["treatment", "other"].map((key) => summary.metrics[0]!.inference[key]!.chance_to_be_best!)
    expect(best[1]!).toBeGreaterThan(best[0]!)
    expect(best[0]! + best[1]!).toBeLessThanOrEqual(1)
  })

  it("says that nothing decides where there is no goal", () => {
    expect(decisionOf({ experiment: { metrics: [{ metric: "purchased", role: "secondary" }] }, arms: [better] }))
      .toMatchObject({
        decision: "do not ship",
        reasons: [{ code: "no_goal" }, { code: "ended" }]
      })
  })
})

describe("the decision while an experiment runs", () => {
  const half = start + 7 * day

  it("without a plan is by an always-valid test, which takes more than a chance above 95 %", () => {
    const decision = decisionOf({ arms: [pair(10_000, 1000, 1094)], asOf: half })
    expect(decision).toMatchObject({
      decision: "keep running",
      plan: { recorded: false, design: "always-valid", information: 0.5 }
    })
    expect(decision.reasons.at(-1)!.sentence).toContain("50 % of its time is in")
    const sure = summaryOf({ arms: [pair(10_000, 1000, 1300)], asOf: half })
    expect(sure.decision!.decision).toBe("ship")
    expect(sure.metrics[0]!.inference["treatment"]!).toMatchObject({ adjusted: { engine: "sequential" } })
    expect(sure.metrics[0]!.inference["treatment"]!.log_e).toBeGreaterThan(3)
  })

  it("with a fixed plan ships nothing before its end, but stops harm", () => {
    const plan = { design: "fixed", horizon: "14d" } as const
    const at = (arms: Arms, asOf = half) => decisionOf({ experiment: { plan }, arms: [arms], asOf })
    expect(at(pair(10_000, 1000, 1300))).toMatchObject({
      decision: "keep running",
      reasons: [{ code: "plan_not_due" }, {}]
    })
    expect(at(pair(10_000, 1000, 700))).toMatchObject({
      decision: "do not ship",
      reasons: [{ code: "goal_worse" }, {}]
    })
    expect(at(better, end)).toMatchObject({ decision: "ship", plan: { information: 1, look: 1 } })
  })

  it("takes each planned look once, and lets its decision stand until the next", () => {
    const experiment = {
      ended_at: undefined,
      plan: { design: "group-sequential", horizon: "14d", looks: 2 }
    } as unknown as Partial<Experiment>
    const at = (days: number, arms: Arms, before?: ResultsSummary) =>
      summaryOf({
        experiment,
        arms: [arms],
        asOf: start + days * day,
        ...(before === undefined ? {} : { more: { before } })
      })
    expect(at(3, pair(10_000, 1000, 1300)).decision).toMatchObject({
      decision: "keep running",
      plan: { look: 0, looks: 2 }
    })
    const first = at(7, same)
    expect(first.decision).toMatchObject({ decision: "keep running", plan: { look: 1, decided_at: first.as_of } })
    // Had it been looked at on day 9, too, it would ship; but day 9 isn't a look.
    const between = at(9, pair(10_000, 1000, 1300), first)
    expect(between.decision).toMatchObject({ decision: "keep running", plan: { look: 1, decided_at: first.as_of } })
    expect(between.decision!.reasons.at(-1)!.sentence).toBe(
      "Look 1 of 2 was taken on 2026-01-08, and its decision stands until the next one, with 2026-01-15."
    )
    const last = at(15, better, between)
    expect(last.decision).toMatchObject({ decision: "ship", plan: { look: 2 } })
    const over = at(20, same, last)
    expect(over.decision).toMatchObject({ decision: "ship", plan: { look: 2, decided_at: last.as_of } })
    expect(over.decision!.reasons.map(({ code }) => code)).toContain("plan_overrun")
    // Another definition is another experiment: its looks are its own.
    const other = { ...last, provenance: { ...last.provenance, definition_hash: "other" } }
    expect(at(20, same, other).decision).toMatchObject({ decision: "do not ship" })
  })

  it("with an always-valid plan may say no at its end, and yes at any time", () => {
    const experiment = { plan: { design: "always-valid", horizon: { identities: 20_000 } } } as const
    const at = (arms: Arms) => decisionOf({ experiment, arms: [arms], asOf: half })
    expect(at(pair(5000, 500, 500))).toMatchObject({
      decision: "keep running",
      plan: { information: 0.5, ends_at: null }
    })
    expect(at(same)).toMatchObject({ decision: "do not ship", plan: { information: 1 } })
    expect(at(pair(10_000, 1000, 1300))).toMatchObject({ decision: "ship" })
  })
})

describe("an end without a plan", () => {
  const open = { ended_at: undefined } as unknown as Partial<Experiment>
  const slight = pair(10_000, 1000, 1094)
  /** An earlier look at another definition, as long as the end isn't among what changed. */
  const seen = (summary: ResultsSummary): Partial<SummaryInput> => ({
    before: { ...summary, provenance: { ...summary.provenance, definition_hash: "earlier" } }
  })

  it("is read once, fixed, where nobody saw results before, or only with that end ahead", () => {
    expect(decisionOf({ arms: [slight] }).decision).toBe("ship")
    const early = summaryOf({ arms: [same], asOf: start + 7 * day })
    expect(early.decision!.plan).toMatchObject({ design: "always-valid", ends_at: Instant.fromMillis(end) })
    expect(decisionOf({ arms: [slight], more: seen(early) })).toMatchObject({
      decision: "ship",
      plan: { design: "fixed" }
    })
    const nobody = summaryOf({ experiment: open, arms: [pair(0, 0, 0)], asOf: start + day })
    expect(decisionOf({ arms: [slight], more: seen(nobody) }).decision).toBe("ship")
  })

  it("is read always-valid where it was set or moved after a look, and stays so", () => {
    const early = summaryOf({ experiment: open, arms: [same], asOf: start + 7 * day })
    const late = summaryOf({ arms: [slight], more: seen(early) })
    expect(late.decision).toMatchObject({
      decision: "do not ship",
      plan: { design: "always-valid", information: 1 },
      reasons: [{ code: "goal_inconclusive" }, {
        code: "end_chosen_late",
        sentence: expect.stringContaining("its end was set when results had been seen (2026-01-08)")
      }]
    })
    expect(decisionOf({ arms: [slight], more: seen(late) })).toMatchObject({ plan: { design: "always-valid" } })
    const moved = summaryOf({
      experiment: { ended_at: Instant.fromMillis(end + day) },
      arms: [slight],
      asOf: end + 2 * day,
      more: seen(summaryOf({ arms: [slight] }))
    })
    expect(moved.decision).toMatchObject({ decision: "do not ship", plan: { design: "always-valid" } })
    // What is clear enough ships all the same.
    expect(decisionOf({ arms: [pair(10_000, 1000, 1300)], more: seen(early) }).decision).toBe("ship")
  })
})

describe("readingOf", () => {
  it("reads an experiment that was ended early by a test that allows for any reason to stop", () => {
    const reading = readingOf({
      experiment: { plan: { design: "fixed", horizon: "28d" }, ended_at: Instant.fromMillis(end) },
      from: start,
      asOf: end,
      identities: 0
    })
    expect(reading).toMatchObject({ test: { kind: "always-valid" }, final: true, reasons: [{ code: "ended_early" }] })
  })

  it("lets a late last look spend what is left, at the information that is there", () => {
    const reading = readingOf({
      experiment: { plan: { design: "group-sequential", horizon: "10d", looks: [0.5, 1], spending: "pocock" } },
      from: start,
      asOf: start + 12 * day,
      identities: 0
    })
    expect(reading).toMatchObject({
      test: { kind: "group-sequential", fractions: [0.5, 1.2], spending: "pocock" },
      final: true,
      reasons: [{ code: "planned_look" }, { code: "plan_overrun" }]
    })
  })
})

const anyPair = fc.record({
  n: fc.integer({ min: 100, max: 200_000 }),
  c: fc.double({ min: 0, max: 0.5, noNaN: true }),
  lift: fc.double({ min: -0.5, max: 0.5, noNaN: true })
})
  .map(({ c, lift, n }) => pair(n, Math.round(n * c), Math.round(n * c * (1 + lift))))

const engineNames = fc.constantFrom(
  "bayesian" as const,
  "frequentist" as const,
  "sequential" as const,
  "delta" as const
)
const when = fc.constantFrom(start + day, start + 7 * day, end, end + 30 * day)
const plans = fc.constantFrom<Experiment["plan"]>(
  undefined,
  { design: "fixed", horizon: "10d" },
  { design: "group-sequential", horizon: "14d", looks: 3 },
  { design: "always-valid" }
)
const methods = fc.constantFrom(
  "none",
  "bonferroni",
  "holm",
  "hochberg",
  "hommel",
  "benjamini-hochberg",
  "benjamini-yekutieli",
  "e-bh"
)

describe("every decision", () => {
  it("is well-formed, gives reasons, and ships only without alarms, above floors, when the plan lets it", () => {
    fc.assert(
      fc.property(
        anyPair,
        anyPair,
        engineNames,
        when,
        plans,
        methods,
        fc.boolean(),
        (a, b, name, asOf, plan, method, skewed) => {
          const metrics: Experiment["metrics"] = [
            goal,
            { metric: "purchases", role: "goal" },
            guardrail,
            { metric: "revenue", role: "secondary" }
          ]
          const summary = summaryOf({
            experiment: { metrics, ...(plan === undefined ? {} : { plan }) },
            arms: [a, b, same, b],
            asOf,
            aggregates: skewed ? { identities: { control: 10_000, treatment: 8000 } } : {},
            more: { engine: engines[name], multiplicity: { goals: method, secondary: method } }
          })
          expect(Schema.is(ResultsSummary)(JSON.parse(JSON.stringify(summary)))).toBe(true)
          const decision = summary.decision!
          expect(decision.reasons.length).toBeGreaterThan(0)
          expect(decision.treatments.every(({ reasons }) => reasons.length > 0)).toBe(true)
          expect((decision.decision === "ship") === (decision.variant !== null)).toBe(true)
          if (skewed) expect(decision.decision).toBe("do not trust")
          if (summary.metrics.some(({ inference, role }) => role !== "secondary" && inference["treatment"] === null)) {
            expect(["keep running", "do not trust"]).toContain(decision.decision)
          }
          if (decision.decision === "ship" && plan?.design === "fixed") {
            expect(decision.plan.information).toBeGreaterThanOrEqual(1)
          }
        }
      ),
      { numRuns: 60 }
    )
  })

  it("has adjusted p-values that are never smaller than the test's own, in the same order, and agree with their intervals", () => {
    fc.assert(
      fc.property(anyPair, anyPair, anyPair, engineNames, when, methods, (a, b, c, name, asOf, method) => {
        const summary = summaryOf({
          experiment: {
            metrics: [goal, { metric: "purchases", role: "goal" }, { metric: "revenue", role: "goal" }]
          },
          arms: [a, b, c],
          asOf,
          more: { engine: engines[name], multiplicity: { goals: method, secondary: "none" } }
        })
        const all = summary.metrics.flatMap(({ inference }) => inference["treatment"] ?? [])
        for (const { adjusted, shrunk_lift, lift } of all) {
          expect(adjusted === undefined).toBe(method === "none")
          if (adjusted === undefined) continue
          if (adjusted.ci_low !== null && adjusted.ci_high !== null) {
            const outside = adjusted.ci_low > 0 || adjusted.ci_high < 0
            expect(outside).toBe(adjusted.p_value <= 0.05)
          }
          expect(Math.abs(shrunk_lift!)).toBeLessThanOrEqual(Math.abs(lift))
        }
        if (method !== "none" && asOf >= end && name !== "sequential" && name !== "delta") {
          const ordered = all.toSorted((x, y) => x.p_value - y.p_value)
          for (const [i, one] of ordered.entries()) {
            expect(one.adjusted!.p_value).toBeGreaterThanOrEqual(one.p_value * (1 - 1e-9))
            if (i > 0) expect(one.adjusted!.p_value).toBeGreaterThanOrEqual(ordered[i - 1]!.adjusted!.p_value)
          }
        }
      }),
      { numRuns: 60 }
    )
  })

  it("is mirrored where the arms are swapped: what improved got worse", () => {
    fc.assert(
      fc.property(anyPair, engineNames.filter((name) => name !== "delta"), when, (arms, name, asOf) => {
        const swapped = { control: arms["treatment"]!, treatment: arms["control"]! }
        const more = { engine: engines[name] }
        const [one, other] = [
          summaryOf({ arms: [arms], asOf, more }).decision!,
          summaryOf({ arms: [swapped], asOf, more }).decision!
        ]
        const first = (decision: typeof one) => decision.reasons[0].code
        if (first(one) === "goal_improved") expect(first(other)).toBe("goal_worse")
      })
    )
  })
})
