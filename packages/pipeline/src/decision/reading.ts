/** When results may be read, and by which test: what the recorded plan says of this moment. Pure. */
import { type Experiment, horizonMillis, Instant, lookFractions, type PlanState, type Reason } from "@assay/model"
import type { Spending } from "@assay/stats"

/** The test that decides at this moment. */
export type DecisiveTest =
  | { readonly kind: "fixed" }
  | { readonly kind: "always-valid" }
  | { readonly kind: "group-sequential"; readonly fractions: ReadonlyArray<number>; readonly spending: Spending }

/**
 * How an experiment is read now. `mayShip` is false before the time that the plan says; a treatment that does harm is stopped all the
 * same. `final` says that the plan is at its end, so that "no" is an answer, too. `stands` says that the last look was taken already,
 * and its decision holds until the next one.
 */
export interface Reading {
  readonly plan: PlanState
  readonly test: DecisiveTest
  readonly mayShip: boolean
  readonly final: boolean
  readonly stands: boolean
  readonly reasons: ReadonlyArray<Reason>
}

/** What is known of the experiment's course. Times in milliseconds since 1970-01-01 UTC; `identities` are those in all arms. */
export interface Course {
  readonly experiment: Pick<Experiment, "plan" | "ended_at">
  readonly from: number
  readonly asOf: number
  readonly identities: number
  /** The plan as the last snapshot of the same definition left it. */
  readonly before?: PlanState
  /** What the last snapshot with identities in it said of the plan, whatever the definition was then. */
  readonly looked?: { readonly asOf: number; readonly ended: boolean; readonly plan: PlanState }
}

const alwaysValid: DecisiveTest = { kind: "always-valid" }

const day = 86_400_000

const percent = (part: number): string => `${Math.floor(100 * part + 1e-9)} %`

const reason = (code: string, sentence: string): Reason => ({ code, sentence })

/** So far beyond its end a plan is overrun: a day, or a tenth of its identities. */
const isOverrun = (information: number, endsAt: number | undefined, now: number): boolean =>
  endsAt === undefined ? information > 1.1 : now > endsAt + day

/**
 * Whether the end that an experiment without a plan has now was chosen when results were known: they were seen while it had no end or another
 * one. Whoever ends an experiment because it looks good reads it at a moment that chance has chosen.
 */
const isChosenLate = (looked: Course["looked"], endsAt: number): boolean => {
  if (looked === undefined) return false
  const { design, ends_at } = looked.plan
  return ends_at === null || Instant.toMillis(ends_at) !== endsAt || (looked.ended && design === "always-valid")
}

/**
 * How an experiment is read now.
 *
 * - Without a recorded plan: by the always-valid test while it runs, however often one looks; when it has ended, once, by the engine's own
 *   test, if the end was known before the results were. Each of the two says a false "ship" in at most half of the decision's level. An end
 *   that was set or moved after a look is read by the always-valid test, too.
 * - `fixed`: nothing ships before the end. The first recompute at or after the end takes the one look; its decision stands. An experiment that
 *   was ended before that is read by the always-valid test, which allows for any reason to stop.
 * - `group-sequential`: each planned look is taken by the first recompute at or after its time, with the error that is spent by then;
 *   its decision stands until the next look. A late last look spends all that is left.
 * - `always-valid`: at any time, and at the end, and after it.
 *
 * A plan without a horizon ends when the experiment does, and without either it is always-valid.
 */
export const readingOf = ({ asOf, before, experiment, from, identities, looked }: Course): Reading => {
  const endedAt = experiment.ended_at === undefined ? undefined : Instant.toMillis(experiment.ended_at)
  const { plan } = experiment
  const ended = endedAt !== undefined && asOf >= endedAt
  const now = ended ? endedAt : asOf
  const wanted = typeof plan?.horizon === "object" ? plan.horizon.identities : undefined
  const endsAt = wanted === undefined
    ? (plan === undefined ? undefined : horizonMillis(plan, from)) ?? endedAt
    : undefined
  const information = wanted !== undefined
    ? identities / wanted
    : endsAt === undefined
    ? undefined
    : Math.max(0, (now - from) / (endsAt - from))
  // A float's hair mustn't keep a look at its very time from being taken.
  const reached = (fraction: number): boolean => information !== undefined && information >= fraction * (1 - 1e-9)
  const design = plan?.design ?? (ended ? "fixed" : "always-valid")
  const state: PlanState = {
    recorded: plan !== undefined,
    design: information === undefined ? "always-valid" : design,
    information: information ?? null,
    ends_at: endsAt === undefined ? null : Instant.fromMillis(endsAt)
  }
  const end = endsAt === undefined
    ? wanted === undefined ? "its end" : `${wanted.toLocaleString("en-US")} identities`
    : Instant.inWords(endsAt)
  const give = (rest: Partial<Reading>): Reading => ({
    plan: state,
    test: alwaysValid,
    mayShip: true,
    final: false,
    stands: false,
    reasons: [],
    ...rest
  })

  if (plan === undefined && ended && isChosenLate(looked, endedAt)) {
    return give({
      plan: { ...state, design: "always-valid" },
      final: true,
      reasons: [
        reason(
          "end_chosen_late",
          `The experiment ended on ${Instant.inWords(endedAt)}, and its end was set when results had been seen (${
            Instant.inWords(looked!.asOf)
          }). It is read by an always-valid test, which allows for that; a plan or an end that is set before the first look tells smaller effects.`
        )
      ]
    })
  }
  if (plan === undefined && ended) {
    return give({
      test: { kind: "fixed" },
      final: true,
      reasons: [reason("ended", `The experiment ended on ${Instant.inWords(endedAt)} and is read once, at its end.`)]
    })
  }
  if (plan === undefined || information === undefined) {
    return give({
      reasons: [
        reason(
          "running_without_plan",
          `The experiment is still running${
            endsAt === undefined ? "" : ` (${percent(information ?? 0)} of its time is in; it ends on ${end})`
          }${
            plan === undefined ? " and has no recorded plan" : ", and its plan has no end"
          }, so it is read by an always-valid test, which holds however often one looks.`
        )
      ]
    })
  }
  const over = reached(1)
  const overrun = over && isOverrun(information, endsAt, now)
    ? [
      reason("plan_overrun", `The plan ended with ${end}; the data go beyond it (${percent(information)} of the plan).`)
    ]
    : []
  if (design === "always-valid") {
    return give({
      final: over || ended,
      reasons: [
        reason(
          "always_valid",
          over
            ? `The plan (always-valid) came to its end with ${end}.`
            : `The plan is always-valid: results may be read at any time. ${
              percent(information)
            } of it is in; it ends with ${end}.`
        ),
        ...overrun
      ]
    })
  }
  const fractions = design === "fixed" ? [1] : lookFractions(plan)
  const look = fractions.filter(reached).length
  const looks = fractions.length
  const last = look === looks
  const name = design === "fixed" ? "The plan is one look, at the end" : `The plan is ${looks} looks`
  if (ended && !last) {
    return give({
      plan: { ...state, looks, look },
      final: true,
      reasons: [
        reason(
          "ended_early",
          `${name}, but the experiment was ended on ${Instant.inWords(endedAt)} with ${
            percent(information)
          } of the plan. ` +
            "It is read by an always-valid test, which allows for any reason to stop."
        )
      ]
    })
  }
  const next = fractions[look]
  const nextAt = next === undefined
    ? undefined
    : endsAt === undefined
    ? `${Math.ceil(next * (wanted ?? 0)).toLocaleString("en-US")} identities`
    : Instant.inWords(from + next * (endsAt - from))
  if (look === 0) {
    return give({
      plan: { ...state, looks, look },
      mayShip: false,
      reasons: [
        reason(
          "plan_not_due",
          `${name}${looks > 1 ? "; the first comes" : ","} with ${nextAt}. ${percent(information)} of it is in.`
        )
      ]
    })
  }
  const taken = !ended && before?.decided_at !== undefined && before.design === design && before.look === look &&
    before.looks === looks && before.ends_at === state.ends_at
  const at = design === "fixed" ? "The one planned look" : `Look ${look} of ${looks}`
  const sentence = taken
    ? `${at} was taken on ${Instant.inWords(Instant.toMillis(before.decided_at))}, and its decision stands${
      nextAt === undefined ? "" : ` until the next one, with ${nextAt}`
    }.`
    : `${at} is taken now, with ${percent(information)} of the plan${
      nextAt === undefined ? "" : `; the next one comes with ${nextAt}`
    }.`
  return give({
    plan: {
      ...state,
      looks,
      look,
      decided_at: taken ? before.decided_at : Instant.fromMillis(asOf)
    },
    test: design === "fixed"
      ? { kind: "fixed" }
      : {
        kind: "group-sequential",
        fractions: [
          ...fractions.slice(0, look - 1),
          last ? Math.max(information, fractions[look - 1]!) : Math.min(1, information)
        ],
        spending: plan.spending ?? "obrien-fleming"
      },
    final: last,
    stands: taken,
    reasons: [reason("planned_look", sentence), ...overrun]
  })
}
