/** An experiment: who was exposed to what, from when to when, and which metrics judge it. */
import { Schema } from "effect"
import { Instant } from "./Instant.ts"
import { Key } from "./Key.ts"
import { EffectSize, RecordedPlan } from "./RecordedPlan.ts"
import { Refresh } from "./Refresh.ts"

/** What a metric is for: `goal` decides, `secondary` explains, `guardrail` must not get worse. */
export const Role = Schema.Literals(["goal", "secondary", "guardrail"]).annotate({
  description: "What the metric is for: goal decides, secondary explains, guardrail must not get worse."
})
export type Role = typeof Role.Type

/** One arm. Shares are any numbers ≥ 0 and are normalised; 0 says that the arm should get no traffic. */
export const Variant = Schema.Struct({
  key: Key.annotate({ description: "The variant as exposures name it.", examples: ["control"] }),
  share: Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0))).annotate({
    description: "The expected share of traffic: any number from 0 up. Shares are normalised, so 1 and 1 are halves.",
    examples: [50]
  }),
  description: Schema.optionalKey(Schema.String.annotate({ description: "For people." }))
})
export interface Variant extends Schema.Schema.Type<typeof Variant> {}

/**
 * A metric of the experiment, by its key, in a role. A `margin` on a guardrail is the loss that is borne (non-inferiority: it must be
 * shown to be smaller); elsewhere the gain that it takes (superiority: it must be shown to be larger). It is always above 0; the metric's
 * direction says which way.
 */
export const MetricUse = Schema.Struct({
  metric: Key.annotate({ description: "The key of a metric.", examples: ["purchased"] }),
  role: Role,
  margin: Schema.optionalKey(
    EffectSize.annotate({
      description:
        "On a guardrail the loss that is borne (it must be shown to be smaller), elsewhere the gain that it " +
        "takes (it must be shown to be larger)."
    })
  )
})
export interface MetricUse extends Schema.Schema.Type<typeof MetricUse> {}

/** A change of the split while the experiment runs: from then on new identities are assigned by these shares. */
export const SplitChange = Schema.Struct({
  from: Instant.annotate({
    description: "When the new shares took effect.",
    examples: ["2026-01-08"]
  }),
  shares: Schema.Record(Schema.String, Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))).annotate({
    description: "The expected share of each variant from then on, by its key; a variant that is left out gets none."
  })
})
export interface SplitChange extends Schema.Schema.Type<typeof SplitChange> {}

/**
 * An experiment as its file defines it. `identity` names the identity column that is the unit of the experiment (the
 * first of the event-table mapping where it is absent); the window is half-open, `[started_at, ended_at)`, and runs up to
 * the time of the recompute where there is no `ended_at`. `multiple_variants` says what becomes of an identity that was
 * seen in more than one variant: `quarantine` (in no arm, the default) or `first` (the arm of its first exposure).
 */
export const Experiment = Schema.Struct({
  key: Key.annotate({
    description: "What the experiment is called, here and in its results. Unique among all experiments.",
    examples: ["new-checkout"]
  }),
  description: Schema.optionalKey(Schema.String.annotate({ description: "For people: what is tried, and why." })),
  environment: Schema.NonEmptyString.annotate({
    description: "The environment whose events are read.",
    examples: ["production"]
  }),
  feature: Schema.NonEmptyString.annotate({
    description: "The feature whose exposures make the arms, as exposures name it.",
    examples: ["checkout"]
  }),
  started_at: Instant.annotate({
    description: "The start of the window, inclusive: a date (midnight UTC) or a date and time with its zone.",
    examples: ["2026-01-01", "2026-01-01T09:30:00Z"]
  }),
  ended_at: Schema.optionalKey(
    Instant.annotate({
      description: "The end of the window, exclusive. Leave it out while the experiment runs.",
      examples: ["2026-02-01", "2026-02-01T09:30:00Z"]
    })
  ),
  identity: Schema.optionalKey(
    Schema.NonEmptyString.annotate({
      description: "The unit of the experiment: one of the mapping's identities. The first of them where it is absent.",
      examples: ["identifier"]
    })
  ),
  multiple_variants: Schema.optionalKey(
    Schema.Literals(["quarantine", "first"]).annotate({
      description: "What becomes of an identity seen in more than one variant: quarantine (in no arm) or first " +
        "(the arm of its first exposure).",
      default: "quarantine"
    })
  ),
  control: Key.annotate({
    description: "The key of the variant that the others are compared with.",
    examples: ["control"]
  }),
  variants: Schema.NonEmptyArray(Variant).annotate({ description: "The arms, 2 to 63 of them." }),
  metrics: Schema.NonEmptyArray(MetricUse).annotate({ description: "What judges the experiment." }),
  slices: Schema.optionalKey(
    Schema.Array(Schema.NonEmptyString).annotate({
      description: "Properties of the exposures to break the results down by, each identity with what it had at its " +
        "first exposure; defaults.slices of the configuration where it is absent.",
      examples: [["traits.country", "traits.plan"]]
    })
  ),
  stratify: Schema.optionalKey(
    Schema.NonEmptyString.annotate({
      description: "A property of the exposures, as in slices, whose parts all arms are given in the same mix " +
        "(post-stratification); it narrows intervals. The results are broken down by it, too.",
      examples: ["traits.platform"]
    })
  ),
  series: Schema.optionalKey(
    Schema.Boolean.annotate({
      description: "Whether to tell how the results came about over time, too; defaults.series of the configuration " +
        "where it is absent."
    })
  ),
  refresh: Schema.optionalKey(
    Refresh.annotate({
      description: "When `assay watch` computes it anew; defaults.refresh of the configuration where it is absent."
    })
  ),
  plan: Schema.optionalKey(
    RecordedPlan.annotate({ description: "How the results will be read, recorded before they are." })
  ),
  split_changes: Schema.optionalKey(
    Schema.Array(SplitChange).annotate({
      description:
        "Changes of the shares after the start, in the order of time. The variants' shares hold until the first."
    })
  )
})
export interface Experiment extends Schema.Schema.Type<typeof Experiment> {}

/** What an experiment is broken down by: its own slices or those of the configuration, and what it is stratified by. */
export const dimensionsOf = (
  { slices, stratify }: Pick<Experiment, "slices" | "stratify">,
  byDefault: ReadonlyArray<string> = []
): ReadonlyArray<string> => {
  const all = slices ?? byDefault
  return stratify === undefined || all.includes(stratify) ? all : [...all, stratify]
}

/** The arms that are compared with the control, in the order of the definition. */
export const treatments = (experiment: Experiment): ReadonlyArray<Variant> =>
  experiment.variants.filter((variant) => variant.key !== experiment.control)
