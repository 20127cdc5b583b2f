/** Where a mismatch is: in which part of the identities, and from when on. */
import type { Finding } from "@assay/model"
import { adjustPValues, chiSquaredSurvival } from "@assay/stats"
import { advice } from "./advice.ts"
import { count, percent, pValue } from "./internal/figures.ts"
import { splitTest } from "./internal/tests.ts"
import { splitOf } from "./shares.ts"

/** New identities per arm, in the order of the shares, on one day (or in one hour); `name` says which. */
export interface PeriodCount {
  readonly name: string
  readonly counts: ReadonlyArray<number>
}

/** Identities per arm in one part of a dimension, such as android of platform. */
export interface PartCount extends PeriodCount {
  readonly dimension: string
}

/** The counts in which a mismatch is looked for. */
export interface LocateInput {
  /** The arms' keys and expected shares (> 0, any scale). */
  readonly keys: ReadonlyArray<string>
  readonly shares: ReadonlyArray<number>
  /** Of all identities, in the order of time. */
  readonly periods?: ReadonlyArray<PeriodCount>
  /** Parts of one dimension are disjoint. */
  readonly parts?: ReadonlyArray<PartCount>
  /** Whether the counts of all identities together are a mismatch; it lowers the bar for saying where. */
  readonly mismatch: boolean
}

/** A part whose split isn't as planned, with its p-value after Holm's correction for all parts. */
export interface OffPart extends PartCount {
  readonly pValue: number
  /** Whether all the other parts of the dimension together are as planned. */
  readonly alone: boolean
}

/** From when on, or until when, the split isn't as planned; `pValue` after correction for all places where it could change. */
export interface OffPeriod {
  readonly kind: "since" | "until"
  readonly name: string
  readonly counts: ReadonlyArray<number>
  readonly pValue: number
}

/** Where a mismatch comes from: the parts and the period that are off, the most extreme first, and what is said about them. */
export interface Located {
  readonly parts: ReadonlyArray<OffPart>
  readonly period: OffPeriod | undefined
  readonly findings: ReadonlyArray<Finding>
}

const add = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): ReadonlyArray<number> => a.map((x, i) => x + b[i]!)
const sum = (counts: ReadonlyArray<number>): number => counts.reduce((a, b) => a + b, 0)

/** Where the rest is above this p-value, it is taken to be as planned. */
const sound = 0.01

/** A part that is off though all together aren't must be as sure as an alarm; where they are, one in a hundred will do. */
const levelOf = ({ mismatch }: LocateInput): number => (mismatch ? 0.01 : 0.001)

const pOf = (counts: ReadonlyArray<number>, shares: ReadonlyArray<number>): number =>
  sum(counts) === 0 ? 1 : splitTest(splitOf(counts, shares)).p_value

const offParts = (input: LocateInput): ReadonlyArray<OffPart> => {
  const { parts = [], shares } = input
  const adjusted = adjustPValues("holm", parts.map(({ counts }) => pOf(counts, shares)))
  const off = parts.flatMap((part, i) => (adjusted[i]! < levelOf(input) ? [{ part, pValue: adjusted[i]! }] : []))
  return off.map(({ part, pValue }) => {
    const offHere = off.filter((one) => one.part.dimension === part.dimension)
    const rest = parts.filter((one) =>
      one.dimension === part.dimension && !offHere.some(({ part: other }) => other === one)
    )
      .map(({ counts }) => counts)
    const zero = shares.map(() => 0)
    return { ...part, pValue, alone: rest.length > 0 && pOf(rest.reduce(add, zero), shares) >= sound }
  })
}

/** 2·Σ n·ln(n/E), at least 0: how far counts are from shares. Where they are just as planned, rounding could make the sum negative. */
const deviation = (counts: ReadonlyArray<number>, shares: ReadonlyArray<number>): number => {
  const [total, whole] = [sum(counts), sum(shares)]
  const g = 2 * counts.reduce((g, n, i) => g + (n > 0 ? n * Math.log(n / (total * (shares[i]! / whole))) : 0), 0)
  return Math.max(0, g)
}

/**
 * The place where the split changes: the boundary between periods at which two splits explain the counts best (the largest likelihood ratio
 * against the planned one on both sides, 2(k−1) degrees of freedom), corrected for all boundaries by Bonferroni. It is told only where one
 * of the two sides is as planned.
 */
const offPeriod = (input: LocateInput): OffPeriod | undefined => {
  const { periods = [], shares } = input
  const zero: ReadonlyArray<number> = shares.map(() => 0)
  const all = periods.map(({ counts }) => counts).reduce(add, zero)
  const boundaries = periods.slice(1).map((_, i) => i + 1)
  let best: { readonly at: number; readonly g: number } | undefined
  let before = zero
  for (const at of boundaries) {
    before = add(before, periods[at - 1]!.counts)
    const after = all.map((n, i) => n - before[i]!)
    if (sum(before) === 0 || sum(after) === 0) continue
    const g = deviation(before, shares) + deviation(after, shares)
    if (best === undefined || g > best.g) best = { at, g }
  }
  if (best === undefined) return undefined
  const pValue = Math.min(1, boundaries.length * chiSquaredSurvival(best.g, 2 * (shares.length - 1)))
  if (!(pValue < levelOf(input))) return undefined
  const first = periods.slice(0, best.at).map(({ counts }) => counts).reduce(add, zero)
  const last = all.map((n, i) => n - first[i]!)
  const [firstSound, lastSound] = [pOf(first, shares) >= sound, pOf(last, shares) >= sound]
  if (firstSound === lastSound) return undefined
  return firstSound
    ? { kind: "since", name: periods[best.at]!.name, counts: last, pValue }
    : { kind: "until", name: periods[best.at - 1]!.name, counts: first, pValue }
}

const table = ({ keys, shares }: LocateInput, counts: ReadonlyArray<number>): string => {
  const [total, whole] = [sum(counts), sum(shares)]
  return keys.map((key, i) =>
    `${key} ${count(counts[i]!)} (${percent(counts[i]! / total)}, expected ${percent(shares[i]! / whole)})`
  ).join(", ")
}

/**
 * Locates a mismatch by counts per day and per part: "only android, from 3 March". All parts of all dimensions are tested together
 * (Holm), the beginning or end is searched over all days (Bonferroni). Parts that are off are findings also where all identities together
 * are as planned, since two mistakes may cancel out. Counts or shares that don't fit are a RangeError.
 */
export const locateMismatch = (input: LocateInput): Located => {
  const parts = offParts(input)
  const period = offPeriod(input)
  const ofParts = parts.slice(0, 5).map((part): Finding => ({
    code: "sample_ratio_located",
    severity: "warning",
    sentence: `The split isn't as planned where ${part.dimension} is ${part.name} (${pValue(part.pValue)}): ${
      table(input, part.counts)
    }.${part.alone ? ` The rest of ${part.dimension} is as planned.` : ""}`,
    count: sum(part.counts),
    next: advice.part
  }))
  const ofPeriod = period === undefined ? [] : [
    {
      code: "sample_ratio_located",
      severity: "warning",
      sentence: period.kind === "since"
        ? `The split isn't as planned from ${period.name} on (${pValue(period.pValue)}): ${
          table(input, period.counts)
        }. Before, it is.`
        : `The split isn't as planned up to ${period.name} (${pValue(period.pValue)}): ${
          table(input, period.counts)
        }. After that, it is.`,
      count: sum(period.counts),
      next: period.kind === "since" ? advice.since : advice.until
    } satisfies Finding
  ]
  return { parts, period, findings: [...ofParts, ...ofPeriod] }
}
