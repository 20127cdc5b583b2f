/**
 * From a plan to one statement.
 *
 * The statement reads exposures once and metric events once:
 *
 * - `exposures`: one row per identity: since when it is exposed, in which arm, whether it was seen in several;
 * - `events`: the metric events of the window, values parsed once, repeated rows removed by the policy;
 * - `units`: events RIGHT JOIN exposures, aggregated per identity, so identities without events are there with zeros;
 * - the outer query: moments and counts per arm, never a row per identity.
 *
 * Events before an identity's exposure fall out in the conditions of the aggregates, not in the join.
 */
import { Instant, type Statement } from "@assay/model"
import { and, empty, type Fragment, identifier, integer, join, parameter, render, sql, word } from "@assay/sql"
import { compileConditions } from "./Filter.ts"
import { accumulatorIndex, ownPrefix, type Plan, type PlannedAccumulator } from "./Plan.ts"
import { asNumber } from "./Property.ts"
import type { UnitColumn } from "./Unit.ts"

/**
 * Values beyond this (either sign) are left out like those that aren't numbers: sums of their squares would not be finite.
 */
export const largestValue = 1e100

/** Settings that the meaning of the statement depends on, whatever a user's profile says. */
export const pinnedSettings: Readonly<Record<string, string | number>> = {
  join_use_nulls: 0,
  aggregate_functions_null_for_empty: 0,
  transform_null_in: 0,
  join_default_strictness: "ALL",
  prefer_column_name_to_alias: 0,
  date_time_output_format: "simple",
  bool_true_representation: "true",
  bool_false_representation: "false",
  output_format_decimal_trailing_zeros: 0,
  precise_float_parsing: 1,
  cast_keep_nullable: 0,
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_denormals: 1,
  session_timezone: "UTC"
}

/** Rank of "no declared variant" in the packed column of an exposure. */
const noArm = 63

const time = (millis: number): Fragment =>
  parameter("DateTime64(3, 'UTC')", Instant.fromMillis(millis).replace("T", " ").replace("Z", ""))

/**
 * Whether all that belongs to one identity of the plan lies on one shard, so that each shard can do the whole work and send
 * sums alone.
 */
export const isSharded = ({ identity, mapping }: Plan): boolean =>
  mapping.cluster !== undefined && mapping.cluster.identity === identity

/** A table to read from: as it lies on the node that reads it, or the rows of it on all shards of the cluster. */
const table = (
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
const shardsOf = (plan: Plan): "own" | "all" => isSharded(plan) ? "own" : "all"

/** A column as text, never NULL. An identity that is NULL is one without a name, a variant that is NULL the empty one. */
const text = (column: string): Fragment => sql`ifNull(toString(${identifier(column)}), '')`

/**
 * A name that the program gives to what it reads from a table. ClickHouse takes an alias for a column of the same name
 * everywhere in a SELECT, so no mapped column may be called so; {@link ownPrefix}.
 */
const own = (name: string, i?: number): Fragment => word(`${ownPrefix}${name}${i ?? ""}`)

/**
 * The key that stands for an identity in the statement: 64 bits, so that the join and the aggregation stay narrow. Two of
 * n identities share one with probability n²/2⁶⁵ (2 million: 1e-7, 50 million: 7e-5), which would make them one identity.
 */
const identityKey = (text: Fragment): Fragment => sql`cityHash64(${text})`

/**
 * Milliseconds since the start of the window plus 1, so that 0 is no event's. 32 bits suffice for 49 days. The window's
 * bounds leave no NULL.
 */
const offset = (plan: Plan, column: string): Fragment => {
  const millis = sql`toUnixTimestamp64Milli(toDateTime64(${identifier(column)}, 3, 'UTC')) - ${
    parameter("Int64", plan.from - 1)
  }`
  return sql`assumeNotNull(${offsetType(plan)}(${millis}))`
}

const inWindow = (plan: Plan, column: string): ReadonlyArray<Fragment> => [
  sql`${identifier(column)} >= ${time(plan.from)}`,
  sql`${identifier(column)} < ${time(plan.to)}`
]

const inEnvironment = (plan: Plan, column: string | undefined): ReadonlyArray<Fragment> =>
  column === undefined ? [] : [sql`${identifier(column)} = ${parameter("String", plan.experiment.environment)}`]

interface ExposureSource {
  readonly from: Fragment
  readonly identity: string
  readonly variant: string
  readonly timestamp: string
  readonly where: ReadonlyArray<Fragment>
}

const exposureSource = (plan: Plan, shards: "own" | "all"): ExposureSource => {
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

/** Arms in the order of their keys: the order that breaks ties between exposures of one millisecond. */
export const rankedArms = (plan: Plan): ReadonlyArray<string> =>
  plan.arms.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))

/**
 * One row per identity: `k` and `pack`, one number that carries through the join all that a row needs to know. For an
 * identity in an arm: since × 256 + rank × 4 + 2 if it was also seen in an undeclared variant + 1 if in several declared
 * ones. For one that was seen in undeclared variants only: `never`. Exposures without an identity make one row, `never` + 1 +
 * their number; it is always there (a row is added for it), so that events without an identity are counted, too.
 */
const exposures = (plan: Plan): Fragment => {
  const source = exposureSource(plan, shardsOf(plan))
  const ranks = rankedArms(plan)
  const rank = sql`toUInt8(transform(${text(source.variant)}, ${parameter("Array(String)", ranks)}, ${
    parameter("Array(UInt8)", ranks.map((_, i) => i))
  }, toUInt8(${integer(noArm)})))`
  const known = sql`bitAnd(seen, ${declared})`
  return sql`SELECT k,
          multiIf(k = ${nameless}, ${never} + exposed,
            ${known} = 0, ${never},
            first * 4 + if(bitTest(seen, ${integer(noArm)}), 2, 0) + if(bitCount(${known}) > 1, 1, 0)) AS pack
        FROM (
          SELECT ${own("k")} AS k,
            count() AS exposed,
            min(if(${own("arm")} = ${integer(noArm)}, ${never}, toUInt64(${own("at")}) * 64 + ${own("arm")})) AS first,
            groupBitOr(bitShiftLeft(toUInt64(1), ${own("arm")})) AS seen
          FROM (
            SELECT ${identityKey(text(source.identity))} AS ${own("k")}, ${offset(plan, source.timestamp)} AS ${
    own("at")
  }, ${rank} AS ${own("arm")}
            FROM ${source.from}
            WHERE ${and(source.where)}
            UNION ALL
            SELECT ${nameless}, ${offsetType(plan)}(0), toUInt8(${integer(noArm)})
          )
          GROUP BY k
        )`
}

const offsetType = (plan: Plan): Fragment => word(plan.to - plan.from < 2 ** 32 ? "toUInt32" : "toUInt64")

/** The packed exposure of an identity that is in no arm: later than any event. */
const never = sql`toUInt64(4611686018427387904)`

/** The bits of the declared variants. */
const declared = sql`toUInt64(9223372036854775807)`

/** The key of identities without a name. */
const nameless = identityKey(sql`''`)

/** Since when an identity is exposed, in milliseconds of the window, read off its packed exposure. */
const since = (pack: Fragment): Fragment => sql`bitShiftRight(${pack}, 8)`

/** Distinct values that streams read, and distinct lists of conditions; each is computed once per event. */
interface EventColumns {
  readonly events: ReadonlyArray<string>
  readonly values: ReadonlyArray<Fragment>
  readonly conditions: ReadonlyArray<Fragment>
  readonly streams: ReadonlyArray<
    { readonly event: number; readonly value: number | undefined; readonly condition: number | undefined }
  >
}

const eventColumns = (plan: Plan): EventColumns => {
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

const numbered = (prefix: string, i: number): Fragment => word(`${prefix}${i}`)

/** Whether a number can be used; NaN and NULL can't. */
const isUsable = (number: Fragment): Fragment => sql`abs(${number}) <= 1e100`

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

/**
 * One row per metric event, in columns of our {@link own}: `k`; `m`, the number of its event name from 1; `t`; `v0…` its values, NaN where unusable;
 * `c0…` its conditions; `copies`, how many rows it came in, where repeated rows are removed.
 */
const events = (plan: Plan, columns: EventColumns): Fragment => {
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

/** The number of an event's name, from 1. Only events with one of the names are read, so none is NULL. */
const eventNumber = (column: string, names: ReadonlyArray<string>): Fragment =>
  names.length === 1
    ? sql`toUInt16(1)`
    : sql`assumeNotNull(toUInt16(transform(toString(${identifier(column)}), ${parameter("Array(String)", names)}, ${
      parameter("Array(UInt16)", names.map((_, i) => i + 1))
    }, toUInt16(0))))`

const combinator = (accumulator: PlannedAccumulator["accumulator"]): Fragment => {
  switch (accumulator.kind) {
    case "count":
      return word("count")
    case "any":
      return word("max")
    default:
      return word(accumulator.kind)
  }
}

/**
 * When an attributed event counts for a stream. `on` is the number of its event name, 0 where it came too early; `on0…` the
 * same for the events whose value `v0…` can be used.
 */
const counts = (columns: EventColumns, stream: number): Fragment => {
  const { condition, event, value } = columns.streams[stream]!
  const happened = sql`${value === undefined ? word("on") : numbered("on", value)} = ${integer(event)}`
  return condition === undefined ? happened : sql`${happened} AND ${numbered("c", condition)}`
}

/** An accumulator as a conditional aggregate, whole or as a state for merging. */
const accumulate = (
  columns: EventColumns,
  { stream, accumulator }: PlannedAccumulator,
  form: "value" | "state"
): Fragment => {
  const { value } = columns.streams[stream]!
  const argument = accumulator.kind === "count"
    ? empty
    : accumulator.kind === "any"
    ? sql`toUInt8(1), `
    : accumulator.of.kind === "value"
    ? sql`${numbered("v", value!)}, `
    : sql`toFloat64(t - ${since(sql`pack`)}), `
  return sql`${combinator(accumulator)}If${form === "state" ? word("State") : empty}(${argument}${
    counts(columns, stream)
  })`
}

/** Bits that the number of an event name takes in a {@link badEvent}. */
const eventBits = 16

/** Conditions that find room beside the number of an event name. */
const conditionBits = 64 - eventBits

/** Which conditions a {@link badEvent} tells: those of one chunk, enough for the streams that read the value. */
interface BadEvents {
  readonly name: Fragment
  readonly value: number
  readonly chunk: number
}

const chunkOf = (condition: number | undefined): number => Math.floor((condition ?? 0) / conditionBits)

const badEventsOf = (value: number, chunk: number): BadEvents => ({ name: word(`bad${value}_${chunk}`), value, chunk })

const badEvents = (columns: EventColumns): ReadonlyArray<BadEvents> =>
  columns.values.flatMap((_, value) => {
    const chunks = columns.streams.flatMap((stream) => (stream.value === value ? [chunkOf(stream.condition)] : []))
    return [...new Set(chunks)].map((chunk) => badEventsOf(value, chunk))
  })

/** An event whose value can't be used, as a number: its event name's, and a bit for each condition of a chunk that it meets. */
const badEvent = (columns: EventColumns, chunk: number): Fragment =>
  join(
    [
      sql`toUInt64(on)`,
      ...columns.conditions.flatMap((_, i) =>
        chunkOf(i) === chunk
          ? [sql`bitShiftLeft(toUInt64(${numbered("c", i)}), ${integer(eventBits + i % conditionBits)})`]
          : []
      )
    ],
    sql` + `
  )

/** Whether a {@link badEvent} belongs to a stream. */
const isBadEventOf = (columns: EventColumns, stream: number, bad: Fragment): Fragment => {
  const { condition, event } = columns.streams[stream]!
  const happened = sql`bitAnd(${bad}, ${integer(2 ** eventBits - 1)}) = ${integer(event)}`
  return condition === undefined
    ? happened
    : sql`${happened} AND bitTest(${bad}, ${integer(eventBits + condition % conditionBits)})`
}

/**
 * One row per identity: its packed exposure, counts for the findings, and its accumulators `a0…`, whole or as states.
 * `latest` is the offset of its newest event plus 1, 0 where it has none.
 */
const units = (plan: Plan, form: "value" | "state"): Fragment => {
  const columns = eventColumns(plan)
  const state = form === "state" ? word("State") : empty
  const copies = plan.deduplication.policy !== "none"
  const carried = join([
    sql`exposures.k AS k`,
    sql`exposures.pack AS pack`,
    sql`events.${own("m")} AS m`,
    sql`events.${own("t")} AS t`,
    ...columns.values.map((_, i) => sql`events.${own("v", i)} AS ${numbered("v", i)}`),
    ...columns.conditions.map((_, i) => sql`events.${own("c", i)} AS ${numbered("c", i)}`),
    ...(copies ? [sql`events.${own("copies")} AS copies`] : []),
    sql`if(events.${own("t")} >= ${since(sql`exposures.pack`)}, events.${own("m")}, toUInt16(0)) AS on`,
    ...columns.values.map((_, i) =>
      sql`if(${isUsable(sql`events.${own("v", i)}`)}, on, toUInt16(0)) AS ${numbered("on", i)}`
    )
  ])
  const aggregates = join(
    [
      sql`max(pack) AS exposure`,
      sql`countIf${state}(m != on) AS early`,
      sql`max${state}(t) AS latest`,
      ...(copies ? [sql`sumIf${state}(toUInt64(copies - 1), m != 0) AS repeated`] : []),
      ...badEvents(columns).map(({ chunk, name, value }) =>
        sql`groupArrayIf${state}(${badEvent(columns, chunk)}, on != ${numbered("on", value)}) AS ${name}`
      ),
      ...plan.accumulators.map((accumulator, i) =>
        sql`${accumulate(columns, accumulator, form)} AS ${numbered("a", i)}`
      )
    ],
    sql`,
      `
  )
  return sql`SELECT k,
      ${aggregates}
    FROM (
      SELECT ${carried}
      FROM (
    ${events(plan, columns)}
      ) AS events
      RIGHT JOIN (
    ${exposures(plan)}
      ) AS exposures ON events.${own("k")} = exposures.k
    )
    GROUP BY k`
}

/** The partial units of several event tables merged into one row per identity. */
const mergedUnits = (plans: ReadonlyArray<Plan>): Fragment => {
  const [plan] = plans
  const merge = (aggregate: Fragment, column: Fragment) => sql`${aggregate}Merge(${column}) AS ${column}`
  const columns = [
    sql`max(exposure) AS exposure`,
    merge(word("countIf"), word("early")),
    merge(word("max"), word("latest")),
    ...(plan!.deduplication.policy === "none" ? [] : [merge(word("sumIf"), word("repeated"))]),
    ...badEvents(eventColumns(plan!)).map(({ name }) => merge(word("groupArrayIf"), name)),
    ...plan!.accumulators.map(({ accumulator }, i) => merge(sql`${combinator(accumulator)}If`, numbered("a", i)))
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

/** A unit column over the identity's accumulators, as Float64. */
const unitValue = (plan: Plan, stream: number, column: UnitColumn): Fragment => {
  switch (column.kind) {
    case "accumulator":
      return sql`toFloat64(${numbered("a", accumulatorIndex(plan, stream, column.accumulator))})`
    case "constant":
      return parameter("Float64", String(column.value))
    default: {
      const left = unitValue(plan, stream, column.left)
      const right = unitValue(plan, stream, column.right)
      switch (column.kind) {
        case "add":
          return sql`(${left} + ${right})`
        case "subtract":
          return sql`(${left} - ${right})`
        case "multiply":
          return sql`(${left} * ${right})`
        case "divide":
          return sql`if(${right} = 0, toFloat64(0), ${left} / ${right})`
        case "least":
          return sql`least(${left}, ${right})`
        case "greatest":
          return sql`greatest(${left}, ${right})`
      }
    }
  }
}

/** Names of the columns that carry a metric's moments. */
export const momentColumns = (metric: number, i: number, j: number) => ({
  sum: `s${metric}_${i}`,
  product: `p${metric}_${i}_${j}`,
  comoment: `c${metric}_${i}_${j}`
})

/** Where an identity stands: in an arm, in several (quarantined), without a name, or in none that was declared. */
export const placements = ["arm", "quarantined", "nameless", "undeclared"] as const

const moments = (plan: Plan, unit: Fragment): Fragment => {
  const quarantines = (plan.experiment.multiple_variants ?? "quarantine") === "quarantine"
  const place = sql`multiIf(exposure > ${never}, 2, exposure = ${never}, 3, ${
    quarantines ? sql`bitTest(exposure, 0)` : sql`0`
  }, 1, 0)`
  const unitColumns = plan.metrics.flatMap((metric, m) =>
    metric.columns.map((column, i) => sql`${unitValue(plan, metric.stream, column)} AS ${word(`u${m}_${i}`)}`)
  )
  const sums = plan.metrics.flatMap((metric, m) =>
    metric.columns.flatMap((_, i) => [
      sql`sumKahan(${word(`u${m}_${i}`)}) AS ${word(momentColumns(m, i, i).sum)}`,
      ...metric.columns.slice(i).flatMap((_, step) => {
        const j = i + step
        const names = momentColumns(m, i, j)
        const [x, y] = [word(`u${m}_${i}`), word(`u${m}_${j}`)]
        return [
          sql`sumKahan(${x} * ${y}) AS ${word(names.product)}`,
          sql`${i === j ? sql`varPopStable(${x})` : sql`covarPopStable(${x}, ${y})`} * count() AS ${
            word(names.comoment)
          }`
        ]
      })
    ])
  )
  const columns = eventColumns(plan)
  const unusable = columns.streams.flatMap(({ condition, value }, stream) =>
    value === undefined ? [] : [
      sql`sum(arrayCount(event -> ${isBadEventOf(columns, stream, word("event"))}, ${
        badEventsOf(value, chunkOf(condition)).name
      })) AS ${word(`unusable${stream}`)}`
    ]
  )
  const outer = join(
    [
      sql`place`,
      sql`arm`,
      sql`count() AS n`,
      sql`sum(early) AS early_events`,
      sql`max(latest) AS latest_event`,
      ...(plan.deduplication.policy === "none" ? [] : [sql`sum(repeated) AS repeated_events`]),
      sql`sum(if(place = 2, exposure - ${never} - 1, 0)) AS nameless_exposures`,
      sql`countIf(place = 3 OR (place < 2 AND bitTest(exposure, 1))) AS undeclared`,
      ...unusable,
      ...sums
    ],
    sql`,
  `
  )
  return sql`SELECT ${outer}
FROM (
  SELECT ${
    join([
      sql`toUInt8(${place}) AS place`,
      sql`toUInt8(if(place = 0, bitAnd(bitShiftRight(exposure, 2), 63), 0)) AS arm`,
      sql`early`,
      sql`latest`,
      ...(plan.deduplication.policy === "none" ? [] : [sql`repeated`]),
      sql`exposure`,
      ...badEvents(columns).map(({ name }) => name),
      ...unitColumns
    ])
  }
  FROM (
    ${unit}
  )
)
GROUP BY place, arm`
}

const statement = (fragment: Fragment): Statement => ({ ...render(fragment), settings: pinnedSettings })

/**
 * The statement of a plan: one read of the exposures, one of the metric events, a row per arm. On a cluster that is sharded
 * by the identity, each shard runs it on its own part, and a row per arm and shard comes back.
 */
export const compile = (plan: Plan): Statement => {
  const whole = moments(plan, units(plan, "value"))
  return statement(
    isSharded(plan) ?
      sql`SELECT * FROM cluster(${identifier(plan.mapping.cluster!.name)}, view(
${whole}
))` :
      whole
  )
}

/**
 * The same for events that lie in several tables (batches that share no row): each plan differs in its event table alone,
 * partial states per identity are merged, and the result equals that of one pass over all events.
 *
 * @throws RangeError for several plans whose exposures aren't in a table apart: each batch of events would then hold only a
 * part of the exposures, and an identity's first one might be in another.
 */
export const compileMerged = (plans: readonly [Plan, ...Array<Plan>]): Statement => {
  if (plans.length > 1 && plans.some(({ mapping }) => mapping.exposures === undefined)) {
    throw new RangeError("Batches of events can be merged only where exposures have a table of their own")
  }
  return statement(moments(plans[0], mergedUnits(plans)))
}

/** How many undeclared variants {@link compileUndeclared} names. */
export const undeclaredShown = 20

/**
 * A statement that names the undeclared variants of a plan's exposures and counts the identities seen in each, most first:
 * `variant`, `identities`, and in `variants` how many there are in all. Worth running only where the plan's own statement
 * counts any: keeping names per identity there would cost half as much again.
 */
export const compileUndeclared = (plan: Plan): Statement => {
  const source = exposureSource(plan, "all")
  const variant = text(source.variant)
  return statement(
    sql`SELECT ${own("variant")} AS variant, ${own("identities")} AS identities, count() OVER () AS variants
FROM (
  SELECT ${variant} AS ${own("variant")}, uniqExact(${text(source.identity)}) AS ${own("identities")}
  FROM ${source.from}
  WHERE ${
      and([
        ...source.where,
        sql`${variant} NOT IN (${join(plan.arms.map((arm) => parameter("String", arm)))})`,
        sql`${text(source.identity)} != ''`
      ])
    }
  GROUP BY ${own("variant")}
)
ORDER BY identities DESC, variant
LIMIT ${integer(undeclaredShown)}`
  )
}

/** A table as people write it. */
export const tableName = (at: { readonly database?: string; readonly table: string }): string =>
  at.database === undefined ? at.table : `${at.database}.${at.table}`
