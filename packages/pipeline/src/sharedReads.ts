/** Which experiments of a run are read together, and why the others aren't. */
import { type Plan, Shared } from "@assay/aggregation"
import type { MemoryMode, ResultsSummary } from "@assay/model"

/** An experiment of a run: its plan, and what an earlier result says of its size. */
export interface ReadInput {
  readonly plan: Plan
  /** Identities in it, where an earlier result tells. */
  readonly identities?: number
  /** How an earlier answer came to fit into memory, where that took something. */
  readonly memory?: MemoryMode
}

/** What an earlier result says of an experiment's size. */
export const sizeOf = (before: ResultsSummary | undefined): Omit<ReadInput, "plan"> =>
  before === undefined ? {} : {
    identities: before.variants.reduce((total, { n }) => total + n, before.quarantined),
    ...(before.provenance.memory === undefined ? {} : { memory: before.provenance.memory })
  }

/** Experiments that are read together, and those that are read alone, and why; by their places in the input. */
export interface ReadPlan {
  readonly together: ReadonlyArray<ReadonlyArray<number>>
  readonly alone: ReadonlyArray<{ readonly at: number; readonly because: string }>
}

/** More experiments aren't read together: what is left of the scan is small then, and a statement that fails is that of many. */
export const mostTogether = 64

/** From so many identities on an experiment is read alone: reading is a small part of its cost then, and its memory is to be had for itself. */
export const largeFrom = 500_000

/** Experiments that are read together have at most so many identities, as far as it is known. */
const mostIdentities = 2_000_000

/** More accumulators than this aren't kept per identity, unless they are few for each event. */
const mostWide = 48

/** What experiments read together must save of what they read apart. */
const leastSaved = 0.2

/** What is asked of the tables: a name of an event over a millisecond is one unit. Exposures are read twice. */
const readCost = ({ events, from, to }: { readonly events: number; readonly from: number; readonly to: number }) =>
  (events + 2) * (to - from)

/** What a plan adds to those that it is read together with. */
interface Candidate {
  readonly at: number
  readonly identities: number
  readonly reads: Plan["reads"]
  readonly events: ReadonlySet<string>
  readonly accumulators: ReadonlySet<string>
  readonly ways: ReadonlySet<string>
  readonly isLong: boolean
}

interface Group extends Omit<Candidate, "at"> {
  readonly members: ReadonlyArray<number>
  /** What the members would read apart. */
  readonly apart: number
}

const candidateOf = ({ identities, plan }: ReadInput, at: number): Candidate => {
  const own = plan.accumulators.map(({ accumulator, streams }) => ({
    accumulator,
    streams: streams.map((stream) => plan.streams[stream]!)
  }))
  return {
    at,
    identities: identities ?? 0,
    reads: plan.reads,
    events: new Set(plan.streams.map(({ event }) => event)),
    accumulators: new Set(own.map((one) => JSON.stringify(one))),
    ways: new Set(
      own.map((one) => JSON.stringify({ ...one, streams: one.streams.map((stream) => ({ ...stream, event: "" })) }))
    ),
    isLong: Shared.isByEvent(plan)
  }
}

const costOf = ({ events, reads }: Pick<Candidate, "events" | "reads">) =>
  readCost({ events: events.size, from: reads.from, to: reads.to })

const union = (a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> => new Set([...a, ...b])

/** The group with one more; undefined where that reads more than the two apart, or is more than goes together. */
const joined = (group: Group, one: Candidate): Group | undefined => {
  const both: Group = {
    members: [...group.members, one.at],
    identities: group.identities + one.identities,
    reads: { from: Math.min(group.reads.from, one.reads.from), to: Math.max(group.reads.to, one.reads.to) },
    events: union(group.events, one.events),
    accumulators: union(group.accumulators, one.accumulators),
    ways: union(group.ways, one.ways),
    isLong: group.isLong,
    apart: group.apart + costOf(one)
  }
  const fits = both.members.length <= mostTogether && both.identities <= mostIdentities &&
    (both.accumulators.size <= mostWide || (both.isLong && 4 * both.ways.size <= both.accumulators.size))
  return fits && costOf(both) <= costOf(group) + costOf(one) ? both : undefined
}

const alike = ({ plan }: ReadInput): string => JSON.stringify([Shared.isByEvent(plan), Shared.kinship(plan)])

/**
 * Plans the reads of a run. Experiments go together that ask the same tables for the same kind of identity, in windows and for events that overlap
 * so much that one read of all is less than their own; each with the first others that it fits to, in the order of their windows.
 */
export const planReads = (inputs: ReadonlyArray<ReadInput>): ReadPlan => {
  const alone: Array<ReadPlan["alone"][number]> = []
  const kin = new Map<string, Array<number>>()
  inputs.forEach((input, at) => {
    const { identities, memory, plan } = input
    const because = Shared.refusal(plan) ??
      (memory !== undefined
        ? "it needed more memory than there was before"
        : identities !== undefined && identities >= largeFrom
        ? `it has ${identities.toLocaleString("en-US")} identities, so that reading is a small part of its cost`
        : undefined)
    if (because !== undefined) {
      alone.push({ at, because })
      return
    }
    const key = alike(input)
    kin.set(key, [...kin.get(key) ?? [], at])
  })
  const together: Array<ReadonlyArray<number>> = []
  for (const all of kin.values()) {
    const groups: Array<Group> = []
    const ordered = all.toSorted((a, b) => {
      const [one, other] = [inputs[a]!.plan.reads, inputs[b]!.plan.reads]
      return one.from - other.from || one.to - other.to || a - b
    })
    for (const at of ordered) {
      const candidate = candidateOf(inputs[at]!, at)
      const found = groups.findIndex((group) => joined(group, candidate) !== undefined)
      if (found < 0) groups.push({ ...candidate, members: [at], apart: costOf(candidate) })
      else groups[found] = joined(groups[found]!, candidate)!
    }
    for (const group of groups) {
      const worth = group.members.length > 1 && costOf(group) <= (1 - leastSaved) * group.apart
      if (worth) together.push(group.members.toSorted((a, b) => a - b))
      else {
        alone.push(...group.members.map((at) => ({
          at,
          because: "no other experiment reads so much of the same that one read of both would save a fifth"
        })))
      }
    }
  }
  return { together, alone: alone.toSorted((a, b) => a.at - b.at) }
}
