/** Exposures: one row per identity. */
import { and, empty, type Fragment, identifier, integer, join, parameter, sql } from "@assay/sql"
import type { Plan } from "../Plan.ts"
import { asNumber, type Property } from "../Property.ts"
import { isUsableNumber, numbered } from "./events.ts"
import { identityKey, inEnvironment, inWindow, offset, offsetType, own, shardsOf, table, text } from "./table.ts"

interface ExposureSource {
  readonly from: Fragment
  readonly identity: string
  readonly variant: string
  readonly timestamp: string
  readonly where: ReadonlyArray<Fragment>
}

export const exposureSource = (plan: Plan, shards: "own" | "all"): ExposureSource => {
  const { mapping, experiment } = plan
  const feature = parameter("String", experiment.feature)
  if (mapping.exposures !== undefined) {
    const { columns, identities } = mapping.exposures
    return {
      from: table(plan, mapping.exposures, shards),
      identity: identities[plan.identity]!,
      variant: columns.variant,
      timestamp: columns.timestamp,
      where: [
        ...inEnvironment(plan, columns.environment),
        sql`${identifier(columns.feature)} = ${feature}`,
        ...inWindow(plan, columns.timestamp)
      ]
    }
  }
  const { columns } = mapping
  return {
    from: table(plan, mapping, shards),
    identity: mapping.identities[plan.identity]!,
    variant: columns.value,
    timestamp: columns.timestamp,
    where: [
      ...inEnvironment(plan, columns.environment),
      sql`${identifier(columns.event)} = ${parameter("String", mapping.exposure_event)}`,
      sql`${identifier(columns.feature)} = ${feature}`,
      ...inWindow(plan, columns.timestamp)
    ]
  }
}

/** Rank of "no declared variant" in the packed column of an exposure. */
const noArm = 63

/** Arms in the order of their keys: the order that breaks ties between exposures of one millisecond. */
export const rankedArms = (plan: Plan): ReadonlyArray<string> =>
  plan.arms.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))

/** The packed exposure of an identity that is in no arm: later than any event. */
export const never = sql`toUInt64(4611686018427387904)`

/** The bits of the declared variants. */
const declared = sql`toUInt64(9223372036854775807)`

/** The key of identities without a name. */
const nameless = identityKey(sql`''`)

/** Since when an identity is exposed, in milliseconds of the window, read off its packed exposure. */
export const since = (pack: Fragment): Fragment => sql`bitShiftRight(${pack}, 8)`

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

/**
 * One row per identity: `k` and `pack`, one number that carries through the join all that a row needs to know. For an
 * identity in an arm: since × 256 + rank × 4 + 2 if it was also seen in an undeclared variant + 1 if in several declared
 * ones. For one that was seen in undeclared variants only: `never`. Exposures without an identity make one row, `never` + 1 +
 * their number; it is always there (a row is added for it), so that events without an identity are counted, too. Traits of the
 * first exposure follow as `x0…`.
 */
export const exposures = (plan: Plan): Fragment => {
  const source = exposureSource(plan, shardsOf(plan))
  const ranks = rankedArms(plan)
  const rank = sql`toUInt8(transform(${text(source.variant)}, ${parameter("Array(String)", ranks)}, ${
    parameter("Array(UInt8)", ranks.map((_, i) => i))
  }, toUInt8(${integer(noArm)})))`
  const known = sql`bitAnd(seen, ${declared})`
  return sql`SELECT k,${plan.traits.length === 0 ? empty : sql` ${join(plan.traits.map((_, i) => numbered("x", i)))},`}
          multiIf(k = ${nameless}, ${never} + exposed,
            ${known} = 0, ${never},
            first * 4 + if(bitTest(seen, ${integer(noArm)}), 2, 0) + if(bitCount(${known}) > 1, 1, 0)) AS pack
        FROM (
          SELECT ${own("k")} AS k,
            count() AS exposed,${
    plan.traits.length === 0 ? empty : sql`
            ${
      join(
        plan.traits.map((_, i) => firstTrait(i)),
        sql`,
            `
      )
    },`
  }
            min(if(${own("arm")} = ${integer(noArm)}, ${never}, toUInt64(${own("at")}) * 64 + ${own("arm")})) AS first,
            groupBitOr(bitShiftLeft(toUInt64(1), ${own("arm")})) AS seen
          FROM (
            SELECT ${identityKey(text(source.identity))} AS ${own("k")}, ${offset(plan, source.timestamp)} AS ${
    own("at")
  }, ${rank} AS ${own("arm")}${
    join([empty, ...plan.traits.map((property, i) => sql`${traitOf(property)} AS ${own("x", i)}`)])
  }
            FROM ${source.from}
            WHERE ${and(source.where)}
            UNION ALL
            SELECT ${nameless}, ${offsetType(plan)}(0), toUInt8(${integer(noArm)})${
    join([empty, ...plan.traits.map(() => sql`nan`)])
  }
          )
          GROUP BY k
        )`
}
