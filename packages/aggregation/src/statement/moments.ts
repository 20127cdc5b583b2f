/** Moments: sums over identities, a row per arm. */
import { type Fragment, join, parameter, sql, word } from "@assay/sql"
import { accumulatorIndex, type Plan } from "../Plan.ts"
import type { UnitColumn } from "../Unit.ts"
import { badEvents, badEventsOf, chunkOf, isBadEventOf } from "./bad-events.ts"
import { eventColumns, numbered } from "./events.ts"
import { never } from "./exposures.ts"

/** A unit column over the identity's accumulators, as Float64. */
const unitValue = (plan: Plan, stream: number, column: UnitColumn): Fragment => {
  switch (column.kind) {
    case "accumulator":
      return sql`toFloat64(${numbered("a", accumulatorIndex(plan, stream, column.accumulator))})`
    case "constant":
      return parameter("Float64", String(column.value))
    default: {
      const left = unitValue(plan, stream, column.left)
      const right = unitValue(plan, stream, column.right)
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
      }
    }
  }
}

/** Names of the columns that carry a metric's moments. */
export const momentColumns = (metric: number, i: number, j: number) => ({
  sum: `s${metric}_${i}`,
  product: `p${metric}_${i}_${j}`,
  comoment: `c${metric}_${i}_${j}`
})

/** Where an identity stands: in an arm, in several (quarantined), without a name, or in none that was declared. */
export const placements = ["arm", "quarantined", "nameless", "undeclared"] as const

export const moments = (plan: Plan, unit: Fragment): Fragment => {
  const quarantines = (plan.experiment.multiple_variants ?? "quarantine") === "quarantine"
  const place = sql`multiIf(exposure > ${never}, 2, exposure = ${never}, 3, ${
    quarantines ? sql`bitTest(exposure, 0)` : sql`0`
  }, 1, 0)`
  const unitColumns = plan.metrics.flatMap((metric, m) =>
    metric.columns.map((column, i) => sql`${unitValue(plan, metric.stream, column)} AS ${word(`u${m}_${i}`)}`)
  )
  const sums = plan.metrics.flatMap((metric, m) =>
    metric.columns.flatMap((_, i) => [
      sql`sumKahan(${word(`u${m}_${i}`)}) AS ${word(momentColumns(m, i, i).sum)}`,
      ...metric.columns.slice(i).flatMap((_, step) => {
        const j = i + step
        const names = momentColumns(m, i, j)
        const [x, y] = [word(`u${m}_${i}`), word(`u${m}_${j}`)]
        return [
          sql`sumKahan(${x} * ${y}) AS ${word(names.product)}`,
          sql`${i === j ? sql`varPopStable(${x})` : sql`covarPopStable(${x}, ${y})`} * count() AS ${
            word(names.comoment)
          }`
        ]
      })
    ])
  )
  const columns = eventColumns(plan)
  const unusable = columns.streams.flatMap(({ condition, value }, stream) =>
    value === undefined ? [] : [
      sql`sum(arrayCount(event -> ${isBadEventOf(columns, stream, word("event"))}, ${
        badEventsOf(value, chunkOf(condition)).name
      })) AS ${word(`unusable${stream}`)}`
    ]
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
      ...unitColumns
    ])
  }
  FROM (
    ${unit}
  )
)
GROUP BY place, arm`
}
