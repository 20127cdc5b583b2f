import type { Comparison, Inference } from "@assay/model"

/** The inference of a comparison that must not be withheld. */
export const ok = (comparison: Comparison): Inference => {
  if (comparison.status === "withheld") throw new Error(comparison.sentence)
  return comparison
}
