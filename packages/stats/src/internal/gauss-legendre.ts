/** Nodes and weights of Gauss-Legendre quadrature on [−1, 1]. */

export interface Quadrature {
  readonly nodes: ReadonlyArray<number>
  readonly weights: ReadonlyArray<number>
}

/** By Newton's method on the Legendre polynomial, from Tricomi's guess (DLMF 18.16). */
export const gaussLegendre = (n: number): Quadrature => {
  const nodes: Array<number> = []
  const weights: Array<number> = []
  for (let i = 0; i < n; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5))
    let slope = 1
    for (let step = 0; step < 50; step++) {
      let [before, at] = [1, x]
      for (let k = 2; k <= n; k++) [before, at] = [at, ((2 * k - 1) * x * at - (k - 1) * before) / k]
      slope = (n * (x * at - before)) / (x * x - 1)
      const move = at / slope
      x -= move
      if (Math.abs(move) < 1e-15) break
    }
    nodes.push(x)
    weights.push(2 / ((1 - x * x) * slope * slope))
  }
  return { nodes, weights }
}

const sixteen = gaussLegendre(16)

/** Nodes and weights over [low, high] in equal panels of 16 nodes, each at most `width` wide. */
export const panels = (low: number, high: number, width: number): Quadrature => {
  const count = Math.max(1, Math.ceil((high - low) / width))
  const half = (high - low) / count / 2
  const nodes: Array<number> = []
  const weights: Array<number> = []
  for (let k = 0; k < count; k++) {
    const middle = low + half * (2 * k + 1)
    for (const [i, x] of sixteen.nodes.entries()) {
      nodes.push(middle + half * x)
      weights.push(half * sixteen.weights[i]!)
    }
  }
  return { nodes, weights }
}
