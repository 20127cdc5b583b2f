import { describe, expect, it } from "vitest"
import { findingsWith, good } from "../tree.ts"

const sum = "packages/aggregations/sum"

describe("references of sources", () => {
  it("name every package that is a dependency", () => {
    expect(findingsWith({ [`${sum}/tsconfig.json`]: { references: [] } })).toEqual([
      `${sum}/tsconfig.json doesn't refer to packages/aggregation/tsconfig.json: add { "path": "../../aggregation" } to its references, because ${sum}/package.json depends on it.`
    ])
  })

  it("name no other", () => {
    expect(
      findingsWith({
        [`${sum}/tsconfig.json`]: { references: [{ path: "../../aggregation" }, { path: "../../model" }] }
      })
    ).toEqual([
      `${sum}/tsconfig.json refers to packages/model/tsconfig.json, which ${sum}/package.json doesn't depend on: remove the reference, or declare the dependency.`
    ])
  })

  it("may name the folder or the file, but once", () => {
    const file = { path: "../../aggregation/tsconfig.json" }
    expect(findingsWith({ [`${sum}/tsconfig.json`]: { references: [file] } })).toEqual([])
    expect(findingsWith({ [`${sum}/tsconfig.json`]: { references: [{ path: "../../aggregation" }, file] } })).toEqual([
      `${sum}/tsconfig.json refers to packages/aggregation/tsconfig.json twice: remove one.`
    ])
  })

  it("need a tsconfig.json", () => {
    expect(findingsWith({ [`${sum}/tsconfig.json`]: undefined })).toContainEqual(
      expect.stringContaining(`${sum}/tsconfig.json is missing`)
    )
  })
})

describe("references of tests", () => {
  it("name the package's own sources", () => {
    expect(findingsWith({ [`${sum}/tsconfig.test.json`]: { references: [{ path: "../../testkit" }] } })).toEqual([
      expect.stringContaining(`doesn't refer to ${sum}/tsconfig.json: add { "path": "./tsconfig.json" }`)
    ])
  })

  it("name the packages of devDependencies and no other", () => {
    expect(
      findingsWith({
        [`${sum}/tsconfig.test.json`]: { references: [{ path: "./tsconfig.json" }, { path: "../../model" }] }
      })
    ).toEqual([
      expect.stringContaining(`${sum}/tsconfig.test.json doesn't refer to packages/testkit/tsconfig.json`),
      expect.stringContaining(`${sum}/tsconfig.test.json refers to packages/model/tsconfig.json`)
    ])
  })
})

describe("references of the root", () => {
  const { references } = Object(good["tsconfig.json"])

  it.each([0, 1, 2, 9])("name every project: without number %i", (left) => {
    const without = references.filter((_: unknown, i: number) => i !== left)
    expect(findingsWith({ "tsconfig.json": { references: without } })).toEqual([
      expect.stringMatching(/^tsconfig\.json doesn't refer to .*, because it is a project of this workspace\.$/)
    ])
  })

  it("name no other", () => {
    expect(findingsWith({ "tsconfig.json": { references: [...references, { path: "packages/gone" }] } })).toEqual([
      expect.stringContaining("tsconfig.json refers to packages/gone, which is no project of this workspace")
    ])
  })
})
