/** Pearson's χ² test of counts against shares. */
import { chiSquaredSurvival } from "@assay/stats"
import type { Split } from "./shares.ts"

/** What a χ² test found. */
export interface ChiSquaredTest {
  readonly statistic: number
  readonly degreesOfFreedom: number
  readonly pValue: number
}

/** χ² = Σ(n−E)²/E, E = share·total, with k−1 degrees of freedom; one arm: p = 1 with none. */
export const chiSquaredTest = ({ observed, shares, total }: Split): ChiSquaredTest => {
  const degreesOfFreedom = shares.length - 1
  if (degreesOfFreedom === 0 || total === 0) return { statistic: 0, degreesOfFreedom, pValue: 1 }
  const statistic = observed.reduce((sum, n, i) => {
    const expected = shares[i]! * total
    return sum + (n - expected) * ((n - expected) / expected)
  }, 0)
  return { statistic, degreesOfFreedom, pValue: chiSquaredSurvival(statistic, degreesOfFreedom) }
}
