/** Each finding, from a stream made for it, with its exact count. */
import type { EventRow } from "@assay/aggregation-testkit"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { arm, counts, day, event, exposure, mapping, measuring, start, summaryOf } from "./world.ts"

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("findings", (it) => {
  const sound = [...arm("control", 100, 20), ...arm("treatment", 100, 20)]
  const finding = (
    name: string,
    rows: ReadonlyArray<EventRow>,
    wanted: Readonly<Record<string, number | undefined>>,
    more = {}
  ) =>
    it.effect(`finds ${name}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(counts(yield* summaryOf(rows, more)), wanted)
      }))

  finding("nothing in a sound stream", sound, {})
  finding("no exposures", [event("a", "purchase")], { no_exposures: 0 })
  finding("no exposures where the environment is another", sound, { no_exposures: 0 }, { environment: "staging" })
  finding("identities in variants that nobody declared, the empty one included", [
    ...sound,
    exposure("x", "pilot"),
    exposure("y", "pilot"),
    exposure("y", ""),
    exposure("control 1", "pilot", { timestamp: start + 1 })
  ], { undeclared_variant: 3 })
  finding("identities seen in more than one variant", [
    ...sound,
    exposure("control 0", "treatment"),
    exposure("control 99", "treatment", { timestamp: start + day })
  ], { multiple_variants: 2 })
  finding(
    "values that can't be used, per metric",
    [
      ...sound,
      ...["nan", "1,000", "", "inf"].map((value, i) => event(`control ${i}`, "purchase", value))
    ],
    { "unusable_values revenue": 4 },
    measuring(["purchased", "revenue"])
  )
  finding(
    "events that stop",
    [
      ...arm("control", 200),
      ...arm("treatment", 200),
      ...Array.from({ length: 200 }, (_, i) => event(`control ${i}`, "purchase", "1", { timestamp: start + 3 * day }))
    ],
    { no_events_since: undefined }
  )
  finding("a metric without any event, per metric", sound, { "no_events refunded": 0 }, {
    ...measuring(["purchased", "refunded"])
  })
  finding(
    "events without an identity",
    [...sound, exposure("", "control"), event("", "purchase", "1"), event("", "x")],
    {
      empty_identity: 2
    }
  )
  finding("repeated rows", [...sound, ...sound], { repeated_events: 40 }, measuring(["revenue"]))
  finding("events before the exposure", [
    ...sound,
    ...Array.from({ length: 3 }, (_, i) => exposure(`late ${i}`, "control", { timestamp: start + 5 * day })),
    ...Array.from({ length: 3 }, (_, i) => event(`late ${i}`, "purchase", "1", { timestamp: start + 5 * day - 1 }))
  ], { events_before_exposure: 3 })
  finding("a mismatch of the sample ratio", [...arm("control", 200, 20), ...arm("treatment", 100, 20)], {
    sample_ratio_mismatch: 300
  })
  finding("a suspicious sample ratio", [...arm("control", 200, 20), ...arm("treatment", 149, 20)], {
    sample_ratio_suspicious: 349
  })
  finding("traffic in a variant that should have none", [...sound, exposure("x", "off")], {
    traffic_in_zero_share_variant: 1
  }, {
    variants: [{ key: "control", share: 1 }, { key: "treatment", share: 1 }, { key: "off", share: 0 }]
  })

  it.effect("names the undeclared variants, the most frequent first, with a second statement", () =>
    Effect.gen(function*() {
      const rows = Array.from({ length: 7 }, (_, v) => v).flatMap((v) =>
        Array.from({ length: 7 - v }, (_, i) => exposure(`${v} ${i}`, v === 2 ? "" : `pilot ${v}`))
      )
      const summary = yield* summaryOf([...sound, ...rows])
      assert.match(
        summary.findings[0]!.sentence,
        /^28 identities were exposed to variants that nobody declared: "pilot 0", "pilot 1", an empty one, "pilot 3", "pilot 4" and 2 more\./
      )
    }))

  it.effect("looks for no repeated rows where the policy is none", () =>
    Effect.gen(function*() {
      const policy = { ...mapping, deduplication: { policy: "none" as const } }
      const summary = yield* summaryOf([...sound, ...sound], measuring(["revenue"]), { mapping: policy })
      assert.notProperty(counts(summary), "repeated_events")
      assert.strictEqual(summary.metrics[0]!.variants["control"]?.sum, 400)
    }))
})
