/** Moments: sums over identities, a row per arm. */
import { type Fragment, integer, join, sql, word } from "@assay/sql"
import { idleMeasures, type MeasureAt } from "../eventless.ts"
import type { Increments } from "../Increments.ts"
import { apartPart, slicePart, wholePart } from "../Parts.ts"
import { type Measure, measures, type Plan } from "../Plan.ts"
import { badEvents, badEventsOf, isBadEventOf } from "./bad-events.ts"
import { eventColumns, numbered } from "./events.ts"
import { codeOf, exposures, isApart, never, since } from "./exposures.ts"
import { incrementMaps, incrementTotals, withIncrements } from "./increments.ts"
import { isRipe, placed, trait, unitValue } from "./placed.ts"
import { sharer } from "./table.ts"
import { pointAt, seriesPartsOf } from "./timeline.ts"

/** Whose moments: of the identities themselves, or as they would be without events. */
export type Whose = "" | "idle_"

/** Names of the columns that carry a measure's moments. */
export const momentColumns = (measure: number, i: number, j: number, whose: Whose = "") => ({
  sum: `${whose}s${measure}_${i}`,
  product: `${whose}p${measure}_${i}_${j}`,
  comoment: `${whose}c${measure}_${i}_${j}`
})

/** The name of the column that counts the identities of a measure: those old enough, or all. */
export const countColumn = ({ ripeUntil }: Measure, ripe: ReadonlyArray<number>): string =>
  ripeUntil === undefined ? "n" : `n${ripe.indexOf(ripeUntil)}`

/** The different times by which the identities of measures must have been exposed. */
export const ripeTimes = (all: ReadonlyArray<Measure>): ReadonlyArray<number> => [
  ...new Set(all.flatMap(({ ripeUntil }) => (ripeUntil === undefined ? [] : [ripeUntil])))
]

/** The name of a unit value. */
const unitName = (whose: Whose, m: number, i: number): Fragment => word(`${whose}u${m}_${i}`)

/** The moments of one measure over unit values `u…`, of the identities that are old enough. */
const momentsOf = (
  { columns, ripeUntil }: Measure,
  m: number,
  ripe: ReadonlyArray<number>,
  whose: Whose
): ReadonlyArray<Pick<Total, "name" | "value">> => {
  const flag = ripeUntil === undefined ? undefined : numbered("ripe", ripe.indexOf(ripeUntil))
  const u = (i: number) => unitName(whose, m, i)
  const sumOf = (x: Fragment) => flag === undefined ? sql`sumKahan(${x})` : sql`sumKahanIf(${x}, ${flag})`
  const comoment = (x: Fragment, y: Fragment, same: boolean) =>
    flag === undefined
      ? sql`${same ? sql`varPopStable(${x})` : sql`covarPopStable(${x}, ${y})`} * count()`
      : sql`if(countIf(${flag}) = 0, 0, ${
        same ? sql`varPopStableIf(${x}, ${flag})` : sql`covarPopStableIf(${x}, ${y}, ${flag})`
      } * countIf(${flag}))`
  return columns.flatMap((_, i) => [
    { name: word(momentColumns(m, i, i, whose).sum), value: sumOf(u(i)) },
    ...columns.slice(i).flatMap((_, step) => {
      const j = i + step
      const names = momentColumns(m, i, j, whose)
      return [
        { name: word(names.product), value: sumOf(sql`${u(i)} * ${u(j)}`) },
        { name: word(names.comoment), value: comoment(u(i), u(j), i === j) }
      ]
    })
  ])
}

/** The part of a row of the units under a breakdown. */
const sliceOf = (i: number): Fragment => sql`toUInt32(${integer(slicePart(i, 0))} + ${codeOf(i)})`

/** The parts that a row of the units belongs to; see Parts. */
const partsOf = (plan: Plan): Fragment => {
  const whole = sql`toUInt32(${integer(wholePart)})`
  const slices = plan.breakdowns.map((_, i) => sliceOf(i))
  return slices.length === 0 ? sql`[${whole}]` : sql`if(place = 0, [${join([whole, ...slices])}], [${whole}])`
}

/** A column of the answer, over the units of identities. Some count identities, and can be told from the exposures alone. */
interface Total {
  readonly name: Fragment
  readonly value: Fragment
  readonly of: "identities" | "events" | "both"
}

/** The columns of an answer; `tallied` where identities without events are in rows apart. */
const totals = (plan: Plan, tallied: boolean): ReadonlyArray<Total> => {
  const all = measures(plan)
  const ripe = ripeTimes(all)
  const columns = eventColumns(plan)
  const total = (of: Total["of"], name: Fragment, value: Fragment): Total => ({ of, name, value })
  return [
    total("both", word("n"), sql`count()`),
    total("events", word("early_events"), sql`sum(early)`),
    total("events", word("latest_event"), sql`max(latest)`),
    ...(plan.deduplication.policy === "none"
      ? []
      : [total("events", word("repeated_events"), sql`sum(repeated)`)]),
    total("identities", word("nameless_exposures"), sql`sum(if(place = 2, exposure - ${never} - 1, 0))`),
    total("identities", word("undeclared"), sql`countIf(place = 3 OR (place < 2 AND bitTest(exposure, 1)))`),
    ...ripe.map((_, i) => total("both", numbered("n", i), sql`countIf(${numbered("ripe", i)})`)),
    ...columns.streams.flatMap((stream, i) =>
      badEventsOf(stream).map(({ name }) =>
        total(
          "events",
          numbered("unusable", i),
          sql`sum(arrayCount(event -> ${isBadEventOf(columns, i, word("event"))}, ${name}))`
        )
      )
    ),
    ...all.flatMap((measure, m) => momentsOf(measure, m, ripe, "")).map(({ name, value }) =>
      total("events", name, value)
    ),
    ...(tallied ? idleMeasures(plan) : []).flatMap(({ m, measure }) => momentsOf(measure, m, ripe, "idle_")).map((
      { name, value }
    ) => total("both", name, value))
  ]
}

const answer = (keys: ReadonlyArray<Fragment>, columns: ReadonlyArray<Pick<Total, "name" | "value">>): Fragment =>
  sql`SELECT ${
    join(
      [...keys, ...columns.map(({ name, value }) => sql`${value} AS ${name}`)],
      sql`,
  `
    )
  }`

const placeKeys = [word("place"), word("arm"), word("part")]

/**
 * What a row of the answer speaks of; in the long form it is about one event, and 0 is all that was kept apart; in a shared plan about one
 * experiment.
 */
const keys = ({ sharers, together }: Plan): ReadonlyArray<Fragment> => [
  ...placeKeys,
  ...(together === undefined ? [] : [word("event")]),
  ...(sharers === undefined ? [] : [sharer, word("slot")])
]

const onlyWhole = sql`toUInt32(${integer(wholePart)})`

const partOf = (plan: Plan): Fragment => plan.breakdowns.length === 0 ? onlyWhole : sql`arrayJoin(${partsOf(plan)})`

const ripeColumns = (plan: Plan): ReadonlyArray<Fragment> =>
  ripeTimes(measures(plan)).map((time, i) => sql`${isRipe(plan, time)} AS ${numbered("ripe", i)}`)

/** By which further columns of the units rows are told apart, and whether an identity is old enough where that depends on them. */
interface Apart {
  readonly further: ReadonlyArray<Fragment>
  readonly ripe: ReadonlyArray<Fragment>
}

/** The unit values of measures. */
const unitValues = (all: ReadonlyArray<MeasureAt>, whose: Whose): ReadonlyArray<Fragment> =>
  all.flatMap(({ m, measure: { columns } }) =>
    columns.map((column, i) => sql`${unitValue(column, "a")} AS ${unitName(whose, m, i)}`)
  )

/** The rows of the units with what the totals are taken of. */
const ofUnits = (
  plan: Plan,
  part: ReadonlyArray<Fragment>,
  unit: Fragment,
  { further, ripe }: Apart = { further: [], ripe: ripeColumns(plan) }
): Fragment =>
  sql`FROM (
  SELECT ${
    join([
      ...further,
      ...placed(plan),
      ...part,
      sql`early`,
      sql`latest`,
      ...(plan.deduplication.policy === "none" ? [] : [sql`repeated`]),
      sql`exposure`,
      ...(plan.together === undefined ? [] : [word("event")]),
      ...(plan.sharers === undefined ? [] : [sharer, word("slot")]),
      ...badEvents(eventColumns(plan)).map(({ name }) => name),
      ...ripe,
      ...unitValues(measures(plan).map((measure, m) => ({ m, measure })), "")
    ])
  }
  FROM (
    ${unit}
  )
)
GROUP BY ${join([...further, ...keys(plan)])}`

/**
 * Moments and counts over identities: a row for each arm, each other place that identities may have, and each part of them.
 */
export const moments = (plan: Plan, unit: Fragment): Fragment =>
  sql`${answer(keys(plan), totals(plan, false))}
${ofUnits(plan, [sql`${partOf(plan)} AS part`], unit)}`

/**
 * The {@link moments} of two sets of units, told apart by their column `side`: on side 0 identities are old enough that were exposed by the
 * times `ripe` instead of the plan's.
 */
export const momentsBySide = (plan: Plan, unit: Fragment, ripe: ReadonlyArray<number>): Fragment => {
  const further = [word("side")]
  return sql`${answer([...further, ...keys(plan)], totals(plan, false))}
${
    ofUnits(plan, [sql`${partOf(plan)} AS part`], unit, {
      further,
      ripe: ripeTimes(measures(plan)).map((time, i) =>
        sql`if(side = 0, ${isRipe(plan, ripe[i] ?? time)}, ${isRipe(plan, time)}) AS ${numbered("ripe", i)}`
      )
    })
  }`
}

/**
 * The same over `eventfulUnits`, and below it, in rows whose `tally` is 1, how many identities there are in all, from the exposures alone:
 * the decoder adds those that have no event. What was kept apart is in {@link apartPart}. Where there is a series, the tally has a part
 * for the period in which identities enter, and the other rows say what events added in each.
 */
export const talliedMoments = (plan: Plan, unit: Fragment, increments: Increments | undefined): Fragment => {
  const all: ReadonlyArray<Total & { readonly none?: Fragment }> = [
    ...totals(plan, true),
    ...(increments === undefined
      ? []
      : incrementTotals(plan, increments).map((total) => ({ ...total, of: "events" as const })))
  ]
  const but = (of: Total["of"]) =>
    all.map((total) => (total.of === of ? { ...total, value: total.none ?? sql`0` } : total))
  const apartOr = (parts: Fragment) => sql`if(${isApart(word("exposure"))}, ${parts})`
  const outside = sql`toUInt32(${integer(apartPart)})`
  const part = plan.breakdowns.length === 0
    ? sql`${apartOr(sql`${outside}, ${onlyWhole}`)} AS part`
    : sql`arrayJoin(${apartOr(sql`[${outside}], ${partsOf(plan)}`)}) AS part`
  const idle = unitValues(idleMeasures(plan), "idle_")
  const columns = [part, ...idle, ...(increments === undefined ? [] : incrementMaps(increments))]
  const entered = plan.series === undefined ? [] : [sql`${pointAt(plan, since(word("exposure")))} AS point`]
  return sql`${answer([sql`0 AS tally`, ...keys(plan)], but("identities"))}
${ofUnits(plan, columns, increments === undefined ? unit : withIncrements(plan, increments, unit))}
UNION ALL
${
    answer([
      sql`1 AS tally`,
      ...placeKeys,
      ...(plan.together === undefined ? [] : [sql`0 AS event`]),
      ...(plan.sharers === undefined ? [] : [sharer, sql`0 AS slot`])
    ], but("events"))
  }
FROM (
  SELECT ${
    join([
      ...placed(plan),
      ...entered,
      sql`${
        plan.series === undefined
          ? partOf(plan)
          : sql`arrayJoin(arrayConcat(${partsOf(plan)}, if(place < 2, [${
            join(seriesPartsOf(plan))
          }], CAST([], 'Array(UInt32)'))))`
      } AS part`,
      word("exposure"),
      ...ripeColumns(plan),
      ...idle,
      ...(plan.sharers === undefined ? [] : [sharer])
    ])
  }
  FROM (
    SELECT ${
    join([sql`*`, sql`pack AS exposure`, ...plan.traits.map((_, i) => sql`${numbered("x", i)} AS ${trait(i)}`)])
  }
    FROM (
    ${exposures(plan)}
    )
  )
)
GROUP BY ${join([...placeKeys, ...(plan.sharers === undefined ? [] : [sharer])])}`
}
