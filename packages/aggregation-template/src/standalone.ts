/** A new aggregation in a repository of its own. */
import { json, metricText, moduleText, optionsTable, summary, testText } from "./module.ts"
import { exportedName, metricKey } from "./name.ts"
import { thirdParty } from "./versions.ts"

/** 2,000 visitors, half of them in each variant; of the grey ones 40 % buy again, of the green ones 50 %. */
const exampleConfig = (name: string): string =>
  `import { defineConfig } from "@assay/runner"
import { ${exportedName(name)} } from "../src/index.ts"

// Made-up events of 2,000 visitors in an embedded ClickHouse.
export default defineConfig({
  aggregations: [${exportedName(name)}],
  setup: [
    {
      text: \`CREATE TABLE events (
        environment_key String, event String, feature_name String, identifier String,
        timestamp DateTime64(3, 'UTC'), value String, traits String, metadata String
      ) ENGINE = MergeTree ORDER BY (environment_key, event, timestamp)\`
    },
    {
      text: \`INSERT INTO events
        SELECT 'production', '$flag_exposure', 'checkout', 'visitor ' || toString(number),
          toDateTime64('2026-01-05', 3, 'UTC') + number, if(number % 2 = 0, 'grey', 'green'), '', ''
        FROM numbers(2000)\`
    },
    {
      text: \`INSERT INTO events
        SELECT 'production', 'purchase', '', 'visitor ' || toString(number),
          toDateTime64('2026-01-06', 3, 'UTC') + number + arrayJoin(range(if(number % 20 < if(number % 2 = 0, 8, 10), 2, 1))),
          toString(10 + number % 90), '', ''
        FROM numbers(2000)\`
    }
  ]
})
`

const experimentText = (name: string): string =>
  `key: checkout
environment: production
feature: checkout
started_at: 2026-01-05
ended_at: 2026-01-19
control: grey
variants:
  - { key: grey, share: 50 }
  - { key: green, share: 50 }
metrics:
  - { metric: ${metricKey(name)}, role: goal }
`

const readme = (name: string): string =>
  `# assay-aggregation-${name}

An aggregation for Assay. ${summary}

\`\`\`ts
// assay.config.ts
import { defineConfig } from "@assay/runner"
import { ${exportedName(name)} } from "assay-aggregation-${name}"

export default defineConfig({ aggregations: [${exportedName(name)}] })
\`\`\`

\`\`\`yaml
# metrics/${metricKey(name)}.yaml
${metricText(name)}\`\`\`

${optionsTable}
Inference asks for 5 identities that reached it in each arm.

## Work on it

It takes Node 24 or newer.

\`\`\`sh
npm install
npm test           # types, and the conformance suite on an embedded ClickHouse
npm run example    # an experiment on made-up events that uses it
npm publish        # builds it first
\`\`\`
`

/**
 * Files of an aggregation in a repository of its own, by path in its folder: a package that is green as it is, and an experiment on
 * made-up events that uses it.
 *
 * @param version the version of Assay that it is made for
 */
export const standaloneAggregation = (name: string, version: string): Readonly<Record<string, string>> => ({
  "package.json": json({
    name: `assay-aggregation-${name}`,
    version: "0.1.0",
    description: `The \`${name}\` aggregation for Assay.`,
    keywords: ["assay-aggregation"],
    type: "module",
    engines: { node: ">=24" },
    exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
    files: ["dist", "src", "README.md"],
    scripts: {
      build: "tsc -p tsconfig.build.json",
      test: "tsc -p tsconfig.json && vitest run",
      example: "assay recompute --all --config example",
      prepack: "npm run build"
    },
    peerDependencies: { "@assay/aggregation": `^${version}` },
    devDependencies: {
      "@assay/aggregation": version,
      "@assay/aggregation-testkit": version,
      "@assay/runner": version,
      ...thirdParty
    }
  }),
  "tsconfig.json": json({
    compilerOptions: {
      module: "NodeNext",
      target: "ES2024",
      lib: ["ES2024"],
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      erasableSyntaxOnly: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      noEmit: true
    },
    include: ["src", "test", "example"]
  }),
  "tsconfig.build.json": json({
    extends: "./tsconfig.json",
    compilerOptions: {
      noEmit: false,
      allowImportingTsExtensions: false,
      rewriteRelativeImportExtensions: true,
      declaration: true,
      declarationMap: true,
      sourceMap: true,
      rootDir: "src",
      outDir: "dist"
    },
    include: ["src"]
  }),
  "vitest.config.ts": `import { defineConfig } from "vitest/config"

// The embedded ClickHouse binds one data directory per process, so each file has a process of its own.
export default defineConfig({
  test: { include: ["test/**/*.test.ts"], pool: "forks", testTimeout: 120_000, hookTimeout: 120_000 }
})
`,
  "src/index.ts": moduleText(name),
  [`test/${name}.test.ts`]: testText(name),
  "example/assay.config.ts": exampleConfig(name),
  "example/experiments/checkout.yaml": experimentText(name),
  [`example/metrics/${metricKey(name)}.yaml`]: metricText(name),
  ".npmrc": "engine-strict=true\n",
  ".gitignore": "node_modules/\ndist/\n.assay/\n",
  "README.md": readme(name)
})
