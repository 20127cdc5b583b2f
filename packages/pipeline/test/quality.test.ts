import type { Aggregates } from "@assay/aggregation"
import { describe, expect, it } from "vitest"
import { multipleVariantsWarning, namelessWarning, qualityFindings } from "../src/index.ts"
import { aggregatesOf, conversions, planOf } from "./plans.ts"
import { mapping, measuring } from "./world.ts"

const found = (more: Partial<Aggregates>, planned = planOf()) => qualityFindings(planned, aggregatesOf(planned, more))

const severity = (more: Partial<Aggregates>) => found(more).map((one) => one.severity)

describe("qualityFindings", () => {
  it("finds nothing where nothing is wrong", () => {
    expect(found({ repeatedEvents: 0 })).toEqual([])
  })

  it("warns of identities in several variants from one in a hundred on", () => {
    expect(multipleVariantsWarning).toBe(0.01)
    const arms = { identities: { control: 990, treatment: 990 } }
    expect(severity({ ...arms, quarantined: 19 })).toEqual(["info"])
    expect(severity({ ...arms, quarantined: 20 })).toEqual(["warning"])
    expect(found({ ...arms, quarantined: 20 })[0]).toMatchObject({ count: 20, of: 2000 })
    expect(severity({ identities: { control: 0, treatment: 0 }, quarantined: 1 })).toEqual(["warning", "warning"])
  })

  it("warns of exposures without an identity beyond one in a hundred; events without one are for information", () => {
    expect(namelessWarning).toBe(0.01)
    expect(severity({ namelessExposures: 20 })).toEqual(["info"])
    expect(severity({ namelessExposures: 21 })).toEqual(["warning"])
    expect(severity({ namelessEvents: 100_000 })).toEqual(["info"])
    const nobody = found({ identities: { control: 0, treatment: 0 }, namelessEvents: 1 })
    expect(nobody.map((one) => [one.code, one.severity])).toEqual([
      ["no_exposures", "warning"],
      ["empty_identity", "info"]
    ])
  })

  it("says whose environment and feature had no exposures, so that a misspelt one is seen", () => {
    const [finding] = found({ identities: { control: 0, treatment: 0 } })
    expect(finding?.sentence).toMatch(/exposed to "checkout" in environment "production" in the window/)
    const { environment: _, ...columns } = mapping.columns
    const everywhere = { ...planOf(), mapping: { ...mapping, columns } }
    expect(found({ identities: { control: 0, treatment: 0 } }, everywhere)[0]?.sentence).not.toMatch(/environment "/)
  })

  it("says of which metric a value is missing or no event came, and of none that has at least one", () => {
    const planned = planOf(measuring(["revenue", "purchased"]))
    const none = { control: conversions(1000, 0), treatment: conversions(1000, 0) }
    const one = { control: conversions(1000, 0), treatment: conversions(1000, 1) }
    expect(found({ moments: [none, one], unusableValues: [3, 0] }, planned)).toMatchObject([
      { code: "unusable_values", metric_id: "revenue", count: 3 },
      { code: "no_events", metric_id: "revenue", count: 0 }
    ])
  })

  it("speaks of one and of many", () => {
    expect(found({ earlyEvents: 1 })[0]?.sentence).toMatch(/^1 metric event before .* was left out\.$/)
    expect(found({ earlyEvents: 1234 })[0]?.sentence).toMatch(/^1,234 metric events before .* were left out\.$/)
    expect(found({ undeclaredExposed: 1 })[0]?.sentence).toMatch(/^1 identity was exposed to variants that nobody/)
  })

  it("names what made two rows the same event", () => {
    const byId = { ...planOf(), deduplication: { policy: "id" as const } }
    expect(found({ repeatedEvents: 2 }, byId)[0]?.sentence).toMatch(/same event id/)
    expect(found({ repeatedEvents: 2 })[0]?.sentence).toMatch(/same identity, event, timestamp and value/)
  })

  it("quotes a variant's name, whatever is in it", () => {
    const planned = planOf()
    const [finding] = qualityFindings(planned, aggregatesOf(planned, { undeclaredExposed: 2 }), {
      variants: 2,
      listed: [{ variant: "a\nb\"", identities: 1 }, { variant: "", identities: 1 }]
    })
    expect(finding?.sentence).toBe(
      "2 identities were exposed to variants that nobody declared: \"a\\nb\\\"\", an empty one. " +
        "These exposures are left out."
    )
  })
})
