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

/** An answer to which experiments are read together, with what was asked. */
interface Grouped {
  readonly work: Work
  readonly asOf: number
  readonly keys: ReadonlySet<string>
  readonly groups: ReadonlyArray<ReadonlyArray<string>>
}

/** What a runner remembers of groups between two looks. */
export interface GroupMemory {
  readonly sizes: Ref.Ref<Sizes>
  readonly last: Ref.Ref<Grouped | undefined>
}

/** The memory of a runner that has looked at nothing yet. */
export const makeGroupMemory: Effect.Effect<GroupMemory> = Effect.gen(function*() {
  return { sizes: yield* Ref.make<Sizes>(new Map()), last: yield* Ref.make<Grouped | undefined>(undefined) }
})

/**
 * So long groups stand while runs only leave them: a recompute plans its reads itself, so a group is only a proposal, and to plan all that waits
 * at every look takes a fifth of a second for 500 experiments.
 */
export const STANDS_MILLIS = 60_000

/**
 * The groups of these experiments that are read together at `asOf` (milliseconds since 1970-01-01 UTC), as a recompute of them would plan it;
 * those that are read alone are in none. Where all of them were asked about lately, that answer is kept to.
 */
export const groupsOf = Effect.fn("watch.groups")(function*(
  work: Work,
  keys: ReadonlyArray<string>,
  standings: ReadonlyMap<string, Standing>,
  memory: GroupMemory,
  asOf: number
) {
  const { context, jobs } = work
  if (context.sharedReads !== true || context.states !== undefined || keys.length < 2) return []
  const last = yield* Ref.get(memory.last)
  if (last?.work === work && asOf - last.asOf < STANDS_MILLIS && keys.every((key) => last.keys.has(key))) {
    const asked = new Set(keys)
    return last.groups.map((group) => group.filter((key) => asked.has(key))).filter((group) => group.length > 1)
  }
  const known: Array<{ readonly key: string; readonly input: ReadInput }> = []
  for (const key of keys) {
    const job = jobs.get(key)
    if (job === undefined) continue
    const exit = yield* Effect.exit(
      Effect.suspend(() => Effect.fromResult(plan({ ...context, asOf, experiment: job.experiment })))
    )
    // What can't be planned says so when it is run.
    if (Exit.isFailure(exit)) continue
    known.push({ key, input: { plan: exit.value, ...yield* sizeNow(memory.sizes, key, standings.get(key)) } })
  }
  const groups = planReads(known.map(({ input }) => input)).together.map((group) => group.map((i) => known[i]!.key))
  yield* Ref.set(memory.last, { work, asOf, keys: new Set(keys), groups })
  return groups
})
