/** Smooth functions that are dear to compute, from a few of their values. */

/**
 * A function on [low, high] by the polynomial through its values at `n` Chebyshev points, the ends included, in the barycentric form of Berrut
 * and Trefethen (2004), "Barycentric Lagrange interpolation".
 */
export const interpolate = (
  f: (x: number) => number,
  low: number,
  high: number,
  n: number
): (x: number) => number => {
  const at = (i: number): number =>
    i === 0 ? low : i === n - 1 ? high : low + (high - low) * Math.sin((Math.PI * i) / (2 * (n - 1))) ** 2
  const points = Array.from({ length: n }, (_, i) => at(i))
  const values = points.map(f)
  return (x) => {
    let [above, below] = [0, 0]
    for (let i = 0; i < n; i++) {
      if (x === points[i]) return values[i]!
      const weight = ((i % 2 === 0 ? 1 : -1) * (i === 0 || i === n - 1 ? 0.5 : 1)) / (x - points[i]!)
      above += weight * values[i]!
      below += weight
    }
    return above / below
  }
}
