import {
  defaultDecisionPolicy,
  defaultEventMapping,
  defaultMultiplicity,
  defaultRefresh,
  formatIssue
} from "@assay/model"
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type AssayConfig, defineConfig } from "../src/index.ts"
import { capped, occurrence, resolve, sum } from "./example.ts"

const complaints = (input: unknown) => {
  const result = resolve(input)
  return Result.isSuccess(result) ? [] : result.failure.issues.map(formatIssue)
}

/** Checks nothing at run time; the compiler does. */
const typed = (config: AssayConfig<{ readonly url?: string }>) => defineConfig(config)

describe("a configuration that says nothing", () => {
  it("means the defaults", () => {
    expect(resolve({})).toEqual(Result.succeed({
      warehouse: {},
      setup: expect.any(Function),
      mapping: defaultEventMapping,
      aggregations: new Map([["occurrence", occurrence], ["sum", sum], ["capped", capped]]),
      experiments: "experiments",
      metrics: "metrics",
      store: { folder: ".assay" },
      defaults: {
        engine: { name: "bayesian" },
        confidence: 0.95,
        concurrency: 4,
        shared_reads: true,
        refresh: defaultRefresh,
        slices: [],
        series: false
      },
      decision: defaultDecisionPolicy,
      multiplicity: defaultMultiplicity
    }))
  })
})

describe("a configuration", () => {
  const mapping = (events: AssayConfig["events"]) => Result.getOrThrow(resolve({ events })).mapping

  it("is returned by defineConfig as it is", () => {
    const config = { warehouse: { url: "http://localhost:8123" }, store: "results" }
    expect(typed(config)).toBe(config)
  })

  it("changes single columns of the mapping, and replaces identities, json and properties", () => {
    expect(mapping({ table: "log", columns: { feature: "flag" } })).toEqual({
      ...defaultEventMapping,
      table: "log",
      columns: { ...defaultEventMapping.columns, feature: "flag" }
    })
    expect(mapping({ identities: { user: "user_id" }, json: {}, properties: { plan: "plan" } })).toEqual({
      ...defaultEventMapping,
      identities: { user: "user_id" },
      json: {},
      properties: { plan: "plan" }
    })
  })

  it("may say that states are kept, and where; rows become visible within five minutes unless it says otherwise", () => {
    expect(Result.getOrThrow(resolve({ results: true }))).not.toHaveProperty("incremental")
    expect(Result.getOrThrow(resolve({ results: true, incremental: true })).incremental).toEqual({ lag: 300_000 })
    const incremental = { database: "states", lag: "1h" }
    const results = { url: "http://localhost:8124" }
    expect(Result.getOrThrow(resolve({ results, incremental, events: { database: "product" } })).incremental).toEqual({
      database: "states",
      lag: 3_600_000
    })
  })

  it("may name where results are written: the warehouse itself, or a connection that is checked like it", () => {
    expect(Result.getOrThrow(resolve({}))).not.toHaveProperty("results")
    expect(Result.getOrThrow(resolve({ results: true })).results).toBe(true)
    const results = { url: "http://localhost:8124" }
    expect(Result.getOrThrow(resolve({ results })).results).toEqual(results)
    expect(complaints({ results: { ur: "hunter2" } }).join("\n")).toMatch(/^assay\.config\.ts results\.ur: /)
    expect(complaints({ results: { url: "ftp://hunter2" } }).join("\n")).not.toContain("hunter2")
    expect(complaints({ results: false })).toHaveLength(1)
  })

  it("takes an engine with options, thresholds of decisions, and corrections", () => {
    const { decision, defaults, multiplicity } = Result.getOrThrow(resolve({
      defaults: { engine: { name: "sequential", tuning: 20_000 } },
      decision: { level: 0.1, goals: "all", srm: 0.0001 },
      multiplicity: { goals: "e-bh", secondary: "none" }
    }))
    expect(defaults.engine).toEqual({ name: "sequential", tuning: 20_000 })
    expect(decision).toEqual({ ...defaultDecisionPolicy, level: 0.1, goals: "all", srm: 0.0001 })
    expect(multiplicity).toEqual({ goals: "e-bh", secondary: "none" })
  })

  it("changes single settings of deduplication and of the defaults", () => {
    expect(mapping({ deduplication: { columns: ["metadata"] } }).deduplication).toEqual({
      policy: "row",
      columns: ["metadata"]
    })
    expect(Result.getOrThrow(resolve({ defaults: { engine: "delta" } })).defaults).toEqual({
      engine: { name: "delta" },
      confidence: 0.95,
      concurrency: 4,
      shared_reads: true,
      refresh: defaultRefresh,
      slices: [],
      series: false
    })
  })

  it("adds aggregations to the standard ones, and may name those again", () => {
    const own = { ...sum, name: "own" }
    expect([...Result.getOrThrow(resolve({ aggregations: [sum, own] })).aggregations.keys()]).toEqual([
      "occurrence",
      "sum",
      "capped",
      "own"
    ])
  })
})

describe("a mistake in it", () => {
  const aggregation = (item: unknown) => complaints({ aggregations: [item] })

  it.each<[string, unknown, ReadonlyArray<string>]>([
    ["nothing exported", undefined, [
      "assay.config.ts: found nothing, expected a configuration. End the file with: export default defineConfig({ … })"
    ]],
    ["a function", () => ({}), [
      "assay.config.ts: found a function, expected a configuration. " +
      "Export the configuration itself, not a function that makes it"
    ]],
    ["a promise", Promise.resolve({}), [
      "assay.config.ts: found a promise, expected a configuration. " +
      "Export the configuration itself: put await before what makes it"
    ]],
    ["a list", [{}], [
      "assay.config.ts: found a list of 1, expected a configuration. End the file with: export default defineConfig({ … })"
    ]],
    ["a misspelt key", { warehose: {} }, [
      `assay.config.ts warehose: found the unknown key "warehose", expected one of warehouse, results, incremental, setup, events, aggregations, ` +
      `experiments, metrics, store, defaults, decision, multiplicity. Did you mean "warehouse"?`
    ]],
    ["a misspelt column", { events: { columns: { fetaure: "flag" } } }, [
      `assay.config.ts events.columns.fetaure: found the unknown key "fetaure", expected one of environment, event, ` +
      `feature, timestamp, value, event_id, ingested. Did you mean "feature"?`
    ]],
    ["a set-up of a server", { warehouse: { url: "http://localhost:8123" }, setup: [{ text: "SELECT 1" }] }, [
      "assay.config.ts setup: found statements beside warehouse.url, expected none: they fill the embedded ClickHouse only, " +
      "never a server. Take setup out, or take warehouse.url out to run embedded"
    ]],
    ["a set-up without a statement", { setup: [{ parameters: {} }] }, [
      "assay.config.ts setup[0].text: found nothing, expected text"
    ]],
    ["an empty name of a column", { events: { columns: { feature: "" } } }, [
      `assay.config.ts events.columns.feature: found "", expected text that isn't empty`
    ]],
    ["a mapping where a text is expected", { events: { identities: { user: { column: "id" } } } }, [
      "assay.config.ts events.identities.user: found a mapping, expected text"
    ]],
    ["no identity", { events: { identities: {} } }, [
      "assay.config.ts events.identities: found an empty mapping, expected at least one identity. " +
      "Write { user: \"user_id\" }: a name, and the column that holds the identity"
    ]],
    ["exposures of other identities", {
      events: {
        exposures: {
          table: "exposures",
          columns: { feature: "f", variant: "v", timestamp: "t" },
          identities: { device: "device_id" }
        }
      }
    }, [
      "assay.config.ts events.exposures.identities: found device, expected at least one of the identities of events: " +
      "identifier. Events and exposures are joined by an identity of the same name; the columns may differ"
    ]],
    ["an event id that isn't mapped", { events: { deduplication: { policy: "id" } } }, [
      "assay.config.ts events.columns.event_id: found nothing, expected the column of event ids, since " +
      "deduplication.policy is \"id\""
    ]],
    ["a JSON name with a dot", { events: { json: { "a.b": "ab" } } }, [
      `assay.config.ts events.json.a.b: found the name "a.b", expected a name without dots. ` +
      "In definitions, the name ends at the first dot: name.path.to.field"
    ]],
    ["a confidence in percent", { defaults: { confidence: 95 } }, [
      "assay.config.ts defaults.confidence: found 95, expected a number less than 1. Write 0.95"
    ]],
    ["a confidence of a half", { defaults: { confidence: 0.5 } }, [
      "assay.config.ts defaults.confidence: found 0.5, expected a number greater than 0.5"
    ]],
    ["an option of another engine", { defaults: { engine: { name: "frequentist", tuning: 5000 } } }, [
      "assay.config.ts defaults.engine.tuning: found tuning of the engine frequentist, expected an option of that engine. " +
      "tuning belongs to the engine sequential"
    ]],
    ["a prior without a spread", { defaults: { engine: { name: "bayesian", prior: { sd: 0 } } } }, [
      "assay.config.ts defaults.engine.prior.sd: found 0, expected a number greater than 0"
    ]],
    ["a misspelt correction", { multiplicity: { goals: "bonferoni" } }, [
      `assay.config.ts multiplicity.goals: found "bonferoni", expected one of "none", "bonferroni", "holm", "hochberg", "hommel", ` +
      `"benjamini-hochberg", "benjamini-yekutieli", "e-bh". Did you mean "bonferroni"?`
    ]],
    ["e-values of an engine that has none", { multiplicity: { goals: "e-bh" } }, [
      `assay.config.ts multiplicity.goals: found "e-bh" with the engine bayesian, expected the engine sequential, which gives the ` +
      `e-values that e-bh reads. Write defaults: { engine: "sequential" }, or take "benjamini-hochberg" or "holm"`
    ]],
    ["a decision that doesn't fit", { decision: { winnning: 0.9, losing: 0.97, goals: "some" } }, [
      `assay.config.ts decision.winnning: found the unknown key "winnning", expected one of winning, losing, goals, identities, ` +
      `conversions, srm, level. Did you mean "winning"?`,
      `assay.config.ts decision.goals: found "some", expected "any" or "all"`
    ]],
    ["thresholds that cross", { decision: { losing: 0.97 } }, [
      "assay.config.ts decision.losing: found 0.97 beside winning: 0.95, expected a chance to win below that of winning"
    ]],
    ["states without a connection that may write", { incremental: true }, [
      "assay.config.ts incremental: found no results beside it, expected a connection that may write: results: true, or one of its own. " +
      "States are kept through the connection for results"
    ]],
    ["states that don't say where the events are", { incremental: {}, results: { url: "http://localhost:8123" } }, [
      "assay.config.ts incremental: found no events.database beside it, expected the database of the events, since states are filled " +
      "through the connection for results"
    ]],
    [
      "states that don't say where the exposures are",
      {
        incremental: true,
        results: { url: "http://localhost:8123" },
        events: {
          database: "product",
          exposures: {
            table: "exposures",
            columns: { feature: "f", variant: "v", timestamp: "t" },
            identities: { identifier: "i" }
          }
        }
      },
      [
        "assay.config.ts incremental: found no events.exposures.database beside it, expected the database of the exposures, since " +
        "states are filled through the connection for results"
      ]
    ],
    ["a lag that is no length of time", { incremental: { lag: 5 }, results: true }, [
      "assay.config.ts incremental.lag: found 5, expected text"
    ]],
    ["no concurrency", { defaults: { concurrency: 0 } }, [
      "assay.config.ts defaults.concurrency: found 0, expected a number greater than 0"
    ]],
    ["an unknown engine", { defaults: { engine: "bayes" } }, [
      `assay.config.ts defaults.engine: found "bayes", expected one of "bayesian", "delta", "frequentist", "sequential". Did you mean "bayesian"?`
    ]],
    ["one folder for both kinds", { metrics: "./experiments/" }, [
      `assay.config.ts metrics: found "./experiments/", the folder of the experiments, expected a folder of its own for ` +
      "each kind of definition"
    ]],
    ["aggregations that aren't a list", { aggregations: sum }, [
      "assay.config.ts aggregations: found a mapping, expected a list of aggregations"
    ]]
  ])("is reported: %s", (_, input, expected) => {
    expect(complaints(input)).toEqual(expected)
  })

  it.each<[string, unknown, string]>([
    [
      "a misspelt import",
      undefined,
      "found nothing, expected an aggregation. Is its import misspelt? A name that a package doesn't export is undefined"
    ],
    [
      "a function",
      () => sum,
      "found a function, expected an aggregation. List the aggregation itself: what defineAggregation returns"
    ],
    ["a name", "sum", `found "sum", expected an aggregation. Import the aggregation, and list it without quotes`],
    ["a list", [sum], "found a list of 1, expected an aggregation. List its items instead: put ... before it"],
    ["something else", {}, "found a mapping, expected an aggregation. Make it with defineAggregation"],
    [
      "another contract",
      { ...sum, name: "p90", contract: 7 },
      `found the aggregation "p90" 1.2.0, made for contract 7, expected one made for contract 1. ` +
      "It is newer than this Assay: update Assay, or install an older version of it"
    ],
    [
      "an older contract",
      { ...sum, name: "p90", contract: 0 },
      `found the aggregation "p90" 1.2.0, made for contract 0, expected one made for contract 1. ` +
      "It is older than this Assay: install a newer version of it"
    ],
    [
      "a hand-made one",
      { contract: 1, name: "P90", version: "1.0.0", bind: () => ({}) },
      `found the aggregation "P90" 1.0.0, which has no usable name, options, reads, sources, estimand, columns, features, floors, display, ` +
      "expected a whole aggregation. Make it with defineAggregation, and list what that returns"
    ],
    [
      "one without a name",
      { contract: 1 },
      "found an aggregation without a name, which has no usable name, version, options, reads, sources, estimand, columns, features, floors, " +
      "display, bind, expected a whole aggregation. Make it with defineAggregation, and list what that returns"
    ],
    ["a promise", Promise.resolve(sum), "found a promise, expected an aggregation. Put await before it"],
    [
      "a value that fails",
      Object.defineProperty({}, "contract", {
        get: () => {
          throw new Error("no licence")
        }
      }),
      "found a value that fails when it is looked at: no licence, expected an aggregation. Make it with defineAggregation"
    ],
    [
      "another version of a standard one",
      { ...sum, version: "2.0.0" },
      `found "sum" 2.0.0 beside "sum" 1.2.0, which is standard, expected one aggregation of each name. ` +
      "Give your own another name, or take it away"
    ]
  ])("has a sentence of its own among aggregations: %s", (_, item, expected) => {
    expect(aggregation(item)).toEqual([`assay.config.ts aggregations[0]: ${expected}`])
  })

  it("names both versions of two aggregations of one name", () => {
    const [first, second] = ["1.0.0", "1.1.0"].map((version) => ({ ...sum, name: "own", version }))
    expect(complaints({ aggregations: [first, second] })).toEqual([
      `assay.config.ts aggregations[1]: found "own" 1.1.0 beside "own" 1.0.0, expected one aggregation of each name. ` +
      "If they are two versions of one package, list the newer one alone (`npm ls` tells who installs each); else take " +
      "one of them away, or rename your own"
    ])
    expect(complaints({ aggregations: [first, { ...first }] })).toEqual([
      `assay.config.ts aggregations[1]: found "own" 1.0.0 beside "own" 1.0.0, expected one aggregation of each name. ` +
      "If they are two copies of one package, `npm ls` tells who installs each; else take one of them away"
    ])
  })

  it("tells a whole module from what it exports", async () => {
    expect(aggregation(await import("./example.ts"))).toEqual([
      "assay.config.ts aggregations[0]: found a whole module, expected an aggregation. " +
      "Import from it by name: import { capped, occurrence, perVisit, sum }"
    ])
  })

  it("doesn't hide the others", () => {
    expect(
      complaints({
        warehouse: { ur: "x" },
        events: { tabel: "x", identities: 3 },
        aggregations: [undefined, sum, 3],
        defaults: { engine: "x" },
        store: 1
      }).map((line) => line.replace(/: found.*/, ""))
    ).toEqual([
      "assay.config.ts defaults.engine",
      "assay.config.ts warehouse.ur",
      "assay.config.ts store",
      "assay.config.ts events.tabel",
      "assay.config.ts events.identities",
      "assay.config.ts aggregations[0]",
      "assay.config.ts aggregations[2]"
    ])
  })

  it("never shows a text of the warehouse, which may be a secret in the wrong place", () => {
    const said = complaints({ warehouse: { url: "ftp://admin:hunter2@host", password: "hunter2" } })
    expect(said).toHaveLength(2)
    expect(said.join("\n")).not.toContain("hunter2")
  })

  it.each<[string, unknown, string]>([
    ["a number", 1, "expected"],
    ["nothing in it", "", "expected a folder, { file: … }, or { postgres: … }"],
    ["a URL", "postgres://assay:hunter2@host/db", "{ postgres: { env: \"DATABASE_URL\" } }"],
    ["a secret in it", { postgres: "postgres://assay:hunter2@host/db" }, "expected"],
    ["a schema with a quote", { postgres: { env: "URL" }, schema: "a\"b" }, "lower-case letters"],
    ["two places", { folder: "a", file: "b" }, "expected"]
  ])("refuses a store of %s", (_, store, said) => {
    const [complaint, ...others] = complaints({ store })
    expect(complaint).toContain("assay.config.ts store")
    expect(complaint).toContain(said)
    expect([complaint, ...others].join("\n")).not.toContain("hunter2")
  })

  it.each<[string, unknown, string]>([
    ["a cron expression of six fields", { cron: "0 0 6 * * *" }, "five fields"],
    ["a cron expression that isn't one", { cron: "61 * * * *" }, "five fields"],
    ["a cron expression of a day that never comes", { cron: "0 0 30 2 *" }, "comes at some time"],
    ["an unknown zone", { cron: "0 6 * * *", zone: "Mars/Olympus" }, "time zone"],
    ["an interval without a unit", { every: "60" }, "length of time"],
    ["an interval of nothing", { every: "0s" }, "length of time"],
    ["growth beyond the age", { every: "1h", grows: 2 }, "1"],
    ["two schedules", { every: "1h", cron: "0 6 * * *" }, "expected"],
    ["no schedule", { grace: "1d" }, "expected"]
  ])("refuses to refresh by %s", (_, refresh, said) => {
    const found = complaints({ defaults: { refresh } })
    expect(found.length).toBeGreaterThan(0)
    expect(found.join("\n")).toContain("assay.config.ts defaults.refresh")
    expect(found.join("\n")).toContain(said)
  })

  it("is none in any schedule, and in any store", () => {
    for (
      const refresh of [
        "never",
        { cron: "0 6 * * 1-5", zone: "Europe/Paris" },
        { every: "1h30m", grows: 0.05, up_to: "1d", grace: "2d" },
        { after_data: "15m" }
      ]
    ) expect(complaints({ defaults: { refresh } })).toEqual([])
    for (const store of ["results", { file: "a.sqlite" }, { postgres: { file: "secret" }, schema: "team_a" }]) {
      expect(complaints({ store })).toEqual([])
    }
  })

  it("never makes it throw", () => {
    const places = ["warehouse", "results", "store", "events", "aggregations", "experiments", "defaults"]
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.anything(), (place, value) => {
        for (const input of [value, { [place]: value }]) {
          const result = resolve(input)
          expect(Result.isSuccess(result) ? 1 : result.failure.issues.length).toBeGreaterThan(0)
        }
      }),
      { numRuns: 300 }
    )
  })
})
