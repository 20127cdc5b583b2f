/** Running a plan on a real ClickHouse and holding what comes out against the reference. */
import {
  type Aggregates,
  compile,
  compileConstants,
  compileMerged,
  compileMergedConstants,
  decodeAggregates,
  decodeConstants,
  type Plan,
  plan,
  type PlanInput,
  withConstants
} from "@assay/aggregation"
import type { Aggregation } from "@assay/aggregation"
import { defaultEventMapping, type Experiment, Instant, type Metric, Moments, type Statement } from "@assay/model"
import { Warehouse } from "@assay/warehouse"
import { Effect, Result } from "effect"
import { testMapping } from "./EventRow.ts"
import type { ReferenceExperiment, ReferenceMetric, ReferenceResult } from "./reference.ts"

/** A metric under test: its aggregation, and what the reference makes of the same events. */
export interface TestMetric {
  readonly aggregation: Aggregation
  readonly options?: Readonly<Record<string, unknown>>
  readonly where?: Metric["where"]
  readonly valueProperty?: string
  /** The sources, a delay, a window, a covariate or a cap, as a metric's definition has them. */
  readonly more?: Pick<Metric, "sources" | "delay" | "window" | "covariate" | "cap">
  readonly reference: ReferenceMetric
}

/** The plan of test metrics over one table. */
export const planOf = (
  experiment: ReferenceExperiment,
  metrics: ReadonlyArray<TestMetric>,
  table: string,
  overrides: Partial<PlanInput["mapping"]> = {},
  parts: Pick<PlanInput, "series" | "slices"> = {}
): Plan => {
  const definition: Experiment = {
    key: "test",
    environment: experiment.environment,
    feature: experiment.feature,
    started_at: Instant.fromMillis(experiment.from),
    ended_at: Instant.fromMillis(experiment.to),
    multiple_variants: experiment.multipleVariants,
    control: experiment.variants[0]!,
    variants: experiment.variants.map((key) => ({ key, share: 1 })) as unknown as Experiment["variants"],
    metrics: metrics.map(({ reference }) => ({
      metric: reference.key,
      role: "goal" as const
    })) as unknown as Experiment["metrics"]
  }
  const planned = plan({
    ...parts,
    experiment: definition,
    metrics: new Map(metrics.map(({ aggregation, more, options, reference, valueProperty, where }) => [reference.key, {
      key: reference.key,
      aggregation: aggregation.name,
      ...(more?.sources === undefined ? { event: reference.event } : {}),
      direction: "up",
      ...more,
      ...(options === undefined ? {} : { options }),
      ...(where === undefined ? {} : { where }),
      ...(valueProperty === undefined ? {} : { value: valueProperty })
    }])),
    mapping: { ...testMapping(defaultEventMapping, table, { policy: experiment.deduplication }), ...overrides },
    aggregations: new Map(metrics.map(({ aggregation }) => [aggregation.name, aggregation])),
    asOf: experiment.asOf ?? experiment.to + 1
  })
  if (Result.isFailure(planned)) throw new Error(`${planned.failure.message} (${planned.failure.hint})`)
  return planned.success
}

/** The plan with its constants, as a first statement finds them on the warehouse. */
export const complete = Effect.fn("testkit.complete")(function*(
  planned: Plan,
  statement: Statement | undefined = compileConstants(planned)
) {
  if (statement === undefined) return planned
  const warehouse = yield* Warehouse
  const { rows } = yield* warehouse.query(statement)
  return withConstants(planned, yield* Effect.fromResult(decodeConstants(planned, rows)))
})

/** The aggregates that a statement of a plan gives on the warehouse: its own one, once its constants are found. */
export const aggregatesOf = Effect.fn("testkit.aggregatesOf")(function*(planned: Plan, statement?: Statement) {
  const warehouse = yield* Warehouse
  const whole = statement === undefined ? yield* complete(planned) : planned
  const { rows } = yield* warehouse.query(statement ?? compile(whole))
  return yield* Effect.fromResult(decodeAggregates(whole, rows))
})

/** The same from plans of batches of events, whose states are merged. */
export const mergedAggregatesOf = Effect.fn("testkit.mergedAggregatesOf")(function*(
  plans: readonly [Plan, ...Array<Plan>]
) {
  const found = compileMergedConstants(plans)
  const [first, ...rest] = yield* Effect.forEach(plans, (one) => complete(one, found))
  return yield* aggregatesOf(first, compileMerged([first, ...rest]))
})

const close = (actual: number, expected: number, scale: number): boolean =>
  actual === expected || Math.abs(actual - expected) <= 1e-9 * Math.max(scale, Number.MIN_VALUE)

/**
 * How moments differ from those of unit values, as sentences: n not at all, sums by more than 1e-9 of the sum of absolute values,
 * and products and comoments of that of squares.
 */
export const momentDifferences = (
  what: string,
  actual: Moments.Moments,
  units: ReadonlyArray<ReadonlyArray<number>>
): ReadonlyArray<string> => {
  const found: Array<string> = []
  const k = actual.sums.length
  const wanted = Moments.fromValues(k, units)
  const size = (i: number) => units.reduce((total, unit) => total + Math.abs(unit[i]!), 0)
  const spread = (i: number) => units.reduce((total, unit) => total + unit[i]! ** 2, 0)
  const near = (which: string, one: number, other: number, scale: number) => {
    if (!close(one, other, scale)) found.push(`${what}: ${which} is ${one} instead of ${other}`)
  }
  if (actual.n !== wanted.n) found.push(`${what}: n is ${actual.n} instead of ${wanted.n}`)
  for (let i = 0; i < k; i++) {
    near(`sum of column ${i}`, actual.sums[i]!, wanted.sums[i]!, size(i))
    for (let j = 0; j < k; j++) {
      const scale = Math.sqrt(spread(i) * spread(j))
      near(`product ${i},${j}`, actual.products[i]![j]!, wanted.products[i]![j]!, scale)
      near(`comoment ${i},${j}`, actual.comoments[i]![j]!, wanted.comoments[i]![j]!, scale)
    }
  }
  return found
}

/**
 * Every difference between aggregates and the reference as a sentence; none means that they agree: counts exactly, sums to
 * 1e-9 of the sum of absolute values.
 */
export const differences = (
  aggregates: Aggregates,
  expected: ReferenceResult,
  planned: Plan
): ReadonlyArray<string> => {
  const found: Array<string> = []
  const same = (what: string, actual: unknown, wanted: unknown) => {
    if (JSON.stringify(actual) !== JSON.stringify(wanted)) {
      found.push(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(wanted)}`)
    }
  }
  same("identities", aggregates.identities, expected.identities)
  same("quarantined identities", aggregates.quarantined, expected.quarantined)
  same("quarantined identities by first variant", aggregates.quarantinedFrom, expected.quarantinedFrom)
  same("identities in undeclared variants only", aggregates.undeclaredIdentities, expected.undeclaredIdentities)
  same("identities in undeclared variants", aggregates.undeclaredExposed, expected.undeclaredExposed)
  same("exposures without identity", aggregates.namelessExposures, expected.namelessExposures)
  const counted = planned.deduplication.policy === "none" ? "rows" : "events"
  same("events without identity", aggregates.namelessEvents, expected.namelessEvents[counted])
  same("events before exposure", aggregates.earlyEvents, expected.earlyEvents[counted])
  same("repeated rows", aggregates.repeatedEvents, counted === "rows" ? undefined : expected.repeatedEvents)
  same("newest event", aggregates.latestEvent, expected.latestEvent)
  const compare = (what: string, actual: Moments.Moments, units: ReadonlyArray<ReadonlyArray<number>>) =>
    found.push(...momentDifferences(what, actual, units))
  planned.metrics.forEach((metric, m) => {
    same(`${metric.key}: unusable values`, aggregates.unusableValues[m], expected.unusable[metric.key])
    for (const arm of planned.arms) {
      const units = expected.units[metric.key]![arm]!
      compare(`${metric.key} in ${arm}`, aggregates.moments[m]![arm]!, units)
      same(`${metric.key} in ${arm}: immature`, aggregates.immature[m]![arm], expected.identities[arm]! - units.length)
      metric.reported.forEach(({ name }, i) =>
        compare(
          `${metric.key} in ${arm}, ${name}`,
          aggregates.reported[m]![i]![arm]!,
          expected.reported[metric.key]![arm]!.map((one) => one[i]!)
        )
      )
      const [quantiles, known] = [aggregates.quantiles[m]?.[arm] ?? [], expected.quantiles[metric.key]?.[arm] ?? []]
      if (quantiles.length !== known.length) {
        same(`${metric.key} in ${arm}: quantiles`, quantiles.length, known.length)
      }
      for (const [i, wanted] of known.entries()) {
        const level = metric.quantile?.around[i]
        if (quantiles[i] !== undefined && !close(quantiles[i], wanted, Math.abs(wanted))) {
          same(`${metric.key} in ${arm}: the quantile at ${level}`, quantiles[i], wanted)
          break
        }
      }
      const cap = aggregates.caps[m]
      const wanted = expected.caps[metric.key]
      if (cap === undefined || wanted === undefined) {
        same(`${metric.key}: cap`, cap, wanted)
      } else {
        if (!close(cap.value, wanted.value, Math.abs(wanted.value))) same(`${metric.key}: cap`, cap.value, wanted.value)
        same(`${metric.key} in ${arm}: above the cap`, cap.capped[arm], wanted.capped[arm])
        compare(`${metric.key} in ${arm} without the cap`, cap.uncapped[arm]!, wanted.uncapped[arm]!)
      }
    }
  })
  return found
}
