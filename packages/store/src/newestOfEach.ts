/** The newest snapshots of several experiments, where each has a list of its own that costs little. */
import { Effect } from "effect"
import type { Listed, Shape } from "./Store.ts"

/** How many lists are read at the same time. */
const AT_ONCE = 8

/** The `newest` of a store that has this `list`. */
export const newestOfEach = (list: Shape["list"]): Shape["newest"] => (experiments) =>
  Effect.forEach(
    experiments,
    (experiment) =>
      Effect.map(list(experiment), ([first]): ReadonlyArray<readonly [string, Listed]> =>
        first === undefined ? [] : [[experiment, first]]),
    { concurrency: AT_ONCE }
  ).pipe(Effect.map((found) =>
    new Map(found.flat())
  ))
