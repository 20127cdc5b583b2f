/** Units: events attributed to exposures, aggregated per identity, whole or merged from partial states. */
import { empty, type Fragment, join, sql, word } from "@assay/sql"
import { type Increments, tellingSteps } from "../Increments.ts"
import type { Plan } from "../Plan.ts"
import { accumulate, mergeStates } from "./accumulate.ts"
import { badEvent, badEvents } from "./bad-events.ts"
import { type EventColumns, eventColumns, events, numbered } from "./events.ts"
import { apart, exposures, sharedExposures, slicePacks } from "./exposures.ts"
import { gate, gates, isEarly, isInside } from "./gates.ts"
import { lanes } from "./increments.ts"
import { trait } from "./placed.ts"
import { sharedEvents, slot } from "./sharers.ts"
import { own, sharer } from "./table.ts"

/** What an identity's exposure says of it, the same in all rows of it. */
const ofExposure = (plan: Plan): ReadonlyArray<readonly [from: Fragment, name: Fragment]> => [
  ...plan.traits.map((_, i) => [numbered("x", i), trait(i)] as const),
  ...slicePacks(plan).map((_, i) => [numbered("slices", i), numbered("slices", i)] as const)
]

/** The kinds of a join between events and exposures: with or without a row for identities that have no event. */
const joins = { every: sql`RIGHT JOIN`, eventful: sql`INNER JOIN` }

/** Events and exposures, as rows. */
interface Read {
  readonly events: Fragment
  readonly exposures: Fragment
}

/** Each event with the exposure of its identity, and by which gates it counts. */
const joined = (
  plan: Plan,
  columns: EventColumns,
  identities: keyof typeof joins,
  from?: Read
): Fragment => {
  const carried = join([
    sql`exposures.k AS k`,
    sql`exposures.pack AS pack`,
    sql`events.${own("m")} AS m`,
    sql`events.${own("t")} AS t`,
    ...columns.values.map((_, i) => sql`events.${own("v", i)} AS ${numbered("v", i)}`),
    ...columns.conditions.map((_, i) => sql`events.${own("c", i)} AS ${numbered("c", i)}`),
    ...(plan.deduplication.policy === "none" ? [] : [sql`events.${own("copies")} AS copies`]),
    ...ofExposure(plan).map(([name]) => sql`exposures.${name} AS ${name}`),
    ...gates(plan, columns),
    ...(plan.sharers === undefined ? [] : [sql`exposures.${sharer} AS ${sharer}`, slot(plan.sharers, plan, columns)])
  ])
  return sql`SELECT ${carried}
      FROM (
    ${from?.events ?? events(plan, columns)}
      ) AS events
      ${joins[identities]} (
    ${from?.exposures ?? (plan.sharers === undefined ? exposures(plan) : sharedExposures(plan))}
      ) AS exposures ON events.${own("k")} = exposures.k${
    plan.sharers === undefined ? empty : sharedEvents(plan.sharers, plan, columns)
  }`
}

/** What is kept of an identity's joined events: counts for the findings, and accumulators. */
const aggregates = (
  plan: Plan,
  columns: EventColumns,
  form: "value" | "state",
  increments?: Increments
): ReadonlyArray<Fragment> => {
  const state = form === "state" ? word("State") : empty
  const inside = isInside(plan)
  return [
    sql`countIf${state}(${isEarly(plan)}) AS early`,
    inside === undefined ? sql`max${state}(t) AS latest` : sql`maxIf${state}(t, ${inside}) AS latest`,
    ...(plan.deduplication.policy === "none"
      ? []
      : [sql`sumIf${state}(toUInt64(copies - 1), ${inside ?? sql`m != 0`}) AS repeated`]),
    ...ofExposure(plan).map(([carried, name]) => sql`max(${carried}) AS ${name}`),
    ...badEvents(columns).map((bad) =>
      sql`groupArrayIf${state}(${badEvent(columns, bad)}, ${gate({ ...bad, value: undefined })} != ${
        gate(bad)
      }) AS ${bad.name}`
    ),
    ...plan.accumulators.flatMap((accumulator, i) =>
      increments !== undefined && tellingSteps(plan, increments, i) !== undefined
        ? []
        : [sql`${accumulate(plan, columns, accumulator, form)} AS ${numbered("a", i)}`]
    ),
    ...(increments === undefined ? [] : lanes(plan, columns, increments))
  ]
}

const lines = sql`,
      `

/**
 * One row per identity: its packed exposure, counts for the findings, and its accumulators
 * `a0…`, whole or as states. `latest` is the offset of its newest event plus 1, 0 where it has none. Events and exposures are those of the
 * plan's tables where `from` doesn't say otherwise.
 */
export const units = (plan: Plan, form: "value" | "state", from?: Read): Fragment => {
  const columns = eventColumns(plan)
  return sql`SELECT k,
      ${join([sql`max(pack) AS exposure`, ...aggregates(plan, columns, form)], lines)}
    FROM (
      ${joined(plan, columns, "every", from)}
    )
    GROUP BY k`
}

/**
 * The {@link units} of the identities that have an event which counts for some metric, or would with a usable value. All other events
 * are kept apart (`isApart`), in a row for each place and arm: a row for each identity would cost the memory of its columns, and
 * a look for it per event. In the long form a row is for an identity and one event, of the number `event`; in a shared plan for one in an
 * experiment. With the lists that increments are made of, where these are asked for, instead of the accumulators
 * that `withIncrements` tells from them.
 */
export const eventfulUnits = (plan: Plan, increments: Increments | undefined): Fragment => {
  const columns = eventColumns(plan)
  const windows = [...new Set(columns.streams.map(({ window }) => window))]
  const counting = join(windows.map((window) => sql`${gate({ value: undefined, window })} != 0`), sql` OR `)
  const event = sql`${plan.together === undefined ? empty : sql`, event`}${
    plan.sharers === undefined ? empty : sql`, ${sharer}, slot`
  }`
  return sql`SELECT exposure${event},
      ${join(aggregates(plan, columns, "value", increments), lines)}
    FROM (
      SELECT *, if(${counting}, k, toUInt64(0)) AS unit, if(${counting}, pack, ${apart(sql`pack`)}) AS exposure${
    plan.together === undefined ? empty : sql`, if(${counting}, m, toUInt16(0)) AS event`
  }
      FROM (
      ${joined(plan, columns, "eventful")}
      )
    )
    GROUP BY unit, exposure${event}`
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
    ...ofExposure(plan!).map(([, name]) => sql`max(${name}) AS ${name}`),
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
