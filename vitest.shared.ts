import { defineConfig } from "vitest/config"

/**
 * Every package's test set-up: sources run as they are, and each file has a process of its own (the embedded engine binds one data
 * directory per process). The JSON report is what `npm test` counts.
 */
export default defineConfig({
  ssr: { resolve: { conditions: ["@assay/source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ["default", ["json", { outputFile: ".cache/test.json" }]]
  }
})
