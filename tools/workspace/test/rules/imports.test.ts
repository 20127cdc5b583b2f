import { describe, expect, it } from "vitest"
import { changed, findingsWith } from "../tree.ts"

const sum = "packages/aggregations/sum"
const index = `${sum}/src/index.ts`
const test = `${sum}/test/sum.test.ts`
const own = `import { n } from "@assay/aggregation"\n`
const ownTest = `import { n } from "@assay/testkit"\n`

/** The findings when the plugin's source gets one more line. */
const inSource = (line: string) => findingsWith({ [index]: own + line })
/** The findings when the plugin's test gets one more line. */
const inTest = (line: string) => findingsWith({ [test]: ownTest + line })

describe("a source", () => {
  it.each([
    `import x from "left-pad"`,
    `import "left-pad/deep"`,
    `export * from "left-pad"`,
    `export { x } from "left-pad"`,
    `import type { X } from "left-pad"`,
    `type X = import("left-pad").X`,
    `const x = await import("left-pad")`,
    `const x = require("left-pad")`,
    `const x = import.meta.resolve("left-pad")`
  ])("may not import what isn't declared: %s", (line) => {
    expect(inSource(line)).toEqual([
      `${index}:2 imports "left-pad", which isn't declared: add it to dependencies in ${sum}/package.json.`
    ])
  })

  it("may not import what is declared for tests only", () => {
    expect(
      findingsWith({
        ...changed(`${sum}/package.json`, {
          devDependencies: { "@assay/testkit": "0.1.0", "fast-check": "4.10.2" }
        }),
        [index]: `${own}import fc from "fast-check"`
      })
    ).toEqual([
      `${index}:2 imports "fast-check", which is declared for tests only: move it from devDependencies to dependencies in ${sum}/package.json.`
    ])
  })

  it("may not import what the root declares", () => {
    expect(inSource(`import { it } from "vitest"`)).toEqual([
      `${index}:2 imports "vitest", which isn't declared: add it to dependencies in ${sum}/package.json.`
    ])
  })

  it("may import what Node has", () => {
    expect(inSource(`import { join } from "node:path"`)).toEqual([])
  })

  it("may not import its own package by name", () => {
    expect(inSource(`import { x } from "@assay/sum"`)).toEqual([
      `${index}:2 imports its own package by name: import the file of "@assay/sum" by a relative path.`
    ])
  })

  it("in bin is one too", () => {
    expect(findingsWith({ "apps/runner/bin/assay.js": `import "left-pad"` })).toEqual([
      expect.stringContaining(`apps/runner/bin/assay.js:1 imports "left-pad", which isn't declared`)
    ])
  })
})

describe("a test", () => {
  it("may import what the root declares", () => {
    expect(inTest(`import { it } from "vitest"`)).toEqual([])
  })

  it("may not import what nobody declares", () => {
    expect(inTest(`import x from "left-pad"`)).toEqual([
      `${test}:2 imports "left-pad", which nobody declares: add it to devDependencies in ${sum}/package.json.`
    ])
  })

  it("may import its own package by name", () => {
    expect(inTest(`import "@assay/sum"`)).toEqual([])
  })
})

describe("a relative import", () => {
  it.each([`import "../../../aggregation/src/index.ts"`, `import type { X } from "../../mean/index.ts"`])(
    "may not leave its package: %s",
    (line) => {
      expect(inTest(line)).toEqual([
        expect.stringMatching(/sum\.test\.ts:2 imports "\.\.\/.*which leaves packages\/aggregations\/sum/)
      ])
    }
  )

  it("may go up within its package", () => {
    expect(inTest(`import "../src/index.ts"\nimport "./../test/other.ts"`)).toEqual([])
  })

  it("isn't fooled by a package whose path begins alike", () => {
    expect(inTest(`import "../../sum-of-squares/src/index.ts"`)).toHaveLength(1)
  })

  it("can't be replaced by an absolute one", () => {
    expect(inTest(`import "/etc/x.ts"`)).toEqual([expect.stringContaining(`:2 imports the absolute path "/etc/x.ts"`)])
  })
})

describe("a deep import", () => {
  it.each(["@assay/aggregation/src/other.ts", "@assay/aggregation/dist/other.js", "@assay/aggregation/other"])(
    "of what a package keeps to itself is a finding: %s",
    (specifier) => {
      expect(inSource(`import "${specifier}"`)).toEqual([
        `${index}:2 imports "${specifier}", which is private: export what is needed from packages/aggregation/src/index.ts and import "@assay/aggregation".`
      ])
    }
  )

  it("of an exported path isn't", () => {
    expect(inSource(`import x from "@assay/aggregation/package.json" with { type: "json" }`)).toEqual([])
  })
})

describe("layers", () => {
  const declaring = (name: string, path: string) => ({
    ...changed(`${sum}/package.json`, { dependencies: { "@assay/aggregation": "0.1.0", [name]: "0.1.0" } }),
    [`${sum}/tsconfig.json`]: { references: [{ path: "../../aggregation" }, { path }] },
    [index]: `${own}import "${name}"`
  })

  it("keep a plugin to the aggregation contract", () => {
    expect(findingsWith(declaring("@assay/model", "../../model"))).toEqual([
      `${index}:2 imports @assay/model of layer "model", but a source of layer "plugin" may import only aggregation: move the code, or pass in what is needed as an argument.`
    ])
  })

  it("keep a plugin's sources off the test kit that its tests may use", () => {
    expect(findingsWith(declaring("@assay/testkit", "../../testkit"))).toEqual([
      expect.stringContaining(`imports @assay/testkit of layer "testkit", but a source of layer "plugin"`)
    ])
  })

  it("keep plugins apart, in tests too", () => {
    const mean = "packages/aggregations/mean"
    expect(
      findingsWith({
        ...changed("package.json", { workspaces: ["packages/*", sum, mean, "apps/*"] }),
        "tsconfig.json": {
          references: ["packages/model", "packages/aggregation", "packages/testkit", sum, mean, "apps/runner"].flatMap(
            (path) => [{ path }, { path: `${path}/tsconfig.test.json` }]
          )
        },
        [`${mean}/package.json`]: {
          name: "@assay/mean",
          version: "0.1.0",
          exports: { ".": "./src/index.ts" },
          nx: { tags: ["layer:plugin"] },
          devDependencies: { "@assay/sum": "0.1.0" }
        },
        [`${mean}/tsconfig.json`]: {},
        [`${mean}/tsconfig.test.json`]: { references: [{ path: "./tsconfig.json" }, { path: "../sum" }] },
        [`${mean}/src/index.ts`]: "",
        [`${mean}/test/mean.test.ts`]: `import "@assay/sum"`
      })
    ).toEqual([expect.stringContaining(`a test of layer "plugin" may import only aggregation, testkit`)])
  })

  it("let nothing import an app", () => {
    expect(
      findingsWith({
        ...changed("packages/testkit/package.json", {
          dependencies: { "@assay/aggregation": "0.1.0", "@assay/runner": "0.1.0" }
        }),
        "packages/testkit/tsconfig.json": { references: [{ path: "../aggregation" }, { path: "../../apps/runner" }] },
        "packages/testkit/src/index.ts": `import "@assay/aggregation"\nimport "@assay/runner"`
      })
    ).toContainEqual(expect.stringContaining(`packages/testkit/src/index.ts:2 imports @assay/runner of layer "app"`))
  })
})

describe("unstable modules of Effect", () => {
  it.each(["effect/cli", "effect/http", "effect/http-api", "effect/sql", "effect/observability"])(
    "stay in apps: %s",
    (specifier) => {
      expect(findingsWith({ "packages/model/src/index.ts": `import "${specifier}"` })).toEqual([
        expect.stringContaining(`packages/model/src/index.ts:1 imports "${specifier}", an unstable module of Effect`)
      ])
      expect(findingsWith({ "apps/runner/src/more.ts": `import "${specifier}"` })).toEqual([])
    }
  )

  it("stay in apps even where they are declared", () => {
    expect(
      findingsWith({
        ...changed("packages/model/package.json", {
          dependencies: { effect: "4.1.0", "@effect/platform-node": "4.1.0" }
        }),
        "packages/model/src/index.ts": `import "@effect/platform-node"`
      })
    ).toEqual([expect.stringContaining(`imports "@effect/platform-node", an unstable module`)])
  })

  it.each(["effect", "effect/Schema", "effect/testing"])("and the stable ones don't: %s", (specifier) => {
    expect(findingsWith({ "packages/model/src/index.ts": `import "${specifier}"` })).toEqual([])
  })
})
