/** What people get wrong in arguments, configuration and definitions: each is told what and where, and nothing is done. */
import { mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { assay, config, experimentFile, filesIn, folder, metricFile, type Outcome, project, write } from "./assay.ts"

/** What keeps an outcome from being a clear refusal: exit code 2, nothing on stdout, all that `says`, no stack, no colour. */
const unclear = ({ code, stderr, stdout }: Outcome, ...says: ReadonlyArray<RegExp>): ReadonlyArray<string> => [
  ...(code === 2 ? [] : [`exit code ${code}`]),
  ...(stdout === "" ? [] : [`on stdout: ${stdout}`]),
  ...says.filter((say) => !say.test(stderr)).map((say) => `no ${String(say)} in: ${stderr}`),
  ...(/^\s+at .*:\d+:\d+\)?$|node:internal|file:\/\//m.test(stderr) ? [`a stack in: ${stderr}`] : []),
  ...(stderr.includes("\u001b") ? [`a colour in: ${stderr}`] : [])
]

/** All of them, two at a time, and what they come to. */
const each = async <A, B>(cases: ReadonlyArray<A>, run: (one: A) => Promise<ReadonlyArray<B>>) => {
  const queue = [...cases]
  const worker = async (): Promise<ReadonlyArray<B>> => {
    const found: Array<B> = []
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) found.push(...await run(one))
    return found
  }
  return (await Promise.all([worker(), worker()])).flat()
}

describe("arguments that don't fit", () => {
  const cwd = project()
  const cases: ReadonlyArray<readonly [ReadonlyArray<string>, ...ReadonlyArray<RegExp>]> = [
    [["recomput"], /Unknown subcommand "recomput"/, /recompute|--help/],
    [["recompute", "--al"], /--al\b/, /--all/],
    [["results"], /Missing required argument: experiment/],
    [["explain"], /No experiment was named\n.*--all\. Defined are: checkout/],
    [["recompute"], /No experiment was named\n.*--all\. Defined are: checkout/],
    [["recompute", "--all", "checkout"], /Both --all and names/],
    [["recompute", "chekout"], /There is no experiment "chekout"\n {2}Did you mean "checkout"\?/],
    [["explain", "chekout"], /There is no experiment "chekout"\n {2}Did you mean "checkout"\?/],
    [["advise", "chekout"], /There is no experiment "chekout"\n {2}Did you mean "checkout"\?/],
    [["recompute", "--all", "--no-shared-read"], /--no-shared-read\b/, /--no-shared-reads/],
    [["results", "chekout"], /There is no experiment "chekout"\n {2}Did you mean "checkout"\?/],
    [["results", "chekout", "--list"], /There is no experiment "chekout"\n {2}Did you mean "checkout"\?/],
    [["results", "checkout"], /There are no results of "checkout" yet\n.*assay recompute checkout/],
    [["results", "checkout", "--list"], /There are no results of "checkout" yet/],
    [["recompute", "--all", "--as-of", "yesterday"], /--as-of is "yesterday", which isn't a time\n.*2026-01-01T09:30/],
    [["recompute", "--all", "--concurrency", "0"], /--concurrency is 0; it must be 1 or more/],
    [["recompute", "--all", "--concurrency", "many"], /--concurrency.*"many"/],
    [["validate", "--config", "nowhere.ts"], /nowhere\.ts: found no such file/]
  ]

  it("are named, with what was perhaps meant", async () => {
    const before = filesIn(cwd)
    expect(await each(cases, async ([args, ...says]) => unclear(await assay(args, { cwd }), ...says))).toEqual([])
    expect(filesIn(cwd)).toEqual(before)
  })
})

describe("an aggregation that throws", () => {
  const plugin = `import { defineAggregation, Schema } from "@assay/aggregation"
export const moody = defineAggregation({
  name: "moody",
  version: "0.2.0",
  options: Schema.Struct({
    size: Schema.Int.pipe(Schema.check(Schema.makeFilter((size: number) => {
      if (size === 2) throw new Error("not two")
      return true
    })))
  }),
  reads: "nothing",
  columns: ({ events, options: { size } }) => {
    if (size === 3) throw new Error("not three")
    return { count: events.count() }
  },
  estimand: { kind: "mean", column: "count" }
})
`
  const metric = (key: string, size: number) => metricFile(key, { aggregation: "moody", options: `{ size: ${size} }` })

  it("is named by validate, with each metric that it throws for", async () => {
    const cwd = project({
      "moody.ts": plugin,
      "assay.config.ts": "import { moody } from \"./moody.ts\"\nexport default { aggregations: [moody] }\n",
      "metrics/two.yaml": metric("two", 2),
      "metrics/three.yaml": metric("three", 3),
      "metrics/four.yaml": metric("four", 4)
    })
    const { code, stderr } = await assay(["validate"], { cwd })
    expect(code).toBe(2)
    expect(stderr).toMatch(/two\.yaml:2:\d+.*found moody 0\.2\.0, which failed: Error: not two/)
    expect(stderr).toMatch(/three\.yaml:2:\d+.*found moody 0\.2\.0, which failed: Error: not three/)
    expect(stderr).toMatch(/Mend the options, or ask the authors of the aggregation/)
    expect(stderr).not.toMatch(/four\.yaml/)
  })
})

describe("a configuration that can't be used", () => {
  const cases: ReadonlyArray<readonly [string, ...ReadonlyArray<RegExp>]> = [
    [
      "import { defineConfig } from \"@assay/runner\"\nexport default defineConfig({ events: {",
      /assay\.config\.ts/,
      /isn't TypeScript/
    ],
    ["throw new Error(\"no such luck\")", /assay\.config\.ts/, /no such luck/],
    ["throw \"a text\"", /a text/],
    ["import \"not-installed-at-all\"\nexport default {}", /not-installed-at-all/, /Install what it imports/],
    ["export default () => ({})", /found a function/, /Export the configuration itself/],
    ["export const settings = {}", /export default defineConfig/],
    [
      "export default { warehous: {}, events: { tabel: \"x\" }, defaults: { confidence: 95 } }",
      /warehous: found the unknown key "warehous".*Did you mean "warehouse"\?/,
      /events\.tabel: .*Did you mean "table"\?/,
      /defaults\.confidence: found 95.*Write 0\.95/
    ],
    [
      "export default { warehouse: { url: \"http://127.0.0.1:1\" }, setup: [{ text: \"SELECT 1\" }] }",
      /setup: found statements beside warehouse\.url.*Take setup out/
    ]
  ]

  it("is refused with all that is wrong in it", async () => {
    const wrong = await each(
      cases,
      async ([text, ...says]) =>
        unclear(await assay(["validate"], { cwd: project({ "assay.config.ts": text }) }), ...says)
    )
    expect(wrong).toEqual([])
  })

  it("is refused in a package that isn't one of modules, with what to do", async () => {
    const cwd = project({
      "package.json": "{ \"type\": \"commonjs\" }",
      "assay.config.ts": "import { defineConfig } from \"@assay/runner\"\nexport default defineConfig({})\n"
    })
    expect(
      unclear(await assay(["validate"], { cwd }), /assay\.config\.ts/, /Set "type": "module" in its package\.json/)
    )
      .toEqual([])
  })

  it("is missed where there is none, and a file with nearly its name is pointed at", async () => {
    const none = await assay(["validate"], { cwd: folder() })
    expect(unclear(none, /assay\.config\.ts: found no such file/, /assay init/)).toEqual([])
    const near = await assay(["validate"], { cwd: write(folder(), { "asay.config.ts": config() }) })
    expect(unclear(near, /Did you mean "asay\.config\.ts"\?/)).toEqual([])
  })

  it("can't mix what it prints into a document for machines", async () => {
    const cwd = project({ "assay.config.ts": `console.log("hello")\n${config()}` })
    const outcome = await assay(["validate", "--json"], { cwd })
    expect(JSON.parse(outcome.stdout)).toMatchObject({ schema: "assay.validate/1" })
    expect(outcome.stderr).toBe("hello\n")
  })

  it("isn't quoted where a password stands in its URL, in no output of any command", async () => {
    const url = "https://assay:pa55-word@clickhouse.example.com:8443"
    const cwd = project({ "assay.config.ts": `export default { warehouse: { url: "${url}" } }` })
    const outputs = await each(
      ["validate", "recompute --all", "recompute --all --json", "explain checkout", "doctor", "doctor --json"],
      async (words) => {
        const { code, stderr, stdout } = await assay(words.split(" "), { cwd })
        return [{ failed: code !== 0, output: stdout + stderr }]
      }
    )
    for (const { failed, output } of outputs) {
      expect(failed).toBe(true)
      expect(output).toMatch(/password: \{ env: /)
      expect(output).not.toMatch(/pa55-word|clickhouse\.example/)
    }
  })
})

/** A plugin as somebody's module: an aggregation with these changes. */
const plugin = (changes: string, name = "largest", version = "1.0.0"): string =>
  `import { defineAggregation, NoOptions } from "@assay/aggregation"
const made = defineAggregation({
  name: "${name}", version: "${version}", options: NoOptions, reads: "value",
  columns: ({ events }) => ({ largest: events.max(events.value) }),
  estimand: { kind: "mean", column: "largest" }
})
export const largest = ${changes}
`

describe("an aggregation that can't be used", () => {
  const lists = (...files: ReadonlyArray<string>): string =>
    files.map((file, i) => `import { largest as own${i} } from "./${file}"\n`).join("") +
    `export default { aggregations: [${files.map((_, i) => `own${i}`).join(", ")}] }`
  const one = (text: string) => ({ "assay.config.ts": lists("plugin.ts"), "plugin.ts": text })
  const cases: ReadonlyArray<readonly [Readonly<Record<string, string>>, ...ReadonlyArray<RegExp>]> = [
    [
      { "assay.config.ts": lists("a.ts", "b.ts"), "a.ts": plugin("made"), "b.ts": plugin("made", "largest", "2.1.0") },
      /assay\.config\.ts aggregations\[1\]: found "largest" 2\.1\.0 beside "largest" 1\.0\.0.*two versions of one package/
    ],
    [
      { "assay.config.ts": lists("a.ts", "b.ts"), "a.ts": plugin("made"), "b.ts": plugin("made") },
      /aggregations\[1\]: found "largest" 1\.0\.0 beside "largest" 1\.0\.0.*two copies of one package.*npm ls/
    ],
    [
      one(plugin("made", "sum")),
      /aggregations\[0\]: found "sum" 1\.0\.0 beside "sum" .*which is standard.*another name/
    ],
    [
      one("export const largest = { name: \"largest\" }"),
      /aggregations\[0\]: found a mapping.*Make it with defineAggregation/
    ],
    [one("export const largest = () => 1"), /aggregations\[0\]: found a function.*List the aggregation itself/],
    [one("export const other = 1\nexport let largest"), /aggregations\[0\]: found nothing.*Is its import misspelt\?/],
    [
      one("export const other = 1"),
      /an import of largest from "\.\/plugin\.ts", which exports no such name.*Mend the name/
    ],
    [
      one(plugin("{ ...made, contract: 2 }")),
      /found the aggregation "largest" 1\.0\.0, made for contract 2, .*update Assay/
    ],
    [one(plugin("{ ...made, contract: 0 }")), /made for contract 0, .*install a newer version of it/],
    [one(plugin("{ ...made, options: {} }")), /found the aggregation "largest" 1\.0\.0, which has no usable options/],
    [
      one("throw new Error(\"no licence\")\nexport const largest = 1"),
      /found a module that failed at plugin\.ts:1: no licence.*Mend what it imports, or take the import out/
    ],
    [
      one(plugin("made", "Largest!")),
      /a module that failed at plugin\.ts:2: .*name is 1 to 50 lower-case letters, digits and dashes: "Largest!"/
    ]
  ]

  it("is refused with the configuration's name, what was found, and what to do", async () => {
    const wrong = await each(
      cases,
      async ([files, ...says]) => unclear(await assay(["aggregations"], { cwd: project(files) }), ...says)
    )
    expect(wrong).toEqual([])
  })
})

describe("definitions with mistakes", () => {
  const cwd = project({
    "experiments/checkout.yaml": experimentFile("checkout", { metrics: "[purchasd]", contrl: "grey" }),
    "experiments/broken.yaml": "key: [broken\n",
    "metrics/purchased.yaml": metricFile("purchased", { aggregation: "ocurrence", direction: "upp" }),
    "metrics/revenue.yaml": metricFile("revenue", {
      aggregation: "sum",
      where: "[{ property: metadat.currency, op: \"=\", value: EUR }]"
    }),
    "metrics/deep/twin.yaml": metricFile("revenue")
  })

  it("are all told at once, each with file, line and column, and what was perhaps meant", async () => {
    const wrong = unclear(
      await assay(["validate"], { cwd }),
      /experiments\/broken\.yaml:\d+:\d+/,
      /experiments\/checkout\.yaml:9:1 contrl: .*Did you mean "control"\?/,
      /experiments\/checkout\.yaml:8:11 metrics\[0\].*"purchasd".*Did you mean "purchased"\?/,
      /metrics\/purchased\.yaml:2:14 aggregation: found "ocurrence".*Did you mean "occurrence"\?/,
      /metrics\/purchased\.yaml:4:12 direction: found "upp".*Did you mean "up"\?/,
      /metrics\/revenue\.yaml:5:21 where\[0\]\.property: found "metadat\.currency".*Did you mean "metadata/,
      /metrics\/(deep\/twin|revenue)\.yaml:\d+:\d+ key: .*"revenue"/
    )
    expect(wrong).toEqual([])
  })

  it("keep every command from doing anything, and are one JSON document for machines", async () => {
    const outcomes = await each(["recompute --all", "explain checkout", "results checkout"], async (words) => [
      await assay([...words.split(" "), "--json"], { cwd })
    ])
    for (const outcome of outcomes) {
      expect(outcome.code).toBe(2)
      const { error, schema } = JSON.parse(outcome.stdout) as {
        readonly schema: string
        readonly error: { readonly code: string; readonly issues: ReadonlyArray<Readonly<Record<string, unknown>>> }
      }
      expect([schema, error.code]).toEqual(["assay.error/1", "definition"])
      expect(error.issues.length).toBeGreaterThanOrEqual(7)
      expect(error.issues).toContainEqual(expect.objectContaining({
        file: "metrics/purchased.yaml",
        line: 2,
        column: 14,
        path: ["aggregation"],
        found: "\"ocurrence\"",
        hint: "Did you mean \"occurrence\"?"
      }))
    }
    expect(Object.keys(filesIn(cwd)).some((file) => file.startsWith(".assay"))).toBe(false)
  })

  it("are missing folders, too", async () => {
    const cwd = write(folder(), { "assay.config.ts": config(), "metrics/purchased.yaml": metricFile("purchased") })
    expect(unclear(await assay(["validate"], { cwd }), /experiments: found no such folder/)).toEqual([])
  })

  it("and what can't be read is told by its name beside the rest", async () => {
    const cwd = project({ "metrics/wrong.yaml": metricFile("wrong", { direction: "upp" }) })
    mkdirSync(join(cwd, "metrics/folder.yaml"))
    symlinkSync("nowhere", join(cwd, "experiments/link.yaml"))
    const outcome = await assay(["validate"], { cwd })
    expect(unclear(outcome)).toEqual([])
    expect(outcome.stderr.split("\n").map((line) => line.replace(/^error: /, "").replace(/, expected.*/, ""))).toEqual([
      "experiments/link.yaml: found a link to nothing",
      "metrics/folder.yaml: found a folder",
      "metrics/wrong.yaml:4:12 direction: found \"upp\"",
      ""
    ])
    const without = write(folder(), {
      "assay.config.ts": config(),
      "experiments/checkout.yaml": experimentFile("checkout", { contrl: "grey" })
    })
    const both = await assay(["validate"], { cwd: without })
    expect(unclear(both, /metrics: found no such folder/, /contrl: .*Did you mean "control"\?/)).toEqual([])
    expect(both.stderr).not.toMatch(/key of a defined metric/)
  })

  it("are only warned of where they may be meant, on stderr", async () => {
    const cwd = project({ "metrics/unused.yaml": metricFile("unused") })
    const outcome = await assay(["validate"], { cwd })
    expect(outcome).toMatchObject({ code: 0 })
    expect(outcome.stdout).toMatch(/1 experiment and 2 metrics are well-formed, with 1 warning\.\n$/)
    expect(outcome.stderr).toMatch(/^warning: metrics\/unused\.yaml:1:6 key: .*which no experiment uses/)
  })
})
