/** The examples by the ordinary command, with what must come out of them. */
import type { ResultsSummary } from "@assay/model"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { assay, example, folder, repository, write } from "./assay.ts"

const summaryOf = async (name: string, data?: string): Promise<ResultsSummary> => {
  const root = example(name)
  const outcome = await assay(["recompute", "--all", "--json", "--config", join(root, "assay.config.ts")], {
    cwd: folder(),
    ...(data === undefined ? {} : { env: { ASSAY_DATA: data } })
  })
  expect(outcome).toMatchObject({ code: 0 })
  const { failed, results } = JSON.parse(outcome.stdout) as {
    readonly results: ReadonlyArray<ResultsSummary>
    readonly failed: ReadonlyArray<unknown>
  }
  expect([failed, results.length]).toEqual([[], 1])
  return results[0]!
}

const identities = ({ variants }: ResultsSummary) => Object.fromEntries(variants.map(({ key, n }) => [key, n]))

/** Per metric and variant: the sum and the sum of squares. */
const sums = ({ metrics }: ResultsSummary) =>
  Object.fromEntries(
    metrics.map(({ metric_id, variants }) => [
      metric_id,
      Object.fromEntries(Object.entries(variants).map(([key, one]) => [key, [one.sum, one.sum_squares]]))
    ])
  )

/** Per treatment: the lift with its interval. */
const lifts = (inference: ResultsSummary["metrics"][number]["inference"]) =>
  Object.fromEntries(
    Object.entries(inference).map((
      [key, one]
    ) => [key, { lift: one?.lift, ci_low: one?.ci_low, ci_high: one?.ci_high }])
  )

/** A sum of squares where it is the sum, as for zeros and ones. */
const ones = (counts: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(counts).map(([key, n]) => [key, [n, n]]))

/** A data set that lies beside the repository, as it does where examples are worked on. */
const beside = (file: string): ReadonlyArray<string> =>
  [join(repository, "../shared/data", file)].filter((path) => existsSync(path))

describe("shop", () => {
  it("gives the numbers of its README, and finds all that is wrong with its events", async () => {
    const summary = await summaryOf("shop")
    expect(identities(summary)).toEqual({ control: 66269, one_page: 66705, express: 66167 })
    expect(summary.quarantined).toBe(797)
    expect(summary.srm).toMatchObject({ status: "ok" })
    expect(sums(summary)).toMatchObject({
      purchased: ones({ control: 6612, one_page: 7317, express: 6688 }),
      revenue: {
        control: [822665.2, 209014266.46],
        one_page: [913849.7, 237181736.55],
        express: [825625.4, 210510517.22]
      },
      checkout_tickets: { control: [2352, 3098], one_page: [2350, 3086], express: [2587, 3323] }
    })
    expect(Object.fromEntries(summary.metrics.map(({ metric_id, verdict }) => [metric_id, verdict]))).toEqual({
      purchased: { one_page: "winning", express: "inconclusive" },
      revenue: { one_page: "winning", express: "inconclusive" },
      load_time: { one_page: "inconclusive", express: "winning" },
      checkout_tickets: { one_page: "inconclusive", express: "losing" }
    })
    expect(summary.findings.map(({ code, count, metric_id }) => [code, metric_id, count])).toEqual([
      ["undeclared_variant", undefined, 62],
      ["unusable_values", "revenue", 75],
      ["unusable_values", "load_time", 1323],
      ["no_exposures_since", undefined, undefined],
      ["multiple_variants", undefined, 797],
      ["empty_identity", undefined, 845],
      ["repeated_events", undefined, 8000],
      ["events_before_exposure", undefined, 29957]
    ])
    const devices = summary.breakdowns![0]!.slices
    expect(devices.map(({ value }) => value)).toEqual(["phone", "desktop", "tablet"])
    expect(devices.reduce((sum, { identities }) => sum + identities["one_page"]!, 0)).toBe(66705)
    expect(summary.series!.points).toHaveLength(14)
    expect(summary.series!.points.at(-1)).toMatchObject({
      identities: identities(summary),
      quarantined: 797,
      metrics: summary.metrics.map(({ inference, metric_id }) => ({ metric_id, inference: lifts(inference) }))
    })
    // The rates of the README, of 200,000 visitors.
    expect(summary.quarantined / 200_000).toBeCloseTo(0.004, 4)
    expect(62 / 200_000).toBeCloseTo(0.0003, 4)
    expect(6612 / 66269).toBeCloseTo(0.1, 2)
    expect(7317 / 66705).toBeCloseTo(0.109, 2)
    expect(6688 / 66167).toBeCloseTo(0.101, 2)
  })
})

describe("cookie-cats", () => {
  it("makes events of the rows of a CSV file", async () => {
    const csv = write(folder(), {
      "cats.csv": "userid,version,sum_gamerounds,retention_1,retention_7\n116,gate_30,3,FALSE,FALSE\n" +
        "337,gate_30,38,TRUE,FALSE\n377,gate_40,165,TRUE,TRUE\n483,gate_40,0,FALSE,TRUE\n488,gate_40,179,TRUE,TRUE\n"
    })
    const summary = await summaryOf("cookie-cats", join(csv, "cats.csv"))
    expect(identities(summary)).toEqual({ gate_30: 2, gate_40: 3 })
    expect(sums(summary)).toEqual({
      retention_1: ones({ gate_30: 1, gate_40: 2 }),
      retention_7: ones({ gate_30: 0, gate_40: 3 }),
      rounds: { gate_30: [41, 1453], gate_40: [344, 59266] }
    })
  })

  it.each(beside("cookie_cats.csv.gz"))("gives the known numbers of the real data", async (data) => {
    const summary = await summaryOf("cookie-cats", data)
    expect(identities(summary)).toEqual({ gate_30: 44700, gate_40: 45489 })
    expect(sums(summary)).toEqual({
      retention_1: ones({ gate_30: 20034, gate_40: 20119 }),
      retention_7: ones({ gate_30: 8502, gate_40: 8279 }),
      rounds: { gate_30: [2344795, 3068811771], gate_40: [2333530, 605052202] }
    })
    expect(summary.srm).toMatchObject({ status: "ok" })
    expect(summary.srm.statistic).toBeCloseTo(6.9024, 4)
    expect(summary.srm_p_value).toBeCloseTo(0.008608, 6)
    expect(summary.findings.map(({ code, severity }) => [code, severity])).toEqual([
      ["sample_ratio_suspicious", "warning"]
    ])
  })
})

describe("hillstrom", () => {
  it("makes events of the rows of a CSV file", async () => {
    const csv = write(folder(), {
      "mail.csv":
        "recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,spend\n" +
        "10,2) $100 - $200,142.44,1,0,Surburban,0,Phone,Womens E-Mail,0,0,0\n" +
        "6,3) $200 - $350,329.08,1,1,Rural,1,Web,No E-Mail,1,1,29.99\n" +
        "7,2) $100 - $200,180.65,0,1,Surburban,1,Web,Womens E-Mail,1,1,0.01\n" +
        "9,5) $500 - $750,675.83,1,0,Rural,1,Web,Mens E-Mail,1,0,0\n"
    })
    const summary = await summaryOf("hillstrom", join(csv, "mail.csv"))
    expect(identities(summary)).toEqual({ control: 1, mens: 1, womens: 2 })
    expect(sums(summary)).toEqual({
      visit: ones({ control: 1, mens: 1, womens: 1 }),
      conversion: ones({ control: 1, mens: 0, womens: 1 }),
      spend: { control: [29.99, 899.4001], mens: [0, 0], womens: [0.01, 0.0001] }
    })
    expect(summary.metrics.find(({ metric_id }) => metric_id === "spend")!.covariate).toEqual({
      source: "trait traits.history",
      missing: { control: 0, mens: 0, womens: 0 }
    })
  })

  it.each(beside("hillstrom.csv.gz"))("gives the known numbers of the real data", async (data) => {
    const summary = await summaryOf("hillstrom", data)
    expect(identities(summary)).toEqual({ control: 21306, mens: 21307, womens: 21387 })
    expect(sums(summary)).toEqual({
      visit: ones({ control: 2262, mens: 3894, womens: 3238 }),
      conversion: ones({ control: 122, mens: 267, womens: 189 }),
      spend: {
        control: [13908.33, 2870050.3621],
        mens: [30311.69, 6759024.4973],
        womens: [23038.11, 4911446.5763]
      }
    })
    // The times are made up; the last event lies 38 hours before the end.
    expect(summary.findings.map(({ code }) => code)).toEqual(["no_events_since"])
    // What customers spent before hardly says what they spend now: 0.04 % of the variance. By hand from the file, with θ of all arms.
    const spend = summary.metrics.find(({ metric_id }) => metric_id === "spend")!
    expect(spend.covariate).toEqual({ source: "trait traits.history", missing: { control: 0, mens: 0, womens: 0 } })
    expect(spend.inference["mens"]!.adjustment!.theta).toBeCloseTo(0.001275487033054, 12)
    expect(spend.inference["mens"]!.adjustment!.variance_reduction).toBeCloseTo(0.000433, 6)
    expect(spend.inference["womens"]!.adjustment!.variance_reduction).toBeCloseTo(0.000357, 6)
    expect(spend.inference["mens"]!.difference).toBeCloseTo(0.76734, 4)
    expect(spend.inference["womens"]!.difference).toBeCloseTo(0.42231, 4)
  })
})

describe("an example without its data", () => {
  it("asks for it, and only where it is needed", async () => {
    for (const name of ["cookie-cats", "hillstrom"]) {
      const cwd = example(name)
      const [recompute, wrong, validate] = await Promise.all([
        assay(["recompute", "--all"], { cwd }),
        assay(["recompute", "--all"], { cwd, env: { ASSAY_DATA: "no-such.csv" } }),
        assay(["validate"], { cwd })
      ])
      expect(recompute).toMatchObject({ code: 2, stdout: "" })
      expect(recompute.stderr).toMatch(/ASSAY_DATA is not set\. Set it to the path of the .* data set/)
      expect(wrong).toMatchObject({ code: 2, stdout: "" })
      expect(wrong.stderr).toMatch(/no-such\.csv, which is not a file/)
      expect(recompute.stderr + wrong.stderr).not.toMatch(/ at .*:\d+:\d+/)
      expect(validate.code).toBe(0)
    }
  })
})
