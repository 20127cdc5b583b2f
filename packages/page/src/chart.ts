/** Charts as SVG text, drawn by Observable Plot in a document without a browser. */
import * as Plot from "@observablehq/plot"
import { parseHTML } from "linkedom"

const { document } = parseHTML("<html></html>")

/**
 * A chart. Colours are variables of the stylesheet (`var(--ink)`), so that it follows dark and light. Plot's own style element is left
 * out, because the page's policy allows none: its rules stand in the stylesheet. Foreign text never goes into a chart.
 */
export const draw = (options: Plot.PlotOptions): string => {
  const figure = Plot.plot({ ...options, document })
  figure.querySelector("style")?.remove()
  figure.setAttribute("class", "plot")
  figure.setAttribute("aria-hidden", "true")
  figure.setAttribute("focusable", "false")
  // Coordinates to a tenth of a pixel: a page of a hundred metrics is a third shorter.
  return figure.outerHTML.replace(/-?\d+\.\d{2,}/g, (number) => String(Math.round(Number(number) * 10) / 10))
}
