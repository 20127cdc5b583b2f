import { assert, layer } from "@effect/vitest"
import { Effect, Result } from "effect"
import * as fc from "fast-check"
import { Warehouse } from "../src/index.ts"
import { encodeParameters } from "../src/parameters.ts"

const pieces = ["\\", "'", "\"", "`", "\0", "\n", "\t", "\r", "\b", "\f", "\v", "\x1b", "\x7f", "\\N", "NULL", "n", "0"]
  .concat([
    "{",
    "}",
    "[",
    "]",
    ",",
    ";",
    "--",
    "/*",
    "#",
    "$1",
    "%",
    "&",
    "=",
    "+",
    " ",
    "é",
    "日",
    "😀",
    "\u2028",
    "\ufeff"
  ])

/** Text made of what parsers trip over, mixed with any characters at all. */
const nasty = fc
  .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: "binary", maxLength: 3 })), { maxLength: 8 })
  .map((parts) => parts.join("").toWellFormed())

const hex = (text: string) => Buffer.from(text).toString("hex").toUpperCase()
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const double = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((x) => !Number.isInteger(x) || (Number.isSafeInteger(x) && !Object.is(x, -0)))

const ask = (text: string, parameters: Record<string, unknown>) =>
  Warehouse.use((_) => _.query({ text, parameters, settings: {} })).pipe(Effect.map(({ rows }) => rows[0]))

layer(Warehouse.layerEmbedded(), { excludeTestServices: true })("bound values", (it) => {
  it.effect("text and arrays of text arrive byte for byte, and come back as they were", () =>
    Effect.gen(function*() {
      const context = yield* Effect.context<Warehouse>()
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(nasty, fc.array(nasty, { maxLength: 4 }), async (s, a) => {
            const text = "SELECT hex({s:String}) AS h, {s:String} AS s, {s:Nullable(String)} AS n, " +
              "arrayMap(x -> hex(x), {a:Array(String)}) AS ha, {a:Array(String)} AS a, {aa:Array(Array(String))} AS aa"
            const row = await Effect.runPromiseWith(context)(ask(text, { s, a, aa: [a, []] }))
            assert.deepStrictEqual(row, { h: hex(s), s, n: s, ha: a.map(hex), a, aa: [a, []] })
          }),
          { numRuns: 300 }
        )
      )
    }))

  it.effect("numbers arrive to the last digit", () =>
    Effect.gen(function*() {
      const context = yield* Effect.context<Warehouse>()
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(
            int64,
            uint64,
            double,
            fc.array(double, { maxLength: 3 }),
            fc.boolean(),
            async (i, u, f, a, b) => {
              const text = "SELECT {i:Int64} AS i, {u:UInt64} AS u, [{i:Int64}] = {ai:Array(Int64)} AS same, " +
                "{f:Float64} AS f, {a:Array(Float64)} AS a, {b:Bool} AS b, {b:UInt8} AS n"
              const row = await Effect.runPromiseWith(context)(ask(text, { i, u, ai: [i], f, a, b }))
              assert.deepStrictEqual(row, { i: String(i), u: String(u), same: 1, f, a, b, n: Number(b) })
            }
          ),
          { numRuns: 100 }
        )
      )
    }))

  it.effect("null, times as text, and long lists", () =>
    Effect.gen(function*() {
      const many = Array.from({ length: 50_000 }, (_, i) => `v'${i}`)
      assert.deepStrictEqual(
        yield* ask("SELECT {n:Nullable(String)} AS n, {a:Array(Nullable(String))} AS a, {t:DateTime64(3)} AS t", {
          n: null,
          a: ["NULL", null, "\\N"],
          t: "2026-01-01 10:00:00.123"
        }),
        { n: null, a: ["NULL", null, "\\N"], t: "2026-01-01 10:00:00.123" }
      )
      assert.deepStrictEqual(
        yield* ask("SELECT {many:Array(String)} = {many:Array(String)} AS s, {many:Array(String)}[50000] AS e", {
          many
        }),
        {
          s: 1,
          e: "v'49999"
        }
      )
    }))

  it.effect("values that would be mangled are refused by the parameter's name, never by their value", () =>
    Effect.gen(function*() {
      const mangled = [
        new Date(0),
        2 ** 53,
        NaN,
        Infinity,
        "half \ud800",
        ["ok", "half \udc00"],
        undefined,
        { a: 1 },
        new Map()
      ]
      for (const value of mangled) {
        const refused = encodeParameters({ fine: 1, mine: value })
        assert.isTrue(Result.isFailure(refused))
        const error = yield* Effect.flip(ask("SELECT {mine:String}", { mine: value }))
        assert.deepInclude(error, { _tag: "QueryRejected", clickhouseCode: 457 })
        assert.match(error.message, /mine/)
        assert.notMatch(error.message, /half \S*\ud800/)
      }
    }))
})
