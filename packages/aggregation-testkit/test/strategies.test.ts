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
import { references, scene } from "./scenes.ts"

describe("a statement over the identities with events", () => {
  const runtime = ManagedRuntime.make(Warehouse.layerEmbedded())
  beforeAll(() => runtime.runPromise(createEventTable("events")))
  afterAll(() => runtime.dispose())

  it("equals the reference, and counts as one over all identities does", async () => {
    const seen = { with: 0, without: 0, early: 0 }
    await fc.assert(
      fc.asyncProperty(scene, async ({ experiment, metrics, rows }) => {
        const some = metrics.filter(({ more }) => more?.covariate === undefined || "lookback" in more.covariate)
        fc.pre(some.length > 0)
        const planned = planOf(experiment, some, "events", {}, { slices: ["country"] })
        expect(strategyOf(planned).exposures).toBe("twice")
        const [over, all] = await runtime.runPromise(
          Effect.gen(function*() {
            yield* clearEvents("events")
            yield* insertEvents("events", rows)
            return [
              yield* aggregatesOf(planned, compile(planned)),
              yield* aggregatesOf(planned, compileMerged([planned]))
            ]
          })
        )
        const expected = reference(experiment, references(some), rows)
        for (const aggregates of [over, all]) expect(differences(aggregates, expected, planned)).toEqual([])
        const counts = ({ moments, reported, slices, ...rest }: typeof over) => ({
          ...rest,
          n: [moments, ...reported].map((of) => of.map((byArm) => Object.values(byArm).map(({ n }) => n))),
          slices: slices.map((of) => of.map(({ identities, other, value }) => ({ identities, other, value })))
        })
        expect(counts(over)).toEqual(counts(all))
        seen.early += over.earlyEvents
        for (const units of Object.values(expected.units).flatMap((byArm) => Object.values(byArm)).flat()) {
          seen[units[0] === 0 ? "without" : "with"] += 1
        }
      }),
      { numRuns: 4, seed: 7 }
    )
    expect(Object.entries(seen).filter(([, count]) => count === 0)).toEqual([])
  })
})
