/** What must hold of every aggregation: each property tells in sentences how a case breaks it. */
import { type Aggregates, compile, compileConstants, contractVersion, isAggregation } from "@assay/aggregation"
import { decode, Moments } from "@assay/model"
import { checkFloors, independentValues } from "@assay/stats"
import type { Warehouse } from "@assay/warehouse"
import { Effect, Result } from "effect"
import { type Case, lot, plain, renamed } from "./Case.ts"
import { complete, differences, planOf, type TestMetric } from "./conformance.ts"
import type { EventRow } from "./EventRow.ts"
import { maximum, ratio } from "./neighbours.ts"
import { reference, type ReferenceExperiment } from "./reference.ts"
import { measure, type Measured, measureMerged, metricOf, type Trial } from "./Trial.ts"

/** What a property finds in a case; no sentence where it holds. */
type Found = Effect.Effect<ReadonlyArray<string>, unknown, Warehouse>

/** A property of an aggregation. `share` is how many of a suite's cases it tries. */
export interface Property {
  /** Completes "the aggregation …". */
  readonly name: string
  /** What most probably is wrong where it doesn't hold, and what to do. */
  readonly hint: string
  readonly share: number
  /** `whole` is what comes out for the case as it is. */
  readonly check: (trial: Trial, one: Case, whole: Effect.Effect<Measured, unknown, Warehouse>) => Found
}

const close = (actual: number, expected: number, scale: number): boolean =>
  actual === expected || Math.abs(actual - expected) <= 1e-9 * Math.max(scale, Number.MIN_VALUE)

/** How moments of the metric under test differ in one arm, sums to 1e-9 of their size. */
const differ = (arm: string, actual: Moments.Moments, expected: Moments.Moments): ReadonlyArray<string> => {
  const found: Array<string> = []
  const say = (what: string, is: number, was: number) => found.push(`in ${arm}: ${what} is ${is} instead of ${was}`)
  if (actual.n !== expected.n) say("n", actual.n, expected.n)
  const size = (i: number) => Math.max(actual.products[i]![i]!, expected.products[i]![i]!)
  actual.sums.forEach((sum, i) => {
    const scale = Math.sqrt(Math.max(actual.n, expected.n) * size(i))
    if (!close(sum, expected.sums[i]!, scale)) say(`the sum of column ${i}`, sum, expected.sums[i]!)
    for (let j = i; j < actual.sums.length; j++) {
      const area = Math.sqrt(size(i) * size(j))
      const product = [actual.products[i]![j]!, expected.products[i]![j]!] as const
      const comoment = [actual.comoments[i]![j]!, expected.comoments[i]![j]!] as const
      if (!close(...product, area)) say(`the product of columns ${i} and ${j}`, ...product)
      if (!close(...comoment, area)) say(`the comoment of columns ${i} and ${j}`, ...comoment)
    }
  })
  return found
}

type ByArm = Readonly<Record<string, Moments.Moments>>

const differByArm = (actual: ByArm, expected: ByArm): ReadonlyArray<string> =>
  Object.keys(expected).flatMap((arm) => differ(arm, actual[arm]!, expected[arm]!))

/** How the quantiles of the metric under test differ, where it is one: those around it, too. */
const differInQuantiles = (actual: Aggregates, expected: Aggregates): ReadonlyArray<string> =>
  Object.entries(expected.quantiles[0] ?? {}).flatMap(([arm, values]) => {
    const found = actual.quantiles[0]![arm]!
    const other = values.findIndex((value, i) => !close(found[i] ?? NaN, value, Math.abs(value)))
    return other < 0 && found.length === values.length
      ? []
      : [`in ${arm}: a quantile is ${found[other]} instead of ${values[other]}`]
  })

/** The moments of the metric under test. */
const momentsOf = ({ aggregates }: Measured): ByArm => aggregates.moments[0]!

const withRows = (one: Case, rows: ReadonlyArray<EventRow>): Case => ({ ...one, rows })

const withExperiment = (one: Case, changes: Partial<ReferenceExperiment>): Case => ({
  ...one,
  world: { ...one.world, experiment: { ...one.world.experiment, ...changes } }
})

/** Since when each identity is exposed to a declared variant. */
const exposedSince = ({ rows, world: { experiment } }: Case): ReadonlyMap<string, number> => {
  const since = new Map<string, number>()
  for (const row of rows) {
    if (
      row.event === experiment.exposureEvent && row.feature === experiment.feature && row.identity !== "" &&
      row.environment === experiment.environment && experiment.variants.includes(row.value) &&
      row.timestamp >= experiment.from && row.timestamp < experiment.to
    ) {
      since.set(row.identity, Math.min(row.timestamp, since.get(row.identity) ?? Infinity))
    }
  }
  return since
}

const sound: Property = {
  name: "is a value of the contract",
  hint: "Make it with defineAggregation, and let its columns hang on the options alone",
  share: 1 / 3,
  check: ({ aggregation }, { options }) =>
    Effect.sync(() => {
      const found: Array<string> = []
      if (!isAggregation(aggregation)) return [`it isn't an aggregation of contract ${contractVersion}`]
      if (!Object.isFrozen(aggregation)) found.push("it isn't frozen, so that others could change it")
      const unknown = decode(aggregation.options, { ...options, "no such option": 1 })
      if (Result.isSuccess(unknown)) {
        found.push("its options accept \"no such option\", so a misspelt one would go unnoticed: use Schema.Struct")
      }
      const decoded = decode(aggregation.options, options ?? {})
      if (Result.isFailure(decoded)) return found
      const before = JSON.stringify(decoded.success)
      const [first, second] = [aggregation.bind(decoded.success), aggregation.bind(decoded.success)]
      if (JSON.stringify(first) !== JSON.stringify(second)) {
        found.push("its columns differ from one call to the next with the same options")
      }
      if (JSON.stringify(decoded.success) !== before) found.push("its columns change the options that they are given")
      const wanted = { proportion: 1, mean: 1, ratio: 2, quantile: 0 }[aggregation.estimand]
      if (aggregation.estimand !== first.estimand) {
        found.push(`it is bound as a ${first.estimand}, and says that it is a ${aggregation.estimand}`)
      } else if (first.columns.length !== wanted) {
        found.push(`a ${first.estimand} has ${wanted} column(s), and it gives ${first.columns.length}`)
      }
      for (const { kind, need } of aggregation.floors) {
        if (!(Number.isFinite(need) && need > 0)) found.push(`its floor of ${need} ${kind} withholds nothing`)
      }
      if (aggregation.estimand === "proportion" && aggregation.floors.every(({ kind }) => kind !== "conversions")) {
        found.push(
          "a proportion's test isn't to be trusted below a few conversions in each arm, and it has no such floor: " +
            "add floors: [{ kind: \"conversions\", need: 5 }]"
        )
      }
      const asks = aggregation.floors.some(({ kind }) => kind === "values")
      if (asks !== (aggregation.estimand === "quantile")) {
        found.push(
          asks ?
            `a ${aggregation.estimand} has no floor of values, which are those beyond a quantile` :
            "a quantile that rests on a few values isn't to be trusted, and it has no such floor: " +
            "add floors: [{ kind: \"values\", need: 5 }]"
        )
      }
      return found
    })
}

const equalsReference: Property = {
  name: "equals its reference on random event streams",
  hint: "One of the two is wrong: the columns, or the reference",
  share: 1,
  check: (trial, one, whole) =>
    Effect.map(whole, ({ aggregates, planned }) => {
      const { reference: metric } = metricOf(trial, one)
      const expected = reference(one.world.experiment, [metric], one.rows)
      const strange = Object.values(expected.units[metric.key]!).flat().find((unit) => !unit.every(Number.isFinite))
      if (strange !== undefined) {
        return [`the reference gives [${strange.join(", ")}] for an identity, which isn't finite`]
      }
      const wanted = planned.metrics[0]!.columns.length
      const odd = Object.values(expected.units[metric.key]!).flat().find((unit) => unit.length !== wanted)
      if (odd !== undefined) {
        return [`the reference gives ${odd.length} number(s) per identity, and the estimand has ${wanted} column(s)`]
      }
      // What the findings count is the contract's own: an author's example should be about the metric.
      const found = differences(aggregates, expected, planned).filter((line) => line.startsWith(metric.key))
      if (found.length > 0 || trial.aggregation.estimand !== "proportion") return found
      return Object.entries(momentsOf({ aggregates, planned })).flatMap(([arm, { products, sums }]) =>
        products[0]![0] === sums[0]
          ? []
          : [
            `in ${arm}: a proportion's column is 0 or 1 for each identity, and this one isn't: Σx ${sums[0]}, Σx² ${
              products[0]![0]
            }`
          ]
      )
    })
}

const deliveredTwice: Property = {
  name: "isn't changed by rows that are delivered twice",
  hint: "An accumulator that counts must say so, else repeated rows aren't looked for",
  share: 1 / 4,
  check: (trial, one) => {
    const { deduplication } = one.world.experiment
    const exact = deduplication === "none" ? withExperiment(one, { deduplication: "row" }) : one
    const again = exact.rows.filter((row) => lot(`${row.identity} ${row.timestamp}`, one.salt) < 0.7)
    return Effect.gen(function*() {
      const once = yield* measure(trial, exact)
      const twice = yield* measure(trial, withRows(exact, [...exact.rows, ...again, ...exact.rows]))
      return differByArm(momentsOf(twice), momentsOf(once)).map((line) => `${line} once rows come twice`)
    })
  }
}

const anyOrder: Property = {
  name: "doesn't hang on the order in which rows arrive",
  hint: "What an identity did must be told by its events' values and times, not by their place in the table",
  share: 1 / 3,
  check: (trial, case_) => {
    // Looking for repeated rows shuffles them.
    const one = withExperiment(case_, { deduplication: "none" })
    return Effect.gen(function*() {
      const first = yield* measure(trial, one)
      for (const order of [(i: number) => -i, (i: number) => lot(`${i}`, one.salt)]) {
        const rows = one.rows.map((row, i) => [order(i), row] as const).toSorted(([a], [b]) => a - b)
        const other = yield* measure(trial, withRows(one, rows.map(([, row]) => row)))
        const found = differByArm(momentsOf(other), momentsOf(first)).map((line) => `${line} in another order of rows`)
        if (found.length > 0) return found
      }
      return []
    })
  }
}

const seesItsOwn: Property = {
  name: "doesn't see events before exposure, after the window, of other metrics, or elsewhere",
  hint: "Build columns of the events in the scope only",
  share: 1 / 3,
  check: (trial, one, whole) => {
    const { events, experiment } = one.world
    const since = exposedSince(one)
    const { matures = 0 } = metricOf(trial, one).reference
    // A window of the metric's own may end after the experiment does.
    const end = (identity: string) => Math.max(experiment.to, (since.get(identity) ?? 0) + matures)
    const own = one.rows.filter((row) => events.slice(0, -1).includes(row.event))
    const likely = own[0] ?? {
      environment: experiment.environment,
      event: events[0]!,
      feature: "",
      identity: "",
      timestamp: experiment.from,
      value: "7",
      metadata: "{}",
      id: ""
    }
    const kinds: ReadonlyArray<readonly [what: string, rows: ReadonlyArray<EventRow>]> = [
      [
        "before the identity's exposure",
        [...since].filter(([, at]) => at > experiment.from).map(([identity, at]) => ({
          ...likely,
          environment: experiment.environment,
          identity,
          timestamp: at - 1,
          value: "7",
          id: ""
        }))
      ],
      ["before the window", own.map((row) => ({ ...row, timestamp: experiment.from - 1 }))],
      ["after the window", own.map((row) => ({ ...row, timestamp: end(row.identity) }))],
      ["of another event", own.map((row) => ({ ...row, event: events.at(-1)! }))],
      ["in another environment", own.map((row) => ({ ...row, environment: "elsewhere" }))],
      ["of an identity that never was exposed", own.map((row) => ({ ...row, identity: "someone never exposed" }))]
    ]
    const among = (noise: ReadonlyArray<EventRow>) => measure(trial, withRows(one, [...noise, ...one.rows]))
    return Effect.gen(function*() {
      const alone = momentsOf(yield* whole)
      const together = yield* among(kinds.flatMap(([, noise]) => noise))
      if (differByArm(momentsOf(together), alone).length === 0) return []
      for (const [what, noise] of kinds) {
        const found = differByArm(momentsOf(yield* among(noise)), alone)
        if (found.length > 0) return found.map((line) => `${line} once there are events ${what}`)
      }
      return differByArm(momentsOf(together), alone)
    })
  }
}

/** Two batches that share no event: all copies of one arrive in the same batch. */
const batchOf = ({ salt }: Case) => (row: EventRow) =>
  Math.floor(lot(`${row.identity} ${row.id === "" ? row.timestamp : row.id}`, salt) * 2)

const mergeable: Property = {
  name: "equals one pass when the events come in batches whose states are merged",
  hint: "Only what is built of the scope's accumulators can be recomputed from batches",
  share: 1 / 4,
  check: (trial, one, whole) =>
    Effect.gen(function*() {
      const merged = yield* measureMerged(trial, one, batchOf(one))
      const measured = yield* whole
      return [
        ...differByArm(merged.moments[0]!, momentsOf(measured)),
        ...differInQuantiles(merged, measured.aggregates)
      ].map((line) => `${line} after two batches`)
    })
}

const fusible: Property = {
  name: "is the same among other metrics in one statement, and leaves them as they are",
  hint: "Build columns of the events in the scope only",
  share: 1 / 3,
  check: (trial, one, whole) => {
    const { events, experiment } = one.world
    const others = [ratio, maximum, ...trial.suite.beside ?? []].flatMap((subject, s) =>
      events.map((event, i): TestMetric => ({
        aggregation: subject.aggregation,
        reference: {
          key: `${subject.aggregation.name} ${s} ${i}`,
          event,
          unit: subject.unit,
          ...(subject.aggregation.reads === "value" ? { value: (row: EventRow) => row.value } : {})
        }
      }))
    )
    return Effect.gen(function*() {
      const alone = yield* whole
      const among = yield* measure(trial, one, others)
      const found = differByArm(momentsOf(among), momentsOf(alone)).map((line) => `${line} among other metrics`)
      if (found.length > 0) return found
      const mine = metricOf(trial, one).reference
      const all = [mine, ...others.map(({ reference: own }) => own)]
      return differences(among.aggregates, reference(experiment, all, one.rows), among.planned)
        .filter((line) => !line.startsWith(`${mine.key} `)).map((line) => `another metric beside it: ${line}`)
    })
  }
}

/** A name that breaks badly written statements, with a mark that is in no statement by itself. */
const hostile = (kind: string, i: number, salt: number): string => {
  const texts = ["'; DROP TABLE events; --", "\\' OR 1=1 /*", "{p0:String}", "`x` \"y\" \\", "\u202E✓ 日本\0\n"]
  return `mark5f0e ${kind} ${i} ${texts[(i + salt) % texts.length]}`
}

const unexpectedValues = ["'; DROP TABLE events; --", "mark5f0e", "nan", "1e999", "{p0:Float64}", "NULL", "\\"]

const staysValues: Property = {
  name: "takes hostile names and values for nothing but values",
  hint: "Never put a text into a statement: names and values are bound",
  share: 1 / 4,
  check: (trial, case_) => {
    const one = withExperiment(case_, { multipleVariants: "quarantine" })
    const easy = plain(one)
    const hard = renamed(easy, (kind, i) => hostile(kind, i, one.salt))
    const { experiment } = hard.world
    return Effect.gen(function*() {
      const planned = planOf(experiment, [metricOf(trial, hard)], trial.tables.events)
      const text = `${compileConstants(planned)?.text ?? ""}${compile(yield* complete(planned)).text}`
      if (text.includes("mark5f0e")) return ["a name stands in the statement's own text"]
      const [mild, wild] = [momentsOf(yield* measure(trial, easy)), momentsOf(yield* measure(trial, hard))]
      const found = easy.world.experiment.variants.flatMap((arm, i) =>
        differ(arm, wild[experiment.variants[i]!]!, mild[arm]!).map((line) => `${line} under hostile names`)
      )
      if (found.length > 0 || trial.aggregation.reads !== "value") return found
      const [event] = easy.world.events
      const extra = easy.rows.filter((row) => row.event === event).map((row, i) => ({
        ...row,
        id: "",
        value: unexpectedValues[(i + one.salt) % unexpectedValues.length]!
      }))
      const among = momentsOf(yield* measure(trial, withRows(easy, [...easy.rows, ...extra])))
      return differByArm(among, mild).map((line) => `${line} once there are events whose value isn't a number`)
    })
  }
}

const disjoint: Property = {
  name: "has moments that add up over disjoint identities",
  hint: "A column must be about one identity alone",
  share: 1 / 4,
  check: (trial, one, whole) =>
    Effect.gen(function*() {
      // What a quantile counts hangs on the quantile of all.
      if (trial.aggregation.estimand === "quantile") return []
      const isFirst = (row: EventRow) => lot(row.identity, one.salt) < 0.5
      const a = momentsOf(yield* measure(trial, withRows(one, one.rows.filter(isFirst))))
      const b = momentsOf(yield* measure(trial, withRows(one, one.rows.filter((row) => !isFirst(row)))))
      const union = momentsOf(yield* whole)
      return Object.keys(union).flatMap((arm) =>
        differ(arm, Moments.merge(a[arm]!, b[arm]!), union[arm]!).map((line) => `${line} when two halves are added`)
      )
    })
}

const withheld: Property = {
  name: "is withheld below its floors",
  hint: "The first column must be what the floor speaks of, such as 1 for an identity that converted",
  share: 1,
  check: (trial, one, whole) =>
    Effect.map(whole, (measured) => {
      const { reference: metric } = metricOf(trial, one)
      const { experiment } = one.world
      const units = reference(experiment, [metric], one.rows).units[metric.key]!
      const level = metric.quantile?.level
      const [control, ...treatments] = experiment.variants
      const beyond = (counts: Moments.Moments) => independentValues({ counts }) * Math.min(level ?? 0, 1 - (level ?? 0))
      const have = (arm: string, kind: string) =>
        kind === "identities"
          ? units[arm]!.length
          : kind === "values"
          ? beyond(Moments.fromValues(2, units[arm]!))
          : units[arm]!.reduce((sum, unit) => sum + unit[0]!, 0)
      const moments = level === undefined ? momentsOf(measured) : Object.fromEntries(
        Object.entries(momentsOf(measured)).map(([arm, { n, ...counts }]) => [
          arm,
          Moments.fromCentral(n, n === 0 ? [0, 0] : [0, beyond({ n, ...counts }) / n], [[0, 0], [0, 0]])
        ])
      )
      return treatments.flatMap((treatment) =>
        trial.aggregation.floors.flatMap((floor) => {
          const least = Math.min(have(control!, floor.kind), have(treatment, floor.kind))
          const said = checkFloors([floor], { control: moments[control!]!, treatment: moments[treatment]! })
          return (said !== undefined) === least < floor.need ? [] : [
            `${treatment} against ${control} has ${least} ${floor.kind} in the smaller arm, with a floor of ` +
            `${floor.need}, and ${said === undefined ? "isn't withheld" : "is withheld"}`
          ]
        })
      )
    })
}

const cappable: Property = {
  name: "can be capped, at a number and at a quantile, also from batches",
  hint: "Where capping its first column makes no sense, leave \"cap\" out of its features",
  share: 1 / 8,
  check: (trial, one) => {
    const caps = trial.aggregation.features.includes("cap") ? [2.5, { quantile: 0.7 }] : []
    return Effect.gen(function*() {
      for (const cap of caps) {
        const own = { ...trial, cap }
        const whole = yield* measure(own, one)
        const { reference: metric } = metricOf(own, one)
        const expected = reference(one.world.experiment, [metric], one.rows)
        // A number is the same constant in each batch; a quantile is that of all of them.
        const merged = typeof cap === "number"
          ? momentsOf(whole)
          : (yield* measureMerged(own, one, batchOf(one))).moments[0]!
        const found = [
          ...differences(whole.aggregates, expected, whole.planned).filter((line) => line.startsWith(metric.key)),
          ...differByArm(merged, momentsOf(whole)).map((line) => `${line} after two batches`)
        ]
        if (found.length > 0) return found.map((line) => `${line} under the cap ${JSON.stringify(cap)}`)
      }
      return []
    })
  }
}

/** All of them, in the order in which they are tried. */
export const properties: ReadonlyArray<Property> = [
  sound,
  equalsReference,
  deliveredTwice,
  anyOrder,
  seesItsOwn,
  mergeable,
  fusible,
  staysValues,
  withheld,
  disjoint,
  cappable
]
