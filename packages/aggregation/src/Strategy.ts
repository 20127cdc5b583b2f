/** Strategies: which of several statements that give the same answer a plan is compiled to, by plain rules. */
import type { Plan } from "./Plan.ts"
import { isSharded } from "./statement/table.ts"

/**
 * How the statement of a plan is written, and why so. `exposures` says how often they are read. `once`: events RIGHT JOIN exposures, a row
 * for every exposed identity. `twice`: events INNER JOIN exposures, a row for each identity with an event that counts; the exposures are
 * counted apart, and the decoder adds those without one.
 */
export interface Strategy {
  readonly exposures: "once" | "twice"
  readonly because: string
}

/** The strategy of a plan. */
export const strategyOf = (plan: Plan): Strategy => {
  const once = (because: string): Strategy => ({ exposures: "once", because })
  if (plan.series !== undefined) return once("a point of the series needs the identities without events, too")
  if (plan.traits.length > 0) return once("a covariate is a trait, which identities without events have, too")
  if (plan.mapping.cluster !== undefined && !isSharded(plan)) {
    return once("the exposures of all shards travel to one node, and would travel twice")
  }
  return {
    exposures: "twice",
    because: "identities without events have the same value, so they are counted from the exposures alone"
  }
}
