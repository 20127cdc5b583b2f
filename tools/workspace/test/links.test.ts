import { anchorsIn, brokenLinks, checkLinks, linksIn, show } from "@assay/workspace"
import { describe, expect, it } from "vitest"
import { withTree } from "./tree.ts"

const broken = (files: Readonly<Record<string, string>>) =>
  brokenLinks(
    new Map(Object.entries(files)),
    (path) => path === "." || Object.keys(files).some((file) => file === path || file.startsWith(`${path}/`))
  )
    .map(show)

describe("anchors of headings", () => {
  it("are lower case, without punctuation and code marks, with hyphens for spaces", () => {
    expect([...anchorsIn("# Which clock counts?\n## `assay.config.ts`\n### A [link](x.md) – and 2 more\n")]).toEqual([
      "which-clock-counts",
      "assayconfigts",
      "a-link--and-2-more"
    ])
  })

  it("get a number where a heading is there again, and none come from code", () => {
    expect([...anchorsIn("# One\n# One\n```sh\n# Not one\n```\n# One\n")]).toEqual(["one", "one-1", "one-2"])
  })
})

describe("links", () => {
  it("are found with their lines, also several on one and those of images, but not in code", () => {
    const text = "[a](a.md) and [b](<b.md> \"B\")\n\n`[c](c.md)`\n```\n[d](d.md)\n```\n![e](e.png)"
    expect(linksIn(text)).toEqual([
      { target: "a.md", line: 1 },
      { target: "b.md", line: 1 },
      { target: "e.png", line: 7 }
    ])
  })

  it("to files, folders and headings that are there are no findings, nor are those to the web", () => {
    expect(broken({
      "README.md":
        "[d](docs/d.md#a-heading) [p](packages/p) [s](#here) [w](https://example.com/x#y) [m](mailto:a@example.com)\n# Here",
      "docs/d.md": "# A heading\n[up](../README.md) [root](..)",
      "packages/p/README.md": "[d](../../docs/d.md)"
    })).toEqual([])
  })

  it("to what isn't there are told with file and line", () => {
    expect(broken({
      "README.md": "# Here\n[a](docs/e.md)\n[b](docs/d.md#nothing) [c](#there)",
      "docs/d.md": "[out](../../elsewhere.md)"
    })).toEqual([
      "README.md:2 links to docs/e.md, but there is no docs/e.md.",
      "README.md:3 links to docs/d.md#nothing, but docs/d.md has no heading with the anchor nothing.",
      "README.md:3 links to #there, but README.md has no heading with the anchor there.",
      "docs/d.md:1 links to ../../elsewhere.md, but there is no ../elsewhere.md."
    ])
  })

  it("are looked for in every text of a repository but those of others", () => {
    const tree = {
      "README.md": "[a](a.md)",
      "packages/p/README.md": "[b](b.md)",
      "node_modules/x/README.md": "[c](c.md)"
    }
    expect(withTree(tree, checkLinks).map(({ file }) => file)).toEqual(["README.md", "packages/p/README.md"])
  })
})
