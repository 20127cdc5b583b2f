/** How an experiment is to be read, written down before it is: when it ends, how often it is looked at, what it should find. */
import { Schema } from "effect"
import * as Duration from "./Duration.ts"
import * as Instant from "./Instant.ts"

/** An effect or a margin: of the control's value (0.02 = 2 %) or in the metric's own unit. */
export const EffectSize = Schema.Struct({
  value: Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0))).annotate({
    description: "How much: 0.02 is 2 % where it is relative, else the metric's own unit.",
    examples: [0.02]
  }),
  on: Schema.optionalKey(
    Schema.Literals(["relative", "absolute"]).annotate({
      description: "Whether it is a part of the control's value or in the metric's own unit.",
      default: "relative"
    })
  )
})
export interface EffectSize extends Schema.Schema.Type<typeof EffectSize> {}

/** `fixed`: read once, at the end; `group-sequential`: at planned looks; `always-valid`: at any time. */
export const Design = Schema.Literals(["fixed", "group-sequential", "always-valid"])
export type Design = typeof Design.Type

const isHorizon = (text: string): boolean => Schema.is(Duration.Duration)(text) || Schema.is(Instant.Instant)(text)

/** When an experiment ends: so long after its start, at a moment, or with so many identities in all arms. */
export const Horizon = Schema.Union([
  Schema.String.pipe(
    Schema.check(
      Schema.makeFilter(isHorizon, {
        expected: "a length of time such as 14d, or a date, or a date and time with its zone",
        toJsonSchema: () => ({ pattern: String.raw`^(\d+[wdhms])+$|^\d{4}-\d{2}-\d{2}` })
      })
    )
  ),
  Schema.Struct({
    identities: Schema.Int.pipe(Schema.check(Schema.isGreaterThan(0))).annotate({
      description: "Identities in all arms together.",
      examples: [40_000]
    })
  })
])
export type Horizon = typeof Horizon.Type

const fractionsRise = (looks: ReadonlyArray<number>): boolean =>
  looks.every((t, i) => t > (i === 0 ? 0 : looks[i - 1]!) && t <= 1)

const mostLooks = 100

/** The recorded plan. `power` and `effect` say what it was made for. */
export const RecordedPlan = Schema.Struct({
  design: Design.annotate({
    description: "When results may be read: once at the end (fixed), at planned looks (group-sequential), or at any " +
      "time (always-valid)."
  }),
  horizon: Schema.optionalKey(
    Horizon.annotate({
      description: "The planned end: a length of time from the start, a date, or { identities: … } in all arms.",
      examples: ["14d", "2026-02-01"]
    })
  ),
  looks: Schema.optionalKey(
    Schema.Union([
      Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: mostLooks }))),
      Schema.NonEmptyArray(Schema.Finite).pipe(
        Schema.check(
          Schema.makeFilter((looks) => looks.length <= mostLooks && fractionsRise(looks), {
            expected: "fractions of the plan that rise from above 0 to at most 1, such as [0.5, 1]"
          })
        )
      )
    ]).annotate({
      description: "Looks of a group-sequential plan: how many, equally spaced, or at which fractions of it.",
      examples: [4]
    })
  ),
  spending: Schema.optionalKey(
    Schema.Literals(["obrien-fleming", "pocock"]).annotate({
      description: "How a group-sequential plan spends its error: late (obrien-fleming) or evenly (pocock).",
      default: "obrien-fleming"
    })
  ),
  power: Schema.optionalKey(
    Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0), Schema.isLessThan(1))).annotate({
      description: "The chance that the effect is found, if it is there.",
      default: 0.8
    })
  ),
  effect: Schema.optionalKey(
    EffectSize.annotate({ description: "The smallest effect on the goals that is worth finding." })
  )
})
export interface RecordedPlan extends Schema.Schema.Type<typeof RecordedPlan> {}

/** The horizon as a moment in milliseconds, for a window that starts at `from`; undefined where it counts identities or is none. */
export const horizonMillis = (plan: Pick<RecordedPlan, "horizon">, from: number): number | undefined => {
  const { horizon } = plan
  if (typeof horizon !== "string") return undefined
  return Schema.is(Duration.Duration)(horizon) ? from + Duration.toMillis(horizon) : Instant.toMillis(horizon)
}

/** The planned looks as fractions of the plan; one at its end where it says none. */
export const lookFractions = ({ looks = 1 }: Pick<RecordedPlan, "looks">): ReadonlyArray<number> =>
  typeof looks === "number" ? Array.from({ length: looks }, (_, i) => (i + 1) / looks) : looks
