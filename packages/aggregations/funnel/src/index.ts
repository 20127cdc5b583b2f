/** `funnel`: the part of identities that went all of several steps in order. */
import { defineMultiSourceAggregation, Duration, type Reported, Schema, Unit } from "@assay/aggregation"

/** Longer than any experiment: steps count however far apart they are. */
const unlimited = "3650d"

const furthest = (
  steps: ReadonlyArray<Unit.Events<"steps">>,
  { strictness = "default", within = unlimited }: {
    readonly strictness?: Unit.Strictness
    readonly within?: string
  }
): Unit.UnitColumn<"steps"> => Unit.funnel(steps, { within: Duration.toMillis(within), strictness })

/**
 * Per identity 1 where it went all `steps` in order after its first exposure, the last within `within` of the first, else 0. Reported
 * are the part that reached each step, and the part of those at a step that reached the next.
 */
export const funnel = defineMultiSourceAggregation({
  name: "funnel",
  version: "1.0.0",
  options: Schema.Struct({
    within: Schema.optionalKey(
      Duration.Duration.annotate({
        description: "How long after the first step the last one counts. Any time where it is absent.",
        examples: ["1d"]
      })
    ),
    strictness: Schema.optionalKey(
      Schema.Literals(["default", "strict_order", "strict_increase"]).annotate({
        description:
          "default: anything may come between. strict_order: no other step comes between. strict_increase: " +
          "each step is later than the one before, not at the same millisecond."
      })
    )
  }),
  sources: { steps: { reads: "nothing", least: 2, most: 10 } },
  columns: ({ options, steps }) => ({
    done: Unit.atLeast(furthest(steps, options), Unit.constant(steps.length))
  }),
  estimand: { kind: "proportion", column: "done" },
  reported: ({ options, steps }) => {
    const reached = (step: number) => Unit.atLeast(furthest(steps, options), Unit.constant(step))
    const name = (step: number) => `${step}. ${steps[step - 1]!.name}`
    return Object.fromEntries(
      steps.flatMap((_, i): ReadonlyArray<readonly [string, Reported<"steps">]> => [
        [name(i + 1), reached(i + 1)],
        ...(i === 0
          ? []
          : [[`${name(i + 1)}, of those at ${i}`, { numerator: reached(i + 1), denominator: reached(i) }] as const])
      ])
    )
  },
  floors: [{ kind: "conversions", need: 5 }]
})
