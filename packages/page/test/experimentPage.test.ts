import { hostile, large, names, now, series, shipping, statement, states } from "@assay/example-summaries"
import { experimentPage } from "@assay/page"
import { parseHTML } from "linkedom"
import { describe, expect, it } from "vitest"

const pageOf = (summary: (typeof states)[string]) => {
  const html = experimentPage({ summary, statement, now })
  return { html, document: parseHTML(html).document }
}

const text = (element: { readonly textContent: string | null } | null): string => element?.textContent ?? ""

describe("the page of an experiment", () => {
  it.each(Object.keys(states))("%s shows every metric, every arm, and every finding", (state) => {
    const summary = states[state]!
    const { document } = pageOf(summary)
    expect(document.querySelectorAll(".metric-name").length).toBe(summary.metrics.length)
    expect(document.querySelectorAll("table.arms tbody tr").length).toBe(summary.variants.length)
    expect(document.querySelectorAll(".findings > li").length).toBe(summary.findings.length)
  })

  it.each(Object.keys(states))("%s holds no NaN, undefined or null", (state) => {
    expect(text(pageOf(states[state]!).document.querySelector("main"))).not.toMatch(/\b(NaN|undefined|null|Infinity)\b/)
  })

  it("says the decision, its reasons, and that of each treatment", () => {
    const verdict = text(pageOf(shipping).document.querySelector("#verdict"))
    expect(verdict).toContain("Ship one_page")
    expect(verdict).toContain("No guardrail is worse than its margin.")
    expect(verdict).toContain("do not ship")
    expect(verdict).toContain("look 5 of 5")
  })

  it.each(Object.keys(states))("%s links to each of its sections, and to nothing that isn't there", (state) => {
    const { document } = pageOf(states[state]!)
    const linked = [...document.querySelectorAll("nav.contents a")].map((link) => link.getAttribute("href"))
    const sections = [...document.querySelectorAll("main section")].map(({ id }) => `#${id}`)
    expect(linked).toEqual(sections.filter((id) => id !== "#verdict" && id !== "#arms"))
  })

  it("doesn't repeat the decision's reasons at the treatment that they are about", () => {
    const { decision } = shipping
    if (decision === undefined) return expect.fail("it has no decision")
    const [first, ...others] = decision.treatments
    const verdict = text(
      pageOf({
        ...shipping,
        decision: { ...decision, treatments: [{ ...first!, reasons: decision.reasons }, ...others] }
      })
        .document.querySelector("#verdict")
    )
    const plain = verdict.replaceAll("\u00a0", " ")
    for (const { sentence } of decision.reasons) expect(plain.split(sentence).length).toBe(2)
    // Lines don't end inside of a figure.
    expect(verdict).toMatch(/\d\u00a0%/)
    expect(verdict).toContain("For the reasons above.")
  })

  it("draws every comparison that has an interval, and only those", () => {
    for (const summary of Object.values(states)) {
      const inferences = summary.metrics.flatMap(({ inference }) =>
        Object.values(inference).filter((one) => one !== null)
      )
      const drawn = pageOf(summary).document.querySelectorAll("#scorecard td.drawing svg")
      expect(drawn.length).toBe(inferences.length)
    }
  })

  it("says why a number is withheld, how much is missing, and when it will come", () => {
    const row = text(pageOf(shipping).document.querySelector("td.why"))
    expect(row).toContain("31 conversions in an arm; an inference takes 50.")
    // 31 came in 14 days, so the 19 that lack come in 8.58 days.
    expect(row).toContain("At the rate so far, in about 8 days.")
  })

  it.each([
    ["shipping", "To win", "95 % interval"],
    ["frequentist", "p-value", "95 % interval"],
    ["sequential", "p, any time", "95 % sequence"]
  ])("of %s has the columns of its engine", (state, evidence, interval) => {
    const headings = [...pageOf(states[state]!).document.querySelectorAll("table.score thead th")].map(text)
    expect(headings).toContain(evidence)
    expect(headings).toContain(interval)
  })

  it("names the part of the identities that a mismatch comes from", () => {
    const quality = text(pageOf(states["mismatch"]!).document.querySelector(".srm"))
    expect(quality).toContain("browser = Safari, p = 3.1e-12")
  })

  it("shows the same numbers in every panel: arms, series and scorecard agree", () => {
    const { document } = pageOf(shipping)
    const arms = [...document.querySelectorAll("table.arms tbody tr")].map((row) => text(row.querySelector("td")))
    const last = [...document.querySelectorAll("#time figure")[0]!.querySelectorAll("tbody tr")].at(-1)!
    const total = shipping.variants.reduce((sum, { n }) => sum + n, 0)
    expect(text([...last.querySelectorAll("td")].at(-1)!)).toBe(total.toLocaleString("en-US"))
    expect(arms.map((n) => Number(n.replaceAll(",", ""))).reduce((sum, n) => sum + n, 0)).toBe(total)
  })

  it("draws a day where its table names it", () => {
    const days = 5
    const { document } = pageOf({
      ...shipping,
      series: series({ control: 900, one_page: 900, express: 900 }, {}, 0, days)
    })
    const figure = document.querySelector("#time figure")!
    const drawn = [...figure.querySelectorAll("g[aria-label='x-axis tick label'] text")].map(text)
    const named = [...figure.querySelectorAll("tbody th")].map(text)
    expect(named.length).toBe(days)
    expect(drawn.map((label) => Number.parseInt(label, 10))).toEqual(named.map((day) => Number(day.slice(-2))))
  })

  it("says where a quantile isn't told: by slice, and over time but at the end", () => {
    const told = (metrics: (typeof shipping)["metrics"]) => {
      const { document } = pageOf({
        ...shipping,
        metrics,
        series: {
          ...shipping.series!,
          points: shipping.series!.points.map((point, i, { length }) =>
            i === length - 1
              ? point
              : { ...point, metrics: point.metrics.filter(({ metric_id }) => metric_id !== "purchased") }
          )
        }
      })
      return ["#breakdowns", "#time"].map((id) => text(document.querySelector(id)))
    }
    const [slices, time] = told(
      shipping.metrics.map((one) => one.metric_id === "purchased" ? { ...one, estimand: "quantile" } : one)
    )
    expect(slices).toContain("A quantile is one of all identities of an arm: purchased isn't told by slice.")
    expect(time).toContain("purchased isn't told over time, but at the end.")
    expect(time).toContain("not told")
    for (const section of told(shipping.metrics)) expect(section).not.toContain("A quantile")
  })

  it("marks an interval that goes on beyond the axis, and draws no point where it isn't", () => {
    const [first, ...others] = shipping.metrics
    const wide = { ...first!.inference["one_page"]!, lift: 30, ci_low: -0.01, ci_high: 90 }
    const { document } = pageOf({
      ...shipping,
      metrics: [{ ...first!, inference: { ...first!.inference, one_page: wide } }, ...others]
    })
    const drawings = [...document.querySelectorAll("#scorecard td.drawing svg")]
    const beyond = drawings.filter((svg) => svg.getAttribute("aria-label") === "includes 0, goes on beyond the axis")
    expect(beyond.length).toBe(1)
    // An arrow in place of the point; all others have the point.
    expect(beyond.map((svg) => [svg.querySelectorAll("circle").length, svg.querySelectorAll("path").length])).toEqual([
      [0, drawings[1]!.querySelectorAll("path").length + 1]
    ])
    for (const svg of drawings) if (svg !== beyond[0]) expect(svg.querySelectorAll("circle").length).toBe(1)
  })

  it("draws each lift over time where it is, or not at all", () => {
    const lifts = { one_page: [5, 0.01], express: [0, 0.01] } as const
    const far = series({ control: 900, one_page: 900, express: 900 }, { purchased: lifts }, 0, 6)
    const outlier = far.points[1]!.metrics[0]!
    const points = far.points.with(1, {
      ...far.points[1]!,
      metrics: [{
        ...outlier,
        inference: { ...outlier.inference, express: { ...outlier.inference["express"]!, lift: 99, ci_high: 100 } }
      }]
    })
    const { document } = pageOf({ ...shipping, series: { ...far, points } })
    const chart = [...document.querySelectorAll("#time figure")][1]!
    const lines = [...chart.querySelectorAll("g[aria-label='line'] path")].map((path) =>
      [...path.getAttribute("d")!.matchAll(/[ML]?(-?[\d.]+),(-?[\d.]+)/g)].map(([, , y]) => Number(y))
    )
    // Five lifts each, since the first is withheld, but for the one that lies far above the axis.
    expect(lines.map(({ length }) => length)).toEqual([5, 4])
    // The two lie far from each other, and neither at an edge of the chart (14 to 200).
    const [one, other] = lines.map((ys) => ys.at(-1)!)
    expect(one).toBeGreaterThan(14)
    expect(other! - one!).toBeGreaterThan(100)
  })

  it("has coordinates to a tenth of a pixel, and bands as pale as they were asked to be", () => {
    const charts = [...pageOf(shipping).document.querySelectorAll("#time .chart svg")].map((svg) => svg.outerHTML)
    const bands = charts.flatMap((chart) => chart.match(/fill-opacity="[^"]*"/g) ?? [])
    expect(new Set(bands)).toEqual(new Set(["fill-opacity=\"0.14\""]))
    for (const chart of charts) expect(chart.replaceAll(/opacity="[^"]*"/g, "")).not.toMatch(/\d\.\d{2}/)
  })

  it("is the same text every time", () => {
    expect(pageOf(shipping).html).toBe(pageOf(shipping).html)
  })

  it("needs nothing from anywhere else, and its policy allows nothing else", () => {
    for (const summary of [...Object.values(states), large(3, 5)]) {
      const { document, html } = pageOf(summary)
      expect(html).not.toMatch(/\s(style|on[a-z]+)="/)
      expect([...document.querySelectorAll("[src], link[href], img, iframe, object")]).toEqual([])
      const policy = document.querySelector("meta[http-equiv]")?.getAttribute("content") ?? ""
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toContain("unsafe")
    }
  })

  it("shows names as text, whatever they hold", () => {
    const { document } = pageOf(hostile)
    expect(document.querySelectorAll("script").length).toBe(1)
    expect(document.querySelectorAll("img").length).toBe(0)
    const shown = text(document.body)
    for (const name of [names.script, names.image, names.arabic, names.emoji, names.long]) expect(shown).toContain(name)
    expect(shown).toContain("\\u202e")
    expect(shown).toContain("\\u001b")
    for (const raw of ["\u202e", "\u001b", "\u0007"]) expect(shown).not.toContain(raw)
  })
})
