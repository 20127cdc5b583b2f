import {
  and,
  decimal,
  empty,
  type Fragment,
  identifier,
  integer,
  join,
  parameter,
  type ParameterType,
  render,
  sql,
  word
} from "@assay/sql"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const types: ReadonlyArray<ParameterType> = ["String", "Float64", "Int64", "UInt8", "Array(String)"]

/** Text that would do harm if it became part of a statement. */
const hostile = fc.oneof(
  fc.string({
    unit: fc.constantFrom("'", "\"", "`", "\\", "--", "/*", "*/", ";", "{p0:String}", "}", "ß", "名", "\n", " ", "\0")
  }),
  fc.constantFrom("'; DROP TABLE events; --", "1) OR (1 = 1", "{p0:String}", "`; SELECT 1; `"),
  fc.string({ unit: "binary" })
)
const name = hostile.filter((text) => text !== "" && !text.includes("\0"))

/** A bound value, a quoted name or a plain piece of text: what a statement is made of. */
const leaf: fc.Arbitrary<Fragment> = fc.oneof(
  fc.tuple(fc.constantFrom(...types), fc.oneof(hostile, fc.integer(), fc.double({ noNaN: true }), fc.boolean())).map(
    ([type, value]) => parameter(type, value)
  ),
  name.map(identifier),
  fc.constantFrom(sql`count()`, sql`x = 1`, empty, word("total"), integer(3))
)

/** Fragments put together by the template and by `join`, some levels deep. */
const fragment: fc.Arbitrary<Fragment> = fc.letrec<{ tree: Fragment }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.tuple(tie("tree"), tie("tree")).map(([a, b]) => sql`(${a} + ${b})`),
    fc.array(tie("tree"), { maxLength: 3 }).map((parts) => join(parts)),
    fc.array(tie("tree"), { maxLength: 3 }).map((parts) => and(parts))
  )
})).tree

/** ClickHouse's own reading of a quoted name at the start of a text: the name, and what follows it. */
const readQuoted = (text: string): { readonly name: string; readonly rest: string } | undefined => {
  const quoted = /^`((?:[^`\\]|\\[^])*)`/.exec(text)
  return quoted === null
    ? undefined
    : { name: (quoted[1] ?? "").replace(/\\([^])/g, "$1"), rest: text.slice(quoted[0].length) }
}

/** The same value, element by element. */
const isEqual = (a: unknown, b: unknown): boolean =>
  Array.isArray(a) && Array.isArray(b)
    ? a.length === b.length && a.every((element, i) => Object.is(element, b[i]))
    : Object.is(a, b)

describe("render", () => {
  it("writes text with numbered placeholders and the values bound to them", () => {
    const statement = sql`SELECT count() FROM ${identifier("events")} WHERE ${identifier("event")} = ${
      parameter("String", "signup")
    } AND ${identifier("price")} > ${parameter("Float64", 9.5)}`
    expect(render(statement)).toEqual({
      text: "SELECT count() FROM `events` WHERE `event` = {p0:String} AND `price` > {p1:Float64}",
      parameters: { p0: "signup", p1: 9.5 }
    })
  })

  it("gives the same text and parameters every time", () => {
    fc.assert(
      fc.property(fragment, (one) => {
        expect(render(one)).toEqual(render(one))
        expect(render(sql`${one}`)).toEqual(render(one))
      })
    )
  })

  it("gives equal text for equal fragments, and leaves the parts in place", () => {
    fc.assert(
      fc.property(fragment, fragment, (a, b) => {
        const before = render(a)
        expect(render(sql`${a} ${b}`)).toEqual(render(join([a, b], sql` `)))
        expect(render(a)).toEqual(before)
      })
    )
  })

  it("numbers placeholders in order of appearance, without a gap, and binds no other", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...types), fc.integer({ min: 0, max: 4 }))), (values) => {
        const { parameters, text } = render(join(values.map(([type, value]) => parameter(type, value))))
        const inText = [...new Set([...text.matchAll(/\{(p\d+):/g)].map(([, found]) => found))]
        expect(inText).toEqual(Object.keys(parameters).map((_, i) => `p${i}`))
      })
    )
  })

  it("lets values share a placeholder exactly when type and value are equal", () => {
    const special: ReadonlyArray<unknown> = [
      1,
      1n,
      "1",
      "1n",
      true,
      "true",
      null,
      "null",
      NaN,
      Infinity,
      -Infinity,
      0,
      -0
    ]
    const one = fc.oneof(fc.constantFrom(...special), fc.string({ maxLength: 2 }))
    const value = fc.oneof(one, fc.array(one, { maxLength: 2 }))
    const bound = fc.tuple(fc.constantFrom(...types), value)
    fc.assert(
      fc.property(bound, bound, ([type, a], [otherType, b]) => {
        const { parameters, text } = render(sql`${parameter(type, a)} ${parameter(otherType, b)}`)
        const same = type === otherType && isEqual(a, b)
        expect(text).toBe(`{p0:${type}} {${same ? "p0" : "p1"}:${otherType}}`)
        expect(parameters).toEqual(same ? { p0: a } : { p0: a, p1: b })
      })
    )
  })

  it("refuses what isn't a fragment", () => {
    for (const forged of [{ parts: [{ kind: "text", text: "1" }] }, { ...sql`1` }, "1", null]) {
      expect(() => render(forged as Fragment)).toThrow(TypeError)
    }
  })
})

describe("a value", () => {
  it("never becomes part of the text, and arrives as it was", () => {
    fc.assert(
      fc.property(fc.constantFrom(...types), hostile, (type, value) => {
        expect(render(sql`SELECT ${parameter(type, value)}`)).toEqual({
          text: `SELECT {p0:${type}}`,
          parameters: { p0: value }
        })
      })
    )
  })

  it("leaves the text of any statement as another value of its type would", () => {
    fc.assert(
      fc.property(fragment, hostile, hostile, (around, a, b) => {
        const statement = (value: string) => render(sql`${parameter("UInt16", value)} ${around}`).text
        expect(statement(a)).toBe(statement(b))
      })
    )
  })

  it("can be missing or a list", () => {
    expect(render(sql`${parameter("String", null)}, ${parameter("Array(String)", ["a", "b"])}`).parameters).toEqual({
      p0: null,
      p1: ["a", "b"]
    })
  })
})

describe("identifier", () => {
  it.each([
    ["events", "`events`"],
    ["first purchase", "`first purchase`"],
    ["a`b", "`a\\`b`"],
    ["a\\b", "`a\\\\b`"],
    ["a\\`b", "`a\\\\\\`b`"],
    ["a.b", "`a.b`"],
    ["größe_名前_🙂", "`größe_名前_🙂`"],
    ["`; DROP TABLE events; --", "`\\`; DROP TABLE events; --`"],
    ["{p0:String}", "`{p0:String}`"]
  ])("quotes %s", (plain, quoted) => {
    expect(render(identifier(plain))).toEqual({ text: quoted, parameters: {} })
  })

  it("is read back by the server's rules as the very name, and ends where it should", () => {
    fc.assert(
      fc.property(name, (text) => {
        expect(readQuoted(`${render(identifier(text)).text} rest`)).toEqual({ name: text, rest: " rest" })
      })
    )
  })

  it.each(["", "\0", "a\0b"])("refuses %j", (text) => {
    expect(() => identifier(text)).toThrow(RangeError)
  })
})

describe("word", () => {
  it.each(["countIf", "_x", "p95", "A"])("writes %s as it is", (text) => {
    expect(render(word(text))).toEqual({ text, parameters: {} })
  })

  it.each(["", "1a", "a b", "a-b", "a.b", "a`", "count()", "größe", "a\n", "a;b"])("refuses %j", (text) => {
    expect(() => word(text)).toThrow(RangeError)
  })
})

describe("integer", () => {
  it("writes every safe integer so that it reads back", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(render(integer(value)).text).toMatch(/^-?\d+$/)
        expect(Number(render(integer(value)).text)).toBe(value)
      })
    )
  })

  it.each([1.5, NaN, Infinity, -Infinity, 2 ** 53, 1e300])("refuses %d", (value) => {
    expect(() => integer(value)).toThrow(RangeError)
  })
})

describe("decimal", () => {
  it("writes numbers from 1e-6 up so that they read back", () => {
    fc.assert(
      fc.property(fc.oneof(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), fc.nat()), (value) => {
        expect(render(decimal(value)).text).toMatch(/^\d+(\.\d+)?$/)
        expect(Number(render(decimal(value)).text)).toBe(value)
      })
    )
  })

  it.each([-0.5, 1e-7, NaN, Infinity, -Infinity, 1e300])("refuses %d", (value) => {
    expect(() => decimal(value)).toThrow(RangeError)
  })
})

describe("the template", () => {
  const untyped: unknown = sql
  const call = untyped as (...args: ReadonlyArray<unknown>) => Fragment

  it.each(["events", 1, null, undefined, ["a"], {}, { parts: [] }])("refuses %j in a hole", (value) => {
    const tag = untyped as (strings: TemplateStringsArray, ...values: ReadonlyArray<unknown>) => Fragment
    expect(() => tag`SELECT ${value}`).toThrow(TypeError)
  })

  it("is refused by the compiler too, where it is a string, and by the program when it runs", () => {
    const table = "events"
    // @ts-expect-error a plain string is no fragment
    expect(() => sql`SELECT 1 FROM ${table}`).toThrow(
      /bind a value with parameter\(\), name a column with identifier\(\)/
    )
  })

  it.each([["SELECT 1"], [["SELECT 1"]], []])("is no function of strings: %j", (...args) => {
    expect(() => call(...args)).toThrow(/template tag/)
  })

  it("keeps the text as it is written, with escapes resolved", () => {
    expect(render(sql`a\n'b' {x}`).text).toBe("a\n'b' {x}")
  })

  it("makes fragments that can't be changed", () => {
    const one = sql`SELECT ${parameter("UInt8", 1)}`
    expect(Object.isFrozen(one)).toBe(true)
    expect(Object.isFrozen(one.parts)).toBe(true)
  })
})

describe("join", () => {
  it("puts a comma between fragments, or what it is told", () => {
    expect(render(join([word("a"), word("b"), word("c")])).text).toBe("a, b, c")
    expect(render(join([word("a"), word("b")], sql` OR `)).text).toBe("a OR b")
  })

  it("of none is nothing, and of one is that one", () => {
    fc.assert(
      fc.property(fragment, (one) => {
        expect(render(join([one]))).toEqual(render(one))
      })
    )
    expect(render(join([]))).toEqual({ text: "", parameters: {} })
  })

  it("refuses a separator or a part that isn't a fragment", () => {
    // @ts-expect-error a plain string is no fragment
    expect(() => join([word("a"), word("b")], ", ")).toThrow(TypeError)
    // @ts-expect-error a plain string is no fragment
    expect(() => join(["a"])).toThrow(TypeError)
  })
})

describe("and", () => {
  it("joins conditions, and is true where there are none", () => {
    expect(render(and([sql`a = 1`, sql`b = 2`])).text).toBe("a = 1 AND b = 2")
    expect(render(and([sql`a = 1`])).text).toBe("a = 1")
    expect(render(and([])).text).toBe("1")
  })
})

describe("empty", () => {
  it("adds nothing, on either side", () => {
    fc.assert(
      fc.property(fragment, (one) => {
        expect(render(sql`${empty}${one}${empty}`)).toEqual(render(one))
      })
    )
    expect(render(empty)).toEqual({ text: "", parameters: {} })
  })
})
