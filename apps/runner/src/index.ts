/** What a project's `assay.config.ts` imports. The command itself is `assay`. */
export { defineConfig, standardAggregations } from "./config.ts"
