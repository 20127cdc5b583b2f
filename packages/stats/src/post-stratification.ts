/** Post-stratification: arms compared as if each had the same mix of slices. */
import { Moments } from "@assay/model"

/** One slice of the identities: moments of both arms in it. */
export interface Stratum {
  readonly control: Moments.Moments
  readonly treatment: Moments.Moments
}

/** Both arms with the mix of all their identities, and how many strata were left after small ones were put together. */
export interface PostStratified extends Stratum {
  readonly strata: number
}

/** A variance needs two values per arm and stratum. */
const isLarge = ({ control, treatment }: Stratum): boolean => control.n >= 2 && treatment.n >= 2

const join = (a: Stratum, b: Stratum): Stratum => ({
  control: Moments.merge(a.control, b.control),
  treatment: Moments.merge(a.treatment, b.treatment)
})

/** Strata that are too small are put together, and what is then still too small into the largest. */
const usable = (strata: ReadonlyArray<Stratum>): ReadonlyArray<Stratum> => {
  const large = strata.filter(isLarge)
  const small = strata.filter((one) => !isLarge(one))
  const [first, ...others] = small
  if (first === undefined) return large
  const together = others.reduce(join, first)
  if (isLarge(together) || large.length === 0) return [...large, together]
  const size = ({ control, treatment }: Stratum) => control.n + treatment.n
  const largest = large.reduce((a, b) => (size(b) > size(a) ? b : a))
  return large.map((one) => (one === largest ? join(one, together) : one))
}

/** Moments with mean Σwₕ·x̄ₕ, and the covariance whose n-th part is Σwₕ²·Σₕ/nₕ. */
const weighted = (parts: ReadonlyArray<Moments.Moments>, weights: ReadonlyArray<number>): Moments.Moments => {
  const n = parts.reduce((total, part) => total + part.n, 0)
  const k = parts[0]!.sums.length
  const columns = Array.from({ length: k }, (_, i) => i)
  const over = (f: (part: Moments.Moments) => number, power: number) =>
    parts.reduce((total, part, h) => total + weights[h]! ** power * f(part), 0)
  return Moments.fromCentral(
    n,
    columns.map((i) => over((part) => Moments.mean(part, i), 1)),
    columns.map((i) => columns.map((j) => n * over((part) => Moments.covariance(part, i, j) / part.n, 2)))
  )
}

/**
 * Both arms post-stratified by a slice that doesn't depend on the arm: the means of each stratum weighted by its part of all
 * identities of both arms, with the variance Σwₕ²·sₕ²/nₕ (Miratrix, Sekhon and Yu 2013, "Adjusting treatment effect estimates by
 * post-stratification in randomized experiments"). The result has the form of moments, so every estimand, covariate and engine can
 * take it. Strata with fewer than two identities in an arm are put together, and into the largest where that doesn't do. No stratum at
 * all is a RangeError.
 */
export const postStratify = (strata: ReadonlyArray<Stratum>): PostStratified => {
  if (strata.length === 0) throw new RangeError("Post-stratification needs at least one stratum")
  const used = usable(strata)
  if (used.length === 1) return { ...used[0]!, strata: 1 }
  const total = used.reduce((sum, { control, treatment }) => sum + control.n + treatment.n, 0)
  const weights = used.map(({ control, treatment }) => (control.n + treatment.n) / total)
  return {
    control: weighted(used.map(({ control }) => control), weights),
    treatment: weighted(used.map(({ treatment }) => treatment), weights),
    strata: used.length
  }
}
