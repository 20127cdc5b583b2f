import { type Experiment, Instant, type Refresh } from "@assay/model"
import type { Run, Standing } from "@assay/store"
import { assert, describe, it } from "vitest"
import { due, isDead } from "../src/index.ts"

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** The start of the experiment. */
const start = Date.UTC(2026, 0, 1)

const experimentOf = (more: Partial<Experiment> = {}): Experiment => ({
  key: "checkout",
  environment: "production",
  feature: "checkout",
  started_at: Instant.fromMillis(start),
  control: "a",
  variants: [{ key: "a", share: 1 }, { key: "b", share: 1 }],
  metrics: [{ metric: "purchased", role: "goal" }],
  ...more
})

/** A run that was taken at an instant and took a minute. */
const runOf = (at: number, more: Partial<Run> = {}): Run => ({
  id: "r",
  experiment: "checkout",
  state: "succeeded",
  reason: "schedule",
  definition_hash: "d",
  attempt: 1,
  failures: 0,
  queued_at: Instant.fromMillis(at),
  started_at: Instant.fromMillis(at),
  finished_at: Instant.fromMillis(at + minute),
  result: "new",
  snapshot: "s",
  ...more
})

const after = (at: number, more: Partial<Run> = {}): Standing => {
  const last = runOf(at, more)
  return last.state === "succeeded" ? { last, succeeded: last } : { last, succeeded: runOf(at - hour) }
}

const next = (
  refresh: Refresh,
  standing: Standing | undefined,
  experiment = experimentOf(),
  definitionHash = "d",
  now = start
) => {
  const found = due({ experiment, now, refresh, definitionHash, standing })
  return found === undefined ? undefined : [found.reason, found.at] as const
}

describe("the next run", () => {
  it("is the first one, once the experiment has started", () => {
    assert.deepStrictEqual(next({ every: "1h" }, undefined), ["first", start])
  })

  it("is none while one is queued or running, and none ever where it is never refreshed", () => {
    for (const state of ["queued", "running"] as const) {
      assert.isUndefined(next({ every: "1h" }, after(start + day, { state })))
    }
    assert.isUndefined(next("never", undefined))
    assert.isUndefined(next("never", after(start)))
  })

  it("comes an interval after the last one was taken, but not before that one ended", () => {
    assert.deepStrictEqual(next({ every: "1h" }, after(start + day)), ["schedule", start + day + hour])
    assert.deepStrictEqual(next({ every: "10s" }, after(start + day)), ["schedule", start + day + minute])
  })

  it("comes ever later as the experiment grows old, up to a bound", () => {
    const refresh: Refresh = { every: "1h", grows: 0.05, up_to: "1d" }
    const ages = [hour, 10 * day, 20 * day, 100 * day]
    assert.deepStrictEqual(
      ages.map((age) => next(refresh, after(start + age))![1] - (start + age)),
      [hour, 12 * hour, day, day]
    )
  })

  it("comes when cron says, in its time zone", () => {
    const at = Date.UTC(2026, 2, 27, 12)
    assert.deepStrictEqual(next({ cron: "0 6 * * *" }, after(at)), ["schedule", Date.UTC(2026, 2, 28, 6)])
    const paris: Refresh = { cron: "0 6 * * *", zone: "Europe/Paris" }
    assert.deepStrictEqual(next(paris, after(at)), ["schedule", Date.UTC(2026, 2, 28, 5)])
    // Summer time began on the 29th.
    assert.deepStrictEqual(next(paris, after(at + day + 12 * hour)), ["schedule", Date.UTC(2026, 2, 29, 4)])
  })

  it("looks for new data more often than it computes", () => {
    const refresh: Refresh = { after_data: "15m" }
    assert.deepStrictEqual(next(refresh, after(start + day)), ["schedule", start + day + 15 * minute])
    assert.deepStrictEqual(next(refresh, after(start + day, { result: "unchanged" })), [
      "schedule",
      start + day + 2 * minute
    ])
  })

  it("comes at once when the definitions have changed", () => {
    assert.deepStrictEqual(next({ every: "1d" }, after(start + day), experimentOf(), "other"), [
      "definition",
      start + day + minute
    ])
  })

  it("may come a tenth of its pause sooner where it goes with others, five minutes at most, and never by cron", () => {
    const sooner = (refresh: Refresh, more: Partial<Run> = {}) => {
      const { at, from } = due({
        experiment: experimentOf(),
        now: start,
        refresh,
        definitionHash: "d",
        standing: after(start + day, more)
      })!
      return from === undefined ? undefined : at - from
    }
    assert.strictEqual(sooner({ every: "1d" }), 5 * minute)
    assert.strictEqual(sooner({ every: "21m" }), 2 * minute)
    assert.strictEqual(sooner({ after_data: "15m" }, { result: "unchanged" }), minute / 10)
    assert.isUndefined(sooner({ cron: "0 6 * * *" }))
    assert.isUndefined(sooner({ every: "10s" }))
    assert.isUndefined(sooner({ every: "1h" }, { definition_hash: "other" }))
  })

  it("rests after failures, twice as long each time and a day at most; not when the definitions have changed since", () => {
    const failed = (failures: number) => after(start + day, { state: "failed", failures })
    const pauses = [0, 1, 5, 30].map((failures) =>
      next({ every: "10s" }, failed(failures))![1] - (start + day + minute)
    )
    assert.deepStrictEqual(pauses, [minute, 2 * minute, 32 * minute, day])
    assert.deepStrictEqual(next({ every: "10s" }, failed(30), experimentOf(), "mended"), [
      "definition",
      start + day + minute
    ])
  })

  it("is the final one, once late events have had their time, and then none", () => {
    const ended = start + 14 * day
    const experiment = experimentOf({ ended_at: Instant.fromMillis(ended) })
    const refresh: Refresh = { every: "6h", grace: "2d" }
    const final = ended + 2 * day
    assert.deepStrictEqual(next(refresh, after(ended - hour), experiment), ["schedule", ended + 5 * hour])
    assert.deepStrictEqual(next(refresh, after(final - hour), experiment), ["final", final])
    // Due before, but looked at after it: what it reads is all that there will be.
    assert.deepStrictEqual(next(refresh, after(final - 7 * hour), experiment, "d", final - 1), [
      "schedule",
      final - hour
    ])
    assert.deepStrictEqual(next(refresh, after(final - 7 * hour), experiment, "d", final), ["final", final])
    assert.isUndefined(next(refresh, after(final), experiment))
    assert.deepStrictEqual(next(refresh, after(final, { state: "failed" }), experiment)![0], "final")
    assert.deepStrictEqual(next(refresh, after(final + day), experiment, "mended")![0], "definition")
  })
})

describe("an experiment", () => {
  it("is dead after three failed runs in a row, and not before", () => {
    const dead = [0, 1, 2, 9].map((failures) => isDead(after(start, { state: "failed", failures })))
    assert.deepStrictEqual(dead, [false, false, true, true])
    assert.isFalse(isDead(after(start, { failures: 9 })))
  })
})
