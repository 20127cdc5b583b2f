/** Units: events attributed to exposures, aggregated per identity, whole or merged from partial states. */
import { empty, type Fragment, join, sql, word } from "@assay/sql"
import type { Plan } from "../Plan.ts"
import { accumulate, mergeStates } from "./accumulate.ts"
import { badEvent, badEvents } from "./bad-events.ts"
import { eventColumns, events, numbered } from "./events.ts"
import { exposures } from "./exposures.ts"
import { gate, gates, isEarly, isInside } from "./gates.ts"
import { own } from "./table.ts"

/** A trait of an identity's first exposure, NaN where it lacks it. */
export const trait = (i: number): Fragment => numbered("trait", i)

/**
 * One row per identity: its packed exposure, counts for the findings, and its accumulators `a0…`, whole or as states.
 * `latest` is the offset of its newest event plus 1, 0 where it has none.
 */
export const units = (plan: Plan, form: "value" | "state"): Fragment => {
  const columns = eventColumns(plan)
  const state = form === "state" ? word("State") : empty
  const copies = plan.deduplication.policy !== "none"
  const inside = isInside(plan)
  const carried = join([
    sql`exposures.k AS k`,
    sql`exposures.pack AS pack`,
    sql`events.${own("m")} AS m`,
    sql`events.${own("t")} AS t`,
    ...columns.values.map((_, i) => sql`events.${own("v", i)} AS ${numbered("v", i)}`),
    ...columns.conditions.map((_, i) => sql`events.${own("c", i)} AS ${numbered("c", i)}`),
    ...(copies ? [sql`events.${own("copies")} AS copies`] : []),
    ...plan.traits.map((_, i) => sql`exposures.${numbered("x", i)} AS ${numbered("x", i)}`),
    ...gates(plan, columns)
  ])
  const aggregates = join(
    [
      sql`max(pack) AS exposure`,
      sql`countIf${state}(${isEarly(plan)}) AS early`,
      inside === undefined ? sql`max${state}(t) AS latest` : sql`maxIf${state}(t, ${inside}) AS latest`,
      ...(copies ? [sql`sumIf${state}(toUInt64(copies - 1), ${inside ?? sql`m != 0`}) AS repeated`] : []),
      ...plan.traits.map((_, i) => sql`max(${numbered("x", i)}) AS ${trait(i)}`),
      ...badEvents(columns).map((bad) =>
        sql`groupArrayIf${state}(${badEvent(columns, bad)}, ${gate({ ...bad, value: undefined })} != ${
          gate(bad)
        }) AS ${bad.name}`
      ),
      ...plan.accumulators.map((accumulator, i) =>
        sql`${accumulate(plan, columns, accumulator, form)} AS ${numbered("a", i)}`
      )
    ],
    sql`,
      `
  )
  return sql`SELECT k,
      ${aggregates}
    FROM (
      SELECT ${carried}
      FROM (
    ${events(plan, columns)}
      ) AS events
      RIGHT JOIN (
    ${exposures(plan)}
      ) AS exposures ON events.${own("k")} = exposures.k
    )
    GROUP BY k`
}

/** The partial units of several event tables merged into one row per identity. */
export const mergedUnits = (plans: ReadonlyArray<Plan>): Fragment => {
  const [plan] = plans
  const merge = (aggregate: Fragment, column: Fragment) => sql`${aggregate}Merge(${column}) AS ${column}`
  const columns = [
    sql`max(exposure) AS exposure`,
    merge(word("countIf"), word("early")),
    merge(word(isInside(plan!) === undefined ? "max" : "maxIf"), word("latest")),
    ...(plan!.deduplication.policy === "none" ? [] : [merge(word("sumIf"), word("repeated"))]),
    ...badEvents(eventColumns(plan!)).map(({ name }) => merge(word("groupArrayIf"), name)),
    ...plan!.traits.map((_, i) => sql`max(${trait(i)}) AS ${trait(i)}`),
    ...plan!.accumulators.map((accumulator, i) =>
      sql`${mergeStates(accumulator, numbered("a", i))} AS ${numbered("a", i)}`
    )
  ]
  return sql`SELECT k, ${join(columns)}
    FROM (
    ${
    join(
      plans.map((one) => sql`SELECT * FROM (${units(one, "state")})`),
      sql`
    UNION ALL
    `
    )
  }
    )
    GROUP BY k`
}
