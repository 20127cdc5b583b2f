/**
 * Timeline: the periods of a series.
 *
 * Moments of a moment are sums over identities of u and u², so those of all moments come from one pass over what each period
 * changed: Σ (u_d − u_{d−1}) and Σ (u_d² − u_{d−1}²) telescope. An identity counts from the period of its first exposure, with the
 * value of an identity without events, also where its first event comes later.
 */
import { type Fragment, integer, sql, word } from "@assay/sql"
import { gridOf, groupPart, pointEnds } from "../Parts.ts"
import { measures, type Plan } from "../Plan.ts"
import { since } from "./exposures.ts"
import { offsetOf } from "./table.ts"

/** The period that a time since the start of the read lies in; the last one for whatever comes later. */
export const pointAt = (plan: Plan, at: Fragment): Fragment => {
  const { length, origin } = gridOf(plan, plan.series!)
  const last = pointEnds(plan, plan.series!).length - 1
  return sql`toUInt32(least(intDiv(toInt64(${at}) + ${integer(-offsetOf(plan, origin))}, ${integer(length)}), ${
    integer(last)
  }))`
}

/** The ages at which identities enter the measures of a plan, in milliseconds after the first exposure; 0 comes first. */
export const ages = (plan: Plan): ReadonlyArray<number> => [
  ...new Set([0, ...measures(plan).map(({ age }) => age)])
]

/** The parts of the series in which an identity that was exposed in the period `point` enters: one for each age at which identities enter measures. */
export const seriesPartsOf = (plan: Plan): ReadonlyArray<Fragment> =>
  ages(plan).map((age, group) =>
    sql`toUInt32(${integer(groupPart(group))} + ${
      age === 0
        ? word("point")
        : sql`greatest(point, ${pointAt(plan, sql`${since(sql`exposure`)} + ${integer(age - 1)}`)})`
    })`
  )
