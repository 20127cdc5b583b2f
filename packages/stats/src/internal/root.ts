/** Inversion of monotone functions, for quantiles. */

/** A function's value and derivative at a point. */
export interface Slope {
  readonly value: number
  readonly slope: number
}

const maxSteps = 200

/**
 * The s in [low, high] with f(s).value = 0, by Newton's method kept inside a bracket: a step that leaves the bracket, or that
 * isn't a number, is replaced by halving. f is increasing or decreasing throughout.
 */
export const invert = (f: (s: number) => Slope, start: number, low: number, high: number): number => {
  let [a, b] = [low, high]
  let s = Math.min(Math.max(start, a), b)
  let rising: boolean | undefined
  for (let i = 0; i < maxSteps; i++) {
    const { slope, value } = f(s)
    if (value === 0) return s
    rising ??= slope > 0
    if (value > 0 === rising) b = s
    else a = s
    const next = s - value / slope
    const inside = next > a && next < b
    const to = inside ? next : a + (b - a) / 2
    const move = Math.abs(to - s)
    s = to
    if (move <= 4e-16 * Math.max(1e-300, Math.abs(s)) || (inside && move <= 1e-15 * Math.abs(s))) return s
  }
  return s
}
