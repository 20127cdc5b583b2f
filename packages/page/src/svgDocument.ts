/**
 * As much of a document as drawing takes: elements with attributes, text, and their order. A whole DOM costs more than the drawing.
 */

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;" }
const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => escapes[c]!)

/** A node: text, or an element. */
interface Node {
  parentNode: SvgElement | null
  readonly outerHTML: string
}

class SvgText implements Node {
  parentNode: SvgElement | null = null
  readonly data: string
  constructor(data: string) {
    this.data = data
  }
  get outerHTML(): string {
    return escaped(this.data)
  }
}

/** An element of a drawing, with the part of its DOM interface that d3-selection and Plot use. */
export class SvgElement implements Node {
  parentNode: SvgElement | null = null
  readonly ownerDocument: SvgDocument
  readonly localName: string
  readonly namespaceURI = "http://www.w3.org/2000/svg"
  readonly #attributes = new Map<string, string>()
  readonly #nodes: Array<Node> = []

  constructor(ownerDocument: SvgDocument, localName: string) {
    this.ownerDocument = ownerDocument
    this.localName = localName
  }

  get children(): ReadonlyArray<SvgElement> {
    return this.#nodes.filter((node) => node instanceof SvgElement)
  }

  get outerHTML(): string {
    const attributes = [...this.#attributes].map(([name, value]) => ` ${name}="${escaped(value)}"`).join("")
    return this.#nodes.length === 0
      ? `<${this.localName}${attributes}/>`
      : `<${this.localName}${attributes}>${this.#nodes.map(({ outerHTML }) => outerHTML).join("")}</${this.localName}>`
  }

  set textContent(text: string) {
    this.#nodes.length = 0
    if (text !== "") this.appendChild(new SvgText(text))
  }

  getAttribute(name: string): string | null {
    return this.#attributes.get(name) ?? null
  }

  setAttribute(name: string, value: unknown): void {
    this.#attributes.set(name, String(value))
  }

  setAttributeNS(_: string, name: string, value: unknown): void {
    this.setAttribute(name, value)
  }

  removeAttribute(name: string): void {
    this.#attributes.delete(name)
  }

  appendChild<A extends Node>(node: A): A {
    return this.insertBefore(node, null)
  }

  append(...nodes: ReadonlyArray<Node | string>): void {
    for (const node of nodes) this.appendChild(typeof node === "string" ? new SvgText(node) : node)
  }

  insertBefore<A extends Node>(node: A, before: Node | null): A {
    node.parentNode?.removeChild(node)
    node.parentNode = this
    this.#nodes.splice(before === null ? this.#nodes.length : this.#nodes.indexOf(before), 0, node)
    return node
  }

  removeChild(node: Node): void {
    this.#nodes.splice(this.#nodes.indexOf(node), 1)
    node.parentNode = null
  }

  remove(): void {
    this.parentNode?.removeChild(this)
  }
}

/** Makes elements of drawings. */
export class SvgDocument {
  readonly documentElement: SvgElement = new SvgElement(this, "svg")

  createElementNS(_: string, name: string): SvgElement {
    return new SvgElement(this, name)
  }

  createElement(name: string): SvgElement {
    return new SvgElement(this, name)
  }

  createTextNode(text: string): SvgText {
    return new SvgText(text)
  }
}
