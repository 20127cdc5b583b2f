/**
 * Looks at the data of experiments: whether any of it came or went since an earlier look. Where tables say when rows were stored, what was stored
 * since is asked for, and everything once a day.
 */
import type { Plan } from "@assay/aggregation"
import type { WarehouseError } from "@assay/model"
import type { Warehouse } from "@assay/warehouse"
import { Effect, Option, Schema } from "effect"
import { createHash } from "node:crypto"
import {
  askCells,
  type Asked,
  asWhole,
  type Both,
  type Cell,
  countedIn,
  fingerprints,
  inOrder,
  namesOf
} from "./fingerprint.ts"

/** An experiment to look at, and what an earlier look said of it. */
export interface LookInput {
  readonly plan: Plan
  readonly before?: string | undefined
}

/** What a look says: its fingerprint, to be handed to the next look, and whether the data is what it was before. */
export interface Look {
  readonly print: string
  readonly same: boolean
}

/** Rows may become visible so long after the time at which they were stored, by the clocks of all who store them. */
const LATE_MILLIS = 3_600_000

/** After so long everything is looked at again: what was taken away isn't seen before, nor what became visible still later. */
export const WHOLE_MILLIS = 86_400_000

/** A look at what is new that reads more than this of all rows is no better than one at everything. */
const MOST_READ = 0.5

const SeenSource = Schema.Struct({
  /** Rows in all, and the latest of them. */
  rows: Schema.Finite,
  latest: Schema.String,
  /** Times before this were looked at. */
  to: Schema.Finite,
  /** Rows of these that were stored since `since`. */
  recent: Schema.Finite
})

/** What a look remembers; times in milliseconds since 1970-01-01 UTC. */
const Seen = Schema.fromJsonString(Schema.Struct({
  /** What was looked at. */
  of: Schema.String,
  /** When everything was looked at, how many rows that read, and whether every look has to do so. */
  whole: Schema.Finite,
  read: Schema.Finite,
  all: Schema.Boolean,
  since: Schema.Finite,
  exposures: SeenSource,
  events: SeenSource
}))
type Seen = typeof Seen.Type

const encode = Schema.encodeSync(Seen)
const decode = Schema.decodeUnknownOption(Seen)

const sources = ["exposures", "events"] as const

const readOf = (plan: Plan, of: typeof sources[number]) => (of === "events" ? plan.reads : plan)

/** Names what a plan looks at, but for how far. */
const subject = (plan: Plan): string =>
  createHash("sha256").update(JSON.stringify([
    plan.mapping,
    plan.experiment.environment,
    plan.experiment.feature,
    namesOf(plan).toSorted(),
    plan.from,
    plan.reads.from
  ])).digest("hex").slice(0, 16)

/** Whether all tables of a plan say when their rows were stored. */
const tells = ({ mapping: { columns, exposures } }: Plan): boolean =>
  columns.ingested !== undefined && (exposures === undefined || exposures.columns.ingested !== undefined)

interface Known {
  readonly plan: Plan
  readonly before: Seen | undefined
}

/** Whether only what is new has to be looked at. */
const goesOn = ({ before, plan }: Known, asOf: number): boolean =>
  before !== undefined && !before.all && asOf >= before.since + LATE_MILLIS && asOf - before.whole < WHOLE_MILLIS &&
  sources.every((of) => before[of].to <= readOf(plan, of).to)

type Several<A> = readonly [A, ...ReadonlyArray<A>]

/** Everything, for plans of one environment. */
const lookAtAll = Effect.fnUntraced(function*(known: Several<Known>, asOf: number) {
  const [first, ...more] = known
  const since = asOf - LATE_MILLIS
  const plans = [first.plan, ...more.map(({ plan }) => plan)] as const
  const isKept = ({ before }: Known) => before?.all === true && asOf - before.whole < WHOLE_MILLIS
  const { cells, read } = yield* askCells(plans, asWhole(plans, known.every(isKept) ? undefined : [0, since]))
  return known.map((one): Look => {
    const { before, plan } = one
    const seen = (of: typeof sources[number]) => {
      const { latest, rows } = countedIn(cells, plan, of)
      return {
        rows,
        latest,
        to: readOf(plan, of).to,
        recent: countedIn(cells, plan, of, (cell) => cell.stored >= since).rows
      }
    }
    const now: Seen = {
      of: subject(plan),
      ...(isKept(one) ? { whole: before!.whole, all: true } : { whole: asOf, all: false }),
      read,
      since,
      exposures: seen("exposures"),
      events: seen("events")
    }
    return {
      print: encode(now),
      same: before !== undefined &&
        sources.every((of) => before[of].rows === now[of].rows && before[of].latest === now[of].latest)
    }
  })
})

/** What is new, for plans of one environment that go on. */
const lookAtNew = Effect.fnUntraced(function*(
  known: Several<{ readonly plan: Plan; readonly before: Seen }>,
  asOf: number
) {
  const since = asOf - LATE_MILLIS
  const stored = inOrder([0, since, ...known.map(({ before }) => before.since)])
  const earliest = stored[1]!
  const asked = (of: typeof sources[number]): Asked => {
    const reads = known.map(({ plan }) => readOf(plan, of))
    const times = inOrder([...reads.flatMap(({ from, to }) => [from, to]), ...known.map(({ before }) => before[of].to)])
    // Before, some rows were looked at by each of them; from there on, every row may be new to one.
    const seen = Math.max(times[0]!, Math.min(...known.map(({ before }) => before[of].to)))
    return {
      parts: [{ read: { from: times[0]!, to: seen }, since: earliest }, { read: { from: seen, to: times.at(-1)! } }],
      times,
      stored
    }
  }
  const [first, ...more] = known
  const both: Both<Asked> = { exposures: asked("exposures"), events: asked("events") }
  const { cells, read } = yield* askCells([first.plan, ...more.map(({ plan }) => plan)], both)
  return known.map(({ before, plan }): Look => {
    const found = (of: typeof sources[number]) => {
      const { latest, recent, rows, to } = before[of]
      const counted = (counts: (cell: Cell) => boolean) => countedIn(cells, plan, of, counts)
      const late = counted((cell) => cell.from < to && cell.stored >= before.since)
      const fresh = counted((cell) => cell.from >= to)
      return {
        same: late.rows === recent && fresh.rows === 0,
        now: {
          rows: rows + late.rows - recent + fresh.rows,
          latest: [latest, late.latest, fresh.latest].toSorted().at(-1)!,
          to: readOf(plan, of).to,
          recent: counted((cell) => cell.stored >= since).rows
        }
      }
    }
    const [exposures, events] = [found("exposures"), found("events")]
    return {
      print: encode({
        ...before,
        all: read > MOST_READ * before.read,
        since,
        exposures: exposures.now,
        events: events.now
      }),
      same: exposures.same && events.same
    }
  })
})

/**
 * Looks at experiments at `asOf` (milliseconds since 1970-01-01 UTC), in their order: those of one environment by one statement, or by two where some
 * have to be looked at as a whole.
 */
export const look = Effect.fn("recompute.look")(
  function*(
    inputs: ReadonlyArray<LookInput>,
    asOf: number
  ): Effect.fn.Return<ReadonlyArray<Look>, WarehouseError, Warehouse> {
    const looks = new Map<Plan, Look>()
    const plain = inputs.filter(({ plan }) => !tells(plan))
    const prints = yield* fingerprints(plain.map(({ plan }) => plan))
    plain.forEach(({ before, plan }, i) => looks.set(plan, { print: prints[i]!, same: before === prints[i] }))
    const known = inputs.filter(({ plan }) => tells(plan)).map(({ before, plan }): Known => {
      const seen = Option.getOrUndefined(decode(before))
      return { plan, before: seen?.of === subject(plan) ? seen : undefined }
    })
    for (const kin of Map.groupBy(known, ({ plan }) => plan.experiment.environment).values()) {
      const [old, whole] = [true, false].map((on) => kin.filter((one) => goesOn(one, asOf) === on)) as [
        Array<{ readonly plan: Plan; readonly before: Seen }>,
        Array<Known>
      ]
      const [firstOld, ...moreOld] = old
      if (firstOld !== undefined) {
        const found = yield* lookAtNew([firstOld, ...moreOld], asOf)
        old.forEach(({ plan }, i) => looks.set(plan, found[i]!))
      }
      const [firstWhole, ...moreWhole] = whole
      if (firstWhole !== undefined) {
        const found = yield* lookAtAll([firstWhole, ...moreWhole], asOf)
        whole.forEach(({ plan }, i) => looks.set(plan, found[i]!))
      }
    }
    return inputs.map(({ plan }) => looks.get(plan)!)
  }
)
