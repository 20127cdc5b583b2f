/**
 * What each event added to the moments: {@link Increments} as SQL, in three steps. Per identity its events are gathered in lists (`lanes`),
 * a number of 128 bits each; the lists are sorted, which puts the events of a measure one after another in the order of their periods, and
 * running totals give what each added; over identities that is summed up by measure and period, in maps.
 */
import { empty, type Fragment, integer, join, sql, word } from "@assay/sql"
import type { Increments, RunningTotal, Slot } from "../Increments.ts"
import { wholePart } from "../Parts.ts"
import { measures, type Plan, type PlannedColumn } from "../Plan.ts"
import { numberOf } from "./accumulate.ts"
import { type EventColumns, eventColumns, numbered } from "./events.ts"
import { since } from "./exposures.ts"
import { counts, gate } from "./gates.ts"
import { isRipe, placed, unitValue } from "./placed.ts"
import { pointAt } from "./timeline.ts"

/**
 * The upper 64 bits of an event: the place of its measure among those of the increments, its period, and its slot. The lower ones are its
 * number.
 */
const [slotBits, measureAt] = [8, 32]

const markOf = (measure: number, slot: number): number => measure * 2 ** measureAt + slot

/** The key in the maps as what it says: a measure by its place among those of the increments, and a period. */
export const fromKey = (key: number): { readonly place: number; readonly period: number } => {
  const periods = 2 ** (measureAt - slotBits)
  return { place: Math.floor(key / periods), period: key % periods }
}

/** Events that one list holds: each counts for at most one slot, which the number of its name tells. */
interface Lane {
  readonly of: Pick<Slot, "number"> & { readonly stream: number; readonly measure: number }
  /** What the event is taken for, by the number of its name; 0 is each of them by itself. */
  readonly marks: Map<number, number>
}

const lanesOf = (plan: Plan, columns: EventColumns, increments: Increments): ReadonlyArray<Lane> => {
  const lanes = new Map<string, Array<Lane>>()
  const all = measures(plan)
  increments.measures.forEach(({ measure, slots }, place) => {
    const { age, ripeUntil } = all[measure]!
    slots.forEach(({ number, stream }, slot) => {
      const { condition, event, value, window } = columns.streams[stream]!
      const kind = JSON.stringify({ age, ripeUntil, number, condition, value, window })
      const same = lanes.get(kind) ?? []
      lanes.set(kind, same)
      let lane = same.find(({ marks }) => !marks.has(event))
      if (lane === undefined) same.push(lane = { of: { measure, stream, number }, marks: new Map() })
      lane.marks.set(event, markOf(place, slot))
    })
  })
  return [...lanes.values()].flat()
}

/** An event of a lane as a number of 128 bits, and the condition that it is one. */
const inLane = (plan: Plan, columns: EventColumns, { marks, of }: Lane): readonly [Fragment, Fragment] => {
  const { age, ripeUntil } = measures(plan)[of.measure]!
  const { window } = plan.streams[of.stream]!
  const stream = columns.streams[of.stream]!
  const named = gate(stream)
  const [events, places] = [[...marks.keys()], [...marks.values()]]
  const mark = places.length === 1
    ? sql`toUInt64(${integer(places[0]!)})`
    : sql`transform(${named}, [${join(events.map(integer))}], [${
      join(places.map((place) => sql`toUInt64(${integer(place)})`))
    }], toUInt64(0))`
  const happened = places.length === 1
    ? counts(stream)
    : join([
      places.length === columns.events.length
        ? sql`${named} != 0`
        : sql`${named} IN (${join(events.map(integer))})`,
      ...(stream.condition === undefined ? [] : [numbered("c", stream.condition)])
    ], sql` AND `)
  const entering = sql`${since(word("pack"))}${age > 1 ? sql` + ${integer(age - 1)}` : empty}`
  const time = age > 1 || window.from < 0 ? sql`greatest(t, ${entering})` : word("t")
  const upper = sql`bitShiftLeft(toUInt128(${mark} + bitShiftLeft(toUInt64(${pointAt(plan, time)}), ${
    integer(slotBits)
  })), 64)`
  return [
    of.number === undefined
      ? upper
      : sql`bitOr(${upper}, toUInt128(reinterpretAsUInt64(${numberOf(stream, of.number)})))`,
    ripeUntil === undefined ? happened : sql`${happened} AND ${isRipe(plan, ripeUntil, word("pack"))}`
  ]
}

/** The lists of an identity's joined events, as aggregates `lane0…`. */
export const lanes = (plan: Plan, columns: EventColumns, increments: Increments): ReadonlyArray<Fragment> =>
  lanesOf(plan, columns, increments).map((lane, i) =>
    sql`groupArrayIf(${join([...inLane(plan, columns, lane)])}) AS ${numbered("lane", i)}`
  )

/** What is summed up of a measure with so many columns: each, then each with itself and those behind it. */
export const sumsOf = (columns: number): ReadonlyArray<readonly [number] | readonly [number, number]> => [
  ...Array.from({ length: columns }, (_, i) => [i] as const),
  ...Array.from({ length: columns }, (_, i) => Array.from({ length: columns - i }, (_, step) => [i, i + step] as const))
    .flat()
]

/** How many maps the increments need: as many as the measure with most columns has sums. */
export const mapsOf = ({ shapes }: Increments): number => Math.max(...shapes.map(({ length }) => sumsOf(length).length))

/** The number that an event adds to a running total. */
const addedTo = ({ of }: RunningTotal): Fragment =>
  of === "events"
    ? sql`toFloat64(1)`
    : of === "numbers"
    ? word("number")
    : sql`toFloat64(number <= ${unitValue(of.atMost, "a")})`

/** What a measure of a shape adds to one of its sums, from its running totals before (`b…`) and after (`a…`) an event. */
const change = (columns: ReadonlyArray<PlannedColumn>, sum: number): Fragment => {
  const of = sumsOf(columns.length)[sum]
  if (of === undefined) return sql`toFloat64(0)`
  const [i, j] = of
  const at = (prefix: "a" | "b") => {
    const left = unitValue(columns[i]!, prefix)
    return j === undefined ? left : sql`${left} * ${unitValue(columns[j]!, prefix)}`
  }
  return sql`${at("a")} - ${at("b")}`
}

/**
 * The rows of units that have `lanes`, with what was added to each of their sums in maps `added0…`, whose keys are a measure and a period.
 */
export const withIncrements = (plan: Plan, increments: Increments, unit: Fragment): Fragment => {
  const { shapes, totals } = increments
  const all = Array.from(
    { length: lanesOf(plan, eventColumns(plan), increments).length },
    (_, i) => numbered("lane", i)
  )
  const several = increments.measures.length > 1
  const slotted = increments.measures.some(({ slots }) => slots.length > 1)
  const slot = sql`bitAnd(mark, ${integer(2 ** slotBits - 1)})`
  const cumulated = (list: Fragment) =>
    several
      ? sql`arrayFlatten(arrayMap(part -> arrayCumSum(part), arraySplit((x, begins) -> begins != 0, ${list}, begin)))`
      : sql`arrayCumSum(${list})`
  const running = totals.flatMap((total, i) => {
    const value = addedTo(total)
    const list = !slotted && total.of === "numbers" ?
      word("numbers") :
      sql`arrayMap((number, mark) -> ${
        slotted ? sql`if(${slot} = ${integer(total.slot)}, ${value}, 0)` : value
      }, numbers, marks)`
    const moved = sql`arrayPopBack(arrayPushFront(${numbered("upto", i)}, toFloat64(0)))`
    return [
      sql`${cumulated(list)} AS ${numbered("upto", i)}`,
      sql`${several ? sql`arrayMap((x, begins) -> if(begins != 0, 0, x), ${moved}, begin)` : moved} AS ${
        numbered("before", i)
      }`
    ]
  })
  const ends = shapes.map((_, shape) => markOf(increments.measures.filter((one) => one.shape <= shape).length, 0))
  const added = Array.from({ length: mapsOf(increments) }, (_, sum) => {
    const changes = shapes.map((columns) => change(columns, sum))
    const [last, ...others] = changes.toReversed()
    const one = others.length === 0 ? last! : sql`multiIf(${
      join([
        ...others.toReversed().map((value, shape) => sql`mark < ${integer(ends[shape]!)}, ${value}`),
        last!
      ])
    })`
    return sql`mapFromArrays(keys, arrayMap((mark, ${
      join(totals.flatMap((_, i) => [numbered("a", i), numbered("b", i)]))
    }) -> ${one}, marks, ${join(totals.flatMap((_, i) => [numbered("upto", i), numbered("before", i)]))})) AS ${
      numbered("added", sum)
    }`
  })
  return sql`SELECT *,
      ${
    join(
      [
        ...placed(plan),
        sql`arraySort(${all.length === 1 ? all[0]! : sql`arrayConcat(${join(all)})`}) AS lanes`,
        sql`arrayMap(event -> toUInt64(bitShiftRight(event, 64)), lanes) AS marks`,
        sql`arrayMap(event -> reinterpretAsFloat64(toUInt64(event)), lanes) AS numbers`,
        ...(several
          ? [
            sql`arrayDifference(arrayMap(mark -> toInt64(bitShiftRight(mark, ${integer(measureAt)})), marks)) AS begin`
          ]
          : []),
        ...running,
        sql`arrayMap(mark -> bitShiftRight(mark, ${integer(slotBits)}), marks) AS keys`,
        ...added
      ],
      sql`,
      `
    )
  }
    FROM (
    ${unit}
    )`
}

/** The name of the column that carries the increments of a sum. */
export const incrementColumn = (sum: number): string => `gained${sum}`

/**
 * The columns of the answer that carry increments, in the row of the whole, and the same without any. Rows are only told apart where they are
 * in slices, too.
 */
export const incrementTotals = ({ breakdowns }: Plan, increments: Increments) =>
  Array.from({ length: mapsOf(increments) }, (_, sum) => ({
    name: word(incrementColumn(sum)),
    value: breakdowns.length === 0
      ? sql`sumKahanMap(${numbered("added", sum)})`
      : sql`sumKahanMapIf(${numbered("added", sum)}, part = ${integer(wholePart)})`,
    none: sql`CAST(map(), 'Map(UInt64, Float64)')`
  }))

/** Names of what {@link withIncrements} adds to the rows, for {@link incrementTotals}. */
export const incrementMaps = (increments: Increments): ReadonlyArray<Fragment> =>
  Array.from({ length: mapsOf(increments) }, (_, sum) => numbered("added", sum))
