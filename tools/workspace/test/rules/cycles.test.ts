import { describe, expect, it } from "vitest"
import { changed, findingsWith } from "../tree.ts"

describe("packages that depend on each other", () => {
  it("are a finding, told once", () => {
    const found = findingsWith({
      ...changed("packages/model/package.json", { dependencies: { effect: "4.1.0", "@assay/aggregation": "0.1.0" } })
    })
    expect(found.filter((line) => line.includes("depends on itself"))).toEqual([
      "packages/aggregation/package.json depends on itself: @assay/aggregation → @assay/model → @assay/aggregation. Move what they share into a package below them."
    ])
  })

  it("are a finding by way of tests too, because nx orders both", () => {
    const found = findingsWith(
      changed("packages/aggregation/package.json", { devDependencies: { "@assay/sum": "0.1.0" } })
    )
    expect(found).toContainEqual(
      expect.stringContaining("depends on itself: @assay/aggregation → @assay/sum → @assay/aggregation")
    )
  })
})
