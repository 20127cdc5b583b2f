import type { Aggregation } from "@assay/aggregation"
import { count } from "@assay/aggregation-count"
import { funnel } from "@assay/aggregation-funnel"
import { mean } from "@assay/aggregation-mean"
import { occurrence } from "@assay/aggregation-occurrence"
import { quantile } from "@assay/aggregation-quantile"
import { ratio } from "@assay/aggregation-ratio"
import { retention } from "@assay/aggregation-retention"
import { sum } from "@assay/aggregation-sum"
import { unique } from "@assay/aggregation-unique"
import { Result } from "effect"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { parseDefinitions, resolveConfig, type SourceFile } from "../src/index.ts"
import { config, standard, Warehouse } from "./example.ts"

const plugins: ReadonlyArray<Aggregation> = [count, funnel, mean, occurrence, quantile, ratio, retention, sum, unique]

/** The YAML examples of a page; the first line of each is a comment with its file's name. */
const examples = (page: string): ReadonlyArray<SourceFile> =>
  [...readFileSync(new URL(page, import.meta.url), "utf8").matchAll(/```yaml\n# (\S+)\n([^]*?)```/g)].map(
    ([, file, text]) => ({ file: file!, text: text! })
  )

describe("the examples of the documentation", () => {
  it.each(["../README.md", "../../../docs/definitions.md"])("are good definitions without warnings: %s", (page) => {
    const files = examples(page)
    expect(files.length).toBeGreaterThan(2)
    const aggregations = new Map(plugins.map((plugin) => [plugin.name, plugin]))
    const parsed = parseDefinitions({
      experiments: files.filter(({ file }) => file.startsWith("experiments/")),
      metrics: files.filter(({ file }) => file.startsWith("metrics/")),
      config: { ...config, aggregations }
    })
    expect(Result.isFailure(parsed) ? parsed.failure.message : parsed.success.warnings).toEqual([])
  })

  it("name every default of the configuration", () => {
    const page = readFileSync(new URL("../../../docs/definitions.md", import.meta.url), "utf8")
    const { mapping, experiments, metrics, store, defaults } = Result.getOrThrow(
      resolveConfig({}, { file: "", warehouse: Warehouse, aggregations: standard })
    )
    const row = (name: string, value: unknown) => expect(page).toContain(`| \`${name}\` | \`${String(value)}\` |`)
    for (const [name, value] of Object.entries({ experiments, metrics, store: Object.values(store)[0] })) {
      row(name, value)
    }
    for (const [name, value] of Object.entries({ ...defaults, engine: defaults.engine.name })) {
      row(
        `defaults.${name}`,
        Array.isArray(value)
          ? JSON.stringify(value)
          : typeof value === "object"
          ? `{ ${Object.entries(value).map(([key, one]) => `${key}: ${String(one)}`).join(", ")} }`
          : value
      )
    }
    for (const [name, value] of Object.entries(mapping.columns)) row(`columns.${name}`, value)
    row("table", mapping.table)
    row("exposure_event", mapping.exposure_event)
    row("deduplication.policy", mapping.deduplication.policy)
    expect(page.match(/^\| `columns\./gm)).toHaveLength(Object.keys(mapping.columns).length + 2)
  })
})
