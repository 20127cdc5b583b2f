import { WarehouseUnavailable } from "@assay/model"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { tmpdir } from "node:os"
import { type QueryProgress, Warehouse } from "../src/index.ts"

const statement = (text: string, parameters = {}, settings = {}) => ({ text, parameters, settings })
const endless = statement("SELECT sum(sipHash64(number, {p:String})) AS s FROM numbers(100000000000)", { p: "x" })

const limited = (limits: { seconds?: number; memory_bytes?: number; rows?: number; bytes?: number }) =>
  Warehouse.use((_) =>
    _.query(
      statement(
        "SELECT sum(s) AS t FROM (SELECT number AS n, sum(number) AS s FROM numbers(50000000) GROUP BY n)"
      )
    )
  ).pipe(
    Effect.flip,
    Effect.provide(Warehouse.layer({ limits }))
  )

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("the embedded engine", (it) => {
  it.effect("answers with rows by column name and what they cost", () =>
    Effect.gen(function*() {
      const warehouse = yield* Warehouse
      const { rows, statistics } = yield* warehouse.query(
        statement("SELECT number AS n, toString(number) AS `__proto__` FROM numbers(2)"),
        { queryId: "mine" }
      )
      assert.deepStrictEqual(rows.map((row) => Object.entries(row)), [
        [["n", "0"], ["__proto__", "0"]],
        [["n", "1"], ["__proto__", "1"]]
      ])
      assert.strictEqual(statistics.queryId, "mine")
      assert.strictEqual(statistics.rowsRead, 2)
      assert.isAbove(statistics.bytesRead, 0)
      assert.isAbove(statistics.durationMs, 0)
      assert.match(yield* warehouse.version(), /^\d+\.\d+/)
      yield* warehouse.ping()
    }))

  it.effect("reads back every row of a large result, and counts the rows that a table gave", () =>
    Effect.gen(function*() {
      const warehouse = yield* Warehouse
      yield* warehouse.command(statement("CREATE TABLE numbered (n UInt64) ENGINE = MergeTree ORDER BY n"))
      yield* warehouse.command(
        statement("INSERT INTO numbered SELECT number + {from:UInt64} FROM numbers(200000)", { from: 7 })
      )
      const { rows, statistics } = yield* warehouse.query(statement("SELECT n FROM numbered ORDER BY n"))
      assert.strictEqual(rows.length, 200_000)
      assert.isTrue(rows.every((row, index) => row["n"] === String(index + 7)))
      assert.strictEqual(statistics.rowsRead, 200_000)
    }))

  it.effect("tells what a statement without a result has read, also of settings that look like one", () =>
    Effect.gen(function*() {
      const { command } = yield* Warehouse
      const comment = { assay: "; INSERT INTO a SELECT 1" }
      const made = yield* command(statement("CREATE TABLE copied (n UInt64) ENGINE = MergeTree ORDER BY n"), {
        comment
      })
      assert.deepInclude(made, { rowsRead: 0, bytesRead: 0 })
      const copy = "INSERT INTO copied (n) SELECT number + {from:UInt64} FROM numbers(5000) WHERE number IN (" +
        "SELECT number FROM numbers(1000));\n"
      for (const settings of [{}, { max_rows_to_read: 6000 }]) {
        const copied = yield* command(statement(copy, { from: 7 }, settings), { comment, queryId: "mine" })
        assert.deepInclude(copied, { queryId: "mine", rowsRead: 6000, bytesRead: 48_000 })
        assert.isAbove(copied.durationMs, 0)
      }
      yield* command(statement("INSERT INTO copied VALUES (1), (2)"))
      const failed = yield* Effect.flip(command(statement("INSERT INTO copied SELECT throwIf(1)")))
      assert.strictEqual(failed._tag, "QueryRejected")
    }))

  it.effect("tells the peak of memory of a query that was watched, and never a zero", () =>
    Effect.gen(function*() {
      const { query } = yield* Warehouse
      const watched = yield* query(
        statement(
          "SELECT (SELECT uniqExact(number) FROM numbers(2000000)) AS n, sum(sleepEachRow(0.2)) AS s FROM numbers(8)"
        ),
        { onProgress: () => Effect.void }
      )
      assert.isAbove(watched.statistics.peakMemoryBytes!, 1_000_000)
      assert.notProperty((yield* query(statement("SELECT 1 AS one"))).statistics, "peakMemoryBytes")
    }))

  it.effect("quotes what JSON numbers can't hold", () =>
    Effect.gen(function*() {
      const { rows } = yield* (yield* Warehouse).query(statement(
        "SELECT toUInt64(18446744073709551615) AS u, toInt64(-9223372036854775808) AS i, nan AS x, -inf AS y, " +
          "toDecimal128('12345678901234567.89', 2) AS d, toDateTime64('2026-01-01 00:00:00.123', 3) AS t, 1.5 AS f"
      ))
      assert.deepStrictEqual(rows[0], {
        u: "18446744073709551615",
        i: "-9223372036854775808",
        x: "nan",
        y: "-inf",
        d: "12345678901234567.89",
        t: "2026-01-01 00:00:00.123",
        f: 1.5
      })
    }))

  it.effect("pins what a profile could change, and one statement's settings don't reach the next", () =>
    Effect.gen(function*() {
      const warehouse = yield* Warehouse
      const text = "SELECT getSetting('join_use_nulls') AS j, getSetting('session_timezone') AS z, " +
        "getSetting('max_threads') AS m, getSetting('limit') AS l, sum(number) AS s FROM numbers(0)"
      const changed = yield* warehouse.query(statement(text, {}, { join_use_nulls: 1, max_threads: 3 }))
      assert.deepInclude(changed.rows[0], { j: true, m: 3 })
      const pinned = yield* warehouse.query(statement(text))
      assert.deepInclude(pinned.rows[0], { j: false, z: "UTC", l: 0, s: "0" })
      assert.notStrictEqual(pinned.rows[0]?.["m"], 3)
    }))

  it.effect("carries the comment as JSON, whatever is in it", () =>
    Effect.gen(function*() {
      const comment = { experiment: `a'b"c\\d\n\0é`, run: "r'; DROP TABLE x --" }
      const { rows } = yield* (yield* Warehouse).query(statement("SELECT getSetting('log_comment') AS c"), {
        comment,
        queryId: "q-1"
      })
      assert.deepStrictEqual(JSON.parse(String(rows[0]?.["c"])), { ...comment, query_id: "q-1" })
    }))

  it.effect("a failed query leaves nothing behind in the next answer", () =>
    Effect.gen(function*() {
      const warehouse = yield* Warehouse
      for (let i = 0; i < 20; i += 1) {
        yield* Effect.flip(warehouse.query(statement("SELECT throwIf(number = 3) FROM numbers(10)")))
        const { rows } = yield* warehouse.query(statement("SELECT {i:UInt32} AS i", { i }))
        assert.deepStrictEqual(rows, [{ i }])
      }
    }))

  it.effect("an unknown table is rejected with ClickHouse's code, its sentence and a hint", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip((yield* Warehouse).query(statement("SELECT * FROM nowhere")))
      assert.deepInclude(error, { _tag: "QueryRejected", clickhouseCode: 60, clickhouseName: "UNKNOWN_TABLE" })
      assert.match(error.message, /nowhere/)
      assert.notMatch(error.message, /version|SELECT/)
      assert.match(error.hint, /events\.table/)
    }))

  it.effect("no message repeats a bound value", () =>
    Effect.gen(function*() {
      const warehouse = yield* Warehouse
      const texts = [
        "SELECT {p:UInt8}",
        "SELECT toUInt8({p:String})",
        "SELECT toDateTime64({p:String}, 3, 'UTC')",
        "SELECT nowhere FROM numbers(1) WHERE toString(number) = {p:String}",
        "SELECT * FROM file({p:String})",
        "SELECT throwIf(1, {p:String})",
        "SELECT {p:Identifier} FROM numbers(1)",
        "SELECT CAST({p:String} AS Enum8('a' = 1))",
        "SELECT JSONExtract('{}', {p:String}, 'Nonsense')"
      ]
      for (const p of ["hunter2 o'clock", "back\\slash\tvalue", "zzsecret"]) {
        for (const text of texts) {
          const error = yield* Effect.flip(warehouse.query(statement(text, { p })))
          assert.notInclude(JSON.stringify(error) + String(error) + error.message, p)
          assert.notMatch(error.message, /hunter2|slash|zzsecret/)
        }
      }
    }))

  it.effect("two columns of one name are an error, not one of them", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        (yield* Warehouse).query(
          statement("SELECT number, number FROM numbers(1)")
        )
      )
      assert.deepInclude(error, { _tag: "DecodeError", message: "Two columns are named number." })
    }))

  it.effect("two statements in one are an error, not the first answer", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip((yield* Warehouse).query(statement("SELECT 1 AS a; SELECT 2 AS b")))
      assert.deepInclude(error, { _tag: "DecodeError" })
    }))

  it.effect("each limit that is hit says which one and its value", () =>
    Effect.gen(function*() {
      assert.deepInclude(yield* limited({ seconds: 0.2 }), { _tag: "QueryLimitExceeded", limit: "time", value: 0.2 })
      assert.deepInclude(yield* limited({ memory_bytes: 1e7 }), { limit: "memory", value: 1e7 })
      assert.deepInclude(yield* limited({ rows: 1000 }), { limit: "rows", value: 1000 })
      assert.deepInclude(yield* limited({ bytes: 1000 }), { limit: "bytes", value: 1000 })
    }))

  it.effect("an interrupted query stops in the engine, and the next one answers", () =>
    Effect.gen(function*() {
      const warehouse = yield* Warehouse
      const running = yield* Effect.forkChild(warehouse.query(endless))
      const waiting = yield* Effect.forkChild(
        warehouse.query(statement("SELECT {p:String} AS p", { p: "never starts" }))
      )
      yield* Effect.sleep(300)
      yield* Fiber.interrupt(waiting)
      yield* Fiber.interrupt(running)
      const { rows } = yield* warehouse.query(
        statement("SELECT count() AS n FROM system.processes WHERE query LIKE {q:String}", { q: "%sipHash64%numbers%" })
      )
      assert.deepStrictEqual(rows, [{ n: "1" }]) // itself
    }))

  it.effect("a query that is interrupted as it starts stops too", () =>
    Effect.gen(function*() {
      const warehouse = yield* Warehouse
      for (let i = 0; i < 40; i += 1) {
        const running = yield* Effect.forkChild(warehouse.query(endless))
        yield* Effect.sleep(i % 8)
        yield* Fiber.interrupt(running)
      }
      const { rows } = yield* warehouse.query(statement("SELECT count() AS n FROM system.processes"))
      assert.deepStrictEqual(rows, [{ n: "1" }])
    }))

  it.effect("tells how far a running query is", () =>
    Effect.gen(function*() {
      const seen: Array<QueryProgress> = []
      const { statistics } = yield* (yield* Warehouse).query(
        statement("SELECT sum(sleepEachRow(0.1)) AS s FROM numbers(30)", {}, { max_block_size: 1 }),
        { onProgress: (progress) => Effect.sync(() => seen.push(progress)) }
      )
      assert.isAbove(seen.length, 1)
      assert.isTrue(seen.slice(1).every((progress, index) => progress.rowsRead >= seen[index]!.rowsRead))
      assert.strictEqual(seen.at(-1)?.rowsRead, statistics.rowsRead)
    }))

  it.effect("many queries at once get their own answers", () =>
    Effect.gen(function*() {
      const warehouse = yield* Warehouse
      const answers = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, i) => i),
        (i) => warehouse.query(statement("SELECT {i:UInt32} AS i, {s:String} AS s", { i, s: `s${i}` })),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(answers.map(({ rows }) => rows[0]), answers.map((_, i) => ({ i, s: `s${i}` })))
    }))

  it.effect("a second data directory in the same process is refused with the reason", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Warehouse.use((_) => _.ping()).pipe(Effect.provide(Warehouse.layerEmbedded(`${tmpdir()}/assay-second`)))
      )
      assert.instanceOf(error, WarehouseUnavailable)
      assert.match(error.message, /another data directory/)
    }))
})

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("rows", (it) => {
  const kept = [
    { name: "a 'quoted' \\ \n name", price: 1.5, at: "2026-01-01 00:00:00.123", many: 12, tags: { "k'": "v" } },
    { name: "none", price: null, at: "1999-12-31 23:59:59.999", many: 0, tags: {} }
  ]

  it.effect("that are inserted are read back, and those of one token are there once", () =>
    Effect.gen(function*() {
      const { command, insert, query } = yield* Warehouse
      yield* command(statement(
        "CREATE TABLE kept (name String, price Nullable(Float64), at DateTime64(3, 'UTC'), many UInt64, tags Map(String, String)) " +
          "ENGINE = MergeTree ORDER BY at SETTINGS non_replicated_deduplication_window = 100"
      ))
      yield* insert("kept", kept, { token: "one" })
      yield* insert("kept", kept, { token: "one" })
      yield* insert("kept", [])
      const { rows } = yield* query(statement("SELECT * FROM kept ORDER BY many DESC"))
      assert.deepStrictEqual(rows, kept.map((row) => ({ ...row, many: String(row.many) })))
      yield* insert("kept", kept, { token: "two" })
      assert.lengthOf((yield* query(statement("SELECT 1 AS one FROM kept"))).rows, 4)
    }))

  it.effect("of unknown columns, or for a table that isn't there, are refused", () =>
    Effect.gen(function*() {
      const { command, insert, query } = yield* Warehouse
      yield* command(statement("CREATE TABLE narrow (n UInt8) ENGINE = MergeTree ORDER BY n"))
      const unknown = yield* Effect.flip(insert("narrow", [{ n: 1, m: 2 }], { token: "x" }))
      assert.strictEqual(unknown._tag, "QueryRejected")
      const missing = yield* Effect.flip(insert("nowhere", [{ n: 1 }]))
      assert.deepInclude(missing, { _tag: "QueryRejected", clickhouseCode: 60 })
      assert.lengthOf((yield* query(statement("SELECT n FROM narrow"))).rows, 0)
    }))
})
