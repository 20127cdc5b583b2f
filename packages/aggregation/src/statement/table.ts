/** Where the statement reads: tables, times, identities, and names of its own for what it reads. */
import { Instant } from "@assay/model"
import { type Fragment, identifier, integer, join, parameter, sql, word } from "@assay/sql"
import { ownPrefix, type Plan, type Sharer } from "../Plan.ts"

/** A time as ClickHouse compares it with a column. */
export const time = (millis: number): Fragment =>
  parameter("DateTime64(3, 'UTC')", Instant.fromMillis(millis).replace("T", " ").replace("Z", ""))

/**
 * Whether all that belongs to one identity of the plan lies on one shard, so that each shard can do the whole work and send
 * sums alone.
 */
export const isSharded = ({ identity, mapping }: Plan): boolean =>
  mapping.cluster !== undefined && mapping.cluster.identity === identity

/** A table to read from: as it lies on the node that reads it, or the rows of it on all shards of the cluster. */
export const table = (
  plan: Plan,
  at: { readonly database?: string; readonly table: string },
  shards: "own" | "all"
): Fragment => {
  const { cluster } = plan.mapping
  const names = [...(at.database === undefined ? [] : [at.database]), at.table].map(identifier)
  return cluster === undefined || shards === "own"
    ? join(names, sql`.`)
    : sql`cluster(${join([identifier(cluster.name), ...names])})`
}

/** Which shards the tables of the statement are read from: each does its own part where that is the whole of its identities. */
export const shardsOf = (plan: Plan): "own" | "all" => isSharded(plan) ? "own" : "all"

/** A column as text, never NULL. An identity that is NULL is one without a name, a variant that is NULL the empty one. */
export const text = (column: string): Fragment => sql`ifNull(toString(${identifier(column)}), '')`

/**
 * A name that the program gives to what it reads from a table. ClickHouse takes an alias for a column of the same name
 * everywhere in a SELECT, so no mapped column may be called so; {@link ownPrefix}.
 */
export const own = (name: string, i?: number): Fragment => word(`${ownPrefix}${name}${i ?? ""}`)

/**
 * The key that stands for an identity in the statement: 64 bits, so that the join and the aggregation stay narrow. Two of
 * n identities share one with probability n²/2⁶⁵ (2 million: 1e-7, 50 million: 7e-5), which would make them one identity.
 */
export const identityKey = (text: Fragment): Fragment => sql`cityHash64(${text})`

/** Makes the hash that tells parts of the identities apart another one than those that may have made the arms. */
const salt = 0x61737361

/** The condition that an identity is in the plan's part of them. */
export const inPart = ({ part }: Plan, identity: string): ReadonlyArray<Fragment> => {
  if (part === undefined) return []
  const { from, of, to } = part
  const place = sql`cityHash64(${identityKey(text(identity))}, ${integer(salt)}) % ${integer(of)}`
  return [sql`${place} >= ${integer(from)} AND ${place} < ${integer(to)}`]
}

/** The number of the experiment that a row of a shared statement belongs to; 0 is all of them. */
export const sharer = word("experiment")

/** No number of a shared statement is larger. */
const largest = 2 ** 52

/** A list of whole numbers. */
export const integers = (values: ReadonlyArray<number>): Fragment => sql`[${join(values.map(integer))}]`

/**
 * A whole number that may differ by experiment. In a shared plan it is looked up by the number of the experiment that `of` says, unless it is
 * the same for all; for a row of all of them it is `forAll`.
 */
export const each = (
  plan: Plan,
  value: (one: Pick<Sharer, "from" | "to" | "reads">, i: number) => number,
  of: Fragment = sharer,
  forAll: "least" | "most" = "least"
): Fragment => {
  if (plan.sharers === undefined) return integer(value(plan, 0))
  const values = plan.sharers.map(value)
  if (new Set(values).size === 1) return integer(values[0]!)
  return sql`transform(${of}, ${integers(values.map((_, i) => i + 1))}, ${integers(values)}, ${
    integer(forAll === "least" ? 0 : largest)
  })`
}

/** Where a time stands among the {@link offset}s of a plan. */
export const offsetOf = (plan: Plan, millis: number): number => millis - plan.reads.from + 1

/**
 * Milliseconds since the first instant that the plan reads plus 1, so that 0 is no event's. 32 bits suffice for 49 days. The
 * window's bounds leave no NULL.
 */
export const offset = (plan: Plan, column: string): Fragment => {
  const millis = sql`toUnixTimestamp64Milli(toDateTime64(${identifier(column)}, 3, 'UTC')) - ${
    parameter("Int64", plan.reads.from - 1)
  }`
  return sql`assumeNotNull(${offsetType(plan)}(${millis}))`
}

export const offsetType = ({ reads }: Plan): Fragment => word(reads.to - reads.from < 2 ** 32 ? "toUInt32" : "toUInt64")

/** The condition that a time lies in [from, to). */
export const inWindow = (
  { from, to }: { readonly from: number; readonly to: number },
  column: string
): ReadonlyArray<Fragment> => [
  sql`${identifier(column)} >= ${time(from)}`,
  sql`${identifier(column)} < ${time(to)}`
]

export const inEnvironment = (plan: Plan, column: string | undefined): ReadonlyArray<Fragment> =>
  column === undefined ? [] : [sql`${identifier(column)} = ${parameter("String", plan.experiment.environment)}`]
