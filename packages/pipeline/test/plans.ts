/** A plan, and what its statement may say: the input of the pure stages. */
import { type Aggregates, type Plan, plan } from "@assay/aggregation"
import { type Experiment, Moments, type Provenance } from "@assay/model"
import { Result } from "effect"
import { contextOf, experimentOf } from "./world.ts"

export const planOf = (
  experiment: Partial<Experiment> = {},
  asOf?: number,
  more: Parameters<typeof contextOf>[0] = {}
): Plan => {
  const planned = plan({
    ...contextOf({ ...(asOf === undefined ? {} : { asOf }), ...more }),
    experiment: experimentOf(experiment)
  })
  if (Result.isFailure(planned)) throw planned.failure
  return planned.success
}

/** A proportion's moments. */
export const conversions = (n: number, converted: number): Moments.Moments => Moments.fromSums(n, converted, converted)

/** Nothing wrong with 1000 identities in each arm, of which 100 and 130 did what each metric asks for. */
export const aggregatesOf = (planned: Plan, more: Partial<Aggregates> = {}): Aggregates => ({
  identities: Object.fromEntries(planned.arms.map((arm) => [arm, 1000])),
  moments: planned.metrics.map(() =>
    Object.fromEntries(
      planned.arms.map((arm) => [arm, conversions(1000, arm === planned.experiment.control ? 100 : 130)])
    )
  ),
  quarantined: 0,
  quarantinedFrom: Object.fromEntries(planned.arms.map((arm) => [arm, 0])),
  undeclaredIdentities: 0,
  undeclaredExposed: 0,
  namelessExposures: 0,
  namelessEvents: 0,
  earlyEvents: 0,
  repeatedEvents: undefined,
  reported: planned.metrics.map(() => []),
  caps: planned.metrics.map(() => undefined),
  quantiles: planned.metrics.map(() => undefined),
  immature: planned.metrics.map(() => ({})),
  unusableValues: planned.metrics.map(() => 0),
  latestEvent: undefined,
  slices: [],
  points: [],
  ...more
})

export const provenance: Provenance = {
  run_id: "r",
  assay_version: "0.0.0",
  warehouse_version: "0",
  aggregations: {},
  definition_hash: "d",
  statement_hash: "s",
  query_id: "q",
  watermark: null,
  rows_read: 0,
  bytes_read: 0,
  duration_ms: 0,
  computed_at: "2026-01-01T00:00:00.000Z"
}
