/** The decision on a scorecard: the word first, then why, then what is decided otherwise. */
import type { Decision, ResultsSummary } from "@assay/model"
import { scorecard } from "@assay/report"
import { describe, expect, it } from "vitest"
import { threeArms } from "./examples.ts"

const plan: Decision["plan"] = {
  recorded: true,
  design: "group-sequential",
  information: 0.5,
  looks: 2,
  look: 1,
  ends_at: null
}

const goal = (variant: string, sentence: string) => ({ code: "goal", sentence, metric_id: "purchased", variant })

const shipping: Decision = {
  decision: "ship",
  variant: "green",
  reasons: [
    goal("green", "The goal purchased improved (+9.4 %, p < 0.0001, corrected for 2 comparisons)."),
    {
      code: "planned_look",
      sentence: "Look 1 of 2 is taken now, with 50 % of the plan; the next one comes with 2026-01-29."
    }
  ],
  treatments: [
    {
      variant: "green",
      decision: "ship",
      reasons: [goal("green", "The goal purchased improved (+9.4 %, p < 0.0001).")]
    },
    {
      variant: "large",
      decision: "do not ship",
      reasons: [
        goal("large", "The guardrail support_tickets got worse (+13.2 %, p = 0.001)."),
        goal("large", "Not shown.")
      ]
    }
  ],
  plan
}

const block = (decision: Decision, width = 80, color = false): string => {
  const lines = scorecard({ ...threeArms, decision }, { width, color }).split("\n")
  const from = lines.findIndex((line) => line.includes("Decision"))
  return lines.slice(from, from + lines.slice(from).findIndex((line) => line === "")).join("\n")
}

describe("the decision of a scorecard", () => {
  it("names the treatment to ship, its reasons, and what is decided of the others", () => {
    expect(block(shipping)).toMatchInlineSnapshot(`
      "Decision  SHIP green
        - The goal purchased improved (+9.4 %, p < 0.0001, corrected for 2
          comparisons).
        - Look 1 of 2 is taken now, with 50 % of the plan; the next one comes with
          2026-01-29.
        - large: do not ship. The guardrail support_tickets got worse (+13.2 %,
          p = 0.001)."
    `)
  })

  it("stands where the headline stands without one, and says what it allows for", () => {
    const text = scorecard({ ...threeArms, decision: shipping }, { width: 80, color: false })
    expect(text).not.toContain("green is winning on purchased")
    expect(text.replaceAll(/\s+/g, " ")).toContain("The decision above allows for looking again and again.")
    expect(scorecard(threeArms, { width: 80, color: false })).toContain("green is winning on purchased")
  })

  it("names the treatment of each reason where none is chosen of several", () => {
    const open: Decision = {
      ...shipping,
      decision: "keep running",
      variant: null,
      reasons: [
        goal("green", "The goal purchased shows no clear change."),
        goal("large", "The goal purchased shows no clear change.")
      ],
      treatments: shipping.treatments.map((one) => ({ ...one, decision: "keep running" }))
    }
    expect(block(open)).toBe([
      "Decision  KEEP RUNNING",
      "  - green: The goal purchased shows no clear change.",
      "  - large: The goal purchased shows no clear change."
    ].join("\n"))
  })

  it("leaves more than eight reasons to the report", () => {
    const many: Decision = {
      ...shipping,
      reasons: Array.from(
        { length: 11 },
        (_, i) => ({ code: `r${i}`, sentence: `Reason ${i}.` })
      ) as unknown as Decision["reasons"],
      treatments: [shipping.treatments[0]!]
    }
    expect(block(many).split("\n").slice(-2)).toEqual(["  - Reason 7.", "  - and 3 more"])
  })

  it("says by colour what it says in words, and lets no name reach the terminal raw", () => {
    for (
      const [decision, sgr] of [["ship", 32], ["do not ship", 31], ["keep running", 1], [
        "do not trust",
        "1;31"
      ]] as const
    ) {
      const word = block({ ...shipping, decision, variant: null, treatments: [] }, 80, true)
      expect(word).toContain(`\u001b[${sgr}m${decision.toUpperCase()}\u001b[0m`)
    }
    const hostile = "gr\u001b[2Jeen\u202e"
    const text = block({
      ...shipping,
      variant: hostile,
      treatments: [{ ...shipping.treatments[1]!, variant: hostile }]
    })
    expect(text).toContain("SHIP gr\\x1b[2Jeen\\u202e")
    expect(text).not.toContain("\u001b")
  })

  it("keeps to the width", () => {
    const long: ResultsSummary = { ...threeArms, decision: shipping }
    for (const line of scorecard(long, { width: 60, color: false }).split("\n")) {
      expect([...line].length).toBeLessThanOrEqual(60)
    }
  })
})
