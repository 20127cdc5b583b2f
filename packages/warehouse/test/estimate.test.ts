/** What a statement would read, and what it may. */
import { QueryLimitExceeded } from "@assay/model"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { overLimit } from "../src/estimate.ts"
import { Warehouse, type WarehouseConfig } from "../src/index.ts"

const statement = (text: string, parameters = {}, settings = {}) => ({ text, parameters, settings })

const under = <A, E>(limits: NonNullable<WarehouseConfig["limits"]>, effect: Effect.Effect<A, E, Warehouse>) =>
  effect.pipe(Effect.provide(Warehouse.layer({ limits })))

const day = statement("SELECT count(), uniqExact(identifier) FROM reads WHERE day = {day:UInt8}", { day: 3 })

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("an estimate", (it) => {
  const fill = Effect.gen(function*() {
    const { command } = yield* Warehouse
    yield* command(statement("DROP TABLE IF EXISTS reads"))
    yield* command(statement(
      "CREATE TABLE reads (day UInt8, identifier UInt64, unread String) ENGINE = MergeTree PARTITION BY day ORDER BY identifier " +
        "SETTINGS min_bytes_for_wide_part = 0"
    ))
    yield* command(statement("INSERT INTO reads SELECT number % 5, number, repeat('x', 1000) FROM numbers(50000)"))
  })

  it.effect("counts the rows of the partitions that are read, and the bytes of the columns that are named", () =>
    Effect.gen(function*() {
      yield* fill
      const { estimate, query } = yield* Warehouse
      const expected = yield* estimate(day)
      const { statistics } = yield* query(day)
      assert.strictEqual(expected.rows, 10_000)
      assert.strictEqual(statistics.rowsRead, 10_000)
      assert.deepStrictEqual(expected.tables.map(({ parts, table }) => ({ parts, table })), [
        { parts: 1, table: "default.reads" }
      ])
      // A UInt64 and a UInt8, and not the thousand bytes beside them.
      assert.closeTo(expected.bytes!, 90_000, 20_000)
      const whole = yield* estimate(statement("SELECT uniqExact(unread) FROM reads"))
      assert.isAbove(whole.bytes!, 40_000_000)
    }))

  it.effect("refuses before it runs, with the figures, and lets through what is within the limits", () =>
    Effect.gen(function*() {
      yield* fill
      const admit = Warehouse.use((_) => _.admit(day))
      yield* under({}, admit)
      yield* under({ rows: 10_000, bytes: 200_000 }, admit)
      const rows = yield* Effect.flip(under({ rows: 9_999 }, admit))
      assert.instanceOf(rows, QueryLimitExceeded)
      assert.deepInclude(rows, { limit: "rows", value: 9_999 })
      assert.match(rows.message, /10,000 rows of default\.reads, and may read 9,999; it didn't run/)
      const bytes = yield* Effect.flip(under({ bytes: 9_000 }, admit))
      assert.deepInclude(bytes, { limit: "bytes", value: 9_000 })
      const run = yield* Effect.flip(under({ rows: 9_999 }, Warehouse.use((_) => _.query(day))))
      assert.deepInclude(run, { _tag: "QueryLimitExceeded", limit: "rows", value: 9_999 })
    }))

  it.effect("of what tells nothing is empty, and refuses nothing", () =>
    Effect.gen(function*() {
      const { command, estimate } = yield* Warehouse
      yield* command(statement("CREATE TABLE IF NOT EXISTS told (n UInt8) ENGINE = Memory"))
      assert.deepStrictEqual(yield* estimate(statement("SELECT n FROM told")), { tables: [], rows: 0, bytes: 0 })
      yield* under({ rows: 1, bytes: 1 }, Warehouse.use((_) => _.admit(statement("SELECT n FROM told"))))
    }))

  it.effect(
    "a query that takes more memory than it may keep goes on on the disk, with the same answer",
    () =>
      Effect.gen(function*() {
        const heavy = statement(
          "SELECT sum(n) AS n, sum(k) AS k FROM (SELECT k, n FROM " +
            "(SELECT number % 1000000 AS k, count() AS n FROM numbers(2000000) GROUP BY k) AS a " +
            "RIGHT JOIN (SELECT number AS k FROM numbers(1000000)) AS b USING (k))",
          {},
          { max_threads: 2, max_block_size: 8192 }
        )
        const query = Warehouse.use((_) => _.query(heavy))
        const { rows } = yield* query
        const tight = { memory_bytes: 100_000_000 }
        const refused = yield* Effect.flip(under(tight, query))
        assert.deepInclude(refused, { _tag: "QueryLimitExceeded", limit: "memory" })
        const spilled = yield* under({ ...tight, spill_bytes: 10_000_000 }, query)
        assert.deepStrictEqual(spilled.rows, rows)
      })
  )
})

describe("a limit", () => {
  it("of bytes can't be told exceeded where the bytes aren't known", () => {
    const tables = [{ table: "a.b", parts: 1, rows: 10 }]
    assert.isUndefined(overLimit({ tables, rows: 10 }, { bytes: 1, rows: 10 }))
    assert.deepInclude(overLimit({ tables, rows: 10 }, { rows: 9 }), { limit: "rows", value: 9 })
  })
})
