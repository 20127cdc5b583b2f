/** Exposures: one row per identity. */
import { and, empty, type Fragment, identifier, integer, join, parameter, sql, word } from "@assay/sql"
import { otherCode, type PlannedBreakdown } from "../Parts.ts"
import type { Plan, Sharer } from "../Plan.ts"
import { asNumber, asText, type Property } from "../Property.ts"
import { isUsableNumber, numbered } from "./events.ts"
import {
  each,
  identityKey,
  inEnvironment,
  inPart,
  integers,
  inWindow,
  offset,
  offsetOf,
  offsetType,
  own,
  shardsOf,
  sharer,
  table,
  text
} from "./table.ts"

export interface ExposureSource {
  readonly from: Fragment
  readonly identity: string
  readonly feature: string
  readonly variant: string
  readonly timestamp: string
  readonly where: ReadonlyArray<Fragment>
}

/** The features of experiments that are read together, each once; those of one feature follow each other. */
const featuresOf = (sharers: ReadonlyArray<Sharer>): ReadonlyArray<string> => [
  ...new Set(sharers.map(({ feature }) => feature))
]

export const exposureSource = (plan: Plan, shards: "own" | "all"): ExposureSource => {
  const { mapping, experiment } = plan
  const ofFeature = (column: string) =>
    plan.sharers === undefined
      ? sql`${identifier(column)} = ${parameter("String", experiment.feature)}`
      : sql`${identifier(column)} IN (${join(featuresOf(plan.sharers).map((one) => parameter("String", one)))})`
  if (mapping.exposures !== undefined) {
    const { columns, identities } = mapping.exposures
    return {
      from: table(plan, mapping.exposures, shards),
      identity: identities[plan.identity]!,
      feature: columns.feature,
      variant: columns.variant,
      timestamp: columns.timestamp,
      where: [
        ...inEnvironment(plan, columns.environment),
        ofFeature(columns.feature),
        ...inWindow(plan, columns.timestamp),
        ...inPart(plan, identities[plan.identity]!)
      ]
    }
  }
  const { columns } = mapping
  return {
    from: table(plan, mapping, shards),
    identity: mapping.identities[plan.identity]!,
    feature: columns.feature,
    variant: columns.value,
    timestamp: columns.timestamp,
    where: [
      ...inEnvironment(plan, columns.environment),
      sql`${identifier(columns.event)} = ${parameter("String", mapping.exposure_event)}`,
      ofFeature(columns.feature),
      ...inWindow(plan, columns.timestamp),
      ...inPart(plan, mapping.identities[plan.identity]!)
    ]
  }
}

/** Rank of "no declared variant" in the packed column of an exposure. */
export const noArm = 63

/** Whether identities seen in several variants are in no arm. */
export const quarantines = ({ experiment }: Plan): boolean =>
  (experiment.multiple_variants ?? "quarantine") === "quarantine"

/** Arms in the order of their keys: the order that breaks ties between exposures of one millisecond. */
export const rankedArms = (plan: Pick<Plan, "arms">): ReadonlyArray<string> =>
  plan.arms.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))

/** The packed exposure of an identity that is in no arm: later than any event. */
export const never = sql`toUInt64(4611686018427387904)`

/** The bits of the declared variants. */
const declared = sql`toUInt64(9223372036854775807)`

/** The key of identities without a name. */
export const nameless = identityKey(sql`''`)

/** Since when an identity is exposed, in milliseconds of the window, read off its packed exposure. */
export const since = (pack: Fragment): Fragment => sql`bitShiftRight(${pack}, 8)`

/** A packed exposure without its time, for what is kept apart from the identity: place and arm alone. */
export const apart = (pack: Fragment): Fragment => sql`if(${pack} >= ${never}, ${pack}, bitAnd(${pack}, 255))`

/** Whether a packed exposure is one {@link apart}; no identity that is in an arm or in several has such a one. */
export const isApart = (pack: Fragment): Fragment => sql`(${pack} >= ${never} OR ${since(pack)} = 0)`

/** A trait of an exposure as a number, NaN where it isn't a usable one. */
const traitOf = (property: Property): Fragment =>
  sql`if(ifNull(${isUsableNumber(asNumber(property))}, 0), assumeNotNull(${asNumber(property)}), nan)`

/**
 * A trait at the first exposure in a declared variant: of several exposures in the same millisecond the one that decides the arm,
 * and of several of those the smallest that is a number.
 */
const firstTrait = (i: number): Fragment => {
  const value = own("x", i)
  return sql`argMinIf(${value}, (${own("at")}, ${own("arm")}, isNaN(${value}), ${value}), ${own("arm")} != ${
    integer(noArm)
  }) AS ${numbered("x", i)}`
}

/** How many breakdowns fit one {@link slicesOf} number. */
const breakdownsPerPack = 8

/** The numbers that carry the codes of all breakdowns, one byte each. */
export const slicePacks = ({ breakdowns }: Plan): ReadonlyArray<ReadonlyArray<PlannedBreakdown>> =>
  Array.from(
    { length: Math.ceil(breakdowns.length / breakdownsPerPack) },
    (_, i) => breakdowns.slice(i * breakdownsPerPack, (i + 1) * breakdownsPerPack)
  )

/** The code of a breakdown, read off the numbers that carry them. */
export const codeOf = (breakdown: number): Fragment =>
  sql`bitAnd(bitShiftRight(${numbered("slices", Math.floor(breakdown / breakdownsPerPack))}, ${
    integer(8 * (breakdown % breakdownsPerPack))
  }), 255)`

/** A trait as text, empty where the exposure lacks it. */
const traitText = (property: Property): Fragment => sql`ifNull(${asText(property)}, '')`

/** The codes of breakdowns in an exposure, as one number. */
const slicesOf = (breakdowns: ReadonlyArray<PlannedBreakdown>): Fragment =>
  join(
    breakdowns.map((breakdown, i) => {
      const value = traitText(breakdown.property)
      const other = sql`toUInt8(${integer(otherCode(breakdown))})`
      const code = breakdown.values.length === 0 ?
        other :
        sql`transform(${value}, ${parameter("Array(String)", breakdown.values)}, ${
          parameter("Array(UInt8)", breakdown.values.map((_, j) => j + 1))
        }, ${other})`
      return sql`bitShiftLeft(toUInt64(if(${value} = '', toUInt8(0), ${code})), ${integer(8 * i)})`
    }),
    sql` + `
  )

/** What exposures say beside who, when and which arm: numeric traits, and the codes of breakdowns. */
export const carriedBy = (plan: Plan) => [
  ...plan.traits.map((property, i) => ({
    name: numbered("x", i),
    read: sql`${traitOf(property)} AS ${own("x", i)}`,
    first: firstTrait(i),
    nothing: sql`nan`
  })),
  ...slicePacks(plan).map((breakdowns, i) => {
    const pack = own("slices", i)
    return {
      name: numbered("slices", i),
      read: sql`${slicesOf(breakdowns)} AS ${pack}`,
      first: sql`argMinIf(${pack}, (${own("at")}, ${own("arm")}, ${pack}), ${own("arm")} != ${integer(noArm)}) AS ${
        numbered("slices", i)
      }`,
      nothing: sql`toUInt64(0)`
    }
  })
]

/** The numbers of the experiments on the feature of an exposure, as rows. */
const sharersOf = (sharers: ReadonlyArray<Sharer>, feature: string): Fragment => {
  const features = featuresOf(sharers)
  const counts = features.map((one) => sharers.filter((sharer) => sharer.feature === one).length)
  const firsts = features.map((one) => 1 + sharers.findIndex((sharer) => sharer.feature === one))
  const ofFeature = (values: ReadonlyArray<number>) =>
    sql`transform(${text(feature)}, ${parameter("Array(String)", features)}, ${integers(values)}, 0)`
  const first = sql`toUInt16(${ofFeature(firsts)})`
  return counts.every((count) => count === 1)
    ? first
    : sql`arrayJoin(range(${first}, toUInt16(${ofFeature(firsts.map((one, i) => one + counts[i]!))})))`
}

/** One row per exposure and experiment of a shared plan that it belongs to: `k`, `at`, `arm`, and the number of the experiment. */
const sharedExposureRows = (plan: Plan, sharers: ReadonlyArray<Sharer>, source: ExposureSource): Fragment => {
  const number = own("experiment")
  const ranked = sharers.map(rankedArms)
  const texts = ranked.map((ranks) => JSON.stringify(ranks))
  const sets = [...new Set(texts)]
  const [set, ...others] = sets.map((one) => ranked[texts.indexOf(one)]!)
  const rankOf = (variant: Fragment, names: ReadonlyArray<string>, ranks: ReadonlyArray<number>) =>
    sql`toUInt8(transform(${variant}, ${parameter("Array(String)", names)}, ${integers(ranks)}, ${integer(noArm)}))`
  const rank = others.length === 0
    ? rankOf(own("variant"), set!, set!.map((_, i) => i))
    : rankOf(
      sql`concat(toString(${each(plan, (_, i) => sets.indexOf(texts[i]!), number)}), ' ', ${own("variant")})`,
      [set!, ...others].flatMap((ranks, i) => ranks.map((arm) => `${i} ${arm}`)),
      [set!, ...others].flatMap((ranks) => ranks.map((_, rank) => rank))
    )
  return sql`SELECT ${own("k")}, ${own("at")}, ${rank} AS ${own("arm")}, ${number}
            FROM (
              SELECT ${
    join([
      sql`${identityKey(text(source.identity))} AS ${own("k")}`,
      sql`${offset(plan, source.timestamp)} AS ${own("at")}`,
      sql`${text(source.variant)} AS ${own("variant")}`,
      sql`${sharersOf(sharers, source.feature)} AS ${number}`
    ])
  }
              FROM ${source.from}
              WHERE ${and(source.where)}
            )
            WHERE ${number} != 0
              AND ${own("at")} >= ${each(plan, ({ from }) => offsetOf(plan, from), number)}
              AND ${own("at")} < ${each(plan, ({ to }) => offsetOf(plan, to), number)}`
}

/** One row per exposure: `k`, `at`, `arm`, and what else is asked for, in columns of our own. */
export const exposureRows = (plan: Plan, source: ExposureSource, further: ReadonlyArray<Fragment>): Fragment => {
  const ranks = rankedArms(plan)
  const rank = sql`toUInt8(transform(${text(source.variant)}, ${parameter("Array(String)", ranks)}, ${
    parameter("Array(UInt8)", ranks.map((_, i) => i))
  }, toUInt8(${integer(noArm)})))`
  return sql`SELECT ${
    join([
      sql`${identityKey(text(source.identity))} AS ${own("k")}`,
      sql`${offset(plan, source.timestamp)} AS ${own("at")}`,
      sql`${rank} AS ${own("arm")}`,
      ...further
    ])
  }
            FROM ${source.from}
            WHERE ${and(source.where)}`
}

/** Which variants an identity was seen in, a bit for each. */
const seen = sql`groupBitOr(bitShiftLeft(toUInt64(1), ${own("arm")})) AS seen`

/**
 * A row per identity in an arm, with the values of all breakdowns at its first exposure as an array of texts, `traits`; those
 * of the same millisecond are taken in order.
 */
export const exposedTraits = (plan: Plan): Fragment => {
  const source = exposureSource(plan, "all")
  const traits = own("traits")
  const known = sql`bitAnd(seen, ${declared})`
  return sql`SELECT argMinIf(${traits}, (${own("at")}, ${own("arm")}, ${traits}), ${own("arm")} != ${
    integer(noArm)
  }) AS traits, ${seen}
  FROM (
    ${
    exposureRows(plan, source, [
      sql`[${join(plan.breakdowns.map(({ property }) => traitText(property)))}] AS ${traits}`
    ])
  } AND ${text(source.identity)} != ''
  )
  GROUP BY ${own("k")}
  HAVING ${quarantines(plan) ? sql`bitCount(${known}) = 1` : sql`${known} != 0`}`
}

/**
 * About how many identities were exposed in each experiment of a shared plan: `experiment`, its number, and `identities`; none for an experiment
 * without exposures.
 */
export const exposedCounts = (plan: Plan, sharers: ReadonlyArray<Sharer>): Fragment =>
  sql`SELECT ${own("experiment")} AS ${sharer}, uniqCombined(${own("k")}) AS identities
FROM (
            ${sharedExposureRows(plan, sharers, exposureSource(plan, shardsOf(plan)))}
)
GROUP BY ${sharer}`

/** The exposures that a shared plan joins events to: those without an identity are one row, of all experiments. */
export const sharedExposures = (plan: Plan): Fragment =>
  sql`SELECT k, ${sharer}, pack FROM (
    ${exposures(plan)}
    )
    WHERE k != ${nameless}
    UNION ALL
    SELECT ${nameless}, toUInt16(0), ${never} + 1`

/**
 * One row per identity: `k` and `pack`, one number that carries through the join all that a row needs to know. For an
 * identity in an arm: since × 256 + rank × 4 + 2 if it was also seen in an undeclared variant + 1 if in several declared
 * ones. For one that was seen in undeclared variants only: `never`. Exposures without an identity make one row, `never` + 1 +
 * their number; it is always there (a row is added for it), so that events without an identity are counted, too. Traits of the
 * first exposure follow as `x0…`, the codes of breakdowns as `slices0…`. `rows` are the exposures, those of the plan's table where
 * nothing is said. In a shared plan a row is for an identity in one experiment.
 */
export const exposures = (plan: Plan, rows?: Fragment): Fragment => {
  const carried = carriedBy(plan)
  const source = exposureSource(plan, shardsOf(plan))
  const all = rows ?? (plan.sharers === undefined
    ? exposureRows(plan, source, carried.map(({ read }) => read))
    : sharedExposureRows(plan, plan.sharers, source))
  const ofSharer = plan.sharers === undefined ? empty : sql`, ${sharer}`
  const known = sql`bitAnd(seen, ${declared})`
  const lines = sql`,
            `
  return sql`SELECT ${join([word("k"), ...carried.map(({ name }) => name)])}${ofSharer},
          multiIf(k = ${nameless}, ${never} + exposed,
            ${known} = 0, ${never},
            first * 4 + if(bitTest(seen, ${integer(noArm)}), 2, 0) + if(bitCount(${known}) > 1, 1, 0)) AS pack
        FROM (
          SELECT ${
    join([
      sql`${own("k")} AS k`,
      sql`count() AS exposed`,
      ...carried.map(({ first }) => first),
      sql`min(if(${own("arm")} = ${integer(noArm)}, ${never}, toUInt64(${own("at")}) * 64 + ${own("arm")})) AS first`,
      seen,
      ...(plan.sharers === undefined ? [] : [sql`${own("experiment")} AS ${sharer}`])
    ], lines)
  }
          FROM (
            ${all}
            UNION ALL
            SELECT ${
    join([
      nameless,
      sql`${offsetType(plan)}(0)`,
      sql`toUInt8(${integer(noArm)})`,
      ...carried.map(({ nothing }) => nothing),
      ...(plan.sharers === undefined ? [] : [sql`arrayJoin(${integers(plan.sharers.map((_, i) => i + 1))})`])
    ])
  }
          )
          GROUP BY k${ofSharer}
        )`
}
