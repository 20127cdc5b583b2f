/** What a row of the units says of its identity: where it stands, whether it is old enough, and the values of its columns. */
import { type Fragment, parameter, sql, word } from "@assay/sql"
import type { Plan, PlannedColumn } from "../Plan.ts"
import { numbered } from "./events.ts"
import { never, quarantines, since } from "./exposures.ts"
import { each, offsetOf } from "./table.ts"

/** A trait of an identity's first exposure, NaN where it lacks it. */
export const trait = (i: number): Fragment => numbered("trait", i)

/** Where an identity stands: in an arm, in several (quarantined), without a name, or in none that was declared. */
export const placements = ["arm", "quarantined", "nameless", "undeclared"] as const

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

/** Later than any exposure. */
const unlimited = 2 ** 52

/**
 * Whether the identity of a packed exposure was exposed by a time (milliseconds since 1970-01-01 UTC; in a shared plan the place of it among
 * those of each experiment).
 */
export const isRipe = (plan: Plan, time: number, pack: Fragment = word("exposure")): Fragment => {
  const { sharers } = plan
  const until = (i: number) => (sharers === undefined ? time : sharers[i]!.ripe[time]!)
  const last = (millis: number | null) => (millis === null ? unlimited : Math.max(0, offsetOf(plan, millis)))
  return sql`${since(pack)} <= ${each(plan, (_, i) => last(until(i)))}`
}

/** A unit column over the identity's accumulators (`a0…`, or those of another prefix) and traits, as Float64. */
export const unitValue = (column: PlannedColumn, prefix: "a" | "b"): Fragment => {
  switch (column.kind) {
    case "found":
      throw new RangeError("The plan has constants that weren't found yet: put them in with withConstants")
    case "ofArm":
      return sql`arrayElement(${parameter("Array(Float64)", column.values)}, arm + 1)`
    case "planned":
      return sql`toFloat64(${numbered(prefix, column.index)})`
    case "size":
      return sql`toFloat64(length(${numbered(prefix, column.index)}))`
    case "atMost":
      return sql`toFloat64(arrayCount(value -> value <= ${unitValue(column.limit, prefix)}, ${
        numbered(prefix, column.index)
      }))`
    case "list":
      throw new RangeError("The plan takes moments of a list")
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
