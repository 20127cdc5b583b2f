/** What other systems of this kind were seen to get wrong, each with its number in the project's list, end to end. */
import { pinnedSettings } from "@assay/aggregation"
import type { EventRow } from "@assay/aggregation-testkit"
import { Instant } from "@assay/model"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { recompute } from "../src/index.ts"
import {
  arm,
  contextOf,
  counts,
  day,
  end,
  event,
  exposure,
  jobOf,
  load,
  mapping,
  measuring,
  plain,
  start,
  summaryOf
} from "./world.ts"

const sound = [...arm("control", 100, 20), ...arm("treatment", 100, 30)]
const all = measuring(["purchased", "purchases", "revenue", "basket", "price"])

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("failings of other systems", (it) => {
  it.effect("1. duplicated rows inflate nothing, and are reported", () =>
    Effect.gen(function*() {
      const once = yield* summaryOf(sound, all)
      const twice = yield* summaryOf([...sound, ...sound], all)
      assert.deepStrictEqual(twice.metrics, once.metrics)
      assert.deepStrictEqual(counts(twice), { repeated_events: 50 })
    }))

  it.effect("2. values that aren't numbers are left out and counted, neither 0 nor NaN", () =>
    Effect.gen(function*() {
      const odd = ["nan", "inf", "1e400", "", " 5", "1,000"].map((value, i) => event(`control ${i}`, "purchase", value))
      const clean = yield* summaryOf(sound, measuring(["revenue", "basket"]))
      const summary = yield* summaryOf([...sound, ...odd], measuring(["revenue", "basket"]))
      assert.deepStrictEqual(summary.metrics, clean.metrics)
      assert.deepStrictEqual(counts(summary), { "unusable_values revenue": 6, "unusable_values basket": 6 })
    }))

  it.effect("3. an empty identifier is nobody, and an empty variant no arm", () =>
    Effect.gen(function*() {
      const clean = yield* summaryOf(sound, all)
      const summary = yield* summaryOf(
        [...sound, exposure("", "control"), event("", "purchase", "5"), exposure("x", "")],
        all
      )
      assert.deepStrictEqual(summary.variants, clean.variants)
      assert.deepStrictEqual(summary.metrics, clean.metrics)
      assert.deepStrictEqual(counts(summary), { undeclared_variant: 1, empty_identity: 2 })
    }))

  it.effect("4. a profile can't turn identities without events into NULL: the statement pins its settings", () =>
    Effect.gen(function*() {
      yield* load(sound)
      yield* recompute(jobOf(all), contextOf())
      const kept = yield* (yield* Store).latest("checkout")
      if (Option.isNone(kept)) return assert.fail("nothing was kept")
      assert.deepInclude(kept.value.statement.settings, {
        aggregate_functions_null_for_empty: 0,
        join_use_nulls: 0
      })
      assert.deepInclude(kept.value.statement.settings, pinnedSettings)
      assert.deepInclude(kept.value.summary.metrics[2]!.variants["control"], { n: 100, sum: 200 })
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("5. an expected share of 0 is checked: traffic there is a mismatch, none is no reason to say nothing", () =>
    Effect.gen(function*() {
      const more = {
        variants: [{ key: "control", share: 1 }, { key: "treatment", share: 1 }, { key: "off", share: 0 }]
      } as const
      const without = yield* summaryOf(sound, more)
      assert.deepInclude(without.srm, { status: "ok", p_value: 1, degrees_of_freedom: 1 })
      const traffic = yield* summaryOf([...sound, exposure("x", "off")], more)
      assert.deepInclude(traffic.srm, { status: "mismatch", p_value: 0 })
      assert.strictEqual(traffic.srm_p_value, 0)
    }))

  it.effect("6. chance to win is symmetric in the arms", () =>
    Effect.gen(function*() {
      const rows = [...arm("control", 100, 5), ...arm("treatment", 100, 15)]
      const forth = yield* summaryOf(rows)
      const back = yield* summaryOf(rows, { control: "treatment" })
      const chance = forth.metrics[0]!.inference["treatment"]!.chance_to_win
      assert.closeTo(chance, 1 - back.metrics[0]!.inference["control"]!.chance_to_win, 1e-12)
      assert.isAbove(chance, 0.98)
    }))

  it.effect("7. nobody is told that looking early is safe: an interim result says that it is one", () =>
    Effect.gen(function*() {
      const early = yield* summaryOf(sound, {}, { asOf: start + 7 * day })
      assert.deepInclude(early, { state: "running", as_of: Instant.fromMillis(start + 7 * day) })
      assert.strictEqual(early.window.to, Instant.fromMillis(start + 7 * day))
      assert.notMatch(JSON.stringify(early), /significant|safe/i)
      assert.strictEqual((yield* summaryOf(sound)).state, "ended")
    }))

  it.effect("8. values near 1e9 keep their variance of 0.25, and don't read as certainty", () =>
    Effect.gen(function*() {
      const shifted = (variant: string, odd: number): ReadonlyArray<EventRow> =>
        arm(variant, 200, 200, (i) => 1e9 + ((i + odd) % 2))
      const summary = yield* summaryOf([...shifted("control", 0), ...shifted("treatment", 1)], measuring(["revenue"]))
      const { inference, variants } = summary.metrics[0]!
      for (const variant of ["control", "treatment"]) {
        assert.closeTo(variants[variant]!.variance, 50 / 199, 1e-6)
      }
      assert.closeTo(inference["treatment"]!.chance_to_win, 0.5, 1e-6)
    }))

  it.effect("9. the verdict has a threshold, and heeds direction and sample ratio", () =>
    Effect.gen(function*() {
      const better = yield* summaryOf([...arm("control", 100, 20), ...arm("treatment", 100, 27)])
      const { inference, verdict } = better.metrics[0]!
      assert.isAbove(inference["treatment"]!.chance_to_win, 0.8)
      assert.isBelow(inference["treatment"]!.chance_to_win, 0.95)
      assert.strictEqual(verdict["treatment"], "inconclusive")
      const refunds = sound.map((row) => (row.event === "purchase" ? { ...row, event: "refund" } : row))
      const worse = yield* summaryOf(refunds, measuring(["refunded"]))
      assert.isBelow(worse.metrics[0]!.inference["treatment"]!.chance_to_win, 0.1)
      const skewed = yield* summaryOf([...arm("control", 300, 20), ...arm("treatment", 100, 30)])
      assert.strictEqual(skewed.metrics[0]!.verdict["treatment"], "not to be trusted")
    }))

  it.effect("10. a run after the end includes what arrived late, whatever ran before it", () =>
    Effect.gen(function*() {
      const late = [event("control 50", "purchase", "10", { timestamp: end - 1 })]
      yield* load(sound)
      const first = yield* recompute(jobOf(all), contextOf({ asOf: end }))
      yield* load([...sound, ...late])
      const second = yield* recompute(jobOf(all), contextOf({ asOf: end + day }))
      assert.deepStrictEqual(
        [first, second].map(({ summary }) => summary.metrics[0]!.variants["control"]?.sum),
        [20, 21]
      )
      assert.deepStrictEqual([first, second].map(({ summary }) => summary.state), ["ended", "ended"])
      const latest = yield* (yield* Store).latest("checkout")
      assert.deepStrictEqual(Option.map(latest, ({ summary }) => summary), Option.some(second.summary))
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("11. the latest result never goes back in time, and an ended experiment says so", () =>
    Effect.gen(function*() {
      yield* load(sound)
      const at = (asOf: number) => recompute(jobOf(), contextOf({ asOf }))
      const [older, newer, oldest] = yield* Effect.all([at(end + day), at(end + 2 * day), at(end - day)], {
        concurrency: "unbounded"
      })
      const last = yield* at(end)
      assert.isFalse(last.latest)
      const store = yield* Store
      const latest = yield* store.latest("checkout")
      assert.deepStrictEqual(Option.map(latest, ({ id }) => id), Option.some(newer.summary.provenance.run_id))
      assert.deepStrictEqual(
        (yield* store.list("checkout")).map(({ id }) => id),
        [newer, older, last, oldest].map(({ summary }) => summary.provenance.run_id)
      )
      assert.deepStrictEqual([newer, older, last, oldest].map(({ summary }) => summary.state), [
        "ended",
        "ended",
        "ended",
        "running"
      ])
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("12. a withheld number says why, and the summary how many identities were excluded", () =>
    Effect.gen(function*() {
      const summary = yield* summaryOf([
        ...arm("control", 60, 20),
        ...arm("treatment", 20, 10),
        exposure("control 0", "treatment")
      ])
      const { inference, withheld } = summary.metrics[0]!
      assert.deepStrictEqual(inference, { treatment: null })
      assert.deepInclude(withheld["treatment"], { reason: "too_few_identities", have: 20, need: 50 })
      assert.match(withheld["treatment"]!.sentence, /50 identities in each arm; the smaller has 20/)
      assert.strictEqual(summary.quarantined, 1)
    }))

  it.effect("13. counts don't move at a reload: an ended experiment says the same whenever it is computed", () =>
    Effect.gen(function*() {
      yield* load(sound)
      const at = (asOf: number) => recompute(jobOf(all), contextOf({ asOf }))
      const results = yield* Effect.all([at(end), at(end + day), at(end + 30 * day)], { concurrency: "unbounded" })
      // Sums of floats come in any order, so their last digits are none.
      const shown = (_: string, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(12)) : value)
      const said = results.map(({ summary: { findings, metrics, quarantined, srm_p_value, variants } }) =>
        JSON.stringify({ findings, metrics, quarantined, srm_p_value, variants }, shown)
      )
      assert.strictEqual(new Set(said).size, 1)
      const kept = Option.getOrThrow(yield* (yield* Store).latest("checkout"))
      assert.notMatch(kept.statement.text, /\b(now|now64|today|yesterday|rand\w*|generateUUID\w*)\s*\(/i)
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("14. no row is cut off by a limit that nobody asked for, or that a profile sets", () =>
    Effect.gen(function*() {
      const { command } = yield* Warehouse
      yield* command(plain("SET limit = 3, max_result_rows = 3, result_overflow_mode = 'break'"))
      const others = Array.from({ length: 19 }, (_, i) => `treatment ${i}`)
      const keys = ["control", ...others]
      const summary = yield* summaryOf(keys.flatMap((key) => arm(key, 2, 1)), {
        variants: [{ key: "control", share: 1 }, ...others.map((key) => ({ key, share: 1 }))],
        series: true
      })
      const each = <A>(value: A) => Object.fromEntries(keys.map((key) => [key, value]))
      const [metric] = summary.metrics
      assert.deepStrictEqual(
        Object.fromEntries(Object.entries(metric!.variants).map(([key, { n, sum }]) => [key, [n, sum]])),
        each([2, 1])
      )
      // A row for each day and arm: 280.
      const points = summary.series?.points ?? []
      assert.strictEqual(points.length, 14)
      for (const { identities } of points) assert.deepStrictEqual(identities, each(2))
    }))

  it.effect("15. a query that takes too long is an error that says so, and leaves the last results as they are", () =>
    Effect.gen(function*() {
      yield* load(sound)
      const good = yield* recompute(jobOf(all), contextOf())
      const warehouse = yield* Warehouse
      yield* warehouse.command(plain("DROP VIEW IF EXISTS slow"))
      yield* warehouse.command(
        plain(
          "CREATE VIEW slow AS SELECT * FROM events WHERE sleepEachRow(0.1) = 0 SETTINGS max_block_size = 10, max_threads = 1"
        )
      )
      const hasty: Warehouse["Service"] = {
        ...warehouse,
        query: (statement, options) =>
          warehouse.query({ ...statement, settings: { ...statement.settings, max_execution_time: 1 } }, options)
      }
      const error = yield* recompute(
        jobOf(all),
        contextOf({ mapping: { ...mapping, table: "slow" }, asOf: end + 2 * day })
      )
        .pipe(Effect.provideService(Warehouse, hasty), Effect.flip)
      assert.strictEqual(error.code, "query_limit")
      const latest = yield* (yield* Store).latest("checkout")
      assert.deepStrictEqual(Option.map(latest, ({ summary }) => summary), Option.some(good.summary))
    }).pipe(Effect.provide(Store.layerMemory)))
})
