/** `assay aggregations`: what metrics may be made of. */
import { describe, expect, it } from "vitest"
import { assay, project } from "./assay.ts"

const capped = `import { defineAggregation, Schema } from "@assay/aggregation"
export const capped = defineAggregation({
  name: "capped",
  version: "0.3.0",
  options: Schema.Struct({
    cap: Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0))).annotate({ description: "The largest total." }),
    unit: Schema.optionalKey(Schema.Literals(["cents", "euros"]).annotate({ default: "euros" })),
    days: Schema.optionalKey(Schema.Array(Schema.Int))
  }),
  reads: "value",
  columns: ({ events }) => ({ total: events.sum(events.value) }),
  estimand: { kind: "mean", column: "total" },
  floors: [{ kind: "identities", need: 200 }],
  display: { format: "number", unit: "EUR" },
  features: ["where", "covariate"]
})
`

const files = {
  "capped.ts": capped,
  "assay.config.ts": "import { capped } from \"./capped.ts\"\nexport default { aggregations: [capped] }\n"
}

describe("aggregations", () => {
  it("are listed with version, origin, estimand, options and floors, standard ones first", async () => {
    const { code, stderr, stdout } = await assay(["aggregations"], { cwd: project(files) })
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(/^occurrence \d+\.\d+\.\d+, standard: a proportion\n {2}reads {5}no value\n/)
    expect(stdout).toContain("below 50 identities or 5 conversions in an arm")
    expect(stdout).toContain(`capped 0.3.0, from assay.config.ts: a mean
  reads     a number from each event
  of        total
  takes     where, covariate
  options   cap: number, above 0, required. The largest total.
            unit: "cents" or "euros", "euros" unless told
            days: list, each whole number
`)
    expect(stdout).toMatch(
      /^ {2}sources {3}numerator: a number or a text.*\n {12}denominator: .*\n {2}of {8}above over below$/m
    )
    expect(stdout).toMatch(/^ {2}sources {3}steps, 2 to 10 of them: no value$/m)
    expect(stdout).toContain("below 200 identities in an arm\n  contract  1\n  shown     as a number of EUR\n")
  })

  it("are one document for machines, with the options as a JSON Schema", async () => {
    const { code, stdout } = await assay(["aggregations", "--json"], { cwd: project(files) })
    expect(code).toBe(0)
    const { aggregations, schema } = JSON.parse(stdout) as {
      readonly schema: string
      readonly aggregations: ReadonlyArray<Readonly<Record<string, unknown>>>
    }
    expect(schema).toBe("assay.aggregations/1")
    expect(aggregations.at(-1)).toMatchObject({
      name: "capped",
      version: "0.3.0",
      contract: 1,
      standard: false,
      estimand: "mean",
      reads: "value",
      sources: { events: { reads: "value" } },
      columns: ["total"],
      features: ["where", "covariate"],
      options: { required: ["cap"], properties: { cap: { type: "number", exclusiveMinimum: 0 } } }
    })
    expect(aggregations[0]).toMatchObject({ name: "occurrence", standard: true })
  })
})
