/** What the numbers must be, computed from the rows in plain TypeScript, with none of the planner's means. */
import type { EventRow } from "./EventRow.ts"

/** An event that counts: its value (0 or empty where none is read), and when it happened, also after the first exposure. */
export interface ReferenceEvent {
  readonly value: number
  readonly text: string
  readonly timestamp: number
  readonly elapsed: number
}

/** A source of events as the reference sees it. */
export interface ReferenceSource {
  readonly event: string
  readonly matches?: (row: EventRow) => boolean
  /** The text that holds the value, where one is read; undefined where the event doesn't have it. */
  readonly value?: (row: EventRow) => string | undefined
  /** How the value is read; as a number where it is absent. */
  readonly reads?: "value" | "text"
}

/** The events of each source, by name; several lists where it is a list of sources. */
export type ReferenceSources = Readonly<Record<string, ReadonlyArray<ReadonlyArray<ReferenceEvent>>>>

/** Unit columns of an identity. `events` are those of the first source that count, in no particular order. */
export type ReferenceUnit = (
  events: ReadonlyArray<ReferenceEvent>,
  sources: ReferenceSources
) => ReadonlyArray<number>

/** A metric as the reference sees it. */
export interface ReferenceMetric extends ReferenceSource {
  readonly key: string
  /** The sources of one that has several, by name; the metric's own event is then nothing. */
  readonly sources?: Readonly<Record<string, ReadonlyArray<ReferenceSource>>>
  /** In the order of the estimand's moments. */
  readonly unit: ReferenceUnit
  /** What is reported beside, each of one column or two. */
  readonly reported?: (
    events: ReadonlyArray<ReferenceEvent>,
    sources: ReferenceSources
  ) => ReadonlyArray<ReadonlyArray<number>>
  /** Milliseconds after the first exposure, [from, to): the conversion window. */
  readonly window?: { readonly from: number; readonly to: number | null }
  /** How long after the first exposure an identity is old enough, where that isn't the end of `window`. */
  readonly matures?: number
  /** The covariate: the unit columns over so many milliseconds before the exposure (`before`, or `unit` again). */
  readonly lookback?: number
  readonly before?: ReferenceUnit
  /** The covariate: a trait of the first exposure. */
  readonly trait?: (row: EventRow) => string | undefined
  /** The largest first column, also that of the covariate over the time before: a number, or a quantile of those other than 0. */
  readonly cap?: number | { readonly quantile: number }
  /** Where it is a quantile: its level, and those around it. `unit` then gives the values of an identity, as many as it has. */
  readonly quantile?: { readonly level: number; readonly around: ReadonlyArray<number> }
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
  /** When it is looked at; just after the end where it is absent. */
  readonly asOf?: number
  /** Only what had come about by then counts, of identities as the whole window shows them. */
  readonly until?: number
  /** Only identities whose first exposures (all rows of its millisecond and variant) satisfy this are in arms. */
  readonly only?: (firsts: ReadonlyArray<EventRow>) => boolean
}

/** What a cap does. */
export interface ReferenceCap {
  readonly value: number
  readonly capped: Readonly<Record<string, number>>
  readonly uncapped: ReferenceResult["units"][string]
}

/** Unit values of every identity in an arm, and the counts that findings are made of. */
export interface ReferenceResult {
  /** Per metric and variant: one array of unit columns per identity that is old enough. */
  readonly units: Readonly<Record<string, Readonly<Record<string, ReadonlyArray<ReadonlyArray<number>>>>>>
  /** Per metric and variant: one array of reported columns per identity, for each thing reported. */
  readonly reported: Readonly<
    Record<string, Readonly<Record<string, ReadonlyArray<ReadonlyArray<ReadonlyArray<number>>>>>>
  >
  /** Per metric with a cap: its value, how many identities of each variant are above it, and the unit columns without it. */
  readonly caps: Readonly<Record<string, ReferenceCap>>
  /** Per metric that is a quantile and variant: the quantiles at the levels around it, none without values. */
  readonly quantiles: Readonly<Record<string, Readonly<Record<string, ReadonlyArray<number>>>>>
  readonly identities: Readonly<Record<string, number>>
  readonly quarantined: number
  /** The same by the variant that they were seen in first. */
  readonly quarantinedFrom: Readonly<Record<string, number>>
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

const sourcesOf = (metric: ReferenceMetric): Readonly<Record<string, ReadonlyArray<ReferenceSource>>> =>
  metric.sources ?? { events: [metric] }

/** What a source makes of an event: nothing where it lacks the value that is read. */
const eventsOf = (
  { reads = "value", value }: ReferenceSource,
  { copies, timestamp }: Delivered,
  since: number
): ReadonlyArray<ReferenceEvent> => {
  const at = { timestamp, elapsed: timestamp - since }
  if (value === undefined) return [{ value: 0, text: "", ...at }]
  const texts = copies.flatMap((row) => value(row) ?? [])
  if (reads === "text") {
    const [least] = texts.filter((text) => text !== "").toSorted((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b))
    )
    return least === undefined ? [] : [{ value: 0, text: least, ...at }]
  }
  const numbers = texts.flatMap((text) => usableNumber(text) ?? [])
  return numbers.length === 0 ? [] : [{ value: Math.min(...numbers), text: "", ...at }]
}

/** The unit columns of a metric under its cap. */
const underCap = (
  { cap, lookback }: ReferenceMetric,
  own: number,
  uncapped: ReferenceCap["uncapped"]
): ReferenceCap & { readonly units: ReferenceCap["uncapped"] } | undefined => {
  if (cap === undefined) return undefined
  const values = Object.values(uncapped).flat().map(([u]) => u!).filter((u) => u !== 0).toSorted((a, b) => a - b)
  const value = typeof cap === "number" ? cap : Math.max(0, values[Math.floor(cap.quantile * values.length)] ?? 0)
  const isCapped = (i: number) => i === 0 || (lookback !== undefined && i === own)
  const byVariant = <A>(of: (units: ReadonlyArray<ReadonlyArray<number>>) => A) =>
    Object.fromEntries(Object.entries(uncapped).map(([variant, units]) => [variant, of(units)]))
  return {
    value,
    uncapped,
    capped: byVariant((units) => units.filter(([u]) => u! > value * (1 + 1e-12)).length),
    units: byVariant((units) => units.map((unit) => unit.map((u, i) => (isCapped(i) ? Math.min(u, value) : u))))
  }
}

/**
 * A quantile of all values of a variant, those at the levels around it, and per identity how many values are at most it and how many there
 * are.
 */
const quantileOf = (
  { around, level }: NonNullable<ReferenceMetric["quantile"]>,
  identities: ReadonlyArray<ReadonlyArray<number>>
): { readonly values: ReadonlyArray<number>; readonly units: ReadonlyArray<ReadonlyArray<number>> } => {
  const sorted = identities.flat().toSorted((a, b) => a - b)
  const at = (u: number) => sorted[u < 1 ? Math.floor(u * sorted.length) : sorted.length - 1]!
  const limit = at(level) + 1e-12 * Math.abs(at(level))
  return {
    values: sorted.length === 0 ? [] : around.map(at),
    units: identities.map((values) => [values.filter((value) => value <= limit).length, values.length])
  }
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
  const asOf = experiment.asOf ?? experiment.to + 1
  const { only = () => true, until = Infinity } = experiment
  const first = experiment.from - Math.max(0, ...metrics.map(({ lookback = 0 }) => lookback))
  const last = Math.min(
    asOf,
    Math.max(
      ...[0, ...metrics.map(({ matures, window }) => matures ?? window?.to ?? 0)].map((to) => experiment.to + to)
    )
  )
  const here = rows.filter((row) =>
    row.environment === experiment.environment && row.timestamp >= first && row.timestamp < last
  )
  const isInside = ({ timestamp }: { readonly timestamp: number }) =>
    timestamp >= experiment.from && timestamp < experiment.to
  const exposures = here.filter((row) =>
    isInside(row) && row.event === experiment.exposureEvent && row.feature === experiment.feature
  )
  const wanted = new Set(metrics.flatMap((metric) => Object.values(sourcesOf(metric)).flat()).map(({ event }) => event))
  const sameRow = (row: EventRow) => [row.timestamp, row.value, ...(experiment.alsoSame?.(row) ?? [])]
  const key = (row: EventRow, i: number): string => {
    const same = experiment.deduplication === "none"
      ? [i]
      : experiment.deduplication === "id" && row.id !== ""
      ? [row.id]
      : sameRow(row)
    return JSON.stringify([row.identity, row.event, same.length, ...same])
  }
  const delivered = here.filter((row) => wanted.has(row.event) && row.event !== experiment.exposureEvent)
  const keys = new Map(delivered.map((row, i) => [row, key(row, i)]))
  const whole = (copies: ReadonlyArray<EventRow>): Delivered => ({
    identity: copies[0]!.identity,
    event: copies[0]!.event,
    timestamp: Math.min(...copies.map((row) => row.timestamp)),
    copies
  })
  const events = (experiment.deduplication === "none"
    ? delivered.map((row) => whole([row]))
    : [...groupBy(delivered, (row) => keys.get(row)!).values()].map(whole)).filter(({ timestamp }) => timestamp < until)

  const declared = (row: EventRow) => experiment.variants.includes(row.value)
  const arms = new Map<
    string,
    { readonly variant: string; readonly since: number; readonly firsts: ReadonlyArray<EventRow> }
  >()
  const undeclared: Record<string, number> = {}
  let quarantined = 0
  const quarantinedFrom = Object.fromEntries(experiment.variants.map((variant) => [variant, 0]))
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
      if (valid[0]!.timestamp < until) {
        quarantined += 1
        quarantinedFrom[valid[0]!.value]! += 1
      }
    } else {
      const since = valid[0]!.timestamp
      const firsts = valid.filter((row) => row.timestamp === since && row.value === valid[0]!.value)
      if (since < until && only(firsts)) arms.set(identity, { variant: valid[0]!.value, since, firsts })
    }
  }
  const ofIdentity = groupBy(events, (event) => event.identity)
  const units: Record<string, ReferenceResult["units"][string]> = {}
  const unusable: Record<string, number> = {}
  const caps: Record<string, ReferenceCap> = {}
  const quantiles: Record<string, ReferenceResult["quantiles"][string]> = {}
  const reported: Record<string, Record<string, Array<ReadonlyArray<ReadonlyArray<number>>>>> = {}
  for (const metric of metrics) {
    const empty = <A>(): Record<string, Array<A>> =>
      Object.fromEntries(experiment.variants.map((variant) => [variant, []]))
    const byVariant = empty<ReadonlyArray<number>>()
    const beside = empty<ReadonlyArray<ReadonlyArray<number>>>()
    const { lookback, trait, unit, window = { from: 0, to: null } } = metric
    let bad = 0
    let columns = 0
    for (const [identity, { firsts, since, variant }] of arms) {
      const read = (from: number, to: number) => {
        let unusable = 0
        const sources = Object.fromEntries(
          Object.entries(sourcesOf(metric)).map(([name, all]) => [
            name,
            all.map((source) => {
              const own = (ofIdentity.get(identity) ?? []).filter(({ copies, event, timestamp }) =>
                event === source.event && timestamp >= from && timestamp < to &&
                (source.matches === undefined || copies.some(source.matches))
              )
              const read = own.flatMap((event) => eventsOf(source, event, since))
              unusable += own.length - read.length
              return read
            })
          ])
        )
        return { sources, unusable, first: Object.values(sources)[0]![0]! }
      }
      // Without a window of its own a metric ends with the experiment, or where the windows within it do.
      const end = window.to === null ? Math.max(experiment.to, since + (metric.matures ?? 0)) : since + window.to
      const after = read(since + window.from, end)
      bad += after.unusable
      const matures = metric.matures ?? window.to
      const now = Math.min(asOf, until)
      if (matures === null ? since + window.from >= Math.min(experiment.to, until) : since + matures > now) continue
      const before = lookback === undefined ? undefined : read(since - lookback, since)
      const known = trait === undefined ? undefined : firsts.flatMap((row) => {
        const number = usableNumber(trait(row) ?? "")
        return number === undefined ? [] : [number]
      })
      const own = unit(after.first, after.sources)
      columns = own.length
      byVariant[variant]!.push([
        ...own,
        ...(before === undefined ? [] : (metric.before ?? unit)(before.first, before.sources)),
        ...(known === undefined ? [] : known.length === 0 ? [0, 0] : [Math.min(...known), 1])
      ])
      beside[variant]!.push(metric.reported?.(after.first, after.sources) ?? [])
    }
    const { units: capped = byVariant, ...cap } = underCap(metric, columns, byVariant) ?? {}
    const { quantile } = metric
    if (quantile === undefined) units[metric.key] = capped
    else {
      const all = Object.entries(byVariant).map(([variant, values]) => [variant, quantileOf(quantile, values)] as const)
      units[metric.key] = Object.fromEntries(all.map(([variant, one]) => [variant, one.units]))
      quantiles[metric.key] = Object.fromEntries(all.map(([variant, one]) => [variant, one.values]))
    }
    if ("value" in cap) caps[metric.key] = cap
    reported[metric.key] = beside
    unusable[metric.key] = bad
  }
  const both = (counts: (one: { readonly identity: string; readonly timestamp: number }) => boolean) => ({
    rows: delivered.filter((row) => isInside(row) && counts(row)).length,
    events: events.filter((event) => isInside(event) && counts(event)).length
  })
  const isExposed = ({ identity }: { readonly identity: string }) => exposed.has(identity)
  const exposedEvents = events.filter((event) => isInside(event) && isExposed(event))
  return {
    units,
    caps,
    quantiles,
    reported,
    unusable,
    identities: Object.fromEntries(
      experiment.variants.map((variant) => [
        variant,
        [...arms.values()].filter((arm) => arm.variant === variant).length
      ])
    ),
    quarantined,
    quarantinedFrom,
    undeclaredIdentities,
    undeclaredExposed: [...exposed.values()].filter((seen) => !seen.every(declared)).length,
    undeclared,
    namelessExposures: exposures.filter((row) => row.identity === "").length,
    namelessEvents: both(({ identity }) => identity === ""),
    earlyEvents: both(({ identity, timestamp }) => timestamp < (arms.get(identity)?.since ?? -Infinity)),
    repeatedEvents: exposedEvents.reduce((total, { copies }) => total + copies.length - 1, 0),
    latestEvent: exposedEvents.length === 0 ? undefined : Math.max(...exposedEvents.map((event) => event.timestamp))
  }
}
