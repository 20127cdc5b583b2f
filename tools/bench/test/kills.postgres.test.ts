import { assert, describe, it } from "vitest"
import { faultsInOrder, killRunners } from "../src/index.ts"

describe("runners on one PostgreSQL", { timeout: 600_000 }, () => {
  it("killed at every stage, paused beyond their lease, their database restarted, end with one newest result each", async () => {
    const { attemptsAfterLoss, broken, killed, paused, restarted, together } = await killRunners({
      faults: faultsInOrder,
      runners: 3,
      experiments: 12
    })
    assert.deepStrictEqual(broken, [])
    // The one that was paused is killed in the end, too.
    assert.deepStrictEqual([killed, paused, restarted], [10, 1, 1])
    assert.isAbove(attemptsAfterLoss, 0)
    assert.isAbove(together, 10)
  })
})
