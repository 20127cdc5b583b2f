/**
 * Timeline: the units of an identity period by period, and what each period added.
 *
 * Moments of a moment are sums over identities of u and u², so those of all moments come from one pass over what each period
 * changed: Σ (u_d − u_{d−1}) and Σ (u_d² − u_{d−1}²) telescope. An identity counts from the period of its first exposure, with the
 * value of an identity without events, also where its first event comes later.
 */
import { type Fragment, integer, join, sql, word } from "@assay/sql"
import { gridOf, groupPart, pointEnds } from "../Parts.ts"
import { measures, type Plan } from "../Plan.ts"
import { cumulate } from "./accumulate.ts"
import { badEvents } from "./bad-events.ts"
import { eventColumns, numbered } from "./events.ts"
import { since, slicePacks } from "./exposures.ts"
import { offsetOf } from "./table.ts"

/** The period that a time since the start of the read lies in; the last one for whatever comes later. */
export const pointAt = (plan: Plan, at: Fragment): Fragment => {
  const { length, origin } = gridOf(plan, plan.series!)
  const last = pointEnds(plan, plan.series!).length - 1
  return sql`toUInt32(least(intDiv(toInt64(${at}) + ${integer(-offsetOf(plan, origin))}, ${integer(length)}), ${
    integer(last)
  }))`
}

/** The period of a joined event: that in which it happened, or that of the first exposure where it happened before. */
export const periodOf = (plan: Plan, t: Fragment, pack: Fragment): Fragment =>
  pointAt(plan, sql`greatest(${t}, ${since(pack)})`)

/** The ages at which identities enter the measures of a plan, in milliseconds after the first exposure; 0 comes first. */
export const ages = (plan: Plan): ReadonlyArray<number> => [
  ...new Set([0, ...measures(plan).map(({ age }) => age)])
]

/**
 * The units of an identity with a row per period in which something happened, and one for that of its first exposure (`marker`
 * 1 where that is made up): accumulators up to the end of the period as `a0…`, up to its beginning as `b0…`, the period as
 * `point`; whether the identity enters (`entering`), and whether it is its last row (`closing`).
 */
export const timeline = (plan: Plan, unit: Fragment): Fragment => {
  const carried = [
    word("exposure"),
    ...plan.traits.map((_, i) => numbered("trait", i)),
    ...slicePacks(plan).map((_, i) => numbered("slices", i))
  ]
  const counts = [
    { name: word("early"), none: sql`toUInt64(0)` },
    { name: word("latest"), none: sql`0` },
    ...(plan.deduplication.policy === "none" ? [] : [{ name: word("repeated"), none: sql`toUInt64(0)` }]),
    ...badEvents(eventColumns(plan)).map(({ name }) => ({ name, none: sql`CAST([], 'Array(UInt64)')` }))
  ]
  const byPeriod = sql`PARTITION BY k ORDER BY p ROWS BETWEEN UNBOUNDED PRECEDING`
  const over = plan.accumulators.flatMap((accumulator, i) => {
    const all = cumulate(accumulator, numbered("a", i))
    return [
      sql`${all} OVER until AS ${numbered("upto", i)}`,
      sql`${all} OVER before AS ${numbered("b", i)}`
    ]
  })
  const entered = pointAt(plan, since(sql`exposure`))
  return sql`SELECT ${
    join([
      ...carried,
      ...counts.map(({ name, none }) => sql`if(marker = 1, ${none}, ${word("period")}.${name}) AS ${name}`),
      sql`if(marker = 1, entered, p) AS point`,
      sql`marker = 1 OR (nth = 1 AND p = entered) AS entering`,
      sql`marker = 0 AND nth = periods AS closing`,
      ...plan.accumulators.flatMap((_, i) => [
        sql`if(marker = 1, ${numbered("b", i)}, ${numbered("upto", i)}) AS ${numbered("a", i)}`,
        numbered("b", i)
      ])
    ])
  }
    FROM (
      SELECT *, arrayJoin(if(nth = 1 AND p > entered, [1, 0], [0])) AS marker
      FROM (
        SELECT ${
    join([
      word("p"),
      ...carried,
      ...counts.map(({ name }) => name),
      sql`${entered} AS entered`,
      sql`row_number() OVER until AS nth`,
      sql`count() OVER whole AS periods`,
      ...over
    ])
  }
        FROM (
    ${unit}
        )
        WINDOW until AS (${byPeriod} AND CURRENT ROW),
          before AS (${byPeriod} AND 1 PRECEDING),
          whole AS (${byPeriod} AND UNBOUNDED FOLLOWING)
      )
    ) AS period`
}

/** The parts of the series that a row of the {@link timeline} belongs to: one for each age at which identities enter measures. */
export const seriesPartsOf = (plan: Plan): ReadonlyArray<Fragment> =>
  ages(plan).map((age, group) =>
    sql`toUInt32(${integer(groupPart(group))} + ${
      age === 0
        ? word("point")
        : sql`greatest(point, ${pointAt(plan, sql`${since(sql`exposure`)} + ${integer(age - 1)}`)})`
    })`
  )
