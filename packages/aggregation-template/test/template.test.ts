import { readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { describe, expect, it } from "vitest"
import {
  exportedName,
  isName,
  standaloneAggregation,
  thirdParty,
  withReferences,
  workspaceAggregation
} from "../src/index.ts"

const root = new URL("../../../", import.meta.url)

const read = (path: string): string => readFileSync(new URL(path, root), "utf8")

describe("a name", () => {
  it.each(["a", "big-spender", "top3", "x-2-y", "a".repeat(50)])("may be %j", (name) => {
    expect(isName(name)).toBe(true)
  })

  it.each([
    "",
    "Big",
    "2big",
    "-big",
    "big-",
    "big--spender",
    "big_spender",
    "big spender",
    "../big",
    "größe",
    "a".repeat(51)
  ])("can't be %j", (name) => {
    expect(isName(name)).toBe(false)
  })

  it.each([
    "class",
    "default",
    "in",
    "await",
    "undefined",
    "let",
    "define-aggregation",
    "fc",
    "public",
    "describe-aggregation"
  ])(
    "%j is exported under a name that a module may declare",
    (name) => {
      expect(exportedName(name)).toMatch(/^[a-z]\w*Aggregation$/)
    }
  )

  it("of several words is exported in camel case", () => {
    expect(exportedName("big-spender-2")).toBe("bigSpender2")
  })
})

describe("the files of a new aggregation", () => {
  const inWorkspace = workspaceAggregation("big-spender", "0.1.0")
  const alone = standaloneAggregation("big-spender", "0.1.0")

  it("have the same module and test in both places", () => {
    for (const file of ["src/index.ts", "test/big-spender.test.ts"]) {
      expect(alone[file]).toBe(inWorkspace[`packages/aggregations/big-spender/${file}`])
    }
  })

  it("are TypeScript that Node runs as it is", () => {
    const sources = Object.entries(alone).filter(([file]) => file.endsWith(".ts"))
    expect(sources).toHaveLength(4)
    for (const [, text] of sources) expect(stripTypeScriptTypes(text)).not.toBe("")
  })

  it("name third-party packages in the versions of the workspace", () => {
    const { packages } = JSON.parse(read("package-lock.json")) as {
      readonly packages: Readonly<Record<string, { readonly version?: string }>>
    }
    expect(thirdParty).toEqual(
      Object.fromEntries(Object.keys(thirdParty).map((name) => [name, packages[`node_modules/${name}`]?.version]))
    )
  })

  it("look in the workspace like those of the aggregations there", () => {
    const like = workspaceAggregation("unique", "0.1.0")
    for (const file of ["package.json", "tsconfig.json", "tsconfig.test.json", "vitest.config.ts"]) {
      const path = `packages/aggregations/unique/${file}`
      expect(like[path]).toBe(read(path))
    }
  })
})

describe("the workspace's tsconfig.json", () => {
  const references = (text: string) =>
    (JSON.parse(text) as { readonly references: ReadonlyArray<{ readonly path: string }> }).references
      .map(({ path }) => path)

  it("gets both projects at the end of its references, and keeps the others", () => {
    const before = read("tsconfig.json")
    expect(references(withReferences(before, "big-spender"))).toEqual([
      ...references(before),
      "packages/aggregations/big-spender",
      "packages/aggregations/big-spender/tsconfig.test.json"
    ])
  })

  it("is refused where it has no references", () => {
    expect(() => withReferences("{ \"files\": [] }\n", "big-spender")).toThrow(/list of references/)
  })
})
