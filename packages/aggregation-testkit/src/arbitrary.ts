/** Random event streams with everything that goes wrong in real ones. */
import * as fc from "fast-check"
import type { EventRow } from "./EventRow.ts"
import type { ReferenceExperiment } from "./reference.ts"

/** Texts that look like numbers and aren't, or are in odd ways. */
export const oddNumbers: ReadonlyArray<string> = [
  "nan",
  "NaN",
  "inf",
  "-inf",
  "1e400",
  "-1e400",
  "1e200",
  "",
  " 5",
  "5 ",
  "1,000",
  "0x10",
  "5abc",
  "true",
  "+7",
  ".5",
  "5.",
  "1e-400",
  "-0",
  "1e3",
  "00012",
  "1e",
  "NULL",
  "\u0661"
]

/** A value's text: mostly a plain number, sometimes an odd one. */
export const valueText: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -1000, max: 1000 }).map(String) },
  { weight: 3, arbitrary: fc.integer({ min: -100_000, max: 100_000 }).map((n) => (n / 64).toString()) },
  { weight: 2, arbitrary: fc.constantFrom(...oddNumbers) }
)

/** Any text that a table can hold, with what breaks badly written statements. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "'",
    "''; DROP TABLE events; --",
    "\\",
    "\\'",
    "`",
    "{p0:String}",
    "/* */",
    "-- ",
    "\0",
    "\n\t\r",
    "\u202Eevil",
    "naïve ✓ 日本",
    "👩‍👩‍👧",
    "NULL",
    "%s",
    "$flag_exposure "
  ),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 })
)

/** Names of a test world: hostile, and all different. */
export interface World {
  readonly experiment: ReferenceExperiment
  readonly events: ReadonlyArray<string>
}

/** An experiment over a short window whose every name may be hostile, and `events` event names. */
export const world = (events: number): fc.Arbitrary<World> =>
  fc.record({
    names: fc.uniqueArray(hostileText, { minLength: events + 5, maxLength: events + 5 }),
    from: fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2026, 0, 1) }),
    length: fc.constantFrom(1000, 86_400_000, 60 * 86_400_000),
    multipleVariants: fc.constantFrom("quarantine" as const, "first" as const),
    deduplication: fc.constantFrom("row" as const, "id" as const, "none" as const)
  }).map(({ names, from, length, multipleVariants, deduplication }) => ({
    experiment: {
      environment: names[0]!,
      feature: names[1]!,
      exposureEvent: "$flag_exposure",
      from,
      to: from + length,
      variants: names.slice(2, 5),
      multipleVariants,
      deduplication
    },
    events: names.slice(5).map((name) => `e${name}`)
  }))

/**
 * Rows in that world: few identities and few instants, so that flicker, equal timestamps, events exactly at an exposure and
 * exactly at the window's ends, early events, other environments, empty identities and unknown variants are common; and
 * some rows delivered twice. Of `identities`, `least` to `size` events, and a third as many exposures (in multiples of 6).
 */
export const rows = (
  { experiment, events }: World,
  { identities = 10, least = 0, size = 60 }: {
    readonly identities?: number
    readonly least?: number
    readonly size?: number
  } = {}
): fc.Arbitrary<ReadonlyArray<EventRow>> => {
  const length = experiment.to - experiment.from
  const instant = fc.oneof(
    fc.constantFrom(experiment.from - 1, experiment.from, experiment.to - 1, experiment.to),
    fc.integer({ min: 0, max: 8 }).map((step) => experiment.from + Math.floor((length * step) / 9)),
    fc.integer({ min: experiment.from, max: experiment.to - 1 })
  )
  const identity = fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 0, max: identities - 1 }).map((i) => `user '${i}'\\`) },
    { weight: 1, arbitrary: fc.constant("") }
  )
  const common = {
    environment: fc.oneof(
      { weight: 15, arbitrary: fc.constant(experiment.environment) },
      { weight: 1, arbitrary: fc.constant("other") }
    ),
    identity,
    timestamp: instant
  }
  const exposure = fc.record({
    ...common,
    event: fc.constant(experiment.exposureEvent),
    feature: fc.oneof(
      { weight: 15, arbitrary: fc.constant(experiment.feature) },
      { weight: 1, arbitrary: fc.constant("another feature") }
    ),
    value: fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...experiment.variants) },
      { weight: 1, arbitrary: fc.constantFrom("", "unknown", "blue '") }
    ),
    metadata: fc.constant("{}"),
    id: fc.constant("")
  })
  const event = fc.record({
    ...common,
    event: fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom(...events) },
      { weight: 1, arbitrary: fc.constant("unrelated") }
    ),
    feature: fc.constant(""),
    value: valueText,
    metadata: fc.constant("{}"),
    id: fc.constant("")
  })
  return fc.record({
    exposures: fc.array(exposure, { minLength: Math.floor(least / 3), maxLength: size / 3 }),
    events: fc.array(event, { minLength: least, maxLength: size }),
    twice: fc.array(fc.nat(), { maxLength: size / 6 }),
    order: fc.nat()
  }).map(({ exposures, events: own, twice, order }) => {
    const named = own.map((row, i) => ({ ...row, id: i % 7 === 0 ? "" : `id ${i}` }))
    const once: ReadonlyArray<EventRow> = [...exposures, ...named]
    const repeated = once.length === 0 ? [] : twice.map((i) => once[i % once.length]!)
    const all = [...once, ...repeated]
    const shift = all.length === 0 ? 0 : order % all.length
    return [...all.slice(shift), ...all.slice(0, shift)]
  })
}
