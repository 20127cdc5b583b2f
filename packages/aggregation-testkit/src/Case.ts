/** Cases: random streams, from small and plain to large and hostile; how a failing one is made smaller, and how one is shown. */
import * as fc from "fast-check"
import { rows, type World, world } from "./arbitrary.ts"
import type { EventRow } from "./EventRow.ts"

/** One stream of events in its world, with the metric's options. `salt` decides what a property does at random. */
export interface Case {
  readonly world: World
  readonly rows: ReadonlyArray<EventRow>
  readonly options: Readonly<Record<string, unknown>> | undefined
  readonly salt: number
}

/** A number in [0, 1) that hangs on a text and a salt alone. */
export const lot = (text: string, salt: number): number => {
  let hash = (salt ^ 0x811c9dc5) >>> 0
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193) >>> 0
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32
}

/** The same case with other names, each distinct one for a distinct one; `$flag_exposure` stays. */
export const renamed = (one: Case, rename: (kind: string, index: number, name: string) => string): Case => {
  const { experiment, events } = one.world
  const variants = experiment.variants.map((name, i) => rename("variant", i, name))
  const names = events.map((name, i) => rename("event", i, name))
  const identities = [...new Set(one.rows.map((row) => row.identity))].filter((name) => name !== "").toSorted()
  const environment = rename("environment", 0, experiment.environment)
  const feature = rename("feature", 0, experiment.feature)
  const swap = (from: ReadonlyArray<string>, to: ReadonlyArray<string>, name: string) => to[from.indexOf(name)] ?? name
  return {
    ...one,
    world: { events: names, experiment: { ...experiment, environment, feature, variants } },
    rows: one.rows.map((row) => ({
      ...row,
      environment: swap([experiment.environment], [environment], row.environment),
      feature: swap([experiment.feature], [feature], row.feature),
      event: swap(events, names, row.event),
      identity: row.identity === "" ? "" : rename("identity", identities.indexOf(row.identity), row.identity),
      value: row.event === experiment.exposureEvent ? swap(experiment.variants, variants, row.value) : row.value
    }))
  }
}

const plainNames: Readonly<Record<string, (index: number) => string>> = {
  variant: (i) => ["control", "blue", "green"][i] ?? `variant ${i}`,
  event: (i) => `event ${i}`,
  identity: (i) => `u${i}`
}

/** The same case with names that are easy to read. */
export const plain = (one: Case): Case => renamed(one, (kind, i) => plainNames[kind]?.(i) ?? kind)

/**
 * The same case with most identities in one variant and exposed early, and most events of kinds that the metric looks at: wholly
 * random streams leave few identities in an arm with more than one event that counts.
 */
const settled = (one: Case): Case => {
  const { events, experiment } = one.world
  const length = experiment.to - experiment.from
  const own = events.slice(0, -1)
  return {
    ...one,
    rows: one.rows.map((row) => {
      const mark = `${row.timestamp} ${row.value}`
      if (row.event !== experiment.exposureEvent) {
        return row.event === events.at(-1) && lot(mark, one.salt) < 0.6
          ? { ...row, event: own[Math.floor(lot(mark, one.salt + 1) * own.length)]! }
          : row
      }
      if (!experiment.variants.includes(row.value) || lot(row.identity, one.salt) > 0.8) return row
      const inside = row.timestamp >= experiment.from && row.timestamp < experiment.to
      return {
        ...row,
        value: experiment.variants[Math.floor(lot(row.identity, one.salt + 1) * experiment.variants.length)]!,
        timestamp: inside && lot(row.identity, one.salt + 2) < 0.7
          ? experiment.from + Math.floor((row.timestamp - experiment.from) / (length > 8 ? 8 : 1))
          : row.timestamp
      }
    })
  }
}

/** The numbers that options hold, however deep. */
const numbersIn = (options: unknown): ReadonlyArray<number> =>
  typeof options === "number"
    ? [options]
    : typeof options === "object" && options !== null
    ? Object.values(options).flatMap(numbersIn)
    : []

/** The same case with the options' own numbers among the values of its events: mistakes sit at thresholds. */
const edged = (one: Case): Case => {
  const numbers = numbersIn(one.options)
  return numbers.length === 0 ? one : {
    ...one,
    rows: one.rows.map((row) => {
      const mark = `${row.timestamp} ${row.value}`
      return row.event === one.world.experiment.exposureEvent || lot(mark, one.salt + 3) > 0.3
        ? row
        : { ...row, value: String(numbers[Math.floor(lot(mark, one.salt + 4) * numbers.length)]!) }
    })
  }
}

/**
 * `runs` cases that are the same for the same seed: a few rows of two or three identities with plain names at first, so that
 * what is found there is small, then more and more of them, under hostile names. Each world has so many `events`.
 */
export const cases = (
  seed: number,
  runs: number,
  events: number,
  options: Case["options"],
  arbitrary: fc.Arbitrary<Readonly<Record<string, unknown>>> | undefined
): ReadonlyArray<Case> => {
  const chosen: fc.Arbitrary<Case["options"]> = arbitrary === undefined
    ? fc.constant(options)
    : options === undefined
    ? arbitrary
    : fc.oneof(fc.constant(options), arbitrary)
  return Array.from({ length: runs }, (_, i) => {
    const share = runs === 1 ? 1 : i / (runs - 1)
    const size = 6 + 6 * Math.round(9 * share ** 2)
    const stream = world(events).chain((one) =>
      fc.record({
        world: fc.constant(one),
        rows: rows(one, { size, least: i === 0 ? 0 : size / 2, identities: 2 + Math.round(8 * share) }),
        options: chosen,
        salt: fc.nat()
      })
    )
    const [one] = fc.sample(stream, { seed: seed + i, numRuns: 1 })
    const lively = edged(settled(one!))
    return share < 0.4 ? plain(lively) : lively
  })
}

/** A list without a part of it: halves first, single items at last. */
function* without<A>(all: ReadonlyArray<A>): Generator<ReadonlyArray<A>> {
  const { length } = all
  for (let part = Math.ceil(length / 2); part >= 1; part = part === 1 ? 0 : Math.ceil(part / 2)) {
    for (let start = 0; start < length; start += part) yield [...all.slice(0, start), ...all.slice(start + part)]
  }
}

/** The same case without some of its identities: what is wrong mostly shows in one of them. */
function* fewer(one: Case): Generator<Case> {
  const identities = [...new Set(one.rows.map(({ identity }) => identity))]
  for (const kept of without(identities)) {
    yield { ...one, rows: one.rows.filter(({ identity }) => kept.includes(identity)) }
  }
}

/** The same case without some of its rows. */
function* shorter(one: Case): Generator<Case> {
  for (const rows of without(one.rows)) yield { ...one, rows }
}

/** The same case with one thing plainer. */
function* plainer(one: Case, options: Case["options"]): Generator<Case> {
  const { experiment } = one.world
  yield { ...one, options }
  yield { ...one, world: { ...one.world, experiment: { ...experiment, deduplication: "row" } } }
  for (const [i, row] of one.rows.entries()) {
    yield { ...one, rows: one.rows.with(i, { ...row, id: "" }) }
    if (row.event === experiment.exposureEvent || row.value === "1" || row.value === "2") continue
    for (const value of ["1", "2"]) yield { ...one, rows: one.rows.with(i, { ...row, value }) }
  }
}

/** How many cases are tried to make a failing one smaller, where nothing else is said. */
export const usualPatience = 40

/**
 * The smallest case found that fails as well, and how it does: plain names first, then as few rows as possible, then plain
 * values. `options` are the plainest that there are; up to `patience` cases are tried.
 */
export const minimise = async <A>(
  failing: { readonly one: Case; readonly failure: A },
  options: Case["options"],
  fails: (one: Case) => Promise<A | undefined>,
  patience = usualPatience
): Promise<{ readonly one: Case; readonly failure: A }> => {
  let best = failing
  const tried = new Set([JSON.stringify(failing.one)])
  const better = async (candidates: Iterable<Case>): Promise<boolean> => {
    for (const one of candidates) {
      const text = JSON.stringify(one)
      if (tried.has(text)) continue
      if (tried.size > patience) return false
      tried.add(text)
      const failure = await fails(one)
      if (failure === undefined) continue
      best = { one, failure }
      return true
    }
    return false
  }
  await better([plain(best.one)])
  while (await better(fewer(best.one)));
  while (await better(shorter(best.one)));
  while (await better(plainer(best.one, options)));
  return best
}

const table = (lines: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((line) => line[i]!.length)))
  return lines.map((line) => line.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd())
}

/** A case as a person reads it: a row each, with times from the start of the experiment. */
export const show = ({ options, rows: shown, world: { experiment } }: Case): string => {
  const { deduplication, environment, from, multipleVariants, to, variants } = experiment
  const seconds = (time: number) => `${((time - from) / 1000).toFixed(3)} s`
  const text = (value: string) => JSON.stringify(value)
  const extra = (row: EventRow): ReadonlyArray<string> => [
    ...(row.environment === environment ? [] : [`environment ${text(row.environment)}`]),
    ...(row.event === experiment.exposureEvent && row.feature !== experiment.feature
      ? [`feature ${text(row.feature)}`]
      : []),
    ...(row.id === "" ? [] : [`id ${text(row.id)}`]),
    ...(row.metadata === "{}" || row.metadata === "" ? [] : [`metadata ${row.metadata}`]),
    ...(["country", "amount", "member"] as const).flatMap((name) =>
      row[name] === undefined ? [] : [`${name} ${JSON.stringify(row[name])}`]
    )
  ]
  const lines = shown.map((row) => [
    seconds(row.timestamp),
    text(row.identity),
    row.event === experiment.exposureEvent ? `exposed to ${text(row.value)}` : text(row.event),
    row.event === experiment.exposureEvent ? "" : `value ${text(row.value)}`,
    extra(row).join(", ")
  ])
  return [
    `${shown.length === 1 ? "one row" : `${shown.length} rows as they arrived`}; window 0 s to ${
      seconds(to)
    }, variants ` +
    `${variants.map(text).join(", ")}, repeated rows by ${deduplication}, several variants: ${multipleVariants}` +
    (options === undefined ? "" : `, options ${JSON.stringify(options)}`),
    ...table(lines)
  ].join("\n    ")
}
