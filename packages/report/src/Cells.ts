/**
 * Text in terminal cells: what may reach a terminal, how wide it is there, and how it is cut and wrapped.
 *
 * Widths follow what terminals do, code point by code point (Markus Kuhn's wcwidth): East Asian wide and fullwidth
 * characters and emoji take two cells, combining marks none. Where terminals disagree (joined emoji, presentation
 * selectors), `visible` leaves only what they agree on.
 */

const codePoint = (character: string): number => character.codePointAt(0) ?? 0

const escape = (character: string): string => {
  const code = codePoint(character)
  const hex = code.toString(16)
  return code < 0x100 ? `\\x${hex.padStart(2, "0")}` : code < 0x1_0000 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`
}

/**
 * What a terminal must not get raw: controls, bidi overrides and other format characters, invisible characters, lone
 * surrogates, private and unassigned code points. Joiners inside words of scripts that need them pass (first group).
 */
const unsafe = /((?<=[\p{L}\p{M}])[\u200c\u200d](?=\p{L}))|[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

/** Marks piled on one character, which would run over the lines above and below. No script piles up more than six. */
const piledMarks = /(?<=\p{M}{6})\p{M}/gu

/**
 * A foreign text as it may stand in a terminal: whatever could move the cursor, reorder or hide is shown escaped
 * (`\x1b`, `\u202e`, `\u{e0001}`). With `ascii`, everything outside of ASCII is.
 */
export const visible = (text: string, ascii = false): string => {
  const safe = text
    .replace(/[\ufe0e\ufe0f]/g, "")
    .replace(unsafe, (character, joiner: string | undefined) => joiner ?? escape(character))
    .replace(piledMarks, escape)
  return ascii ? safe.replace(/[^\x20-\x7e]/gu, escape) : safe
}

const zeroWidth = /[\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7ff\u200c\u200d]/u

/** East Asian Width W or F (Unicode Standard Annex 11) beyond emoji; whole blocks where all or nearly all of a block is wide. */
const wide = new RegExp(
  [
    "[\\u1100-\\u115f\\u2329\\u232a\\u2630-\\u2637\\u268a-\\u268f\\u2e80-\\u303e\\u3041-\\u3247\\u3250-\\ua4cf",
    "\\ua960-\\ua97c\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe10-\\ufe19\\ufe30-\\ufe6b\\uff01-\\uff60\\uffe0-\\uffe6",
    "\\u{16fe0}-\\u{18dff}\\u{1aff0}-\\u{1b2ff}\\u{1d300}-\\u{1d376}\\u{1f200}-\\u{1f265}\\u{20000}-\\u{3fffd}]"
  ].join(""),
  "u"
)

/** A flag is a pair of these, one cell each. */
const regionalIndicator = /[\u{1f1e6}-\u{1f1ff}]/u

const widthOf = (character: string): number => {
  const code = codePoint(character)
  if (code < 0x300) return 1
  if (zeroWidth.test(character)) return 0
  if (regionalIndicator.test(character)) return 1
  return wide.test(character) || /\p{Emoji_Presentation}/u.test(character) ? 2 : 1
}

/** The cells that a text takes, of which `visible` has removed what moves the cursor. */
export const width = (text: string): number => {
  let cells = 0
  for (const character of text) cells += widthOf(character)
  return cells
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" })

/** The pieces that a text may be cut into: what a reader sees as one character, or code points where that is too wide. */
const pieces = (text: string): ReadonlyArray<string> =>
  Array.from(graphemes.segment(text), ({ segment }) => segment).flatMap((segment) =>
    width(segment) <= 4 ? [segment] : Array.from(segment)
  )

/** The longest beginning of the pieces that fits into so many cells. */
const take = (parts: ReadonlyArray<string>, cells: number): string => {
  let taken = ""
  let used = 0
  for (const part of parts) {
    used += width(part)
    if (used > cells) break
    taken += part
  }
  return taken
}

const takeEnd = (parts: ReadonlyArray<string>, cells: number): string => {
  let taken = ""
  let used = 0
  for (const part of parts.toReversed()) {
    used += width(part)
    if (used > cells) break
    taken = part + taken
  }
  return taken
}

/** A text in at most so many cells (≥ 3), the middle left out: names that differ mostly do so at their ends. */
export const shorten = (text: string, cells: number): string => {
  if (width(text) <= cells) return text
  const parts = pieces(text)
  const head = take(parts, Math.ceil((cells - 1) / 2))
  return `${head}…${takeEnd(parts, cells - 1 - width(head))}`
}

/** A text and spaces up to so many cells. */
export const padEnd = (text: string, cells: number): string => text + " ".repeat(Math.max(0, cells - width(text)))

/** Spaces and a text up to so many cells. */
export const padStart = (text: string, cells: number): string => " ".repeat(Math.max(0, cells - width(text))) + text

/** Spaces at which a line may end: not those inside of `9.9 %` and of `p = 0.02`. */
const breaks = /(?<!\bp [=<]) (?!(?<=\d )%|(?<=\bp )[=<] \d)/

/** A text in lines of at most so many cells (≥ 4), broken at spaces but those inside of a figure, and inside a word where that is longer than a line. */
export const wrap = (text: string, cells: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(breaks).filter((word) => word !== "")) {
    if (line !== "" && width(line) + 1 + width(word) <= cells) {
      line = `${line} ${word}`
      continue
    }
    if (line !== "") lines.push(line)
    line = ""
    for (const piece of width(word) > cells ? pieces(word) : [word]) {
      if (width(line) + width(piece) > cells) {
        lines.push(line)
        line = ""
      }
      line += piece
    }
  }
  return line === "" ? lines : [...lines, line]
}
