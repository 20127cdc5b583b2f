/** How an experiment is to be read: plans, margins, changes of the split. */
import { horizonMillis, lookFractions } from "@assay/model"
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import { complaints, experiment, parse, purchased } from "./example.ts"

const file = "experiments/checkout.yaml"
const withLines = (lines: string) => ({ [file]: `${experiment}${lines}` })
const defined = (lines: string) => Result.getOrThrow(parse(withLines(lines))).experiments.get("new-checkout")!

describe("a plan", () => {
  it("says when and how often results are read, by a length, a date or a number of identities", () => {
    const from = Date.UTC(2026, 0, 1)
    const plan = (text: string) => defined(`plan: ${text}\n`).plan!
    expect(horizonMillis(plan("{ design: fixed, horizon: 2w }"), from)).toBe(from + 14 * 86_400_000)
    expect(horizonMillis(plan("{ design: fixed, horizon: 2026-02-01 }"), from)).toBe(Date.UTC(2026, 1, 1))
    expect(horizonMillis(plan("{ design: always-valid, horizon: { identities: 40000 } }"), from)).toBeUndefined()
    expect(lookFractions(plan("{ design: group-sequential, horizon: 14d, looks: 4, spending: pocock }"))).toEqual([
      0.25,
      0.5,
      0.75,
      1
    ])
    expect(lookFractions(plan("{ design: group-sequential, horizon: 14d, looks: [0.5, 1] }"))).toEqual([0.5, 1])
    expect(plan("{ design: fixed, horizon: 14d, power: 0.9, effect: { value: 0.03 } }")).toMatchObject({
      power: 0.9,
      effect: { value: 0.03 }
    })
  })

  it.each([
    ["a misspelt design", "plan: { design: fixd, horizon: 14d }", [
      `${file}:15:17 plan.design: found "fixd", expected one of "fixed", "group-sequential", "always-valid". Did you mean "fixed"?`
    ]],
    ["a misspelt key", "plan: { design: always-valid, horizont: 14d }", [
      `${file}:15:31 plan.horizont: found the unknown key "horizont", expected one of design, horizon, looks, spending, power, effect. ` +
      `Did you mean "horizon"?`
    ]],
    ["no end", "plan: { design: fixed }", [
      `${file}:15:7 plan: found the design fixed without an end, expected horizon, such as 14d, a date, or { identities: 40000 }. ` +
      "Only an always-valid plan does without"
    ]],
    ["an end before the start", "plan: { design: fixed, horizon: 2025-01-01 }", [
      `${file}:15:33 plan.horizon: found "2025-01-01", expected an end after started_at, which is 2026-01-01`
    ]],
    ["looks of a plan that has one", "plan: { design: fixed, horizon: 14d, looks: 3 }", [
      `${file}:15:38 plan.looks: found looks of the design fixed, expected none. looks belongs to the design group-sequential`
    ]],
    ["no looks", "plan: { design: group-sequential, horizon: 14d }", [
      `${file}:15:7 plan: found the design group-sequential without looks, expected looks: how many, or at which fractions of the plan, ` +
      "such as 4 or [0.5, 1]"
    ]]
  ])("is refused with %s", (_, lines, expected) => {
    expect(complaints(withLines(`${lines}\n`))).toEqual(expected)
  })
})

describe("a margin", () => {
  const using = (use: string) => ({ [file]: experiment.replace("  - revenue", `  - ${use}`) })

  it("is a part of the control's value where it doesn't say otherwise, and above 0", () => {
    const files = using("{ metric: revenue, role: guardrail, margin: { value: 0.02 } }")
    expect(Result.getOrThrow(parse(files)).experiments.get("new-checkout")!.metrics[1]).toEqual({
      metric: "revenue",
      role: "guardrail",
      margin: { value: 0.02 }
    })
    expect(complaints(using("{ metric: revenue, role: guardrail, margin: { value: -0.02, on: relativ } }"))).toEqual([
      `${file}:14:58 metrics[1].margin.value: found -0.02, expected a number greater than 0`,
      `${file}:14:69 metrics[1].margin.on: found "relativ", expected "relative" or "absolute". Did you mean "relative"?`
    ])
  })

  it("of a metric without a good direction is a warning", () => {
    const { warnings } = Result.getOrThrow(parse({
      ...using("{ metric: revenue, role: guardrail, margin: { value: 0.02 } }"),
      "metrics/revenue.yaml": purchased.replace("purchased", "revenue").replace("up", "informational")
    }))
    expect(warnings.map(({ path }) => path)).toContainEqual(["metrics", 1, "margin"])
  })
})

describe("changes of the split", () => {
  it("say the shares from then on", () => {
    const lines = "split_changes:\n  - { from: 2026-01-08, shares: { control: 90, treatment: 10 } }\n"
    expect(defined(lines).split_changes).toEqual([{ from: "2026-01-08", shares: { control: 90, treatment: 10 } }])
  })

  it("come after the start, one after the other, and name the variants", () => {
    expect(complaints(withLines(
      "split_changes:\n  - { from: 2025-12-31, shares: { contrl: 1 } }\n  - { from: 2025-12-01, shares: { control: 0 } }\n"
    ))).toEqual([
      `${file}:16:13 split_changes[0].from: found "2025-12-31", expected a time after started_at, which is 2026-01-01`,
      `${file}:16:35 split_changes[0].shares.contrl: found the variant "contrl", expected one of the variants: control, treatment. ` +
      `Did you mean "control"?`,
      `${file}:17:13 split_changes[1].from: found "2025-12-01", expected a time after the change before it`,
      `${file}:17:33 split_changes[1].shares: found no share above 0, expected at least one variant that gets traffic`
    ])
  })
})
