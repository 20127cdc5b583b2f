/** Which experiments are read together where they are due at the same time. */
import { plan } from "@assay/aggregation"
import type { ResultsSummary } from "@assay/model"
import { planReads, type ReadInput, sizeOf } from "@assay/pipeline"
import { type Standing, Store } from "@assay/store"
import { Effect, Exit, Option, Ref } from "effect"
import type { Work } from "./runClaims.ts"

/** How large experiments are, by their keys, as results say whose ids stand beside it: known without reading them again. */
export type Sizes = ReadonlyMap<string, { readonly snapshot: string; readonly size: Omit<ReadInput, "plan"> }>

/** The same with what a new result says. */
export const withSize = (sizes: Sizes, { experiment, provenance, ...summary }: ResultsSummary): Sizes =>
  new Map([...sizes, [experiment, {
    snapshot: provenance.run_id,
    size: sizeOf({ ...summary, experiment, provenance })
  }]])

/** What the newest result of an experiment says of its size; nothing where there is none that can be read. */
const sizeNow = Effect.fnUntraced(function*(sizes: Ref.Ref<Sizes>, experiment: string, standing: Standing | undefined) {
  const snapshot = standing?.succeeded?.snapshot
  if (snapshot === undefined) return {}
  const known = (yield* Ref.get(sizes)).get(experiment)
  if (known?.snapshot === snapshot) return known.size
  const store = yield* Store
  const found = yield* Effect.orElseSucceed(store.get(experiment, snapshot), () => Option.none())
  const size = sizeOf(Option.getOrUndefined(found)?.summary)
  yield* Ref.update(sizes, (all): Sizes => new Map([...all, [experiment, { snapshot, size }]]))
  return size
})

/**
 * The groups of these experiments that are read together at `asOf` (milliseconds since 1970-01-01 UTC), as a recompute of them would plan it;
 * those that are read alone are in none.
 */
export const groupsOf = Effect.fn("watch.groups")(function*(
  { context, jobs }: Work,
  keys: ReadonlyArray<string>,
  standings: ReadonlyMap<string, Standing>,
  sizes: Ref.Ref<Sizes>,
  asOf: number
) {
  if (context.sharedReads !== true || context.states !== undefined || keys.length < 2) return []
  const known: Array<{ readonly key: string; readonly input: ReadInput }> = []
  for (const key of keys) {
    const job = jobs.get(key)
    if (job === undefined) continue
    const exit = yield* Effect.exit(
      Effect.suspend(() => Effect.fromResult(plan({ ...context, asOf, experiment: job.experiment })))
    )
    // What can't be planned says so when it is run.
    if (Exit.isFailure(exit)) continue
    known.push({ key, input: { plan: exit.value, ...yield* sizeNow(sizes, key, standings.get(key)) } })
  }
  return planReads(known.map(({ input }) => input)).together.map((group) => group.map((i) => known[i]!.key))
})
