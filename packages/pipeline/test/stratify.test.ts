/** Post-stratification from events to result, held to the formula by hand. */
import type { EventRow } from "@assay/aggregation-testkit"
import type { Experiment } from "@assay/model"
import { scorecard } from "@assay/report"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { recompute } from "../src/index.ts"
import { contextOf, event, exposure, jobOf, start, summaryOf } from "./world.ts"

interface Person {
  readonly arm: "control" | "treatment"
  readonly country: string | undefined
  readonly spent: number
}

/** Countries spend very differently, and chance gave the treatment more of the rich one. One country has a single visitor. */
const sizes = { FR: [300, 240], DE: [200, 200], US: [100, 160], none: [40, 50] } as const
const levels: Readonly<Record<string, number>> = { FR: 10, DE: 30, US: 90, none: 20 }

const people: ReadonlyArray<Person> = [
  ...Object.entries(sizes).flatMap(([country, counts]) =>
    (["control", "treatment"] as const).flatMap((arm, a) =>
      Array.from({ length: counts[a]! }, (_, i): Person => ({
        arm,
        country: country === "none" ? undefined : country,
        spent: levels[country]! + ((7 * i) % 11) + a
      }))
    )
  ),
  { arm: "treatment", country: "MT", spent: 500 }
]

const rows: ReadonlyArray<EventRow> = people.flatMap(({ arm, country, spent }, i) => [
  exposure(String(i), arm, country === undefined ? {} : { country }),
  event(String(i), "purchase", String(spent), { timestamp: start + 60_000 })
])

const experiment: Partial<Experiment> = {
  metrics: [{ metric: "revenue", role: "goal" }, { metric: "purchased", role: "secondary" }],
  stratify: "country"
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0) / values.length
const variance = (values: ReadonlyArray<number>): number =>
  values.reduce((total, x) => total + (x - mean(values)) ** 2, 0) / (values.length - 1)

/** Σwₕ(ȳₜ − ȳₖ) and Σwₕ²(sₜ²/nₜ + sₖ²/nₖ); the single visitor of one country counts in the largest stratum. */
const byHand = () => {
  const strataOf = (country: string | undefined) => (country === "MT" ? "FR" : country ?? "none")
  const strata = Object.keys(sizes).map((stratum) => {
    const [control, treatment] = (["control", "treatment"] as const).map((arm) =>
      people.filter((one) => one.arm === arm && strataOf(one.country) === stratum).map(({ spent }) => spent)
    )
    return { control: control!, treatment: treatment!, weight: (control!.length + treatment!.length) / people.length }
  })
  const sum = (of: (stratum: (typeof strata)[number]) => number) => strata.reduce((total, one) => total + of(one), 0)
  return {
    difference: sum(({ control, treatment, weight }) => weight * (mean(treatment) - mean(control))),
    error: Math.sqrt(
      sum(({ control, treatment, weight }) =>
        weight ** 2 * (variance(treatment) / treatment.length + variance(control) / control.length)
      )
    )
  }
}

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("a stratified experiment", (it) => {
  it.effect("compares arms in the same mix, to the digits of the formula", () =>
    Effect.gen(function*() {
      const { stratify: _, ...without } = experiment
      const plain = (yield* summaryOf(rows, without)).metrics[0]!.inference["treatment"]!
      const summary = yield* summaryOf(rows, experiment)
      const found = summary.metrics[0]!.inference["treatment"]!
      const expected = byHand()
      assert.approximately(found.difference, expected.difference, 1e-9)
      assert.approximately(found.standard_error, expected.error, 1e-9)
      // By the mix alone the treatment seemed far ahead; it is one ahead, and the outlier's part.
      assert.isAbove(plain.difference, 8)
      assert.isBelow(found.difference, 3)
      assert.isBelow(found.ci_high - found.ci_low, 0.6 * (plain.ci_high - plain.ci_low))
      assert.isUndefined(plain.stratified)
      assert.deepInclude(found.stratified!, { by: "country", strata: 4 })
      assert.approximately(
        found.stratified!.variance_reduction,
        1 - (found.standard_error / plain.standard_error) ** 2,
        1e-12
      )
      // The arms are shown as they are, and the breakdown comes with it.
      assert.strictEqual(summary.metrics[0]!.variants["control"]!.n, 640)
      assert.deepStrictEqual(summary.breakdowns!.map(({ dimension }) => dimension), ["country"])
      assert.strictEqual(summary.metrics[0]!.inference["treatment"]!.adjusted!.method, "holm")
      assert.match(
        scorecard(summary, { width: 100, color: false }),
        /same mix of country in both \(4 strata\), \d+\.\d % of the variance away/
      )
    }))

  it.effect("is the same where the property is among its slices, and alike where it says nothing", () =>
    Effect.gen(function*() {
      const once = yield* summaryOf(rows, experiment)
      const twice = yield* summaryOf(rows, { ...experiment, slices: ["country"] })
      assert.deepStrictEqual(twice.metrics[0]!.inference, once.metrics[0]!.inference)
      assert.lengthOf(twice.breakdowns!, 1)
      const nothing = yield* summaryOf(
        rows.map((row) => {
          const { country: _, ...rest } = row
          return rest
        }),
        experiment
      )
      const { stratified, ...rest } = nothing.metrics[0]!.inference["treatment"]!
      assert.deepStrictEqual(stratified, { by: "country", strata: 1, variance_reduction: 0 })
      const { stratify: _, ...without } = experiment
      assert.deepStrictEqual(rest, (yield* summaryOf(rows, without)).metrics[0]!.inference["treatment"])
    }))

  it.effect("refuses a property that nobody has, with the place in the definition", () =>
    Effect.gen(function*() {
      const failed = yield* Effect.flip(recompute(jobOf({ stratify: "nobody" }), contextOf()))
      assert.match(failed.message, /nobody/)
    }).pipe(Effect.provide(Store.layerMemory)))
})
