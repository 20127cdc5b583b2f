import { defaultEventMapping, type EventMapping, type Experiment } from "@assay/model"
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { definitionHash } from "../src/index.ts"
import { config, experiment, parse } from "./example.ts"

const { experiments, metrics } = Result.getOrThrow(parse())
const base = {
  experiment: experiments.get("new-checkout")!,
  metrics,
  mapping: config.mapping,
  aggregations: config.aggregations,
  defaults: config.defaults,
  decision: config.decision,
  multiplicity: config.multiplicity
}
const hash = definitionHash(base)
const changed = (change: Partial<typeof base>) => definitionHash({ ...base, ...change })
const withExperiment = (change: Partial<Experiment>) => changed({ experiment: { ...base.experiment, ...change } })
const withMapping = (change: Partial<EventMapping>) => changed({ mapping: { ...base.mapping, ...change } })
const withMetric = (change: object) =>
  changed({ metrics: new Map([...metrics, ["revenue", { ...metrics.get("revenue")!, ...change }]]) })

/** The same value with the keys of all mappings in another order. */
const shuffled = (value: unknown, random: (n: number) => number): unknown => {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => ({
      order: random(1e6),
      entry: [key, shuffled(inner, random)] as const
    }))
      .toSorted((a, b) => a.order - b.order).map(({ entry }) => entry)
  )
}

describe("the hash of a definition", () => {
  it("is a SHA-256 in hexadecimal", () => {
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
  })

  it("doesn't depend on the order of keys, nor on comments and layout", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (numbers) => {
        const random = (n: number) => (numbers.next().value ?? 0) % n
        const file = JSON.stringify(shuffled(base.experiment, random))
        const again = Result.getOrThrow(parse({ "experiments/checkout.yaml": `# other\n${file}` }))
        expect(changed({ experiment: again.experiments.get("new-checkout")! })).toBe(hash)
      }),
      { numRuns: 30 }
    )
  })

  it.each([
    ["a description", withExperiment({ description: "Larger button" })],
    [
      "descriptions of variants",
      withExperiment({
        variants: [{ ...base.experiment.variants[0], description: "x" }, ...base.experiment.variants.slice(1)]
      })
    ],
    ["the description of a metric", withMetric({ description: "x" })],
    ["another way to write the same moment", withExperiment({ started_at: "2026-01-01T01:00+01:00" })],
    ["what is the default", withExperiment({ multiple_variants: "quarantine", identity: "identifier" })],
    ["a metric that isn't used", changed({ metrics: new Map([...metrics, ["x", metrics.get("revenue")!]]) })],
    ["an aggregation that isn't used", changed({ aggregations: new Map([...config.aggregations].slice(0, 2)) })],
    ["slices and series that say what is the default", withExperiment({ slices: [], series: false })],
    ["concurrency", changed({ defaults: { ...config.defaults, concurrency: 9 } })]
  ])("doesn't change with %s", (_, other) => {
    expect(other).toBe(hash)
  })

  it.each([
    ["the start", withExperiment({ started_at: "2026-01-02" })],
    ["slices", withExperiment({ slices: ["traits.country"] })],
    ["slices by default", changed({ defaults: { ...config.defaults, slices: ["traits.country"] } })],
    ["a series", withExperiment({ series: true })],
    ["a series by default", changed({ defaults: { ...config.defaults, series: true } })],
    ["an end", withExperiment({ ended_at: "2026-02-01" })],
    ["the control", withExperiment({ control: "treatment" })],
    ["a share", withExperiment({ variants: [{ key: "control", share: 60 }, { key: "treatment", share: 50 }] })],
    ["a role", withExperiment({ metrics: [{ metric: "purchased", role: "guardrail" }, base.experiment.metrics[1]!] })],
    ["the policy for several variants", withExperiment({ multiple_variants: "first" })],
    ["a filter of a metric", withMetric({ where: [] })],
    ["the direction of a metric", withMetric({ direction: "down" })],
    ["an option of a metric", withMetric({ options: { cap: 1 } })],
    ["the cap of a metric", withMetric({ cap: 100 })],
    ["a cap at a quantile", withMetric({ cap: { quantile: 0.999 } })],
    ["a column", withMapping({ columns: { ...defaultEventMapping.columns, value: "amount" } })],
    ["deduplication", withMapping({ deduplication: { policy: "none" } })],
    [
      "the first identity, which is the default",
      withMapping({ identities: { user: "user", identifier: "identifier" } })
    ],
    [
      "the version of an aggregation",
      changed({
        aggregations: new Map([...config.aggregations, ["sum", {
          ...config.aggregations.get("sum")!,
          version: "1.3.0"
        }]])
      })
    ],
    ["the engine", changed({ defaults: { ...config.defaults, engine: { name: "delta" } } })],
    [
      "an option of the engine",
      changed({ defaults: { ...config.defaults, engine: { name: "bayesian", prior: { sd: 0.1 } } } })
    ],
    ["what a decision takes", changed({ decision: { ...config.decision, goals: "all" } })],
    ["the correction for many tests", changed({ multiplicity: { goals: "none", secondary: "none" } })],
    ["the confidence", changed({ defaults: { ...config.defaults, confidence: 0.9 } })]
  ])("changes with %s", (_, other) => {
    expect(other).not.toBe(hash)
  })

  it("stays what it was, so that stored results can be compared", () => {
    expect(experiment).toContain("key: new-checkout")
    expect(hash).toBe("91f3da1acbeb9adad3d77a177ad63e846cb112e692f29cc7fb63c82294cb88a6")
  })
})
