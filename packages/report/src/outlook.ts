/** "How long still?" on a terminal. */
import type { Outlook, OutlookFigures, OutlookMetric, OutlookPoint } from "@assay/model"
import * as Cells from "./Cells.ts"
import { blank, type Line, paragraph, render, span } from "./Line.ts"
import { joined } from "./metricTable.ts"
import * as Numbers from "./Numbers.ts"
import { type ScorecardOptions, textWidth, toAscii } from "./terminal.ts"

type Visible = (text: string) => string

const percent = (x: number): string => `${Number((x * 100).toPrecision(3))} %`

const chance = (x: number): string => Numbers.chance(x).replace(/\.0 %$/, " %")

const roles = [["goal", "Goals"], ["guardrail", "Guardrails"], ["secondary", "Secondary"]] as const

const designs = {
  fixed: "read once, at the end",
  "group-sequential": "read at planned looks",
  "always-valid": "read at any time, by an always-valid test"
} as const

const planText = ({ design, ends_at, identities, looks, recorded }: Outlook["reading"]): string => {
  const end = ends_at !== null
    ? `to ${ends_at.slice(0, 10)}`
    : identities !== undefined
    ? `to ${Numbers.count(identities)} identities`
    : "without a planned end"
  return `${recorded ? "" : "none recorded; "}${designs[design]}${
    looks === undefined ? "" : ` (${looks.length})`
  }, ${end}`
}

const daysText = (days: number): string => {
  const whole = Math.ceil(days - 1e-9)
  return whole <= 0 ? "none" : `${Numbers.count(whole)} day${whole === 1 ? "" : "s"}`
}

const effectText = (point: OutlookPoint | null): string | undefined => {
  const found = point?.detectable
  if (found === undefined || found === null) return undefined
  return found.relative === null ? Numbers.value(found.absolute, found.absolute, "mean") : percent(found.relative)
}

/** "x now, y at the planned end", as far as both are known. */
const nowAndEnd = (now: string | undefined, end: string | undefined): string =>
  [...(now === undefined ? [] : [`${now} now`]), ...(end === undefined ? [] : [`${end} at the planned end`])].join(", ")

const perArm = (needed: NonNullable<OutlookFigures["needed"]>, visible: Visible): string => {
  const sizes = Object.entries(needed.per_arm)
  const [first] = sizes
  return sizes.every(([, n]) => n === first?.[1])
    ? `${Numbers.count(first?.[1] ?? 0)} in each arm`
    : sizes.map(([key, n]) => `${visible(key)} ${Numbers.count(n)}`).join(", ")
}

/** What is said of a metric, as pairs of a word and what it says. */
const rowsOf = (
  metric: OutlookMetric & OutlookFigures,
  visible: Visible
): ReadonlyArray<readonly [string, string]> => {
  const { at_end, comparisons, days, level, needed, now, power, target } = metric
  const point = (one: OutlookPoint | null): string | undefined =>
    one === null || one.power === null ? undefined : chance(one.power)
  const size = (n: number | null, how: string): ReadonlyArray<string> =>
    n === null || n === needed?.n ? [] : [`${Numbers.count(n)} ${how}`]
  const corrected = comparisons > 1 ? ` (${percent(level * comparisons)} over ${comparisons} comparisons)` : ""
  const chances = nowAndEnd(point(now), point(at_end))
  const effects = nowAndEnd(effectText(now), effectText(at_end))
  const others = needed === null ? [] : [
    ...size(metric.needed_fixed, "if read once"),
    ...size(metric.needed_always_valid, "if read at any time"),
    ...size(metric.needed_unadjusted ?? null, "without adjusting")
  ]
  return [
    ...(target === null ? [] : [
      ["target", `${target.text}, with a chance of ${percent(power)} at a level of ${percent(level)}${corrected}`],
      [
        "needed",
        needed === null
          ? "no number of identities is enough"
          : `${Numbers.count(needed.n)} identities, ${perArm(needed, visible)}; ${
            Numbers.count(now?.n ?? 0)
          } are counted`
      ]
    ] as const),
    ...(others.length === 0 ? [] : [["or", others.join(", ")]] as const),
    ...(days === null ? [] : [["left", daysText(days)]] as const),
    ...(chances === "" ? [] : [["chance", chances]] as const),
    ...(effects === "" ? [] : [[target?.kind === "margin" ? "ruled out" : "findable", effects]] as const),
    ...(metric.variance_reduction === undefined ? [] : [
      [
        "adjusted",
        `${percent(metric.variance_reduction)} of the variance is taken away so far${
          metric.covariate_fallback === undefined ? "" : `. ${visible(metric.covariate_fallback)}`
        }`
      ]
    ] as const)
  ]
}

const wordWidth = 9

const metricLines = (metric: OutlookMetric, width: number, visible: Visible): ReadonlyArray<Line> => {
  const good = metric.direction === "informational" ? "for information" : `${metric.direction} is good`
  const value = metric.status === "unknown"
    ? ""
    : `, ${Numbers.value(metric.baseline.value, Math.abs(metric.baseline.value), metric.estimand)} ${
      metric.baseline.source === "given" ? "expected" : "in the control"
    }`
  const head = [
    span(`  ${Cells.shorten(visible(metric.metric_id), width - 40)}`, "strong"),
    span(`  ${metric.estimand}, ${good}${value}`, "dim")
  ]
  if (metric.status === "unknown") {
    return [head, ...paragraph(visible(metric.sentence), width, { lead: span("    ") })]
  }
  return [
    head,
    ...rowsOf(metric, visible).flatMap(([word, text]) =>
      paragraph(text, width, { lead: span(`    ${Cells.padEnd(word, wordWidth)}  `, "dim") })
    )
  ]
}

const title = (outlook: Outlook, width: number, visible: Visible): ReadonlyArray<Line> => {
  const name = visible(outlook.experiment)
  const first = Cells.width(name) + 2 + outlook.state.length <= width
    ? [[span(Cells.padEnd(name, width - outlook.state.length), "strong"), span(outlook.state)]]
    : [...paragraph(name, width, { style: "strong" }), [span(outlook.state)]]
  const { traffic } = outlook
  const facts = [
    `as of ${outlook.as_of.slice(0, 16).replace("T", " ")}`,
    `${Numbers.count(outlook.identities)} identities in arms`,
    ...(traffic === null ? [] : [
      `${Numbers.count(Math.round(traffic.per_day))} a day${
        traffic.since === undefined ? ", as given" : ` since ${traffic.since.slice(0, 10)}`
      }`
    ])
  ]
  return [...first, ...joined(facts, width, "dim")]
}

/**
 * An outlook as text, without a newline at its end: how long still, the plan, and for each metric by role its target, what it takes, the chance
 * and what can be found now and at the planned end. As wide and as safe for a terminal as `scorecard`. Pure.
 */
export const outlookText = (outlook: Outlook, options: ScorecardOptions): string => {
  const ascii = options.ascii === true
  const visible = (text: string): string => Cells.visible(text, ascii)
  const width = textWidth(options.width)
  const metrics = roles.flatMap(([role, heading]) => {
    const own = outlook.metrics.filter((metric) => metric.role === role)
    return own.length === 0
      ? []
      : [blank, [span(heading, "strong")], ...own.flatMap((metric) => metricLines(metric, width, visible))]
  })
  const text = render([
    ...title(outlook, width, visible),
    blank,
    ...paragraph(visible(outlook.answer.sentence), width, { lead: span("How long  ", "strong") }),
    ...outlook.notes.flatMap((note) => paragraph(visible(note), width, { lead: span("warning   ", "warning") })),
    ...paragraph(planText(outlook.reading), width, { lead: span("Plan      ", "strong") }),
    ...metrics
  ], options.color)
  return ascii ? toAscii(text) : text
}
