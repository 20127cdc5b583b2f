/** The embedded stores: what all stores do, and what only these do. */
import { Runs, Store } from "@assay/store"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { fork } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { snapshot } from "./example.ts"
import { checkNewest } from "./newest.ts"
import { checkRuns, day, request, start, take } from "./runs.ts"

const root = mkdtempSync(join(tmpdir(), "assay-runs-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let count = 0
const path = (): string => join(root, String(count++))

const fresh = (layer: (path: string) => Layer.Layer<Runs | Store, unknown>) =>
  Layer.unwrap(Effect.sync(() => layer(path())))

checkRuns("memory", Runs.layerMemory)
checkRuns("a file", fresh((file) => Runs.layerFile(`${file}.sqlite`)))
checkRuns("a folder", fresh(Runs.layerFolder))

/** A process that takes its turn, says so, and holds it until it is killed. */
const holder = (file: string) => {
  const child = fork(new URL("runner.ts", import.meta.url), [file], {
    execArgv: ["--conditions=@assay/source", "--disable-warning=ExperimentalWarning"]
  })
  return { child, said: once(child, "message").then(([message]) => message as string) }
}

describe("an embedded store of several processes", () => {
  it("lets one of them run, and the next when that one is killed, with what it was running", async () => {
    const file = `${path()}.sqlite`
    const first = holder(file)
    const experiment = await first.said
    assert.strictEqual(experiment, "running checkout")

    const waited: Array<string> = []
    const second = Effect.gen(function*() {
      const runs = yield* Runs
      yield* runs.enter(Effect.sync(() => {
        waited.push("waiting")
        first.child.kill("SIGKILL")
      }))
      const [before] = yield* runs.list()
      const claim = yield* take("second")
      yield* claim.store("p").put(snapshot("s", day(1)))
      const [after] = yield* runs.list()
      return { before, after }
    })
    const { after, before } = await Effect.runPromise(second.pipe(Effect.scoped, Effect.provide(Runs.layerFile(file))))
    assert.deepStrictEqual(waited, ["waiting"])
    assert.deepStrictEqual([before?.state, before?.error?.code], ["queued", "runner_lost"])
    assert.deepStrictEqual([after?.state, after?.attempt, after?.snapshot], ["succeeded", 2, "s"])
  })

  it("drops the result of a runner whose run was given back behind its back", async () => {
    const file = `${path()}.sqlite`
    const program = Effect.gen(function*() {
      const stale = yield* start()
      yield* Effect.scoped((yield* Runs).enter(Effect.void))
      const error = yield* Effect.flip(stale.store("p").put(snapshot("s", day(1))))
      return [error.message, yield* (yield* Store).list("checkout")] as const
    })
    const [message, listed] = await Effect.runPromise(program.pipe(Effect.provide(Runs.layerFile(file))))
    assert.include(message, "dropped")
    assert.deepStrictEqual(listed, [])
  })
})

describe("a backup", () => {
  for (const [name, layer] of [["a file", Runs.layerFile], ["a folder", Runs.layerFolder]] as const) {
    it.live(`of ${name} holds everything, and never overwrites`, () =>
      Effect.gen(function*() {
        const [from, to] = [path(), path()]
        yield* Effect.gen(function*() {
          const runs = yield* Runs
          yield* (yield* start()).store("p").put(snapshot("s", day(1)))
          yield* runs.backup(to)
          assert.include((yield* Effect.flip(runs.backup(to))).message, "overwrites nothing")
        }).pipe(Effect.provide(layer(from)))
        yield* Effect.gen(function*() {
          assert.strictEqual((yield* (yield* Runs).list())[0]?.snapshot, "s")
          assert.strictEqual(Option.getOrThrow(yield* (yield* Store).latest("checkout")).id, "s")
        }).pipe(Effect.provide(layer(to)))
      }))
  }
})

describe("a file that isn't a store", () => {
  it.live("is refused, and left alone", () =>
    Effect.gen(function*() {
      const file = path()
      writeFileSync(file, "Not a database. ".repeat(100))
      const error = yield* Effect.flip(Effect.provide(Effect.void, Runs.layerFile(file)))
      assert.include(error.message, file)
      assert.include(error.message, "file is not a database")
      assert.include(error.hint, "move it away")
      assert.include(readFileSync(file, "utf8"), "Not a database.")
      assert.isFalse(existsSync(`${file}-wal`))
    }))

  it.live("in a version from the future is refused", () =>
    Effect.gen(function*() {
      const file = path()
      yield* Effect.provide((yield* Effect.succeed(Runs)).use((runs) => runs.enqueue(request())), Runs.layerFile(file))
      const { DatabaseSync } = yield* Effect.promise(() => import("node:sqlite"))
      const db = new DatabaseSync(file)
      db.exec("PRAGMA user_version = 99")
      db.close()
      const error = yield* Effect.flip(Effect.provide(Effect.void, Runs.layerFile(file)))
      assert.include(error.message, "newer version")
    }))
})

describe("what goes wrong in a file", () => {
  it.live("is told as SQLite says it, also where SQLite has undone the transaction by itself", () =>
    Effect.gen(function*() {
      const file = path()
      const error = yield* Effect.gen(function*() {
        const { DatabaseSync } = yield* Effect.promise(() => import("node:sqlite"))
        const db = new DatabaseSync(file)
        db.exec("CREATE TRIGGER full BEFORE INSERT ON runs BEGIN SELECT raise(ROLLBACK, 'no room is left'); END")
        db.close()
        return yield* Effect.flip(Runs.use((runs) => runs.enqueue(request())))
      }).pipe(Effect.provide(Runs.layerFile(file)))
      assert.include(error.message, "no room is left")
    }))
})

describe("snapshots in a file", () => {
  it.live("have the newest of several experiments as their lists have", () =>
    Effect.gen(function*() {
      yield* checkNewest(yield* Store)
    }).pipe(Effect.provide(Runs.layerFile(path()))))
})

describe("pruning a folder", () => {
  it.live("leaves alone what else lies among the snapshots", () =>
    Effect.gen(function*() {
      const root = path()
      yield* Effect.gen(function*() {
        yield* (yield* start()).store("p").put(snapshot("s", day(1)))
        writeFileSync(join(root, "snapshots", ".DS_Store"), "")
        const { snapshots } = yield* (yield* Runs).prune({ before: Date.parse(day(9)), keep: 0 })
        assert.strictEqual(snapshots, 1)
        assert.isTrue(existsSync(join(root, "snapshots", ".DS_Store")))
      }).pipe(Effect.provide(Runs.layerFolder(root)))
    }))
})

describe("a URL of PostgreSQL", () => {
  for (
    const url of ["postgres://u:10%@127.0.0.1:1/db", "postgres://u%:p@127.0.0.1:1/db", "postgres://u:p@127.0.0.1:1/d%b"]
  ) {
    it.live(`with a stray % is refused with what to write: ${url}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Effect.provide(Effect.void, Runs.layerPostgres({ url })))
        assert.include(`${error.message} ${error.hint}`, "%25")
      }))
  }
})
