/** How long still: what an experiment can find by now and by its end, and what its targets take. */
import type { EstimandKind } from "./Estimand.ts"
import type { Role } from "./Experiment.ts"
import type { Direction } from "./Metric.ts"
import type { EffectSize } from "./RecordedPlan.ts"

/** The form of what `assay plan --json` prints. */
export const outlookVersion = "assay.plan/1"

/** What is to be shown of a metric: an `effect` in its good direction, or a loss smaller than a `margin`. `value` is above 0; `text` is it in words. */
export interface OutlookTarget extends Required<EffectSize> {
  readonly kind: "effect" | "margin"
  readonly text: string
}

/** An effect (or loss) on both scales, above 0; `relative` is null for a baseline of 0. */
export interface OutlookEffect {
  readonly absolute: number
  readonly relative: number | null
}

/** What a number of identities is good for: the chance to show the target, and the smallest target that has the wanted chance. */
export interface OutlookPoint {
  /** Identities that the metric counts in all arms. */
  readonly n: number
  readonly power: number | null
  readonly detectable: OutlookEffect | null
}

/** Identities in all arms, and by the smallest and the largest of them. */
export interface OutlookSize {
  readonly n: number
  readonly per_arm: Readonly<Record<string, number>>
}

/** A metric whose baseline is known. */
export interface OutlookFigures {
  readonly status: "ok"
  readonly baseline: {
    readonly value: number
    /** Of one identity. */
    readonly standard_deviation: number
    readonly source: "measured" | "given"
  }
  /** The part of the variance that covariate and strata have taken away so far; absent without either. */
  readonly variance_reduction?: number
  /** Why the covariate explains nothing. */
  readonly covariate_fallback?: string
  readonly target: OutlookTarget | null
  readonly now: OutlookPoint | null
  /** At the planned end; null without one, or without knowing how many identities will be in by then. */
  readonly at_end: OutlookPoint | null
  /** What the target takes by the reading of the plan; null without a target, or where no number is enough. */
  readonly needed: OutlookSize | null
  /** The same for other readings, and without covariate and strata. */
  readonly needed_fixed: number | null
  readonly needed_always_valid: number | null
  readonly needed_unadjusted?: number | null
  /** Days until `needed` identities are counted, 0 where they are; null where that isn't known. */
  readonly days: number | null
}

/** Why nothing can be said of a metric yet. */
export interface OutlookUnknown {
  readonly status: "unknown"
  readonly sentence: string
}

/** One metric. `level` is its two-sided error after correction for so many `comparisons`; `power` the wanted chance. */
export type OutlookMetric = {
  readonly metric_id: string
  readonly role: Role
  readonly direction: Direction
  readonly estimand: EstimandKind
  readonly level: number
  readonly comparisons: number
  readonly power: number
} & (OutlookFigures | OutlookUnknown)

/** How many identities come in, and how that is known. */
export interface OutlookTraffic {
  readonly per_day: number
  readonly source: "given" | "series" | "snapshots" | "window"
  /** From when on it was observed; absent where it is given. */
  readonly since?: string
}

/** The answer: `code` for machines and stable, `sentence` for people; `days` and `until` where there are. */
export interface OutlookAnswer {
  readonly code: "enough" | "days" | "planned_end" | "ended" | "too_long" | "no_target" | "no_traffic" | "no_data"
  readonly sentence: string
  readonly days: number | null
  readonly until: string | null
}

/** "How long still?" of an experiment, figured from what was measured by `as_of`. */
export interface Outlook {
  readonly schema: typeof outlookVersion
  readonly experiment: string
  readonly state: "not started" | "running" | "ended"
  readonly as_of: string
  readonly window: { readonly from: string }
  readonly reading: {
    readonly design: "fixed" | "group-sequential" | "always-valid"
    /** Whether the definition has a plan. */
    readonly recorded: boolean
    readonly looks?: ReadonlyArray<number>
    /** The planned end; null where there is none, or where it is a number of identities. */
    readonly ends_at: string | null
    readonly identities?: number
  }
  readonly answer: OutlookAnswer
  /** What a reader must know before believing it. */
  readonly notes: ReadonlyArray<string>
  /** Identities in all arms so far. */
  readonly identities: number
  readonly traffic: OutlookTraffic | null
  readonly metrics: ReadonlyArray<OutlookMetric>
}
