import type { Withheld, WithheldReason } from "@assay/model"

/** A number for a sentence: whole numbers with thousands separators, others to four digits. */
export const figure = (x: number): string =>
  Number.isInteger(x) && Math.abs(x) < 1e15 ? x.toLocaleString("en-US") : String(Number(x.toPrecision(4)))

export const withheld = (reason: WithheldReason, have: number, need: number, sentence: string): Withheld => ({
  status: "withheld",
  reason,
  // Not −0, which would be written "-0".
  have: have + 0,
  need,
  sentence
})
