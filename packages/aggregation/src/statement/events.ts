/** Metric events: one row each, values parsed and conditions tested once. */
import { and, type Fragment, identifier, join, parameter, sql, word } from "@assay/sql"
import { compileConditions, type Condition } from "../Filter.ts"
import { intern, isAlways, type Plan } from "../Plan.ts"
import { asNumber, asText, type Property } from "../Property.ts"
import type { Window } from "../Unit.ts"
import { identityKey, inEnvironment, inPart, inWindow, offset, own, shardsOf, table, text } from "./table.ts"

/** What is read from an event: the number of a property, NaN where it isn't usable, or its text as 64 bits, 0 where it is empty. */
interface EventValue {
  readonly reads: "value" | "text"
  readonly property: Property
}

/**
 * Distinct values that streams read, distinct lists of conditions, and distinct windows; each is computed once per event. A
 * window that is undefined runs from the first exposure to the end of the experiment.
 */
export interface EventColumns {
  readonly events: ReadonlyArray<string>
  readonly values: ReadonlyArray<EventValue>
  readonly conditions: ReadonlyArray<ReadonlyArray<Condition>>
  readonly windows: ReadonlyArray<Window>
  readonly streams: ReadonlyArray<StreamColumns>
}

/** The places of what a stream looks at; event names count from 1, and 0 is each of them by itself. */
export interface StreamColumns {
  readonly event: number
  readonly value: number | undefined
  readonly condition: number | undefined
  readonly window: number | undefined
}

export const eventColumns = (plan: Plan): EventColumns => {
  const events: Array<string> = [...(plan.together ?? [])]
  const values: Array<EventValue> = []
  const conditions: Array<ReadonlyArray<Condition>> = []
  const windows: Array<Window> = []
  const streams = plan.streams.map(({ event, reads, value, conditions: all, window }) => ({
    event: plan.together === undefined ? intern(events, event) + 1 : 0,
    value: value === undefined || reads === "nothing" ? undefined : intern(values, { reads, property: value }),
    condition: all.length === 0 ? undefined : intern(conditions, all),
    window: isAlways(window) ? undefined : intern(windows, window)
  }))
  return { events, values, conditions, windows, streams }
}

export const numbered = (prefix: string, i: number): Fragment => word(`${prefix}${i}`)

/** Whether a number can be used; NaN and NULL can't. */
export const isUsableNumber = (number: Fragment): Fragment => sql`abs(${number}) <= 1e100`

/** Whether what was read from an event can be used. */
export const isUsable = ({ reads }: EventValue, value: Fragment): Fragment =>
  reads === "value" ? isUsableNumber(value) : sql`${value} != 0`

/** The columns in which two rows must be equal to be the same event, where an id doesn't say so. */
const rowColumns = ({ deduplication, mapping: { columns } }: Plan): ReadonlyArray<string> => [
  columns.event,
  columns.timestamp,
  columns.value,
  ...(deduplication.columns ?? [])
]

/** Whether copies of an event may differ in a property. */
const mayDiffer = (plan: Plan, { column }: Property): boolean =>
  plan.deduplication.policy === "id" || (plan.deduplication.policy === "row" && !rowColumns(plan).includes(column))

/**
 * What is read from an event, as it stands there: NULL where it has nothing. Of several copies the smallest is taken, so that where they may
 * differ a number that can't be used is NULL, too: it could be the smallest.
 */
export const rawValue = (plan: Plan, { property, reads }: EventValue): Fragment => {
  if (reads === "text") return sql`nullIf(${asText(property)}, '')`
  const number = asNumber(property)
  return mayDiffer(plan, property) ? sql`if(${isUsableNumber(number)}, ${number}, NULL)` : number
}

/** A {@link rawValue} as the statement goes on with it. */
export const settled = ({ reads }: EventValue, raw: Fragment): Fragment =>
  reads === "value" ? sql`ifNull(${raw}, nan)` : sql`ifNull(cityHash64(${raw}), toUInt64(0))`

/**
 * What makes two rows the same event, as SQL; undefined where every row counts. It is hashed together with the identity's
 * key, so two different rows are taken for one with probability 2⁻⁶⁴.
 */
export const rowKey = (plan: Plan): Fragment | undefined => {
  const { columns } = plan.mapping
  // A tuple, because the hash of several arguments is NULL as soon as one of them is.
  const hash = (parts: ReadonlyArray<Fragment>) => sql`cityHash64(tuple(${join(parts)}))`
  const byRow = rowColumns(plan).map(identifier)
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
export const eventNumber = (column: string, names: ReadonlyArray<string>): Fragment =>
  names.length === 1
    ? sql`toUInt16(1)`
    : sql`assumeNotNull(toUInt16(transform(toString(${identifier(column)}), ${parameter("Array(String)", names)}, ${
      parameter("Array(UInt16)", names.map((_, i) => i + 1))
    }, toUInt16(0))))`

/** The conditions of rows that are metric events of the plan. */
export const isRead = (plan: Plan, { events }: EventColumns): ReadonlyArray<Fragment> => {
  const { columns } = plan.mapping
  return [
    ...inEnvironment(plan, columns.environment),
    sql`${identifier(columns.event)} IN (${join(events.map((event) => parameter("String", event)))})`,
    ...inWindow(plan.reads, columns.timestamp),
    ...inPart(plan, plan.mapping.identities[plan.identity]!)
  ]
}

/**
 * One row per metric event, in columns of our {@link own}: `k`; `m`, the number of its event name from 1; `t`; `v0…` its values;
 * `c0…` its conditions; `copies`, how many rows it came in, where repeated rows are removed.
 */
export const events = (plan: Plan, columns: EventColumns): Fragment => {
  const { mapping } = plan
  const key = rowKey(plan)
  const row = (collapse: (fragment: Fragment, how: "min" | "max") => Fragment): Fragment =>
    join(
      [
        sql`${identityKey(text(mapping.identities[plan.identity]!))} AS ${own("k")}`,
        sql`${collapse(eventNumber(mapping.columns.event, columns.events), "min")} AS ${own("m")}`,
        sql`${collapse(offset(plan, mapping.columns.timestamp), "min")} AS ${own("t")}`,
        ...columns.values.map((value, i) =>
          sql`${settled(value, collapse(rawValue(plan, value), "min"))} AS ${own("v", i)}`
        ),
        ...columns.conditions.map((condition, i) =>
          sql`${collapse(sql`toUInt8(${compileConditions(condition)})`, "max")} AS ${own("c", i)}`
        )
      ],
      sql`,
      `
    )
  const from = sql`FROM ${table(plan, mapping, shardsOf(plan))}
    WHERE ${and(isRead(plan, columns))}`
  return key === undefined
    ? sql`SELECT ${row((fragment) => fragment)}
    ${from}`
    : sql`SELECT ${row((fragment, how) => sql`${word(how)}(${fragment})`)},
      count() AS ${own("copies")}
    ${from}
    GROUP BY ${own("k")}, ${key}`
}
