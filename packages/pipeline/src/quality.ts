/** What a reader must know of the data before believing the numbers. */
import type { Aggregates, Plan, UndeclaredVariants } from "@assay/aggregation"
import { type Finding, Instant, type Moments } from "@assay/model"

/** From this part of the identities on, being seen in several variants is a warning (GrowthBook's threshold). */
export const multipleVariantsWarning = 0.01

/** Beyond this part of the exposed identities, exposures without one are a warning: nobody knows whose they are. */
export const namelessWarning = 0.01

/**
 * Silence up to so long, in milliseconds, is nothing to speak of: events that are loaded once a day, and some hours late, are as old before
 * the next ones come.
 */
export const usualSilence = 36 * 3_600_000

/** How improbable a longer silence must be, if what came before had gone on coming at random at its mean rate. */
export const silenceByChance = 1e-6

/**
 * Whether nothing for `silence` after `count` things (or more) within `span` is a change: they would have had silence · count / span more on
 * average, and none of them with the probability exp(−silence · count / span).
 */
const isSilent = (count: number, span: number, silence: number): boolean =>
  silence > usualSilence && silence * count >= -Math.log(silenceByChance) * span

/** At least so many identities have a value other than 0: (Σx)² ≤ m Σx² for m of them (Cauchy and Schwarz). */
const leastActive = ({ products, sums }: Moments.Moments): number =>
  (products[0]?.[0] ?? 0) > 0 ? sums[0]! ** 2 / products[0]![0]! : 0

const total = (numbers: Readonly<Record<string, number>>): number => Object.values(numbers).reduce((a, b) => a + b, 0)

const lasting = (millis: number): string => {
  const hours = Math.floor(millis / 3_600_000)
  return hours < 72 ? `${hours} hours` : `${Math.floor(hours / 24)} days`
}

/** Metric events, or new identities, that came and then stopped before the end of the window. */
const silences = (plan: Plan, aggregates: Aggregates): ReadonlyArray<Finding> => {
  const { latestEvent, moments, points } = aggregates
  const active = Math.max(
    0,
    ...moments.map((byArm) => Object.values(byArm).map(leastActive).reduce((a, b) => a + b, 0))
  )
  const findings: Array<Finding> = []
  const until = `before ${Instant.inWords(plan.to)}, where the window ends`
  if (latestEvent !== undefined && isSilent(active, latestEvent - plan.from, plan.to - latestEvent)) {
    findings.push({
      code: "no_events_since",
      severity: "warning",
      sentence: `The latest metric event is of ${Instant.inWords(latestEvent)}, ${
        lasting(plan.to - latestEvent)
      } ${until}. Later events may be missing.`,
      next: "Look whether events still reach the table, and with the right time."
    })
  }
  const exposed = points.map(({ identities }) => total(identities))
  const last = points[exposed.indexOf(exposed.at(-1) ?? 0)]
  if (last !== undefined && isSilent(exposed.at(-1)!, last.until - plan.from, plan.to - last.until)) {
    findings.push({
      code: "no_exposures_since",
      severity: "info",
      sentence: `No identity was exposed for the first time after ${Instant.inWords(last.until)}, ${
        lasting(plan.to - last.until)
      } ${until}.`,
      next: "Unless enrolment was ended on purpose, look whether exposures still reach the table."
    })
  }
  return findings
}

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
  const inArms = total(aggregates.identities)
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
  findings.push(...silences(plan, aggregates))
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
    const immature = total(aggregates.immature[m]!)
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
          "Check the metric's event, value and filters, and that its events name identities as the exposures do.",
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
