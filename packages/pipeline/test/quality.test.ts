import type { Aggregates } from "@assay/aggregation"
import { Moments } from "@assay/model"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  multipleVariantsWarning,
  namelessWarning,
  qualityFindings,
  silenceByChance,
  usualSilence
} from "../src/index.ts"
import { aggregatesOf, conversions, planOf } from "./plans.ts"
import { day, mapping, measuring, start } from "./world.ts"

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

  describe("of events that stop", () => {
    const hour = 3_600_000
    const since = (silence: number, buyers: number, planned = planOf()) =>
      found({
        latestEvent: planned.to - silence,
        moments: [{ control: conversions(1000, buyers), treatment: conversions(1000, 0) }]
      }, planned).filter(({ code }) => code === "no_events_since")

    it("warns with their last time, once that is longer ago than a day's load explains", () => {
      expect(since(usualSilence, 500)).toEqual([])
      expect(since(usualSilence + 1, 500)).toHaveLength(1)
      expect(since(13 * day, 500)[0]).toMatchObject({
        severity: "warning",
        sentence:
          "The latest metric event is of 2026-01-02, 13 days before 2026-01-15, where the window ends. Later events may be missing."
      })
      expect(since(40 * hour, 500)[0]?.sentence).toMatch(/, 40 hours before /)
    })

    it("is silent where events were so rare that chance explains it", () => {
      const [span, silence] = [10 * day, 4 * day]
      const enough = Math.ceil(-Math.log(silenceByChance) * span / silence)
      expect(since(silence, enough - 1)).toEqual([])
      expect(since(silence, enough)).toHaveLength(1)
    })

    it("counts at least those who must have had one, whatever the values are", () => {
      fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1 }), (values) => {
        const moments = Moments.fromValues(1, values.map((value) => [value]))
        const active = values.filter((value) => value > 0).length
        const told = found({
          latestEvent: start + 10 * day,
          moments: [{ control: moments, treatment: Moments.empty(1) }]
        })
        // Four days of silence after ten of events.
        return !told.some(({ code }) => code === "no_events_since") || active * 0.4 >= -Math.log(silenceByChance)
      }))
    })

    it("doesn't wait for events after the end of the experiment, nor in one that is young", () => {
      expect(since(-5 * day, 500)).toEqual([])
      expect(since(36 * hour, 500, planOf({}, start + 37 * hour))).toEqual([])
      expect(since(0, 500, planOf({}, start + day))).toEqual([])
    })

    it("tells of new identities that stop where there is a series", () => {
      const points = [100, 900, 1000, 1000, 1000].map((n, i) => ({
        until: start + (i + 1) * day,
        identities: { control: n, treatment: n },
        quarantined: 0,
        moments: []
      }))
      const running = planOf({}, start + 5 * day)
      expect(found({ points }, running)).toMatchObject([{
        code: "no_exposures_since",
        severity: "info",
        sentence: expect.stringMatching(/after 2026-01-04, 48 hours before 2026-01-06, /)
      }])
      expect(found({ points: points.slice(0, 4) }, planOf({}, start + 4 * day))).toEqual([])
    })
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
