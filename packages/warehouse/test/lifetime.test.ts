import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { embeddedFailure } from "../src/engine.ts"
import { Warehouse } from "../src/index.ts"

const statement = (text: string) => ({ text, parameters: {}, settings: {} })

it.live("an in-memory engine's directory goes with its scope, and another data directory can follow", () =>
  Effect.gen(function*() {
    const directory = yield* Warehouse.use((_) =>
      _.query(statement("SELECT path AS p FROM system.disks WHERE name = 'default'"))
    ).pipe(Effect.map(({ rows }) => String(rows[0]?.["p"])), Effect.provide(Warehouse.layerEmbedded()))
    assert.isTrue(directory.startsWith(tmpdir()))
    assert.isFalse(existsSync(directory))

    const path = mkdtempSync(join(tmpdir(), "assay-warehouse-"))
    yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(path, { recursive: true })))
    const on = <A, E>(run: Effect.Effect<A, E, Warehouse>) => run.pipe(Effect.provide(Warehouse.layerEmbedded(path)))
    yield* on(
      Warehouse.use((_) => _.command(statement("CREATE TABLE kept ENGINE = MergeTree ORDER BY a AS SELECT 1 AS a")))
    )
    const { rows } = yield* on(Warehouse.use((_) => _.query(statement("SELECT a FROM kept"))))
    assert.deepStrictEqual(rows, [{ a: 1 }])
  }))

it("an engine that isn't installed says how to add it", () => {
  const error = embeddedFailure(
    Object.assign(new Error("Cannot find package 'chdb'"), { code: "ERR_MODULE_NOT_FOUND" })
  )
  assert.match(error.message, /isn't installed/)
  assert.match(error.hint, /npm install chdb/)
})
