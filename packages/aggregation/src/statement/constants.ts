/** The first statement of a plan that has constants: one row, with a value and a count for each. */
import { and, decimal, empty, type Fragment, identifier, integer, join, sql, word } from "@assay/sql"
import { mapLeaves, type PlannedConstant, valuesOf } from "../Constants.ts"
import { accumulatorOf, leaves, type Plan, type PlannedLeaf } from "../Plan.ts"
import { numbered } from "./events.ts"
import { rankedArms } from "./exposures.ts"
import { isRipe, placed, unitValue } from "./placed.ts"
import { isSharded } from "./table.ts"

/** Names of the columns that carry a constant: of all arms, or of one by its place in the plan. */
export const constantColumns = (constant: number, arm: number) => ({
  value: `q${constant}_${arm}`,
  count: `n${constant}_${arm}`
})

/** The plan reduced to what its constants are made of: no metrics, no parts, and no accumulators and streams but theirs. */
export const narrowed = (plan: Plan): Plan => {
  const used = [
    ...new Set(
      plan.constants.flatMap(({ column }) => leaves(column)).flatMap((leaf) => accumulatorOf(leaf) ?? [])
    )
  ]
  const streams = [...new Set(used.flatMap((index) => plan.accumulators[index]!.streams))]
  return {
    ...plan,
    metrics: [],
    breakdowns: [],
    series: undefined,
    streams: streams.map((index) => plan.streams[index]!),
    accumulators: used.map((index) => {
      const accumulator = plan.accumulators[index]!
      return { ...accumulator, streams: accumulator.streams.map((stream) => streams.indexOf(stream)) }
    }),
    constants: plan.constants.map((constant) => ({
      ...constant,
      column: mapLeaves(
        constant.column,
        (leaf) => {
          const index = accumulatorOf(leaf)
          return index === undefined ? leaf : { ...leaf, index: used.indexOf(index) } as PlannedLeaf
        }
      )
    }))
  }
}

const named = (
  plan: Plan,
  each: (
    names: ReturnType<typeof constantColumns>,
    one: PlannedConstant,
    c: number,
    arm: number
  ) => ReadonlyArray<Fragment>
) =>
  join(
    plan.constants.flatMap((constant, c) =>
      Array.from({ length: valuesOf(plan, constant) }, (_, arm) => each(constantColumns(c, arm), constant, c, arm))
        .flat()
    ),
    sql`,
  `
  )

/** The aggregate that finds a constant, over unit values or over lists of values; the combinators are those of its form. */
const quantileOf = ({ around, column, level }: PlannedConstant, form: Fragment): Fragment => {
  const name = around === undefined ? word("quantileExact") : word("quantilesExact")
  const array = column.kind === "list" ? word("Array") : empty
  return sql`${name}${array}If${form}(${join((around ?? [level]).map(decimal))})`
}

/** The constants of a {@link narrowed} plan over its units, as values or as states that shards send. */
export const constants = (plan: Plan, unit: Fragment): Fragment => {
  const form = isSharded(plan) ? word("State") : empty
  const ranks = rankedArms(plan)
  const columns = named(plan, ({ count, value }, constant, c, arm) => {
    const { column, of, over, ripeUntil } = constant
    const u = word(`u${c}`)
    const counted = and([
      sql`place = 0`,
      ...(over === "arm" ? [sql`arm = ${integer(ranks.indexOf(plan.arms[arm]!))}`] : []),
      ...(ripeUntil === undefined ? [] : [isRipe(plan, ripeUntil)]),
      ...(of === "nonzero" ? [sql`${u} != 0`] : [])
    ])
    return [
      sql`${quantileOf(constant, form)}(${u}, ${counted}) AS ${word(value)}`,
      column.kind === "list"
        ? sql`sumIf(length(${u}), ${counted}) AS ${word(count)}`
        : sql`countIf(${counted}) AS ${word(count)}`
    ]
  })
  const whole = sql`SELECT ${columns}
FROM (
  SELECT ${
    join([
      ...placed(plan),
      word("exposure"),
      ...plan.constants.map(({ column }, c) =>
        sql`${column.kind === "list" ? numbered("a", column.index) : unitValue(column, "a")} AS ${word(`u${c}`)}`
      )
    ])
  }
  FROM (
    ${unit}
  )
)`
  return isSharded(plan)
    ? sql`SELECT ${
      named(plan, ({ count, value }, constant) => [
        sql`${quantileOf(constant, word("Merge"))}(${word(value)}) AS ${word(value)}`,
        sql`sum(${word(count)}) AS ${word(count)}`
      ])
    }
FROM cluster(${identifier(plan.mapping.cluster!.name)}, view(
${whole}
))`
    : whole
}
