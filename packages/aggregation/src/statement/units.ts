/** Units: events attributed to exposures, aggregated per identity, whole or merged from partial states. */
import { empty, type Fragment, integer, join, sql, word } from "@assay/sql"
import type { Plan, PlannedAccumulator } from "../Plan.ts"
import { badEvent, badEvents } from "./bad-events.ts"
import { type EventColumns, eventColumns, events, isUsable, numbered } from "./events.ts"
import { exposures, since } from "./exposures.ts"
import { own } from "./table.ts"

const combinator = (accumulator: PlannedAccumulator["accumulator"]): Fragment => {
  switch (accumulator.kind) {
    case "count":
      return word("count")
    case "any":
      return word("max")
    default:
      return word(accumulator.kind)
  }
}

/**
 * When an attributed event counts for a stream. `on` is the number of its event name, 0 where it came too early; `on0…` the
 * same for the events whose value `v0…` can be used.
 */
const counts = (columns: EventColumns, stream: number): Fragment => {
  const { condition, event, value } = columns.streams[stream]!
  const happened = sql`${value === undefined ? word("on") : numbered("on", value)} = ${integer(event)}`
  return condition === undefined ? happened : sql`${happened} AND ${numbered("c", condition)}`
}

/** An accumulator as a conditional aggregate, whole or as a state for merging. */
const accumulate = (
  columns: EventColumns,
  { stream, accumulator }: PlannedAccumulator,
  form: "value" | "state"
): Fragment => {
  const { value } = columns.streams[stream]!
  const argument = accumulator.kind === "count"
    ? empty
    : accumulator.kind === "any"
    ? sql`toUInt8(1), `
    : accumulator.of.kind === "value"
    ? sql`${numbered("v", value!)}, `
    : sql`toFloat64(t - ${since(sql`pack`)}), `
  return sql`${combinator(accumulator)}If${form === "state" ? word("State") : empty}(${argument}${
    counts(columns, stream)
  })`
}

/**
 * One row per identity: its packed exposure, counts for the findings, and its accumulators `a0…`, whole or as states.
 * `latest` is the offset of its newest event plus 1, 0 where it has none.
 */
export const units = (plan: Plan, form: "value" | "state"): Fragment => {
  const columns = eventColumns(plan)
  const state = form === "state" ? word("State") : empty
  const copies = plan.deduplication.policy !== "none"
  const carried = join([
    sql`exposures.k AS k`,
    sql`exposures.pack AS pack`,
    sql`events.${own("m")} AS m`,
    sql`events.${own("t")} AS t`,
    ...columns.values.map((_, i) => sql`events.${own("v", i)} AS ${numbered("v", i)}`),
    ...columns.conditions.map((_, i) => sql`events.${own("c", i)} AS ${numbered("c", i)}`),
    ...(copies ? [sql`events.${own("copies")} AS copies`] : []),
    sql`if(events.${own("t")} >= ${since(sql`exposures.pack`)}, events.${own("m")}, toUInt16(0)) AS on`,
    ...columns.values.map((_, i) =>
      sql`if(${isUsable(sql`events.${own("v", i)}`)}, on, toUInt16(0)) AS ${numbered("on", i)}`
    )
  ])
  const aggregates = join(
    [
      sql`max(pack) AS exposure`,
      sql`countIf${state}(m != on) AS early`,
      sql`max${state}(t) AS latest`,
      ...(copies ? [sql`sumIf${state}(toUInt64(copies - 1), m != 0) AS repeated`] : []),
      ...badEvents(columns).map(({ chunk, name, value }) =>
        sql`groupArrayIf${state}(${badEvent(columns, chunk)}, on != ${numbered("on", value)}) AS ${name}`
      ),
      ...plan.accumulators.map((accumulator, i) =>
        sql`${accumulate(columns, accumulator, form)} AS ${numbered("a", i)}`
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
    merge(word("max"), word("latest")),
    ...(plan!.deduplication.policy === "none" ? [] : [merge(word("sumIf"), word("repeated"))]),
    ...badEvents(eventColumns(plan!)).map(({ name }) => merge(word("groupArrayIf"), name)),
    ...plan!.accumulators.map(({ accumulator }, i) => merge(sql`${combinator(accumulator)}If`, numbered("a", i)))
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
