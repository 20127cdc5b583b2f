/** What the runs of every store do; the same for those in a file, in a folder, in memory, and in PostgreSQL. */
import { idAfter, interrupted, type Run, type RunError, Runs, Store } from "@assay/store"
import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import { snapshot } from "./example.ts"

export const day = (n: number): string => `2026-01-${String(n).padStart(2, "0")}T00:00:00.000Z`

export const request = (experiment = "checkout") => ({
  experiment,
  reason: "schedule" as const,
  definitionHash: "d"
})

export const failure: RunError = { code: "warehouse_unavailable", message: "It didn't answer.", hint: "Look at it" }

const forever = Date.UTC(2190, 0, 1)

/** Takes the next run, of which there must be one. */
export const take = Effect.fn("test.take")(function*(runner = "a", atMost = 10) {
  const runs = yield* Runs
  const [claim] = yield* runs.claim({ runner, atMost })
  return claim!
})

/** Queues a run of an experiment and takes it. */
export const start = Effect.fn("test.start")(function*(experiment = "checkout", runner = "a") {
  const runs = yield* Runs
  yield* runs.enqueue(request(experiment))
  return yield* take(runner)
})

const now = Effect.fn("test.now")(function*(id: string) {
  return Option.getOrThrow(yield* (yield* Runs).get(id))
})

const essence = ({ attempt, state }: Run) => [state, attempt]

/** The tests, on a store that starts empty with each use of the layer. */
export const checkRuns = (name: string, layer: Layer.Layer<Runs | Store, unknown>): void => {
  describe(`runs in ${name}`, () => {
    const check = (title: string, body: Effect.Effect<void, unknown, Runs | Store>) =>
      it.live(title, () => body.pipe(Effect.provide(layer, { local: true })))

    check(
      "go from queued to running to succeeded, with the result in the store",
      Effect.gen(function*() {
        const runs = yield* Runs
        const { queued, run } = yield* runs.enqueue({ ...request(), requestedBy: "ada" })
        assert.isTrue(queued)
        assert.deepStrictEqual(essence(run), ["queued", 0])
        assert.strictEqual(run.requested_by, "ada")
        const claim = yield* take("runner-1")
        assert.deepStrictEqual([claim.run.id, claim.run.state, claim.run.runner], [run.id, "running", "runner-1"])
        assert.strictEqual(Date.parse(claim.run.started_at!), claim.at)
        const kept = yield* claim.store("print").put(snapshot("s1", day(1)))
        assert.isTrue(kept.latest)
        const done = yield* now(run.id)
        assert.deepStrictEqual(
          [done.state, done.result, done.snapshot, done.fingerprint],
          ["succeeded", "new", "s1", "print"]
        )
        assert.isDefined(done.finished_at)
        assert.strictEqual(Option.getOrThrow(yield* (yield* Store).latest("checkout")).id, "s1")
      })
    )

    check(
      "are one at a time for an experiment, however often they are asked for",
      Effect.gen(function*() {
        const runs = yield* Runs
        const first = yield* runs.enqueue(request())
        const again = yield* runs.enqueue({ ...request(), reason: "request" })
        assert.deepStrictEqual([again.run.id, again.queued], [first.run.id, false])
        yield* take()
        const third = yield* runs.enqueue(request())
        assert.deepStrictEqual([third.run.id, third.queued], [first.run.id, false])
        assert.deepStrictEqual(yield* runs.claim({ runner: "b", atMost: 10 }), [])
      })
    )

    check(
      "follow a run once: who decided on what is past gets the run that is there",
      Effect.gen(function*() {
        const runs = yield* Runs
        const one = yield* start()
        yield* one.unchanged("s0", "print")
        const two = yield* runs.enqueue({ ...request(), follows: one.run.id })
        assert.isTrue(two.queued)
        assert.strictEqual(two.run.id, idAfter("checkout", one.run.id))
        yield* (yield* take()).unchanged("s0", "print")
        const late = yield* runs.enqueue({ ...request(), follows: one.run.id })
        assert.deepStrictEqual([late.queued, late.run.id, late.run.state], [false, two.run.id, "succeeded"])
        const first = yield* runs.enqueue({ ...request(), follows: null })
        assert.deepStrictEqual([first.queued, first.run.id], [false, one.run.id])
      })
    )

    check(
      "wait for their next attempt with the error of the last one, and fail for good",
      Effect.gen(function*() {
        const runs = yield* Runs
        const one = yield* start()
        assert.isTrue(yield* one.fail(failure, forever))
        const waiting = yield* now(one.run.id)
        assert.deepStrictEqual(essence(waiting), ["queued", 1])
        assert.deepStrictEqual([waiting.error, Date.parse(waiting.next_at!)], [failure, forever])
        assert.deepStrictEqual(yield* runs.claim({ runner: "a", atMost: 10 }), [])
        assert.isTrue(yield* runs.cancel(one.run.id))

        const two = yield* start("other")
        yield* two.fail(failure, two.at - 1)
        const again = yield* take("b")
        assert.deepStrictEqual([again.run.id, again.run.attempt], [two.run.id, 2])
        yield* again.fail({ ...failure, code: "query_rejected" })
        const failed = yield* now(two.run.id)
        assert.deepStrictEqual([failed.state, failed.error?.code], ["failed", "query_rejected"])
        assert.strictEqual((yield* runs.enqueue(request("other"))).run.failures, 1)
      })
    )

    check(
      "take their result from the one runner that has them",
      Effect.gen(function*() {
        const runs = yield* Runs
        const lost = yield* start()
        yield* lost.fail(failure, lost.at - 1)
        const held = yield* take("b")
        const error = yield* Effect.flip(lost.store("old").put(snapshot("old", day(9))))
        assert.include(error.message, "dropped")
        assert.isFalse(yield* lost.beat())
        assert.isFalse(yield* lost.fail(failure))
        assert.isFalse(yield* lost.unchanged("s", "old"))
        assert.isTrue(yield* held.beat())
        yield* held.store("new").put(snapshot("new", day(2)))
        assert.strictEqual((yield* now(lost.run.id)).snapshot, "new")
        assert.deepStrictEqual((yield* (yield* Store).list("checkout")).map(({ id }) => id), ["new"])
        assert.strictEqual((yield* runs.list()).length, 1)
      })
    )

    check(
      "tell how far they are",
      Effect.gen(function*() {
        const claim = yield* start()
        const progress = { stage: "query" as const, rows_read: 10, total_rows: 100, elapsed_ms: 5 }
        assert.isTrue(yield* claim.beat(progress))
        assert.deepStrictEqual((yield* now(claim.run.id)).progress, progress)
        yield* claim.unchanged("s", "p")
        assert.isUndefined((yield* now(claim.run.id)).progress)
      })
    )

    check(
      "can be cancelled, also while they run",
      Effect.gen(function*() {
        const runs = yield* Runs
        const claim = yield* start()
        assert.isTrue(yield* runs.cancel(claim.run.id))
        assert.isFalse(yield* claim.beat())
        assert.strictEqual((yield* now(claim.run.id)).state, "cancelled")
        assert.isFalse(yield* runs.cancel(claim.run.id))
        assert.include((yield* Effect.flip(claim.store("p").put(snapshot("s", day(1))))).message, "dropped")
        assert.isTrue(Option.isNone(yield* (yield* Store).latest("checkout")))
        assert.isTrue((yield* runs.enqueue(request())).queued)
      })
    )

    check(
      "go no further than the warehouse's share, and those that people wait for first",
      Effect.gen(function*() {
        const runs = yield* Runs
        for (const key of ["a", "b", "c"]) yield* runs.enqueue(request(key))
        yield* runs.enqueue({ ...request("asked"), reason: "request" })
        assert.strictEqual((yield* take("r", 2)).run.experiment, "asked")
        const second = yield* take("s", 2)
        assert.strictEqual(second.run.experiment, "a")
        assert.deepStrictEqual(yield* runs.claim({ runner: "t", atMost: 2 }), [])
        yield* second.unchanged("s", "p")
        assert.strictEqual((yield* take("t", 2)).run.experiment, "b")
      })
    )

    check(
      "go together in groups, at one instant, as one, and end each by itself",
      Effect.gen(function*() {
        const runs = yield* Runs
        for (const key of ["a", "b", "c", "d"]) yield* runs.enqueue(request(key))
        const groups = [["d", "a", "gone"], ["b", "gone"], ["c"]]
        const claims = yield* runs.claim({ runner: "r", atMost: 2, groups })
        assert.deepStrictEqual(claims.map(({ run }) => run.experiment).toSorted(), ["a", "d"])
        assert.strictEqual(new Set(claims.map(({ at }) => at)).size, 1)
        assert.deepStrictEqual(new Set(claims.map(({ run }) => run.together)), new Set([claims[0]!.run.id]))
        const [second, none] = yield* runs.claim({ runner: "r", atMost: 2, groups })
        assert.deepStrictEqual([second!.run.experiment, second!.run.together, none], ["b", undefined, undefined])
        assert.deepStrictEqual(yield* runs.claim({ runner: "r", atMost: 2, groups }), [])

        const of = (key: string) => claims.find(({ run }) => run.experiment === key)!
        assert.isTrue(yield* runs.cancel(of("d").run.id))
        assert.isFalse(yield* of("d").beat())
        assert.isTrue(yield* of("a").beat())
        yield* of("a").store("p").put(snapshot("s", day(1), "a"))
        const standings = yield* runs.standings
        assert.deepStrictEqual(["a", "b", "c", "d"].map((key) => standings.get(key)?.last.state), [
          "succeeded",
          "running",
          "queued",
          "cancelled"
        ])
      })
    )

    check(
      "aren't waited for by one that somebody asked for, where they go together",
      Effect.gen(function*() {
        const runs = yield* Runs
        for (const key of ["a", "b", "c"]) yield* runs.enqueue(request(key))
        const groups = [["a", "b", "asked", "again"]]
        const claims = yield* runs.claim({ runner: "r", atMost: 1, groups })
        assert.strictEqual(claims.length, 2)
        assert.deepStrictEqual(yield* runs.claim({ runner: "r", atMost: 1, groups }), [])
        for (const key of ["asked", "again"]) yield* runs.enqueue({ ...request(key), reason: "request" })
        const asked = yield* runs.claim({ runner: "r", atMost: 1, groups })
        assert.deepStrictEqual(asked.map(({ run }) => [run.experiment, run.together]), [["asked", undefined]])
        assert.deepStrictEqual(yield* runs.claim({ runner: "r", atMost: 1, groups }), [])
        for (const one of [...claims, ...asked]) yield* one.unchanged("s", "p")
        const next = yield* runs.claim({ runner: "r", atMost: 1, groups })
        assert.deepStrictEqual(next.map(({ run }) => run.experiment), ["again"])
        assert.deepStrictEqual(yield* runs.claim({ runner: "r", atMost: 1, groups }), [])
      })
    )

    check(
      "go alone after they failed, and together again where their runner was stopped",
      Effect.gen(function*() {
        const runs = yield* Runs
        const keys = ["a", "b", "c", "d"]
        const groups = [keys]
        for (const key of keys) yield* runs.enqueue(request(key))
        const claims = yield* runs.claim({ runner: "r", atMost: 5, groups })
        assert.strictEqual(claims.length, 4)
        for (const { at, fail, run } of claims) {
          yield* fail(run.experiment < "c" ? failure : interrupted, at - 1)
        }
        const taken: Array<string> = []
        for (let i = 0; i < 3; i++) {
          const next = yield* runs.claim({ runner: "r", atMost: 5, groups })
          taken.push(next.map(({ run }) => run.experiment).toSorted().join(" "))
        }
        assert.deepStrictEqual(taken.toSorted(), ["a", "b", "c d"])
      })
    )

    check(
      "show how each experiment stands, and what there was, newest first",
      Effect.gen(function*() {
        const runs = yield* Runs
        const good = yield* start()
        yield* good.unchanged("s", "p")
        const bad = yield* start()
        yield* bad.fail(failure)
        yield* runs.enqueue(request("héllo \u{1F600}"))
        const standings = yield* runs.standings
        assert.deepStrictEqual([...standings.keys()].toSorted(), ["checkout", "héllo \u{1F600}"])
        const { last, succeeded } = standings.get("checkout")!
        assert.deepStrictEqual([last.id, succeeded?.id], [bad.run.id, good.run.id])
        assert.deepStrictEqual((yield* runs.list({ experiment: "checkout" })).map(({ id }) => id), [
          bad.run.id,
          good.run.id
        ])
        assert.deepStrictEqual((yield* runs.list({ states: ["failed", "queued"], limit: 1 })).length, 1)
        assert.deepStrictEqual((yield* runs.list({ states: ["failed"] })).map(({ id }) => id), [bad.run.id])
        assert.isTrue(Option.isNone(yield* runs.get("00000000-0000-8000-a000-000000000000")))
        assert.isTrue(Option.isNone(yield* runs.get("no id")))
      })
    )

    check(
      "are forgotten when they are old, but never the last ones, nor the newest results",
      Effect.gen(function*() {
        const runs = yield* Runs
        const store = yield* Store
        for (const n of [1, 2, 3]) {
          const claim = yield* start()
          yield* claim.store("p").put(snapshot(`s${n}`, day(n)))
        }
        const last = yield* start()
        yield* last.fail(failure)
        assert.deepStrictEqual(yield* runs.prune({ before: 0, keep: 1 }), { runs: 0, snapshots: 0 })
        assert.deepStrictEqual(yield* runs.prune({ before: forever, keep: 2 }), { runs: 2, snapshots: 1 })
        assert.deepStrictEqual((yield* runs.list()).map(({ state }) => state), ["failed", "succeeded"])
        assert.deepStrictEqual((yield* store.list("checkout")).map(({ id }) => id), ["s3", "s2"])
      })
    )

    check(
      "are taken at ever later instants",
      Effect.gen(function*() {
        const ats: Array<number> = []
        for (let n = 0; n < 5; n++) {
          const claim = yield* start()
          ats.push(claim.at)
          yield* claim.unchanged("s", "p")
        }
        assert.deepStrictEqual(ats, [...new Set(ats)].toSorted((a, b) => a - b))
      })
    )
  })
}
