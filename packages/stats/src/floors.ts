/** Floors: the least data below which no inference is shown. They are policy and stand outside the kernel. */
import type { Floor, Moments, Withheld, WithheldReason } from "@assay/model"
import { figure, withheld } from "./internal/withheld.ts"

/** 50 identities per compared arm, as in the original system and in PostHog. */
export const identitiesFloor: Floor = { kind: "identities", need: 50 }

/** 5 conversions per compared arm: the usual least count for the normal approximation of a proportion (Cochran 1954). */
export const conversionsFloor: Floor = { kind: "conversions", need: 5 }

/**
 * 5 independent values to be expected on the thinner side of a quantile, per compared arm: with fewer it is hardly more than the largest value or
 * the smallest. (Intervals hold at 3 already, in simulations.)
 */
export const valuesFloor: Floor = { kind: "values", need: 5 }

/** The floors of every metric. A proportion (aggregation `occurrence`) adds {@link conversionsFloor}. */
export const standardFloors: ReadonlyArray<Floor> = [identitiesFloor]

const reasons: Readonly<Record<Floor["kind"], WithheldReason>> = {
  identities: "too_few_identities",
  conversions: "too_few_conversions",
  values: "too_few_values"
}

const measure: Readonly<Record<Floor["kind"], (arm: Moments.Moments) => number>> = {
  identities: (arm) => arm.n,
  conversions: (arm) => arm.sums[0] ?? 0,
  values: (arm) => arm.sums[1] ?? 0
}

/**
 * The first floor that the compared arms don't reach, or undefined when they reach all. `have` is that of the smaller arm.
 */
export const checkFloors = (
  floors: ReadonlyArray<Floor>,
  arms: { readonly control: Moments.Moments; readonly treatment: Moments.Moments }
): Withheld | undefined => {
  for (const { kind, need } of floors) {
    const have = Math.min(measure[kind](arms.control), measure[kind](arms.treatment))
    if (!(have >= need)) {
      return withheld(
        reasons[kind],
        have,
        need,
        kind === "values"
          ? `Needs ${figure(need)} independent values beyond the quantile in each arm; the smaller has ${figure(have)}.`
          : `Needs ${figure(need)} ${kind} in each arm; the smaller has ${figure(have)}.`
      )
    }
  }
  return undefined
}
