/** The conformance suite of an aggregation, for vitest. */
import type { Aggregation } from "@assay/aggregation"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Examination, examine } from "./checkAggregation.ts"
import { properties } from "./properties.ts"
import type { AggregationSuite } from "./Trial.ts"

/**
 * Declares the suite (vitest) for one aggregation, on the embedded engine or on the server that ASSAY_TEST_URL names: a test
 * for each property that every aggregation has. A failure says what is wrong, with the smallest case found and its seed.
 *
 * @example
 * describeAggregation(largest, {
 *   reference: (events) => [events.length === 0 ? 0 : Math.max(...events.map(({ value }) => value))]
 * })
 */
export const describeAggregation = <Options>(aggregation: Aggregation, suite: AggregationSuite<Options>): void => {
  describe(`aggregation ${aggregation.name} ${aggregation.version}`, () => {
    let examination: Examination
    beforeAll(async () => {
      examination = await examine(aggregation, suite)
    })
    afterAll(() => examination.end())
    for (const property of properties) {
      // oxlint-disable-next-line vitest/valid-title, vitest/expect-expect -- declared for an author, who reads `fail` as it is
      it(property.name, async () => {
        const failure = await examination.fails(property)
        if (failure !== undefined) expect.fail(failure)
      })
    }
  })
}
