/**
 * From a plan to one statement.
 *
 * The statement reads metric events once, and exposures once or twice (see Strategy):
 *
 * - `exposures`: one row per identity: since when it is exposed, in which arm, whether it was seen in several;
 * - `events`: the metric events of the window, values parsed once, repeated rows removed by the policy;
 * - `units`: events joined to exposures, aggregated per identity: all identities, those without events with zeros, or only those
 *   with events;
 * - the outer query: moments and counts per arm, never a row per identity, and where the units lack some identities, how many there are.
 *
 * Events before an identity's exposure fall out in the conditions of the aggregates, not in the join.
 */
import type { Statement } from "@assay/model"
import { and, type Fragment, identifier, integer, join, parameter, render, sql } from "@assay/sql"
import type { Plan } from "../Plan.ts"
import { strategyOf } from "../Strategy.ts"
import { constants, narrowed } from "./constants.ts"
import { exposedTraits, exposureSource } from "./exposures.ts"
import { moments, talliedMoments } from "./moments.ts"
import { isSharded, own, text } from "./table.ts"
import { eventfulUnits, mergedUnits, units } from "./units.ts"

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
  output_format_json_map_as_array_of_tuples: 0,
  session_timezone: "UTC"
}

/** A fragment as a statement under the {@link pinnedSettings}. */
export const statement = (fragment: Fragment): Statement => ({ ...render(fragment), settings: pinnedSettings })

/**
 * The statement of a plan: one read of the metric events, one or two of the exposures, a row per arm. On a cluster that is sharded
 * by the identity, each shard runs it on its own part, and a row per arm and shard comes back.
 */
export const compile = (plan: Plan): Statement => {
  const { exposures, increments, long } = strategyOf(plan)
  const form = long?.plan ?? plan
  const whole = exposures === "twice"
    ? talliedMoments(form, eventfulUnits(form, increments), increments)
    : moments(plan, units(plan, "value"))
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
 * part of the exposures, and an identity's first one might be in another. Also for plans with a series.
 */
export const compileMerged = (plans: readonly [Plan, ...Array<Plan>]): Statement =>
  statement(moments(plans[0], merged(plans)))

const merged = (plans: ReadonlyArray<Plan>): Fragment => {
  if (plans.some(({ series }) => series !== undefined)) {
    throw new RangeError("States of batches don't tell when their events happened, so they have no series")
  }
  if (plans.length > 1 && plans.some(({ mapping }) => mapping.exposures === undefined)) {
    throw new RangeError("Batches of events can be merged only where exposures have a table of their own")
  }
  return mergedUnits(plans)
}

/**
 * The statement that finds the constants of a plan, in one read of the exposures and of the events that they are made of: one row, also
 * from a sharded cluster. `decodeConstants` reads it, and `withConstants` puts them into the plan. Undefined for a plan without constants.
 */
export const compileConstants = (plan: Plan): Statement | undefined => {
  if (plan.constants.length === 0) return undefined
  const own = narrowed(plan)
  return statement(constants(own, units(own, "value")))
}

/** The same for events that lie in several tables; see {@link compileMerged}. */
export const compileMergedConstants = (plans: readonly [Plan, ...Array<Plan>]): Statement | undefined => {
  if (plans[0].constants.length === 0) return undefined
  const own = plans.map(narrowed)
  return statement(constants(own[0]!, merged(own)))
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

/**
 * A statement that finds the values of a plan's breakdowns: of each (`breakdown`, its place) the `most` that most identities in
 * arms had at their first exposure, most first: `value`, `identities`, and in `different` how many values there are in all. The
 * values that get a slice of their own are then put into the plan ({@link withSliceValues}), so that its own statement carries
 * a byte per breakdown instead of texts. Undefined for a plan without breakdowns.
 */
export const compileSliceValues = (plan: Plan, most: number): Statement | undefined =>
  plan.breakdowns.length === 0 ? undefined : statement(
    sql`SELECT breakdown, trait AS value, identities, count() OVER (PARTITION BY breakdown) AS different
FROM (
  SELECT breakdown, trait, count() AS identities
  FROM (
    ${exposedTraits(plan)}
  )
  ARRAY JOIN traits AS trait, range(${integer(plan.breakdowns.length)}) AS breakdown
  WHERE trait != ''
  GROUP BY breakdown, trait
)
ORDER BY breakdown, identities DESC, value
LIMIT ${integer(most)} BY breakdown`
  )

/** A table as people write it. */
export const tableName = (at: { readonly database?: string; readonly table: string }): string =>
  at.database === undefined ? at.table : `${at.database}.${at.table}`
