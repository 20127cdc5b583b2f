/** Strategies: which of several statements that give the same answer a plan is compiled to, by plain rules. */
import { type Increments, incrementsOf } from "./Increments.ts"
import { type Long, longOf } from "./Long.ts"
import type { Plan } from "./Plan.ts"
import type { Property } from "./Property.ts"
import { isSharded } from "./statement/table.ts"

/**
 * How the statement of a plan is written, and why so. `exposures` says how often they are read. `once`: events RIGHT JOIN exposures, a row
 * for every exposed identity. `twice`: events INNER JOIN exposures, a row for each identity with an event that counts; the exposures are
 * counted apart, and the decoder adds those without one. `long` is the {@link Long} form where units are kept per identity and event;
 * undefined where they are wide, a column for each accumulator. `increments` are those that a series comes from, of the form that is taken;
 * undefined where there is none.
 */
export interface Strategy {
  readonly exposures: "once" | "twice"
  readonly long: Long | undefined
  readonly increments: Increments | undefined
  readonly because: { readonly exposures: string; readonly columns: string; readonly series: string | undefined }
}

/**
 * From so many accumulators per identity on the long form pays, if it has at most a quarter of them. Measured with sums over as many
 * events: docs/performance.md.
 */
const leastLong = 24

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

/** How a series comes about. */
const seriesText = ({ steps }: Increments): string => {
  const walked = new Set(steps.map(({ accumulator }) => accumulator)).size
  return "each event adds to what its period changed" + (walked === 0
    ? ""
    : `, and for ${walked} of the accumulators, no sums over single events, each period of an identity does`)
}

/** The strategy of a plan. */
export const strategyOf = (plan: Plan): Strategy => {
  const once = (because: string): Strategy => ({
    exposures: "once",
    long: undefined,
    increments: undefined,
    because: { exposures: because, columns: "each identity has a row, also without events", series: undefined }
  })
  const { columns, long } = chosenForm(plan)
  const increments = plan.series === undefined
    ? undefined
    : incrementsOf(long?.plan ?? plan, plan.metrics.map((_, m) => long?.measures[m]!.at ?? m))
  if (increments === undefined) {
    if (plan.mapping.cluster !== undefined && !isSharded(plan)) {
      return once("the exposures of all shards travel to one node, and would travel twice")
    }
    const isParsed = ({ path }: Property) => path.length > 0
    if (long === undefined && [...plan.breakdowns.map(({ property }) => property), ...plan.traits].some(isParsed)) {
      return once("slices or traits are parsed from JSON, which costs more than a row for each identity without events")
    }
  }
  return {
    exposures: "twice",
    long,
    increments,
    because: {
      exposures: "identities without events are counted from the exposures alone",
      columns,
      series: increments && seriesText(increments)
    }
  }
}
