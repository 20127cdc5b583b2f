/** A new aggregation as a package of Assay's own workspace. */
import { json, metricText, moduleText, optionsTable, summary, testText } from "./module.ts"
import { thirdParty } from "./versions.ts"

/** Where the packages of aggregations lie, from the workspace's root. */
export const workspaceFolder = "packages/aggregations"

/**
 * Files of an aggregation's package in Assay's own workspace, by path from the workspace's root.
 *
 * @param version the version that the packages of the workspace have
 */
export const workspaceAggregation = (name: string, version: string): Readonly<Record<string, string>> => {
  const files = {
    "package.json": json({
      name: `@assay/aggregation-${name}`,
      version,
      description: `The \`${name}\` aggregation.`,
      license: "MIT",
      type: "module",
      engines: { node: ">=24" },
      exports: {
        "./package.json": "./package.json",
        ".": { "@assay/source": "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" }
      },
      files: ["dist", "src", "README.md"],
      scripts: { build: "tsc -b tsconfig.json", typecheck: "tsc -b tsconfig.test.json", test: "vitest run" },
      nx: { tags: ["layer:plugin"] },
      dependencies: { "@assay/aggregation": version },
      devDependencies: { "@assay/aggregation-testkit": version, chdb: thirdParty.chdb }
    }),
    "tsconfig.json": json({
      extends: "../../../tsconfig.base.json",
      include: ["src"],
      references: [{ path: "../../aggregation" }]
    }),
    "tsconfig.test.json": json({
      extends: "../../../tsconfig.base.json",
      compilerOptions: {
        noEmit: true,
        rewriteRelativeImportExtensions: false,
        allowImportingTsExtensions: true,
        rootDir: "${configDir}",
        tsBuildInfoFile: "${configDir}/.cache/test.tsbuildinfo"
      },
      include: ["test"],
      references: [{ path: "./tsconfig.json" }, { path: "../../aggregation-testkit" }]
    }),
    "vitest.config.ts": "export { default } from \"../../../vitest.shared.ts\"\n",
    "src/index.ts": moduleText(name),
    [`test/${name}.test.ts`]: testText(name),
    "README.md": `# @assay/aggregation-${name}

${summary}

${optionsTable}
\`\`\`yaml
${metricText(name)}\`\`\`

Inference asks for 5 identities that reached it in each arm.

It may import \`@assay/aggregation\` alone.
`
  }
  return Object.fromEntries(
    Object.entries(files).map(([file, text]) => [`${workspaceFolder}/${name}/${file}`, text])
  )
}

/**
 * The workspace's tsconfig.json with the references to an aggregation's two projects after the last one; the rest of the text stays.
 *
 * @throws RangeError where the text has no list of references
 */
export const withReferences = (tsconfig: string, name: string): string => {
  const end = /(?<=\})(\s*)\]\s*\}\s*$/.exec(tsconfig)
  if (end === null) throw new RangeError("tsconfig.json doesn't end with its list of references")
  const lines = ["", "/tsconfig.test.json"].map((file) => `,\n    { "path": "${workspaceFolder}/${name}${file}" }`)
  return tsconfig.slice(0, end.index) + lines.join("") + tsconfig.slice(end.index)
}
