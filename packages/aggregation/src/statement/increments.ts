/**
 * What each event added to the moments: {@link Increments} as SQL, in three steps. Per identity its events are gathered in lists (`lanes`, and
 * `walks` where an accumulator doesn't add up), a number of 128 bits each; walks become steps, a value of the accumulator at the end of each of
 * their periods; all lists are sorted as one, which puts the events of a measure one after another in the order of their periods, and running
 * totals give what each added; over identities that is summed up by measure and period, in maps.
 */
import { empty, type Fragment, integer, join, parameter, sql, word } from "@assay/sql"
import {
  type IncrementedMeasure,
  type Increments,
  type RunningTotal,
  type Shape,
  type Steps,
  tellingSteps
} from "../Increments.ts"
import { wholePart } from "../Parts.ts"
import { maximumAccumulators, measures, type Plan, type PlannedColumn } from "../Plan.ts"
import type { EventNumber } from "../Unit.ts"
import { functionText, labelOf, numberOf } from "./accumulate.ts"
import { type EventColumns, eventColumns, numbered } from "./events.ts"
import { since } from "./exposures.ts"
import { counts, gate } from "./gates.ts"
import { isRipe, placed, unitValue } from "./placed.ts"
import { pointAt } from "./timeline.ts"

/**
 * The upper 64 bits of an event: the place of its measure among those of the increments, its period, and its slot. The lower ones are its
 * number.
 */
const [slotBits, measureAt] = [Math.log2(maximumAccumulators), 32]

const markOf = (measure: number, slot: number): number => measure * 2 ** measureAt + slot

/** The key in the maps as what it says: a measure by its place among those of the increments, and a period. */
export const fromKey = (key: number): { readonly place: number; readonly period: number } => {
  const periods = 2 ** (measureAt - slotBits)
  return { place: Math.floor(key / periods), period: key % periods }
}

/**
 * An event of a walk is its time, which tells the order, and 64 bits that it brings. For a funnel these are a bit for each step: so few that there
 * is room for them beside the time in 64 bits, as a rule.
 */
const timeBits = 44

/** How many bits an event of a walk brings. */
const broughtBits = (plan: Plan, { accumulator: index }: Steps): number => {
  const { accumulator, streams } = plan.accumulators[index]!
  return accumulator.kind === "funnel" && streams.length <= 64 - timeBits ? 64 - timeBits : 64
}

/** Events that one list holds: each counts for at most one slot, which the number of its name tells. */
interface Lane {
  readonly of: { readonly stream: number; readonly measure: number; readonly number: EventNumber | undefined }
  /** What the event is taken for, by the number of its name; 0 is each of them by itself. */
  readonly marks: Map<number, number>
}

/** A shape with what its lists are made of; the place of each of its measures among all of the increments. */
interface Listed {
  readonly shape: Shape
  readonly placed: ReadonlyArray<readonly [place: number, measure: IncrementedMeasure]>
  readonly lanes: ReadonlyArray<Lane>
}

const lanesOf = (plan: Plan, columns: EventColumns, placed: Listed["placed"]): ReadonlyArray<Lane> => {
  const lanes = new Map<string, Array<Lane>>()
  const all = measures(plan)
  for (const [place, { measure, slots }] of placed) {
    const { age, ripeUntil } = all[measure]!
    slots.forEach((one, slot) => {
      if ("stepsOf" in one) return
      const { number, stream } = one
      const { condition, event, value, window } = columns.streams[stream]!
      const kind = JSON.stringify({ age, ripeUntil, number, condition, value, window })
      const same = lanes.get(kind) ?? []
      lanes.set(kind, same)
      let lane = same.find(({ marks }) => !marks.has(event))
      if (lane === undefined) same.push(lane = { of: { measure, stream, number }, marks: new Map() })
      lane.marks.set(event, markOf(place, slot))
    })
  }
  return [...lanes.values()].flat()
}

/** The shapes of increments with their lists. */
const listed = (plan: Plan, { shapes }: Increments): ReadonlyArray<Listed> => {
  const columns = eventColumns(plan)
  const begins = shapes.map((_, s) => shapes.slice(0, s).reduce((n, { measures }) => n + measures.length, 0))
  return shapes.map((shape, s) => {
    const placed = shape.measures.map((measure, i) => [begins[s]! + i, measure] as const)
    return { shape, placed, lanes: lanesOf(plan, columns, placed) }
  })
}

/** From when on an event counts for a measure whose identities enter it at this age, if it came earlier. */
const entering = (age: number, pack: Fragment): Fragment =>
  sql`${since(pack)}${age > 1 ? sql` + ${integer(age - 1)}` : empty}`

/** The condition of events that count for identities that are old enough. */
const ofRipe = (plan: Plan, ripeUntil: number | undefined, happened: Fragment): Fragment =>
  ripeUntil === undefined ? happened : sql`${happened} AND ${isRipe(plan, ripeUntil, word("pack"))}`

/** Two numbers of 64 bits as one of 128; to multiply takes a third of the time of a shift. */
const both = (upper: Fragment, lower: Fragment | undefined): Fragment => {
  const above = sql`toUInt128(${upper}) * toUInt128(18446744073709551616)`
  return lower === undefined ? above : sql`${above} + ${lower}`
}

/** An event of a lane as a number of 128 bits, and the condition that it is one. */
const inLane = (plan: Plan, columns: EventColumns, { marks, of }: Lane): ReadonlyArray<Fragment> => {
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
  const time = age > 1 || window.from < 0 ? sql`greatest(t, ${entering(age, word("pack"))})` : word("t")
  const period = sql`bitShiftLeft(toUInt64(${pointAt(plan, time)}), ${integer(slotBits)})`
  return [
    both(
      sql`${mark} + ${period}`,
      of.number === undefined ? undefined : sql`reinterpretAsUInt64(${numberOf(stream, of.number)})`
    ),
    ofRipe(plan, ripeUntil, happened)
  ]
}

/** An event of a walk as a number, and the condition that it is one. */
const inWalk = (plan: Plan, columns: EventColumns, steps: Steps): ReadonlyArray<Fragment> => {
  const { accumulator, streams } = plan.accumulators[steps.accumulator]!
  const own = streams.map((stream) => columns.streams[stream]!)
  const brings = (): Fragment => {
    switch (accumulator.kind) {
      case "funnel":
        return join(own.map((stream, i) => sql`bitShiftLeft(toUInt64(${counts(stream)}), ${integer(i)})`), sql` + `)
      case "unique":
        return sql`toUInt64(${labelOf(plan, own[0]!, accumulator.of)})`
      case "min":
      case "max":
      case "first":
      case "last":
        return ordered(numberOf(own[0]!, accumulator.of))
      default:
        throw new RangeError(`An accumulator of the kind ${accumulator.kind} adds up, and has no steps`)
    }
  }
  const bits = broughtBits(plan, steps)
  return [
    bits === 64
      ? both(word("t"), brings())
      : sql`bitShiftLeft(toUInt64(t), ${integer(bits)}) + ${brings()}`,
    ofRipe(plan, steps.ripeUntil, sql`(${join(own.map((stream) => sql`(${counts(stream)})`), sql` OR `)})`)
  ]
}

const topBit = sql`toUInt64(9223372036854775808)`

/** A number as 64 bits that have its order; {@link unordered} is the way back. */
const ordered = (number: Fragment): Fragment =>
  sql`if(${number} < 0, bitNot(reinterpretAsUInt64(${number})), bitOr(reinterpretAsUInt64(abs(${number})), ${topBit}))`

const unordered = (bits: Fragment): Fragment =>
  sql`reinterpretAsFloat64(if(${bits} < ${topBit}, bitNot(${bits}), bitXor(${bits}, ${topBit})))`

/** The name of a list of one of the shapes. */
const ofShape = (name: string, shape: number, i?: number): Fragment =>
  word(`${name}${shape}${i === undefined ? "" : `_${i}`}`)

/** The lists of an identity's joined events, as aggregates `lane0_0…` (of each shape) and `walk0…`. */
export const lanes = (plan: Plan, columns: EventColumns, increments: Increments): ReadonlyArray<Fragment> => [
  ...listed(plan, increments).flatMap(({ lanes }, s) =>
    lanes.map((lane, i) => sql`groupArrayIf(${join(inLane(plan, columns, lane))}) AS ${ofShape("lane", s, i)}`)
  ),
  ...increments.steps.map((steps, i) =>
    sql`groupArrayIf(${join(inWalk(plan, columns, steps))}) AS ${numbered("walk", i)}`
  )
]

/** The values of an accumulator at the ends of the periods of its walk, which is sorted and named `walked`; `last` are the places of these ends. */
const valuesOf = (plan: Plan, steps: Steps, i: number): Fragment => {
  const planned = plan.accumulators[steps.accumulator]!
  const { accumulator, streams } = planned
  const walked = numbered("walked", i)
  const brought = (of: (bits: Fragment) => Fragment) => sql`arrayMap(event -> ${of(sql`toUInt64(event)`)}, ${walked})`
  const reduced = (...args: ReadonlyArray<Fragment>) =>
    sql`arrayReduceInRanges(${parameter("String", functionText(planned))}, arrayMap(nth -> (1, nth), ${
      numbered("last", i)
    }), ${join(args)})`
  switch (accumulator.kind) {
    case "first":
      return sql`arrayMap(nth -> ${unordered(sql`toUInt64(${walked}[1])`)}, ${numbered("last", i)})`
    case "last":
      return sql`arrayMap(event -> ${
        unordered(sql`toUInt64(event)`)
      }, arrayFilter((event, ends) -> ends != 0, ${walked}, ${numbered("ends", i)}))`
    case "min":
    case "max":
      return reduced(brought(unordered))
    case "funnel":
      return reduced(
        numbered("times", i),
        ...streams.map((_, step) => brought((bits) => sql`bitTest(${bits}, ${integer(step)})`))
      )
    default:
      return reduced(brought((bits) => bits))
  }
}

/** From walks to their steps, `steps0…`: stages of columns that are each made of those before. */
const stepped = (plan: Plan, { steps }: Increments): ReadonlyArray<ReadonlyArray<Fragment>> => {
  const of = steps.map((one, i) => {
    const at = (name: string) => numbered(name, i)
    const isLater = one.age > 1 ||
      plan.accumulators[one.accumulator]!.streams.some((stream) => plan.streams[stream]!.window.from < 0)
    const ending = (list: Fragment) => sql`arrayFilter((x, ends) -> ends != 0, ${list}, ${at("ends")})`
    return {
      walked: [sql`arraySort(${at("walk")}) AS ${at("walked")}`],
      periods: [
        sql`arrayMap(event -> toUInt64(bitShiftRight(event, ${integer(broughtBits(plan, one))})), ${at("walked")}) AS ${
          at("times")
        }`,
        sql`arrayMap(t -> toUInt64(${
          pointAt(plan, isLater ? sql`greatest(t, ${entering(one.age, word("exposure"))})` : word("t"))
        }), ${at("times")}) AS ${at("periods")}`,
        sql`arrayPopFront(arrayPushBack(arrayDifference(${at("periods")}), 1)) AS ${at("ends")}`,
        sql`${ending(sql`arrayEnumerate(${at("walked")})`)} AS ${at("last")}`
      ],
      steps: [
        sql`${valuesOf(plan, one, i)} AS ${at("values")}`,
        sql`arrayMap((period, value) -> ${
          both(sql`bitShiftLeft(period, ${integer(slotBits)})`, sql`reinterpretAsUInt64(toFloat64(value))`)
        }, ${ending(at("periods"))}, ${at("values")}) AS ${at("steps")}`
      ]
    }
  })
  return ["walked", "periods", "steps"].map((stage) => of.flatMap((one) => one[stage as keyof typeof one]))
}

/** All events and steps of a shape's measures as one list, sorted. */
const listOf = (plan: Plan, { steps }: Increments, { lanes, placed }: Listed, s: number): Fragment => {
  const walked = placed.flatMap(([place, { measure, slots }]) =>
    slots.flatMap((one, slot) => {
      if (!("stepsOf" in one)) return []
      const { age, ripeUntil } = measures(plan)[measure]!
      const own = steps.findIndex((other) =>
        other.accumulator === one.stepsOf && other.age === age && other.ripeUntil === ripeUntil
      )
      const list = numbered("steps", own)
      const mark = markOf(place, slot)
      return mark === 0
        ? [list]
        : [sql`arrayMap(step -> step + ${both(integer(mark), undefined)}, ${list})`]
    })
  )
  const lists = [...lanes.map((_, i) => ofShape("lane", s, i)), ...walked]
  const all = lists.length === 1 ? lists[0]! : sql`arrayConcat(${join(lists)})`
  // Steps are in order, and so are measures.
  return lanes.length === 0 && placed.every(([, { slots }]) => slots.length === 1) ? all : sql`arraySort(${all})`
}

/** What is summed up of a measure with so many columns: each, then each with itself and those behind it. */
export const sumsOf = (columns: number): ReadonlyArray<readonly [number] | readonly [number, number]> => [
  ...Array.from({ length: columns }, (_, i) => [i] as const),
  ...Array.from({ length: columns }, (_, i) => Array.from({ length: columns - i }, (_, step) => [i, i + step] as const))
    .flat()
]

/** The number that an event adds to a running total, or puts in its place. */
const addedTo = ({ of }: RunningTotal): Fragment =>
  of === "events"
    ? sql`toFloat64(1)`
    : of === "numbers" || of === "last"
    ? word("number")
    : sql`toFloat64(number <= ${unitValue(of.atMost, "a")})`

/** What columns add to one of their sums, from the running totals before (`b…`) and after (`a…`) an event. */
const change = (columns: ReadonlyArray<PlannedColumn>, [i, j]: ReturnType<typeof sumsOf>[number]): Fragment => {
  const at = (prefix: "a" | "b") => {
    const left = unitValue(columns[i]!, prefix)
    return j === undefined ? left : sql`${left} * ${unitValue(columns[j]!, prefix)}`
  }
  return sql`${at("a")} - ${at("b")}`
}

/** From the list of a shape to what its events added, `added…`: stages of columns that are each made of those before. */
const changesOf = (
  plan: Plan,
  increments: Increments,
  one: Listed,
  s: number
): ReadonlyArray<ReadonlyArray<Fragment>> => {
  const { placed, shape: { columns, totals } } = one
  const at = (name: string, i?: number) => ofShape(name, s, i)
  const several = placed.length > 1
  const slotted = placed.some(([, { slots }]) => slots.length > 1)
  const isOf = (slot: number) => sql`bitAnd(mark, ${integer(2 ** slotBits - 1)}) = ${integer(slot)}`
  const cumulated = (list: Fragment) =>
    several
      ? sql`arrayFlatten(arrayMap(part -> arrayCumSum(part), arraySplit((x, begins) -> begins != 0, ${list}, ${
        at("begin")
      })))`
      : sql`arrayCumSum(${list})`
  const held = (list: Fragment, slot: number) => {
    if (!slotted) return list
    return several
      ? sql`arrayFill((x, mark, begins) -> ${isOf(slot)} OR begins != 0, ${list}, ${at("marks")}, ${at("begin")})`
      : sql`arrayFill((x, mark) -> ${isOf(slot)}, ${list}, ${at("marks")})`
  }
  const running = totals.map((total, i) => {
    const value = addedTo(total)
    const isPlain = !slotted && (total.of === "numbers" || total.of === "last")
    const list = isPlain ?
      at("numbers") :
      sql`arrayMap((number, mark) -> ${slotted ? sql`if(${isOf(total.slot)}, ${value}, 0)` : value}, ${
        at("numbers")
      }, ${at("marks")})`
    return sql`${total.of === "last" ? held(list, total.slot) : cumulated(list)} AS ${at("upto", i)}`
  })
  const before = totals.map((_, i) => {
    const moved = sql`arrayPopBack(arrayPushFront(${at("upto", i)}, toFloat64(0)))`
    return sql`${several ? sql`arrayMap((x, begins) -> if(begins != 0, 0, x), ${moved}, ${at("begin")})` : moved} AS ${
      at("before", i)
    }`
  })
  const after = [...totals.map((_, i) => numbered("a", i)), ...totals.map((_, i) => numbered("b", i))]
  const lists = [...totals.map((_, i) => at("upto", i)), ...totals.map((_, i) => at("before", i))]
  return [
    [sql`${listOf(plan, increments, one, s)} AS ${at("list")}`],
    [
      sql`arrayMap(event -> toUInt64(bitShiftRight(event, 64)), ${at("list")}) AS ${at("marks")}`,
      sql`arrayMap(event -> reinterpretAsFloat64(toUInt64(event)), ${at("list")}) AS ${at("numbers")}`,
      ...(several
        ? [
          sql`arrayDifference(arrayMap(mark -> toInt64(bitShiftRight(mark, ${integer(measureAt)})), ${
            at("marks")
          })) AS ${at("begin")}`
        ]
        : [])
    ],
    [...running, ...before],
    [
      sql`arrayMap(mark -> bitShiftRight(mark, ${integer(slotBits)}), ${at("marks")}) AS ${at("keys")}`,
      ...sumsOf(columns.length).map((sum, i) =>
        sql`mapFromArrays(${at("keys")}, arrayMap((${join(after)}) -> ${change(columns, sum)}, ${join(lists)})) AS ${
          at("added", i)
        }`
      )
    ]
  ]
}

/** The sums of each shape, with what they are numbered by. */
export const shapeSums = ({ shapes }: Increments) =>
  shapes.flatMap(({ columns }, shape) =>
    sumsOf(columns.length).map((sum, i) => ({ shape, sum, name: `${shape}_${i}` }))
  )

/**
 * The rows of units that have `lanes`, with the accumulators that steps tell, and what was added to each of the {@link shapeSums} in maps
 * `added0_0…`, whose keys are a measure and a period.
 */
export const withIncrements = (plan: Plan, increments: Increments, unit: Fragment): Fragment => {
  const changes = listed(plan, increments).map((one, s) => changesOf(plan, increments, one, s))
  const [walked, ...stepping] = stepped(plan, increments)
  const [listing, ...changing] = Array.from({ length: 4 }, (_, stage) => changes.flatMap((of) => of[stage]!))
  const told = plan.accumulators.flatMap((_, i) => {
    const steps = tellingSteps(plan, increments, i)
    // There are no steps where nothing happened, and no value is 0.
    return steps === undefined ? [] : [sql`toFloat64(${numbered("values", steps)}[-1]) AS ${numbered("a", i)}`]
  })
  // Each in a SELECT of its own: a name is put in the place of what it stands for, so that long chains of them would grow beyond all measure.
  const stages = [[...placed(plan), ...walked!], ...stepping, [...told, ...listing!], ...changing]
  return stages.reduce(
    (from, columns) =>
      columns.length === 0 ? from : sql`SELECT *, ${join(columns)}
    FROM (
    ${from}
    )`,
    unit
  )
}

/** The name of the column that carries the increments of a sum. */
export const incrementColumn = (name: string): string => `gained${name}`

/**
 * The columns of the answer that carry increments, in the row of the whole, and the same without any. Rows are only told apart where they are
 * in slices, too.
 */
export const incrementTotals = ({ breakdowns }: Plan, increments: Increments) =>
  shapeSums(increments).map(({ name }) => ({
    name: word(incrementColumn(name)),
    value: breakdowns.length === 0
      ? sql`sumKahanMap(${word(`added${name}`)})`
      : sql`sumKahanMapIf(${word(`added${name}`)}, part = ${integer(wholePart)})`,
    none: sql`CAST(map(), 'Map(UInt64, Float64)')`
  }))

/** Names of what {@link withIncrements} adds to the rows, for {@link incrementTotals}. */
export const incrementMaps = (increments: Increments): ReadonlyArray<Fragment> =>
  shapeSums(increments).map(({ name }) => word(`added${name}`))
