/** Whether what should be the same in all arms is: who is left out, what was known before, and what is missing. Pure. */
import type { Aggregates, Plan, PlannedMetric } from "@assay/aggregation"
import { Duration, type Finding } from "@assay/model"
import { type ArmCount, balanceFindings, missingnessFindings, quarantineFindings } from "@assay/srm"

/** Below so many identities in an arm nothing is compared: the tests are those of large numbers. */
const leastIdentities = 50

type ByArm = Readonly<Record<string, number>>

/** Metrics with a covariate of their own: of several with the same trait, and old enough at the same time, the first. */
const covariates = ({ metrics }: Plan) => {
  const seen = new Set<string>()
  return metrics.flatMap((metric, m) => {
    const { covariate, ripeUntil } = metric
    if (covariate === undefined) return []
    const name = JSON.stringify("trait" in covariate.of ? [covariate.of.trait, ripeUntil ?? null] : m)
    if (seen.has(name)) return []
    seen.add(name)
    return [{ metric, covariate, m }]
  })
}

/** Metrics whose window leaves somebody out, one for each age. */
const maturing = ({ metrics }: Plan): ReadonlyArray<{ readonly metric: PlannedMetric; readonly m: number }> => {
  const seen = new Set<number>()
  return metrics.flatMap((metric, m) =>
    metric.ripeUntil === undefined || seen.has(metric.age) || !seen.add(metric.age) ? [] : [{ metric, m }]
  )
}

/**
 * Findings about what depends on the arm though it must not: being quarantined (by the variant seen first), the covariate before the exposure (a
 * second check of the assignment), a trait or an observation window that is missing. p-values are corrected for the number of metrics asked
 * (Bonferroni). Where the split changed, arms hold other mixes of days and nothing of this is asked but of the quarantine.
 */
export const dependenceFindings = (plan: Plan, aggregates: Aggregates): ReadonlyArray<Finding> => {
  const { arms, experiment } = plan
  const used = arms.filter((arm) => experiment.variants.some(({ key, share }) => key === arm && share > 0))
  const counts = (n: ByArm, affected: ByArm): ReadonlyArray<ArmCount> =>
    used.map((key) => ({ key, n: n[key]!, affected: affected[key]! }))
  const isLarge = (n: ByArm): boolean => used.length >= 2 && used.every((key) => n[key]! >= leastIdentities)
  const { identities, immature, moments, quarantinedFrom } = aggregates
  const firstSeen = Object.fromEntries(arms.map((arm) => [arm, identities[arm]! + quarantinedFrom[arm]!]))
  const quarantine = isLarge(identities) ? quarantineFindings(counts(firstSeen, quarantinedFrom)) : []
  if ((experiment.split_changes ?? []).length > 0) return quarantine

  const own = covariates(plan).map((one) => ({
    ...one,
    n: Object.fromEntries(arms.map((arm) => [arm, moments[one.m]![arm]!.n]))
  })).filter(({ n }) => isLarge(n))
  const balance = own.flatMap(({ covariate: { columns }, m, metric }) =>
    balanceFindings(
      metric.key,
      { kind: columns.denominator === undefined ? "mean" : "ratio", columns },
      used.map((key) => ({ key, moments: moments[m]![key]! })),
      own.length
    )
  )
  const traits = own.flatMap(({ covariate: { columns, of }, m, metric, n }) =>
    "trait" in of
      ? [{
        metric,
        what: `The trait ${of.trait}`,
        arms: counts(
          n,
          Object.fromEntries(arms.map((arm) => [arm, n[arm]! - moments[m]![arm]!.sums[columns.numerator + 1]!]))
        )
      }]
      : []
  )
  const windows = maturing(plan).filter(() => isLarge(identities)).map(({ m, metric }) => ({
    metric,
    what: `The whole window (${Duration.fromMillis(metric.age)} after exposure)`,
    arms: counts(identities, immature[m]!)
  }))
  const missing = [...traits, ...windows]
  return [
    ...quarantine,
    ...balance,
    ...missing.flatMap(({ arms, metric, what }) => missingnessFindings(metric.key, what, arms, missing.length))
  ]
}
