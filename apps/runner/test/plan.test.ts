/** `assay plan`: how long still, before there are results, while they come, and with mistakes. */
import type { Outlook } from "@assay/model"
import { beforeAll, describe, expect, it } from "vitest"
import { assay, experimentFile, metricFile, type Outcome, project } from "./assay.ts"

const root = project({
  "experiments/checkout.yaml": experimentFile("checkout", {
    ended_at: "2026-01-09",
    metrics: "[{ metric: purchased, role: goal }, { metric: revenue, role: secondary }]",
    plan: "{ design: fixed, horizon: 28d, effect: { value: 0.1 } }"
  }).replace("ended_at: 2026-01-09\n", ""),
  "metrics/revenue.yaml": metricFile("revenue", { aggregation: "sum" })
})
const here = { cwd: root }

const outlookOf = ({ stdout }: Outcome): Outlook => JSON.parse(stdout) as Outlook

describe("assay plan", () => {
  let before: Outcome
  beforeAll(async () => {
    before = await assay(["plan", "checkout"], here)
    await assay(["recompute", "checkout", "--as-of", "2026-01-09"], here)
  })

  it("says before any result what to give, and reckons with it", async () => {
    expect(before).toMatchObject({ code: 0, stderr: "" })
    expect(before.stdout).toContain("How long  Nobody knows yet: no metric has a baseline.")
    expect(before.stdout).toMatch(/--baseline purchased=0\.1\s+\(its rate\)/)
    expect(before.stdout).toContain("`assay recompute checkout` computes them")
    const told = await assay([
      "plan",
      "checkout",
      "--baseline",
      "purchased=10%",
      "--baseline",
      "revenue=12.5,30",
      "--traffic",
      "1500",
      "--effect",
      "revenue=3%",
      "--json"
    ], here)
    expect(outlookOf(told)).toMatchObject({
      schema: "assay.plan/1",
      traffic: { per_day: 1500, source: "given" },
      metrics: [
        { baseline: { value: 0.1, source: "given" }, target: { value: 0.1 } },
        { baseline: { value: 12.5, standard_deviation: 30 }, target: { value: 0.03 } }
      ]
    })
  })

  it("answers from the stored results", async () => {
    const [text, machine] = await Promise.all([
      assay(["plan", "checkout"], here),
      assay(["plan", "checkout", "--json"], here)
    ])
    expect(text).toMatchObject({ code: 0, stderr: "" })
    expect(text.stdout).toMatch(
      /^checkout +running\nas of 2026-01-09 00:00 · 400 identities in arms · 100 a day since 2026-01-05\n/
    )
    expect(text.stdout).toMatch(/How long {2}24 days, to the planned end on 2026-02-02\. That is too\s+early/)
    expect(text.stdout.split("\n").every((line) => [...line].length <= 80)).toBe(true)
    const outlook = outlookOf(machine)
    expect(outlook).toMatchObject({
      experiment: "checkout",
      identities: 400,
      traffic: { per_day: 100, source: "window" },
      reading: { design: "fixed", recorded: true, ends_at: "2026-02-02T00:00:00.000Z" },
      metrics: [{
        metric_id: "purchased",
        baseline: { value: 0.2, source: "measured" },
        now: { n: 400 },
        at_end: { n: 2800 }
      }, { metric_id: "revenue", target: null }]
    })
  })

  it("refuses what it can't read, and says what it takes", async () => {
    const mistakes: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
      [
        ["checkout", "--baseline", "bought=0.1"],
        /expected a metric of the experiment\n {2}They are: purchased, revenue/
      ],
      [
        ["checkout", "--effect", "much"],
        /--effect much: expected a part of the control's value above 0\n {2}5% \(or 0\.05\)/
      ],
      [["checkout", "--power", "2"], /--power is 2; it must be between 0 and 1/]
    ]
    const outcomes = await Promise.all(mistakes.map(([args]) => assay(["plan", ...args], here)))
    for (const [i, [, expected]] of mistakes.entries()) {
      expect(outcomes[i]).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(expected) })
    }
  })
})
