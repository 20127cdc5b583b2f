import { check, read, show } from "@assay/workspace"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** Files by path; an object is written as JSON, `undefined` leaves the file out. */
export type Tree = Readonly<Record<string, string | object | undefined>>

const manifest = (name: string, layer: string, more: object = {}) => ({
  name: `@assay/${name}`,
  version: "0.1.0",
  exports: { "./package.json": "./package.json", ".": "./src/index.ts" },
  nx: { tags: [`layer:${layer}`] },
  ...more
})

const project = (...paths: ReadonlyArray<string>) => ({ references: paths.map((path) => ({ path })) })

/** A small workspace that keeps all rules: a model, an aggregation on top of it, a plugin on that, an app, and a test kit. */
export const good: Tree = {
  "package.json": {
    name: "root",
    workspaces: ["packages/*", "packages/aggregations/*", "apps/*"],
    devDependencies: { vitest: "5.1.1" }
  },
  "tsconfig.json": project(
    ...["packages/model", "packages/aggregation", "packages/testkit", "packages/aggregations/sum", "apps/runner"]
      .flatMap(
        (path) => [path, `${path}/tsconfig.test.json`]
      )
  ),
  "packages/model/package.json": manifest("model", "model", { dependencies: { effect: "4.1.0" } }),
  "packages/model/tsconfig.json": project(),
  "packages/model/tsconfig.test.json": project("./tsconfig.json"),
  "packages/model/src/index.ts": `import { Schema } from "effect"\n/** A number. */\nexport const n = Schema.Int\n`,
  "packages/model/test/index.test.ts": `import { it } from "vitest"\nimport { n } from "@assay/model"\n`,
  "packages/aggregation/package.json": manifest("aggregation", "aggregation", {
    dependencies: { "@assay/model": "0.1.0" }
  }),
  "packages/aggregation/tsconfig.json": project("../model"),
  "packages/aggregation/tsconfig.test.json": project("./tsconfig.json"),
  "packages/aggregation/src/index.ts": `export type { n } from "@assay/model"\nexport * from "./other.ts"\n`,
  "packages/aggregation/src/other.ts": `import { join } from "node:path"\n`,
  "packages/testkit/package.json": manifest("testkit", "testkit", { dependencies: { "@assay/aggregation": "0.1.0" } }),
  "packages/testkit/tsconfig.json": project("../aggregation"),
  "packages/testkit/tsconfig.test.json": project("./tsconfig.json"),
  "packages/testkit/src/index.ts": `export { n } from "@assay/aggregation"\n`,
  "packages/aggregations/sum/package.json": manifest("sum", "plugin", {
    dependencies: { "@assay/aggregation": "0.1.0" },
    devDependencies: { "@assay/testkit": "0.1.0" }
  }),
  "packages/aggregations/sum/tsconfig.json": project("../../aggregation"),
  "packages/aggregations/sum/tsconfig.test.json": project("./tsconfig.json", "../../testkit"),
  "packages/aggregations/sum/src/index.ts": `import { n } from "@assay/aggregation"\n`,
  "packages/aggregations/sum/test/sum.test.ts": `import { n } from "@assay/testkit"\nimport "../src/index.ts"\n`,
  "apps/runner/package.json": manifest("runner", "app", {
    dependencies: { "@assay/model": "0.1.0", "@assay/sum": "0.1.0", "@effect/platform-node": "4.1.0", effect: "4.1.0" },
    optionalDependencies: { chdb: "3.4.0" }
  }),
  "apps/runner/tsconfig.json": project("../../packages/model", "../../packages/aggregations/sum"),
  "apps/runner/tsconfig.test.json": project("./tsconfig.json"),
  "apps/runner/bin/assay.js": `#!/usr/bin/env node\nimport "../src/index.ts"\n`,
  "apps/runner/src/index.ts": [
    `import type { n } from "@assay/model"`,
    `import { NodeRuntime } from "@effect/platform-node"`,
    `import { Command } from "effect/cli"`,
    `/** Loads them. */`,
    `export const later = async () => [await import("@assay/sum"), await import("chdb")]`
  ].join("\n")
}

/** Does something with a tree on disk, and takes it away again. */
export const withTree = <A>(tree: Tree, use: (root: string) => A): A => {
  const root = mkdtempSync(join(tmpdir(), "assay-workspace-"))
  try {
    for (const [file, content] of Object.entries(tree)) {
      if (content === undefined) continue
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), typeof content === "string" ? content : JSON.stringify(content))
    }
    return use(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** The findings, one line each, of the good workspace with some files changed. */
export const findingsWith = (changes: Tree): ReadonlyArray<string> =>
  withTree({ ...good, ...changes }, (root) => check(read(root)).map(show))

/** A package.json of the good workspace with some of its keys changed. */
export const changed = (file: string, keys: object): Tree => ({ [file]: { ...Object(good[file]), ...keys } })
