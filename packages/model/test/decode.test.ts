import { decode, describe as describeValue, Experiment, Metric, nameList, suggest } from "@assay/model"
import { Result, Schema } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"

const issues = (schema: Schema.Codec<unknown, unknown>, input: unknown) => {
  const result = decode(schema, input)
  return Result.isSuccess(result)
    ? []
    : result.failure.map(({ path, found, expected, hint }) => [path.join("."), found, expected, hint])
}

const metric = { key: "purchased", aggregation: "occurrence", event: "purchase", direction: "up" }
const without = (name: string) => Object.fromEntries(Object.entries(metric).filter(([key]) => key !== name))

describe("decode", () => {
  it("returns the value when nothing is wrong", () => {
    expect(decode(Metric, metric)).toEqual(Result.succeed(metric))
  })

  it.each([
    ["a missing text", without("aggregation"), ["aggregation", "nothing", "text", undefined]],
    [
      "a missing word of several",
      without("direction"),
      ["direction", "nothing", `one of "up", "down", "informational"`, undefined]
    ],
    ["a null", { ...metric, event: null }, ["event", "nothing", "text", undefined]],
    ["an empty text", { ...metric, event: "" }, ["event", `""`, "text that isn't empty", undefined]],
    [
      "a misspelt word",
      { ...metric, direction: "upp" },
      ["direction", `"upp"`, `one of "up", "down", "informational"`, `Did you mean "up"?`]
    ],
    [
      "a misspelt key",
      { ...metric, agregation: "x" },
      [
        "agregation",
        `the unknown key "agregation"`,
        "one of key, description, aggregation, event, direction, value, where, sources, options, delay, window, covariate, cap",
        `Did you mean "aggregation"?`
      ]
    ],
    ["another type", { ...metric, where: "x" }, ["where", `"x"`, "a list", undefined]],
    [
      "a wrong member of a union",
      { ...metric, where: [{ property: "a", op: "=", value: {} }] },
      ["where.0.value", "a mapping", "text or a number or true or false or a list", undefined]
    ],
    [
      "an empty list",
      { ...metric, where: [{ property: "a", op: "in", value: [] }] },
      ["where.0.value", "an empty list", "a list of at least one", undefined]
    ],
    ["something else altogether", [], ["", "an empty list", "a mapping", undefined]]
  ])("says of %s where it is, what was found and what is expected", (_, input, issue) => {
    expect(issues(Metric, input)).toEqual([issue])
  })

  it("compares numbers with words", () => {
    const Share = Schema.Struct({ share: Schema.Finite.pipe(Schema.check(Schema.isGreaterThan(0))) })
    expect(issues(Share, { share: -1 })).toEqual([["share", "-1", "a number greater than 0", undefined]])
    expect(issues(Schema.Struct({ size: Schema.Int }), { size: 1.5 })).toEqual([
      ["size", "1.5", "a whole number", undefined]
    ])
  })

  it("takes an empty Struct at its word", () => {
    const NoOptions = Schema.Struct({})
    expect(decode(NoOptions, {})).toEqual(Result.succeed({}))
    expect(issues(NoOptions, { cap: 1 })).toEqual([["cap", `the unknown key "cap"`, "no such key", undefined]])
    expect(issues(NoOptions, 3)).toEqual([["", "3", "a mapping", undefined]])
  })

  it("leaves sentences of a Schema's own as they are", () => {
    const Url = Schema.String.pipe(
      Schema.check(Schema.makeFilter(() => "Expected a string of the object's own | kind"))
    )
    expect(issues(Url, "x")).toEqual([["", `"x"`, "a string of the object's own or kind", undefined]])
  })

  it("reports everything at once, unknown keys first, and marks those as wrong in themselves", () => {
    const result = decode(Experiment, { key: 1, varants: [], variants: [{ key: "a" }, 3] })
    expect(Result.isFailure(result) && result.failure.map(({ path, at }) => [path.join("."), at])).toEqual([
      ["varants", "key"],
      ["key", undefined],
      ["environment", undefined],
      ["feature", undefined],
      ["started_at", undefined],
      ["control", undefined],
      ["variants.0.share", undefined],
      ["variants.1", undefined],
      ["metrics", undefined]
    ])
  })

  it("never throws, and has an issue for whatever it refuses", () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        const result = decode(Metric, input)
        expect(Result.isSuccess(result) ? 1 : result.failure.length).toBeGreaterThan(0)
      })
    )
  })
})

describe("suggest", () => {
  it("finds a name in which one letter fell out, was doubled or changed its place", () => {
    const name = fc.stringMatching(/^[a-z]{4,12}$/)
    fc.assert(
      fc.property(name, fc.nat(), (text, at) => {
        const i = at % (text.length - 1)
        const wrong = [
          text.slice(0, i) + text.slice(i + 1),
          text.slice(0, i) + text[i] + text.slice(i),
          text.slice(0, i) + text[i + 1] + text[i] + text.slice(i + 2)
        ]
        for (const one of wrong) expect(suggest(one, [text])).toBe(`Did you mean "${text}"?`)
      })
    )
  })

  it("takes a beginning for the name when only one begins so", () => {
    expect(suggest("start", ["started_at", "ended_at"])).toBe(`Did you mean "started_at"?`)
    expect(suggest("sta", ["state_of_things", "status_of_things"])).toBeUndefined()
  })

  it("says nothing when no name is near", () => {
    expect(suggest("colour", ["key", "event", "direction"])).toBeUndefined()
  })
})

describe("a list of names", () => {
  const names = (n: number) => Array.from({ length: n }, (_, i) => `n${i}`)
  it("tells all of them as long as that is no more to read", () => {
    for (const n of [0, 1, 12, 13]) expect(nameList(names(n))).toBe(names(n).join(", "))
    expect(nameList(names(14))).toBe(`${names(12).join(", ")}, … (14 in all)`)
  })
})

describe("description of a value", () => {
  it("names kinds of values and shortens long ones", () => {
    expect([undefined, null, [], [1], {}, () => 1, true, "a\nb"].map(describeValue)).toEqual([
      "nothing",
      "nothing",
      "an empty list",
      "a list of 1",
      "a mapping",
      "a function",
      "true",
      `"a\\nb"`
    ])
    fc.assert(fc.property(fc.anything(), (value) => describeValue(value).length <= 80))
  })
})
