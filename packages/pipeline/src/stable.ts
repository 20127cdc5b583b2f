/** Numbers to as many digits as don't depend on the order of addition. */

const digits = 14

/** Powers of ten up to the largest that a 64-bit float holds exactly. */
const powersOfTen = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))

const [least, beyond] = [10 ** (digits - 1), 10 ** digits]

/**
 * Sums of fractions depend on the order of addition in their last digits, so they leave with 14 significant ones. Whole numbers leave as they
 * are.
 *
 * The same as `Number(x.toPrecision(14))`, at a tenth of its time: the digits as a whole number, over a power of ten. Both are exact, so that
 * their quotient is the float next to the decimal number. The product before may be off by 2⁻⁷, which decides nothing but near a half.
 */
export const stable = (x: number): number => {
  if (Number.isSafeInteger(x)) return x
  const size = Math.abs(x)
  const scale = powersOfTen[digits - 1 - Math.floor(Math.log10(size))]
  if (scale !== undefined) {
    const scaled = size * scale
    const whole = Math.round(scaled)
    if (scaled >= least && whole < beyond && Math.abs(scaled - whole) < 0.49) return Math.sign(x) * (whole / scale)
  }
  return Number(x.toPrecision(digits))
}
