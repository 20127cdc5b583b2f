import { describe, expect, it } from "vitest"
import { exportedFrom } from "../src/exported.ts"
import { declarationsOf, publicNamesOf } from "../src/publicNames.ts"
import { packagePage } from "../src/reference.ts"
import { findingsWith, withTree } from "./tree.ts"

const module = `/** About the module. */
import type { A } from "./a.ts";
/**
 * Adds: {@link Sum} of two.
 *
 * @param a the first
 */
export declare const add: (a: number, b: number) => number;
export interface Sum {
    readonly a: number;
}
/** Later. */

export declare function lost(): void;
/** A shape. */
export type Shape = {
    readonly kind: "fixed";
} | {
    readonly kind: "free";
};
`

describe("what a module declares", () => {
  it("is told with names, docstrings and whole declarations", () => {
    expect(declarationsOf(module)).toEqual([
      {
        name: "add",
        line: 8,
        doc: "Adds: {@link Sum} of two.\n\n@param a the first",
        text: "const add: (a: number, b: number) => number;"
      },
      { name: "Sum", line: 9, doc: "", text: "interface Sum {\n    readonly a: number;\n}" },
      { name: "lost", line: 14, doc: "", text: "function lost(): void;" },
      {
        name: "Shape",
        line: 16,
        doc: "A shape.",
        text: "type Shape = {\n    readonly kind: \"fixed\";\n} | {\n    readonly kind: \"free\";\n};"
      }
    ])
  })

  it("is public where the index says so, under the name that it says", () => {
    expect(
      publicNamesOf(`export { a, type B, c as d } from "./x.ts"\nexport * as M from "./m.ts"\nexport * from "./all.ts"`)
    )
      .toEqual([
        { name: "M", local: "*", from: "./m.ts" },
        { name: "", local: "*", from: "./all.ts" },
        { name: "a", local: "a", from: "./x.ts" },
        { name: "B", local: "B", from: "./x.ts" },
        { name: "d", local: "c", from: "./x.ts" }
      ])
  })
})

describe("a reference page", () => {
  it("has a chapter for each name, members of a module under its name", () => {
    const tree = { "p/src/index.ts": `export * as Math from "./math.ts"\n`, "p/src/math.ts": module }
    const exported = withTree(tree, (root) => exportedFrom(root, "p/src/index.ts"))
    expect(exported.map(({ file, name }) => [name, file])).toEqual(
      ["Math.add", "Math.Sum", "Math.lost", "Math.Shape"].map((name) => [name, "p/src/math.ts"])
    )
    const page = packagePage({ file: "p.md", name: "@assay/p", description: "Numbers.", exported })
    expect(page).toContain("## Math.add\n\nAdds: `Sum` of two.\n\n- *param* a the first\n\n```ts\nconst add: ")
  })
})

describe("a published name without a docstring", () => {
  const file = "packages/model/src/index.ts"

  it("is a finding, one of a private package isn't", () => {
    expect(findingsWith({ [file]: "import { Schema } from \"effect\"\nexport const n = Schema.Int\n" })).toEqual([
      `${file}:2 exports n without a docstring. Say in front of it what it is, in what shape and unit.`
    ])
  })

  it("is fine where another declaration of it has one", () => {
    const text =
      "import { Schema } from \"effect\"\n/** A number. */\nexport const n = Schema.Int\nexport type n = typeof n.Type\n"
    expect(findingsWith({ [file]: text })).toEqual([])
  })
})
