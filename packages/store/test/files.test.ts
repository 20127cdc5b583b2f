/** The store on a real disk: hostile keys, races, crashes, damage. */
import { StoreError } from "@assay/model"
import { Store } from "@assay/store"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result } from "effect"
import * as fc from "fast-check"
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { promisify } from "node:util"
import { files } from "../src/files.ts"
import { storeError } from "../src/storeError.ts"
import { snapshot } from "./example.ts"

const run = promisify(execFile)

const temporary = Effect.acquireRelease(
  Effect.promise(() => Fs.mkdtemp(join(tmpdir(), "assay-store-"))),
  (root) => Effect.promise(() => Fs.rm(root, { recursive: true, force: true }))
)

const instant = (millis: number): string => new Date(Date.UTC(2026, 0, 1) + millis).toISOString()

/** Everything below a directory, as paths from it. */
const tree = (root: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(() => Fs.readdir(root, { recursive: true }))

const writer = (root: string, ...pairs: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(async () => {
    const script = join(import.meta.dirname, "writer.ts")
    const { stdout } = await run(process.execPath, ["--conditions=@assay/source", script, root, ...pairs])
    return stdout.split("\n")
  })

describe("the layout", () => {
  it.effect("is a directory per experiment and a file per snapshot, named by instant and id", () =>
    Effect.gen(function*() {
      const root = yield* temporary
      const { path } = yield* files(root).put(snapshot("r1", "2026-01-15T09:30:00Z", "Checkout: new"))
      assert.match(path.slice(root.length), /^\/snapshots\/checkout-new-[0-9a-f]{16}\/20260115T093000000Z-r1\.json$/)
      const text = yield* Effect.promise(() => Fs.readFile(path, "utf8"))
      assert.deepStrictEqual(JSON.parse(text), snapshot("r1", "2026-01-15T09:30:00Z", "Checkout: new"))
    }))

  it.effect(
    "stays below the root for hostile keys, and every key finds its own snapshot again",
    () =>
      Effect.gen(function*() {
        const root = yield* temporary
        const store = files(join(root, "store"))
        const hostile = fc.sample(
          fc.oneof(
            fc.string({ unit: "binary", minLength: 1, maxLength: 200 }),
            fc.array(fc.constantFrom("../", "/", "\\", "'", "\"", "a", "A", " ", "\u202e", "\ud800", "日", "%00"), {
              minLength: 1,
              maxLength: 60
            }).map((parts) => parts.join(""))
          ),
          { numRuns: 60, seed: 7 }
        )
        const keys = [...new Set([...hostile, "..", "../../etc/passwd", "/etc/passwd", "a".repeat(200), "CON", "con"])]
        yield* Effect.forEach(keys, (key) => store.put(snapshot("r1", instant(0), key)), { concurrency: 8 })
        for (const key of keys) {
          assert.strictEqual(Option.getOrThrow(yield* store.latest(key)).experiment, key)
        }
        assert.deepStrictEqual(yield* Effect.promise(() => Fs.readdir(root)), ["store"])
        assert.strictEqual(
          (yield* Effect.promise(() => Fs.readdir(join(root, "store", "snapshots")))).length,
          keys.length
        )
      })
  )
})

/** Five snapshots of process `p`, between those of other processes in time. */
const own = (p: number): ReadonlyArray<string> =>
  Array.from({ length: 5 }, (_, n) => `p${p}n${n}=${instant(n * 10 + p)}`)

describe("the latest", () => {
  it.effect("is the one with the latest as_of, for any order of writing and many writers at once", () =>
    Effect.gen(function*() {
      const orders = fc.sample(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 1 }), {
        numRuns: 20,
        seed: 3
      })
      for (const order of orders) {
        const store = files(yield* temporary)
        const answers = yield* Effect.forEach(
          order,
          (n) => Effect.map(store.put(snapshot(`r${n}`, instant(n))), ({ latest }) => ({ n, latest })),
          { concurrency: "unbounded" }
        )
        const newest = Math.max(...order)
        assert.strictEqual(Option.getOrThrow(yield* store.latest("checkout")).id, `r${newest}`)
        assert.isTrue(answers.find(({ n }) => n === newest)?.latest)
      }
    }))

  it.effect("holds for several processes, and an id goes to exactly one of them", () =>
    Effect.gen(function*() {
      const root = yield* temporary
      const outputs = yield* Effect.forEach(
        [0, 1, 2],
        (p) => writer(root, `contested=${instant(-p)}`, ...own(p)),
        { concurrency: "unbounded" }
      )
      const store = files(root)
      assert.strictEqual(Option.getOrThrow(yield* store.latest("checkout")).id, "p2n4")
      assert.strictEqual((yield* store.list("checkout")).length, 16)
      assert.strictEqual(outputs.flat().filter((line) => line === "put contested").length, 1)
      assert.strictEqual(outputs.flat().filter((line) => line.startsWith("refused")).length, 2)
      assert.isFalse((yield* tree(root)).some((path) => path.endsWith(".tmp")))
    }))

  it.effect("goes to one of many fibers that want the same id", () =>
    Effect.gen(function*() {
      const root = yield* temporary
      const store = files(root)
      const results = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, n) => n),
        (n) => Effect.result(store.put(snapshot("same", instant(n)))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter(Result.isSuccess).length, 1)
      assert.strictEqual((yield* tree(root)).filter((path) => basename(path).includes("same")).length, 1)
    }))
})

describe("a crash", () => {
  it.effect("leaves a temporary file that nobody reads and that disturbs no other snapshot", () =>
    Effect.gen(function*() {
      const store = files(yield* temporary)
      const { path } = yield* store.put(snapshot("r1", instant(1)))
      yield* Effect.promise(() => Fs.writeFile(join(dirname(path), ".r2.tmp"), "{\"id\": \"r2\", \"exper"))
      assert.strictEqual(Option.getOrThrow(yield* store.latest("checkout")).id, "r1")
      assert.isTrue((yield* store.put(snapshot("r3", instant(3)))).latest)
      assert.deepStrictEqual((yield* store.list("checkout")).map(({ id }) => id), ["r3", "r1"])
      const error = yield* Effect.flip(store.put(snapshot("r2", instant(2))))
      assert.include(error.message, ".r2.tmp")
      assert.include(error.hint, "remove that file")
    }))

  it.effect(
    "of a writer that is killed leaves whole snapshots, and at most one temporary file",
    () =>
      Effect.gen(function*() {
        const root = yield* temporary
        const script = join(import.meta.dirname, "writer.ts")
        const pairs = Array.from({ length: 5000 }, (_, n) => `r${n}=${instant(n)}`)
        yield* Effect.promise(async () => {
          const child = spawn(process.execPath, ["--conditions=@assay/source", script, root, ...pairs], {
            stdio: "ignore"
          })
          const ended = once(child, "exit")
          // As soon as it is busy writing.
          while (child.exitCode === null && (await Fs.readdir(root, { recursive: true })).length < 20) {
            await setTimeout(1)
          }
          child.kill("SIGKILL")
          await ended
        })
        const listed = yield* files(root).list("checkout")
        assert.isAtLeast(listed.length, 15)
        assert.isBelow(listed.length, pairs.length)
        for (const { id } of listed) {
          assert.strictEqual(Option.getOrThrow(yield* files(root).get("checkout", id)).id, id)
        }
        assert.isAtMost((yield* tree(root)).filter((path) => path.endsWith(".tmp")).length, 1)
        assert.isTrue((yield* files(root).put(snapshot("next", instant(9999)))).latest)
      })
  )

  it.effect("in the middle of a write never shows half a snapshot", () =>
    Effect.gen(function*() {
      const root = yield* temporary
      yield* files(root).put(snapshot("r1", instant(1)))
      const script = join(import.meta.dirname, "writer.ts")
      // A limit of one block of 512 bytes on files: the system cuts the write short and may kill the writer.
      const limited = yield* Effect.promise(() =>
        run("sh", [
          "-c",
          "ulimit -f 1; exec \"$0\" --conditions=@assay/source \"$1\" \"$2\" \"r2=$3\"",
          process.execPath,
          script,
          root,
          instant(2)
        ]).then(({ stdout }) => stdout, (error: unknown) => String(error))
      )
      assert.notInclude(limited, "put r2")
      assert.deepStrictEqual((yield* files(root).list("checkout")).map(({ id }) => id), ["r1"])
      assert.strictEqual(Option.getOrThrow(yield* files(root).latest("checkout")).id, "r1")
    }))
})

/** Puts r1 and r2, damages r2, and checks what still works. Answers with what `latest` says meanwhile. */
const damaged = (damage: (path: string) => Promise<void>) =>
  Effect.gen(function*() {
    const store = files(yield* temporary)
    yield* store.put(snapshot("r1", instant(1)))
    const { path } = yield* store.put(snapshot("r2", instant(2)))
    yield* Effect.promise(() => damage(path))
    const error = yield* Effect.flip(store.latest("checkout"))
    assert.include(error.message, path)
    assert.include(error.hint, "Removing it brings back the one before, r1")
    assert.instanceOf(yield* Effect.flip(store.get("checkout", "r2")), StoreError)
    assert.strictEqual(Option.getOrThrow(yield* store.get("checkout", "r1")).id, "r1")
    assert.strictEqual((yield* store.list("checkout")).length, 2)
    yield* Effect.promise(() => Fs.rm(path, { recursive: true }))
    assert.strictEqual(Option.getOrThrow(yield* store.latest("checkout")).id, "r1")
    return error
  })

describe("damage", () => {
  it.effect("to half a file is reported, not skipped, and removing the file brings back the one before", () =>
    damaged(async (path) => Fs.truncate(path, 100)))

  it.effect("to an empty file", () => damaged(async (path) => Fs.truncate(path, 0)))

  it.effect("to a directory in place of a file", () =>
    Effect.gen(function*() {
      const error = yield* damaged(async (path) => {
        await Fs.rm(path)
        await Fs.mkdir(path)
      })
      assert.include(error.hint, "A directory stands where a file is expected")
    }))

  it.effect("to a field that the Schema doesn't know in that form", () =>
    damaged(async (path) =>
      Fs.writeFile(path, JSON.stringify(Object.assign(snapshot("r2", instant(2)), { summary: {} })))
    ))

  it.effect("by a file of another experiment", () =>
    Effect.gen(function*() {
      const error = yield* damaged(async (path) =>
        Fs.writeFile(path, JSON.stringify(snapshot("r2", instant(2), "other")))
      )
      assert.include(error.message, "belongs to the experiment \"other\"")
    }))

  it.effect("by a file under another name", () =>
    Effect.gen(function*() {
      const error = yield* damaged(async (path) => Fs.writeFile(path, JSON.stringify(snapshot("r1", instant(1)))))
      assert.include(error.message, "its name doesn't fit")
    }))

  it.effect("to the only snapshot says to recompute", () =>
    Effect.gen(function*() {
      const store = files(yield* temporary)
      const { path } = yield* store.put(snapshot("r1", instant(1)))
      yield* Effect.promise(() => Fs.truncate(path, 10))
      assert.include((yield* Effect.flip(store.latest("checkout"))).hint, "recompute the experiment")
    }))
})

describe("a place that can't be used", () => {
  it.effect("is a file where a directory is expected", () =>
    Effect.gen(function*() {
      const root = join(yield* temporary, "file")
      yield* Effect.promise(() => Fs.writeFile(root, ""))
      const store = files(root)
      for (
        const error of [
          yield* Effect.flip(store.put(snapshot("r1", instant(1)))),
          yield* Effect.flip(store.latest("checkout"))
        ]
      ) {
        assert.include(error.message, root)
        assert.include(error.hint, "A file stands where a directory is expected")
      }
    }))

  it.effect("is a directory without the right to write; what is in it stays readable", () =>
    Effect.gen(function*() {
      const root = yield* temporary
      const store = files(root)
      const { path } = yield* store.put(snapshot("r1", instant(1)))
      yield* Effect.promise(async () => {
        await Fs.chmod(root, 0o755)
        await Fs.chmod(dirname(path), 0o555)
      })
      // Rights don't bind the superuser, so such a run of the tests becomes somebody else for a moment.
      const user = process.geteuid?.() === 0 ? 65_534 : undefined
      yield* Effect.acquireUseRelease(
        Effect.sync(() => user !== undefined && process.seteuid?.(user)),
        () =>
          Effect.gen(function*() {
            const error = yield* Effect.flip(store.put(snapshot("r2", instant(2))))
            assert.include(error.message, "EACCES")
            assert.include(error.hint, "right to read and write")
            assert.strictEqual(Option.getOrThrow(yield* store.latest("checkout")).id, "r1")
          }),
        () => Effect.sync(() => user !== undefined && process.seteuid?.(0))
      )
      yield* Effect.promise(() => Fs.chmod(dirname(path), 0o755))
    }))

  it("is a full disk, in a sentence and a hint", () => {
    const cause = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })
    const error = storeError("write the snapshot r1", "/data/x.json", cause)
    assert.strictEqual(error.message, "Could not write the snapshot r1 at /data/x.json: ENOSPC.")
    assert.include(error.hint, "free some space")
  })
})

describe("the service", () => {
  it.effect("is the same store in another process", () =>
    Effect.gen(function*() {
      const root = yield* temporary
      assert.deepStrictEqual(yield* writer(root, `r1=${instant(1)}`), ["put r1"])
      const found = yield* Effect.flatMap(Store, (store) => store.latest("checkout")).pipe(
        Effect.provide(Store.layerFiles(root))
      )
      assert.deepStrictEqual(found, Option.some(snapshot("r1", instant(1))))
    }))
})
