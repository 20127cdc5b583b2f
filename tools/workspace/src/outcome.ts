import { isRecord } from "./Workspace.ts"

/** One task of a run: a check of the whole repository, or the test suite of a package. */
export interface Task {
  /** As nx names it: `@assay/stats:test`. */
  readonly id: string
  /** `undefined` when it never started, because something it needs failed. */
  readonly ran: { readonly ok: boolean; readonly cached: boolean } | undefined
  /** A suite's report, as vitest's JSON reporter wrote it; `undefined` for a check, and for a suite that wrote none. */
  readonly report: unknown
  readonly kind: "check" | "suite"
  /** Why it was left out, where this machine lacks what it needs: a suite that wants containers where no engine answers. */
  readonly leftOut?: string
}

/** What came of one task. */
export interface Result {
  readonly id: string
  readonly kind: Task["kind"]
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly cached: boolean
  /** What is wrong beyond failed tests. */
  readonly problem: string | undefined
  readonly leftOut: string | undefined
}

/** What came of a run. */
export interface Outcome {
  readonly results: ReadonlyArray<Result>
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** True when nothing failed or stayed out, and at least one test ran. */
  readonly ok: boolean
}

/**
 * Counts a run. A check is one passed or failed; a suite counts its tests. A suite that failed without a failed test (a file that doesn't
 * load, an error after the tests), wrote no report, or ran no test, is one failure. What never started counts as skipped, and isn't ok;
 * what was left out counts as skipped too, and is.
 *
 * @param tasks all tasks that should have run
 */
export const outcome = (tasks: ReadonlyArray<Task>): Outcome => {
  const results = tasks.map(resultOf)
  const total = (count: "passed" | "failed" | "skipped") => results.reduce((sum, result) => sum + result[count], 0)
  const tests = results.reduce((sum, { failed, kind, passed }) => (kind === "suite" ? sum + passed + failed : sum), 0)
  return {
    results,
    passed: total("passed"),
    failed: total("failed"),
    skipped: total("skipped"),
    ok: tests > 0 && total("failed") === 0 &&
      tasks.every(({ leftOut, ran }) => leftOut !== undefined || ran?.ok === true)
  }
}

const resultOf = ({ id, kind, leftOut, ran, report }: Task): Result => {
  const result = {
    id,
    kind,
    passed: 0,
    failed: 0,
    skipped: 0,
    cached: ran?.cached ?? false,
    problem: undefined,
    leftOut
  }
  if (leftOut !== undefined) return { ...result, skipped: 1 }
  if (ran === undefined) return { ...result, skipped: 1, problem: "didn't run, because something it needs failed" }
  if (kind === "check") return ran.ok ? { ...result, passed: 1 } : { ...result, failed: 1 }
  const told = countsOf(report)
  if (told === undefined) return { ...result, failed: 1, problem: "wrote no report" }
  const { success, ...counts } = told
  if (counts.passed + counts.failed === 0) return { ...result, ...counts, failed: 1, problem: "ran no test" }
  return counts.failed === 0 && !(ran.ok && success)
    ? { ...result, ...counts, failed: 1, problem: "failed outside of its tests" }
    : { ...result, ...counts }
}

const countsOf = (report: unknown) => {
  if (!isRecord(report)) return undefined
  const { numFailedTests, numPassedTests, numPendingTests, numTodoTests, success } = report
  return typeof numPassedTests === "number" && typeof numFailedTests === "number" &&
      typeof numPendingTests === "number" && typeof numTodoTests === "number"
    ? {
      passed: numPassedTests,
      failed: numFailedTests,
      skipped: numPendingTests + numTodoTests,
      success: success === true
    }
    : undefined
}

/** The line that a run ends with. */
export const lastLine = ({ failed, passed, skipped }: Outcome): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`
