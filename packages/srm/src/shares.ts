/** Observed counts against expected shares: the plain figures that every test starts from. */

/** Counts of arms with a share above 0, their shares normalised to 1, and the total. */
export interface Split {
  readonly observed: ReadonlyArray<number>
  readonly shares: ReadonlyArray<number>
  readonly total: number
}

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((a, b) => a + b, 0)

/**
 * A split from counts (≥ 0) and shares (> 0, any scale), in the same order. Different lengths, negative or infinite numbers are a
 * RangeError. Shares are divided by the largest first, so that no sum overflows.
 */
export const splitOf = (observed: ReadonlyArray<number>, expected: ReadonlyArray<number>): Split => {
  if (observed.length !== expected.length || observed.length === 0) {
    throw new RangeError(`Each arm needs a count and a share, found ${observed.length} and ${expected.length}`)
  }
  for (const n of observed) {
    if (!(n >= 0 && n < Infinity)) throw new RangeError(`A count is at least 0 and finite, found ${n}`)
  }
  for (const share of expected) {
    if (!(share > 0 && share < Infinity)) throw new RangeError(`A share is above 0 and finite, found ${share}`)
  }
  const largest = Math.max(...expected)
  const whole = sum(expected.map((share) => share / largest))
  return { observed, shares: expected.map((share) => share / largest / whole), total: sum(observed) }
}

/**
 * Standardised residuals (n − E)/√(E·(1 − share)): each is about standard normal when the shares hold, and shows which arm is off.
 * 0 for a single arm.
 */
export const residuals = ({ observed, shares, total }: Split): ReadonlyArray<number> =>
  observed.map((n, i) => {
    const share = shares[i]!
    const spread = Math.sqrt(total * share * (1 - share))
    return spread > 0 ? (n - total * share) / spread : 0
  })

/** The smallest expected count. */
export const leastExpected = ({ shares, total }: Split): number => Math.min(...shares) * total
