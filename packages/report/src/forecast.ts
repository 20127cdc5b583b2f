/** When a withheld number is to be expected. */
import type { ResultsSummary, WireWithheld } from "@assay/model"

/** Reasons that more data of the same kind will remove. */
const comesWithData = new Set<WireWithheld["reason"]>(["too_few_identities", "too_few_conversions", "too_few_values"])

/** Farther ahead than this a rate says nothing. Milliseconds: a year. */
const farthest = 365 * 86_400_000

/**
 * The milliseconds until a withheld number's floor is reached, if data keeps coming at the mean rate of the window so far;
 * `undefined` for an experiment that has ended, for a reason that more data doesn't remove, without any data, and for more than a
 * year.
 */
export const dueIn = (withheld: WireWithheld, { state, window }: ResultsSummary): number | undefined => {
  const elapsed = Date.parse(window.to) - Date.parse(window.from)
  if (state !== "running" || !comesWithData.has(withheld.reason) || !(withheld.have > 0) || !(elapsed > 0)) {
    return undefined
  }
  const due = elapsed * (withheld.need / withheld.have - 1)
  return due >= 0 && due <= farthest ? due : undefined
}
