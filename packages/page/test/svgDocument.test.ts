import { parseHTML } from "linkedom"
import { describe, expect, it } from "vitest"
import { SvgDocument } from "../src/svgDocument.ts"

describe("a document for drawings", () => {
  const document = new SvgDocument()

  it("writes what another DOM reads back: names, attributes and text, whatever they hold", () => {
    const svg = document.createElementNS("", "svg")
    svg.setAttribute("class", "a\"b<&>")
    const text = svg.appendChild(document.createElementNS("", "text"))
    text.textContent = "<script>&amp;\"</script>"
    svg.append("tail", document.createElementNS("", "path"))
    const read = parseHTML(`<body>${svg.outerHTML}</body>`).document.querySelector("svg")!
    expect(read.getAttribute("class")).toBe("a\"b<&>")
    expect(read.querySelector("text")!.textContent).toBe("<script>&amp;\"</script>")
    expect([...read.childNodes].map(({ nodeName }) => nodeName.toLowerCase())).toEqual(["text", "#text", "path"])
    expect(read.querySelectorAll("script").length).toBe(0)
  })

  it("keeps the order in which elements are put, moved and taken away", () => {
    const parent = document.createElement("g")
    const [a, b, c] = ["a", "b", "c"].map((name) => parent.appendChild(document.createElement(name)))
    parent.insertBefore(c!, a!)
    b!.remove()
    expect(parent.outerHTML).toBe("<g><c/><a/></g>")
    expect(b!.parentNode).toBeNull()
    a!.textContent = "x"
    a!.textContent = ""
    expect(parent.children.map(({ localName }) => localName)).toEqual(["c", "a"])
  })
})
