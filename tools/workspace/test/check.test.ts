import { check, read } from "@assay/workspace"
import { describe, expect, it } from "vitest"
import { changed, findingsWith, good, withTree } from "./tree.ts"

const sum = "packages/aggregations/sum"

describe("a workspace that keeps all rules", () => {
  it("has no findings", () => {
    expect(findingsWith({})).toEqual([])
  })

  it("is read with all packages and imports", () => {
    const { packages } = withTree(good, read)
    expect(packages.map(({ directory }) => directory)).toEqual([
      "packages/aggregation",
      "packages/model",
      "packages/testkit",
      sum,
      "apps/runner"
    ])
    expect(packages.flatMap(({ files }) => files.flatMap(({ imports }) => imports))).toHaveLength(16)
  })
})

describe("a workspace without packages", () => {
  it("is a finding, not a success", () => {
    expect(withTree({ "package.json": { name: "root", workspaces: ["packages/*"] } }, (root) => check(read(root))))
      .toEqual([{ file: "package.json", message: expect.stringContaining("names no package") }])
  })

  it("and one with a pattern that isn't understood is an error", () => {
    expect(() => withTree({ "package.json": { workspaces: ["packages/**"] } }, read)).toThrow(/isn't supported/)
  })

  it("and one whose package.json isn't JSON is an error that names the file", () => {
    expect(() => withTree({ ...good, "packages/model/package.json": "{" }, read)).toThrow("packages/model/package.json")
  })
})

describe("findings", () => {
  it("come in order of files and lines", () => {
    const found = findingsWith({
      [`${sum}/src/b.ts`]: `import "x"\nimport "y"`,
      [`${sum}/src/a.ts`]: `\n\n\n\n\n\n\n\n\n\nimport "z"\nimport "w"`,
      ...changed("packages/model/package.json", { nx: {} })
    })
    expect(found.map((line) => line.split(" ")[0])).toEqual([
      `${sum}/src/a.ts:11`,
      `${sum}/src/a.ts:12`,
      `${sum}/src/b.ts:1`,
      `${sum}/src/b.ts:2`,
      "packages/model/package.json"
    ])
  })
})
