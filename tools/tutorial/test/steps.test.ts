import { describe, expect, it } from "vitest"
import { edited, steps, unseen } from "../src/index.ts"

const page = `# Page

## First

\`\`\`sh
cd elsewhere
\`\`\`

## Tutorial

Type this:

\`\`\`sh
npm test
\`\`\`

\`\`\`text
10 passed
…
bye
\`\`\`

\`\`\`ts
// src/index.ts
export const one = 1
\`\`\`

\`\`\`diff
# notes.md
 kept
-gone
+new
\`\`\`

## Last
`

describe("steps", () => {
  it("are the blocks below one heading", () => {
    expect(steps(page, "Tutorial")).toEqual([
      { kind: "run", commands: "npm test\n" },
      { kind: "see", lines: ["10 passed", "…", "bye"] },
      { kind: "write", file: "src/index.ts", text: "export const one = 1\n" },
      { kind: "edit", file: "notes.md", before: "kept\ngone\n", after: "kept\nnew\n" }
    ])
    expect(steps(page, "Last")).toEqual([])
  })

  it("take a heading that is there, and blocks that name their files", () => {
    expect(() => steps(page, "Missing")).toThrow(/no heading "Missing"/)
    expect(() => steps("\n## A\n```ts\nconst a = 1\n```\n", "A")).toThrow(/doesn't name its file: const a = 1/)
  })
})

describe("an edit", () => {
  const edit = { kind: "edit", file: "a.ts", before: "b\n", after: "$&c\n" } as const

  it("changes the lines that are there once", () => {
    expect(edited("a\nb\nd\n", edit)).toBe("a\n$&c\nd\n")
  })

  it("is refused where they aren't, or more than once", () => {
    expect(() => edited("a\n", edit)).toThrow(/a\.ts doesn't have once:\nb/)
    expect(() => edited("b\nb\n", edit)).toThrow(/doesn't have once/)
  })
})

describe("what was printed", () => {
  it("has the lines in their order, with … for anything", () => {
    expect(unseen(["a…d", "…", "f"], "  a b c d\ne\nf  \n")).toEqual([])
    expect(unseen(["f", "a…d"], "a b c d\ne\nf\n")).toEqual(["a…d"])
    expect(unseen(["a"], "ab\n")).toEqual(["a"])
  })
})
