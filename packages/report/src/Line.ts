/** Lines of a report before they become text: spans with a meaning, which colour may underline but never carries alone. */
import * as Cells from "./Cells.ts"

export type Style = "plain" | "strong" | "dim" | "good" | "bad" | "warning" | "alarm"

export interface Span {
  readonly text: string
  readonly style: Style
}

export type Line = ReadonlyArray<Span>

export const span = (text: string, style: Style = "plain"): Span => ({ text, style })

export const blank: Line = []

/** Text wrapped to so many cells, every line after the first indented; `lead` stands before the first one's text. */
export const paragraph = (
  text: string,
  width: number,
  options: { readonly style?: Style; readonly lead?: Span; readonly indent?: number } = {}
): ReadonlyArray<Line> => {
  const { style = "plain", lead = span(""), indent = Cells.width(lead.text) } = options
  return Cells.wrap(text, width - indent).map((part, i) =>
    i === 0 ? [span(Cells.padEnd(lead.text, indent), lead.style), span(part, style)] : [
      span(" ".repeat(indent)),
      span(part, style)
    ]
  )
}

/** Select Graphic Rendition parameters (ECMA-48, 8.3.117). */
const sgr: Readonly<Record<Exclude<Style, "plain">, string>> = {
  strong: "1",
  dim: "2",
  good: "32",
  bad: "31",
  warning: "33",
  alarm: "1;31"
}

const trimEnd = (line: Line): Line => {
  const last = line.at(-1)
  if (last === undefined) return line
  const text = last.text.trimEnd()
  return text === "" ? trimEnd(line.slice(0, -1)) : [...line.slice(0, -1), span(text, last.style)]
}

const paint = (line: Line): string =>
  line
    .map((
      { text, style }
    ) => (style === "plain" || text.trim() === "" ? text : `\u001b[${sgr[style]}m${text}\u001b[0m`))
    .join("")

/** Lines as one text, with colour or without. The text is the same but for the escape sequences. */
export const render = (lines: ReadonlyArray<Line>, color: boolean): string =>
  lines
    .map((line) => trimEnd(line))
    .map((line) => (color ? paint(line) : line.map(({ text }) => text).join("")))
    .join("\n")
