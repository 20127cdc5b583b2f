/** Moments: sums over identities, a row per arm. */
import { type Fragment, integer, join, parameter, sql, word } from "@assay/sql"
import { seriesParts, slicePart, wholePart } from "../Parts.ts"
import { type Measure, measures, type Plan, type PlannedColumn } from "../Plan.ts"
import { badEvents, badEventsOf, isBadEventOf } from "./bad-events.ts"
import { eventColumns, numbered } from "./events.ts"
import { codeOf, never, quarantines, since } from "./exposures.ts"
import { offsetOf } from "./table.ts"
import { seriesPartsOf, timeline } from "./timeline.ts"
import { trait } from "./units.ts"

/** A unit column over the identity's accumulators (`a0…`, or those of another prefix) and traits, as Float64. */
export const unitValue = (column: PlannedColumn, prefix: "a" | "b"): Fragment => {
  switch (column.kind) {
    case "found":
      throw new RangeError("The plan has constants that weren't found yet: put them in with withConstants")
    case "ofArm":
      return sql`arrayElement(${parameter("Array(Float64)", column.values)}, arm + 1)`
    case "planned":
      return sql`toFloat64(${numbered(prefix, column.index)})`
    case "trait":
      return sql`if(isNaN(${trait(column.index)}), toFloat64(0), ${trait(column.index)})`
    case "hasTrait":
      return sql`toFloat64(NOT isNaN(${trait(column.index)}))`
    case "constant":
      return parameter("Float64", String(column.value))
    default: {
      const left = unitValue(column.left, prefix)
      const right = unitValue(column.right, prefix)
      switch (column.kind) {
        case "add":
          return sql`(${left} + ${right})`
        case "subtract":
          return sql`(${left} - ${right})`
        case "multiply":
          return sql`(${left} * ${right})`
        case "divide":
          return sql`if(${right} = 0, toFloat64(0), ${left} / ${right})`
        case "least":
          return sql`least(${left}, ${right})`
        case "greatest":
          return sql`greatest(${left}, ${right})`
        case "atLeast":
          return sql`toFloat64(${left} >= ${right})`
      }
    }
  }
}

/** Names of the columns that carry a measure's moments. */
export const momentColumns = (measure: number, i: number, j: number) => ({
  sum: `s${measure}_${i}`,
  product: `p${measure}_${i}_${j}`,
  comoment: `c${measure}_${i}_${j}`
})

/** The name of the column that counts the identities of a measure: those old enough, or all. */
export const countColumn = ({ ripeUntil }: Measure, ripe: ReadonlyArray<number>): string =>
  ripeUntil === undefined ? "n" : `n${ripe.indexOf(ripeUntil)}`

/** The different times by which the identities of measures must have been exposed. */
export const ripeTimes = (all: ReadonlyArray<Measure>): ReadonlyArray<number> => [
  ...new Set(all.flatMap(({ ripeUntil }) => (ripeUntil === undefined ? [] : [ripeUntil])))
]

/**
 * The moments of one measure over unit values `u…`, of the identities that are old enough. In the parts of a series they are
 * those that a period adds: the values at its beginning, `w…`, are taken away, and there are no comoments.
 */
const momentsOf = (plan: Plan, measure: Measure, m: number, ripe: ReadonlyArray<number>): ReadonlyArray<Fragment> => {
  const { ripeUntil } = measure
  const flag = ripeUntil === undefined ? undefined : numbered("ripe", ripe.indexOf(ripeUntil))
  const central = plan.series === undefined ? flag : flag === undefined ? word("whole") : sql`whole AND ${flag}`
  const u = (i: number) => numbered(`u${m}_`, i)
  const w = (i: number) => numbered(`w${m}_`, i)
  const sumOf = (x: Fragment) => flag === undefined ? sql`sumKahan(${x})` : sql`sumKahanIf(${x}, ${flag})`
  const comoment = (x: Fragment, y: Fragment, same: boolean) =>
    central === undefined
      ? sql`${same ? sql`varPopStable(${x})` : sql`covarPopStable(${x}, ${y})`} * count()`
      : sql`if(countIf(${central}) = 0, 0, ${
        same ? sql`varPopStableIf(${x}, ${central})` : sql`covarPopStableIf(${x}, ${y}, ${central})`
      } * countIf(${central}))`
  return measure.columns.flatMap((_, i) => [
    sql`${sumOf(plan.series === undefined ? u(i) : sql`${u(i)} - ${w(i)}`)} AS ${word(momentColumns(m, i, i).sum)}`,
    ...measure.columns.slice(i).flatMap((_, step) => {
      const j = i + step
      const names = momentColumns(m, i, j)
      const product = sql`${u(i)} * ${u(j)}`
      return [
        sql`${sumOf(plan.series === undefined ? product : sql`${product} - ${w(i)} * ${w(j)}`)} AS ${
          word(names.product)
        }`,
        sql`${comoment(u(i), u(j), i === j)} AS ${word(names.comoment)}`
      ]
    })
  ])
}

/** Where an identity stands: in an arm, in several (quarantined), without a name, or in none that was declared. */
export const placements = ["arm", "quarantined", "nameless", "undeclared"] as const

/**
 * The parts that a row of the units belongs to; see Parts. Events are counted in the whole, or where there is a series in its
 * first group: a row of it is there for each period of an identity.
 */
const partsOf = (plan: Plan): Fragment => {
  const whole = sql`toUInt32(${integer(wholePart)})`
  const slices = plan.breakdowns.map((_, i) => sql`toUInt32(${integer(slicePart(i, 0))} + ${codeOf(i)})`)
  const closed = slices.length === 0 ? sql`[${whole}]` : sql`if(place = 0, [${join([whole, ...slices])}], [${whole}])`
  return plan.series === undefined
    ? closed
    : sql`arrayConcat(if(closing, ${closed}, CAST([], 'Array(UInt32)')), [${join(seriesPartsOf(plan))}])`
}

/** Where the identity of a row of the units stands, and in which arm, by its rank; one that is quarantined in that of its first exposure. */
export const placed = (plan: Plan): ReadonlyArray<Fragment> => {
  const place = sql`multiIf(exposure > ${never}, 2, exposure = ${never}, 3, ${
    quarantines(plan) ? sql`bitTest(exposure, 0)` : sql`0`
  }, 1, 0)`
  return [
    sql`toUInt8(${place}) AS place`,
    sql`toUInt8(if(place < 2, bitAnd(bitShiftRight(exposure, 2), 63), 0)) AS arm`
  ]
}

/** Whether the identity of a row of the units was exposed by a time (milliseconds since 1970-01-01 UTC). */
export const isRipe = (plan: Plan, time: number): Fragment =>
  sql`${since(sql`exposure`)} <= ${integer(Math.max(0, offsetOf(plan, time)))}`

/**
 * Moments and counts over identities: a row for each arm, each other place that identities may have, and each part of them.
 */
export const moments = (plan: Plan, unit: Fragment): Fragment => {
  const { series } = plan
  const all = measures(plan)
  const ripe = ripeTimes(all)
  const columnsOf = (name: "u" | "w", value: (column: PlannedColumn) => Fragment) =>
    all.flatMap(({ columns }, m) => columns.map((column, i) => sql`${value(column)} AS ${numbered(`${name}${m}_`, i)}`))
  const unitColumns = [
    ...columnsOf("u", (column) => unitValue(column, "a")),
    ...(series === undefined ? [] : [
      sql`part < ${integer(seriesParts)} AS whole`,
      ...columnsOf("w", (column) => sql`if(whole OR entering, 0, ${unitValue(column, "b")})`)
    ])
  ]
  const sums = all.flatMap((measure, m) => momentsOf(plan, measure, m, ripe))
  const columns = eventColumns(plan)
  const unusable = columns.streams.flatMap((stream, i) =>
    badEventsOf(stream).map(({ name }) =>
      sql`sum(arrayCount(event -> ${isBadEventOf(columns, i, word("event"))}, ${name})) AS ${word(`unusable${i}`)}`
    )
  )
  const counted = (condition: Fragment | undefined) => {
    const both = series === undefined
      ? condition
      : condition === undefined
      ? sql`whole OR entering`
      : sql`(whole OR entering) AND ${condition}`
    return both === undefined ? sql`count()` : sql`countIf(${both})`
  }
  const outer = join(
    [
      sql`place`,
      sql`arm`,
      sql`part`,
      sql`${counted(undefined)} AS n`,
      sql`sum(early) AS early_events`,
      sql`max(latest) AS latest_event`,
      ...(plan.deduplication.policy === "none" ? [] : [sql`sum(repeated) AS repeated_events`]),
      sql`sum(if(place = 2, exposure - ${never} - 1, 0)) AS nameless_exposures`,
      sql`countIf(place = 3 OR (place < 2 AND bitTest(exposure, 1))) AS undeclared`,
      ...ripe.map((_, i) => sql`${counted(numbered("ripe", i))} AS ${numbered("n", i)}`),
      ...unusable,
      ...sums
    ],
    sql`,
  `
  )
  return sql`SELECT ${outer}
FROM (
  SELECT ${
    join([
      ...placed(plan),
      sql`${
        series === undefined && plan.breakdowns.length === 0
          ? sql`toUInt32(${integer(wholePart)})`
          : sql`arrayJoin(${partsOf(plan)})`
      } AS part`,
      sql`early`,
      sql`latest`,
      ...(plan.deduplication.policy === "none" ? [] : [sql`repeated`]),
      sql`exposure`,
      ...(series === undefined ? [] : [word("entering")]),
      ...badEvents(columns).map(({ name }) => name),
      ...ripe.map((time, i) => sql`${isRipe(plan, time)} AS ${numbered("ripe", i)}`),
      ...unitColumns
    ])
  }
  FROM (
    ${series === undefined ? unit : timeline(plan, unit)}
  )
)
GROUP BY place, arm, part`
}
