import { lastLine, outcome, type Task } from "@assay/workspace"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const report = (passed: number, failed = 0, skipped = 0, success = failed === 0) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: skipped,
  numTodoTests: 0,
  success
})

const suite = (told: unknown, ran: Task["ran"] = { ok: true, cached: false }): Task => ({
  id: "@assay/x:test",
  kind: "suite",
  ran,
  report: told
})
const check = (ran: Task["ran"]): Task => ({ id: "root:lint", kind: "check", ran, report: undefined })
const ok = { ok: true, cached: false }
const bad = { ok: false, cached: false }

describe("a run", () => {
  it("adds up its checks and the tests of its suites", () => {
    const result = outcome([check(ok), suite(report(3, 0, 2)), suite(report(4))])
    expect(lastLine(result)).toBe("8 passed, 0 failed, 2 skipped")
    expect(result.ok).toBe(true)
  })

  it("says the same of suites from the cache", () => {
    const result = outcome([check(ok), suite(report(3), { ok: true, cached: true })])
    expect(lastLine(result)).toBe("4 passed, 0 failed, 0 skipped")
    expect(result.results.map(({ cached }) => cached)).toEqual([false, true])
  })

  it("counts todo tests as skipped", () => {
    expect(lastLine(outcome([suite({ ...report(1, 0, 2), numTodoTests: 3 })]))).toBe("1 passed, 0 failed, 5 skipped")
  })

  it.each([
    ["a failed test", suite(report(3, 1), bad), "3 passed, 1 failed, 0 skipped"],
    ["a failed check", check(bad), "0 passed, 1 failed, 0 skipped"],
    ["a check that never started", check(undefined), "0 passed, 0 failed, 1 skipped"],
    ["a suite that never started", { ...suite(undefined), ran: undefined }, "0 passed, 0 failed, 1 skipped"],
    ["a suite without a report", suite(undefined, bad), "0 passed, 1 failed, 0 skipped"],
    ["a suite without a report that claims success", suite(undefined), "0 passed, 1 failed, 0 skipped"],
    ["a report that isn't vitest's", suite({ tests: 3 }), "0 passed, 1 failed, 0 skipped"],
    ["a suite without tests", suite(report(0)), "0 passed, 1 failed, 0 skipped"],
    ["a suite of skipped tests", suite(report(0, 0, 4)), "0 passed, 1 failed, 4 skipped"],
    ["a file that doesn't load", suite(report(3, 0, 0, false), bad), "3 passed, 1 failed, 0 skipped"],
    ["an error after the tests", suite(report(3), bad), "3 passed, 1 failed, 0 skipped"]
  ])("isn't ok with %s", (_, task, line) => {
    expect(lastLine(outcome([task]))).toBe(line)
    expect(outcome([task, suite(report(5))]).ok).toBe(false)
  })

  it("is ok without what this machine can't run, and says so", () => {
    const result = outcome([suite(report(3)), {
      ...suite(undefined),
      ran: undefined,
      leftOut: "no container engine answers"
    }])
    expect(lastLine(result)).toBe("3 passed, 0 failed, 1 skipped")
    expect(result.ok).toBe(true)
    expect(result.results[1]?.leftOut).toBe("no container engine answers")
  })

  it("isn't ok when no test ran", () => {
    expect(outcome([check(ok)]).ok).toBe(false)
    expect(outcome([]).ok).toBe(false)
  })

  it("is ok exactly when something ran and nothing failed or stayed out", () => {
    const tasks = fc.array(
      fc.constantFrom(check(ok), check(bad), check(undefined), suite(report(2)), suite(report(1, 1), bad))
    )
    fc.assert(
      fc.property(tasks, (all) => {
        const { failed, ok: fine } = outcome(all)
        const stayedOut = all.some(({ ran }) => ran === undefined)
        expect(fine).toBe(failed === 0 && !stayedOut && all.some(({ kind }) => kind === "suite"))
      })
    )
  })
})
