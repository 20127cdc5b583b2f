import { collecting, hostile, mismatch, names, shipping, states } from "@assay/example-summaries"
import { capSentence, csv, csvColumns, dueIn, markdown, scorecard, valueOf } from "@assay/report"
import { describe, expect, it } from "vitest"

/** A reader of CSV that knows RFC 4180 and nothing of the writer. */
const parse = (text: string): ReadonlyArray<ReadonlyArray<string>> => {
  const rows: Array<Array<string>> = [[]]
  let field = ""
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quoted) {
      if (c !== "\"") field += c
      else if (text[i + 1] === "\"") field += text[i++]!
      else quoted = false
    } else if (c === "\"") quoted = true
    else if (c === ",") {
      rows.at(-1)!.push(field)
      field = ""
    } else if (c === "\r" && text[i + 1] === "\n") {
      rows.at(-1)!.push(field)
      field = ""
      rows.push([])
      i++
    } else field += c
  }
  return rows.slice(0, -1)
}

describe("the CSV", () => {
  it.each(Object.keys(states))("of %s has a row for each metric, arm, slice and point of the series", (state) => {
    const summary = states[state]!
    const parts = [...(summary.breakdowns ?? []).flatMap(({ slices }) => slices), ...(summary.series?.points ?? [])]
      .flatMap(({ metrics }) => metrics)
    const rows = parse(csv(summary))
    expect(rows.length).toBe(1 + (summary.metrics.length + parts.length) * summary.variants.length)
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([csvColumns.length]))
  })

  it("gives every number back as it was", () => {
    const [headings, ...rows] = parse(csv(shipping))
    const column = (row: ReadonlyArray<string>, name: string) => row[headings!.indexOf(name)]!
    const row = rows.find((row) => column(row, "metric") === "purchased" && column(row, "variant") === "one_page")!
    const metric = shipping.metrics[0]!
    expect(Number(column(row, "lift"))).toBe(metric.inference["one_page"]!.lift)
    expect(Number(column(row, "sum_squares"))).toBe(metric.variants["one_page"]!.sum_squares)
    expect(column(row, "verdict")).toBe("winning")
  })

  it("has what a cap did, and the results without it", () => {
    const [headings, ...rows] = parse(csv(shipping))
    const cells = rows.map((row) => Object.fromEntries(headings!.map((name, i) => [name, row[i]!])))
    const cap = shipping.metrics.find(({ metric_id }) => metric_id === "revenue")!.cap!
    const of = (metric: string) =>
      cells.filter((row) =>
        row["metric"] === metric && row["variant"] === "one_page" && row["dimension"] === "" && row["until"] === ""
      ).map((row) => [row["cap"], row["capped"], row["uncapped_mean"], row["uncapped_lift"]])
    expect(of("revenue")).toEqual([
      [cap.value, cap.capped["one_page"], cap.uncapped["one_page"]!.mean, cap.uncapped_inference["one_page"]!.lift].map(
        String
      )
    ])
    expect(of("purchased")).toEqual([["", "", "", ""]])
  })

  it("tells the whole from slices and from points of the series by their columns", () => {
    const [headings, ...rows] = parse(csv(shipping))
    const cells = rows.map((row) => Object.fromEntries(headings!.map((name, i) => [name, row[i]!])))
    const chosen = (test: (row: Readonly<Record<string, string>>) => boolean) =>
      cells.filter((row) => row["metric"] === "purchased" && row["variant"] === "one_page" && test(row))
    expect(chosen(({ dimension, until }) => dimension === "" && until === "")).toHaveLength(1)
    const points = shipping.series!.points
    expect(chosen(({ until }) => until !== "").map(({ lift, until }) => [until, Number(lift)])).toEqual(
      points.map(({ metrics, until }) => [until, metrics[0]!.inference["one_page"]?.lift ?? 0])
    )
    expect(chosen(({ dimension }) => dimension === "country").map(({ slice }) => slice)).toContain("(others)")
  })

  it("gives no spreadsheet a formula", () => {
    const first = shipping.metrics[0]!
    const rows = parse(csv({ ...shipping, metrics: [{ ...first, metric_id: "=HYPERLINK(\"http://x\")" }] }))
    expect(rows[1]![2]).toBe("'=HYPERLINK(\"http://x\")")
  })

  it("keeps hostile names whole", () => {
    expect(parse(csv(hostile)).some((row) => row[2] === names.image)).toBe(true)
  })
})

describe("a cap", () => {
  const revenue = shipping.metrics.find(({ metric_id }) => metric_id === "revenue")!
  const said = "Capped at 480, the 99.9 % quantile of the values other than 0; 201 identities are above. " +
    "Without the cap: control 4.310; one_page 4.700, +9.0 % (−0.2 … +18.2 %); express 4.290, −0.5 % (−9.3 … +8.3 %)."

  it("is told with the results without it", () => {
    expect(capSentence(shipping, revenue, (key) => key)).toBe(said)
    expect(markdown(shipping).replaceAll("\\", "")).toContain(said)
    expect(scorecard(shipping, { width: 200, color: false }).replace(/\s+/g, " ")).toContain(said)
    expect(capSentence(shipping, shipping.metrics[0]!, (key) => key)).toBeUndefined()
  })

  it("says where there is no lift, and of one identity that it is one", () => {
    const cap = { ...revenue.cap!, quantile: 0.5, capped: { control: 1 }, uncapped_inference: { one_page: null } }
    expect(capSentence(shipping, { ...revenue, cap }, (key) => key)).toMatch(
      /the 50 % quantile of the values other than 0; 1 identity is above\. .*one_page 4\.700, no lift; express 4\.290, no lift\.$/
    )
  })
})

describe("the value of a ratio", () => {
  const moments = { n: 10, sum: 30, sum_squares: 100, mean: 3, variance: 1 }

  it("is that of its sums, not per identity", () => {
    expect(valueOf("ratio", { ...moments, denominator_sum: 60 })).toBe(0.5)
    expect(valueOf("ratio", { ...moments, denominator_sum: 0 })).toBeUndefined()
    expect(valueOf("mean", moments)).toBe(3)
    expect(valueOf("ratio", undefined)).toBeUndefined()
  })
})

describe("the Markdown", () => {
  it("says decision, reasons, metrics, findings and the sample ratio", () => {
    const text = markdown(shipping)
    expect(text).toContain("**ship one\\_page**")
    expect(text).toContain("- No guardrail is worse than its margin.")
    expect(text).toContain("- express: do not ship. Loses on checkout\\_tickets: \\+13.2 %, where less is better.")
    expect(text).toContain("| **purchased**, control | 9.98 % |")
    expect(text).toContain("+9.9 %")
    expect(text).toContain("Sample ratio: no mismatch, p = 0.42.")
    expect(markdown(mismatch)).toContain("Sample ratio: **mismatch**, p = 4.4e-38.")
  })

  it("says what slices and days show of the goals, newest days last, each as the summary has it", () => {
    const text = markdown(shipping)
    const section = (title: string) => text.split(`## ${title}\n`)[1]!.split("\n## ")[0]!
    const rows = (title: string) =>
      section(title).split("\n").filter((line) => line.startsWith("| ")).slice(2).map((line) =>
        line.split(" | ").length
      )
    const [breakdown] = shipping.breakdowns!
    expect(rows(`By ${breakdown!.dimension}`)).toHaveLength(breakdown!.slices.length)
    expect(rows("Over time")).toHaveLength(Math.min(14, shipping.series!.points.length))
    const last = section("Over time").split("\n").filter((line) => line.startsWith("| ")).at(-1)!
    const { ci_high, ci_low, lift } = shipping.series!.points.at(-1)!.metrics[0]!.inference["one_page"]!
    const percent = (x: number) => `${x < 0 ? "−" : "+"}${Math.abs(100 * x).toFixed(1)}`
    expect(last).toContain(`${percent(lift)} % (${percent(ci_low)} … ${percent(ci_high)} %)`)
  })

  it("says of a quantile why slices and days don't have it", () => {
    const [goal, ...others] = shipping.metrics
    const text = markdown({ ...shipping, metrics: [{ ...goal!, estimand: "quantile" }, ...others] })
    const why = `A quantile is one of all identities of an arm: ${goal!.metric_id} isn't told`
    expect(text.split(`${why} by slice.`)).toHaveLength(1 + shipping.breakdowns!.length)
    expect(text).toContain(`${why} over time, but at the end.`)
    expect(markdown(shipping)).not.toContain("A quantile")
  })

  it("holds no HTML, link or line break that a name brought along", () => {
    const text = markdown(hostile)
    expect(text).not.toMatch(/<[a-z]/)
    const break_ = markdown({ ...shipping, experiment: "a\n# b [x](http://y) @all | c" })
    expect(break_.split("\n")[0]).toBe("# a \\# b \\[x\\](http&#58;//y) &#64;all \\| c")
  })
})

describe("the forecast", () => {
  const withheld = { reason: "too_few_identities", have: 10, need: 30, sentence: "" } as const

  it("goes on at the mean rate of the window", () => {
    expect(dueIn(withheld, collecting)).toBe(2 * 86_400_000)
  })

  it("is silent where more data changes nothing, or none comes", () => {
    expect(dueIn({ ...withheld, reason: "control_mean_not_positive" }, collecting)).toBeUndefined()
    expect(dueIn({ ...withheld, have: 0 }, collecting)).toBeUndefined()
    expect(dueIn({ ...withheld, need: 10_000_000 }, collecting)).toBeUndefined()
    expect(dueIn(withheld, { ...collecting, state: "ended" })).toBeUndefined()
  })
})
