import { describe, expect, it } from "vitest"
import { changed, findingsWith } from "../tree.ts"

const model = "packages/model/package.json"
const sum = "packages/aggregations/sum"

describe("a version", () => {
  it.each(["^4.1.0", "~4.1.0", "4", "4.1", "*", "latest", ">=4.1.0", "4.1.x", "", "npm:other@1.0.0"])(
    "that isn't exact is a finding: %j",
    (version) => {
      expect(findingsWith(changed("package.json", { devDependencies: { vitest: "5.1.1", dprint: version } }))).toEqual([
        `package.json asks for dprint "${version}" in devDependencies: write one exact version, such as "1.2.3".`
      ])
    }
  )

  it.each(["4.1.0", "0.0.1", "5.0.0-rc.1"])("that is exact isn't: %j", (version) => {
    expect(findingsWith(changed("package.json", { devDependencies: { vitest: "5.1.1", dprint: version } }))).toEqual([])
  })

  it("is checked in the groups of each package", () => {
    expect(
      findingsWith(changed(model, { dependencies: { effect: "4.1.0" }, optionalDependencies: { chdb: "^3.4.0" } }))
    )
      .toContain(`${model} asks for chdb "^3.4.0" in optionalDependencies: write one exact version, such as "1.2.3".`)
  })

  it("that a package asks of its user may be a range", () => {
    expect(findingsWith(changed(model, { peerDependencies: { react: ">=18" } }))).toEqual([])
  })

  it("of a package of the workspace is the one it has", () => {
    expect(
      findingsWith(changed("packages/aggregation/package.json", { dependencies: { "@assay/model": "0.0.9" } }))
    ).toEqual([expect.stringContaining("asks for @assay/model 0.0.9 in dependencies, but the workspace has 0.1.0")])
  })

  it("of a library is one everywhere", () => {
    expect(findingsWith(changed(model, { dependencies: { effect: "4.0.9" } }))).toEqual([
      expect.stringContaining(
        "apps/runner/package.json asks for effect 4.1.0, but packages/model/package.json for 4.0.9"
      )
    ])
  })
})

describe("a declared package of the workspace", () => {
  it("that nothing imports is a finding", () => {
    expect(findingsWith({ [`${sum}/src/index.ts`]: "" })).toEqual([
      `${sum}/package.json declares @assay/aggregation in dependencies, but nothing imports it: remove it.`
    ])
  })

  it("that only tests import belongs to devDependencies", () => {
    expect(
      findingsWith({
        [`${sum}/src/index.ts`]: "",
        [`${sum}/test/sum.test.ts`]: `import "@assay/testkit"\nimport "@assay/aggregation"`
      })
    ).toEqual([
      `${sum}/package.json declares @assay/aggregation in dependencies, but only tests import it: move it to devDependencies.`
    ])
  })

  it("that no test imports is a finding in devDependencies", () => {
    expect(findingsWith({ [`${sum}/test/sum.test.ts`]: "" })).toEqual([
      `${sum}/package.json declares @assay/testkit in devDependencies, but no test imports it: remove it.`
    ])
  })
})

describe("a package", () => {
  it.each([[[]], [["layer:cellar"]], [["layer:model", "layer:sql"]], [["model"]]])(
    "has exactly one layer of the table: %j",
    (tags) => {
      expect(findingsWith(changed(model, { nx: { tags } }))).toEqual([
        expect.stringContaining(`${model} has no layer of its own`)
      ])
    }
  )

  it("has an entry", () => {
    expect(findingsWith({ "packages/model/src/index.ts": undefined })).toEqual([
      expect.stringContaining(`${model} has no entry: write packages/model/src/index.ts`)
    ])
  })

  it("has a name of its own", () => {
    expect(findingsWith({ ...changed("packages/testkit/package.json", { name: "@assay/model" }) })).toContainEqual(
      expect.stringContaining(`packages/testkit/package.json has the name of packages/model`)
    )
  })
})
