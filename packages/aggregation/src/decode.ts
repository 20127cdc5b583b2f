/** From rows to aggregates: every column by its name, every number checked. */
import { DecodeError, Moments, recordOf } from "@assay/model"
import { Result } from "effect"
import { cell, count, real, reals, type Row, Unexpected } from "./cells.ts"
import { type Completed, completed } from "./completed.ts"
import { type FoundConstant, valuesOf } from "./Constants.ts"
import { apartPart, groupPart, otherCode, type PlannedBreakdown, pointEnds, slicePart, wholePart } from "./Parts.ts"
import { type Measure, measures, type Plan, type PlannedQuantile } from "./Plan.ts"
import { constantColumns } from "./statement/constants.ts"
import { rankedArms } from "./statement/exposures.ts"
import { placements } from "./statement/placed.ts"
import { isSharded } from "./statement/table.ts"
import { ages } from "./statement/timeline.ts"

/** Identities and moments of a part of the identities, or up to a moment. */
export interface Partial {
  /** Identities per arm, every declared variant included. */
  readonly identities: Readonly<Record<string, number>>
  /** Moments per metric, in the order of the plan, and arm. */
  readonly moments: ReadonlyArray<Readonly<Record<string, Moments.Moments>>>
}

/** The identities in arms with one value of a breakdown; `value` is null for those without the trait, and for all `other` values. */
export interface SliceAggregates extends Partial {
  readonly value: string | null
  readonly other: boolean
}

/** What had come about by the end of a period, `until` (exclusive). */
export interface PointAggregates extends Pick<Partial, "identities"> {
  readonly until: number
  readonly quarantined: number
  /** As of a part; undefined for a metric whose spread can't be told at that time, since its values are large against it. */
  readonly moments: ReadonlyArray<Partial["moments"][number] | undefined>
}

/** A cap by its value, how many identities of each arm are above it, and the moments without it. */
export interface CapAggregates {
  readonly value: number
  readonly capped: Readonly<Record<string, number>>
  readonly uncapped: Readonly<Record<string, Moments.Moments>>
}

/** What the statement of a plan says, per arm and over all. Counts are of identities or of rows, as named. */
export interface Aggregates {
  /** Identities per arm, every declared variant included. */
  readonly identities: Readonly<Record<string, number>>
  /** Moments per metric, in the order of the plan, and arm; `n` counts the identities old enough for the metric. */
  readonly moments: ReadonlyArray<Readonly<Record<string, Moments.Moments>>>
  /** Per metric what it reports beside its value, in the order of the plan: moments by arm. */
  readonly reported: ReadonlyArray<ReadonlyArray<Readonly<Record<string, Moments.Moments>>>>
  /** Per metric what its cap did; undefined where it has none. */
  readonly caps: ReadonlyArray<CapAggregates | undefined>
  /** Per metric that is a quantile, by arm: its values at the levels around it, in the order of the plan; none where the arm has no values. */
  readonly quantiles: ReadonlyArray<Readonly<Record<string, ReadonlyArray<number>>> | undefined>
  /** Per metric and arm: identities whose window isn't over yet, so that they are left out of the metric. */
  readonly immature: ReadonlyArray<Readonly<Record<string, number>>>
  /** Identities seen in more than one variant and therefore in no arm. */
  readonly quarantined: number
  /** The same by the variant that they were seen in first. */
  readonly quarantinedFrom: Readonly<Record<string, number>>
  /** Identities that were seen in undeclared variants only. */
  readonly undeclaredIdentities: number
  /** Identities that were seen in undeclared variants (the empty one included), in declared ones as well or not. */
  readonly undeclaredExposed: number
  /** Exposures and metric events (rows) whose identity is empty. */
  readonly namelessExposures: number
  readonly namelessEvents: number
  /** Metric events of identities in an arm that came before their first exposure. */
  readonly earlyEvents: number
  /** Rows that repeated another one and fell out; undefined where repeated rows weren't looked for. */
  readonly repeatedEvents: number | undefined
  /** Per metric: events that would count but carry no usable number. */
  readonly unusableValues: ReadonlyArray<number>
  /** The newest metric event of an exposed identity, in milliseconds since 1970-01-01 UTC. */
  readonly latestEvent: number | undefined
  /** Per breakdown of the plan: its slices that hold any identity, the largest first, then those without the trait and the others. */
  readonly slices: ReadonlyArray<ReadonlyArray<SliceAggregates>>
  /** A point for each period of the plan's series; the last one is the whole. */
  readonly points: ReadonlyArray<PointAggregates>
}

/** An answer that can't be used, as an error. */
export const unusable = (plan: Plan, error: Unexpected): DecodeError =>
  new DecodeError({
    message: `The answer for experiment ${plan.experiment.key} can't be used: ${error.message}`,
    hint: "If a metric multiplies or divides values, its numbers may be too large; " +
      "else report it with the statement that `assay explain` shows"
  })

type RowsOfArm = (arm: string) => ReadonlyArray<Row>

/** The moments of the first measures of a plan (those of its metrics, or all), by arm. */
const momentsByArm = (
  plan: Plan,
  some: ReadonlyArray<Measure>,
  momentsOf: Completed["momentsOf"],
  ofArm: RowsOfArm
): ReadonlyArray<Readonly<Record<string, Moments.Moments>>> => {
  const rows = recordOf(plan.arms, ofArm)
  return some.map(({ columns }, m) =>
    recordOf(plan.arms, (arm) => Moments.mergeAll(columns.length, rows[arm]!.map((row) => momentsOf(row, m))))
  )
}

const withoutLast = ({ comoments, n, products, sums }: Moments.Moments): Moments.Moments => ({
  n,
  sums: sums.slice(0, -1),
  products: products.slice(0, -1).map((line) => line.slice(0, -1)),
  comoments: comoments.slice(0, -1).map((line) => line.slice(0, -1))
})

/** What the caps of a plan's metrics did, from the moments of its last measures. */
const capsOf = (
  plan: Plan,
  last: ReadonlyArray<Readonly<Record<string, Moments.Moments>>>
): ReadonlyArray<CapAggregates | undefined> => {
  let used = 0
  return plan.metrics.map(({ cap }) => {
    if (cap === undefined) return undefined
    if (cap.limit.kind !== "constant") throw new RangeError("The plan has a cap that wasn't found yet")
    const byArm = last[used++]!
    const ofArms = <A>(of: (moments: Moments.Moments) => A) => recordOf(plan.arms, (arm) => of(byArm[arm]!))
    return {
      value: Math.max(0, cap.limit.value),
      capped: ofArms(({ sums }) => sums.at(-1)!),
      uncapped: ofArms(withoutLast)
    }
  })
}

/** The quantiles that a plan's constants have found, by arm. */
const quantilesOf = (plan: Plan, { values }: PlannedQuantile): Readonly<Record<string, ReadonlyArray<number>>> => {
  if (values === undefined) throw new RangeError("The plan has a quantile that wasn't found yet")
  return Object.fromEntries(plan.arms.map((arm, a) => [arm, values[a]!]))
}

const sum = (rows: ReadonlyArray<Row>, column: string): number =>
  rows.reduce((total, row) => total + count(row, column), 0)

/** The rows of the answer by what they speak of. */
interface Sorted {
  readonly at: (placement: (typeof placements)[number], part: number) => ReadonlyArray<Row>
  readonly ofArm: (part: number) => RowsOfArm
  /** The rows that count events: each event is in one of them. */
  readonly counting: ReadonlyArray<Row>
}

const placementOf = (row: Row) => placements[count(row, "place")]

const sort = (plan: Plan, { rows }: Completed, several: boolean): Sorted => {
  const ranks = rankedArms(plan)
  const byPart = Map.groupBy(rows, (row) => count(row, "part"))
  const arms = new Map<string, Map<number, Array<Row>>>(plan.arms.map((arm) => [arm, new Map()]))
  for (const row of rows) {
    if (placementOf(row) !== "arm") continue
    const arm = ranks[count(row, "arm")]
    const ofPart = arm === undefined ? undefined : arms.get(arm)
    const part = count(row, "part")
    const before = ofPart?.get(part)
    if (ofPart === undefined || (before !== undefined && !several)) {
      throw new Unexpected(`there is no such arm, or it is there twice: ${JSON.stringify(row["arm"])}`)
    }
    if (before === undefined) ofPart.set(part, [row])
    else before.push(row)
  }
  return {
    at: (placement, part) => (byPart.get(part) ?? []).filter((row) => placementOf(row) === placement),
    ofArm: (part) => (arm) => arms.get(arm)?.get(part) ?? [],
    counting: [...(byPart.get(wholePart) ?? []), ...(byPart.get(apartPart) ?? [])]
  }
}

const identitiesOf = (plan: Plan, ofArm: RowsOfArm): Readonly<Record<string, number>> =>
  recordOf(plan.arms, (arm) => sum(ofArm(arm), "n"))

const slicesOf = (plan: Plan, { ofArm }: Sorted, momentsOf: Completed["momentsOf"]): Aggregates["slices"] =>
  plan.breakdowns.map((breakdown, b) => {
    const counted = (code: number) => {
      const rows = ofArm(slicePart(b, code))
      const identities = identitiesOf(plan, rows)
      return { code, rows, identities, size: Object.values(identities).reduce((a, b) => a + b, 0) }
    }
    const named = breakdown.values.map((_, i) => counted(i + 1)).toSorted((a, b) => b.size - a.size)
    return [...named, counted(0), counted(otherCode(breakdown))].filter(({ size }) => size > 0).map((
      { code, identities, rows }
    ): SliceAggregates => ({
      value: breakdown.values[code - 1] ?? null,
      other: code === otherCode(breakdown),
      identities,
      moments: momentsByArm(plan, plan.metrics, momentsOf, rows)
    }))
  })

/** So many digits of a sum of squares may go into the mean before nothing of the spread is left. */
const leastSpread = 1e-9

/** Moments from sums and products alone; undefined where these have too few digits to tell the spread. */
const fromRaw = (
  n: number,
  sums: ReadonlyArray<number>,
  products: ReadonlyArray<ReadonlyArray<number>>
): Moments.Moments | undefined => {
  const comoments = products.map((line, i) =>
    line.map((product, j) => (n === 0 ? 0 : product - (sums[i]! / n) * sums[j]!))
  )
  const isLost = (i: number) => {
    const spread = comoments[i]![i]!
    return spread !== 0 && spread < leastSpread * products[i]![i]!
  }
  return sums.some((_, i) => isLost(i)) ? undefined : { n, sums, products, comoments }
}

const running = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
  let total = 0
  return values.map((value) => (total += value))
}

/** One metric's moments in one arm at the end of each period, from what the periods added. */
const momentsOverTime = (
  plan: Plan,
  m: number,
  arm: string,
  { ofArm }: Sorted,
  momentsOf: Completed["momentsOf"],
  points: number
): ReadonlyArray<Moments.Moments | undefined> => {
  const metric = plan.metrics[m]!
  const first = groupPart(ages(plan).indexOf(metric.age))
  const added = Array.from({ length: points }, (_, p) => ofArm(first + p)(arm).map((row) => momentsOf(row, m)))
  const over = (value: (moments: Moments.Moments) => number) =>
    running(added.map((all) => all.reduce((total, moments) => total + value(moments), 0)))
  const n = over((moments) => moments.n)
  const sums = metric.columns.map((_, i) => over((moments) => moments.sums[i]!))
  const products = metric.columns.map((_, i) => metric.columns.map((_, j) => over((one) => one.products[i]![j]!)))
  return n.map((count, p) => fromRaw(count, sums.map((s) => s[p]!), products.map((line) => line.map((s) => s[p]!))))
}

const pointsOf = (
  plan: Plan,
  sorted: Sorted,
  momentsOf: Completed["momentsOf"],
  whole: Partial
): Aggregates["points"] => {
  if (plan.series === undefined) return []
  const ends = pointEnds(plan, plan.series)
  const first = groupPart(0)
  const entered = plan.arms.map((arm) => running(ends.map((_, p) => sum(sorted.ofArm(first + p)(arm), "n"))))
  const quarantined = running(ends.map((_, p) => sum(sorted.at("quarantined", first + p), "n")))
  const moments = plan.metrics.map((_, m) =>
    plan.arms.map((arm) => momentsOverTime(plan, m, arm, sorted, momentsOf, ends.length))
  )
  return ends.map((until, p) => ({
    until,
    quarantined: quarantined[p]!,
    identities: Object.fromEntries(plan.arms.map((arm, a) => [arm, entered[a]![p]!])),
    moments: p === ends.length - 1 ? whole.moments : moments.map((ofArms) => {
      const all = ofArms.flatMap((overTime, a) => {
        const at = overTime[p]
        return at === undefined ? [] : [[plan.arms[a]!, at] as const]
      })
      return all.length < plan.arms.length ? undefined : Object.fromEntries(all)
    })
  }))
}

/**
 * The aggregates in the rows of a plan's statement, or of `several` that make the whole (of shards, or of {@link chunked} plans). An arm
 * without a row has no identity. Fails with a DecodeError where a column is missing, a count isn't exact, or a number isn't finite.
 */
export const decodeAggregates = (
  plan: Plan,
  rows: ReadonlyArray<Row>,
  several: boolean = isSharded(plan)
): Result.Result<Aggregates, DecodeError> => decodeCompleted(plan, () => completed(plan, rows, several), several)

/** The same for rows of all identities, which `complete` may throw {@link Unexpected} about. */
export const decodeCompleted = (
  plan: Plan,
  complete: () => Completed,
  several: boolean
): Result.Result<Aggregates, DecodeError> => {
  try {
    const whole = complete()
    const sorted = sort(plan, whole, several)
    const { at, counting, ofArm } = sorted
    const isNamed = (row: Row) => placementOf(row) !== "nameless"
    const inArms = counting.filter((row) => placementOf(row) === "arm")
    const latest = Math.max(0, ...counting.filter(isNamed).map((row) => count(row, "latest_event")))
    const identities = identitiesOf(plan, ofArm(wholePart))
    const all = momentsByArm(plan, measures(plan), whole.momentsOf, ofArm(wholePart))
    const moments = all.slice(0, plan.metrics.length)
    const reports = plan.metrics.reduce((total, { reported }) => total + reported.length, 0)
    return Result.succeed({
      identities,
      moments,
      reported: plan.metrics.map((_, m) => {
        const before = plan.metrics.slice(0, m).reduce((total, { reported }) => total + reported.length, 0)
        const at = plan.metrics.length + before
        return all.slice(at, at + plan.metrics[m]!.reported.length)
      }),
      caps: capsOf(plan, all.slice(moments.length + reports)),
      quantiles: plan.metrics.map(({ quantile }) => quantile && quantilesOf(plan, quantile)),
      immature: plan.metrics.map((_, m) => recordOf(plan.arms, (arm) => identities[arm]! - moments[m]![arm]!.n)),
      quarantined: sum(at("quarantined", wholePart), "n"),
      quarantinedFrom: Object.fromEntries(
        plan.arms.map((arm) => [
          arm,
          sum(at("quarantined", wholePart).filter((row) => rankedArms(plan)[count(row, "arm")] === arm), "n")
        ])
      ),
      undeclaredIdentities: sum(at("undeclared", wholePart), "n"),
      undeclaredExposed: sum(placements.flatMap((place) => at(place, wholePart)).filter(isNamed), "undeclared"),
      namelessExposures: sum(at("nameless", wholePart), "nameless_exposures"),
      namelessEvents: sum(counting.filter((row) => !isNamed(row)), "early_events"),
      earlyEvents: sum(inArms, "early_events"),
      repeatedEvents: plan.deduplication.policy === "none"
        ? undefined
        : sum(counting.filter(isNamed), "repeated_events"),
      unusableValues: plan.metrics.map(({ streams }) =>
        streams.reduce(
          (total, stream) => total + (plan.streams[stream]!.reads === "nothing" ? 0 : sum(inArms, `unusable${stream}`)),
          0
        )
      ),
      latestEvent: latest === 0 ? undefined : plan.reads.from + latest - 1,
      slices: slicesOf(plan, sorted, whole.momentsOf),
      points: pointsOf(plan, sorted, whole.momentsOf, { identities, moments })
    })
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error
    return Result.fail(unusable(plan, error))
  }
}

/**
 * The values of a plan's breakdowns in the rows of its `compileSliceValues` statement, most identities first. Fails as
 * {@link decodeAggregates} does.
 */
export const decodeSliceValues = (
  plan: Plan,
  rows: ReadonlyArray<Row>
): Result.Result<ReadonlyArray<Pick<PlannedBreakdown, "values" | "distinct">>, DecodeError> => {
  try {
    const byBreakdown = Map.groupBy(rows, (row) => count(row, "breakdown"))
    return Result.succeed(plan.breakdowns.map((_, b) => {
      const own = byBreakdown.get(b) ?? []
      return {
        values: own.map((row) => String(cell(row, "value"))),
        distinct: own.length === 0 ? 0 : count(own[0]!, "different")
      }
    }))
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error
    return Result.fail(unusable(plan, error))
  }
}

/** The constants of a plan in the row of its `compileConstants` statement. Fails as {@link decodeAggregates} does. */
export const decodeConstants = (
  plan: Plan,
  rows: ReadonlyArray<Row>
): Result.Result<ReadonlyArray<FoundConstant>, DecodeError> => {
  try {
    const [row] = rows
    if (row === undefined) throw new Unexpected("there is no row")
    return Result.succeed(
      plan.constants.map((constant, c) =>
        Array.from({ length: valuesOf(plan, constant) }, (_, arm) => {
          const columns = constantColumns(c, arm)
          const n = count(row, columns.count)
          if (n === 0) return { n, value: undefined }
          if (constant.around === undefined) return { n, value: real(row, columns.value) }
          const around = reals(row, columns.value, constant.around.length)
          return { n, value: around[constant.around.indexOf(constant.level)], around }
        })
      )
    )
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error
    return Result.fail(unusable(plan, error))
  }
}

/** Undeclared variants by name, with the identities seen in each, most first; `variants` counts unlisted ones, too. */
export interface UndeclaredVariants {
  readonly variants: number
  readonly listed: ReadonlyArray<{ readonly variant: string; readonly identities: number }>
}

/** What the rows of a plan's `compileUndeclared` statement say. Fails as {@link decodeAggregates} does. */
export const decodeUndeclared = (
  plan: Plan,
  rows: ReadonlyArray<Row>
): Result.Result<UndeclaredVariants, DecodeError> => {
  try {
    return Result.succeed({
      variants: rows.length === 0 ? 0 : count(rows[0]!, "variants"),
      listed: rows.map((row) => ({ variant: String(cell(row, "variant")), identities: count(row, "identities") }))
    })
  } catch (error) {
    if (!(error instanceof Unexpected)) throw error
    return Result.fail(unusable(plan, error))
  }
}
