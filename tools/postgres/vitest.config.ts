import { mergeConfig } from "vitest/config"
import shared from "../../vitest.shared.ts"

// Servers start in seconds; on a machine with two cores, two files at a time keep it busy.
export default mergeConfig(shared, {
  test: { globalSetup: ["test/setup.ts"], maxWorkers: 2, teardownTimeout: 30_000 }
})
