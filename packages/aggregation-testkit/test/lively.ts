/** Scenes in which most identities are in an arm and did several things that count, with values of both signs: something for caps. */
import { Duration, type Metric } from "@assay/model"
import * as fc from "fast-check"
import {
  type EventRow,
  type ReferenceExperiment,
  type Subject,
  type TestMetric,
  type World,
  world
} from "../src/index.ts"
import { six } from "./aggregations.ts"

/** Whole numbers and fractions of powers of 2, so that sums, and the quantiles of these, are exact. */
const values = [1, 2, 2.5, 5, 0.25, 40, 1000, 0, -3, -40, 1e9]

const identities = 24

const rows = ({ events, experiment }: World): fc.Arbitrary<ReadonlyArray<EventRow>> => {
  const { from, to } = experiment
  const at = (step: number) => from + Math.trunc(((to - from) * step) / 9)
  const common = { environment: experiment.environment, feature: experiment.feature, metadata: "{}", id: "" }
  const ofIdentity = (i: number) =>
    fc.record({
      variant: fc.constantFrom(...experiment.variants),
      since: fc.integer({ min: 0, max: 6 }),
      country: fc.constantFrom("SE", "DE", undefined),
      amount: fc.constantFrom(0, 1, 7, undefined),
      happened: fc.array(
        fc.record({
          event: fc.constantFrom(...events),
          step: fc.integer({ min: -6, max: 12 }),
          value: fc.constantFrom(...values)
        }),
        { maxLength: 8 }
      )
    }).map(({ amount, country, happened, since, variant }): ReadonlyArray<EventRow> => {
      const traits = { ...(country === undefined ? {} : { country }), ...(amount === undefined ? {} : { amount }) }
      const identity = `u${i}`
      return [
        { ...common, ...traits, identity, event: experiment.exposureEvent, timestamp: at(since), value: variant },
        ...happened.map(({ event, step, value }, j) => ({
          ...common,
          identity,
          event,
          timestamp: at(step) + j,
          value: String(value)
        }))
      ]
    })
  return fc.tuple(...Array.from({ length: identities }, (_, i) => ofIdentity(i))).map((all) => all.flat())
}

const cap: fc.Arbitrary<NonNullable<Metric["cap"]>> = fc.oneof(
  fc.constantFrom(1, 2.5, 100),
  fc.constantFrom(0.5, 2 / 3, 0.9, 0.999).map((quantile) => ({ quantile }))
)

const metricOf = (
  { events, experiment }: World,
  { aggregation, unit }: Subject,
  key: string
): fc.Arbitrary<TestMetric> => {
  const step = Math.max(1000, Math.trunc((experiment.to - experiment.from) / 9))
  const steps = fc.option(fc.integer({ min: 1, max: 5 }).map((n) => n * step), { nil: undefined })
  return fc.record({ event: fc.constantFrom(...events), lookback: steps, window: steps, trait: fc.boolean(), cap }).map(
    ({ cap, event, lookback, trait, window }) => ({
      aggregation,
      more: {
        cap,
        ...(window === undefined ? {} : { window: Duration.fromMillis(window) }),
        ...(lookback !== undefined
          ? { covariate: { lookback: Duration.fromMillis(lookback) } }
          : trait
          ? { covariate: { trait: "amount" } }
          : {})
      },
      reference: {
        key,
        event,
        unit,
        cap,
        ...(aggregation.reads === "nothing" ? {} : { value: (row: EventRow) => row.value }),
        window: { from: 0, to: window ?? null },
        ...(lookback !== undefined
          ? { lookback }
          : trait
          ? { trait: (row: EventRow) => row.amount?.toString() }
          : {})
      }
    })
  )
}

/** A metric without its cap. */
export const uncapped = ({ more = {}, reference, ...metric }: TestMetric): TestMetric => {
  const { cap: _, ...rest } = more
  const { cap: _expected, ...expected } = reference
  return { ...metric, more: rest, reference: expected }
}

const subjects = Object.values(six).filter(({ aggregation }) => aggregation.features.includes("cap"))

/** An experiment that was looked at after its end, capped metrics of all kinds, and rows. */
export const lively = world(2).chain((one) =>
  fc.record({
    rows: rows(one),
    metrics: fc.tuple(...subjects.map((subject, i) => metricOf(one, subject, `${subject.aggregation.name} ${i}`)))
  }).map(({ metrics, rows }) => {
    const { from, to } = one.experiment
    const experiment: ReferenceExperiment = {
      ...one.experiment,
      deduplication: "row",
      asOf: to + Math.trunc((to - from) / 3)
    }
    return { experiment, metrics, rows }
  })
)

/** What {@link lively} draws. */
export type Lively = typeof lively extends fc.Arbitrary<infer A> ? A : never
