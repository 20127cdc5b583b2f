/** What a reader must know of the data before believing the numbers. */
import type { Aggregates, Plan, UndeclaredVariants } from "@assay/aggregation"
import type { Finding } from "@assay/model"

/** From this part of the identities on, being seen in several variants is a warning (GrowthBook's threshold). */
export const multipleVariantsWarning = 0.01

/** Beyond this part of the exposed identities, exposures without one are a warning: nobody knows whose they are. */
export const namelessWarning = 0.01

const number = (count: number): string => count.toLocaleString("en-US")

const plural = (count: number, one: string, many: string): string => `${number(count)} ${count === 1 ? one : many}`

const variantNames = ({ listed, variants }: UndeclaredVariants): string => {
  const names = listed.slice(0, 5).map(({ variant }) => (variant === "" ? "an empty one" : JSON.stringify(variant)))
  const more = variants > names.length ? ` and ${number(variants - names.length)} more` : ""
  return `variants that nobody declared${names.length === 0 ? "" : `: ${names.join(", ")}${more}`}`
}

/** No undeclared variant, or none whose name is known. */
export const noneUndeclared: UndeclaredVariants = { variants: 0, listed: [] }

/** Findings about the events behind the aggregates, the gravest first. Sample ratios are the SRM checker's. */
export const qualityFindings = (
  plan: Plan,
  aggregates: Aggregates,
  undeclared: UndeclaredVariants = noneUndeclared
): ReadonlyArray<Finding> => {
  const { experiment, mapping } = plan
  const inArms = Object.values(aggregates.identities).reduce((a, b) => a + b, 0)
  const exposed = inArms + aggregates.quarantined
  const findings: Array<Finding> = []
  if (inArms === 0) {
    const where = mapping.columns.environment === undefined
      ? ""
      : ` in environment ${JSON.stringify(experiment.environment)}`
    findings.push({
      code: "no_exposures",
      severity: "warning",
      sentence: `No identity was exposed to ${JSON.stringify(experiment.feature)}${where} in the window. ` +
        "Check feature, environment and started_at against the events.",
      count: 0
    })
  }
  if (aggregates.undeclaredExposed > 0) {
    findings.push({
      code: "undeclared_variant",
      severity: "warning",
      sentence: `${plural(aggregates.undeclaredExposed, "identity was", "identities were")} exposed to ` +
        `${variantNames(undeclared)}. These exposures are left out.`,
      count: aggregates.undeclaredExposed
    })
  }
  if (aggregates.quarantined > 0) {
    findings.push({
      code: "multiple_variants",
      severity: aggregates.quarantined >= multipleVariantsWarning * exposed ? "warning" : "info",
      sentence: `${plural(aggregates.quarantined, "identity was", "identities were")} seen in more than one variant ` +
        "and left out of all arms.",
      count: aggregates.quarantined,
      of: exposed
    })
  }
  plan.metrics.forEach((metric, m) => {
    const unusable = aggregates.unusableValues[m]!
    if (unusable > 0) {
      findings.push({
        code: "unusable_values",
        severity: "warning",
        metric_id: metric.key,
        sentence: `${plural(unusable, "event", "events")} of ${metric.key} had no usable value and ` +
          `${unusable === 1 ? "was" : "were"} left out.`,
        count: unusable
      })
    }
    const immature = Object.values(aggregates.immature[m]!).reduce((a, b) => a + b, 0)
    if (immature > 0) {
      findings.push({
        code: "immature_identities",
        severity: "info",
        metric_id: metric.key,
        sentence:
          `${plural(immature, "identity", "identities")}, exposed too lately for the window of ${metric.key}, ` +
          `${immature === 1 ? "is" : "are"} left out of it until the window is over.`,
        count: immature,
        of: inArms
      })
    }
    findings.push(...metric.findings({ metric: metric.key, moments: aggregates.moments[m]! }))
    const quantiles = aggregates.quantiles[m]
    const happened = quantiles === undefined
      ? plan.arms.some((arm) => aggregates.moments[m]![arm]!.products.some((row, i) => row[i]! > 0))
      : Object.values(quantiles).some((values) => values.some((value) => value !== 0))
    if (inArms > 0 && !happened) {
      findings.push({
        code: "no_events",
        severity: "warning",
        metric_id: metric.key,
        sentence: `${metric.key} is 0 for every identity: no event ` +
          `${metric.streams.map((stream) => JSON.stringify(plan.streams[stream]!.event)).join(" or ")} ` +
          "with a value other than 0 counted. " +
          "Check the metric's event, value and filters.",
        count: 0
      })
    }
  })
  const untold = plan.metrics.flatMap(({ key, quantile }) => (quantile === undefined ? [] : [key]))
  if (untold.length > 0 && (plan.breakdowns.length > 0 || plan.series !== undefined)) {
    findings.push({
      code: "quantile_of_whole",
      severity: "info",
      sentence: `A quantile is one of all identities of an arm: ${untold.join(", ")} ` +
        `${untold.length === 1 ? "isn't" : "aren't"} told by slice or over time.`
    })
  }
  const nameless = aggregates.namelessExposures + aggregates.namelessEvents
  if (nameless > 0) {
    findings.push({
      code: "empty_identity",
      severity: aggregates.namelessExposures > namelessWarning * exposed ? "warning" : "info",
      sentence: `${plural(aggregates.namelessExposures, "exposure", "exposures")} and ` +
        `${plural(aggregates.namelessEvents, "metric event", "metric events")} without an identity were left out.`,
      count: nameless
    })
  }
  if (aggregates.repeatedEvents !== undefined && aggregates.repeatedEvents > 0) {
    const same = plan.deduplication.policy === "id" ? "event id" : "identity, event, timestamp and value"
    findings.push({
      code: "repeated_events",
      severity: "info",
      sentence:
        `${plural(aggregates.repeatedEvents, "repeated metric event", "repeated metric events")} (same ${same}) ` +
        `counted once.`,
      count: aggregates.repeatedEvents
    })
  }
  if (aggregates.earlyEvents > 0) {
    findings.push({
      code: "events_before_exposure",
      severity: "info",
      sentence:
        `${plural(aggregates.earlyEvents, "metric event", "metric events")} before the identity's first exposure ` +
        `${aggregates.earlyEvents === 1 ? "was" : "were"} left out.`,
      count: aggregates.earlyEvents
    })
  }
  return findings
}
