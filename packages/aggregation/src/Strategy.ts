/** Strategies: which of several statements that give the same answer a plan is compiled to, by plain rules. */
import { type Increments, incrementsOf } from "./Increments.ts"
import { type Long, longOf } from "./Long.ts"
import type { Plan } from "./Plan.ts"
import { isSharded } from "./statement/table.ts"

/**
 * How the statement of a plan is written, and why so. `exposures` says how often they are read. `once`: events RIGHT JOIN exposures, a row
 * for every exposed identity. `twice`: events INNER JOIN exposures, a row for each identity with an event that counts; the exposures are
 * counted apart, and the decoder adds those without one. `long` is the {@link Long} form where units are kept per identity and event;
 * undefined where they are wide, a column for each accumulator. `increments` are those that a series comes from, of the form that is taken;
 * undefined where there is none, or where it comes from a row for each identity and period.
 */
export interface Strategy {
  readonly exposures: "once" | "twice"
  readonly long: Long | undefined
  readonly increments: Increments | undefined
  readonly because: { readonly exposures: string; readonly columns: string }
}

/**
 * From so many accumulators per identity on the long form pays, if it has at most a quarter of them. Measured with sums over as many
 * events: docs/performance.md.
 */
export const leastLong = 24

const mostShared = 1 / 4

/** The long form of a plan where it is the better one, and why it is or isn't. */
const chosenForm = (plan: Plan): { readonly long: Long | undefined; readonly columns: string } => {
  const wide = plan.accumulators.length
  if (wide < leastLong) return { long: undefined, columns: `there are fewer than ${leastLong} accumulators` }
  const long = longOf(plan)
  if (long === undefined) return { long, columns: "a metric is about several events" }
  const narrow = long.plan.accumulators.length
  return narrow <= mostShared * wide
    ? { long, columns: `${wide} accumulators are ${narrow} for each event` }
    : { long: undefined, columns: `the ${wide} accumulators would still be ${narrow} for each event` }
}

/** The strategy of a plan. */
export const strategyOf = (plan: Plan): Strategy => {
  const once = (because: string): Strategy => ({
    exposures: "once",
    long: undefined,
    increments: undefined,
    because: { exposures: because, columns: "each identity has a row, also without events" }
  })
  if (plan.traits.length > 0) return once("a covariate is a trait, which identities without events have, too")
  if (plan.mapping.cluster !== undefined && !isSharded(plan)) {
    return once("the exposures of all shards travel to one node, and would travel twice")
  }
  const { columns, long } = chosenForm(plan)
  const increments = plan.series === undefined
    ? undefined
    : incrementsOf(long?.plan ?? plan, plan.metrics.map((_, m) => long?.measures[m]!.at ?? m))
  if (plan.series !== undefined && increments === undefined) {
    return once("a metric of the series isn't a sum over single events, so it takes a row for each identity and period")
  }
  const parsed = plan.breakdowns.some(({ property }) => property.path.length > 0)
  if (parsed && long === undefined && increments === undefined) {
    return once("slices are parsed from JSON, which costs more than a row for each identity without events")
  }
  return {
    exposures: "twice",
    long,
    increments,
    because: {
      exposures: "identities without events have the same value, so they are counted from the exposures alone",
      columns
    }
  }
}
