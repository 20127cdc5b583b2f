import { type EventRow, reference } from "@assay/aggregation-testkit"
import { Instant, Moments, ResultsSummary } from "@assay/model"
import { engines } from "@assay/stats"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { assert, layer } from "@effect/vitest"
import { Effect, Option, Record, Schema, Struct } from "effect"
import { recompute, statementHash } from "../src/index.ts"
import {
  arm,
  contextOf,
  day,
  end,
  event,
  experimentOf,
  exposure,
  jobOf,
  load,
  measuring,
  metric,
  perEvent,
  start,
  summaryOf
} from "./world.ts"

const all = measuring(["purchased", "purchases", "revenue", "basket", "price", "refunded"])

/** Two arms with all that is wrong with real streams, at known rates. Prices are exact in binary. */
const stream: ReadonlyArray<EventRow> = Array.from({ length: 240 }, (_, i) => i).flatMap((i) => {
  const identity = `user ${i}`
  const variant = i % 2 === 0 ? "control" : "treatment"
  const since = start + (i % 7) * 3_600_000
  const bought = i % 3 === 0 || (i % 2 === 1 && i % 5 === 0)
  return [
    exposure(identity, variant, { timestamp: since }),
    ...(bought ? [event(identity, "purchase", String(5 + (i % 16) / 4), { timestamp: since })] : []),
    ...(i % 9 === 0 ? [event(identity, "purchase", String(i), { timestamp: end - 1 })] : []),
    ...(i % 3 === 1 ? [event(identity, "refund")] : []),
    ...(i % 10 === 0 ? [event(identity, "purchase", "1000", { timestamp: since - 1 })] : []),
    ...(i % 12 === 0 ? [event(identity, "purchase", "1000", { timestamp: end })] : []),
    ...(i % 15 === 0 ? [event(identity, "purchase", "1000", { environment: "staging" })] : []),
    ...(i % 40 === 0 ? [exposure(identity, "treatment", { timestamp: since + day })] : [])
  ]
})

const total = (events: ReadonlyArray<{ readonly value: number }>) => events.reduce((sum, { value }) => sum + value, 0)
const value = (row: EventRow) => row.value

/** What each metric is per identity, written down a second time. */
const expected = reference(
  {
    environment: "production",
    feature: "checkout",
    exposureEvent: "$flag_exposure",
    from: start,
    to: end,
    variants: ["control", "treatment"],
    multipleVariants: "quarantine",
    deduplication: "row"
  },
  [
    { key: "purchased", event: "purchase", unit: (events) => [events.length > 0 ? 1 : 0] },
    { key: "purchases", event: "purchase", unit: (events) => [events.length] },
    { key: "revenue", event: "purchase", value, unit: (events) => [total(events)] },
    {
      key: "basket",
      event: "purchase",
      value,
      unit: (events) => [events.length === 0 ? 0 : total(events) / events.length]
    },
    { key: "price", event: "purchase", value, unit: (events) => [total(events), events.length] },
    { key: "refunded", event: "refund", unit: (events) => [events.length > 0 ? 1 : 0] }
  ],
  stream
)

const close = (actual: number, wanted: number) =>
  assert.isAtMost(Math.abs(actual - wanted), 1e-9 * Math.max(1, Math.abs(wanted)), `${actual} instead of ${wanted}`)

/** What must be the same whenever the same data are analysed in the same way. */
const reproducible = ({ provenance, ...summary }: ResultsSummary) => {
  const {
    bytes_read: _,
    computed_at: __,
    duration_ms: ___,
    peak_memory_bytes: ____,
    query_id: _____,
    query_ms: ______,
    run_id: _______,
    ...same
  } = provenance
  return { ...summary, provenance: same }
}

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("recompute", (it) => {
  it.effect("gives the numbers of the reference, of all metrics from one statement", () =>
    Effect.gen(function*() {
      const summary = yield* summaryOf(stream, all)
      assert.deepStrictEqual(
        Object.fromEntries(summary.variants.map(({ key, n }) => [key, n])),
        expected.identities
      )
      assert.strictEqual(summary.quarantined, expected.quarantined)
      assert.strictEqual(expected.quarantined, 6)
      assert.deepStrictEqual(summary.metrics.map((one) => one.metric_id), all.metrics!.map((use) => use.metric))
      for (const { estimand, metric_id, variants } of summary.metrics) {
        for (const [variant, actual] of Object.entries(variants)) {
          const columns = estimand === "ratio" ? 2 : 1
          const wanted = Moments.fromValues(columns, expected.units[metric_id]![variant]!)
          assert.strictEqual(actual.n, wanted.n)
          close(actual.sum, wanted.sums[0]!)
          close(actual.sum_squares, wanted.products[0]![0]!)
          close(actual.mean, Moments.mean(wanted))
          close(actual.variance, Moments.covariance(wanted))
        }
      }
    }))

  it.effect("caps the values of identities, and says what the results are without", () =>
    Effect.gen(function*() {
      const capped = new Map(
        [
          metric("revenue", "sum", { cap: { quantile: 0.9 } }),
          metric("purchases", "count", { cap: 1 }),
          metric("price", "per-event", { cap: 20 })
        ].map((one) => [one.key, one])
      )
      const keys = ["revenue", "purchases", "price"] as const
      const [plain, summary] = [
        yield* summaryOf(stream, measuring(keys)),
        yield* summaryOf(stream, measuring(keys), { metrics: capped })
      ]
      const values = Object.values(expected.units["revenue"]!).flat().map(([u]) => u!).filter((u) => u !== 0)
      const limits = [values.toSorted((a, b) => a - b)[Math.floor(0.9 * values.length)]!, 1, 20]
      summary.metrics.forEach(({ cap, inference, metric_id, variants }, m) => {
        const limit = limits[m]!
        assert.strictEqual(cap?.value, limit)
        assert.strictEqual(cap?.quantile, m === 0 ? 0.9 : undefined)
        assert.deepStrictEqual(cap?.uncapped, plain.metrics[m]!.variants)
        const { lift } = plain.metrics[m]!.inference["treatment"]!
        close(cap!.uncapped_inference["treatment"]!.lift, lift)
        assert.notStrictEqual(inference["treatment"]!.lift, lift)
        for (const variant of ["control", "treatment"]) {
          const units = expected.units[metric_id]![variant]!.map(([u]) => u!)
          close(variants[variant]!.sum, units.reduce((sum, u) => sum + Math.min(u, limit), 0))
          assert.strictEqual(cap?.capped[variant], units.filter((u) => u > limit).length)
        }
      })
      const again = yield* summaryOf(stream.toReversed(), measuring(keys), { metrics: capped })
      assert.deepStrictEqual(again.metrics.map(({ cap }) => cap), summary.metrics.map(({ cap }) => cap))
      assert.strictEqual(again.provenance.statement_hash, summary.provenance.statement_hash)
      assert.isAbove(summary.provenance.rows_read, plain.provenance.rows_read)
    }))

  it.effect("infers from exactly those moments", () =>
    Effect.gen(function*() {
      const summary = yield* summaryOf(stream, all)
      for (const { direction, estimand, inference, metric_id } of summary.metrics) {
        const [control, treatment] = ["control", "treatment"].map((variant) =>
          Moments.fromValues(estimand === "ratio" ? 2 : 1, expected.units[metric_id]![variant]!)
        )
        const wanted = engines.bayesian.compare({
          control: control!,
          treatment: treatment!,
          estimand: { kind: estimand },
          direction,
          confidence: 0.95
        })
        const actual = inference["treatment"]
        assert.isNotNull(actual)
        if (wanted.status !== "ok" || actual === null || actual === undefined) return assert.fail("withheld")
        for (const name of ["lift", "ci_low", "ci_high", "chance_to_win", "p_value", "standard_error"] as const) {
          close(actual[name], wanted[name])
        }
      }
    }))

  it.effect("leaves in the wire form: it decodes, and a consumer of the original form finds all it knows", () =>
    Effect.gen(function*() {
      const summary = yield* summaryOf(stream, all)
      const wire: ResultsSummary = JSON.parse(JSON.stringify(summary))
      assert.deepStrictEqual(
        yield* Schema.decodeEffect(ResultsSummary, { onExcessProperty: "error" })(wire),
        summary
      )
      assert.strictEqual(wire.schema, "assay.results/1")
      assert.isNumber(wire.srm_p_value)
      assert.strictEqual(wire.srm_p_value, wire.srm.p_value)
      for (const { inference, metric_id, variants } of wire.metrics) {
        assert.isString(metric_id)
        assert.deepStrictEqual(Object.keys(variants), ["control", "treatment"])
        for (const moments of Object.values(variants)) {
          for (const name of ["n", "sum", "sum_squares"] as const) assert.isTrue(Number.isFinite(moments[name]), name)
        }
        assert.deepStrictEqual(Object.keys(inference), ["treatment"])
        for (const name of ["lift", "ci_low", "ci_high", "chance_to_win"] as const) {
          assert.isTrue(Number.isFinite(inference["treatment"]?.[name]), `${metric_id} ${name}`)
        }
      }
    }))

  it.effect("gives a ratio its denominator's moments and the product, and a mean none of them", () =>
    Effect.gen(function*() {
      const summary = yield* summaryOf(stream, measuring(["price", "revenue"]))
      const [price, revenue] = summary.metrics
      if (price === undefined) return assert.fail("no metric")
      assert.strictEqual(price.estimand, "ratio")
      assert.deepInclude(price, { aggregation: perEvent.name })
      for (const variant of ["control", "treatment"]) {
        const moments = Moments.fromValues(2, expected.units["price"]![variant]!)
        const actual = price.variants[variant]!
        assert.strictEqual(actual.denominator_sum, moments.sums[1])
        assert.strictEqual(actual.denominator_sum_squares, moments.products[1]![1])
        close(actual.sum_products!, moments.products[0]![1]!)
      }
      assert.notProperty(revenue!.variants["control"], "denominator_sum")
      assert.deepStrictEqual(summary.provenance.aggregations, { "per-event": "2.3.4", sum: "1.0.0" })
    }))

  it.effect("withholds with the reason, what there is and what it would take", () =>
    Effect.gen(function*() {
      const few = yield* summaryOf([...arm("control", 60, 20), ...arm("treatment", 49, 20)])
      assert.isNull(few.metrics[0]!.inference["treatment"])
      assert.deepInclude(few.metrics[0]!.withheld["treatment"], { reason: "too_few_identities", have: 49, need: 50 })
      assert.strictEqual(few.metrics[0]!.verdict["treatment"], "collecting data")

      const rare = yield* summaryOf([...arm("control", 60, 4), ...arm("treatment", 60, 20)])
      assert.deepInclude(rare.metrics[0]!.withheld["treatment"], { reason: "too_few_conversions", have: 4, need: 5 })

      const free = yield* summaryOf(
        [...arm("control", 60, 20, () => 0), ...arm("treatment", 60, 20)],
        measuring(["revenue"])
      )
      assert.deepInclude(free.metrics[0]!.withheld["treatment"], { reason: "control_mean_not_positive", have: 0 })
      assert.deepStrictEqual(few.srm.status, "ok")

      const tiny = yield* summaryOf([...arm("control", 40), ...arm("treatment", 40)])
      assert.isNull(tiny.srm_p_value)
      assert.deepInclude(tiny.srm.withheld, { reason: "too_few_identities", have: 80, need: 100 })
    }))

  it.effect("has the moments of a withheld metric all the same", () =>
    Effect.gen(function*() {
      const summary = yield* summaryOf([...arm("control", 3, 2), ...arm("treatment", 2, 1)])
      assert.deepInclude(summary.metrics[0]!.variants["control"], { n: 3, sum: 2, sum_squares: 2 })
      assert.deepInclude(summary.metrics[0]!.variants["treatment"], { n: 2, sum: 1, sum_squares: 1 })
    }))

  it.effect("turns all verdict words into distrust while the sample ratio alarms, not the numbers", () =>
    Effect.gen(function*() {
      const even = [...arm("control", 200, 20), ...arm("treatment", 200, 60)]
      const sound = yield* summaryOf(even, measuring(["purchased", "revenue"]))
      assert.deepStrictEqual(sound.metrics.map((one) => one.verdict["treatment"]), ["winning", "winning"])
      const skewed = yield* summaryOf(even, {
        ...measuring(["purchased", "revenue"]),
        variants: [{ key: "control", share: 3 }, { key: "treatment", share: 1 }]
      })
      assert.strictEqual(skewed.srm.status, "mismatch")
      assert.strictEqual(skewed.findings[0]?.code, "sample_ratio_mismatch")
      assert.deepStrictEqual(
        skewed.metrics.map((one) => one.verdict["treatment"]),
        ["not to be trusted", "not to be trusted"]
      )
      assert.deepStrictEqual(skewed.metrics.map((one) => one.inference), sound.metrics.map((one) => one.inference))
    }))

  it.effect("reads direction down as: less is better; the lift keeps its sign", () =>
    Effect.gen(function*() {
      const rows = [...arm("control", 200, 20), ...arm("treatment", 200, 60)]
      const on = (direction: "up" | "down" | "informational") =>
        summaryOf(rows, {}, { metrics: new Map([["purchased", metric("purchased", "occurrence", { direction })]]) })
      const [up, down, informational] = yield* Effect.all([on("up"), on("down"), on("informational")])
      const of = (summary: ResultsSummary) => summary.metrics[0]!.inference["treatment"]!
      close(of(down).chance_to_win, 1 - of(up).chance_to_win)
      assert.strictEqual(of(down).lift, of(up).lift)
      assert.deepStrictEqual(
        [up, down, informational].map((one) => one.metrics[0]!.verdict["treatment"]),
        ["winning", "losing", "informational"]
      )
    }))

  it.effect("counts three arms, and compares each treatment with the control", () =>
    Effect.gen(function*() {
      const summary = yield* summaryOf([...arm("a", 60, 30), ...arm("b", 60, 30), ...arm("c", 60, 10)], {
        control: "b",
        variants: [{ key: "a", share: 1 }, { key: "b", share: 1 }, { key: "c", share: 1 }]
      })
      const { inference, verdict } = summary.metrics[0]!
      assert.deepStrictEqual(Object.keys(inference), ["a", "c"])
      assert.strictEqual(inference["a"]?.lift, 0)
      assert.deepStrictEqual(verdict, { a: "inconclusive", c: "losing" })
    }))

  it.effect("keeps a snapshot with the summary and the statement that made it", () =>
    Effect.gen(function*() {
      yield* load(stream)
      const { latest, path, summary } = yield* recompute(jobOf(all), contextOf())
      assert.isTrue(latest)
      const store = yield* Store
      const kept = yield* store.latest("checkout")
      if (Option.isNone(kept)) return assert.fail("nothing was kept")
      assert.deepStrictEqual(kept.value.summary, summary)
      assert.strictEqual(kept.value.id, summary.provenance.run_id)
      assert.strictEqual(statementHash(kept.value.statement), summary.provenance.statement_hash)
      assert.strictEqual((yield* store.list("checkout"))[0]?.path, path)
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("says where the numbers come from", () =>
    Effect.gen(function*() {
      const { provenance, ...summary } = yield* summaryOf(stream, all, { version: "1.2.3", warehouseVersion: "26.7" })
      assert.deepInclude(provenance, { assay_version: "1.2.3", warehouse_version: "26.7", definition_hash: "d" })
      assert.strictEqual(provenance.watermark, Instant.fromMillis(end - 1))
      assert.strictEqual(provenance.query_id, `assay-${provenance.run_id}`)
      assert.isAtLeast(provenance.rows_read, stream.length)
      assert.deepStrictEqual(summary.window, { from: Instant.fromMillis(start), to: Instant.fromMillis(end) })
      assert.deepInclude(summary, { state: "ended", as_of: Instant.fromMillis(end + day) })
      assert.deepStrictEqual(summary.engine, { name: "bayesian", confidence: 0.95, decides_by: "chance to win" })
    }))

  it.effect("gives the same summary for the same data, but for the run's id and times", () =>
    Effect.gen(function*() {
      const one = yield* summaryOf(stream, all)
      const other = yield* summaryOf(stream.toReversed(), all)
      assert.deepStrictEqual(reproducible(other), reproducible(one))
      assert.notStrictEqual(other.provenance.run_id, one.provenance.run_id)
    }))

  it.effect("has one statement for an ended experiment, whenever it is recomputed, and another while it runs", () =>
    Effect.gen(function*() {
      const hash = (experiment: object, asOf: number) =>
        summaryOf(stream, { ...all, ...experiment }, { asOf }).pipe(
          Effect.map(({ provenance }) => provenance.statement_hash)
        )
      const ended = yield* hash({}, end)
      assert.match(ended, /^[0-9a-f]{64}$/)
      assert.strictEqual(yield* hash({}, end + 100 * day), ended)
      assert.notStrictEqual(yield* hash({}, end - day), ended)
      assert.notStrictEqual(yield* hash({ feature: "another" }, end), ended)
    }))

  it.effect("ends the window of a running experiment at as_of, and sees nothing of what came later", () =>
    Effect.gen(function*() {
      const { ended_at: _, ...running } = experimentOf(measuring(["purchases"]))
      yield* load([
        exposure("a", "control"),
        event("a", "purchase", "1", { timestamp: start + day }),
        event("a", "purchase", "2", {
          timestamp: start + 2 * day
        })
      ])
      const { summary } = yield* recompute(
        { experiment: running, definitionHash: "d" },
        contextOf({
          asOf: start + 2 * day
        })
      )
      assert.strictEqual(summary.state, "running")
      assert.deepStrictEqual(summary.window.to, Instant.fromMillis(start + 2 * day))
      assert.strictEqual(summary.metrics[0]!.variants["control"]?.sum, 1)
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("refuses an experiment that hasn't started, before any query", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(summaryOf([], {}, { asOf: start }))
      assert.strictEqual(error._tag, "PlanError")
      assert.match(error.message, /checkout hasn't started/)
    }))

  it.effect("says which metric can't be planned", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        summaryOf([], {}, { metrics: new Map([["purchased", metric("purchased", "ocurrence")]]) })
      )
      assert.strictEqual(error._tag, "PlanError")
      assert.match(error.message, /purchased/)
      assert.match(error.hint, /Did you mean "occurrence"\?/)
    }))
})

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("recompute in parts", (it) => {
  const somewhere = (rows: typeof stream) =>
    rows.map((one, i) => ({ ...one, country: one.identity.length % 3 === 0 ? "SE" : i % 2 === 0 ? "DE" : "FR" }))
  const asked = { slices: ["country"], series: true, mostSlices: 1 }

  it.effect("tells every metric in each slice and at each point, and the same totals", () =>
    Effect.gen(function*() {
      const plainly = yield* summaryOf(somewhere(stream), all)
      const summary = yield* summaryOf(somewhere(stream), all, asked)
      // Sums over parts are made in another order: their last digits may differ.
      const numbers = ({ metrics }: ResultsSummary): unknown =>
        JSON.parse(
          JSON.stringify(metrics.map(({ metric_id, variants }) => ({ metric_id, variants }))),
          (_, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(11)) : value)
        )
      assert.deepStrictEqual(numbers(summary), numbers(plainly))
      // Only a series tells when identities were new.
      assert.deepStrictEqual(
        summary.findings.filter(({ code }) => code !== "no_exposures_since"),
        plainly.findings
      )
      const { breakdowns, series } = yield* Schema.decodeEffect(ResultsSummary, { onExcessProperty: "error" })(
        JSON.parse(JSON.stringify(summary))
      )
      const [byCountry] = breakdowns!
      assert.strictEqual(byCountry!.dimension, "country")
      assert.deepStrictEqual(byCountry!.slices.map(({ other, value }) => [value !== null, other ?? false]), [
        [true, false],
        [false, true]
      ])
      for (const [m, { metric_id, variants }] of summary.metrics.entries()) {
        for (const [arm, { n, sum }] of Object.entries(variants)) {
          const parts = byCountry!.slices.map(({ metrics }) => metrics[m]!)
          assert.deepStrictEqual(parts.map((part) => part.metric_id), [metric_id, metric_id])
          assert.strictEqual(parts.reduce((total, part) => total + part.variants[arm]!.n, 0), n)
          close(parts.reduce((total, part) => total + part.variants[arm]!.sum, 0), sum)
        }
      }
      const last = series!.points.at(-1)!
      assert.strictEqual(last.until, summary.window.to)
      assert.strictEqual(last.srm_p_value, summary.srm_p_value)
      assert.strictEqual(last.quarantined, summary.quarantined)
      assert.deepStrictEqual(
        last.metrics,
        summary.metrics.map(({ inference, metric_id, variants, withheld }, m) => ({
          metric_id,
          variants,
          // What is said of the whole experiment alone, such as corrections for many, isn't in a point.
          inference: Record.map(
            inference,
            (found, key) => found === null ? null : Struct.pick(found, Struct.keys(last.metrics[m]!.inference[key]!))
          ),
          withheld
        }))
      )
      for (const [i, { identities }] of series!.points.entries()) {
        for (const [arm, n] of Object.entries(series!.points[i - 1]?.identities ?? {})) {
          assert.isAtLeast(identities[arm]!, n)
        }
      }
    }))
})
