/** "How long still?" as people read it. */
import type { Outlook } from "@assay/model"
import { outlookText } from "@assay/report"
import { describe, expect, it } from "vitest"
import * as Cells from "../src/Cells.ts"

const outlook: Outlook = {
  schema: "assay.plan/1",
  experiment: "checkout-button",
  state: "running",
  as_of: "2026-01-08T00:00:00.000Z",
  window: { from: "2026-01-01T00:00:00.000Z" },
  reading: { design: "group-sequential", recorded: true, looks: [0.5, 1], ends_at: "2026-01-22T00:00:00.000Z" },
  answer: {
    code: "planned_end",
    sentence: "14 days, to the planned end on 2026-01-22. By then there are enough identities for all targets.",
    days: 14,
    until: "2026-01-22T00:00:00.000Z"
  },
  notes: ["The data are 3 days old: `assay recompute` brings them up to date."],
  identities: 40_000,
  traffic: { per_day: 5714.3, source: "series", since: "2026-01-01T00:00:00.000Z" },
  metrics: [
    {
      metric_id: "purchased",
      role: "goal",
      direction: "up",
      estimand: "proportion",
      level: 0.025,
      comparisons: 2,
      power: 0.8,
      status: "ok",
      baseline: { value: 0.1, standard_deviation: 0.3, source: "measured" },
      variance_reduction: 0.412,
      target: { kind: "effect", value: 0.05, on: "relative", text: "+5 %" },
      now: { n: 40_000, power: 0.345, detectable: { absolute: 0.0085, relative: 0.085 } },
      at_end: { n: 120_000, power: 0.825, detectable: { absolute: 0.0049, relative: 0.049 } },
      needed: { n: 118_002, per_arm: { control: 59_001, treatment: 59_001 } },
      needed_fixed: 115_520,
      needed_always_valid: 274_672,
      needed_unadjusted: 200_684,
      days: 13.6
    },
    {
      metric_id: "refunded",
      role: "guardrail",
      direction: "down",
      estimand: "proportion",
      level: 0.05,
      comparisons: 1,
      power: 0.8,
      status: "ok",
      baseline: { value: 0.05, standard_deviation: 0.218, source: "given" },
      variance_reduction: 0,
      covariate_fallback: "The covariate has no variance, so the result isn't adjusted.",
      target: { kind: "margin", value: 0.05, on: "relative", text: "a rise below 5 %" },
      now: { n: 40_000, power: 0.999_9, detectable: { absolute: 0.001, relative: 0.02 } },
      at_end: null,
      needed: { n: 9002, per_arm: { control: 3001, treatment: 6001 } },
      needed_fixed: 9002,
      needed_always_valid: null,
      days: 0
    },
    {
      metric_id: "rev\u001b[31menue",
      role: "secondary",
      direction: "informational",
      estimand: "mean",
      level: 0.05,
      comparisons: 1,
      power: 0.8,
      status: "unknown",
      sentence: "Nothing was measured yet. Say what is expected: --baseline revenue=12.5,30 (mean, standard deviation)."
    }
  ]
}

const text = (one: Outlook, width = 80): string => outlookText(one, { width, color: false })

describe("an outlook at 80 columns", () => {
  it("answers first, then tells of each metric what it takes and what it can find", () => {
    expect(text(outlook)).toMatchInlineSnapshot(`
      "checkout-button                                                          running
      as of 2026-01-08 00:00 · 40,000 identities in arms
      5,714 a day since 2026-01-01

      How long  14 days, to the planned end on 2026-01-22. By then there are enough
                identities for all targets.
      warning   The data are 3 days old: \`assay recompute\` brings them up to date.
      Plan      read at planned looks (2), to 2026-01-22

      Goals
        purchased  proportion, up is good, 10.0 % in the control
          target     +5 %, with a chance of 80 % at a level of 2.5 % (5 % over 2
                     comparisons)
          needed     118,002 identities, 59,001 in each arm; 40,000 are counted
          or         115,520 if read once, 274,672 if read at any time, 200,684
                     without adjusting
          left       14 days
          chance     34.5 % now, 82.5 % at the planned end
          findable   8.5 % now, 4.9 % at the planned end
          adjusted   41.2 % of the variance is taken away so far

      Guardrails
        refunded  proportion, down is good, 5.00 % expected
          target     a rise below 5 %, with a chance of 80 % at a level of 5 %
          needed     9,002 identities, control 3,001, treatment 6,001; 40,000 are
                     counted
          left       none
          chance     >99.9 % now
          ruled out  2 % now
          adjusted   0 % of the variance is taken away so far. The covariate has no
                     variance, so the result isn't adjusted.

      Secondary
        rev\\x1b[31menue  mean, for information
          Nothing was measured yet. Say what is expected: --baseline revenue=12.5,30
          (mean, standard deviation)."
    `)
  })

  it("says what is expected where nothing was measured, and that no number is enough", () => {
    const [first] = outlook.metrics
    const bare = text({
      ...outlook,
      reading: { design: "always-valid", recorded: false, ends_at: null },
      traffic: { per_day: 4000, source: "given" },
      metrics: [{
        ...first!,
        needed: null,
        needed_fixed: null,
        needed_always_valid: null,
        now: null,
        at_end: null,
        days: null
      }] as unknown as Outlook["metrics"]
    })
    expect(bare).toContain("4,000 a day, as given")
    expect(bare).toMatch(/none recorded; read at any time, by an always-valid test, without a\s+planned end/)
    expect(bare).toContain("needed     no number of identities is enough")
    expect(bare).not.toMatch(/^ {4}(or|left|chance|findable)|undefined|NaN/m)
  })

  it("keeps to the width and to what a terminal may get, whatever the names", () => {
    for (const width of [60, 80, 200]) {
      const lines = text({ ...outlook, experiment: "long".repeat(60) }, width).split("\n")
      expect(Math.max(...lines.map((line) => Cells.width(line)))).toBeLessThanOrEqual(Math.min(width, 100))
    }
    expect(text(outlook)).not.toContain("\u001b")
    expect(outlookText(outlook, { width: 80, color: false, ascii: true })).toMatch(/^[\x20-\x7e\n]*$/)
    const colours = outlookText(outlook, { width: 80, color: true }).split("\u001b").map((part) =>
      part.replace(/^\[[\d;]*m/, "")
    )
    expect(colours.join("")).toBe(text(outlook))
  })
})
