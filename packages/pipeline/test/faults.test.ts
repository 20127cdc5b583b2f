/** Faults injected into sound experiments on a real engine: each is found, with what to look at next, and nothing else is. */
import type { EventRow } from "@assay/aggregation-testkit"
import type { Experiment, Finding, Metric, ResultsSummary } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { day, event, exposure, metric, metrics, start, summaryOf } from "./world.ts"

const perArm = 600
const arms = ["control", "treatment"] as const
type Arm = (typeof arms)[number]

const countries = ["FR", "DE", "IT"]
const at = (i: number): number => start + (i % 10) * day + (i % 24) * 3_600_000

/** Identity `i` of an arm: its exposure, and what it bought before and after it. */
const identity = (arm: Arm, i: number, more: Partial<EventRow> = {}): ReadonlyArray<EventRow> => {
  const name = `${arm} ${i}`
  return [
    exposure(name, arm, { timestamp: at(i), country: countries[i % 3]!, amount: i % 7, ...more }),
    event(name, "purchase", String(1 + (i % 5)), { timestamp: at(i) - day }),
    ...(i % 4 === 0 ? [event(name, "purchase", "10", { timestamp: at(i) + 60_000 })] : [])
  ]
}

const numbers = (n: number): ReadonlyArray<number> => Array.from({ length: n }, (_, i) => i)

/** A sound experiment, but for what `change` makes of an identity. */
const world = (change: (arm: Arm, i: number) => ReadonlyArray<EventRow> = identity): ReadonlyArray<EventRow> =>
  arms.flatMap((arm) => numbers(perArm).flatMap((i) => change(arm, i)))

const adjusted: ReadonlyMap<string, Metric> = new Map([
  ...metrics,
  ["spent", metric("spent", "sum", { covariate: { lookback: "2d" } })],
  ["spent_by_amount", metric("spent_by_amount", "sum", { covariate: { trait: "amount" } })],
  ["early", metric("early", "occurrence", { window: "3d" })]
])

const experiment: Partial<Experiment> = {
  metrics: [
    { metric: "spent", role: "goal" },
    { metric: "spent_by_amount", role: "secondary" },
    { metric: "early", role: "secondary" }
  ],
  slices: ["country"],
  series: true
}

const dependent = new Set([
  "quarantine_depends_on_arm",
  "pre_period_imbalance",
  "missing_depends_on_arm",
  "sample_ratio_mismatch",
  "sample_ratio_suspicious",
  "sample_ratio_located"
])

const summary = (rows: ReadonlyArray<EventRow>, more: Partial<Experiment> = {}, asOf?: number) =>
  summaryOf(rows, { ...experiment, ...more }, { metrics: adjusted, ...(asOf === undefined ? {} : { asOf }) })

const found = ({ findings }: ResultsSummary): ReadonlyArray<Finding> =>
  findings.filter(({ code }) => dependent.has(code))

const codes = (one: ResultsSummary): ReadonlyArray<string> =>
  found(one).map(({ code, metric_id }) => (metric_id === undefined ? code : `${code} ${metric_id}`))

/** Seen in the other arm a day later, too. */
const crossed = (arm: Arm, i: number): EventRow =>
  exposure(`${arm} ${i}`, arm === "control" ? "treatment" : "control", {
    timestamp: at(i) + day,
    country: countries[i % 3]!
  })

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("injected faults", (it) => {
  it.effect("is silent where there is none, also where identities are quarantined by chance", () =>
    Effect.gen(function*() {
      const sound = yield* summary(world())
      assert.deepStrictEqual(codes(sound), [])
      const by = yield* summary(world((arm, i) => [...identity(arm, i), ...(i % 20 === 0 ? [crossed(arm, i)] : [])]))
      assert.strictEqual(by.quarantined, 60)
      assert.deepStrictEqual(codes(by), [])
      assert.notStrictEqual(by.decision!.decision, "do not trust")
    }))

  it.effect("finds identities that are quarantined from one arm more than from another", () =>
    Effect.gen(function*() {
      // More identities come to the treatment, so that what is left in the arms is as planned.
      const rows = [
        ...world((arm, i) => [...identity(arm, i), ...(arm === "treatment" && i % 20 === 0 ? [crossed(arm, i)] : [])]),
        ...numbers(30).flatMap((i) => identity("treatment", perArm + i))
      ]
      const one = yield* summary(rows)
      assert.deepStrictEqual(codes(one), ["quarantine_depends_on_arm"])
      const [finding] = found(one)
      assert.strictEqual(finding!.severity, "alarm")
      assert.strictEqual(finding!.count, 30)
      assert.strictEqual(finding!.of, 1230)
      assert.match(finding!.sentence, /control 0 of 600 .*treatment 30 of 630/)
      assert.isAbove(finding!.next!.length, 40)
      assert.strictEqual(one.decision!.decision, "do not trust")
      // Whoever takes the first variant leaves nobody out.
      assert.deepStrictEqual(
        codes(
          yield* summary(
            world((arm, i) => [...identity(arm, i), ...(arm === "treatment" && i % 20 === 0 ? [crossed(arm, i)] : [])]),
            { multiple_variants: "first" }
          )
        ),
        []
      )
    }))

  it.effect("finds arms that differed before the exposure", () =>
    Effect.gen(function*() {
      const rows = world((arm, i) => [
        ...identity(arm, i),
        ...(arm === "treatment" && i % 3 === 0
          ? [event(`treatment ${i}`, "purchase", "3", { timestamp: at(i) - day - 1 })]
          : [])
      ])
      const one = yield* summary(rows)
      assert.deepStrictEqual(codes(one), ["pre_period_imbalance spent"])
      const [finding] = found(one)
      assert.strictEqual(finding!.severity, "alarm")
      assert.match(finding!.sentence, /control 3, treatment 4/)
      assert.match(finding!.next!, /assignment/)
    }))

  it.effect("finds a trait that one arm lacks more often, and a window that is over for fewer", () =>
    Effect.gen(function*() {
      const lacking = yield* summary(world((arm, i) => {
        const [first, ...rest] = identity(arm, i)
        const { amount: _, ...without } = first!
        return [arm === "treatment" && i % 10 === 0 ? without : first!, ...rest]
      }))
      assert.deepStrictEqual(codes(lacking), ["missing_depends_on_arm spent_by_amount"])
      assert.match(
        found(lacking)[0]!.sentence,
        /^The trait amount of spent_by_amount is missing more often .*control 0 of 600 .*treatment 60 of 600/
      )
      assert.strictEqual(found(lacking)[0]!.severity, "alarm")

      const later = (arm: Arm, i: number) =>
        identity(arm, i, arm === "treatment" && i % 10 < 2 ? { timestamp: start + 9 * day } : {})
      const young = yield* summary(world(later), { series: false }, start + 10 * day)
      assert.deepStrictEqual(codes(young).filter((code) => code.startsWith("missing")), [
        "missing_depends_on_arm early"
      ])
      assert.match(
        found(young).find(({ code }) => code === "missing_depends_on_arm")!.sentence,
        /^The whole window \(3d after exposure\) of early is missing/
      )
    }))

  it.effect("finds where a mismatch is: only there, and only from that day on", () =>
    Effect.gen(function*() {
      // From the 4th day on, French identities of the treatment aren't logged.
      const rows = world((arm, i) =>
        arm === "treatment" && countries[i % 3] === "FR" && i % 10 >= 3 ? [] : identity(arm, i)
      )
      const one = yield* summary(rows)
      assert.strictEqual(one.decision!.decision, "do not trust")
      assert.deepStrictEqual([...new Set(codes(one))].filter((code) => code.startsWith("sample_ratio")), [
        "sample_ratio_mismatch",
        "sample_ratio_located"
      ])
      const sentences = found(one).filter(({ code }) => code === "sample_ratio_located").map(({ sentence }) => sentence)
      assert.lengthOf(sentences, 2)
      assert.match(sentences[0]!, /where country is "FR" .*The rest of country is as planned\.$/)
      assert.match(sentences[1]!, /from 2026-01-04 on .*Before, it is\.$/)
    }))
})
