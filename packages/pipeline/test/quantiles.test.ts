/** Quantiles from rows to results: held against an exact count and a bootstrap of identities. */
import { quantile } from "@assay/aggregation-quantile"
import type { EventRow } from "@assay/aggregation-testkit"
import type { Metric, ResultsSummary } from "@assay/model"
import { engines } from "@assay/stats"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { counts, event, exposure, measuring, metric, start, summaryOf } from "./world.ts"

const latency = (key: string, level: number, more: Readonly<Record<string, unknown>> = {}): Metric =>
  metric(key, "quantile", { event: "loaded", direction: "down", options: { level, ...more } })

const metrics = new Map(
  [latency("p50", 0.5), latency("p90", 0.9), latency("p99", 0.99), latency("total_p75", 0.75, { of: "totals" })]
    .map((one) => [one.key, one])
)

const context = { metrics, aggregations: new Map([[quantile.name, quantile]]) }

/** Uniform numbers in (0, 1) from a seed (Park and Miller 1988). */
const uniforms = (seed: number) => {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

/** The values of each identity of an arm: from none to 5, all about as large as a number of its own. */
const drawn = (n: number, scale: number, seed: number): ReadonlyArray<ReadonlyArray<number>> => {
  const uniform = uniforms(seed)
  return Array.from({ length: n }, () => {
    const own = scale * (50 + 400 * uniform() ** 2)
    return Array.from({ length: Math.floor(6 * uniform()) }, () => own * (0.8 + 0.4 * uniform()))
  })
}

const rowsOf = (variant: string, identities: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<EventRow> =>
  identities.flatMap((values, i) => [
    exposure(`${variant} ${i}`, variant, { country: i % 3 === 0 ? "SE" : "DE" }),
    ...values.map((value, j) => event(`${variant} ${i}`, "loaded", String(value), { timestamp: start + 1 + j }))
  ])

const arms = { control: drawn(400, 1, 3), treatment: drawn(400, 1.2, 5) }
const rows = [...rowsOf("control", arms.control), ...rowsOf("treatment", arms.treatment)]

const total = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0)

/** What a metric is a quantile of. */
const valuesOf = (key: string, identities: ReadonlyArray<ReadonlyArray<number>>) =>
  key === "total_p75" ? identities.map(total) : identities.flat()

const levels: Readonly<Record<string, number>> = { p50: 0.5, p90: 0.9, total_p75: 0.75 }

const quantileOf = (key: string, identities: ReadonlyArray<ReadonlyArray<number>>): number => {
  const sorted = valuesOf(key, identities).toSorted((a, b) => a - b)
  return sorted[Math.floor(levels[key]! * sorted.length)]!
}

/** The standard deviation of the quantiles of arms whose identities are drawn from these with replacement. */
const bootstrapped = (key: string, identities: ReadonlyArray<ReadonlyArray<number>>, seed: number): number => {
  const uniform = uniforms(seed)
  const found = Array.from(
    { length: 400 },
    () => quantileOf(key, identities.map(() => identities[Math.floor(identities.length * uniform())]!))
  )
  const mean = total(found) / found.length
  return Math.sqrt(total(found.map((one) => (one - mean) ** 2)) / (found.length - 1))
}

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("quantiles", (it) => {
  it.effect("are exact, with the standard error that drawing identities anew would show, by every engine", () =>
    Effect.gen(function*() {
      const errors = Object.fromEntries(
        Object.keys(levels).map((key) => [
          key,
          Math.hypot(bootstrapped(key, arms.control, 7), bootstrapped(key, arms.treatment, 8))
        ])
      )
      for (const engine of Object.values(engines)) {
        const summary = yield* summaryOf(rows, measuring(["p50", "p90", "total_p75"]), { ...context, engine })
        for (const { estimand, inference, metric_id, variants } of summary.metrics) {
          const [control, treatment] = [quantileOf(metric_id, arms.control), quantileOf(metric_id, arms.treatment)]
          assert.strictEqual(estimand, "quantile")
          assert.closeTo(variants["control"]!.mean, control, 1e-9 * control)
          assert.closeTo(variants["treatment"]!.mean, treatment, 1e-9 * treatment)
          const found = inference["treatment"]!
          assert.closeTo(found.lift, treatment / control - 1, 1e-9)
          assert.isBelow(found.ci_low, found.lift)
          assert.isAbove(found.ci_high, found.lift)
          const error = (arm: string) => Math.sqrt(variants[arm]!.variance / variants[arm]!.n)
          const ratio = Math.hypot(error("control"), error("treatment")) / errors[metric_id]!
          assert.isAbove(ratio, 0.85, metric_id)
          assert.isBelow(ratio, 1.2, metric_id)
        }
      }
    }))

  it.effect("are of a whole arm: not told by slice, nor over time before its end, which is said", () =>
    Effect.gen(function*() {
      const asked = { ...context, slices: ["country"], series: true }
      const summary = yield* summaryOf(rows, measuring(["p50", "p90"]), asked)
      assert.deepStrictEqual(
        summary.breakdowns!.flatMap(({ slices }) => slices.map((slice) => slice.metrics.length)),
        [0, 0]
      )
      assert.deepStrictEqual(
        summary.series!.points.map((point) => point.metrics.map(({ metric_id }) => metric_id)),
        summary.series!.points.map((_, p, all) => (p === all.length - 1 ? ["p50", "p90"] : []))
      )
      assert.deepStrictEqual(
        summary.series!.points.at(-1)!.metrics.map(({ variants }) => variants),
        summary.metrics.map(({ variants }) => variants)
      )
      assert.strictEqual(
        summary.findings.find(({ code }) => code === "quantile_of_whole")?.sentence,
        "A quantile is one of all identities of an arm: p50, p90 aren't told by slice or over time."
      )
      const plainly = yield* summaryOf(rows, measuring(["p50", "p90"]), context)
      // Sums over parts are made in another order: their last digits may differ.
      const numbers = ({ metrics }: ResultsSummary): unknown =>
        JSON.parse(
          JSON.stringify(metrics),
          (_, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(11)) : value)
        )
      assert.deepStrictEqual(numbers(summary), numbers(plainly))
      assert.notProperty(counts(plainly), "quantile_of_whole")
    }))

  it.effect("are withheld where too few values lie beyond, where there are none, and where the control's is 0", () =>
    Effect.gen(function*() {
      const few = rows.filter(({ identity }) => Number(identity.split(" ")[1]) < 120)
      const summary = yield* summaryOf(few, measuring(["p99"]), context)
      const { have, need, reason } = summary.metrics[0]!.withheld["treatment"]!
      assert.deepStrictEqual([reason, need], ["too_few_values", 5])
      assert.isBelow(have, 5)
      assert.isAbove(have, 1)

      const nothing = yield* summaryOf(
        [...rowsOf("control", drawn(60, 0, 1).map(() => [])), ...rowsOf("treatment", arms.treatment)],
        measuring(["p50", "total_p75"]),
        context
      )
      const [values, totals] = nothing.metrics
      assert.deepInclude(values!.withheld["treatment"], { reason: "too_few_values", have: 0 })
      assert.deepInclude(totals!.withheld["treatment"], { reason: "control_mean_not_positive", have: 0 })

      const empty = yield* summaryOf(rowsOf("control", arms.control.map(() => [])), measuring(["p50"]), context)
      assert.property(counts(empty), "no_events p50")
    }))
})
