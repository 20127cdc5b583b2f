/** What the numbers must be, computed from the rows in plain TypeScript, with none of the planner's means. */
import type { EventRow } from "./EventRow.ts"

/** A metric as the reference sees it. `unit` gets the events that count, in no particular order. */
export interface ReferenceMetric {
  readonly key: string
  readonly event: string
  readonly matches?: (row: EventRow) => boolean
  /** The text that holds the value, where the metric reads one; undefined where the event doesn't have it. */
  readonly value?: (row: EventRow) => string | undefined
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
  /** What else must be equal for two rows to be the same event: the mapping's `deduplication.columns`. */
  readonly alsoSame?: (row: EventRow) => ReadonlyArray<unknown>
}

/** Unit values of every identity in an arm, and the counts that findings are made of. */
export interface ReferenceResult {
  /** Per metric and variant: one array of unit columns per identity. */
  readonly units: Readonly<Record<string, Readonly<Record<string, ReadonlyArray<ReadonlyArray<number>>>>>>
  readonly identities: Readonly<Record<string, number>>
  readonly quarantined: number
  readonly undeclaredIdentities: number
  readonly undeclaredExposed: number
  readonly undeclared: Readonly<Record<string, number>>
  readonly namelessExposures: number
  /** Rows as they were delivered, and events: what is left when repeated rows are removed by the policy. */
  readonly namelessEvents: { readonly rows: number; readonly events: number }
  readonly earlyEvents: { readonly rows: number; readonly events: number }
  /** Rows of exposed identities that repeated another one. */
  readonly repeatedEvents: number
  /** The time of the newest event of an exposed identity. */
  readonly latestEvent: number | undefined
  readonly unusable: Readonly<Record<string, number>>
}

/** One event in all the rows it came in. It happened at the earliest of them. */
interface Delivered {
  readonly identity: string
  readonly event: string
  readonly timestamp: number
  readonly copies: ReadonlyArray<EventRow>
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

/**
 * The reference: an identity at a time. Where copies of an event differ (in what the policy doesn't look at), it satisfies
 * a condition if one of them does, its value is the smallest usable one, and it happened when the first of them did.
 */
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
  const sameRow = (row: EventRow) => [row.timestamp, row.value, ...(experiment.alsoSame?.(row) ?? [])]
  const key = (row: EventRow, i: number): string => {
    const same = experiment.deduplication === "none"
      ? [i]
      : experiment.deduplication === "id" && row.id !== ""
      ? [row.id]
      : sameRow(row)
    return JSON.stringify([row.identity, row.event, same.length, ...same])
  }
  const delivered = inside.filter((row) => wanted.has(row.event) && row.event !== experiment.exposureEvent)
  const keys = new Map(delivered.map((row, i) => [row, key(row, i)]))
  const whole = (copies: ReadonlyArray<EventRow>): Delivered => ({
    identity: copies[0]!.identity,
    event: copies[0]!.event,
    timestamp: Math.min(...copies.map((row) => row.timestamp)),
    copies
  })
  const events = experiment.deduplication === "none"
    ? delivered.map((row) => whole([row]))
    : [...groupBy(delivered, (row) => keys.get(row)!).values()].map(whole)

  const declared = (row: EventRow) => experiment.variants.includes(row.value)
  const arms = new Map<string, { readonly variant: string; readonly since: number }>()
  const undeclared: Record<string, number> = {}
  let quarantined = 0
  let undeclaredIdentities = 0
  let undeclaredExposed = 0
  const exposed = groupBy(exposures.filter((row) => row.identity !== ""), (row) => row.identity)
  for (const [identity, seen] of exposed) {
    if (!seen.every(declared)) undeclaredExposed += 1
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
  const ofIdentity = groupBy(events, (event) => event.identity)
  const units: Record<string, Record<string, Array<ReadonlyArray<number>>>> = {}
  const unusable: Record<string, number> = {}
  for (const metric of metrics) {
    const byVariant: Record<string, Array<ReadonlyArray<number>>> = Object.fromEntries(
      experiment.variants.map((variant) => [variant, []])
    )
    let bad = 0
    for (const [identity, { variant, since }] of arms) {
      const own = (ofIdentity.get(identity) ?? []).filter(({ copies, event, timestamp }) =>
        event === metric.event && timestamp >= since && (metric.matches === undefined || copies.some(metric.matches))
      )
      const valued = own.flatMap(({ copies, timestamp }) => {
        const { value } = metric
        const values = value === undefined ? [0] : copies.flatMap((row) => {
          const text = value(row)
          const number = text === undefined ? undefined : usableNumber(text)
          return number === undefined ? [] : [number]
        })
        return values.length === 0 ? [] : [{ value: Math.min(...values), elapsed: timestamp - since }]
      })
      bad += own.length - valued.length
      byVariant[variant]!.push(metric.unit(valued))
    }
    units[metric.key] = byVariant
    unusable[metric.key] = bad
  }
  const both = (counts: (one: { readonly identity: string; readonly timestamp: number }) => boolean) => ({
    rows: delivered.filter(counts).length,
    events: events.filter(counts).length
  })
  const isExposed = ({ identity }: { readonly identity: string }) => exposed.has(identity)
  const exposedEvents = events.filter(isExposed)
  return {
    units,
    unusable,
    identities: Object.fromEntries(
      experiment.variants.map((variant) => [
        variant,
        [...arms.values()].filter((arm) => arm.variant === variant).length
      ])
    ),
    quarantined,
    undeclaredIdentities,
    undeclaredExposed: [...exposed.values()].filter((seen) => !seen.every(declared)).length,
    undeclared,
    namelessExposures: exposures.filter((row) => row.identity === "").length,
    namelessEvents: both(({ identity }) => identity === ""),
    earlyEvents: both(({ identity, timestamp }) => timestamp < (arms.get(identity)?.since ?? -Infinity)),
    repeatedEvents: delivered.filter(isExposed).length - exposedEvents.length,
    latestEvent: exposedEvents.length === 0 ? undefined : Math.max(...exposedEvents.map((event) => event.timestamp))
  }
}
