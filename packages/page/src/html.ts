/** Markup as a tree of elements: text in it is text, whatever it holds, because only the renderer writes markup. */
import { type ComponentChildren, Fragment, h, type VNode } from "preact"
import { render } from "preact-render-to-string"

/** What may stand inside of an element. */
export type Content = ComponentChildren

/** The attributes of an element, named as HTML names them. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/** An element: its name, its attributes, and what is in it. */
export const el = (name: string, attributes: Attributes = {}, ...content: ReadonlyArray<Content>): VNode =>
  h(name, attributes, ...content)

/** An element whose content is markup that this package made itself: a chart, a stylesheet, a script. Never foreign text. */
export const trusted = (name: string, attributes: Attributes, markup: string): VNode =>
  h(name, { ...attributes, dangerouslySetInnerHTML: { __html: markup } })

/** Elements as text. */
export const fragment = (elements: ReadonlyArray<VNode>): string => render(h(Fragment, {}, ...elements))

/** The document as text. */
export const write = (root: VNode): string => `<!doctype html>\n${render(root)}\n`
