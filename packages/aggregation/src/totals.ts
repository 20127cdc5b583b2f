/**
 * Totals: the answer of a state, carried on from one refresh to the next. Counts and moments are sums over units, so a batch changes them by
 * those of the units that it replaces, which are taken away, and by those of its own, which are added (`Stored.difference`).
 */
import { type DecodeError, Moments } from "@assay/model"
import { Result } from "effect"
import { count, type Row, Unexpected } from "./cells.ts"
import { unusable } from "./decode.ts"
import { measures, type Plan } from "./Plan.ts"
import { metricMomentsReader } from "./rowMoments.ts"
import { countColumn, momentColumns, ripeTimes } from "./statement/moments.ts"

/** The rows of an answer. */
export interface Totals {
  /** Of each row: how far off its sums of squares may be by having been carried on, against themselves. */
  readonly errors: ReadonlyArray<number>
  /** By when identities were exposed that are old enough for the measures, in the order of `ripeTimes`. */
  readonly ripe: ReadonlyArray<number>
  readonly rows: ReadonlyArray<Row>
}

/** What the columns of a plan's answer are, as text: totals can be carried on by plans of the same shape alone. */
export const shapeOf = (plan: Plan): string => {
  const all = measures(plan)
  return JSON.stringify(all.map((measure) => [measure.columns, countColumn(measure, ripeTimes(all))]))
}

/** Whether the same identities are old enough for a plan's measures as for those of totals of its shape, as long as no other ones come. */
export const isAsOld = (plan: Plan, { ripe }: Totals): boolean =>
  ripeTimes(measures(plan)).every((time, i) => time === ripe[i])

/**
 * Totals that may be further off than this are summed anew. By how much a mean is off isn't counted, which the sums about it show where it is large
 * against their spread: after 2000 refreshes of 1000 units they are still within this at a thousand times, and within 2e-10 at a million.
 */
const mostError = 1e-11

/** The keys of a row, the columns that count, and the moments of each measure. */
interface Parsed {
  readonly key: string
  readonly place: Readonly<Record<"place" | "arm" | "part", number>>
  readonly counts: Readonly<Record<string, number>>
  readonly latest: number
  readonly moments: ReadonlyArray<Moments.Moments>
}

/** A reader of the rows of a plan's answer. */
const parser = (plan: Plan): (row: Row) => Parsed => {
  const all = measures(plan)
  const ripe = ripeTimes(all)
  const counted = [
    "n",
    ...ripe.map((_, i) => `n${i}`),
    "early_events",
    ...(plan.deduplication.policy === "none" ? [] : ["repeated_events"]),
    "nameless_exposures",
    "undeclared",
    ...plan.streams.flatMap(({ reads }, s) => (reads === "nothing" ? [] : [`unusable${s}`]))
  ]
  const readers = all.map((measure, m) => metricMomentsReader(plan, measure, m, countColumn(measure, ripe)))
  return (row) => {
    const place = { place: count(row, "place"), arm: count(row, "arm"), part: count(row, "part") }
    return {
      key: Object.values(place).join(),
      place,
      counts: Object.fromEntries(counted.map((column) => [column, count(row, column)])),
      latest: count(row, "latest_event"),
      moments: readers.map((read) => read(row))
    }
  }
}

/** The columns of the `m`-th measure's moments, without their count. */
const momentCells = ({ comoments, products, sums }: Moments.Moments, m: number): Row =>
  Object.fromEntries(sums.flatMap((sum, i) => [
    [momentColumns(m, i, i).sum, sum],
    ...sums.slice(i).flatMap((_, step) => {
      const names = momentColumns(m, i, i + step)
      return [[names.product, products[i]![i + step]!], [names.comoment, comoments[i]![i + step]!]]
    })
  ]))

const print = ({ counts, latest, moments, place }: Parsed): Row => ({
  ...place,
  ...counts,
  latest_event: latest,
  ...Object.assign({}, ...moments.map(momentCells))
})

/** Nothing, in the place of a row. */
const nobody = ({ counts, key, moments, place }: Parsed): Parsed => ({
  key,
  place,
  counts: Object.fromEntries(Object.keys(counts).map((column) => [column, 0])),
  latest: 0,
  moments: moments.map(({ sums }) => Moments.empty(sums.length))
})

/**
 * How far off a sum may be against itself, made of others, the first of which may be off by `error`: each operation rounds, and what is taken
 * away leaves its error behind.
 */
const errorOf = (made: number, [before, ...others]: readonly [number, ...Array<number>], error: number): number => {
  const rest = others.reduce((a, b) => a + b, 0)
  return before + rest === 0 ? 0 : (error * before + 3 * Number.EPSILON * (before + rest)) / Math.max(0, made)
}

/** The largest {@link errorOf} sums of squares, and of those about the mean. */
const errorOfMoments = (
  made: Moments.Moments,
  parts: readonly [Moments.Moments, ...Array<Moments.Moments>],
  error: number
) =>
  Math.max(
    0,
    ...made.sums.flatMap((_, i) =>
      (["products", "comoments"] as const).map((name) => {
        const of = (moments: Moments.Moments) => moments[name][i]![i]!
        const [first, ...rest] = parts
        return errorOf(of(made), [of(first), ...rest.map(of)], error)
      })
    )
  )

interface Step {
  readonly row: Parsed
  readonly error: number
}

/** One row carried on; undefined where that can't be told. */
const step = (before: Parsed, gone: Parsed, added: Parsed, error: number): Step | undefined => {
  // Somebody who is gone had the newest event, and who has it now isn't known.
  if (gone.latest === before.latest && added.latest < gone.latest) return undefined
  const counts = Object.fromEntries(
    Object.entries(before.counts).map(([column, n]) => [column, n - gone.counts[column]! + added.counts[column]!])
  )
  if (Object.values(counts).some((n) => n < 0)) return undefined
  const moments = before.moments.map((all, m) =>
    Moments.merge(Moments.without(all, gone.moments[m]!), added.moments[m]!)
  )
  const errors = moments.map((made, m) =>
    errorOfMoments(made, [before.moments[m]!, gone.moments[m]!, added.moments[m]!], error)
  )
  // Nobody asks for the spread of identities that are in no arm.
  const most = before.place.place === 0 ? Math.max(0, ...errors) : 0
  return most > mostError
    ? undefined
    : { row: { ...before, counts, latest: Math.max(before.latest, added.latest), moments }, error: most }
}

const failed = (plan: Plan) => (error: unknown): DecodeError => {
  if (!(error instanceof Unexpected)) throw error
  return unusable(plan, error)
}

/** The totals that an answer over all units begins. Fails where it isn't an answer of the plan. */
export const beginTotals = (plan: Plan, rows: ReadonlyArray<Row>): Result.Result<Totals, DecodeError> =>
  Result.try({
    try: () => ({
      errors: rows.map(() => 0),
      ripe: ripeTimes(measures(plan)),
      rows: rows.map(parser(plan)).map(print)
    }),
    catch: failed(plan)
  })

/**
 * Totals carried on by the rows of a batch's `Stored.difference`; undefined where they have to be summed over all units: they may be
 * too far off, or the identity that had the newest event of its arm is in another one now. Counts stay exact. Fails where the rows aren't a
 * difference of the plan.
 */
export const carryTotals = (
  plan: Plan,
  { errors, rows }: Totals,
  difference: ReadonlyArray<Row>
): Result.Result<Totals | undefined, DecodeError> =>
  Result.try({
    try: () => {
      const parse = parser(plan)
      const byKey = (some: ReadonlyArray<Row>) => new Map(some.map(parse).map((row) => [row.key, row]))
      const sideOf = (side: number) => byKey(difference.filter((row) => count(row, "side") === side))
      const [before, gone, added] = [byKey(rows), sideOf(0), sideOf(1)]
      const errorOfRow = new Map([...before.keys()].map((key, i) => [key, errors[i] ?? 0]))
      const carried = [...new Map([...before, ...gone, ...added]).values()].map((any) => {
        const of = (side: ReadonlyMap<string, Parsed>) => side.get(any.key) ?? nobody(any)
        return step(of(before), of(gone), of(added), errorOfRow.get(any.key) ?? 0)
      })
      const made = carried.flatMap((one) => (one === undefined ? [] : [one]))
      const left = made.filter(({ row }) => row.counts["n"] !== 0)
      return made.length < carried.length ? undefined : {
        errors: left.map(({ error }) => error),
        ripe: ripeTimes(measures(plan)),
        rows: left.map(({ row }) => print(row))
      }
    },
    catch: failed(plan)
  })
