/** A covariate from before the exposure, from events to scorecard: what it takes away, and what happens where it can't. */
import type { EventRow } from "@assay/aggregation-testkit"
import type { Experiment, Metric, ResultsSummary } from "@assay/model"
import { scorecard } from "@assay/report"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { day, event, exposure, metric, start, summaryOf } from "./world.ts"

const perArm = 800

/** A number in (0, 1) that belongs to `i` (the golden ratio's additive sequence, evenly spread). */
const even = (i: number): number => ((i + 1) * 0.618_033_988_749_895) % 1

interface Person {
  readonly arm: "control" | "treatment"
  /** Spent in the two weeks before the exposure, and after it. */
  readonly before: number
  readonly after: number
}

/** Who likes the shop spends before and after it; the treatment makes everybody spend 2 more. */
const people: ReadonlyArray<Person> = (["control", "treatment"] as const).flatMap((arm, a) =>
  Array.from({ length: perArm }, (_, i) => {
    const liking = 50 * even(i)
    const [noise, later] = [20 * even(7 * i + 3 + a), 20 * even(11 * i + 5 + a)]
    return {
      arm,
      before: Math.round(100 * (liking + noise)) / 100,
      after: Math.round(100 * (liking + later + 2 * a)) / 100
    }
  })
)

const rows: ReadonlyArray<EventRow> = people.flatMap(({ after, arm, before }, i) => {
  const at = start + (i % 5) * day
  const bought = (value: number, when: number) => event(String(i), "purchase", String(value), { timestamp: when })
  return [
    exposure(String(i), arm, { timestamp: at }),
    // In two parts, one of them at the very beginning of the two weeks; what is older doesn't count.
    bought(before / 2, at - 14 * day),
    bought(before / 2, at - 1),
    bought(1000, at - 14 * day - 1),
    bought(after, at + 60_000)
  ]
})

const metrics: ReadonlyMap<string, Metric> = new Map([
  ["plain", metric("plain", "sum")],
  ["adjusted", metric("adjusted", "sum", { covariate: { lookback: "14d" } })],
  // No exposure says an amount, and there are no refunds before it.
  ["unknown", metric("unknown", "sum", { covariate: { trait: "amount" } })],
  ["refunds", metric("refunds", "count", { event: "refund", direction: "down", covariate: { lookback: "14d" } })]
])

const experiment: Partial<Experiment> = {
  metrics: [
    { metric: "plain", role: "secondary" },
    { metric: "adjusted", role: "goal" },
    { metric: "unknown", role: "secondary" }
  ]
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0) / values.length

const covariance = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
  const [ma, mb] = [mean(a), mean(b)]
  return a.reduce((total, x, i) => total + (x - ma) * (b[i]! - mb), 0) / (a.length - 1)
}

/** CUPED by hand, over all people: θ, the adjusted difference and its standard error. */
const byHand = () => {
  const of = (arm: string) => people.filter((one) => one.arm === arm)
  const y = (all: ReadonlyArray<Person>) => all.map(({ after }) => after)
  const x = (all: ReadonlyArray<Person>) => all.map(({ before }) => before)
  // θ is that of the comparison in one: covariances around the mean of all.
  const theta = covariance(y(people), x(people)) / covariance(x(people), x(people))
  const rest = (all: ReadonlyArray<Person>) => all.map(({ after, before }) => after - theta * before)
  const [control, treatment] = [of("control"), of("treatment")]
  const variance = (all: ReadonlyArray<number>) => covariance(all, all) / all.length
  return {
    theta,
    difference: mean(rest(treatment)) - mean(rest(control)),
    error: Math.sqrt(variance(rest(treatment)) + variance(rest(control))),
    plain: Math.sqrt(variance(y(treatment)) + variance(y(control)))
  }
}

const inferenceOf = (summary: ResultsSummary, key: string) =>
  summary.metrics.find(({ metric_id }) => metric_id === key)!.inference["treatment"]!

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("a covariate", (it) => {
  it.effect("of the time before takes away what it explains, to the digits of CUPED by hand", () =>
    Effect.gen(function*() {
      const summary = yield* summaryOf(rows, experiment, { metrics })
      const [plain, adjusted] = [inferenceOf(summary, "plain"), inferenceOf(summary, "adjusted")]
      const expected = byHand()
      const reduction = 1 - (expected.error / expected.plain) ** 2
      assert.isAbove(reduction, 0.5)
      assert.approximately(adjusted.adjustment!.theta, expected.theta, 1e-9)
      assert.approximately(adjusted.adjustment!.variance_reduction, reduction, 1e-6)
      assert.approximately(adjusted.difference, expected.difference, 1e-9)
      assert.approximately(adjusted.standard_error, expected.error, 1e-6)
      assert.approximately(plain.standard_error, expected.plain, 1e-9)
      assert.isBelow(adjusted.ci_high - adjusted.ci_low, 0.75 * (plain.ci_high - plain.ci_low))
      assert.isUndefined(plain.adjustment)
      const { covariate } = summary.metrics.find(({ metric_id }) => metric_id === "adjusted")!
      assert.deepStrictEqual(covariate, { source: "2w before exposure", missing: { control: 0, treatment: 0 } })
      const shown = `covariate takes ${(100 * reduction).toFixed(1)} % of the variance away`
      assert.include(scorecard(summary, { width: 80, color: false }), shown)
    }))

  it.effect("without data leaves the result as it is, and says so", () =>
    Effect.gen(function*() {
      const summary = yield* summaryOf(rows, experiment, { metrics })
      const [plain, unknown] = [inferenceOf(summary, "plain"), inferenceOf(summary, "unknown")]
      assert.deepStrictEqual(unknown.adjustment, {
        theta: 0,
        variance_reduction: 0,
        fallback:
          "An arm has no identity with the covariate (its denominator adds up to 0), so the result isn't adjusted."
      })
      assert.strictEqual(unknown.standard_error, plain.standard_error)
      assert.strictEqual(unknown.lift, plain.lift)
      assert.deepStrictEqual(summary.metrics.at(-1)!.covariate!.missing, { control: perArm, treatment: perArm })
      assert.match(
        scorecard(summary, { width: 80, color: false }),
        /not adjusted: An arm has no identity with the covariate/
      )
    }))

  it.effect("without variance does the same", () =>
    Effect.gen(function*() {
      const refunds = people.flatMap((_, i) =>
        i % 4 === 0 ? [event(String(i), "refund", "", { timestamp: start + 6 * day })] : []
      )
      const summary = yield* summaryOf([...rows, ...refunds], { metrics: [{ metric: "refunds", role: "goal" }] }, {
        metrics
      })
      assert.strictEqual(
        inferenceOf(summary, "refunds").adjustment!.fallback,
        "The covariate has no variance, so the result isn't adjusted."
      )
    }))
})
