import { configDefaults, defineConfig } from "vitest/config"
import { binaries } from "./tools/postgres/src/binaries.ts"

/**
 * Every package's test set-up: sources run as they are, and each file has a process of its own (the embedded engine binds one data
 * directory per process). The JSON report is what `npm test` counts, and `npm test` says so where PostgreSQL's programs are missing.
 */
export default defineConfig({
  ssr: { resolve: { conditions: ["@assay/source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(binaries() === undefined ? ["test/**/*.postgres.test.ts"] : [])],
    passWithNoTests: binaries() === undefined,
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ["default", ["json", { outputFile: ".cache/test.json" }]]
  }
})
