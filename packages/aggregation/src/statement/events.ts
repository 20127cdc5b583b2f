/** Metric events: one row each, values parsed and conditions tested once. */
import { and, type Fragment, identifier, join, parameter, sql, word } from "@assay/sql"
import { compileConditions } from "../Filter.ts"
import type { Plan } from "../Plan.ts"
import { asNumber } from "../Property.ts"
import { identityKey, inEnvironment, inWindow, offset, own, shardsOf, table, text } from "./table.ts"

/** Distinct values that streams read, and distinct lists of conditions; each is computed once per event. */
export interface EventColumns {
  readonly events: ReadonlyArray<string>
  readonly values: ReadonlyArray<Fragment>
  readonly conditions: ReadonlyArray<Fragment>
  readonly streams: ReadonlyArray<
    { readonly event: number; readonly value: number | undefined; readonly condition: number | undefined }
  >
}

export const eventColumns = (plan: Plan): EventColumns => {
  const events: Array<string> = []
  const values: Array<{ readonly key: string; readonly fragment: Fragment }> = []
  const conditions: Array<{ readonly key: string; readonly fragment: Fragment }> = []
  const place = (
    list: Array<{ readonly key: string; readonly fragment: Fragment }>,
    key: string,
    make: () => Fragment
  ) => {
    const found = list.findIndex((entry) => entry.key === key)
    return found >= 0 ? found : list.push({ key, fragment: make() }) - 1
  }
  const streams = plan.streams.map(({ event, value, conditions: all }) => {
    if (!events.includes(event)) events.push(event)
    return {
      event: events.indexOf(event) + 1,
      value: value === undefined ? undefined : place(values, JSON.stringify(value), () => asNumber(value)),
      condition: all.length === 0 ? undefined : place(conditions, JSON.stringify(all), () => compileConditions(all))
    }
  })
  return { events, values: values.map((v) => v.fragment), conditions: conditions.map((c) => c.fragment), streams }
}

export const numbered = (prefix: string, i: number): Fragment => word(`${prefix}${i}`)

/** Whether a number can be used; NaN and NULL can't. */
export const isUsable = (number: Fragment): Fragment => sql`abs(${number}) <= 1e100`

/**
 * What makes two rows the same event, as SQL; undefined where every row counts. It is hashed together with the identity's
 * key, so two different rows are taken for one with probability 2⁻⁶⁴.
 */
const rowKey = (plan: Plan): Fragment | undefined => {
  const { columns } = plan.mapping
  // A tuple, because the hash of several arguments is NULL as soon as one of them is.
  const hash = (parts: ReadonlyArray<Fragment>) => sql`cityHash64(tuple(${join(parts)}))`
  const byRow = [columns.event, columns.timestamp, columns.value, ...(plan.deduplication.columns ?? [])].map(identifier)
  switch (plan.deduplication.policy) {
    case "none":
      return undefined
    case "row":
      return hash(byRow)
    case "id": {
      const id = text(columns.event_id!)
      return sql`if(${id} = '', ${hash(byRow)}, ${hash([identifier(columns.event), id])})`
    }
  }
}

/** The number of an event's name, from 1. Only events with one of the names are read, so none is NULL. */
const eventNumber = (column: string, names: ReadonlyArray<string>): Fragment =>
  names.length === 1
    ? sql`toUInt16(1)`
    : sql`assumeNotNull(toUInt16(transform(toString(${identifier(column)}), ${parameter("Array(String)", names)}, ${
      parameter("Array(UInt16)", names.map((_, i) => i + 1))
    }, toUInt16(0))))`

/**
 * One row per metric event, in columns of our {@link own}: `k`; `m`, the number of its event name from 1; `t`; `v0…` its values, NaN where unusable;
 * `c0…` its conditions; `copies`, how many rows it came in, where repeated rows are removed.
 */
export const events = (plan: Plan, columns: EventColumns): Fragment => {
  const { mapping } = plan
  const key = rowKey(plan)
  const read = (collapse: (fragment: Fragment, how: "min" | "max") => Fragment): Fragment =>
    join(
      [
        sql`${identityKey(text(mapping.identities[plan.identity]!))} AS ${own("k")}`,
        sql`${collapse(eventNumber(mapping.columns.event, columns.events), "min")} AS ${own("m")}`,
        sql`${collapse(offset(plan, mapping.columns.timestamp), "min")} AS ${own("t")}`,
        ...columns.values.map((value, i) => sql`ifNull(${collapse(value, "min")}, nan) AS ${own("v", i)}`),
        ...columns.conditions.map((condition, i) =>
          sql`${collapse(sql`toUInt8(${condition})`, "max")} AS ${own("c", i)}`
        )
      ],
      sql`,
      `
    )
  const from = sql`FROM ${table(plan, mapping, shardsOf(plan))}
    WHERE ${
    and([
      ...inEnvironment(plan, mapping.columns.environment),
      sql`${identifier(mapping.columns.event)} IN (${join(columns.events.map((event) => parameter("String", event)))})`,
      ...inWindow(plan, mapping.columns.timestamp)
    ])
  }`
  return key === undefined
    ? sql`SELECT ${read((fragment) => fragment)}
    ${from}`
    : sql`SELECT ${read((fragment, how) => sql`${word(how)}(${fragment})`)},
      count() AS ${own("copies")}
    ${from}
    GROUP BY ${own("k")}, ${key}`
}
