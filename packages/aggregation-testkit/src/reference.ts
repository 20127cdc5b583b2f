/** What the numbers must be, computed from the rows in plain TypeScript, with none of the planner's means. */
import type { EventRow } from "./EventRow.ts"

/** A metric as the reference sees it. `unit` gets the events that count, in no particular order. */
export interface ReferenceMetric {
  readonly key: string
  readonly event: string
  readonly matches?: (row: EventRow) => boolean
  /** The text that holds the value, where the metric reads one. */
  readonly value?: (row: EventRow) => string
  /** The unit columns of an identity in the order of the estimand's moments. */
  readonly unit: (
    events: ReadonlyArray<{ readonly value: number; readonly elapsed: number }>
  ) => ReadonlyArray<number>
}

/** The experiment as the reference sees it; the window [from, to) in milliseconds. */
export interface ReferenceExperiment {
  readonly environment: string
  readonly feature: string
  readonly exposureEvent: string
  readonly from: number
  readonly to: number
  readonly variants: ReadonlyArray<string>
  readonly multipleVariants: "quarantine" | "first"
  readonly deduplication: "row" | "id" | "none"
}

/** Unit values of every identity in an arm, and the counts that findings are made of. */
export interface ReferenceResult {
  /** Per metric and variant: one array of unit columns per identity. */
  readonly units: Readonly<Record<string, Readonly<Record<string, ReadonlyArray<ReadonlyArray<number>>>>>>
  readonly identities: Readonly<Record<string, number>>
  readonly quarantined: number
  readonly undeclaredIdentities: number
  readonly undeclared: Readonly<Record<string, number>>
  readonly namelessExposures: number
  readonly namelessEvents: number
  readonly earlyEvents: number
  readonly unusable: Readonly<Record<string, number>>
}

/** A number written out as ClickHouse reads one: optional sign, digits with at most one point, optional exponent. */
const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

/** The value of a text, or undefined where it isn't a finite number within ±1e100. */
export const usableNumber = (text: string): number | undefined =>
  number.test(text) && Math.abs(Number(text)) <= 1e100 ? Number(text) : undefined

const groupBy = <A>(values: ReadonlyArray<A>, key: (value: A) => string): ReadonlyMap<string, ReadonlyArray<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const value of values) {
    const group = groups.get(key(value))
    if (group === undefined) groups.set(key(value), [value])
    else group.push(value)
  }
  return groups
}

/** The reference: DESIGN's semantics, an identity at a time. */
export const reference = (
  experiment: ReferenceExperiment,
  metrics: ReadonlyArray<ReferenceMetric>,
  rows: ReadonlyArray<EventRow>
): ReferenceResult => {
  const inside = rows.filter((row) =>
    row.environment === experiment.environment && row.timestamp >= experiment.from && row.timestamp < experiment.to
  )
  const exposures = inside.filter((row) => row.event === experiment.exposureEvent && row.feature === experiment.feature)
  const wanted = new Set(metrics.map((metric) => metric.event))
  const key = (row: EventRow): string =>
    experiment.deduplication === "id" && row.id !== ""
      ? JSON.stringify([row.identity, row.event, row.id])
      : JSON.stringify([row.identity, row.event, row.timestamp, row.value, ""])
  const delivered = inside.filter((row) => wanted.has(row.event) && row.event !== experiment.exposureEvent)
  const events = experiment.deduplication === "none"
    ? delivered
    : [...groupBy(delivered, key).values()].map((copies) => copies[0]!)

  const declared = (row: EventRow) => experiment.variants.includes(row.value)
  const arms = new Map<string, { readonly variant: string | undefined; readonly since: number }>()
  const undeclared: Record<string, number> = {}
  let quarantined = 0
  let undeclaredIdentities = 0
  for (const [identity, seen] of groupBy(exposures.filter((row) => row.identity !== ""), (row) => row.identity)) {
    for (const variant of new Set(seen.filter((row) => !declared(row)).map((row) => row.value))) {
      undeclared[variant] = (undeclared[variant] ?? 0) + 1
    }
    const valid = seen.filter(declared).toSorted((a, b) => a.timestamp - b.timestamp || (a.value < b.value ? -1 : 1))
    if (valid.length === 0) {
      undeclaredIdentities += 1
    } else if (new Set(valid.map((row) => row.value)).size > 1 && experiment.multipleVariants === "quarantine") {
      quarantined += 1
    } else {
      arms.set(identity, { variant: valid[0]!.value, since: valid[0]!.timestamp })
    }
  }
  const ofIdentity = groupBy(events, (row) => row.identity)
  const units: Record<string, Record<string, Array<ReadonlyArray<number>>>> = {}
  const unusable: Record<string, number> = {}
  for (const metric of metrics) {
    const byVariant: Record<string, Array<ReadonlyArray<number>>> = Object.fromEntries(
      experiment.variants.map((variant) => [variant, []])
    )
    let bad = 0
    for (const [identity, { variant, since }] of arms) {
      const own = (ofIdentity.get(identity) ?? []).filter((row) =>
        row.event === metric.event && row.timestamp >= since && (metric.matches?.(row) ?? true)
      )
      const valued = own.flatMap((row) => {
        const value = metric.value === undefined ? 0 : usableNumber(metric.value(row))
        return value === undefined ? [] : [{ value, elapsed: row.timestamp - since }]
      })
      bad += own.length - valued.length
      byVariant[variant!]!.push(metric.unit(valued))
    }
    units[metric.key] = byVariant
    unusable[metric.key] = bad
  }
  return {
    units,
    unusable,
    identities: Object.fromEntries(
      experiment.variants.map((
        variant
      ) => [variant, [...arms.values()].filter((arm) => arm.variant === variant).length])
    ),
    quarantined,
    undeclaredIdentities,
    undeclared,
    namelessExposures: exposures.filter((row) => row.identity === "").length,
    namelessEvents: events.filter((row) => row.identity === "").length,
    earlyEvents: events.filter((row) => {
      const arm = arms.get(row.identity)
      return row.identity !== "" && arm !== undefined && row.timestamp < arm.since
    }).length
  }
}
