/** A tutorial as steps: its code blocks, in order. */

/** What a reader does, and what comes of it. */
export type Step =
  /** Commands, as they are typed. */
  | { readonly kind: "run"; readonly commands: string }
  /** A file, whose name is the comment on the first line of its block. */
  | { readonly kind: "write"; readonly file: string; readonly text: string }
  /** Lines of a file that are there, and what becomes of them. */
  | { readonly kind: "edit"; readonly file: string; readonly before: string; readonly after: string }
  /** What the commands before print; `…` stands for anything, and a line of it for any lines. */
  | { readonly kind: "see"; readonly lines: ReadonlyArray<string> }

/**
 * The steps below a heading of a Markdown page: `sh` blocks are commands, `text` blocks what they print, `diff` blocks edits, all others files.
 *
 * @throws RangeError where there is no such heading, or a file's block doesn't begin with a comment that names it
 */
export const steps = (page: string, heading: string): ReadonlyArray<Step> => {
  const start = page.indexOf(`\n## ${heading}\n`)
  if (start < 0) throw new RangeError(`There is no heading "${heading}"`)
  const end = page.indexOf("\n## ", start + 1)
  const section = page.slice(start, end < 0 ? undefined : end)
  return [...section.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, block = ""]): Step => {
    if (language === "sh") return { kind: "run", commands: block }
    if (language === "text") return { kind: "see", lines: block.split("\n").filter((line) => line !== "") }
    const [, file] = /^(?:\/\/|#) (\S+)\n/.exec(block) ?? []
    if (file === undefined) throw new RangeError(`A block doesn't name its file: ${block.split("\n")[0] ?? ""}`)
    const text = block.slice(block.indexOf("\n") + 1)
    return language === "diff"
      ? { kind: "edit", file, before: side(text, "+"), after: side(text, "-") }
      : { kind: "write", file, text }
  })
}

/** One side of a diff: the lines without those that only the other side has. */
const side = (diff: string, other: "+" | "-"): string =>
  diff.split(/(?<=\n)/).filter((line) => !line.startsWith(other)).map((line) => line.slice(1)).join("")

/**
 * A text after an edit.
 *
 * @throws RangeError unless the lines before it are there once
 */
export const edited = (text: string, { after, before, file }: Step & { readonly kind: "edit" }): string => {
  if (text.split(before).length !== 2) throw new RangeError(`${file} doesn't have once:\n${before}`)
  return text.replace(before, () => after)
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** The lines that aren't to be seen in what was printed, in their order. */
export const unseen = (lines: ReadonlyArray<string>, printed: string): ReadonlyArray<string> => {
  const rest = printed.split("\n").map((line) => line.trimEnd())
  return lines.filter((line) => {
    if (line.trim() === "…") return false
    const pattern = new RegExp(`^\\s*${line.trim().split("…").map(escaped).join(".*")}$`)
    const found = rest.findIndex((one) => pattern.test(one))
    if (found >= 0) rest.splice(0, found + 1)
    return found < 0
  })
}
