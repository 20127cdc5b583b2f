/** Moments: sums over identities, a row per arm. */
import { type Fragment, integer, join, parameter, sql, word } from "@assay/sql"
import { type Measure, measures, type Plan, type PlannedColumn } from "../Plan.ts"
import { badEvents, badEventsOf, isBadEventOf } from "./bad-events.ts"
import { eventColumns, numbered } from "./events.ts"
import { never, since } from "./exposures.ts"
import { offsetOf } from "./table.ts"
import { trait } from "./units.ts"

/** A unit column over the identity's accumulators and traits, as Float64. */
const unitValue = (column: PlannedColumn): Fragment => {
  switch (column.kind) {
    case "planned":
      return sql`toFloat64(${numbered("a", column.index)})`
    case "trait":
      return sql`if(isNaN(${trait(column.index)}), toFloat64(0), ${trait(column.index)})`
    case "hasTrait":
      return sql`toFloat64(NOT isNaN(${trait(column.index)}))`
    case "constant":
      return parameter("Float64", String(column.value))
    default: {
      const left = unitValue(column.left)
      const right = unitValue(column.right)
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

/** The moments of one measure over unit values `u…`, of the identities that are old enough. */
const momentsOf = (measure: Measure, m: number, ripe: ReadonlyArray<number>): ReadonlyArray<Fragment> => {
  const { ripeUntil } = measure
  const flag = ripeUntil === undefined ? undefined : numbered("ripe", ripe.indexOf(ripeUntil))
  const sumOf = (x: Fragment) => flag === undefined ? sql`sumKahan(${x})` : sql`sumKahanIf(${x}, ${flag})`
  const comoment = (x: Fragment, y: Fragment, same: boolean) =>
    flag === undefined
      ? sql`${same ? sql`varPopStable(${x})` : sql`covarPopStable(${x}, ${y})`} * count()`
      : sql`if(countIf(${flag}) = 0, 0, ${
        same ? sql`varPopStableIf(${x}, ${flag})` : sql`covarPopStableIf(${x}, ${y}, ${flag})`
      } * countIf(${flag}))`
  return measure.columns.flatMap((_, i) => [
    sql`${sumOf(word(`u${m}_${i}`))} AS ${word(momentColumns(m, i, i).sum)}`,
    ...measure.columns.slice(i).flatMap((_, step) => {
      const j = i + step
      const names = momentColumns(m, i, j)
      const [x, y] = [word(`u${m}_${i}`), word(`u${m}_${j}`)]
      return [
        sql`${sumOf(sql`${x} * ${y}`)} AS ${word(names.product)}`,
        sql`${comoment(x, y, i === j)} AS ${word(names.comoment)}`
      ]
    })
  ])
}

/** Where an identity stands: in an arm, in several (quarantined), without a name, or in none that was declared. */
export const placements = ["arm", "quarantined", "nameless", "undeclared"] as const

export const moments = (plan: Plan, unit: Fragment): Fragment => {
  const quarantines = (plan.experiment.multiple_variants ?? "quarantine") === "quarantine"
  const place = sql`multiIf(exposure > ${never}, 2, exposure = ${never}, 3, ${
    quarantines ? sql`bitTest(exposure, 0)` : sql`0`
  }, 1, 0)`
  const all = measures(plan)
  const ripe = ripeTimes(all)
  const unitColumns = all.flatMap(({ columns }, m) =>
    columns.map((column, i) => sql`${unitValue(column)} AS ${word(`u${m}_${i}`)}`)
  )
  const sums = all.flatMap((measure, m) => momentsOf(measure, m, ripe))
  const columns = eventColumns(plan)
  const unusable = columns.streams.flatMap((stream, i) =>
    badEventsOf(stream).map(({ name }) =>
      sql`sum(arrayCount(event -> ${isBadEventOf(columns, i, word("event"))}, ${name})) AS ${word(`unusable${i}`)}`
    )
  )
  const outer = join(
    [
      sql`place`,
      sql`arm`,
      sql`count() AS n`,
      sql`sum(early) AS early_events`,
      sql`max(latest) AS latest_event`,
      ...(plan.deduplication.policy === "none" ? [] : [sql`sum(repeated) AS repeated_events`]),
      sql`sum(if(place = 2, exposure - ${never} - 1, 0)) AS nameless_exposures`,
      sql`countIf(place = 3 OR (place < 2 AND bitTest(exposure, 1))) AS undeclared`,
      ...ripe.map((_, i) => sql`countIf(${numbered("ripe", i)}) AS ${numbered("n", i)}`),
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
      sql`toUInt8(${place}) AS place`,
      sql`toUInt8(if(place = 0, bitAnd(bitShiftRight(exposure, 2), 63), 0)) AS arm`,
      sql`early`,
      sql`latest`,
      ...(plan.deduplication.policy === "none" ? [] : [sql`repeated`]),
      sql`exposure`,
      ...badEvents(columns).map(({ name }) => name),
      ...ripe.map((time, i) =>
        sql`${since(sql`exposure`)} <= ${integer(Math.max(0, offsetOf(plan, time)))} AS ${numbered("ripe", i)}`
      ),
      ...unitColumns
    ])
  }
  FROM (
    ${unit}
  )
)
GROUP BY place, arm`
}
