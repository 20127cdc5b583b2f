/**
 * Shared reads: experiments over the same tables answered by one statement, which reads the exposures and events of all of them once. A row of its
 * answer is about one experiment, and {@link answerOf} one experiment is what its own statement would have said.
 */
import type { DecodeError, Statement } from "@assay/model"
import type { Result } from "effect"
import { count, type Row, Unexpected } from "./cells.ts"
import { completedBy, type Places } from "./completed.ts"
import { mapLeaves } from "./Constants.ts"
import { type Aggregates, decodeCompleted } from "./decode.ts"
import { type Long, longOf } from "./Long.ts"
import { accumulatorOf, type Measure, measures, type Plan, type PlannedAccumulator, type Stream } from "./Plan.ts"
import { compile, statement } from "./statement/compile.ts"
import { type EventColumns, eventColumns } from "./statement/events.ts"
import { exposedCounts } from "./statement/exposures.ts"
import { countColumn, ripeTimes } from "./statement/moments.ts"
import { slotOf } from "./statement/sharers.ts"
import { strategyOf } from "./Strategy.ts"

/** A plan for several experiments, and where each of them finds in it what it planned; in the order in which they were given. */
export interface Shared {
  readonly plan: Plan
  /** Its long form, where that is the one that it is written in, and what is read of an event there. */
  readonly long: Long | undefined
  readonly columns: EventColumns
  readonly members: ReadonlyArray<Member>
}

/** An experiment of a shared plan, by its number there (from 1), and the places of its measures and streams. */
export interface Member {
  readonly plan: Plan
  readonly number: number
  readonly measures: ReadonlyArray<number>
  readonly streams: ReadonlyArray<number>
}

/** Why a plan can't share a read, for people; undefined where it can. */
export const refusal = (plan: Plan): string | undefined => {
  if (plan.mapping.cluster !== undefined) return "its tables lie on a cluster"
  if (plan.constants.length > 0) return "a quantile must be found first, by a statement of its own"
  if (plan.series !== undefined) return "it has a series"
  if (plan.breakdowns.length > 0) return "it is broken down by slices"
  if (plan.traits.length > 0) return "a covariate is a trait of the exposure"
  return undefined
}

/** Whether what a plan keeps can be kept per identity and event, so that many events cost little more than few. */
export const isByEvent = (plan: Plan): boolean => longOf(plan) !== undefined

/**
 * What must be the same where plans share a read, as a text. Copies of an event with an id may differ in their time, so that what is left of them
 * hangs on the times that are read.
 */
export const kinship = ({ deduplication, experiment, identity, mapping, part, reads }: Plan): string =>
  JSON.stringify([
    experiment.environment,
    experiment.multiple_variants ?? "quarantine",
    identity,
    mapping,
    part,
    deduplication,
    deduplication.policy === "id" ? reads : undefined
  ])

/** A list in which equal values, by structure, have one place. */
const interner = <A>() => {
  const places = new Map<string, number>()
  const list: Array<A> = []
  return {
    list,
    place: (value: A): number => {
      const key = JSON.stringify(value)
      const found = places.get(key)
      if (found !== undefined) return found
      places.set(key, list.length)
      return list.push(value) - 1
    }
  }
}

/** By when identities must be exposed, for each plan; null where all are old enough, undefined where the plan doesn't ask. */
type Ripe = Array<number | null | undefined>

const fit = (a: Ripe, b: Ripe): boolean => a.every((one, i) => one === undefined || b[i] === undefined || one === b[i])

const joinRipe = (a: Ripe, b: Ripe): Ripe => a.map((one, i) => one ?? (one === null ? null : b[i]))

/** A measure of a shared plan before its times are numbered. */
interface SharedMeasure {
  readonly columns: Measure["columns"]
  readonly age: number
  ripe: Ripe
}

/**
 * The plan that reads for all of these at once.
 *
 * @throws RangeError for plans of different {@link kinship}, for one that has a {@link refusal}, and for none.
 */
export const share = (plans: ReadonlyArray<Plan>): Shared => {
  const [first] = plans
  if (first === undefined || new Set(plans.map(kinship)).size > 1) {
    throw new RangeError("Plans that share a read have the same tables, environment, identity and policies")
  }
  const refused = plans.map(refusal).find((reason) => reason !== undefined)
  if (refused !== undefined) throw new RangeError(`A plan can't share a read: ${refused}`)
  const streams = interner<Stream>()
  const accumulators = interner<PlannedAccumulator>()
  const byColumns = new Map<string, Array<number>>()
  const all: Array<SharedMeasure> = []
  const placed = plans.map((plan, p) => {
    const ofStreams = plan.streams.map(streams.place)
    const ofAccumulators = plan.accumulators.map(({ accumulator, streams: own }) =>
      accumulators.place({ streams: own.map((stream) => ofStreams[stream]!), accumulator })
    )
    return {
      streams: ofStreams,
      measures: measures(plan).map(({ age, columns, ripeUntil }) => {
        const moved = columns.map((column) =>
          mapLeaves(column, (leaf) => {
            const index = accumulatorOf(leaf)
            return index === undefined ? leaf : { ...leaf, index: ofAccumulators[index]! }
          })
        )
        const ripe: Ripe = plans.map((_, i) => (i === p ? ripeUntil ?? null : undefined))
        const key = JSON.stringify([moved, age])
        const same = byColumns.get(key) ?? []
        byColumns.set(key, same)
        const found = same.find((place) => fit(all[place]!.ripe, ripe))
        if (found !== undefined) {
          all[found]!.ripe = joinRipe(all[found]!.ripe, ripe)
          return found
        }
        same.push(all.length)
        return all.push({ columns: moved, age, ripe }) - 1
      })
    }
  })
  const times: Array<Ripe> = []
  const timesOf = ({ ripe }: SharedMeasure): number | undefined => {
    if (ripe.every((one) => one === null || one === undefined)) return undefined
    const found = times.findIndex((other) => fit(other, ripe))
    if (found < 0) return times.push(ripe) - 1
    times[found] = joinRipe(times[found]!, ripe)
    return found
  }
  const numbered = all.map((measure): Measure => ({
    columns: measure.columns,
    age: measure.age,
    ripeUntil: timesOf(measure)
  }))
  // Those of one feature follow each other.
  const order = plans.map((_, i) => i).toSorted((a, b) =>
    plans[a]!.experiment.feature < plans[b]!.experiment.feature
      ? -1
      : plans[a]!.experiment.feature > plans[b]!.experiment.feature
      ? 1
      : a - b
  )
  const [metric] = first.metrics
  const shared: Plan = {
    ...first,
    from: Math.min(...plans.map(({ from }) => from)),
    to: Math.max(...plans.map(({ to }) => to)),
    reads: {
      from: Math.min(...plans.map(({ reads }) => reads.from)),
      to: Math.max(...plans.map(({ reads }) => reads.to))
    },
    streams: streams.list,
    accumulators: accumulators.list,
    metrics: numbered.map((measure) => ({
      ...metric!,
      ...measure,
      streams: [],
      covariate: undefined,
      cap: undefined,
      quantile: undefined,
      reported: []
    })),
    sharers: order.map((p) => {
      const { arms, experiment: { feature }, from, reads, streams: own, to } = plans[p]!
      return {
        feature,
        from,
        to,
        reads,
        arms,
        events: [...new Set(own.map(({ event }) => event))],
        ripe: times.map((one) => one[p] ?? null)
      }
    })
  }
  const { long } = strategyOf(shared)
  return {
    plan: shared,
    long,
    columns: eventColumns(long?.plan ?? shared),
    members: plans.map((plan, p) => ({ plan, number: order.indexOf(p) + 1, ...placed[p]! }))
  }
}

/** The statement of a shared plan. */
export const compileShared = ({ plan }: Shared): Statement => compile(plan)

/** A statement that says about how many identities each experiment has, from the exposures alone; {@link sizesOf} reads it. */
export const compileSizes = ({ plan }: Shared): Statement => statement(exposedCounts(plan, plan.sharers ?? []))

/** About how many identities each of the plans that were given has; undefined where the rows can't be used. */
export const sizesOf = ({ members }: Shared, rows: ReadonlyArray<Row>): ReadonlyArray<number> | undefined => {
  const found = new Map(rows.map((row) => [Number(row["experiment"]), Number(row["identities"])]))
  const sizes = members.map(({ number }) => found.get(number) ?? 0)
  return sizes.every(Number.isFinite) ? sizes : undefined
}

/** Where the measures and streams of a member stand in the rows of the shared statement. */
const placesOf = ({ long, plan: shared }: Shared, { measures: own, plan, streams }: Member): Places => {
  const ripe = ripeTimes(shared.metrics)
  const at = (place: number) => long === undefined ? { event: 0, at: place } : long.measures[place]!
  const all = measures(plan)
  // Times that are the same in this experiment may be several in the shared statement: their columns count alike here, and one speaks for all.
  const columnOf = new Map(
    all.flatMap(({ ripeUntil }, m) =>
      ripeUntil === undefined ? [] : [[ripeUntil, countColumn(shared.metrics[own[m]!]!, ripe)] as const]
    )
  )
  return {
    long: long !== undefined,
    measures: own.map((place, m) => {
      const { ripeUntil } = all[m]!
      return { ...at(place), counted: ripeUntil === undefined ? "n" : columnOf.get(ripeUntil)! }
    }),
    streams: streams.map((place) => (long === undefined ? { event: 0, at: place } : long.streams[place]!)),
    counts: ["n", ...columnOf.values()],
    later: plan.reads.from - shared.reads.from
  }
}

/** Events without an identity that are those of a member, as one row of it. */
const namelessOf = (
  { columns, plan: shared }: Shared,
  { plan }: Member,
  rows: ReadonlyArray<Row>
): ReadonlyArray<Row> => {
  const looked = new Set(plan.streams.map(({ event }) => event))
  const offset = (millis: number) => millis - shared.reads.from + 1
  const own = rows.filter((row) => {
    const { event, from } = slotOf(columns, count(row, "slot"))
    return looked.has(event) && from >= offset(plan.from) && from < offset(plan.to)
  })
  const early = own.reduce((total, row) => total + count(row, "early_events"), 0)
  return own.length === 0 ? [] : [{ ...own[0]!, early_events: early, latest_event: 0 }]
}

/** The rows of a shared statement's answer by the number of their experiment. */
export const byExperiment = (rows: ReadonlyArray<Row>): ReadonlyMap<number, ReadonlyArray<Row>> =>
  Map.groupBy(rows, (row) => Number(row["experiment"]))

/**
 * The aggregates of a member in the rows, {@link byExperiment}, of the shared statement: the same as its own statement's. Fails with a DecodeError where
 * these can't be used.
 */
export const answerOf = (
  shared: Shared,
  member: Member,
  rows: ReadonlyMap<number, ReadonlyArray<Row>>
): Result.Result<Aggregates, DecodeError> =>
  decodeCompleted(member.plan, () => {
    const own = rows.get(member.number)
    // Identities without a name have a row in each experiment.
    if (own === undefined) throw new Unexpected("there is no row of this experiment")
    return completedBy(
      member.plan,
      [...own, ...namelessOf(shared, member, rows.get(0) ?? [])],
      placesOf(shared, member)
    )
  }, false)
