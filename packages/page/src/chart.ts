/** Charts as SVG text, drawn by Observable Plot in a document without a browser. */
import * as Plot from "@observablehq/plot"
import { SvgDocument, type SvgElement } from "./svgDocument.ts"

const document = new SvgDocument()

/** Coordinates to a tenth of a pixel: a page of a hundred metrics is a third shorter. An opacity is no coordinate. */
export const rounded = (markup: string): string =>
  markup.replace(/(?<!opacity="\d*)-?\d+\.\d{2,}/g, (number) => String(Math.round(Number(number) * 10) / 10))

/** A drawing as elements. */
export const plot = (options: Plot.PlotOptions): SvgElement =>
  Plot.plot({ ...options, document: document as unknown as Document }) as unknown as SvgElement

/**
 * A chart. Colours are variables of the stylesheet (`var(--ink)`), so that it follows dark and light. Plot's own style element is left
 * out, because the page's policy allows none: its rules stand in the stylesheet. Foreign text never goes into a chart.
 */
export const draw = (options: Plot.PlotOptions): string => {
  const figure = plot(options)
  figure.children.find(({ localName }) => localName === "style")?.remove()
  figure.setAttribute("class", "plot")
  figure.setAttribute("aria-hidden", "true")
  figure.setAttribute("focusable", "false")
  return rounded(figure.outerHTML)
}
