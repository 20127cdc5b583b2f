/** The ways in which a statement may be written give the same answer. */
import { compile, compileMerged, strategyOf } from "@assay/aggregation"
import { Warehouse } from "@assay/warehouse"
import { Effect, ManagedRuntime } from "effect"
import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  aggregatesOf,
  clearEvents,
  createEventTable,
  differences,
  insertEvents,
  planOf,
  reference
} from "../src/index.ts"
import { many, references, type Scene, scene } from "./scenes.ts"

describe("a statement that is written in another way", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  beforeAll(() => runtime.runPromise(createEventTable("events")))
  afterAll(() => runtime.dispose())

  /** Holds both ways to the reference, and to each other where they count. */
  const held = async ({ experiment, metrics, rows }: Scene) => {
    const planned = planOf(experiment, metrics, "events", {}, { slices: ["country"] })
    const [other, plain] = await runtime.runPromise(
      Effect.gen(function*() {
        yield* clearEvents("events")
        yield* insertEvents("events", rows)
        return [
          yield* aggregatesOf(planned, compile(planned)),
          yield* aggregatesOf(planned, compileMerged([planned]))
        ]
      })
    )
    const expected = reference(experiment, references(metrics), rows)
    for (const aggregates of [other, plain]) expect(differences(aggregates, expected, planned)).toEqual([])
    const counts = ({ moments, reported, slices, ...rest }: typeof other) => ({
      ...rest,
      n: [moments, ...reported].map((of) => of.map((byArm) => Object.values(byArm).map(({ n }) => n))),
      slices: slices.map((of) => of.map(({ identities, other, value }) => ({ identities, other, value })))
    })
    expect(counts(other)).toEqual(counts(plain))
    const units = Object.values(expected.units).flatMap((byArm) => Object.values(byArm)).flat()
    return {
      strategy: strategyOf(planned),
      traits: planned.traits.length,
      seen: {
        with: units.filter(([u]) => u !== 0).length,
        without: units.filter(([u]) => u === 0).length,
        early: other.earlyEvents,
        unusable: other.unusableValues.reduce((total, n) => total + n, 0)
      }
    }
  }

  const none = { with: 0, without: 0, early: 0, unusable: 0 }
  const missing = (all: ReadonlyArray<typeof none>) =>
    Object.keys(none).filter((what) => all.every((seen) => seen[what as keyof typeof none] === 0))

  it("over the identities with events alone, equals the reference and the one over all identities", async () => {
    const all: Array<typeof none> = []
    let adjusted = 0
    for (const one of fc.sample(scene, { seed: 7, numRuns: 4 })) {
      const isParsed = ({ more: { covariate } = {} }: Scene["metrics"][number]) =>
        covariate !== undefined && "trait" in covariate && covariate.trait.includes(".")
      const metrics = one.metrics.filter((metric) => !isParsed(metric))
      const { seen, strategy, traits } = await held({ ...one, metrics })
      expect(strategy.exposures).toBe("twice")
      all.push(seen)
      adjusted += traits
    }
    expect(missing(all)).toEqual([])
    expect(adjusted).toBeGreaterThan(0)
  })

  it("with a row per identity and event, equals the reference and the one with a column per metric", async () => {
    const all: Array<typeof none> = []
    for (const one of fc.sample(many, { seed: 5, numRuns: 3 })) {
      const { seen, strategy } = await held(one)
      expect(strategy.long?.plan.accumulators).toHaveLength(3)
      all.push(seen)
    }
    expect(missing(all)).toEqual([])
  })
})
