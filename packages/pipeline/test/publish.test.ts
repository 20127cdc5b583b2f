/** Results in ClickHouse: the tables, their rows, and that a run is there once. */
import type { ResultsSummary } from "@assay/model"
import { Store } from "@assay/store"
import { Warehouse } from "@assay/warehouse"
import { assert, describe, expect, it, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import {
  checkPublish,
  createResultTables,
  publishTo,
  recompute,
  resultRows,
  resultTableDdl,
  resultTables
} from "../src/index.ts"
import { arm, contextOf, jobOf, load, measuring, summaryOf } from "./world.ts"

const database = "results ' `of` tests"

const select = (text: string) =>
  Warehouse.use((_) => _.query({ text, parameters: {}, settings: {} })).pipe(Effect.map(({ rows }) => rows))

const from = (table: string) => `\`results ' \\\`of\\\` tests\`.${table}`

const fresh = Effect.gen(function*() {
  const warehouse = yield* Warehouse
  const name = "`results ' \\`of\\` tests`"
  yield* warehouse.command({ text: `DROP DATABASE IF EXISTS ${name}`, parameters: {}, settings: {} })
  yield* warehouse.command({ text: `CREATE DATABASE ${name}`, parameters: {}, settings: {} })
  return warehouse
})

const rows = [...arm("control", 400, 40, (i) => 1 + i / 8), ...arm("treatment", 410, 80)]
const experiment = measuring(["purchased", "revenue", "price"])

/** What a summary says, as the tables tell it again. */
const told = Effect.gen(function*() {
  const moments = yield* select(`SELECT * FROM ${from("assay_moments")} ORDER BY metric, variant`)
  const inference = yield* select(`SELECT * FROM ${from("assay_inference")} ORDER BY metric, treatment`)
  const summaries = yield* select(`SELECT * FROM ${from("assay_summaries")}`)
  return { moments, inference, summaries }
})

const num = (value: unknown): number | null => (value === null ? null : Number(value))

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("results in ClickHouse", (it) => {
  it.effect(
    "are the numbers of the summary, in plain columns, each run once however often it is written",
    () =>
      Effect.gen(function*() {
        const warehouse = yield* fresh
        yield* createResultTables(warehouse, database)
        yield* createResultTables(warehouse, database)
        const summary = yield* summaryOf(rows, experiment)
        const publish = publishTo(warehouse, database)
        yield* publish(summary)
        yield* publish(summary)
        const { inference, moments, summaries } = yield* told
        assert.deepStrictEqual(
          moments.map((
            row
          ) => [row["metric"], row["variant"], num(row["n"]), num(row["sum"]), num(row["sum_products"])]),
          summary.metrics.toSorted((a, b) => (a.metric_id < b.metric_id ? -1 : 1)).flatMap((metric) =>
            ["control", "treatment"].map((key) => {
              const { n, sum, sum_products = null } = metric.variants[key]!
              return [metric.metric_id, key, n, sum, sum_products]
            })
          )
        )
        assert.lengthOf(inference, summary.metrics.length)
        for (const row of inference) {
          const metric = summary.metrics.find(({ metric_id }) => metric_id === row["metric"])!
          const found = metric.inference["treatment"]
          assert.strictEqual(row["verdict"], metric.verdict["treatment"])
          for (const key of ["lift", "ci_low", "ci_high", "chance_to_win", "p_value", "standard_error"] as const) {
            assert.strictEqual(num(row[key]), found?.[key] ?? null, `${metric.metric_id} ${key}`)
          }
          assert.strictEqual(row["withheld_reason"], metric.withheld["treatment"]?.reason ?? "")
        }
        for (const row of inference) {
          const { metric_id, inference: all, role } = summary.metrics.find(({ metric_id }) =>
            metric_id === row["metric"]
          )!
          const { adjusted, log_e, shrunk_lift } = all["treatment"]!
          assert.strictEqual(row["decision"], summary.decision!.treatments[0]!.decision)
          assert.deepStrictEqual(
            row["decision_reasons"],
            summary.decision!.treatments[0]!.reasons.filter((one) => one.metric_id === metric_id).map(({ sentence }) =>
              sentence
            )
          )
          assert.strictEqual(row["adjusted_method"], adjusted?.method ?? "")
          assert.strictEqual(row["adjusted_method"] !== "", role !== "guardrail")
          assert.strictEqual(num(row["adjusted_p_value"]), adjusted?.p_value ?? null)
          assert.strictEqual(num(row["adjusted_ci_low"]), adjusted?.ci_low ?? null)
          assert.strictEqual(num(row["log_e_value"]), log_e ?? null)
          assert.strictEqual(num(row["shrunk_lift"]), shrunk_lift ?? null)
          assert.isNull(row["margin_holds"])
          assert.isNull(row["variance_reduction"])
        }
        assert.lengthOf(summaries, 1)
        assert.deepInclude(summaries[0], {
          decision: "ship",
          decision_variant: "treatment",
          decision_reasons: summary.decision!.reasons.map(({ sentence }) => sentence),
          decision_design: "fixed"
        })
        assert.strictEqual(num(summaries[0]!["decision_information"]), 1)
        assert.deepStrictEqual(JSON.parse(String(summaries[0]!["summary"])), JSON.parse(JSON.stringify(summary)))
        assert.strictEqual(summaries[0]!["as_of"], summary.as_of.replace("T", " ").replace("Z", ""))
        assert.deepInclude(summaries[0]!["verdicts"], {
          "purchased/treatment": summary.metrics[0]!.verdict["treatment"]
        })
        assert.strictEqual(num(summaries[0]!["identities"]), 810)
        const runs = yield* select(
          `SELECT count() AS n FROM ${from("assay_summaries")} AS s INNER JOIN ${
            from("assay_moments")
          } AS m USING (run_id)`
        )
        assert.strictEqual(num(runs[0]!["n"]), 2 * summary.metrics.length)
      })
  )

  it.effect("go into tables of an earlier version once these have the new columns", () =>
    Effect.gen(function*() {
      const warehouse = yield* fresh
      yield* createResultTables(warehouse, database)
      for (
        const [table, columns] of [["assay_inference", "decision, log_e_value"], [
          "assay_summaries",
          "decision_reasons"
        ]]
      ) {
        const dropped = columns!.split(", ").map((name) => `DROP COLUMN ${name}`).join(", ")
        yield* warehouse.command({ text: `ALTER TABLE ${from(table!)} ${dropped}`, parameters: {}, settings: {} })
      }
      const refused = yield* Effect.flip(checkPublish(warehouse, database))
      assert.strictEqual(refused._tag === "QueryRejected" ? refused.clickhouseCode : undefined, 16)
      yield* createResultTables(warehouse, database)
      yield* checkPublish(warehouse, database)
      const summary = yield* summaryOf(rows, experiment)
      yield* publishTo(warehouse, database)(summary)
      const { inference, summaries } = yield* told
      assert.strictEqual(inference[0]!["decision"], "ship")
      assert.strictEqual(summaries[0]!["decision_variant"], "treatment")
    }))

  it.effect("tell how results came about over time, the last point being the result", () =>
    Effect.gen(function*() {
      const warehouse = yield* fresh
      yield* createResultTables(warehouse, database)
      const summary = yield* summaryOf(rows, { ...experiment, series: true })
      yield* publishTo(warehouse, database)(summary)
      const series = yield* select(`SELECT * FROM ${from("assay_series")} ORDER BY until, metric, variant`)
      const { points } = summary.series!
      assert.lengthOf(series, points.reduce((n, { metrics }) => n + 2 * metrics.length, 0))
      const instants = points.map(({ until }) => until.replace("T", " ").replace("Z", ""))
      assert.deepStrictEqual([...new Set(series.map((row) => row["until"]))], instants)
      const { inference, moments } = yield* told
      const last = series.filter((row) => row["until"] === instants.at(-1))
      for (const name of ["n", "sum", "mean", "variance"]) {
        assert.deepStrictEqual(last.map((row) => row[name]), moments.map((row) => row[name]), name)
      }
      for (const name of ["lift", "ci_low", "ci_high", "chance_to_win"]) {
        const ofVariant = (variant: string) => last.filter((row) => row["variant"] === variant).map((row) => row[name])
        assert.deepStrictEqual(ofVariant("treatment"), inference.map((row) => row[name]), name)
        assert.isTrue(ofVariant("control").every((value) => value === null))
      }
    }))

  it.effect("keep NULL where an inference is withheld, with the reason beside it", () =>
    Effect.gen(function*() {
      const warehouse = yield* fresh
      yield* createResultTables(warehouse, database)
      const summary = yield* summaryOf(arm("control", 3, 1), experiment)
      yield* publishTo(warehouse, database)(summary)
      const { inference } = yield* told
      assert.isTrue(inference.every((row) => row["lift"] === null && row["p_value"] === null))
      assert.deepStrictEqual(
        inference.map((row) => row["withheld_reason"]),
        inference.map((row) =>
          summary.metrics.find(({ metric_id }) => metric_id === row["metric"])!.withheld["treatment"]!.reason
        )
      )
    }))

  it.effect("that can't be written leave the snapshot in the store, and say why", () =>
    Effect.gen(function*() {
      const warehouse = yield* fresh
      yield* load(rows)
      const { summary, unpublished } = yield* recompute(
        jobOf(experiment),
        contextOf({ publish: publishTo(warehouse, database) })
      )
      assert.deepInclude(unpublished, { _tag: "QueryRejected", clickhouseCode: 60 })
      const kept = Option.getOrThrow(yield* Store.use((_) => _.latest("checkout")))
      assert.strictEqual(kept.id, summary.provenance.run_id)
      yield* createResultTables(warehouse, database)
      const again = yield* recompute(jobOf(experiment), contextOf({ publish: publishTo(warehouse, database) }))
      assert.notProperty(again, "unpublished")
      assert.lengthOf((yield* told).summaries, 1)
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect(
    "can be tried without writing: the check fails before the tables are there, and adds nothing",
    () =>
      Effect.gen(function*() {
        const warehouse = yield* fresh
        const missing = yield* Effect.flip(checkPublish(warehouse, database))
        assert.deepInclude(missing, { _tag: "QueryRejected", clickhouseCode: 60 })
        yield* createResultTables(warehouse, database)
        yield* checkPublish(warehouse, database)
        assert.deepStrictEqual(yield* told, { moments: [], inference: [], summaries: [] })
      })
  )
})

describe("the tables", () => {
  it("have a column for each key of a row, and a row for each column", () => {
    const summary = {
      experiment: "e",
      environment: "",
      feature: "",
      state: "ended",
      as_of: "2026-01-01T00:00:00.000Z",
      window: { from: "2026-01-01T00:00:00.000Z", to: "2026-01-02T00:00:00.000Z" },
      control: "a",
      variants: [],
      quarantined: 0,
      srm: { status: "withheld" },
      srm_p_value: null,
      findings: [],
      engine: { name: "bayesian", confidence: 0.95 },
      provenance: { computed_at: "2026-01-02T00:00:00.000Z", duration_ms: 1.5 },
      metrics: [{
        metric_id: "m",
        variants: { a: { n: 1 } },
        inference: { b: null },
        withheld: {},
        verdict: {}
      }],
      series: {
        period: "day",
        points: [{
          until: "2026-01-02T00:00:00.000Z",
          identities: { a: 1 },
          srm_p_value: null,
          metrics: [{ metric_id: "m", variants: { a: { n: 1, sum: 1, mean: 1, variance: 0 } }, inference: {} }]
        }]
      }
    } as unknown as ResultsSummary
    const made = resultRows(summary)
    for (const table of resultTables) {
      expect(made[table.name]!.map((row) => Object.keys(row))).toEqual([Object.keys(table.columns)])
    }
  })

  it("say in their DDL what they hold, in which order, and that nothing is overwritten", () => {
    for (const table of resultTables) {
      const ddl = resultTableDdl(table, undefined)
      expect(ddl).toMatch(new RegExp(`^CREATE TABLE IF NOT EXISTS \`${table.name}\` \\(`))
      expect(ddl).toContain(`ORDER BY (${table.orderBy.join(", ")})`)
      for (const key of table.orderBy) expect(table.columns).toHaveProperty(key)
    }
  })
})
