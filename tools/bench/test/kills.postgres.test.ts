import { assert, describe, it } from "vitest"
import { killRunners } from "../src/index.ts"

describe("runners on one PostgreSQL", () => {
  it("that are killed, paused beyond their lease, and lose their database, end with one newest result each", async () => {
    const report = await killRunners({ kills: 10, pauses: 1, restarts: 1, runners: 3, experiments: 6 })
    assert.deepStrictEqual(report.broken, [])
    assert.deepStrictEqual([report.killed, report.paused, report.restarted], [11, 1, 1])
    assert.isAbove(report.runs, 0)
  })
})
