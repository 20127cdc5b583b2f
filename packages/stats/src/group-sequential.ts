/** Planned looks: boundaries by alpha spending, and an engine that obeys them. */
import * as analysis from "./analysis.ts"
import { compareBy } from "./analysis.ts"
import { type Engine, prepare } from "./comparison.ts"
import type { Alternative } from "./contrast.ts"
import { normalCdf, normalDensity, normalQuantile, normalSurvival } from "./distributions.ts"
import { interpolate } from "./internal/chebyshev.ts"
import { panels, type Quadrature } from "./internal/gauss-legendre.ts"
import { memoized } from "./internal/memoized.ts"
import type { Rule } from "./rule.ts"

/** How much of α may be spent by information fraction t: of the type of O'Brien and Fleming, of Pocock, or α·tᵖ (Kim and DeMets). */
export type Spending = "obrien-fleming" | "pocock" | { readonly power: number }

/**
 * The cumulative α spent by information fraction `t` for one-sided level `alpha`: O'Brien-Fleming type 2·(1 − Φ(z_{α/2}/√t)),
 * Pocock type α·ln(1 + (e−1)·t) (Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials"), or α·tᵖ.
 */
export const alphaSpent = (spending: Spending, alpha: number, t: number): number => {
  if (!(t > 0)) return 0
  if (t >= 1) return alpha
  if (spending === "obrien-fleming") return 2 * normalSurvival(-normalQuantile(alpha / 2) / Math.sqrt(t))
  return spending === "pocock" ? alpha * Math.log1p((Math.E - 1) * t) : alpha * t ** spending.power
}

/** Boundaries beyond this z are never crossed (2e-17 of α); without them the early looks of O'Brien-Fleming would be infinite. */
const farthest = 8.5

/** A looked-at plan: information fractions so far, rising, the last at most 1 unless the plan is overrun. */
export interface Looks {
  readonly fractions: ReadonlyArray<number>
  readonly alpha: number
  readonly spending: Spending
  readonly alternative?: Alternative
}

const requireLooks = ({ alpha, fractions }: Looks): void => {
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`A level lies between 0 and 1, such as 0.05; found ${alpha}`)
  if (fractions.length === 0) throw new RangeError("A group-sequential plan needs at least one look")
  for (const [i, t] of fractions.entries()) {
    if (!(t > (i === 0 ? 0 : fractions[i - 1]!) && t < Infinity)) {
      throw new RangeError(`Information fractions rise from above 0, found ${fractions.join(", ")}`)
    }
  }
}

/** Steps of {@link crossing} at the most; it takes about eight. */
const steps = 60

/**
 * Where a falling function of x is 0 between `low` (above 0 there) and `high`, to 1e-12: false position with the weights of Anderson and Björck
 * (1973), and a bisection wherever that gets on slowly.
 */
const crossing = (f: (x: number) => number, low: number, high: number): number => {
  let [a, fa, b, fb] = [low, f(low), high, f(high)]
  if (!(fa > 0)) return low
  if (!(fb < 0)) return high
  let width = b - a
  let last = Number.NaN
  for (let i = 0; i < steps && b - a > 1e-12; i++) {
    const slow = i % 3 === 2 && b - a > width / 2
    if (i % 3 === 2) width = b - a
    const x = slow ? (a + b) / 2 : Math.min(b, Math.max(a, (a * fb - b * fa) / (fb - fa)))
    const y = f(x)
    if (y === 0 || Math.abs(x - last) < 1e-13) return x
    last = x
    if (y > 0) {
      const kept = 1 - y / fa
      fb *= kept > 0 ? kept : 0.5
      ;[a, fa] = [x, y]
    } else {
      const kept = 1 - y / fb
      fa *= kept > 0 ? kept : 0.5
      ;[b, fb] = [x, y]
    }
    if (Math.abs(y) < 1e-13) return x
  }
  return (a + b) / 2
}

/**
 * The boundary of the z statistic at each look, by the recursion of Armitage, McPherson and Rowe (1969) with Gauss-Legendre
 * quadrature: the density of the score B(t) among paths that haven't stopped, and at each look the b that spends what is due
 * (Lan and DeMets 1983). Two-sided: each side spends half of α, and either boundary stops. A plan that is overrun (a fraction
 * above 1) spends the rest of α at its first look from 1 on. Fractions that don't rise, and levels outside (0, 1), are a RangeError.
 */
export const groupSequentialBoundaries = (looks: Looks): ReadonlyArray<number> => {
  requireLooks(looks)
  const { alpha, alternative = "two-sided", fractions, spending } = looks
  const twoSided = alternative === "two-sided"
  const level = twoSided ? alpha / 2 : alpha
  const boundaries: Array<number> = []
  let spent = 0
  let time = 0
  let grid: Quadrature = { nodes: [0], weights: [1] }
  let density: ReadonlyArray<number> = [1]
  for (const [look, t] of fractions.entries()) {
    const due = Math.max(0, alphaSpent(spending, level, t) - spent)
    const step = Math.sqrt(t - time)
    const root = Math.sqrt(t)
    const exit = (z: number): number => {
      let total = 0
      for (let i = 0; i < density.length; i++) {
        total += grid.weights[i]! * density[i]! * normalSurvival((z * root - grid.nodes[i]!) / step)
      }
      return total
    }
    // On the logarithm, which is nearly a parabola in z.
    const z = due < 1e-17
      ? farthest
      : crossing((b) => Math.log(Math.max(exit(b), Number.MIN_VALUE) / due), -farthest, farthest)
    boundaries.push(z)
    spent += z >= farthest ? 0 : due
    const next = fractions[look + 1]
    if (next === undefined) break
    const upper = z * root
    const lower = twoSided ? -upper : -farthest * root
    const reached = panels(lower, upper, Math.min(root, Math.max(0.05, 2 * Math.min(step, Math.sqrt(next - t)))))
    const [before, weight] = [grid, density]
    density = reached.nodes.map((s) => {
      let total = 0
      for (let i = 0; i < weight.length; i++) {
        total += before.weights[i]! * weight[i]! * normalDensity((s - before.nodes[i]!) / step)
      }
      return total / step
    })
    grid = reached
    time = t
  }
  return boundaries
}

/**
 * The chance to cross a boundary by each look (cumulative) when the z statistic drifts to `drift` at information 1: the power of the
 * plan, and at drift 0 its level. Two-sided crossings count on both sides.
 */
export const crossingProbabilities = (
  plan: {
    readonly fractions: ReadonlyArray<number>
    readonly boundaries: ReadonlyArray<number>
    readonly drift: number
  },
  alternative: Alternative = "two-sided"
): ReadonlyArray<number> => {
  const { boundaries, drift, fractions } = plan
  const twoSided = alternative === "two-sided"
  const out: Array<number> = []
  let total = 0
  let time = 0
  let grid: Quadrature = { nodes: [0], weights: [1] }
  let density: ReadonlyArray<number> = [1]
  for (const [look, t] of fractions.entries()) {
    const gap = t - time
    const step = Math.sqrt(gap)
    const edge = boundaries[look]! * Math.sqrt(t)
    for (let i = 0; i < density.length; i++) {
      const from = grid.nodes[i]! + drift * gap
      total += grid.weights[i]! * density[i]! *
        (normalSurvival((edge - from) / step) + (twoSided ? normalCdf((-edge - from) / step) : 0))
    }
    out.push(Math.min(1, total))
    const next = fractions[look + 1]
    if (next === undefined) break
    const lower = twoSided ? -edge : Math.min(0, drift * t) - farthest * Math.sqrt(t)
    const reached = panels(lower, edge, Math.min(Math.sqrt(t), Math.max(0.05, 2 * Math.min(step, Math.sqrt(next - t)))))
    const [before, weight] = [grid, density]
    density = reached.nodes.map((s) => {
      let sum = 0
      for (let i = 0; i < weight.length; i++) {
        sum += before.weights[i]! * weight[i]! * normalDensity((s - before.nodes[i]! - drift * gap) / step)
      }
      return sum / step
    })
    grid = reached
    time = t
  }
  return out
}

/** What the looks of a plan are, without the level that they keep. */
type Plan = Omit<Looks, "alpha">

const lastBoundary = (plan: Plan, alpha: number): number => groupSequentialBoundaries({ ...plan, alpha }).at(-1)!

/** The levels between which p-values are found. */
const [leastAlpha, mostAlpha] = [1e-16, 1 - 1e-12]

/**
 * Panels of the boundary at the last look as a function of s, the critical value of a single look of the same level. It is never below s, and as
 * smooth as s itself up to 6, beyond which some looks have nothing to spend. Two-sided it bends at 0, where there is nothing left to spend.
 */
const edges: Readonly<Record<"one-sided" | "two-sided", ReadonlyArray<number>>> = {
  "one-sided": [-7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6],
  "two-sided": [0, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 3, 4, 5, 6]
}

/** Values per panel, which leave less than 1e-10 of the boundary. */
const perPanel = 13

/**
 * How large an α it takes until a z statistic of so many standard errors (in the direction that counts) crosses the boundary at the last look of a
 * plan. Each boundary takes milliseconds, so panels of them are kept: what is asked for many statistics costs little more than for one.
 */
const smallestAlpha = (plan: Plan): (size: number) => number => {
  const twoSided = (plan.alternative ?? "two-sided") === "two-sided"
  const levelOf = (s: number): number => (twoSided ? 2 : 1) * normalSurvival(s)
  const own = edges[twoSided ? "two-sided" : "one-sided"]
  const boundaryAt = (s: number): number => lastBoundary(plan, Math.min(mostAlpha, levelOf(s)))
  const atEdge = memoized((k: number) => boundaryAt(own[k]!))
  const panel = memoized((k: number) => {
    const [low, high] = [own[k]!, own[k + 1]!]
    return interpolate((s) => s === low ? atEdge(k) : s === high ? atEdge(k + 1) : boundaryAt(s), low, high, perPanel)
  })
  return (size) => {
    let k = own.findLastIndex((edge) => edge <= size)
    while (k >= 0 && atEdge(k) > size) k--
    if (k < 0) return levelOf(own[0]!)
    if (k < own.length - 1) return levelOf(crossing((s) => size - panel(k)(s), own[k]!, own[k + 1]!))
    // On the logarithm of α, in which the boundary falls.
    const beyond = (logAlpha: number): number => lastBoundary(plan, Math.exp(logAlpha)) - size
    return Math.exp(crossing(beyond, Math.log(leastAlpha), Math.log(levelOf(own[k]!))))
  }
}

/**
 * The rule of the last look of a plan: its boundary is the critical value, so that the intervals are repeated confidence intervals,
 * and its p-value is the repeated one: the smallest α whose boundary at this look is crossed (Jennison and Turnbull 2000, "Group
 * Sequential Methods", §9). It reads as a p-value for this look at this α; a stop at an earlier look stands whatever it says.
 */
const ruleOf = (plan: Plan, alpha: number, smallest: (size: number) => number): Rule => {
  const { alternative = "two-sided" } = plan
  const critical = lastBoundary(plan, alpha)
  return {
    critical,
    degreesOfFreedom: null,
    chance: normalCdf,
    pValue: (z) => {
      const size = alternative === "two-sided" ? Math.abs(z) : alternative === "greater" ? z : -z
      if (size === Infinity) return 0
      if (!(size > 0)) return 1
      // The side of the plan's own α is decided by its own boundary.
      const p = smallest(size)
      return size > critical ? Math.min(p, alpha * (1 - 1e-15)) : Math.min(1, Math.max(p, alpha))
    }
  }
}

/**
 * An engine for planned looks: boundaries by alpha spending at the information fractions so far, the last of which is this look. More
 * powerful than `sequential` where the end is known. Confidence is 1 − α. What the looks alone say is found once and kept with the engine.
 */
export const groupSequentialWith = (
  plan: { readonly fractions: ReadonlyArray<number>; readonly spending: Spending }
): Engine => {
  const rules = memoized((alternative: Alternative) => {
    const own = { ...plan, alternative }
    const smallest = smallestAlpha(own)
    return memoized((confidence: number) => ruleOf(own, 1 - confidence, smallest))
  })
  const rule = (confidence: number, alternative: Alternative): Rule => rules(alternative)(confidence)
  return {
    name: "group-sequential",
    decidesBy: "test",
    compare: (input) => {
      const arms = prepare(input, true)
      return "status" in arms
        ? arms
        : compareBy(arms, rule(input.confidence, "two-sided"), input.confidence, input.direction)
    },
    analyse: (question) => {
      const arms = prepare(question, question.contrast === "relative" || question.margin?.on === "relative")
      if ("status" in arms) return arms
      return analysis.analyse(arms, question, rule(question.confidence, question.alternative ?? "two-sided"), {
        interval: "fieller"
      })
    }
  }
}
