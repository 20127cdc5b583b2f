/** Links of the documentation that lead into the repository: whether what they name is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, posix, relative, sep } from "node:path"
import type { Finding } from "./Finding.ts"

/** Folders whose texts aren't the repository's own; those whose name begins with a dot aren't either. */
const foreign = new Set(["node_modules", "dist"])

/** Every Markdown file below a folder, by its path from there. */
export const markdownIn = (root: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && !foreign.has(entry.name) && !entry.name.startsWith(".")) visit(path)
      if (entry.isFile() && entry.name.endsWith(".md")) {
        found.set(relative(root, path).split(sep).join("/"), readFileSync(path, "utf8"))
      }
    }
  }
  visit(root)
  return found
}

/** The lines of a text; those of code blocks are empty. */
const prose = (text: string): ReadonlyArray<string> => {
  let fence: string | undefined
  return text.split("\n").map((line) => {
    const [, mark] = /^\s*(`{3,}|~{3,})/.exec(line) ?? []
    if (fence === undefined) {
      if (mark === undefined) return line
      fence = mark
      return ""
    }
    if (mark !== undefined && mark.startsWith(fence) && line.trim() === mark) fence = undefined
    return ""
  })
}

/**
 * The anchors of a text's headings, as GitHub and npm make them: lower case, without punctuation, spaces as hyphens, and a number where a heading
 * is there again.
 */
export const anchorsIn = (text: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  for (const line of prose(text)) {
    const [, title] = /^#{1,6}\s+(.+?)\s*#*$/.exec(line) ?? []
    if (title === undefined) continue
    const plain = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    const anchor = plain.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(/\s/g, "-")
    let unique = anchor
    for (let i = 1; anchors.has(unique); i++) unique = `${anchor}-${i}`
    anchors.add(unique)
  }
  return anchors
}

/** What a text links to, and on which line; images are links, too. What stands in code isn't. */
export const linksIn = (text: string): ReadonlyArray<{ readonly target: string; readonly line: number }> =>
  prose(text).flatMap((line, i) =>
    [...line.replaceAll(/`[^`]*`/g, "").matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)].map((
      [, target = ""]
    ) => ({
      target,
      line: i + 1
    }))
  )

/** Links to another place of the web, or of a mail. */
const leadsAway = /^([a-z][a-z0-9+.-]*:|\/\/)/i

/**
 * Links that name a file, folder or heading that isn't there.
 *
 * @param files every Markdown file by its path from the root
 * @param exists whether a path from the root is there
 */
export const brokenLinks = (
  files: ReadonlyMap<string, string>,
  exists: (path: string) => boolean
): ReadonlyArray<Finding> =>
  [...files].flatMap(([file, text]) =>
    linksIn(text).flatMap(({ line, target }): ReadonlyArray<Finding> => {
      if (leadsAway.test(target)) return []
      const [path = "", anchor] = decodeURIComponent(target).split("#")
      const named = path === "" ? file : posix.normalize(posix.join(posix.dirname(file), path)).replace(/\/$/, "")
      if (named.startsWith("..") || !exists(named)) {
        return [{ file, line, message: `links to ${target}, but there is no ${named}.` }]
      }
      const linked = files.get(named)
      if (anchor === undefined || linked === undefined || anchorsIn(linked).has(anchor)) return []
      return [{ file, line, message: `links to ${target}, but ${named} has no heading with the anchor ${anchor}.` }]
    })
  )

/** The broken links of a repository. */
export const checkLinks = (root: string): ReadonlyArray<Finding> =>
  brokenLinks(markdownIn(root), (path) => existsSync(join(root, path)))
