/**
 * Sufficient statistics of one arm: what the warehouse sends instead of a row per identity.
 *
 * An arm has `n` identities, and each identity has k unit columns (one for a mean, two for a ratio). Kept are the sums,
 * the raw products Σxᵢxⱼ (exact for whole numbers, and what the wire shows) and the comoments Σ(xᵢ−x̄ᵢ)(xⱼ−x̄ⱼ), from
 * which variances come without cancellation when values have a large offset.
 */

/** Moments of k unit columns over `n` identities. `products` and `comoments` are symmetric k×k matrices. */
export interface Moments {
  readonly n: number
  readonly sums: ReadonlyArray<number>
  readonly products: ReadonlyArray<ReadonlyArray<number>>
  readonly comoments: ReadonlyArray<ReadonlyArray<number>>
}

const matrix = (k: number, at: (i: number, j: number) => number): ReadonlyArray<ReadonlyArray<number>> =>
  Array.from({ length: k }, (_, i) => Array.from({ length: k }, (_, j) => at(i, j)))

/** Moments of no identity at all, with `k` unit columns. */
export const empty = (k: number): Moments => ({
  n: 0,
  sums: Array.from({ length: k }, () => 0),
  products: matrix(k, () => 0),
  comoments: matrix(k, () => 0)
})

/**
 * Moments of one unit column from its raw sums. The comoment is Σx² − (Σx)²/n, which loses digits when the mean is large
 * against the spread; {@link fromCentral} doesn't.
 */
export const fromSums = (n: number, sum: number, sumSquares: number): Moments => ({
  n,
  sums: [sum],
  products: [[sumSquares]],
  comoments: [[n > 0 ? Math.max(0, sumSquares - (sum / n) * sum) : 0]]
})

/** Moments of k unit columns from their means and sample covariance matrix (divisor n − 1). */
export const fromCentral = (
  n: number,
  mean: ReadonlyArray<number>,
  covariance: ReadonlyArray<ReadonlyArray<number>>
): Moments => {
  const comoments = covariance.map((row) => row.map((c) => c * Math.max(0, n - 1)))
  return {
    n,
    sums: mean.map((m) => m * n),
    products: comoments.map((row, i) => row.map((c, j) => c + n * mean[i]! * mean[j]!)),
    comoments
  }
}

/** Moments computed from the identities' own unit values, one array of k numbers per identity (two passes). */
export const fromValues = (k: number, values: ReadonlyArray<ReadonlyArray<number>>): Moments => {
  const n = values.length
  const sum = (f: (v: ReadonlyArray<number>) => number) => values.reduce((total, v) => total + f(v), 0)
  const sums = Array.from({ length: k }, (_, i) => sum((v) => v[i]!))
  const means = sums.map((s) => (n > 0 ? s / n : 0))
  return {
    n,
    sums,
    products: matrix(k, (i, j) => sum((v) => v[i]! * v[j]!)),
    comoments: matrix(k, (i, j) => sum((v) => (v[i]! - means[i]!) * (v[j]! - means[j]!)))
  }
}

/**
 * Moments of the union of two disjoint sets of identities: sums and products add, comoments by the parallel update of
 * Chan, Golub and LeVeque (1979).
 */
export const merge = (a: Moments, b: Moments): Moments => {
  if (a.n === 0) return b
  if (b.n === 0) return a
  const n = a.n + b.n
  const delta = a.sums.map((s, i) => b.sums[i]! / b.n - s / a.n)
  const weight = (a.n / n) * b.n
  return {
    n,
    sums: a.sums.map((s, i) => s + b.sums[i]!),
    products: a.products.map((row, i) => row.map((p, j) => p + b.products[i]![j]!)),
    comoments: a.comoments.map((row, i) => row.map((c, j) => c + b.comoments[i]![j]! + delta[i]! * delta[j]! * weight))
  }
}

/** Moments of the union of any number of disjoint sets of identities, with `k` unit columns: {@link merge}, from the first to the last. */
export const mergeAll = (k: number, parts: ReadonlyArray<Moments>): Moments =>
  parts.length === 0 ? empty(k) : parts.reduce(merge)

/**
 * Moments of a set of identities without those of a part of it: {@link merge} the other way round. Digits are lost where little of the set
 * remains.
 */
export const without = (all: Moments, part: Moments): Moments => {
  if (part.n === 0) return all
  const n = all.n - part.n
  if (n <= 0) return empty(all.sums.length)
  const sums = all.sums.map((s, i) => s - part.sums[i]!)
  const delta = sums.map((s, i) => part.sums[i]! / part.n - s / n)
  const weight = (n / all.n) * part.n
  return {
    n,
    sums,
    products: all.products.map((row, i) => row.map((p, j) => p - part.products[i]![j]!)),
    comoments: all.comoments.map((row, i) =>
      row.map((c, j) => c - part.comoments[i]![j]! - delta[i]! * delta[j]! * weight)
    )
  }
}

/** Mean of unit column `i`; 0 when there is no identity. */
export const mean = (m: Moments, i = 0): number => (m.n > 0 ? m.sums[i]! / m.n : 0)

/** Sample covariance (divisor n − 1) of unit columns `i` and `j`; 0 when n < 2. */
export const covariance = (m: Moments, i = 0, j = i): number => (m.n > 1 ? m.comoments[i]![j]! / (m.n - 1) : 0)
