import { formatIssue } from "@assay/model"
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { maximumBytes, parseDefinitions } from "../src/index.ts"
import { complaints, config, experiment, parse, purchased, resolve, revenue } from "./example.ts"

const checkout = "experiments/checkout.yaml"
const keys = {
  experiment: "key, description, environment, feature, started_at, ended_at, identity, multiple_variants, control, " +
    "variants, metrics, slices, … (17 in all)",
  metric: "key, description, aggregation, event, direction, value, where, options"
}

/** The example's experiment with one thing replaced. */
const edited = (from: string, to: string) => ({ [checkout]: experiment.replace(from, to) })
const metricEdited = (from: string, to: string) => ({ "metrics/revenue.yaml": revenue.replace(from, to) })

describe("good definitions", () => {
  const good = Result.getOrThrow(parse())

  it("become values by key, with the files that they came from", () => {
    expect([...good.experiments.keys()]).toEqual(["new-checkout"])
    expect(good.metrics.get("purchased")).toEqual({
      key: "purchased",
      aggregation: "occurrence",
      event: "purchase",
      direction: "up"
    })
    expect(good.files.experiments).toEqual(new Map([["new-checkout", checkout]]))
    expect(good.files.metrics.get("revenue")).toBe("metrics/revenue.yaml")
    expect(good.warnings).toEqual([])
  })

  it("take text alone for a secondary metric", () => {
    expect(good.experiments.get("new-checkout")?.metrics).toEqual([
      { metric: "purchased", role: "goal" },
      { metric: "revenue", role: "secondary" }
    ])
  })

  it("don't depend on the order of files", () => {
    const files = [{ file: "metrics/b.yaml", text: revenue }, { file: "metrics/a.yaml", text: purchased }]
    const [a, b] = [files, files.toReversed()].map((metrics) => parseDefinitions({ experiments: [], metrics, config }))
    expect(a).toEqual(b)
  })

  it.each([
    ["a byte-order mark", `\uFEFF${experiment}`],
    ["Windows line ends", experiment.replaceAll("\n", "\r\n")],
    ["both", `\uFEFF${experiment.replaceAll("\n", "\r\n")}`],
    ["the start and end of the document marked", `---\n${experiment}...\n`],
    ["anchors and aliases", experiment.replace("share: 50", "share: &half 50").replace("share: 50", "share: *half")],
    ["tags that say what is meant anyway", experiment.replace("new-checkout", "!!str new-checkout")],
    ["JSON", JSON.stringify(good.experiments.get("new-checkout"))]
  ])("may be written with %s", (_, text) => {
    expect(Result.getOrThrow(parse({ [checkout]: text })).experiments).toEqual(good.experiments)
  })
})

describe("a mistake is reported where it is, with what was found, what is expected, and how to mend it", () => {
  it.each<[string, Readonly<Record<string, string>>, ReadonlyArray<string>]>([
    [
      "a misspelt key",
      edited("feature:", "featrue:"),
      [
        `${checkout}:2:1 feature: found nothing, expected text`,
        `${checkout}:4:1 featrue: found the unknown key "featrue", expected one of ${keys.experiment}. ` +
        `Did you mean "feature"?`
      ]
    ],
    [
      "a number as a key",
      edited("key: new-checkout", "key: 2024"),
      [`${checkout}:2:6 key: found 2024, expected text. Quote it to make it text: "2024"`]
    ],
    [
      "a number as a variant, as it was written",
      edited("- key: treatment", "- key: 1.0"),
      [`${checkout}:10:10 variants[1].key: found 1, expected text. Quote it to make it text: "1.0"`]
    ],
    [
      "a boolean as a feature",
      edited("feature: checkout", "feature: true"),
      [`${checkout}:4:10 feature: found true, expected text. Quote it to make it text: "true"`]
    ],
    [
      "a number as a metric in short form",
      edited("- revenue", "- 7"),
      [`${checkout}:14:5 metrics[1]: found 7, expected text. Quote it to make it text: "7"`]
    ],
    [
      "a list as a metric",
      edited("- revenue", "- [revenue]"),
      [
        `${checkout}:14:5 metrics[1]: found a list of 1, expected the key of a metric, or a mapping with metric and role`
      ]
    ],
    [
      "a metric written as key: role",
      edited("- revenue", "- revenue: guardrail"),
      [
        `${checkout}:14:5 metrics[1].revenue: found the unknown key "revenue", expected the key of a metric, or a ` +
        `mapping with metric and role. Write { metric: "revenue", role: guardrail }`
      ]
    ],
    [
      "a misspelt metric in short form",
      edited("- revenue", "- revenu"),
      [
        `${checkout}:14:5 metrics[1]: found "revenu", expected the key of a defined metric: purchased, revenue. ` +
        `Did you mean "revenue"?`
      ]
    ],
    [
      "a misspelt role",
      edited("role: goal", "role: gaol"),
      [
        `${checkout}:13:32 metrics[0].role: found "gaol", expected one of "goal", "secondary", "guardrail". ` +
        `Did you mean "goal"?`
      ]
    ],
    [
      "a share in percent",
      edited("share: 50", "share: 50%"),
      [`${checkout}:9:12 variants[0].share: found "50%", expected a number. Write it without the percent sign: 50`]
    ],
    [
      "a share in quotes",
      edited("share: 50", "share: \"50\""),
      [`${checkout}:9:12 variants[0].share: found "50", expected a number. Write it without quotes: 50`]
    ],
    [
      "a negative share",
      edited("share: 50", "share: -1"),
      [`${checkout}:9:12 variants[0].share: found -1, expected a number greater than or equal to 0`]
    ],
    [
      "a time without a zone",
      edited("2026-01-01", "2026-01-01 09:30"),
      [
        `${checkout}:5:13 started_at: found "2026-01-01 09:30", expected a date (midnight UTC) or a date and time with ` +
        "its zone, such as 2026-01-01 or 2026-01-01T09:30:00Z. Say the zone; in UTC it is 2026-01-01T09:30Z"
      ]
    ],
    [
      "a day that doesn't exist",
      edited("2026-01-01", "2026-02-30"),
      [
        `${checkout}:5:13 started_at: found "2026-02-30", expected a date (midnight UTC) or a date and time with its ` +
        "zone, such as 2026-01-01 or 2026-01-01T09:30:00Z"
      ]
    ],
    [
      "a year as a start",
      edited("2026-01-01", "2026"),
      [
        `${checkout}:5:13 started_at: found 2026, expected a date, or a date and time with its zone. ` +
        "Write it as 2026-01-01 or 2026-01-01T09:30:00Z"
      ]
    ],
    [
      "an end before the start",
      edited("control: control", "ended_at: 2025-12-31\ncontrol: control"),
      [`${checkout}:6:11 ended_at: found "2025-12-31", expected a time after started_at (2026-01-01)`]
    ],
    [
      "a key without a value",
      edited("control: control", "ended_at:\ncontrol: control"),
      [
        `${checkout}:6:10 ended_at: found nothing, expected a date, or a date and time with its zone. ` +
        "Leave the key out, or give it a value"
      ]
    ],
    [
      "a control that isn't a variant",
      edited("control: control", "control: contorl"),
      [
        `${checkout}:6:10 control: found "contorl", expected one of the variants: control, treatment. ` +
        `Did you mean "control"?`
      ]
    ],
    [
      "a variant twice",
      edited("key: treatment", "key: control"),
      [`${checkout}:10:10 variants[1].key: found "control" a second time, expected a key for each variant`]
    ],
    [
      "an identity that the mapping doesn't have",
      edited("control: control", "identity: identifer\ncontrol: control"),
      [
        `${checkout}:6:11 identity: found "identifer", expected an identity that events and exposures have: identifier. ` +
        `Did you mean "identifier"?`
      ]
    ],
    [
      "no metrics at all",
      { [checkout]: experiment.replace(/metrics:[^]*/, "metrics: []\n") },
      [`${checkout}:12:10 metrics: found an empty list, expected a list of at least one`]
    ],
    [
      "a merge key",
      edited("control: control", "<<: {}\ncontrol: control"),
      [
        `${checkout}:6:1 <<: found the unknown key "<<", expected one of ${keys.experiment}. ` +
        "YAML 1.2 has no merge key: write the keys out"
      ]
    ],
    [
      "a misspelt aggregation",
      metricEdited("aggregation: sum", "aggregation: smu"),
      [
        `metrics/revenue.yaml:2:14 aggregation: found "smu", expected one of the configured aggregations: occurrence, ` +
        `sum, capped. Did you mean "sum"?`
      ]
    ],
    [
      "the exposure as an event",
      metricEdited("event: purchase", "event: $flag_exposure"),
      [
        `metrics/revenue.yaml:3:8 event: found "$flag_exposure", expected an event that isn't the exposure itself. ` +
        "An exposure's value is the variant, so it can't be measured"
      ]
    ],
    [
      "a property that the mapping doesn't have",
      metricEdited("metadata.currency", "metdata.currency"),
      [
        `metrics/revenue.yaml:6:15 where[0].property: found "metdata.currency", expected a property of the events: value, ` +
        `traits.…, metadata.…. Did you mean "metadata"?`
      ]
    ],
    [
      "a single value for a list operator",
      metricEdited("[EUR, CHF]", "EUR"),
      [`metrics/revenue.yaml:8:12 where[0].value: found a single value, expected a list of values for "in"`]
    ],
    [
      "a missing value of a filter, at the filter",
      metricEdited("    value: [EUR, CHF]\n", ""),
      [`metrics/revenue.yaml:6:5 where[0].value: found nothing, expected a list of values for "in"`]
    ],
    [
      "a wrong item of a list, at the item",
      metricEdited("[EUR, CHF]", "[EUR, {}]"),
      [`metrics/revenue.yaml:8:18 where[0].value[1]: found a mapping, expected text or a number or true or false`]
    ],
    [
      "options that the aggregation doesn't have",
      metricEdited("direction: up", "direction: up\noptions: { cap: 1 }"),
      [`metrics/revenue.yaml:5:12 options.cap: found the unknown key "cap", expected no such key`]
    ],
    [
      "a cap that isn't above 0",
      metricEdited("direction: up", "direction: up\ncap: -5"),
      ["metrics/revenue.yaml:5:6 cap: found -5, expected a number greater than 0"]
    ],
    [
      "a cap at a percentage in place of a quantile",
      metricEdited("direction: up", "direction: up\ncap: { quantile: 99.9 }"),
      ["metrics/revenue.yaml:5:18 cap.quantile: found 99.9, expected a number less than 1"]
    ],
    [
      "a cap at a quantile in the lower half",
      metricEdited("direction: up", "direction: up\ncap: { quantile: 0.01 }"),
      ["metrics/revenue.yaml:5:18 cap.quantile: found 0.01, expected a number greater than or equal to 0.5"]
    ],
    [
      "a cap on a proportion",
      metricEdited("aggregation: sum", "aggregation: occurrence\ncap: 1"),
      [
        `metrics/revenue.yaml:3:1 cap: found the key "cap", expected no such key, since "occurrence" takes no cap`
      ]
    ],
    [
      "options that are missing, at the metric",
      metricEdited("aggregation: sum", "aggregation: capped"),
      ["metrics/revenue.yaml:1:1 options.cap: found nothing, expected a number"]
    ],
    [
      "a value for an aggregation that reads none",
      metricEdited("aggregation: sum", "aggregation: occurrence\nvalue: metadata.amount"),
      [
        `metrics/revenue.yaml:3:8 value: found "metadata.amount", expected nothing, since "occurrence" reads no value. ` +
        "Leave it out, or choose an aggregation that reads one"
      ]
    ],
    [
      "a key that another file has",
      { "metrics/sales.yaml": revenue },
      [
        `metrics/sales.yaml:1:6 key: found "revenue" a second time, expected a key of its own: metrics/revenue.yaml has ` +
        "this one"
      ]
    ],
    [
      "a metric among experiments",
      { "experiments/oops.yaml": purchased.replace("purchased", "other") },
      ["experiments/oops.yaml:1:1: found a metric, expected an experiment. Move the file to metrics/"]
    ],
    [
      "an experiment among metrics",
      { "metrics/oops.yaml": experiment },
      ["metrics/oops.yaml:2:1: found an experiment, expected a metric. Move the file to experiments/"]
    ],
    [
      "several definitions as a list",
      { "metrics/all.yaml": "- key: a\n- key: b\n" },
      [
        "metrics/all.yaml:1:1: found a list of 2, expected a mapping that defines a metric. Put each definition into a " +
        "file of its own, without a dash"
      ]
    ],
    [
      "text alone",
      { "metrics/a.yaml": "hello\n" },
      [`metrics/a.yaml:1:1: found "hello", expected a mapping that defines a metric`]
    ],
    ["an empty file", { "metrics/a.yaml": "" }, ["metrics/a.yaml: found an empty file, expected a definition"]],
    [
      "comments alone",
      { "metrics/a.yaml": "# later\n\n" },
      ["metrics/a.yaml: found an empty file, expected a definition"]
    ],
    [
      "several documents",
      { "metrics/revenue.yaml": `${revenue}---\n${purchased}` },
      [
        "metrics/revenue.yaml:10:1: found a second YAML document after ---, expected one definition per file. " +
        "Put each definition into a file of its own"
      ]
    ],
    [
      "a key twice",
      metricEdited("event: purchase", "event: purchase\nevent: order"),
      [`metrics/revenue.yaml:4:1: found the key "event" a second time, expected each key once in a mapping`]
    ],
    [
      "a tab",
      metricEdited("    op: in", "\top: in"),
      [
        "metrics/revenue.yaml:7:1: found a tab as indentation, expected spaces. YAML is indented by spaces only"
      ]
    ],
    [
      "a tab after Windows line ends",
      { "metrics/revenue.yaml": revenue.replace("    op: in", "\top: in").replaceAll("\n", "\r\n") },
      [
        "metrics/revenue.yaml:7:1: found a tab as indentation, expected spaces. YAML is indented by spaces only"
      ]
    ],
    [
      "a colon inside text",
      metricEdited("event: purchase", "event: shop: purchase"),
      [
        "metrics/revenue.yaml:3:8: found a mapping inside a line (two colons, or lines indented below a value), expected " +
        "one key and one value in a line. Put a text with \": \" in it in quotes, and give keys of one mapping the same " +
        "indentation"
      ]
    ],
    [
      "a reserved character",
      metricEdited("event: purchase", "event: @purchase"),
      [
        `metrics/revenue.yaml:3:8: found text that begins with "@", expected text that begins otherwise, or in quotes. ` +
        "Put the text in quotes if this character belongs to it"
      ]
    ],
    [
      "a list without its end",
      { "metrics/revenue.yaml": "key: revenue\naggregation: sum\nevent: [\n" },
      ["metrics/revenue.yaml:4:1: found the end of a list or mapping in brackets that has no ], expected a ]"]
    ],
    [
      "a quote without its end",
      { "metrics/revenue.yaml": "key: revenue\nevent: \"purchase\n" },
      ["metrics/revenue.yaml:3:1: found the end of a text in quotes that has no closing quote, expected a quote"]
    ],
    [
      "a tag",
      metricEdited("event: purchase", "event: !event purchase"),
      [
        `metrics/revenue.yaml:3:15: found the tag "!event", expected plain YAML without tags. ` +
        "Put the text in quotes if the exclamation mark belongs to it"
      ]
    ],
    [
      "a tag that YAML 1.1 knew",
      metricEdited("event: purchase", "event: !!binary aGk="),
      [
        `metrics/revenue.yaml:3:17: found the tag "!!binary", expected plain YAML without tags. ` +
        "Put the text in quotes if the exclamation mark belongs to it"
      ]
    ],
    [
      "an alias of nothing",
      metricEdited("event: purchase", "event: *"),
      [
        "metrics/revenue.yaml:3:8: found alias cannot be an empty string, expected valid YAML"
      ]
    ],
    [
      "an alias without an anchor",
      metricEdited("event: purchase", "event: *purchase"),
      [
        "metrics/revenue.yaml:3:8: found the alias *purchase, expected an anchor &purchase before it. " +
        "Put the text in quotes if the star belongs to it"
      ]
    ],
    [
      "an alias inside what it stands for",
      metricEdited("where:", "where: &all\n  - *all"),
      ["metrics/revenue.yaml:6:5: found the alias *all, expected an alias that doesn't hold itself"]
    ],
    [
      "an infinite number",
      metricEdited("[EUR, CHF]", "[.inf]"),
      [
        `metrics/revenue.yaml:8:13: found .inf, expected a finite number. Quote it to make it text: ".inf"`
      ]
    ],
    [
      "a number that would be rounded",
      metricEdited("[EUR, CHF]", "[12345678901234567890]"),
      [
        "metrics/revenue.yaml:8:13: found 12345678901234567890, which has more digits than a number can hold, expected a " +
        `number up to 9007199254740991. Quote it to make it text: "12345678901234567890"`
      ]
    ],
    [
      "a list as a key",
      metricEdited("event: purchase", "event: purchase\n? [a]\n: b"),
      ["metrics/revenue.yaml:4:3: found a key that isn't text, expected text as a key"]
    ],
    [
      "the key __proto__",
      metricEdited("event: purchase", "event: purchase\n__proto__: {}"),
      [`metrics/revenue.yaml:4:1: found the key "__proto__", expected another key`]
    ],
    [
      "binary rubbish",
      { "metrics/a.yaml": "PK\u0003\u0004" },
      [
        "metrics/a.yaml:1:3: found the control character U+0003, expected text in UTF-8. " +
        "Is this a YAML file? Save it as UTF-8 without control characters"
      ]
    ],
    [
      "text in another encoding",
      { "metrics/a.yaml": "key: a\nevent: caf\uFFFD\n" },
      [
        "metrics/a.yaml:2:11: found bytes that aren't UTF-8, expected text in UTF-8. " +
        "Is this a YAML file? Save it as UTF-8 without control characters"
      ]
    ],
    [
      "a file that is too large",
      { "metrics/a.yaml": `# ${"ü".repeat(1_000_000)}\n` },
      [
        `metrics/a.yaml: found 2000003 bytes, expected at most ${maximumBytes}. ` +
        "A file defines one experiment or one metric; is this another file?"
      ]
    ]
  ])("%s", (_, files, expected) => {
    expect(complaints(files)).toEqual(expected)
  })
})

describe("everything wrong is reported at once", () => {
  it("over all files, sorted by file and line", () => {
    const said = complaints({
      "experiments/b.yaml": "key: b\n\tfeature: x\n",
      ...edited("- revenue", "- revenu"),
      "metrics/revenue.yaml": revenue.replace("direction: up", "direction: sideways").replace("event: p", "evnt: p"),
      "metrics/a.yaml": "",
      "metrics/z.yaml": "- a"
    })
    expect(said.map((line) => line.replace(/: found.*/, ""))).toEqual([
      "experiments/b.yaml:2:1",
      "experiments/checkout.yaml:14:5 metrics[1]",
      "metrics/a.yaml",
      "metrics/revenue.yaml:1:1 event",
      "metrics/revenue.yaml:3:1 evnt",
      "metrics/revenue.yaml:4:12 direction",
      "metrics/z.yaml:1:1"
    ])
  })

  it("also what is found only after decoding, beside what decoding finds", () => {
    const said = complaints({
      ...edited("- revenue", "- revenu\nbogus: 1"),
      "metrics/revenue.yaml": revenue.replace("key: revenue", "key: 3").replace("sum", "smu").replace(
        "op: in",
        "op: inn"
      )
    })
    expect(said.map((line) => line.replace(/: found.*/, ""))).toEqual([
      "experiments/checkout.yaml:14:5 metrics[1]",
      "experiments/checkout.yaml:15:1 bogus",
      "metrics/revenue.yaml:1:6 key",
      "metrics/revenue.yaml:2:14 aggregation",
      "metrics/revenue.yaml:7:9 where[0].op"
    ])
  })

  it("also in a file of one line", () => {
    const one = `{key: revenue, key: b, aggregation: smu, event: !x y, direction: uo, value: 12345678901234567890}`
    expect(complaints({ "metrics/revenue.yaml": one }).map((line) => line.replace(/: found.*/, ""))).toEqual([
      "metrics/revenue.yaml:1:16",
      "metrics/revenue.yaml:1:37 aggregation",
      "metrics/revenue.yaml:1:52",
      "metrics/revenue.yaml:1:66 direction",
      "metrics/revenue.yaml:1:77"
    ])
  })

  it.each([
    ["is wrong", revenue.replace("direction: up", "direction: sideways")],
    ["isn't YAML", `${revenue}\t: [`],
    ["is empty", ""]
  ])("but not at experiments whose metric's file %s", (_, text) => {
    expect(complaints({ "metrics/revenue.yaml": text }).filter((line) => line.startsWith("experiments/"))).toEqual([])
    expect(complaints({ "metrics/revenue.yaml": text })).toHaveLength(1)
  })

  it("and aliases that grow without bound are refused, not followed", () => {
    const lines = Array.from(
      { length: 12 },
      (_, i) => `a${i}: &a${i} [${Array.from({ length: 10 }, () => (i === 0 ? "x" : `*a${i - 1}`)).join(", ")}]`
    )
    const about = complaints({ "metrics/a.yaml": lines.join("\n") }).filter((line) => line.includes("50000"))
    expect(about.map((line) => line.replace(/:5:\d+:/, ":5:"))).toEqual([
      "metrics/a.yaml:5: found more than 50000 values, with what aliases repeat, expected a definition of a sensible size"
    ])
  })

  it("and levels without end as well", () => {
    expect(complaints({ "metrics/a.yaml": `${purchased.replace("purchased", "a")}where:\n${"- ".repeat(200)}` }))
      .toEqual([
        "metrics/a.yaml:6:3 where[0]: found a list of 1, expected a mapping",
        "metrics/a.yaml:6:129: found more than 64 levels, expected fewer lists and mappings in one another"
      ])
    const [issue, ...others] = complaints({ "metrics/a.yaml": "- ".repeat(20_000) })
    expect(issue).toMatch(
      /^metrics\/a\.yaml:1:\d+: found too many lists and mappings in one another, expected a definition$/
    )
    expect(others).toEqual([])
  })
})

describe("whatever stands in a file", () => {
  const everything = (text: string) => {
    for (const folder of ["experiments", "metrics"]) {
      const result = parse({ [`${folder}/a.yaml`]: text })
      if (Result.isSuccess(result)) {
        expect(result.success.files.experiments.size + result.success.files.metrics.size).toBe(4)
      } else {
        expect(result.failure.issues.length).toBeGreaterThan(0)
        for (const issue of result.failure.issues) {
          expect(issue.file).toBe(`${folder}/a.yaml`)
          expect(issue.line ?? 1).toBeLessThanOrEqual(text.split("\n").length)
          expect(formatIssue(issue)).not.toMatch(/undefined|\[object/)
        }
      }
    }
  }

  it("is defined or refused with an issue that names the file: any JSON value", () => {
    fc.assert(fc.property(fc.json(), everything), { numRuns: 60 })
  })

  it("any value in the place of any key of a good definition", () => {
    const places = ["key", "environment", "started_at", "ended_at", "control", "variants", "metrics", "value", "where"]
    const good: Record<string, unknown> = {
      ...Result.getOrThrow(parse()).experiments.get("new-checkout"),
      key: "another"
    }
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue(), (place, value) => {
        everything(JSON.stringify({ ...good, [place]: value }, null, 1))
      }),
      { numRuns: 60 }
    )
  })

  it("any text", () => {
    const yaml = fc.array(
      fc.constantFrom(
        "key: ",
        "a",
        "\n",
        "  ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        ": ",
        "\"",
        "'",
        "&x ",
        "*x",
        "!t ",
        "|",
        "#",
        "\t",
        "---\n",
        "? ",
        "1",
        "~",
        "<<",
        "\r\n"
      ),
      { maxLength: 40 }
    ).map((parts) => parts.join(""))
    fc.assert(fc.property(fc.oneof(fc.string({ unit: "binary" }), yaml), everything), { numRuns: 120 })
  })

  it("has its lines counted exactly, whatever stands above", () => {
    const above = fc.array(fc.constantFrom("", "# note", "  # indented"), { maxLength: 20 })
    fc.assert(
      fc.property(above, fc.constantFrom("\n", "\r\n"), fc.boolean(), (lines, end, mark) => {
        const text = [...lines, ...revenue.replace("event:", "evnt:").split("\n")].join(end)
        const result = parse({ "metrics/revenue.yaml": mark ? `\uFEFF${text}` : text })
        const issues = Result.isFailure(result) ? result.failure.issues : []
        expect(issues.map(({ line, column }) => [line, column])).toEqual([
          [lines.length + 1, 1],
          [lines.length + 3, 1]
        ])
      })
    )
  })
})

describe("warnings", () => {
  const warnings = (files: Readonly<Record<string, string>>, using = config) =>
    Result.getOrThrow(parse(files, using)).warnings.map(formatIssue)

  const fromColumn = metricEdited("direction: up", "direction: up\nvalue: metadata.amount")

  it("say of a value that deduplication by row doesn't compare how events get lost", () => {
    expect(warnings(fromColumn)).toEqual([
      `metrics/revenue.yaml:5:8 value: found "metadata.amount" from the column "metadata", which doesn't tell repeated rows ` +
      `from events, expected "metadata" in events.deduplication.columns. Without it, two events of one identity in the same ` +
      `millisecond that differ only there count as one; or map an event id and use the policy "id"`
    ])
  })

  it.each([
    ["the column is compared", { deduplication: { columns: ["metadata"] } }],
    ["nothing is deduplicated", { deduplication: { policy: "none" } }],
    ["events have an id", { deduplication: { policy: "id" }, columns: { event_id: "id" } }]
  ])("don't when %s", (_, events) => {
    expect(warnings(fromColumn, Result.getOrThrow(resolve({ events })))).toEqual([])
  })

  it("name metrics that no experiment uses", () => {
    expect(warnings({ "metrics/extra.yaml": purchased.replace("purchased", "extra") })).toEqual([
      `metrics/extra.yaml:1:6 key: found "extra", which no experiment uses, expected an experiment that does`
    ])
  })

  it("name experiments without a goal, and goals by which nobody can win", () => {
    expect(warnings(edited("- { metric: purchased, role: goal }", "- purchased"))).toEqual([
      `${checkout}:13:3 metrics: found no metric in the role goal, expected one that decides. Write { metric: …, role: goal } ` +
      "for it; text alone is secondary"
    ])
    expect(warnings({ "metrics/purchased.yaml": purchased.replace("direction: up", "direction: informational") }))
      .toEqual([
        `${checkout}:13:32 metrics[0].role: found the goal "purchased", whose direction is informational, expected a goal with ` +
        "the direction up or down. Neither arm can win by it: say which way is good in the metric, or make it secondary here"
      ])
  })
})
