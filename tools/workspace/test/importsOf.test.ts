import { importsOf } from "@assay/workspace"
import fc from "fast-check"
import { describe, expect, it } from "vitest"

const specifiers = (source: string) => importsOf(source).map(({ specifier }) => specifier)

describe("importsOf finds", () => {
  it.each([
    `import a from "m"`,
    `import a, { b as c, type D } from 'm'`,
    `import * as a from "m"`,
    `import "m"`,
    `import type { A } from "m"`,
    `import type A from "m"`,
    `import a from "m" with { type: "json" }`,
    `import {\n  a,\n  // a comment with "quotes" and from "nowhere"\n  b\n}\nfrom\n"m"`,
    `export * from "m"`,
    `export * as a from "m"`,
    `export type * from "m"`,
    `export { a, b as default } from "m"`,
    `export type { A } from "m"`,
    `const a = await import("m")`,
    `type A = typeof import("m")`,
    `type A = import("m").A`,
    `require("m")`,
    `import.meta.resolve("m")`,
    "const a = `${await import(\"m\")}`",
    "const a = `${`${ { b: import(\"m\") } }`}`",
    `const a = /import "x"/.test(b); import("m")`,
    `const a = b / c; import("m") / d`,
    `const a = /[/"]/; import("m")`,
    `const it = "isn't"; import("m")`
  ])("the module in %s", (source) => {
    expect(specifiers(source)).toEqual(["m"])
  })

  it("the line on which a module is named", () => {
    const source = "/*\n*/ import \"a\"\nconst t = `\n\n${import(\"b\")}\n`\nimport {\n  x\n} from \"c\"\n"
    expect(importsOf(source)).toEqual([{ specifier: "a", line: 2 }, { specifier: "b", line: 5 }, {
      specifier: "c",
      line: 9
    }])
  })
})

describe("importsOf leaves out", () => {
  it.each([
    `// import "m"`,
    `/* import "m" */`,
    `/**\n * @example import { a } from "m"\n */`,
    `const a = 'import "m"'`,
    "const a = `\nimport \"m\"\n`",
    "const a = `\\${import(\"m\")}`",
    "const a = `${b}import \"m\"${c}`",
    `a.import("m")`,
    `a.require("m")`,
    `const a = { import: "m", from: "m", export: "m" }`,
    `export const from = "m"`,
    `export { a }\nconst b = "m"`,
    `export default "m"`,
    `import.meta.url + "m"`,
    `import(name)`
  ])("what is no import: %s", (source) => {
    expect(specifiers(source)).toEqual([])
  })
})

describe("importsOf", () => {
  const noise = fc.constantFrom(
    `// it's "so"\n`,
    "/* ` */",
    "const a = `b${c}d`\n",
    `const r = /"/g\n`,
    `const s = 'it\\'s'\n`,
    "const t = { u: `}` }\n",
    "v = w / x / y\n",
    "\n"
  )

  it("finds each import, in order, whatever stands between them", () => {
    const lines = fc.array(fc.oneof(noise, fc.constantFrom("one", "two", "three").map((name) => ({ name }))))
    fc.assert(
      fc.property(lines, (parts) => {
        const source = parts.map((part) => (typeof part === "string" ? part : `import "${part.name}"\n`)).join("")
        expect(specifiers(source)).toEqual(parts.flatMap((part) => (typeof part === "string" ? [] : [part.name])))
      })
    )
  })

  it("comes to an end on any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."`${}'\"/*\\\n a.("), maxLength: 60 }), (source) => {
        expect(Array.isArray(importsOf(source))).toBe(true)
      })
    )
  })
})
