/** The terminal that a text is for: how wide it is, and what it can show. */

/** What the terminal can show. */
export interface ScorecardOptions {
  /** Columns of the terminal. Fewer than 60 are taken as 60; tables grow to 120, sentences to 100. */
  readonly width: number
  /** Whether to use colour (SGR sequences). It repeats what the words say. */
  readonly color: boolean
  /** Whether to keep to ASCII, for terminals without UTF-8. Names are then escaped beyond it. */
  readonly ascii?: boolean
  /** The time of reading (ISO 8601), from which the age of the data follows; without it no age is shown. */
  readonly now?: string
}

const leastWidth = 60

const columnsOf = (
  width: number
): number => (Number.isFinite(width) ? Math.max(leastWidth, Math.floor(width)) : leastWidth)

/** How wide a table gets in so many columns. */
export const tableWidth = (columns: number): number => Math.min(columnsOf(columns), 120)

/** How wide a sentence gets in so many columns. */
export const textWidth = (columns: number): number => Math.min(columnsOf(columns), 100)

/** Our own glyphs in ASCII, one for one, so that the layout is the same. */
const asciiGlyphs: Readonly<Record<string, string>> = {
  "−": "-",
  "–": "-",
  "─": "-",
  "·": "|",
  "…": "~",
  "├": "[",
  "┤": "]",
  "●": "o",
  "┼": "+",
  "┆": ":",
  "◄": "<",
  "►": ">"
}

/** A text whose own glyphs are replaced by ASCII ones. */
export const toAscii = (text: string): string => text.replace(/\P{ASCII}/gu, (glyph) => asciiGlyphs[glyph] ?? "?")
